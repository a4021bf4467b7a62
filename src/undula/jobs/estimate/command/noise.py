"""What was typed behind `--noise`: a deviation, seconds of the recording that hold noise alone, or a file."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from undula.data import Recording, read_recording
from undula.data.columns import read_timed_columns
from undula.data.refusal import reading
from undula.data.signals import TABLE_SUFFIXES
from undula.errors import DataError, OptionError, RangeError

_FREQUENCY = re.compile(r"(f|freq\w*|hz)\b", re.IGNORECASE)


def typed_noise(text: str | None, recording: Recording, *, channel: int | None) -> Any:
    """Noise as `undula.estimate` takes it.

    Args:
        text: `0.1`, `2.5:8` (seconds on the recording's clock), `surrounding`, a file like an INPUT that holds noise alone, or
            a CSV file whose columns are called frequency and density.
        recording: The whole recording.
        channel: Which channel of it; None for all of them together.

    Returns:
        None, a number, "surrounding", a stretch, or a pair of frequencies and density.

    Raises:
        OptionError: The text is none of it.
        RangeError: The stretch is empty, or the file has another rate.
        DataError: The file cannot be read.
    """
    if text is None or text == "surrounding":
        return text
    number, ends = _number(text), [_number(word) for word in text.split(":")]
    if number is not None:
        if not 0 < number < float("inf"):
            raise OptionError(
                f"got --noise {text}, expected a standard deviation above 0: leave it out if it is not known"
            )
        return number
    if len(ends) == 2 and None not in ends:
        return _stretch(text, recording, channel)
    if not Path(text.partition(":")[0]).exists() and not Path(text).exists():
        raise OptionError(
            f"got --noise {text}, expected a deviation, seconds FROM:TO of the signal, surrounding, or a file: correct it"
        )
    return _file(text, recording)


def _stretch(text: str, recording: Recording, channel: int | None) -> Any:
    low, high = (float(word) - recording.begin for word in text.split(":"))
    if recording.times is not None:
        raise OptionError(f"got --noise {text} and uneven sampling, expected a deviation: spectra need even steps")
    first, last = (round(each * recording.rate) for each in (low, high))
    samples = recording.samples.shape[1]
    if not 0 <= first < last <= samples or last - first < 16:
        ends = f"{recording.begin:.10g}…{recording.begin + samples / recording.rate:.10g}"
        raise RangeError(
            f"got --noise {text}, expected 16 samples or more within {ends} s, the earlier moment first: correct it"
        )
    return _array(recording.samples[:, first:last] if channel is None else recording.samples[channel, first:last])


def _file(text: str, recording: Recording) -> Any:
    if Path(text).suffix.lower() in TABLE_SUFFIXES and _is_density(text):
        columns = read_timed_columns(Path(text))
        if columns.times is None or len(columns.samples) != 1:
            raise DataError(
                f"got {text!r}, expected two columns, ascending frequencies in Hz and the density: correct it"
            )
        return columns.times, columns.samples[0]
    found = read_recording(text)
    if found.times is not None:
        raise DataError(f"got {text!r}, which is unevenly sampled, expected noise in even steps: resample it")
    if found.stated and recording.stated and abs(found.rate / recording.rate - 1) > 1e-6:
        raise RangeError(
            f"got noise at {found.rate:g} and a signal at {recording.rate:g} samples in a second, expected one rate: resample "
            "one"
        )
    return _array(found.samples)


def _is_density(text: str) -> bool:
    with reading(text, "a CSV file of numbers"), Path(text).open(encoding="utf-8-sig") as file:
        return bool(_FREQUENCY.match(file.readline().strip().lstrip("#").strip()))


def _array(samples: Tensor) -> Any:
    return samples.to(torch.promote_types(samples.dtype, torch.float64)).squeeze(0).numpy()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
