"""A plane of numbers as colors: scalograms, packet planes, pictures and their spectra."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image

from undula.errors import ShapeError
from undula.show.axis import Axis
from undula.show.palette import diverging_colors, sequential_colors

_LEVELS = 1024  # of a look-up table: more than the 256 of a picture


@dataclass(frozen=True)
class Plane:
    """Numbers (rows, columns), or a picture (rows, columns, 3) with values in [0, 1], inside two axes.

    Attributes:
        values: The first row lies on top; NaN is left white.
        x: Axis along the columns; they divide it evenly.
        y: Axis along the rows, `high` on top; they divide it evenly (in ratios, where it is logarithmic).
        title: Line above it.
        scale: Range of the colors and what they mean, drawn as a bar; None for pictures in [0, 1].
        colors: From dark to light, around a middle, or gray.
        square: Whether pixels are square, or the plane fills its room.
        smooth: Whether enlarged values are joined smoothly; else each is a block.
        span: Part of the x axis that the columns take, as shares from 0; None for all of it.

    Raises:
        ShapeError: The values are no plane.
    """

    values: NDArray[Any]
    x: Axis
    y: Axis
    title: str = ""
    scale: Axis | None = None
    colors: Literal["sequential", "diverging", "gray"] = "sequential"
    square: bool = False
    smooth: bool = False
    span: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        shape = self.values.shape
        if len(shape) not in (2, 3) or 0 in shape or (len(shape) == 3 and shape[2] != 3):
            raise ShapeError(
                f"got values of shape {shape}, expected (rows, columns) or (rows, columns, 3): pass one plane"
            )

    @property
    def ratio(self) -> float:
        """Height over width of square pixels."""
        return float(self.values.shape[0] / self.values.shape[1])


def paint(plane: Plane, width: int, height: int) -> Image.Image:
    """Color a plane.

    Where several values fall on one pixel, the greatest is shown on the sequential map, so that no peak is lost, and the
    mean on the others.

    Args:
        plane: What to paint.
        width: Pixels of its room.
        height: Pixels of its room.

    Returns:
        The picture, of that size.
    """
    first, last = plane.span or (0.0, 1.0)
    columns = _cells(plane.values.shape[1], width, first, last)
    rows = _cells(plane.values.shape[0], height, 0.0, 1.0)
    peaks = plane.colors == "sequential" and plane.values.ndim == 2
    values = plane.values.astype(np.float64)
    if plane.scale is not None:  # infinities would spoil their neighbors' means
        values = np.clip(values, min(plane.scale.low, plane.scale.high), max(plane.scale.low, plane.scale.high))
    if plane.smooth:
        values = _stretched(values, rows, axis=0)
        values = _stretched(values, columns, axis=1)
    else:
        values = _sampled(_sampled(values, rows, axis=0, peaks=peaks), columns, axis=1, peaks=peaks)
    return Image.fromarray((colored(plane, values) * 255).round().astype(np.uint8))


def colored(plane: Plane, values: NDArray[np.float64]) -> Float[NDArray[np.float64], "rows columns 3"]:
    """Give values the colors of a plane's scale."""
    if values.ndim == 3:
        return np.where(np.isnan(values), 1.0, np.clip(values, 0, 1))
    share = values if plane.scale is None else plane.scale.place(values)
    share = np.where(np.isnan(share), np.nan, np.clip(share, 0, 1))
    if plane.colors == "gray":
        gray = np.where(np.isnan(share), 1.0, share)
        return np.repeat(gray[..., None], 3, axis=-1)
    grid = np.linspace(0, 1, _LEVELS)
    table = sequential_colors(grid) if plane.colors == "sequential" else diverging_colors(2 * grid - 1)
    index = np.nan_to_num(share * (_LEVELS - 1)).round().astype(np.int64)
    return np.where(np.isnan(share)[..., None], 1.0, table[index])


def _cells(count: int, pixels: int, first: float, last: float) -> NDArray[np.float64]:
    """Edges of the pixels, counted in values; what lies outside 0…count has none."""
    edges = np.linspace(0.0, 1.0, pixels + 1)
    return (edges - first) / (last - first) * count


def _sampled(values: NDArray[np.float64], edges: NDArray[np.float64], *, axis: int, peaks: bool) -> NDArray[np.float64]:
    count = values.shape[axis]
    middle = (edges[:-1] + edges[1:]) / 2
    inside = (middle >= 0) & (middle < count)
    if (edges[-1] - edges[0]) <= len(middle):  # enlarged: every pixel lies in one value
        taken = np.take(values, np.clip(middle, 0, count - 1).astype(np.int64), axis=axis)
    else:
        start = np.clip(edges[:-1].round().astype(np.int64), 0, count - 1)
        stop = np.maximum(np.clip(edges[1:].round().astype(np.int64), 1, count), start + 1)
        reduce = np.fmax.reduce if peaks else np.nanmean
        with np.errstate(invalid="ignore"):
            parts = [
                reduce(np.take(values, range(a, b), axis=axis), axis=axis) for a, b in zip(start, stop, strict=True)
            ]
        taken = np.stack(parts, axis=axis)
    shape = [1] * values.ndim
    shape[axis] = len(middle)
    return np.where(inside.reshape(shape), taken, np.nan)


def _stretched(values: NDArray[np.float64], edges: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    if (edges[-1] - edges[0]) > len(edges) - 1:
        return _sampled(values, edges, axis=axis, peaks=True)
    count = values.shape[axis]
    middle = np.clip((edges[:-1] + edges[1:]) / 2 - 0.5, 0, count - 1)
    lower = np.minimum(middle.astype(np.int64), max(count - 2, 0))
    share = (middle - lower).reshape([-1 if k == axis else 1 for k in range(values.ndim)])
    upper = np.minimum(lower + 1, count - 1)
    return np.take(values, lower, axis=axis) * (1 - share) + np.take(values, upper, axis=axis) * share
