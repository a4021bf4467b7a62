"""Bands laid out side by side: the wavelet pyramid and the packets of an image, each band where its frequency belongs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from undula.jobs.view.planes import packet_times
from undula.spectra.wavelets.multilevel import wavedec2
from undula.spectra.wavelets.packets import wpdec2

Box = tuple[slice, slice]


def pyramid_mosaic(
    x: Float[Tensor, "*batch h w"], wavelet: Any, *, level: int, mode: str, taps: int
) -> Float[Tensor, "*batch height width"]:
    """Fast wavelet transform of an image, its bands laid out as a pyramid.

    The coarse image lies in the upper left; frequency rises to the right and downward, so that vertical edges show on the
    right and horizontal ones below. Coefficients that belong to the continuation of the image beyond its border are left
    out: a band at level l has ⌈n / 2^l⌉ of them along an axis of n pixels.

    Args:
        x: Images.
        wavelet: A discrete wavelet.
        level: Levels.
        mode: Boundary mode.
        taps: Length of the filters.

    Returns:
        The mosaic, about as large as the image; gaps, which odd sizes leave, are zero.
    """
    shape = tuple(x.shape[-2:])
    coarse, *details = wavedec2(x, wavelet, mode, level)
    boxes = pyramid_boxes(shape, level)
    height, width = (boxes[-1][2][axis].stop for axis in (0, 1)) if level else shape
    mosaic = x.new_zeros(*x.shape[:-2], height, width)
    for group, places, depth in zip([(coarse,), *details], boxes, [level, *range(level, 0, -1)], strict=True):
        for band, (rows, columns) in zip(group, places, strict=True):
            mosaic[..., rows, columns] = _inside(band, shape, level=depth, taps=taps, mode=mode)
    return mosaic


def pyramid_boxes(shape: Sequence[int], level: int) -> list[tuple[Box, ...]]:
    """Where the bands lie in the mosaic.

    Args:
        shape: Height and width of the image.
        level: Levels.

    Returns:
        The coarse image alone, then (horizontal, vertical, diagonal) details, from the coarsest level to the finest.

    Example:
        >>> pyramid_boxes((4, 6), 1)[1][0]
        (slice(2, 4, None), slice(0, 3, None))
    """
    high, wide = (-(-side // 2**level) for side in shape)
    boxes: list[tuple[Box, ...]] = [((slice(0, high), slice(0, wide)),)]
    for depth in range(level, 0, -1):
        rows, columns = (-(-side // 2**depth) for side in shape)
        high, wide = max(high, rows), max(wide, columns)
        below, right = slice(high, high + rows), slice(wide, wide + columns)
        boxes.append(((below, slice(0, columns)), (slice(0, rows), right), (below, right)))
        high, wide = high + rows, wide + columns
    return boxes


def evened(mosaic: NDArray[Any], shape: Sequence[int], level: int) -> NDArray[np.float64]:
    """Bring every band of a pyramid to [0, 1] for the eye.

    The coarse image by its range; details by the magnitude that one in a hundred exceeds, for a single bright pixel would
    darken all others.

    Args:
        mosaic: What `pyramid_mosaic` returned, of one image.
        shape: Height and width of the image.
        level: Levels.

    Returns:
        Values in [0, 1], NaN in gaps.
    """
    shown = np.full(mosaic.shape, np.nan)
    (coarse,), *details = pyramid_boxes(shape, level)
    low, high = float(mosaic[coarse].min()), float(mosaic[coarse].max())
    shown[coarse] = (mosaic[coarse] - low) / ((high - low) or 1.0)
    for group in details:
        for box in group:
            size = np.abs(mosaic[box])
            shown[box] = np.clip(size / (float(np.quantile(size, 0.99)) or float(size.max()) or 1.0), 0, 1)
    return shown


def packet_bands(
    x: Float[Tensor, "*batch h w"], wavelet: Any, *, level: int, mode: str, taps: int
) -> Float[Tensor, "*batch bands h2 w2"]:
    """Wavelet packets of an image that lie inside it, in the order of frequency: rows first, then columns.

    Args:
        x: Images.
        wavelet: A discrete wavelet.
        level: The level L.
        mode: Boundary mode.
        taps: Length of the filters.

    Returns:
        4^L bands of ⌈n / 2^L⌉ coefficients along an axis of n pixels.
    """
    packets = wpdec2(x, wavelet, mode, level, (-2, -1), "freq")
    return _inside(packets, tuple(x.shape[-2:]), level=level, taps=taps, mode=mode)


def packet_mosaic(packets: NDArray[Any]) -> NDArray[Any]:
    """Lay out packets in a square: frequency rises to the right and downward, so the highest lies in the lower right.

    Args:
        packets: Bands of one image (4^L, h, w), as `packet_bands` orders them.

    Returns:
        The mosaic (2^L h, 2^L w).

    Example:
        >>> packet_mosaic(np.arange(4).reshape(4, 1, 1)).tolist()
        [[0, 1], [2, 3]]
    """
    bands, height, width = packets.shape
    side = round(bands**0.5)
    grid = packets.reshape(side, side, height, width).swapaxes(1, 2)
    return grid.reshape(side * height, side * width)


def _inside(bands: Tensor, shape: Sequence[int], *, level: int, taps: int, mode: str) -> Tensor:
    """The coefficients from the one whose middle is nearest to that of the first 2^level pixels."""
    for axis, length in zip((-2, -1), shape, strict=True):
        have, count = bands.shape[axis], -(-length // 2**level)
        times = packet_times(have, level=level, taps=taps, mode=mode)
        first = int(abs(times - (2**level - 1) / 2).argmin())
        bands = bands.narrow(axis, min(first, have - count), count)
    return bands
