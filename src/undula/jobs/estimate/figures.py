"""The figure of an estimate: signal and fit, residual, and the spectrum with the modes and their intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from undula.jobs.estimate.wording import with_error
from undula.show import Axis, Lines, Mark, draw_panels
from undula.show.axis import readable_unit

if TYPE_CHECKING:
    from undula.jobs.estimate.result import Modes

_SHOWN = 8  # decay times of the longest mode that the signal is drawn for, if the record is longer
_CHANNELS = 4  # drawn of those that share their modes
_POINTS = 2048  # frequencies of an unevenly sampled spectrum
_FINE = 4  # points of the spectrum per 1 / span
_DEEPEST = 1e-4  # of the spectrum's peak


def draw_modes(item: Modes, *, title: str = "") -> Image.Image:
    """Draw one item.

    Args:
        item: One item of `Modes.items`.
        title: Line above the figure.

    Returns:
        The figure, 1440 pixels wide.
    """
    fit, left = item.waveform, item.residual
    if item.white_waveform is not None:
        fit, left = item.white_waveform, item.white_residual
    signal, fit = np.atleast_2d(fit + left), np.atleast_2d(fit)
    scale, unit = readable_unit(float(item.times[-1]), "s")
    rows: list[list[Lines]] = []
    for channel in range(min(len(signal), _CHANNELS)):
        name = "Signal" if item.white_waveform is None else "Whitened signal"
        name = f"Channel {channel}: {name.lower()}" if len(signal) > 1 else name
        rows += _waves(item, signal[channel], fit[channel], item.times / scale, unit, name)
    rows.append([_spectrum(item, signal, fit)])
    return draw_panels(rows, title=title, subtitle=subtitle(item))


def subtitle(item: Modes) -> str:
    """What the figure shows, on one line."""
    count = int(item.count)
    parts = [f"{len(item.times):,} samples", f"{count} mode{'' if count == 1 else 's'}"]
    if np.isfinite(item.noise):
        parts.append(f"noise {float(item.noise):.3g}")
        parts.append(f"residual {'white' if item.whiteness > 1e-3 else 'not white'} (p = {float(item.whiteness):.2g})")
    return "  ·  ".join(parts)


def _waves(
    item: Modes, signal: NDArray[Any], fit: NDArray[Any], times: NDArray[Any], unit: str, name: str
) -> list[list[Lines]]:
    """Signal with fit, then the residual, each as real and imaginary part where there are two."""
    kinds = [("", np.real)] if not np.iscomplexobj(fit) else [(", real part", np.real), (", imaginary part", np.imag)]
    above, below = [], []
    ends = (float(times[0]), float(times[-1]))
    near = min(ends[1], ends[0] + _SHOWN * _longest(item) * (ends[1] - ends[0]) / float(item.times[-1]))
    inside = times <= near
    whole = Axis(*ends, f"time after the start in {unit}")
    early = Axis(ends[0], near, f"time after the start in {unit}")
    for words, part in kinds:
        curves = {
            "signal": _points(times[inside], part(signal)[inside]),
            "fit": _points(times[inside], part(fit)[inside]),
        }
        above.append(Lines(curves, early, _reach(part(signal)[inside], part(fit)[inside]), f"{name} and fit{words}"))
        left = part(signal - fit)
        below.append(
            Lines(
                {"": _points(times, left)},
                whole,
                _reach(left),
                f"Residual{words}" if item.white_waveform is None else f"Whitened residual{words}",
                height=180,
            )
        )
    return [above, below]


def _longest(item: Modes) -> float:
    """The longest decay time; the whole record where a mode does not decay."""
    known = item.decay_time[: int(item.count)]
    return float(known.max()) if len(known) and bool((known > 0).all()) else float(item.times[-1])


def _spectrum(item: Modes, signal: NDArray[Any], fit: NDArray[Any]) -> Lines:
    frequency, spectra = _frequencies(item.times, [signal, fit])
    scale, unit = readable_unit(float(np.abs(frequency).max()), "Hz")
    shown = {
        name: _points(frequency / scale, np.sqrt((np.abs(each) ** 2).mean(axis=0)))
        for name, each in zip(("signal", "fit"), spectra, strict=True)
    }
    top = max(float(np.nanmax(points[:, 1])) for points in shown.values()) or 1.0
    floor = max(_DEEPEST * top, 0.3 * float(np.nanquantile(shown["signal"][:, 1], 0.02)))
    low, high = item.interval(0.9)["frequency"]
    marks = [
        Mark(low[mode] / scale, item.frequency[mode] / scale, high[mode] / scale, _label(item, mode, scale))
        for mode in range(int(item.count))
    ]
    return Lines(
        shown,
        Axis(float(frequency[0]) / scale, float(frequency[-1]) / scale, f"frequency in {unit}"),
        Axis(min(floor, 0.5 * top), 2 * top, log=True),
        "Amplitude spectrum; modes with their deviations, bands are 90 % intervals",
        height=380,
        marks=marks,
    )


def _label(item: Modes, mode: int, scale: float) -> str:
    return f"{mode}:  {with_error(float(item.frequency[mode]) / scale, float(item.bound['frequency'][mode]) / scale)}"


def _frequencies(times: NDArray[Any], waves: list[NDArray[Any]]) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """Fourier transforms over 1 / samples, gaps as zeros; by a sum over the samples where they are unevenly spaced."""
    filled = [np.nan_to_num(each) for each in waves]
    samples, real = len(times), not np.iscomplexobj(waves[1])
    steps = np.diff(times)
    step = float(steps.mean())
    if np.abs(steps - step).max() <= 1e-5 * step:
        size = 2 ** math.ceil(math.log2(_FINE * samples))
        if real:
            return np.fft.rfftfreq(size, step), [np.fft.rfft(each, size) * 2 / samples for each in filled]
        grid = np.fft.fftshift(np.fft.fftfreq(size, step))
        return grid, [np.fft.fftshift(np.fft.fft(each, size), axes=-1) / samples for each in filled]
    top = 0.5 / float(np.median(steps))
    count = min(_POINTS, max(16, math.ceil(_FINE * top * float(times[-1]))))
    grid = np.linspace(0.0 if real else -top, top, count)
    turn = np.exp(-2j * np.pi * grid[:, None] * times)
    return grid, [each @ turn.T * ((2 if real else 1) / samples) for each in filled]


def _points(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return np.stack([x, np.asarray(y, dtype=np.float64)], axis=1)


def _reach(*values: NDArray[Any]) -> Axis:
    """An axis that holds all values; units are the signal's."""
    greatest = max(float(np.nanmax(np.abs(each), initial=0.0)) for each in values)
    low = min(float(np.nanmin(each, initial=math.inf)) for each in values)
    high = max(float(np.nanmax(each, initial=-math.inf)) for each in values)
    if not low < high or high - low < 1e-12 * greatest:
        return Axis(-1.05 * (greatest or 1.0), 1.05 * (greatest or 1.0))
    room = 0.06 * (high - low)
    return Axis(low - room, high + room)
