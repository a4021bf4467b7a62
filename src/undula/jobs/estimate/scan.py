"""The figure of a scan: frequency and decay time of the strongest mode against the start, with 90 % intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from undula.errors import RangeError
from undula.jobs.estimate.written import LEVEL, as_array
from undula.show import Axis, Lines, draw_panels
from undula.show.axis import readable_unit

if TYPE_CHECKING:
    from undula.jobs.estimate.result import Modes

_KNOWN = 0.5  # half an interval over its value below which it has a say in the range of an axis
_ASIDE = 0.09  # of the step between starts: series stand beside each other
_NAMES = {"frequency": ("Frequency", "Hz"), "decay_time": ("Decay time", "s")}


@dataclass(frozen=True)
class Series:
    """One signal's strongest mode at every start.

    Attributes:
        starts: Seconds (S,).
        value: By name, frequency or decay time (S,).
        low: Lower ends.
        high: Upper ends.
        accepted: Whether each was (S,).
    """

    starts: NDArray[Any]
    value: dict[str, NDArray[Any]]
    low: dict[str, NDArray[Any]]
    high: dict[str, NDArray[Any]]
    accepted: NDArray[Any]


def scanned(modes: Modes) -> list[Series]:
    """The series of every item of a scan.

    Args:
        modes: What `estimate` gave for several starts.

    Raises:
        RangeError: There was one start only.
    """
    if np.ndim(modes.start) == 0:
        raise RangeError("got modes of one start, expected several: estimate(…, start=[…])")
    starts, ends = as_array(modes.start), modes.interval(LEVEL)
    found = {}
    for name in _NAMES:
        sides = (getattr(modes, name), *ends[name])
        found[name] = [as_array(each)[..., 0].reshape(len(starts), -1) for each in sides]
    accepted = as_array(modes.accepted).reshape(len(starts), -1)
    series = []
    for item in range(accepted.shape[1]):
        value, low, high = ({name: found[name][side][:, item] for name in _NAMES} for side in range(3))
        series.append(Series(starts, value, low, high, accepted[:, item]))
    return series


def draw_starts(
    series: Mapping[str, Series],
    *,
    origin: float = 0.0,
    expected: Mapping[str, tuple[float, float]] | None = None,
    title: str = "",
) -> Image.Image:
    """Draw frequency above decay time, a bar for every start, with a dot where the fit was accepted.

    Args:
        series: By name.
        origin: Moment that the starts are counted from.
        expected: A value and what it may be off by, by the name of the quantity, drawn as two lines.
        title: Line above the figure.

    Returns:
        The figure, 1440 pixels wide.
    """
    first = next(iter(series.values()))
    shifted = first.starts - origin
    scale, unit = readable_unit(float(np.abs(shifted).max()), "s")
    step = float(np.diff(np.sort(shifted)).mean()) if len(shifted) > 1 else float(np.abs(shifted).max()) or 1.0
    legend = 0.14 * float(shifted.max() - shifted.min())  # room for the names
    x = Axis((shifted.min() - 0.7 * step) / scale, (shifted.max() + 0.7 * step + legend) / scale, f"start in {unit}")
    rows = []
    for name, (words, of) in _NAMES.items():
        y, factor, letters = _range(name, list(series.values()), of)
        curves = {}
        for number, (label, each) in enumerate(series.items()):
            aside = (number - 0.5 * (len(series) - 1)) * _ASIDE * step
            curves[label] = _bars(each, name, (each.starts - origin + aside) / scale, factor, 0.02 * step / scale)
        if expected is not None and name in expected:
            middle, off = (each / factor for each in expected[name])
            curves["expected"] = _lines(x, middle - off, middle + off)
        rows.append([Lines(curves, x, y, f"{words} in {letters}, {LEVEL:.0%} intervals", height=420)])
    return draw_panels(rows, title=title)


def named(names: Sequence[str], series: Sequence[Series]) -> dict[str, Series]:
    """Series by name, numbered where they have none."""
    plain = [f"signal {number}" if len(series) > 1 else "signal" for number in range(len(series))]
    return dict(zip([*names, *plain[len(names) :]], series, strict=False))


def _bars(series: Series, name: str, across: NDArray[Any], factor: float, cap: float) -> NDArray[np.float64]:
    """Dots, bars and their caps as one curve with gaps."""
    gap, points = (np.nan, np.nan), []
    sides = (series.value[name], series.low[name], series.high[name], series.accepted)
    for x, value, low, high, accepted in zip(across, *sides, strict=True):
        ends = (low / factor, high / factor)
        points += [(x, value / factor if accepted else np.nan), gap, (x, ends[0]), (x, ends[1]), gap]
        for end in ends:
            points += [(x - cap, end), (x + cap, end), gap]
    return np.array(points, dtype=np.float64)


def _lines(x: Axis, low: float, high: float) -> NDArray[np.float64]:
    return np.array([(x.low, low), (x.high, low), (np.nan, np.nan), (x.low, high), (x.high, high)])


def _range(name: str, series: Sequence[Series], unit: str) -> tuple[Axis, float, str]:
    """An axis that holds the intervals that say something; what else there is leaves it."""
    value, low, high = (
        np.concatenate([getattr(each, side)[name] for each in series]) for side in ("value", "low", "high")
    )
    accepted = np.concatenate([each.accepted for each in series]).astype(bool)
    good = (
        accepted & np.isfinite(value + low + high) & (value > 0) & (low > 0) & (high - low < 2 * _KNOWN * np.abs(value))
    )
    if not good.any():
        good = np.isfinite(value) & (value > 0)
    low, high = np.where(np.isfinite(low) & (low > 0), low, value)[good], np.where(np.isfinite(high), high, value)[good]
    if not len(low):
        low, high = np.array([0.5]), np.array([1.0])
    factor, letters = readable_unit(float(high.max()), unit)
    if name == "decay_time":
        return Axis(0.5 * low.min() / factor, 3 * high.max() / factor, log=True), factor, letters
    room = 0.25 * (high.max() - low.min()) or 0.1 * float(high.max())
    return Axis((low.min() - room) / factor, (high.max() + 2 * room) / factor), factor, letters
