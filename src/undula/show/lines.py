"""Curves inside two axes: waveforms, spectra, radial profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from undula.errors import ShapeError
from undula.show.axis import Axis

_FINE = 4  # drawn so many times too large and shrunk: Pillow's own lines have stairs


@dataclass(frozen=True)
class Mark:
    """A place on the x axis with the interval that it may lie in.

    Attributes:
        low: Lower end of the interval.
        place: The place.
        high: Upper end.
        label: A few letters beside it.
    """

    low: int | float
    place: int | float
    high: int | float
    label: str = ""


@dataclass(frozen=True)
class Lines:
    """Curves by name.

    Attributes:
        curves: Name → points (n, 2) with rising x; NaN leaves a gap.
        x: Axis of the first column.
        y: Axis of the second one; what leaves it is cut.
        title: Line above it.
        height: Pixels of the room.
        marks: Places on the x axis, drawn from top to bottom; those outside are left out.

    Raises:
        ShapeError: A curve is no list of points.
    """

    curves: Mapping[str, NDArray[Any]]
    x: Axis
    y: Axis
    title: str = ""
    height: int = 300
    marks: Sequence[Mark] = ()

    def __post_init__(self) -> None:
        for name, points in self.curves.items():
            if points.ndim != 2 or points.shape[1] != 2 or not len(points):
                raise ShapeError(f"got the curve {name!r} of shape {points.shape}, expected (points, 2): pass x and y")


def trace(points: NDArray[Any], x: Axis, y: Axis, width: int, height: int, *, stroke: float = 2.6) -> Image.Image:
    """Draw one curve as a mask.

    More points than pixels become the range that they cover in each column, so that no peak is lost.

    Args:
        points: x and y (n, 2).
        x: Axis across.
        y: Axis upward.
        width: Pixels across.
        height: Pixels upward.
        stroke: Width of the line in pixels.

    Returns:
        A gray picture of that size, white where the line is.
    """
    across = x.place(points[:, 0]) * width
    down = (1 - y.place(points[:, 1])) * height
    known = ~np.isnan(across + down)
    down = np.clip(np.where(known, down, 0.0), -4.0 * height, 5.0 * height)  # infinities end outside
    mask = Image.new("L", (width * _FINE, height * _FINE))
    draw = ImageDraw.Draw(mask)
    for run in _runs(known):
        path = np.stack([across[run], down[run]], axis=1)
        path = _ranges(path) if len(path) > 3 * width else path
        _stroke(draw, path, round(stroke * _FINE))
    return mask.resize((width, height), Image.Resampling.BOX)


def _runs(known: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _ranges(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """First, least, greatest and last height of every column of pixels, in this order."""
    column = np.floor(path[:, 0]).astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    ends = np.append(starts[1:], len(path)) - 1
    least, greatest = np.minimum.reduceat(path[:, 1], starts), np.maximum.reduceat(path[:, 1], starts)
    heights = np.stack([path[starts, 1], least, greatest, path[ends, 1]], axis=1)
    places = np.repeat(column[starts] + 0.5, 4)
    return np.stack([places, heights.reshape(-1)], axis=1)


def _stroke(draw: ImageDraw.ImageDraw, path: NDArray[np.float64], stroke: int) -> None:
    scaled = [(float(u) * _FINE, float(v) * _FINE) for u, v in path]
    if len(scaled) == 1:
        (u, v), r = scaled[0], 2 * stroke
        draw.ellipse((u - r, v - r, u + r, v + r), fill=255)
    else:
        draw.line(scaled, fill=255, width=stroke, joint="curve")
