"""Several recordings as channels of one: `--joint`, each shifted by what its sensor hears later."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from undula.data import Recording
from undula.errors import DataError, OptionError


def joined(recordings: Sequence[Recording], sources: Sequence[str], delays: Sequence[float] | None) -> Recording:
    """One recording of all channels, on the clock of the first.

    Args:
        recordings: Evenly sampled, at one rate, their clocks alike.
        sources: Where they come from, for the errors.
        delays: By how many seconds each hears later than the first, one per recording; rounded to samples.

    Returns:
        The channels, cut to the time that all of them cover.

    Raises:
        OptionError: Delays of another number than recordings.
        DataError: Recordings that do not fit each other.
    """
    first = recordings[0]
    if delays is not None and len(delays) != len(recordings):
        raise OptionError(
            f"got {len(delays)} --delay for {len(recordings)} INPUTs, expected one for each, the first mostly 0: correct it"
        )
    shifts = []
    for number, (each, source) in enumerate(zip(recordings, sources, strict=True)):
        if each.times is not None:
            raise DataError(
                f"got {source!r}, which is unevenly sampled, with --joint, expected even steps: resample it"
            )
        if abs(each.rate / first.rate - 1) > 1e-9:
            raise DataError(
                f"got {source!r} at {each.rate:g} and {sources[0]!r} at {first.rate:g} samples in a second, expected one rate "
                "with --joint: resample one"
            )
        later = 0.0 if delays is None else delays[number]
        shifts.append(round((first.begin + later - each.begin) * first.rate))
    begin = max(0, -min(shifts))
    length = min(each.samples.shape[1] - shift for each, shift in zip(recordings, shifts, strict=True)) - begin
    if length < 1:
        raise DataError("got recordings that have no time in common, expected some with --joint: check their clocks")
    rows = [each.samples[:, shift + begin :][:, :length] for each, shift in zip(recordings, shifts, strict=True)]
    stated = all(each.stated for each in recordings)
    return replace(first, samples=torch.cat(rows), begin=first.begin + begin / first.rate, stated=stated, header=())
