"""The figure of a view: its spectra as planes and curves, with frequencies, times and decibels beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from undula.jobs.view.mosaic import evened, packet_mosaic
from undula.show import Axis, Lines, Plane, draw_panels
from undula.show.axis import readable_unit

if TYPE_CHECKING:
    from undula.jobs.view.result import View

_DEEPEST = {
    "magnitude": 120.0,
    "scalogram": 60.0,
    "packets": 60.0,
    "bands": 80.0,
    "spectrum": 100.0,
}  # decibels shown, at most
_PAIR = 100.0  # of two beside each other
_DIFFERENCE = 40.0  # decibels of a difference, at most
_BARE = Axis(0.0, 1.0, ticked=False)
Names = tuple[str, str]


def draw_view(
    item: View, *, title: str = "", picture: NDArray[Any] | None = None, names: Names | None = None
) -> Image.Image:
    """Draw one item of a view.

    Args:
        item: One item of `View.items`.
        title: Line above the figure.
        picture: The image in its colors (h, w, 3), where it has any.
        names: What the two that are compared are called.

    Returns:
        The figure, 1440 pixels wide.
    """
    rows = {
        ("image", False): lambda: _image_rows(item, picture),
        ("image", True): lambda: _image_pair(item, names or ("first", "second")),
        ("signal", False): lambda: _signal_rows(item),
        ("signal", True): lambda: _signal_pair(item, names or ("first", "second")),
    }[item.kind, item.other is not None]()
    return draw_panels(rows, title=title, subtitle=subtitle(item))


def subtitle(item: View) -> str:
    """What the figure shows, on one line."""
    if item.kind == "image":
        parts = [f"{item.data.shape[1]} × {item.data.shape[0]} pixels"]
    else:
        parts = [f"{item.data.shape[0]:,} samples" + (f" at {item.rate:g} Hz" if item.rate != 1 else "")]
    if item.distance is not None:
        parts.append(f"mean difference of the magnitudes {float(item.distance):.4f}")
    else:
        parts.append(f"wavelet {item.wavelet}, level {item.level}")
    return "  ·  ".join(parts)


def decibels(
    values: NDArray[Any], *, deepest: float, greatest: float | None = None
) -> tuple[NDArray[np.float64], Axis]:
    """Magnitudes in decibels below the greatest, and the axis of their colors.

    The axis reaches down to where a fiftieth of the values are darker, in steps of 20, but not below `deepest`.

    Args:
        values: Magnitudes.
        deepest: Decibels shown at most.
        greatest: What 0 dB is; their own greatest if None.

    Returns:
        The decibels, minus infinity for zeros, and the axis.
    """
    top = float(values.max()) if greatest is None else greatest
    with np.errstate(divide="ignore"):
        level = 20 * np.log10(np.asarray(values, dtype=np.float64) / (top or 1.0))
    known = level[np.isfinite(level)]
    low = float(np.quantile(known, 0.02)) if known.size else -deepest
    bottom = -min(deepest, max(40.0, 20.0 * np.ceil(-low / 20.0)))
    return level, Axis(bottom, 0.0, "dB")


def _image_rows(item: View, picture: NDArray[Any] | None) -> list[list[Plane | Lines]]:
    strengths, scale = decibels(packet_mosaic(np.abs(item.packets)), deepest=_DEEPEST["bands"])
    half = Axis(0.0, 0.5, "cycles per pixel across")
    down = Axis(0.5, 0.0, "cycles per pixel down")
    packets = Plane(strengths, half, down, f"Wavelet packets, level {item.level}", scale, square=True)
    bands = evened(item.pyramid, item.data.shape, item.level)
    pyramid = Plane(bands, _BARE, _BARE, "Wavelet pyramid", colors="gray", square=True)
    return [
        [_picture(item.data, "Image", colors=picture), _magnitude(item.magnitude, "Fourier magnitude")],
        [pyramid, packets],
        [_profiles({"": item.profile}, item.frequencies)],
    ]


def _image_pair(item: View, names: Names) -> list[list[Plane | Lines]]:
    greatest = float(max(item.magnitude.max(), item.other_magnitude.max()))
    floor = 1e-6 * (greatest or 1.0)
    scale = (greatest, decibels(np.stack([item.magnitude, item.other_magnitude]), deepest=_PAIR)[1])
    ratio = 20 * np.log10((item.magnitude + floor) / (item.other_magnitude + floor))
    reach = min(_DIFFERENCE, max(1.0, float(np.ceil(np.quantile(np.abs(ratio), 0.99)))))
    rings = _curve(item.frequencies, item.ring_distance)
    height = 1.05 * float(np.nanmax(item.ring_distance)) or 1.0
    return [
        [_picture(item.data, names[0]), _picture(item.other, names[1])],
        [_magnitude(item.magnitude, f"Fourier magnitude, {names[0]}", like=scale),
         _magnitude(item.other_magnitude, f"Fourier magnitude, {names[1]}", like=scale)],
        [Plane(ratio, _frequency("across"), _frequency("down", turned=True), f"{names[0]} over {names[1]}",
               Axis(-reach, reach, "dB"), "diverging", square=True),
         Lines({"": rings}, _rings(item.frequencies), Axis(0.0, height), "Mean difference per ring", 480)],
        [_profiles({names[0]: item.profile, names[1]: item.other_profile}, item.frequencies)],
    ]  # fmt: skip


def _signal_rows(item: View) -> list[list[Plane | Lines]]:
    time, unit = _time(item)
    strengths, scale = decibels(item.scalogram, deepest=_DEEPEST["scalogram"])
    rows: list[list[Plane | Lines]] = [[_waveforms({"": item.data}, item)], [_spectra({"": item.magnitude}, item)]]
    lowest, highest = float(item.scalogram_frequencies[-1]), float(item.scalogram_frequencies[0])
    factor, named = _hertz(item)
    label = f"frequency in {named}"
    half = item.rate / 2 / factor
    if highest > lowest:
        label_log = label if item.rate == 1 else "frequency in Hz"
        step = (highest / lowest) ** (
            0.5 / (len(item.scalogram_frequencies) - 1)
        )  # each scale in the middle of its row
        axis = Axis(lowest / step, highest * step, label_log, log=True)
        rows.append([Plane(strengths, time, axis, "Scalogram", scale, smooth=True)])
    if len(item.packet_times) > 1:
        strengths, scale = decibels(np.abs(item.packets)[::-1], deepest=_DEEPEST["packets"])
        span = _span(item.packet_times, unit, time)
        title = f"Wavelet packets, {len(item.packets)} bands"
        rows.append([Plane(strengths, time, Axis(0.0, half, label), title, scale, span=span)])
    return rows


def _signal_pair(item: View, names: Names) -> list[list[Plane | Lines]]:
    factor, named = _hertz(item)
    change = _curve(item.frequencies / factor, item.ring_distance)
    height = 1.05 * float(item.ring_distance.max()) or 1.0
    across = Axis(0.0, item.rate / 2 / factor, f"frequency in {named}")
    return [
        [_waveforms(dict(zip(names, (item.data, item.other), strict=True)), item)],
        [_spectra(dict(zip(names, (item.magnitude, item.other_magnitude), strict=True)), item)],
        [Lines({"": change}, across, Axis(0.0, height, "magnitude"), "Absolute difference of the magnitudes", 260)],
    ]


def _picture(image: NDArray[Any], title: str, *, colors: NDArray[Any] | None = None) -> Plane:
    height, width = image.shape
    low, high = float(image.min()), float(image.max())
    usual = low >= 0 and 0.2 < high <= 1
    scale = None if usual or colors is not None else Axis(low, high if high > low else low + 1)
    return Plane(
        image if colors is None else colors,
        Axis(0.0, width, "pixels"),
        Axis(height, 0.0),
        title,
        scale,
        "gray",
        square=True,
    )


def _magnitude(magnitude: NDArray[Any], title: str, *, like: tuple[float, Axis] | None = None) -> Plane:
    greatest, shared = like or (None, None)
    level, own = decibels(magnitude, deepest=_DEEPEST["magnitude"], greatest=greatest)
    scale = shared or own
    return Plane(level, _frequency("across"), _frequency("down", turned=True), title, scale, square=True)


def _frequency(word: str, *, turned: bool = False) -> Axis:
    low, high = (0.5, -0.5) if turned else (-0.5, 0.5)
    return Axis(low, high, f"cycles per pixel {word}")


def _rings(frequencies: NDArray[Any]) -> Axis:
    return Axis(0.0, max(float(frequencies[-1]), 0.5), "cycles per pixel")


def _profiles(curves: dict[str, NDArray[Any]], frequencies: NDArray[Any]) -> Lines:
    points = {name: _curve(frequencies, np.where(values > 0, values, np.nan)) for name, values in curves.items()}
    heights = np.concatenate([line[:, 1] for line in points.values()])
    heights = heights[np.isfinite(heights)]
    low, high = (float(heights.min()), float(heights.max())) if heights.size else (0.1, 10.0)
    low = max(low, high * 1e-9)
    return Lines(
        points, _rings(frequencies), Axis(low / 1.3, high * 1.3, "mean magnitude", log=True), "Radial profile", 320
    )


def _waveforms(curves: dict[str, NDArray[Any]], item: View) -> Lines:
    time, unit = _time(item)
    moments = np.arange(item.data.shape[-1]) / item.rate / unit
    low = float(min(values.min() for values in curves.values()))
    high = float(max(values.max() for values in curves.values()))
    room = 0.06 * (high - low) or 0.5
    points = {name: _curve(moments, values) for name, values in curves.items()}
    return Lines(points, time, Axis(low - room, high + room, "value"), "Signal", 200)


def _spectra(curves: dict[str, NDArray[Any]], item: View) -> Lines:
    factor, named = _hertz(item)
    greatest = float(max(values.max() for values in curves.values()))
    levels = {name: decibels(v, deepest=_DEEPEST["spectrum"], greatest=greatest) for name, v in curves.items()}
    low = min(scale.low for _, scale in levels.values())
    points = {name: _curve(item.frequencies / factor, level) for name, (level, _) in levels.items()}
    across = Axis(0.0, item.rate / 2 / factor, f"frequency in {named}")
    return Lines(points, across, Axis(low, 4.0, "dB"), "Fourier magnitude", 260)


def _time(item: View) -> tuple[Axis, float]:
    if item.rate == 1:
        return Axis(0.0, float(item.data.shape[-1]), "time in samples"), 1.0
    seconds = item.data.shape[-1] / item.rate
    factor, unit = (1.0, "s") if seconds >= 1 else readable_unit(seconds, "s")
    return Axis(0.0, seconds / factor, f"time in {unit}"), factor


def _hertz(item: View) -> tuple[float, str]:
    if item.rate == 1:
        return 1.0, "cycles per sample"
    return readable_unit(item.rate / 4, "Hz")


def _span(times: NDArray[Any], unit: float, axis: Axis) -> tuple[float, float]:
    """Where the cells of coefficients begin and end, as shares of the axis of time; a cell is as wide as their distance."""
    step = float(times[1] - times[0])
    return (float(times[0]) - step / 2) / unit / axis.high, (float(times[-1]) + step / 2) / unit / axis.high


def _curve(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    return np.stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)], axis=1)
