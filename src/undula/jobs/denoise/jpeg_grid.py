"""Whether a picture was a JPEG file: the grid of blocks on which its cosine coefficients are zero too often."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_BLOCK = 8
_SIDE = 264  # 33 blocks, of which every grid has at least 32
_SMALLEST = 40
_LOWEST = 5  # sum of both frequencies from which coefficients are counted: JPEG's steps are larger there

# On BSD68 with white noise of 5 to 50 grey levels the best grid has at most 1.24 times as many zeros as the others (where 50
# blocks or more are free of black and white), after JPEG of quality 98 at least 1.8 times.
_RATIO, _SIGNIFICANT = 1.6, 8.0


@dataclass(frozen=True)
class JpegGrid:
    """The likeliest grid of 8 × 8 blocks in a picture.

    Attributes:
        corner: Row and column of the corner of a block in the picture, 0 … 7.
        share: Part of the finer coefficients that is zero on this grid.
        others: The median of the same over the 63 other grids.
        significance: How many more zeros there are than on other grids, in standard deviations of a count.
    """

    corner: tuple[int, int]
    share: float
    others: float
    significance: float

    @property
    def certain(self) -> bool:
        """Whether the picture was a JPEG file."""
        return self.share > _RATIO * self.others and self.significance > _SIGNIFICANT


def jpeg_grid(picture: Float[Tensor, "h w"]) -> JpegGrid | None:
    """Find the grid on which the finer cosine coefficients of a picture are zero most often.

    JPEG rounds the coefficients of its blocks to multiples of a step, many of them to zero, and rounding to bytes moves them by
    0.3 grey levels; on the 63 other grids they are anything. Blocks that touch black or white are not counted, because clipping
    moves their coefficients too. The middle of the picture is enough.

    Args:
        picture: Luminance in [0, 1].

    Returns:
        The grid, or None where the picture is below 40 pixels.

    When it fails: a picture that was resized or turned by a few degrees after JPEG has no grid, nor one to which noise of
    some grey levels was added after it.

    Reference: Fan, de Queiroz, Identification of bitmap compression history, 2003.

    Example:
        >>> jpeg_grid(torch.rand(64, 64)).certain
        False
    """
    if min(picture.shape) < _SMALLEST:
        return None
    top, left = (max(0, side - _SIDE) // 2 for side in picture.shape)
    middle = 255 * picture[top : top + _SIDE, left : left + _SIDE].float()
    waves = _cosines(middle.device)
    zeros = (functional.conv2d(middle[None, None], waves)[0].abs() < 0.5).float().sum(dim=0)
    unclipped = ((middle > 0.5) & (middle < 254.5)).float()[None, None]
    whole = -functional.max_pool2d(-unclipped, _BLOCK, stride=1)[0, 0]
    counts, numbers = _by_grid(zeros * whole), len(waves) * _by_grid(whole)
    shares = counts / numbers.clamp(min=1)
    best = int(shares.argmax())
    others = float(torch.cat([shares[:best], shares[best + 1 :]]).median())
    expected = others * float(numbers[best])
    significance = (float(counts[best]) - expected) / math.sqrt(max(expected, 1.0))
    corner = ((best // _BLOCK + top) % _BLOCK, (best % _BLOCK + left) % _BLOCK)
    return JpegGrid(corner, float(shares[best]), others, significance)


def _by_grid(values: Float[Tensor, "h w"]) -> Float[Tensor, "64"]:
    """Sums over the places of each grid."""
    rows, columns = (side // _BLOCK for side in values.shape)
    cut = values[: rows * _BLOCK, : columns * _BLOCK]
    return cut.reshape(rows, _BLOCK, columns, _BLOCK).sum(dim=(0, 2)).flatten()


def _cosines(device: torch.device) -> Float[Tensor, "n 1 8 8"]:
    """The finer of the 64 orthonormal waves of the discrete cosine transform."""
    place = torch.arange(_BLOCK, dtype=torch.float64)
    waves = torch.cos(math.pi * (2 * place + 1) * place[:, None] / (2 * _BLOCK)) / 2
    waves[0] /= math.sqrt(2)
    both = torch.einsum("ux,vy->uvxy", waves, waves)
    return both[place[:, None] + place >= _LOWEST][:, None].to(device, torch.float32)
