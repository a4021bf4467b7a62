"""Handwritten-looking digits that Undula draws itself: strokes, a hand that varies, ink."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.strokes import STYLES, Point, Stroke
from undula.errors import OptionError

_JITTER = 0.024  # of a control point, in heights of the digit; from 0.035 on a 3 and an 8 may fall apart
_SAMPLES = 5  # segments between two control points
_AT_ONCE = 1 << 22  # distances held together, in a few arrays of 16 MB


def drawn_digits(
    count: int, *, generator: torch.Generator | None = None, size: int = 28
) -> Float[Tensor, "n size size"]:
    """Draw digits that look written by many hands; digit i is i mod 10.

    Splines through the control points of a few styles per digit are moved by chance (points, slant, rotation,
    size, place, width of the pen), then inked by the distance of each pixel to the nearest segment. A pen of
    about 2.4 pixels and a height of about 20 of 28 pixels give the look of MNIST. Pixels are inked in closed
    form, so they are smooth at any size.

    Args:
        count: How many digits.
        generator: Source of chance; a fresh one of seed 0 if not given, so that the same digits come each
            time. The first k of n digits are the same for all n.
        size: Height and width in pixels, at least 8.

    Returns:
        float32 in [0, 1] of shape (count, size, size), on the device of the generator.

    Raises:
        OptionError: When there are no digits to draw, or too few pixels.

    Example:
        >>> drawn_digits(12).shape
        torch.Size([12, 28, 28])
    """
    if count < 1 or size < 8:
        raise OptionError(f"got count={count} and size={size}, expected at least 1 digit of 8 pixels: ask for more")
    chance = generator or torch.Generator().manual_seed(0)
    uniform = torch.rand(count, _CHANCES, generator=chance, device=chance.device)
    digits = torch.empty(count, size, size, device=chance.device)
    which = torch.arange(count, device=chance.device) % 10
    for digit, styles in STYLES.items():
        style = (uniform[:, 0] * len(styles)).long().clamp(max=len(styles) - 1)
        for number, strokes in enumerate(styles):
            items = torch.nonzero((which == digit) & (style == number)).flatten()
            if len(items):
                digits[items] = _written(strokes, uniform[items], size)
    return digits


def _written(strokes: Sequence[Stroke], uniform: Tensor, size: int) -> Tensor:
    points = sorted({point for stroke in strokes for point in stroke})
    weights, segments = (part.to(uniform.device) for part in _spline(strokes, points))
    normal = _normal(uniform)
    jitter = normal[:, _POSES : _POSES + 2 * len(points)].reshape(-1, len(points), 2)
    control = torch.tensor(points, dtype=uniform.dtype, device=uniform.device) + _JITTER * jitter
    line = _posed(weights @ control, segments, normal, uniform, size)
    radius = _pen(normal, uniform, len(segments), size)
    ends = line[:, segments]  # (items, segments, begin and end, x and y)
    step = max(1, _AT_ONCE // (len(segments) * size * size))
    parts = [_inked(ends[k : k + step], radius[k : k + step], size) for k in range(0, len(ends), step)]
    return torch.cat(parts)


def _spline(strokes: Sequence[Stroke], points: Sequence[Point]) -> tuple[Tensor, Tensor]:
    """Catmull-Rom splines: a matrix from control points to points on the line, and which of these join."""
    rows: list[list[float]] = []
    joined: list[tuple[int, int]] = []
    for stroke in strokes:
        first = len(rows)
        place = [points.index(point) for point in stroke]
        place = [place[0], *place, place[-1]]
        for start in range(len(stroke) - 1):
            last = start == len(stroke) - 2
            rows += [_blend(place[start : start + 4], k / _SAMPLES, len(points)) for k in range(_SAMPLES + last)]
        joined += [(k, k + 1) for k in range(first, len(rows) - 1)]
    return torch.tensor(rows), torch.tensor(joined)


def _blend(place: Sequence[int], t: float, count: int) -> list[float]:
    basis = (
        (-t + 2 * t**2 - t**3) / 2,
        (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2,
        (-(t**2) + t**3) / 2,
    )
    row = [0.0] * count
    for index, weight in zip(place, basis, strict=True):
        row[index] += weight  # the ends of a stroke count twice
    return row


def _posed(line: Tensor, segments: Tensor, normal: Tensor, uniform: Tensor, size: int) -> Tensor:
    """Slanted, stretched, turned, brought to the size of the paper, its ink put near the middle."""
    slant = 0.10 + 0.16 * normal[:, 1]
    turn = math.radians(5) * normal[:, 2]
    width = 0.9 + 0.4 * uniform[:, 3]
    zero = torch.zeros_like(turn)
    stretched = torch.stack([torch.stack([width, -slant], -1), torch.stack([zero, zero + 1], -1)], -2)
    turned = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], -1).reshape(-1, 2, 2)
    line = line @ (turned @ stretched).mT
    height = (16.2 + 2.0 * uniform[:, 4]) * size / 28
    line = line * (height / (line.amax(1) - line.amin(1)).amax(-1))[:, None, None]
    return line + _place(line, segments, normal, size)


def _place(line: Tensor, segments: Tensor, normal: Tensor, size: int) -> Tensor:
    # MNIST centers the mass of the ink. With the box of the ink in the middle, the nearest of MNIST's test
    # digits named 78 % of 500 drawn ones, with the mass 93 %; of real ones it names 95 %.
    ends = line[:, segments]
    length = (ends[:, :, 1] - ends[:, :, 0]).norm(dim=-1, keepdim=True)
    mass = (ends.mean(2) * length).sum(1, keepdim=True) / length.sum(1, keepdim=True)
    shift = (size - 1) / 2 - mass + 0.5 * size / 28 * normal[:, None, 5:7]
    margin = 3.2 * size / 28  # the widest pen, and paper around it
    least, most = margin - line.amin(1, keepdim=True), size - 1 - margin - line.amax(1, keepdim=True)
    return torch.clamp(shift, least, most)


def _pen(normal: Tensor, uniform: Tensor, segments: int, size: int) -> Tensor:
    """Half the width of the line in pixels, one per segment: hands press unevenly."""
    radius = (1.2 + 0.22 * normal[:, 7:8]).clamp(0.8, 1.8) * size / 28
    way = torch.linspace(0, 1, segments, dtype=normal.dtype, device=normal.device)
    pressure = torch.cos(2 * math.pi * (uniform[:, 8:9] + (0.5 + uniform[:, 9:10]) * way))
    return radius * (1 + 0.14 * pressure)


def _inked(ends: Tensor, radius: Tensor, size: int) -> Tensor:
    axis = torch.arange(size, dtype=ends.dtype, device=ends.device)
    x, y = axis[None, None, None, :], axis[None, None, :, None]
    begin, along = ends[:, :, 0], ends[:, :, 1] - ends[:, :, 0]
    bx, by, ax, ay = (part[..., None, None] for part in (*begin.unbind(-1), *along.unbind(-1)))
    share = (((x - bx) * ax + (y - by) * ay) / (ax**2 + ay**2).clamp(min=1e-12)).clamp(0, 1)
    distance = ((x - bx - share * ax) ** 2 + (y - by - share * ay) ** 2).sqrt()
    inside = (radius[..., None, None] - distance).amax(1)
    soft = 1.3  # pixels from paper to ink; a hard pixel edge has 1, scanned ink more
    return (inside / soft + 0.5).clamp(0, 1)


def _normal(uniform: Tensor) -> Tensor:
    # From uniform numbers, so that the numbers of one item do not depend on how many items there are.
    return torch.erfinv((2 * uniform - 1) * 0.99) * math.sqrt(2)


_POSES = 10  # numbers of chance for the hand and the pen, before those of the control points
_CHANCES = _POSES + 2 * max(
    len({point for stroke in strokes for point in stroke}) for styles in STYLES.values() for strokes in styles
)
