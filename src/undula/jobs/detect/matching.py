"""Pictures of all classes cut to one size and compressed alike, so that neither tells them apart."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Shaped
from PIL import Image
from torch import Tensor

from undula.data.corruptions import compressed
from undula.data.draws import uniform
from undula.errors import DataError, OptionError
from undula.jobs.detect.file_facts import FileFacts, file_facts
from undula.jobs.detect.reading import Picture, Source

_QUALITY = 75
_SMALLEST = 16


@dataclass(frozen=True, kw_only=True)
class Match:
    """How every picture is made like all others: a square at a random place, then JPEG of one quality, 4:2:0.

    The random place also moves the grid of an earlier JPEG to a random place.

    Attributes:
        side: Side of the square in pixels.
        quality: Quality of the JPEG, 1 … 100.
        seed: Seed of the places.

    Raises:
        OptionError: A number makes no sense.
    """

    side: int
    quality: int = _QUALITY
    seed: int = 0

    def __post_init__(self) -> None:
        if self.side < _SMALLEST or not 1 <= self.quality <= 100:
            raise OptionError(
                f"got side={self.side} and quality={self.quality}, expected at least {_SMALLEST} pixels and a quality of "
                "1 to 100: leave small pictures out"
            )

    def __call__(self, pixels: Shaped[Tensor, "3 h w"], number: int) -> Shaped[Tensor, "3 side side"]:
        """Cut and compress.

        Args:
            pixels: A picture in bytes, or floats in [0, 1], no side shorter than the square.
            number: Decides the place; in training the number of the picture, in scoring always 0.

        Returns:
            Bytes (3, side, side).

        Raises:
            DataError: The picture is too small.
        """
        height, width = pixels.shape[-2:]
        if min(height, width) < self.side:
            raise DataError(
                f"got {height} × {width} pixels, expected no side below {self.side}, the size of all after matching"
            )
        seed, counter = torch.tensor([self.seed]), torch.tensor([number])
        share = uniform(seed, counter, (2,), dtype=torch.float64)[0]
        top, left = (share * torch.tensor([height - self.side + 1, width - self.side + 1])).long().tolist()
        square = pixels[:, top : top + self.side, left : left + self.side]
        if square.is_floating_point():
            square = (square * 255).round().clamp(0, 255).to(torch.uint8)
        return compressed(square[None], torch.tensor([self.quality]))[0]

    def picture(self, picture: Picture, number: int) -> Picture:
        """Cut and compress what was read.

        Args:
            picture: A picture; one that could not be read stays as it is.
            number: Decides the place.

        Returns:
            The picture, with a note where it is too small.
        """
        if picture.pixels is None:
            return picture
        try:
            return replace(picture, pixels=self(picture.pixels, number))
        except DataError as error:
            return replace(picture, pixels=None, note=str(error))

    def facts(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)


def match_for(classes: Sequence[Iterable[Source]], *, seed: int = 0) -> Match:
    """The square that fits into all pictures, and the lowest quality among them, at most 75.

    Args:
        classes: Pictures of every class; only their headers are read.
        seed: Seed of the places.

    Returns:
        How to match them.
    """
    known = [facts for one in classes for source in one if (facts := header_facts(source)) is not None]
    if not known:
        raise DataError("got no picture that can be read, expected some of each class to match")
    sides = sorted(min(facts.width, facts.height) for facts in known)
    qualities = [facts.jpeg_quality for facts in known if facts.jpeg_quality is not None]
    return Match(side=min(sides), quality=max(1, min([_QUALITY, *qualities])), seed=seed)


def header_facts(source: Source) -> FileFacts | None:
    """What a file is, from its header.

    Args:
        source: A picture.

    Returns:
        The facts; None where it cannot be read, of which whoever reads the pixels says why.
    """
    if isinstance(source.held, Tensor):
        return FileFacts("tensor", source.held.shape[-1], source.held.shape[-2], "RGB")
    try:
        content = source.held.read() if source.held else None
        with Image.open(io.BytesIO(content) if content is not None else Path(source.name)) as image:
            return file_facts(image)
    except Exception:  # whoever reads the pixels says why
        return None
