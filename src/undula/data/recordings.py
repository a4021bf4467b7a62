"""Recordings of what rings: signals with their gaps, their clock and, where they are uneven, their times."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from torch import Tensor

from undula.data.arrays import read_array
from undula.data.clock import HDF5_SUFFIXES, read_clock
from undula.data.columns import even_rate, read_timed_columns
from undula.data.refusal import quoted, reading
from undula.data.signals import SIGNAL_SUFFIXES, TABLE_SUFFIXES, keyed
from undula.data.wav import wav_samples
from undula.errors import DataError, RangeError, ShapeError


@dataclass(frozen=True)
class Recording:
    """Channels that were measured together.

    Attributes:
        samples: Real or complex (channels, time), NaN in gaps.
        rate: Samples in a second; 1 where nobody said, 0 where the sampling is uneven.
        stated: Whether the rate is known from the file or the caller.
        begin: What the file's clock says at the first sample, in seconds; 0 where it has none.
        times: Seconds since the first sample (time,) of uneven sampling, else None.
        header: Names of the channels in a CSV file, else empty.
    """

    samples: Shaped[Tensor, "channels time"]
    rate: float
    stated: bool
    begin: float
    times: Float[Tensor, " time"] | None
    header: tuple[str, ...] = ()


def read_recording(path: str | Path, *, rate: float | None = None) -> Recording:
    r"""Read a signal with its gaps and times.

    The kinds of files are those of `read_signal`. Here NaN and empty cells of a CSV file are gaps, times need not be even,
    and arrays may be complex. Times that stray from even ones by less than 5 % of a step are taken for rounded ones. An HDF5
    array says its rate by an attribute `Xspacing`, `dt`, `dx` or `sample_interval` in seconds, or `sample_rate`,
    `sampling_rate`, `rate` or `fs` in hertz, and its first moment by `Xstart`, `x0`, `t0` or `start_time`.

    Args:
        path: A `.wav`, `.csv`, `.tsv` or `.npy` file, or a key inside an NPZ or HDF5 file (`file.hdf5:strain/Strain`).
        rate: Samples in a second; overrides the file's times.

    Returns:
        The recording.

    Raises:
        DataError: When the file cannot be read, or its times do not ascend.
        RangeError: When a value is infinite, or `rate` is not positive.
        ShapeError: When an array has no axis, or more than two.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "ring.csv").write_text("time,volt\n5.0,1\n5.1,\n5.3,1\n")
        ...     recording = read_recording(Path(folder) / "ring.csv")
        >>> recording.samples.tolist(), recording.rate, recording.begin
        ([[1.0, nan, 1.0]], 0.0, 5.0)
    """
    if rate is not None and not 0 < rate < math.inf:
        raise RangeError(f"got rate={rate}, expected samples per second, above 0: correct it")
    file, key = keyed(str(path))
    suffix, begin = file.suffix.lower(), 0.0
    if suffix not in SIGNAL_SUFFIXES:
        raise DataError(
            f"got {quoted(path)}, expected a name that ends in one of {', '.join(SIGNAL_SUFFIXES)}: convert it first"
        )
    if suffix in TABLE_SUFFIXES:
        return _from_columns(file, rate)
    found: float | None = None
    if suffix == ".wav":
        with reading(file, "a WAV file of integers or floats"):
            samples, found = wav_samples(file)
    else:
        samples = _channels(path, read_array(file, key=key))
        if suffix in HDF5_SUFFIXES:
            found, begin = read_clock(file, key)
    if np.isinf(samples).any():
        raise RangeError(f"got infinite values in {quoted(path)}, expected numbers, or NaN where there is a gap")
    stated = rate or found
    return Recording(torch.from_numpy(samples), float(stated or 1.0), stated is not None, begin, None)


def _from_columns(file: Path, rate: float | None) -> Recording:
    found = read_timed_columns(file)
    samples, header = torch.from_numpy(found.samples), tuple(found.header)
    if rate is not None or found.times is None:
        return Recording(samples, float(rate or 1.0), rate is not None, 0.0, None, header)
    begin = float(found.times[0])
    even = even_rate(found.times)
    times = None if even is not None else torch.from_numpy(found.times - begin)
    return Recording(samples, even or 0.0, True, begin, times, header)


def _channels(path: str | Path, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim not in (1, 2):
        raise ShapeError(
            f"got shape {values.shape} in {quoted(path)}, expected (time,) or (channels, time): reshape it"
        )
    if not values.size:
        raise DataError(f"got shape {values.shape} in {quoted(path)}, expected at least one sample: check the file")
    if values.dtype.kind == "c":
        return np.array(np.atleast_2d(values), dtype=np.complex128, order="C")
    narrow = values.dtype.kind == "f" and values.dtype.itemsize <= 4
    return np.array(np.atleast_2d(values), dtype=np.float32 if narrow else np.float64, order="C")
