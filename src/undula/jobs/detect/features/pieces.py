"""Crops of pictures of any size as they are: what a convolutional network sees."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil, sqrt
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import DataError, OptionError

_LARGEST, _SMALLEST = 64, 16
_STEP = 16  # sides are multiples of it, for packets of level 4 at most
_MOST = 16


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A map from pictures to squares that cover them evenly; nothing is resized.

    Attributes:
        side: Side of the squares in pixels.
        most: Most squares of a picture; those of a large one leave gaps.
        mirrored: Whether each square comes from left to right too.

    Raises:
        OptionError: A number makes no sense.

    Example:
        >>> Pieces(side=32)(torch.rand(2, 3, 32, 50)).shape
        torch.Size([2, 2, 3, 32, 32])
    """

    side: int
    most: int = _MOST
    mirrored: bool = False
    any_size = True

    def __post_init__(self) -> None:
        if self.side < _SMALLEST or self.side % _STEP or self.most < 1:
            raise OptionError(
                f"got side={self.side} and most={self.most}, expected a multiple of {_STEP}, and at least 1"
            )

    @property
    def least(self) -> int:
        """The shortest side of a picture that can be judged."""
        return self.side

    def __call__(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n pieces 3 side side"]:
        """Cut.

        Args:
            images: Pictures, no side below that of the squares.

        Returns:
            As many squares as cover the pictures, at most `most`, mirrored ones behind them.
        """
        rows, columns = _grid(images.shape[-2], images.shape[-1], self.side, self.most)
        cut = [images[:, :, row : row + self.side, column : column + self.side] for row in rows for column in columns]
        return torch.stack([*cut, *(one.flip(-1) for one in cut)] if self.mirrored else cut, dim=1)

    @torch.no_grad()
    def rows(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n pieces 3 side side"]:
        """Cut, without gradients.

        Args:
            images: Pictures.
        """
        return self(images)

    def facts(self) -> dict[str, Any]:
        """The options as plain values; `Pieces(**facts)` is the same map."""
        return asdict(self)


def side_for(sizes: Sequence[tuple[int, int]]) -> int:
    """The largest side of squares that fit into 19 of 20 pictures: a multiple of 16, at most 64.

    Args:
        sizes: Heights and widths.

    Raises:
        DataError: No picture is as large as the smallest square.

    Example:
        >>> side_for([(32, 32), (500, 47)]), side_for([(300, 200)])
        (32, 64)
    """
    shortest = sorted(min(size) for size in sizes)
    usual = shortest[len(shortest) // 20] if shortest else 0
    if usual < _SMALLEST:
        raise DataError(
            f"got pictures with sides of {usual} pixels, expected at least {_SMALLEST}: leave small ones out"
        )
    return min(_LARGEST, usual // _STEP * _STEP)


def _grid(height: int, width: int, side: int, most: int) -> tuple[list[int], list[int]]:
    """Where squares begin; fewer rows and columns alike where there would be too many."""
    down, across = ceil(height / side), ceil(width / side)
    if down * across > most:
        scale = sqrt(most / (down * across))
        down = min(most, max(1, int(down * scale)))
        across = max(1, min(across, most // down))
    return _places(height - side, down), _places(width - side, across)


def _places(room: int, count: int) -> list[int]:
    """From edge to edge, or in the middle, at even places: where JPEG has one color for two pixels."""
    if count == 1:
        return [room // 2 // 2 * 2]
    return [room * place // (count - 1) // 2 * 2 for place in range(count)]
