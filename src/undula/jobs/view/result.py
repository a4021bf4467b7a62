"""What `view` returns."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from undula.data import OutputFolder, write_arrays
from undula.jobs.view.figures import draw_view
from undula.show import save_picture

_COLUMNS = 2048  # of a saved scalogram
_ROUNDING = 1e-6  # of the mean: nothing sounds in a constant signal


@dataclass(frozen=True)
class View:
    """Spectra of images or signals. Fields are tensors, or arrays where arrays came in; None where they do not apply.

    Attributes:
        kind: What was viewed.
        data: The images (…, H, W) or signals (…, T).
        other: What they were compared with.
        rate: Samples of a signal in a second.
        wavelet: Discrete wavelet of pyramid and packets.
        level: Levels of pyramid and packets.
        magnitude: |F x|: of images with zero frequency in the middle (…, H, W), of signals from zero to half the rate
            (…, ⌊T/2⌋ + 1).
        frequencies: Frequencies of the rings in cycles per pixel (rings), or of the magnitudes of signals in hertz.
        profile: Mean magnitude over every ring of frequency (…, rings); images only.
        pyramid: Bands of the wavelet transform laid out as in `magnitude`'s plane: the coarse image in the upper left,
            frequency rising to the right and downward (…, about H, about W); images only.
        scalogram: |C(s, t)| / √s of the continuous wavelet transform (…, scales, T); signals only.
        scalogram_frequencies: Frequency of every scale in hertz, falling (scales).
        packets: Wavelet packets in the order of frequency: of signals (…, 2^L, n), of images (…, 4^L, h, w), rows of bands
            first.
        packet_frequencies: Middle frequency of every band (2^L), in hertz, or along an axis in cycles per pixel.
        packet_times: Time in seconds that every coefficient of a band belongs to (n); signals only.
        other_magnitude: The other's magnitudes.
        other_profile: The other's radial profile.
        difference: `magnitude` minus `other_magnitude`.
        distance: Mean | |F a| - |F b| | over the full plane (…).
        ring_distance: The same mean over every ring of frequency (…, rings), of signals at every frequency.
        arguments: What `view` was called with, in plain values.
        seconds: Wall time of the call.
    """

    kind: Literal["image", "signal"]
    data: Any
    other: Any
    rate: float
    wavelet: str
    level: int
    magnitude: Any
    frequencies: Any
    packets: Any
    packet_frequencies: Any
    profile: Any = None
    pyramid: Any = None
    scalogram: Any = None
    scalogram_frequencies: Any = None
    packet_times: Any = None
    other_magnitude: Any = None
    other_profile: Any = None
    difference: Any = None
    distance: Any = None
    ring_distance: Any = None
    arguments: Any = None
    seconds: float = 0.0

    def items(self) -> Iterator["View"]:
        """The items of the batch one by one, as NumPy arrays without leading axes."""
        space = 2 if self.kind == "image" else 1
        batch = tuple(self.data.shape[: self.data.ndim - space])
        values = {name: _array(getattr(self, name)) for name in _BATCHED}
        shared: dict[str, Any] = {name: _array(getattr(self, name)) for name in _SHARED}
        for index in np.ndindex(*batch):
            own: dict[str, Any] = {name: None if value is None else value[index] for name, value in values.items()}
            yield replace(self, **own, **shared)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is drawn of a view, by name: the scalogram of a long signal as the greatest of neighboring times."""
        known = {name: _array(getattr(self, name)) for name in (*_BATCHED, *_SHARED)}
        found = {name: value for name, value in known.items() if value is not None}
        if "scalogram" in found:
            found["scalogram"] = _narrowed(found["scalogram"])
        return found

    def save(self, folder: str | Path) -> Path:
        """Write a figure and the arrays of every item, and `run.json`.

        Args:
            folder: Created if it does not exist.

        Returns:
            The folder.

        Raises:
            DataError: The folder or a file cannot be written.
        """
        out = OutputFolder(folder, arguments=self.arguments)
        for number, item in enumerate(self.items()):
            name = f"view-{number:05d}"
            out.finish(name, describe(item), write_view(out, name, item))
        out.write_run({"items": out.records(), "seconds": self.seconds})
        return out.folder


_BATCHED = (
    "data", "other", "magnitude", "profile", "pyramid", "scalogram", "packets", "other_magnitude", "other_profile",
    "difference", "distance", "ring_distance",
)  # fmt: skip
_SHARED = ("frequencies", "scalogram_frequencies", "packet_frequencies", "packet_times")


def write_view(
    out: OutputFolder, name: str, item: View, *, title: str = "", picture: NDArray[Any] | None = None, names: Any = None
) -> list[str]:
    """Write the figure and the arrays of one item.

    Args:
        out: Where to.
        name: Stem of the files.
        item: One item of `View.items`.
        title: Line above the figure.
        picture: The image in its colors (h, w, 3), where it has any.
        names: What the two that are compared are called.

    Returns:
        Names of the files.
    """
    write_arrays(out.path(f"{name}.npz"), item.arrays())
    save_picture(out.path(f"{name}.png"), draw_view(item, title=title or name, picture=picture, names=names))
    return [f"{name}.npz", f"{name}.png"]


def describe(item: View) -> dict[str, Any]:
    """What is to be known of one item in a record and a table."""
    shape = [int(side) for side in item.data.shape]
    known: dict[str, Any] = {"kind": item.kind, "shape": shape, "wavelet": item.wavelet, "level": item.level}
    if item.kind == "signal":
        strongest = int(np.argmax(item.magnitude[1:])) + 1 if len(item.magnitude) > 1 else 0
        heard = float(item.magnitude[strongest]) > _ROUNDING * float(item.magnitude.max()) and strongest > 0
        known |= {"rate": item.rate, "strongest_frequency": float(item.frequencies[strongest]) if heard else None}
    else:
        known["energy_beyond_quarter"] = _high_share(item)
    if item.distance is not None:
        known |= {"distance": float(item.distance), "ring_distance": [float(value) for value in item.ring_distance]}
    return known


def _high_share(item: View) -> float | None:
    """Share of the energy, the mean left out, at frequencies above a quarter of a cycle per pixel."""
    height, width = item.magnitude.shape
    down, across = (np.fft.fftshift(np.fft.fftfreq(side)) for side in (height, width))
    distance = np.hypot(down[:, None], across)
    power = np.asarray(item.magnitude, dtype=np.float64) ** 2 * (distance > 0)
    total = float(power.sum())
    return float(power[distance > 0.25].sum() / total) if total > 0 else None


def _narrowed(scalogram: NDArray[Any]) -> NDArray[Any]:
    length = scalogram.shape[-1]
    starts = np.unique(np.arange(min(length, _COLUMNS)) * length // min(length, _COLUMNS))
    return np.maximum.reduceat(scalogram, starts, axis=-1)


def _array(value: Any) -> Any:
    return None if value is None else np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
