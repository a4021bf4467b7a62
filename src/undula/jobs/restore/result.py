"""What `restore` gives back."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from undula.data import write_image
from undula.data.atomic import atomic_text, make_folder
from undula.data.plain import json_text
from undula.errors import ShapeError


@dataclass(frozen=True)
class Search:
    """How well a search for corrupted pixels is likely to have done, from the chances that it gave them.

    Attributes:
        precision: Share of the values taken for corrupted that are.
        recall: Share of the corrupted values that were taken for such.
    """

    precision: float
    recall: float


@dataclass(frozen=True)
class Restoration:
    """Restored images, and how far they can be trusted.

    Attributes:
        image: The images, in the shape, type and kind in which they came. Known pixels are as they were, unless they were
            said to be noisy.
        missing: True where a pixel was not trusted, as said or as found, in the images' shape.
        interval: Half width of the interval that holds at least nine of ten true values, in image units, 0 at known pixels;
            None where the method gives none.
        search: How well the missing pixels are likely to have been found; None where they were said.
        share: Share of missing pixels of each image.
        history: What happened on the way, one record per look: "step", and "roughness" for the seed's method.
        advice: What to know of the images; empty where there is nothing.
    """

    image: Any
    missing: Any
    interval: Any
    search: Search | None
    share: tuple[float, ...]
    history: tuple[dict[str, Any], ...]
    advice: tuple[str, ...]

    def save(self, folder: str | Path) -> Path:
        """Write every image as a PNG file, the missing pixels beside it in white, and `run.json`.

        Args:
            folder: The folder; it is made if it is not there.

        Returns:
            The folder.

        Raises:
            ShapeError: The images are volumes, or have another number of channels than 1, 3 and 4.
            DataError: It cannot be written.
        """
        path = make_folder(folder)
        pictures, lost = _pictures(self.image), _pictures(self.missing)
        for place, (picture, gone) in enumerate(zip(pictures, lost, strict=True)):
            stem = "restored" if len(pictures) == 1 else f"restored-{place:04d}"
            write_image(path / f"{stem}.png", picture.float().clamp(0, 1))
            write_image(path / f"{stem}-missing.png", gone.any(0, keepdim=True).float())
        known = {
            "search": None if self.search is None else asdict(self.search),
            "share": list(self.share),
            "history": list(self.history),
            "advice": list(self.advice),
        }
        atomic_text(path / "run.json", json_text(known))
        return path


def _pictures(values: Any) -> Tensor:
    """Values as pictures (n, c, h, w)."""
    tensor = torch.from_numpy(np.ascontiguousarray(values)) if isinstance(values, np.ndarray) else values
    shaped: Tensor = tensor.cpu().reshape(-1, *tensor.shape[-3:]) if tensor.ndim > 2 else tensor.cpu()[None, None]
    if shaped.shape[1] not in (1, 3, 4):
        raise ShapeError(
            f"got images of shape {tuple(tensor.shape)}, expected 1, 3 or 4 channels: save them one by one"
        )
    return shaped
