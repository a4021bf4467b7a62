"""Signals in files: WAV recordings, CSV columns and arrays, as floats with their sampling rate."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from undula.data.arrays import KEYED_SUFFIXES, read_array
from undula.data.columns import read_columns
from undula.data.refusal import quoted, reading
from undula.data.wav import wav_samples
from undula.errors import DataError, RangeError, ShapeError

TABLE_SUFFIXES = (".csv", ".tsv")
SIGNAL_SUFFIXES = (".wav", *TABLE_SUFFIXES, ".npy", *KEYED_SUFFIXES)


@dataclass(frozen=True)
class Signal:
    """Samples of one or more channels, taken at even steps of time.

    Attributes:
        samples: float32 or float64 (channels, time).
        rate: Samples in a second; 1 where nobody said, so that frequencies are in cycles per sample.
        name: The stem of the file, and what was chosen inside it.
    """

    samples: Float[Tensor, "channels time"]
    rate: float
    name: str


def read_signal(path: str | Path, *, rate: float | None = None) -> Signal:
    r"""Read a signal as floats.

    WAV: integers are divided by their largest negative value, into [-1, 1), floats stay as they are. CSV and TSV: one
    column is one channel; commas, semicolons or tabs between them, decimal points; the first line may be a header. A
    first column whose header says `t`, `time`, `date`, `datetime` or `timestamp` gives the rate: numbers are seconds
    (or what `time (ms)` says), and ISO dates are understood. Arrays: (time,) or (channels, time), values as stored.

    Args:
        path: A `.wav`, `.csv`, `.tsv` or `.npy` file, or a key inside an NPZ or HDF5 file (`scan.npz:counts`).
        rate: Samples in a second; overrides what the file says. Where neither says it, it is 1.

    Returns:
        The signal: float32 of WAV files up to 24 bits and of float32 and float16, float64 of all others.

    Raises:
        DataError: When the file is missing, truncated or damaged, holds no samples, a cell is no number, or a line is
            of another length (both name the line), times are not evenly spaced, or numbers are complex.
        RangeError: When a sample is NaN or infinite, or `rate` is not positive.
        ShapeError: When an array has no axis, or more than two.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "ring.csv").write_text("time,volt\n0.0,1\n0.1,-1\n0.2,1\n")
        ...     signal = read_signal(Path(folder) / "ring.csv")
        >>> signal.samples.tolist(), round(signal.rate), signal.name
        ([[1.0, -1.0, 1.0]], 10, 'ring')
    """
    if rate is not None and not 0 < rate < math.inf:
        raise RangeError(f"got rate={rate}, expected a positive number of samples in a second: correct it")
    file, key = keyed(str(path))
    suffix = file.suffix.lower()
    if suffix not in SIGNAL_SUFFIXES:
        raise DataError(
            f"got {quoted(path)}, expected a name that ends in one of {', '.join(SIGNAL_SUFFIXES)}: convert it first"
        )
    found: float | None = None
    if suffix == ".wav":
        with reading(file, "a WAV file of integers or floats"):
            samples, found = wav_samples(file)
        _check_finite(file, samples)
    elif suffix in TABLE_SUFFIXES:
        samples, found = read_columns(file, timed=rate is None)
    else:
        samples = _channels(path, read_array(file, key=key))
        _check_finite(path, samples)
    name = f"{file.stem}-{key.replace('/', '-')}" if key else file.stem
    return Signal(torch.from_numpy(samples), float(rate or found or 1.0), name)


def keyed(text: str) -> tuple[Path, str | None]:
    """A file, and the key behind it in `scan.npz:counts`, or None."""
    for suffix in KEYED_SUFFIXES:
        file, colon, key = text.partition(f"{suffix}:")
        if colon and key:
            return Path(file + suffix), key
    return Path(text), None


def _channels(path: str | Path, values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "c":
        raise DataError(f"got complex numbers in {quoted(path)}, expected real ones: save their real part or magnitude")
    if values.ndim not in (1, 2):
        raise ShapeError(
            f"got shape {values.shape} in {quoted(path)}, expected (time,) or (channels, time): reshape it"
        )
    if not values.size:
        raise DataError(f"got shape {values.shape} in {quoted(path)}, expected at least one sample: check the file")
    narrow = values.dtype.kind == "f" and values.dtype.itemsize <= 4
    return np.array(np.atleast_2d(values), dtype=np.float32 if narrow else np.float64, order="C")


def _check_finite(path: str | Path, samples: NDArray[Any]) -> None:
    wrong = np.argwhere(~np.isfinite(samples))
    if len(wrong):
        channel, time = wrong[np.argmin(wrong[:, 1])].tolist()
        raise RangeError(
            f"got {samples[channel, time]} at sample {time} of channel {channel} in {quoted(path)}, expected finite "
            f"numbers ({len(wrong)} are not): cut or fill these samples first"
        )
