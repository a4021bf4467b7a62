"""Lines over a common axis: residuals while a solver runs, transfer functions over frequency."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from undula.errors import RangeError, ShapeError
from undula.show.figure import new_figure, plain_axes, save_figure
from undula.show.palette import ACCENT, BAD, FAINT, INK, SOFT, phase_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = Sequence[Sequence[int | float]] | NDArray[Any]  # pairs, or an array (points, 2)
_NAMED = 8  # up to so many curves are told apart by color


def line_figure(
    path: str | Path,
    curves: Mapping[str, Curve] | Sequence[Curve],
    *,
    threshold: int | float | None = None,
    threshold_label: str = "threshold",
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    log: bool = True,
    legend: tuple[float, float] | None = None,
) -> None:
    """Draw curves as a PNG: up to eight named ones in colors of their own, more of them as thin veils.

    Serves residuals over iterations (`log=True`) as well as a phase retrieval transfer function over spatial
    frequency (`log=False, threshold=1 / e, threshold_label="1/e"`).

    Args:
        path: PNG file to write.
        curves: Name → points `(x, y)`, or a list of curves without names; each is a sequence of pairs or
            an array `(points, 2)`. NaN leaves a gap; zero falls below a logarithmic axis.
        threshold: Height of a dashed line, or `None`.
        threshold_label: What that line is called.
        title: Line above the axes.
        xlabel: What x is, with its unit.
        ylabel: What y is, with its unit.
        log: Whether the axis of y is logarithmic.
        legend: Lower left corner of the legend in shares of the axes, or `None` for where it covers least.

    Raises:
        ShapeError: If there is no curve, or if one is not made of pairs.
        RangeError: If a value is infinite, if no curve has a finite point, or if `log` meets negative values
            or nothing above zero.
        MissingExtra: If matplotlib is not installed.
        DataError: If the file cannot be written.

    Example:
        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     line_figure(pathlib.Path(folder) / "a.png", {"seven": [(0, 1.0), (1, 0.1)]}, threshold=0.2)
    """
    names = list(curves) if isinstance(curves, Mapping) else []
    lines = [_points(curve) for curve in (curves.values() if isinstance(curves, Mapping) else curves)]
    _check(lines, threshold, log)
    figure, free = new_figure(7.2, 4.2, title=title)
    axes = figure.add_axes((0.1, 0.14 * free, 0.86 if threshold is None else 0.77, 0.82 * free))
    _draw_lines(axes, lines, names, legend)
    if threshold is not None:
        _draw_threshold(axes, threshold, threshold_label)
    _dress(axes, xlabel, ylabel, log)
    save_figure(figure, path)


def _draw_lines(
    axes: "Axes", lines: list[NDArray[np.float64]], names: list[str], corner: tuple[float, float] | None
) -> None:
    many = len(lines) > _NAMED
    colors = [ACCENT] * len(lines) if many or len(lines) == 1 or not names else _colors(len(lines))
    alpha = max(0.08, min(0.6, 8 / len(lines))) if many else 1.0
    drawn = [
        axes.plot(line[:, 0], line[:, 1], color=color, alpha=alpha, lw=0.8 if many else 1.5,
                  solid_capstyle="round", marker="o" if len(line) == 1 else "", ms=4)[0]
        for line, color in zip(lines, colors, strict=True)
    ]  # fmt: skip
    if names and 1 < len(lines) <= _NAMED:
        legend = axes.legend(
            drawn, [str(k) for k in range(len(names))], fontsize=9, edgecolor="none", framealpha=0.85, loc=corner or "best"
        )  # fmt: skip
        for text, name in zip(legend.get_texts(), names, strict=True):
            text.set_parse_math(False)
            text.set_text(textwrap.fill(str(name), 40))
            text.set_color(INK)


def _colors(count: int) -> list[Any]:
    return [0.82 * phase_colors(-1.9 + 2 * np.pi * k / count) for k in range(count)]


def _draw_threshold(axes: "Axes", threshold: int | float, label: str) -> None:
    axes.axhline(threshold, color=BAD, lw=1.1, ls=(0, (5, 3)))
    axes.annotate(
        f"{textwrap.fill(label, 12)}\n{threshold:.3g}", (1, threshold), xycoords=("axes fraction", "data"),
        xytext=(5, 0), textcoords="offset points", va="center", color=BAD, size=9, parse_math=False,
    )  # fmt: skip


def _dress(axes: "Axes", xlabel: str, ylabel: str, log: bool) -> None:
    plain_axes(axes)
    if log:
        axes.set_yscale("log", nonpositive="clip")
    axes.grid(True, which="major", color=FAINT, lw=0.7)
    axes.margins(x=0.01)
    axes.set_xlabel(xlabel, color=SOFT, size=10, parse_math=False)
    axes.set_ylabel(ylabel, color=SOFT, size=10, parse_math=False)


def _points(curve: Curve) -> NDArray[np.float64]:
    points: NDArray[np.float64] = np.asarray(curve, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(f"got a curve of shape {points.shape}, expected (points, 2): pass pairs of x and y")
    return points


def _check(lines: list[NDArray[np.float64]], threshold: int | float | None, log: bool) -> None:
    if not lines:
        raise ShapeError("got no curves, expected at least one: run with history, or leave the figure out")
    points = np.concatenate(lines)
    heights = points[:, 1][~np.isnan(points).any(axis=1)]
    if np.isinf(points).any() or not heights.size:
        raise RangeError("got infinite or no finite values in curves, expected numbers: look for a diverged run")
    if log and ((heights < 0).any() or not (heights > 0).any()):
        raise RangeError(
            f"got values {heights.min():g}…{heights.max():g} for a logarithmic axis, expected positive ones: log=False"
        )
    if threshold is not None and not (np.isfinite(threshold) and (threshold > 0 or not log)):
        raise RangeError(f"got threshold={threshold}, expected a number that the axis can show: leave it out")
