"""What `undula estimate` works on: recordings and their channels, and a ring-down that Undula draws itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.data import Entry, Item, Recording, Ringing, drawn_ringing, read_recording
from undula.data.entries import numbered_entries, whole_entry
from undula.errors import DataError, OptionError, UndulaError
from undula.jobs.estimate.command.noise import typed_noise
from undula.jobs.estimate.command.settings import Settings
from undula.jobs.estimate.command.together import joined
from undula.session import Session
from undula.session.finding import find_with_bar

_LONGEST = 2**17  # samples


@dataclass(frozen=True)
class Loaded:
    """One signal in memory.

    Attributes:
        samples: A signal (time,), or channels that share their modes (channels, time).
        rate: Samples in a second, 0 where the sampling is uneven.
        times: Seconds since the first sample of uneven sampling, else None.
        begin: What the file's clock says at the first sample.
        noise: As `undula.estimate` takes it.
        title: Line above its figure.
        names: Of its channels, where they were inputs of their own.
        truth: What was drawn, where Undula drew it.
        notes: What is worth saying once it was fitted.
    """

    samples: Shaped[Tensor, "*channels time"]
    rate: float
    times: Float[Tensor, " time"] | None
    begin: float
    noise: Any
    title: str
    names: tuple[str, ...] = ()
    truth: Ringing | None = None
    notes: tuple[str, ...] = ()

    def holding(self, samples: Shaped[Tensor, "*batch time"]) -> "Loaded":
        """The same with other samples."""
        return replace(self, samples=samples)


@dataclass(frozen=True)
class Task:
    """One signal to fit, not read yet.

    Attributes:
        name: Stem of its files.
        source: Where it comes from.
        index: Its channel.
        stamp: Size and time of its file.
        load: Reads it.
    """

    name: str
    source: str
    index: int | None
    stamp: str | None
    load: Callable[[], Loaded]


def find_tasks(inputs: Sequence[str], settings: Settings, session: Session) -> list[Task]:
    """Find every signal.

    Args:
        inputs: As typed; nothing stands for a drawn ring-down.
        settings: The options.
        session: Seed and notes.

    Returns:
        The tasks, in the order of the inputs.

    Raises:
        DataError: An input is nothing.
        OptionError: Options that a drawn ring-down does not take.
    """
    if not inputs:
        if settings.rate is not None or settings.part is not None or settings.together:
            raise OptionError(
                "got --rate, --part, --shared or --joint without INPUT, expected a file with them: name one"
            )
        seed = session.options.seed
        return [Task("ringing", f"drawn ring-down of seed {seed}", None, None, partial(_drawn, seed, settings))]
    entries = [entry for item in find_with_bar(inputs, session, signals=True) for entry in _entries(item, settings)]
    if settings.joint:
        stamp = " ".join(one.stamp or "" for one in entries)
        source = " + ".join(one.source for one in entries)
        return [Task("joint", source, None, stamp, partial(_load_together, entries, settings))]
    return [Task(one.name, one.source, one.index, one.stamp, partial(_load, one, settings)) for one in entries]


def _drawn(seed: int, settings: Settings) -> Loaded:
    drawn = drawn_ringing(seed=seed)
    recording = Recording(drawn.signal[None], drawn.rate, True, 0.0, None)
    noise = typed_noise(settings.noise, recording, channel=0)
    return Loaded(drawn.signal, drawn.rate, None, 0.0, noise, "A ring-down of two modes", truth=drawn)


def _entries(item: Item, settings: Settings) -> list[Entry]:
    if settings.together or item.picture or item.given is not None:
        return [whole_entry(item)]
    try:
        count = len(read_recording(item.source, rate=settings.rate).samples)
    except UndulaError:
        count = 1  # it fails by name when its turn comes
    return numbered_entries(item, count) if count > 1 else [whole_entry(item)]


def _load(entry: Entry, settings: Settings) -> Loaded:
    recording = _read(entry, settings)
    channel = None if settings.shared else entry.index or 0
    title = entry.name
    if recording.header and channel is not None:
        title = f"{entry.name}: {recording.header[channel]}"
    return _loaded(recording, settings, channel=channel, source=entry.source, name=entry.name, title=title)


def _load_together(entries: Sequence[Entry], settings: Settings) -> Loaded:
    recordings = [_read(entry, settings) for entry in entries]
    recording = joined(recordings, [entry.source for entry in entries], settings.delay)
    names: list[str] = []
    for entry, each in zip(entries, recordings, strict=True):
        several = len(each.samples) > 1
        names += [f"{entry.name}-{k}" if several else entry.name for k in range(len(each.samples))]
    title = " and ".join(names) if len(names) < 4 else f"{len(names)} channels together"
    source = " + ".join(entry.source for entry in entries)
    loaded = _loaded(recording, settings, channel=None, source=source, name="joint", title=title)
    return replace(loaded, names=tuple(names))


def _read(entry: Entry, settings: Settings) -> Recording:
    if entry.item.picture or entry.item.given is not None:
        raise DataError(
            f"got {entry.source!r}, which is no signal, expected CSV, WAV, NPY or HDF5: undula view shows pictures"
        )
    return read_recording(entry.source, rate=settings.rate)


def _loaded(
    recording: Recording, settings: Settings, *, channel: int | None, source: str, name: str, title: str
) -> Loaded:
    noise = typed_noise(settings.noise, recording, channel=channel)
    samples, times, begin = _part(recording, settings, source)
    if samples.shape[1] > _LONGEST:
        raise OptionError(
            f"got {samples.shape[1]:,} samples in {source!r}, expected at most {_LONGEST:,}: choose the ringing with "
            "--part FROM TO"
        )
    kept = samples if channel is None else samples[channel]
    return Loaded(kept, recording.rate, times, begin, noise, title, notes=_notes(recording, name))


def _notes(recording: Recording, name: str) -> tuple[str, ...]:
    said = []
    if not recording.stated:
        said.append("frequencies are in cycles per sample and times in samples where no rate is known: say --rate")
    if recording.times is not None:
        said.append(f"{name} is unevenly sampled: its times are fitted as they are")
    return tuple(said)


def _part(recording: Recording, settings: Settings, source: str) -> tuple[Tensor, Tensor | None, float]:
    """Samples within `--part` and from `--start` on, their times, and the clock at the first of them."""
    samples, times = recording.samples, recording.times
    low, high = settings.part or (recording.begin, float("inf"))
    if settings.part is None or settings.noise == "surrounding":  # which needs what lies around the part
        return samples, times, recording.begin
    clock = torch.arange(samples.shape[1], dtype=torch.float64) / recording.rate if times is None else times
    slack = 1e-6 * float(clock[1] - clock[0]) if len(clock) > 1 else 0.0
    inside = (clock >= low - recording.begin - slack) & (clock < high - recording.begin - slack)
    if not bool(inside.any()):
        last = recording.begin + float(clock[-1])
        raise OptionError(
            f"got --part {low:g} {high:g} of {source!r}, expected seconds within {recording.begin:.10g}…{last:.10g}: correct it"
        )
    first = float(clock[inside][0])
    return samples[:, inside], None if times is None else times[inside] - first, recording.begin + first
