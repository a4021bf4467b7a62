"""Pictures of a comparison of losses: fidelity over energy, and a piece of one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from torch import Tensor

from undula.jobs.denoise.comparison.compare import Comparison
from undula.jobs.denoise.comparison.standings import Standing
from undula.show import Axis, Plane, draw_panels
from undula.show.figure import new_figure, plain_axes, save_figure
from undula.show.palette import ACCENT, BAD, FAINT, INK, PAPER, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BARE = Axis(0.0, 1.0, ticked=False)
_LETTER = 0.045  # of the height: what a label takes
_DIAL = (0.0, 0.3, 0.6, 1.0)  # settings that are named on the curve


def draw_scatter(path: str | Path, comparison: Comparison) -> None:
    """Draw the PSNR over the high-frequency energy: the dial as a line, every loss as a point with its spread.

    Args:
        path: PNG file to write.
        comparison: What came out.

    Raises:
        MissingExtra: If matplotlib is not installed.
        DataError: If the file cannot be written.
    """
    figure, free = new_figure(9.6, 5.6, title="Fidelity over fine detail")
    axes = figure.add_axes((0.085, 0.11 * free, 0.9, 0.86 * free))
    _draw_dial(axes, comparison)
    standings = comparison.standings
    low, high = _heights(comparison)
    axes.set_ylim(low, high)
    energies = [one.mean.energy for one in standings] + [point.energy for point in comparison.curve]
    wide = max(max(energies) - min(energies), 0.1)
    axes.set_xlim(min(energies) - 0.24 * wide, max(energies) + 0.18 * wide)
    for one in standings:
        _draw_point(axes, one)
    edge = standings[0].mean.energy * (1 + 1e-6)
    left = [one for one in standings if one.mean.energy <= edge]
    right = [one for one in standings if one.mean.energy > edge]
    _label(axes, left, low, high, side=-1, gap=0.035 * wide)
    _label(axes, right, low, high, side=1, gap=0.03 * wide)
    axes.set_xlabel("energy in 1/4…1/2 cycles per pixel over that of the truth", color=SOFT, size=10)
    axes.set_ylabel("PSNR in dB", color=SOFT, size=10)
    save_figure(figure, path)


def draw_sheet(rows: Sequence[Sequence[tuple[str, Tensor]]], *, title: str = "", subtitle: str = "") -> Image.Image:
    """Lay out pieces of pictures.

    Args:
        rows: In every row what stands above a picture, and the picture (c, h, w).
        title: Line above.
        subtitle: Smaller line below it.
    """
    panels = [[Plane(_colors(piece), _BARE, _BARE, name, square=True) for name, piece in row] for row in rows]
    return draw_panels(panels, title=title, subtitle=subtitle)


def _draw_dial(axes: "Axes", comparison: Comparison) -> None:
    plain_axes(axes)
    axes.grid(True, color=FAINT, lw=0.7)
    axes.axvline(1.0, color=SOFT, lw=0.9, ls=(0, (4, 3)))
    curve = comparison.curve
    axes.plot([one.energy for one in curve], [one.psnr for one in curve], color=ACCENT, lw=1.8, zorder=2)
    for one in curve:
        if one.sharpness in _DIAL[1:]:
            axes.plot(one.energy, one.psnr, "o", color=ACCENT, ms=3.5, zorder=2)
            axes.annotate(
                f"dial {one.sharpness:g}", (one.energy, one.psnr), xytext=(-6, -6), textcoords="offset points", size=9,
                color=ACCENT, ha="right", va="top",
            )  # fmt: skip


def _draw_point(axes: "Axes", one: Standing) -> None:
    spread = [0.0 if value != value else value for value in (one.deviation.energy, one.deviation.psnr)]
    color = BAD if one.beats_dial else INK
    axes.errorbar(
        one.mean.energy, one.mean.psnr, xerr=spread[0], yerr=spread[1], fmt="o", ms=5, lw=1, ecolor=SOFT, color=color,
        zorder=3,
    )  # fmt: skip


def _heights(comparison: Comparison) -> tuple[float, float]:
    values = [one.mean.psnr for one in comparison.standings] + [one.psnr for one in comparison.curve]
    room = max(max(values) - min(values), 0.05)
    return min(values) - 0.08 * room, max(values) + 0.16 * room


def _label(axes: "Axes", several: Sequence[Standing], low: float, high: float, *, side: int, gap: float) -> None:
    """Names beside their points, moved apart where they would cover each other, with a line to the point then."""
    order = sorted(several, key=lambda one: one.mean.psnr)
    letter = _LETTER * (high - low)
    raised = letter if side > 0 else 0.0  # the dial's line falls to the right: above it is room
    places = _apart([one.mean.psnr + raised for one in order], letter, top=high - 0.6 * letter)
    edge = min((one.mean.energy for one in order), default=0.0)
    for one, place in zip(order, places, strict=True):
        at = (edge if side < 0 else one.mean.energy) + side * gap
        axes.annotate(
            one.name, (one.mean.energy, one.mean.psnr), xytext=(at, place), textcoords="data", size=9, color=INK,
            ha="right" if side < 0 else "left", va="center", parse_math=False,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
            arrowprops={"arrowstyle": "-", "color": SOFT, "lw": 0.6, "shrinkA": 1, "shrinkB": 4},
        )  # fmt: skip


def _apart(wanted: Sequence[float], least: float, *, top: float) -> list[float]:
    """Rising places near those wanted and no nearer to each other than the least; groups keep their middle.

    Example:
        >>> _apart([0.0, 0.5, 5.0], 1.0, top=9.0)
        [-0.25, 0.75, 5.0]
    """
    groups: list[list[float]] = []
    for value in wanted:
        groups.append([value])
        while len(groups) > 1 and _first(groups[-1], least) < _first(groups[-2], least) + len(groups[-2]) * least:
            last = groups.pop()
            groups[-1] += last
    places = [_first(group, least) + number * least for group in groups for number in range(len(group))]
    over = max(0.0, (places[-1] if places else top) - top)
    return [place - over for place in places]


def _first(group: Sequence[float], least: float) -> float:
    return sum(group) / len(group) - (len(group) - 1) * least / 2


def _colors(picture: Tensor) -> np.ndarray:
    pixels = picture.detach().cpu().clamp(0, 1).permute(1, 2, 0).numpy()
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
