"""Wavelet packets of a batch of pictures, level by level, in grey levels."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from undula.errors import ShapeError
from undula.spectra.wavelets import wpdec2

GREY_LEVELS = 255.0


def packet_levels(
    images: Float[Tensor, "n c h w"], *, levels: int, wavelet: Any = "haar", mode: str = "symmetric"
) -> Iterator[Float[Tensor, "n c packets _ _"]]:
    """Packets of level 1, 2, …, each made from those before, in the order of the tree.

    The packets of level L come as a, h, v, d of every packet of level L - 1, as `undula.wavelets.wpdec2(order="natural")`
    gives them, and all levels cost what the last one costs alone.

    Args:
        images: Pictures in [0, 1].
        levels: The last level.
        wavelet: Any wavelet of `undula.wavelets`.
        mode: Boundary mode.

    Yields:
        Packets of one level, 1 for every grey level of 255 in orthonormal scaling.

    Raises:
        ShapeError: A side is shorter than 2 ** levels.

    Example:
        >>> [tuple(level.shape) for level in packet_levels(torch.rand(2, 3, 8, 12), levels=2)]
        [(2, 3, 4, 4, 6), (2, 3, 16, 2, 3)]
    """
    check_sides(images, levels)
    yield from grey_packet_levels(images * GREY_LEVELS, levels=levels, wavelet=wavelet, mode=mode)


def grey_packet_levels(
    planes: Float[Tensor, "n c h w"], *, levels: int, wavelet: Any, mode: str
) -> Iterator[Float[Tensor, "n c packets _ _"]]:
    """The same of planes in grey levels.

    Args:
        planes: Pictures times 255, no side shorter than 2 ** levels.
        levels: The last level.
        wavelet: Any wavelet of `undula.wavelets`.
        mode: Boundary mode.

    Yields:
        Packets of one level.
    """
    packets = planes[:, :, None]
    for _ in range(levels):
        packets = wpdec2(packets, wavelet, mode, maxlevel=1, order="natural").flatten(2, 3)
        yield packets


def check_sides(images: Float[Tensor, "n c h w"], levels: int) -> None:
    """Refuse pictures that are too small.

    Args:
        images: Pictures.
        levels: The last level.

    Raises:
        ShapeError: A side is shorter than 2 ** levels.
    """
    if min(images.shape[-2:]) < 2**levels:
        raise ShapeError(
            f"got pictures of {images.shape[-2]} × {images.shape[-1]} pixels, expected no side below {2**levels} for packets "
            f"of level {levels}: take fewer levels, or leave small pictures out"
        )


def by_frequency(level: int) -> Int[Tensor, " packets"]:
    """Where, in the order of the tree, the packets stand that rise in frequency row by row.

    A path is read as two numbers, one bit per level for each axis; their Gray codes are undone.

    Args:
        level: Level of the packets.

    Returns:
        Places (4^level,), so that `packets[..., by_frequency(level), :, :]` is in the order of `order="freq"`.

    Example:
        >>> by_frequency(1)
        tensor([0, 2, 1, 3])
    """
    place: dict[tuple[int, int], int] = {}
    for number in range(4**level):
        letters = [number >> 2 * (level - 1 - depth) & 3 for depth in range(level)]
        place[_gray([letter & 1 for letter in letters]), _gray([letter >> 1 for letter in letters])] = number
    side = range(2**level)
    return torch.tensor([place[row, column] for row in side for column in side])


def _gray(bits: list[int]) -> int:
    number = flipped = 0
    for bit in bits:
        flipped ^= bit
        number = 2 * number + flipped
    return number
