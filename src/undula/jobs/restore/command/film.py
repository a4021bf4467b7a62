"""The film of the descent: what the seed's method makes of a picture, step by step."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from undula.jobs.restore.descent import STEPS, roughness
from undula.metrics import psnr
from undula.show import animate_sheet, write_gif

_FRAMES = 44
_SIDE = 400  # most pixels of a side: noise does not compress, the film of the sample takes 1.2 MB
WHOLE = 2**20  # pixels up to which a picture is done as a whole
PART = 512  # side of the part of larger ones


class Film:
    """Takes pictures from the callback of `undula.restore(…, method="descent")`.

    Args:
        start: The damaged picture.
        original: What it was, where that is known.
    """

    def __init__(self, start: Float[Tensor, "c h w"], original: Float[Tensor, "c h w"] | None) -> None:
        self.original = None if original is None else original.cpu()
        self.shape = tuple(start.shape)
        self.steps: list[int] = []
        self.captions: list[str] = []
        self._frames: list[Tensor] = []
        self._moments = {0, *np.unique(np.geomspace(1, STEPS, _FRAMES).round().astype(int)).tolist()}
        self.take(0, {"image": start})

    def take(self, step: int, told: dict[str, Any]) -> None:
        """Take a picture if it is time.

        Args:
            step: Steps done.
            told: What the method tells: "image", of the picture's shape.
        """
        image = told.get("image")
        if step not in self._moments or image is None or tuple(image.shape) != self.shape:
            return
        picture = image.detach().cpu().nan_to_num(0.0).clamp(0, 1)
        words = [f"step {step} of {STEPS}", f"roughness {float(roughness(picture).sum()):.0f}"]
        if self.original is not None:
            words.append(f"{float(psnr(picture, self.original.to(picture), dims=3)):.2f} dB")
        self.steps.append(step)
        self.captions.append("  ·  ".join(words))
        self._frames.append(picture[(slice(None), *middle(picture.shape[1], picture.shape[2], _SIDE))].float())

    @property
    def shown(self) -> list[int]:
        """Height and width of what is to be seen."""
        return list(self._frames[0].shape[1:])

    def write(self, path: Path, *, title: str) -> None:
        """Write the film as an animated GIF.

        Args:
            path: The file.
            title: Line above.
        """
        moments = torch.stack(self._frames)
        colors = moments if moments.shape[1] in (1, 3) else moments.mean(1, keepdim=True)
        scale = max(1, 288 // max(colors.shape[-2:]))
        frames = animate_sheet(
            colors[:, None].expand(-1, 1, 3, -1, -1), title=title, captions=self.captions, scale=scale
        )
        write_gif(path, frames, seconds=5.0, hold=2.5)


def middle(height: int, width: int, side: int) -> tuple[slice, slice]:
    """The middle of a picture, not above `side` pixels high and wide.

    Args:
        height: Height of the picture.
        width: Width of the picture.
        side: Most pixels.

    Example:
        >>> middle(600, 100, 512)
        (slice(44, 556, None), slice(0, 100, None))
    """
    cuts = [(max(0, (length - side) // 2), min(length, side)) for length in (height, width)]
    down, across = (slice(first, first + count) for first, count in cuts)
    return down, across
