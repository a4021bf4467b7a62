"""What `explain` returns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from undula.data import OutputFolder, write_arrays
from undula.jobs.explain.figures import draw_explanation
from undula.show import save_picture

_HOT = 0.5  # of the heat map: beyond it lies what a reader sees as bright


@dataclass(frozen=True)
class Explanation:
    """Maps of what a network looks at. Arrays are of the kind of the images: tensors, or NumPy arrays.

    Attributes:
        images: What was explained: (h, w), (c, h, w) or (b, c, h, w).
        maps: Heat maps in [0, 1], (h, w) or (b, h, w), with an axis of bands before the last two where there are several
            targets. Positive parts only, each stretched for itself: neither signs nor strengths can be compared.
        raw: Signed maps of the same shape, in units of the target: these compare, and those of "hirescam", "grad",
            "xgrad" and "integrated" add up over bands.
        shown: What the figures show: `maps`, or the values of them that `keep` kept.
        bands: Short names of the targets, where there are several; else empty.
        layers: Names of the layers; empty for maps of the input.
        method: The method.
        targets: The targets in words, one per band; empty words where none enters.
        sign: What positive means.
        values: The target at every image (b) or (b, bands), without the first axis for one image; None where none enters.
        residual: "kpca": residual of the eigenpair; "integrated": by how much a map fails to add up. Shaped as `values`.
        notes: Sentences on how to read the maps: the layer that was chosen, the sign, what does not enter.
        advice: What to try where something went wrong; else empty.
        arguments: What `explain` was called with, in plain values.
        seconds: Wall time of the call.
    """

    images: Any
    maps: Any
    raw: Any
    shown: Any
    bands: tuple[str, ...]
    layers: tuple[str, ...]
    method: str
    targets: tuple[str, ...]
    sign: str
    values: Any
    residual: Any
    notes: tuple[str, ...]
    advice: str = ""
    arguments: Any = None
    seconds: float = 0.0

    def items(self) -> Iterator["Explanation"]:
        """The images one by one, as NumPy arrays: images (c, h, w), maps (h, w) or (bands, h, w)."""
        batch = self.images.ndim == 4
        fields = {name: _array(getattr(self, name)) for name in ("images", *_MAPS)}
        if self.images.ndim == 2:
            fields["images"] = fields["images"][None]
        for index in range(len(self.images)) if batch else [None]:
            own: dict[str, Any] = {
                name: value if value is None or index is None else value[index] for name, value in fields.items()
            }
            yield replace(self, **own)

    def figure(self, item: int = 0, *, title: str = "") -> Image.Image:
        """Draw the image, its map, and the map laid over it; of several bands the signed map of each.

        Args:
            item: Number of the image.
            title: Line above the figure.

        Returns:
            The figure, 1440 pixels wide.
        """
        return draw_explanation(list(self.items())[item], title=title)

    def save(self, folder: str | Path) -> Path:
        """Write a figure and the arrays of every image, and `run.json`.

        Args:
            folder: Created if it does not exist.

        Returns:
            The folder.

        Raises:
            DataError: The folder or a file cannot be written.
        """
        out = OutputFolder(folder, arguments=self.arguments or {})
        for number, item in enumerate(self.items()):
            name = f"explain-{number:05d}"
            out.finish(name, describe(item), write_explanation(out, name, item))
        out.write_run({"items": out.records(), "seconds": self.seconds})
        return out.folder


_MAPS = ("maps", "raw", "shown", "values", "residual")


def write_explanation(out: OutputFolder, name: str, item: Explanation, *, title: str = "") -> list[str]:
    """Write the figure and the arrays of one image.

    Args:
        out: Where to.
        name: Stem of the files.
        item: One of `Explanation.items`.
        title: Line above the figure.

    Returns:
        Names of the files.
    """
    arrays: Mapping[str, NDArray[Any]] = {
        name: np.asarray(value) for name in ("images", *_MAPS) if (value := getattr(item, name)) is not None
    }
    write_arrays(out.path(f"{name}.npz"), arrays)
    save_picture(out.path(f"{name}.png"), draw_explanation(item, title=title or name))
    return [f"{name}.npz", f"{name}.png"]


def describe(item: Explanation) -> dict[str, Any]:
    """What is to be known of one image in a record and a table."""
    known: dict[str, Any] = {
        "shape": [int(side) for side in item.images.shape],
        "method": item.method,
        "layers": list(item.layers),
        "targets": list(item.targets),
        "values": None if item.values is None else np.asarray(item.values, dtype=np.float64).tolist(),
        "sign": item.sign,
        "notes": list(item.notes),
        "advice": item.advice,
    }
    if item.bands:
        return known | {
            "bands": list(item.bands),
            "sums": np.asarray(item.raw, dtype=np.float64).sum((-2, -1)).tolist(),
        }
    return known | {"hot": float((item.shown > _HOT).mean())}


def _array(value: Any) -> Any:
    return None if value is None else np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
