"""What `undula view` works on: files, stacks and channels in files, named sets, pairs, and examples of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from undula.data import Entry, Item, linear_chirp, luminance, read_signal, ring_pair
from undula.data.entries import array_shape, numbered_entries, stack_entries, whole_entry
from undula.data.names import safe_name
from undula.errors import DataError, OptionError, RangeError, ShapeError, UndulaError
from undula.jobs.view.command.settings import Example, Settings
from undula.session import Session
from undula.session.finding import find_with_bar

_SIGNALS = (".wav", ".csv", ".tsv")
_LONGEST = 2**18  # samples: a scalogram of 97 scales takes 100 MB
_DRAWN = {
    "chirp": "a linear chirp, 1 to 250 Hz",
    "rings": "a sharp ring and a blurred one",
}


@dataclass(frozen=True)
class Loaded:
    """One thing to view, in memory.

    Attributes:
        values: An image (h, w) or a signal (time).
        rate: Samples of a signal in a second, None for images.
        title: Line above its figure.
        picture: The image in its colors (h, w, 3), where it has any.
        other: What it is compared with.
        names: What both are called.
    """

    values: Float[Tensor, "*space"]
    rate: float | None
    title: str
    picture: NDArray[Any] | None = None
    other: Float[Tensor, "*space"] | None = None
    names: tuple[str, str] | None = None


@dataclass(frozen=True)
class Task:
    """One figure to make, not read yet.

    Attributes:
        name: Stem of its files.
        source: Where it comes from.
        index: Its place in a stack, or its channel.
        stamp: Sizes and times of its files.
        load: Reads it.
    """

    name: str
    source: str
    index: int | None
    stamp: str | None
    load: Callable[[], Loaded]


def find_tasks(
    inputs: Sequence[str], settings: Settings, session: Session, *, example: Example | None, compare: bool | None
) -> list[Task]:
    """Find everything that is to be viewed.

    Args:
        inputs: As typed; nothing stands for an example.
        settings: The options.
        session: Notes, and a bar while a named set is downloaded.
        example: Which example, where there are no inputs.
        compare: Whether two inputs are compared; None does so where each holds one item.

    Returns:
        The tasks, in the order of the inputs.

    Raises:
        DataError: An input is nothing.
        OptionError: Inputs and an example, or inputs that cannot be compared.
    """
    if inputs and example:
        raise OptionError(f"got inputs and --example {example}, expected one of them: leave one out")
    if not inputs:
        if compare:
            raise OptionError("got --compare without inputs, expected two files: undula view --example rings shows how")
        return [_example(example or "chirp")]
    entries = [entry for item in find_with_bar(inputs, session, signals=True) for entry in _entries(item, settings)]
    pair = len(inputs) == 2 and len(entries) == 2
    if compare and not pair:
        raise OptionError(
            f"got --compare and {len(entries)} items, expected two inputs of one item each: name two files"
        )
    if pair and compare is not False:
        return [_pair(entries[0], entries[1], settings, session)]
    return [
        Task(entry.name, entry.source, entry.index, entry.stamp, partial(_load, entry, settings, session))
        for entry in entries
    ]


def _example(name: Example) -> Task:
    def load() -> Loaded:
        if name == "chirp":
            return Loaded(linear_chirp(), 1000.0, "A linear chirp, 1 to 250 Hz")
        sharp, blurred = ring_pair()
        return Loaded(sharp, None, "A ring and its blur", other=blurred, names=("sharp", "blurred"))

    return Task(name, _DRAWN[name], None, None, load)


def _pair(first: Entry, second: Entry, settings: Settings, session: Session) -> Task:
    def load() -> Loaded:
        one, other = (_load(entry, settings, session) for entry in (first, second))
        if one.values.shape != other.values.shape:
            raise ShapeError(
                f"got {first.source!r} of shape {tuple(one.values.shape)} and {second.source!r} of shape "
                f"{tuple(other.values.shape)}, expected equal shapes to compare: cut or scale one, or say --no-compare"
            )
        if one.rate != other.rate:
            raise RangeError(
                f"got {first.source!r} of {one.rate:g} and {second.source!r} of {other.rate:g} samples in a second, expected "
                "equal rates to compare: resample one, or say --rate"
            )
        title = f"{first.name} and {second.name}"
        return Loaded(one.values, one.rate, title, other=other.values.to(one.values), names=(first.name, second.name))

    stamp = " and ".join(entry.stamp or "–" for entry in (first, second))
    return Task(safe_name(f"{first.name}-{second.name}"), f"{first.source} and {second.source}", None, stamp, load)


def _entries(item: Item, settings: Settings) -> list[Entry]:
    suffix = Path(item.source).suffix.lower()
    signals = settings.dims == 1 or settings.rate is not None
    if item.picture or item.given == "images":
        return [whole_entry(item)]
    if item.given is not None:
        raise DataError(f"got {item.source!r}, a measured volume, expected images or signals: undula recover is for it")
    if suffix == ".wav" or (suffix in _SIGNALS and settings.dims != 2):
        return _channels(item, settings)
    try:
        axes = len(array_shape(item))
    except UndulaError:
        return [whole_entry(item)]  # it fails by name when its turn comes
    return _channels(item, settings) if signals or axes == 1 else stack_entries(item, 2)


def _channels(item: Item, settings: Settings) -> list[Entry]:
    try:
        count = len(read_signal(item.source, rate=settings.rate).samples)
    except UndulaError:
        count = 1
    return numbered_entries(item, count) if count > 1 else [whole_entry(item)]


def _load(entry: Entry, settings: Settings, session: Session) -> Loaded:
    if entry.item.picture or entry.item.given == "images":
        return _load_image(entry, settings, session)
    suffix = Path(entry.source).suffix.lower()
    signal = settings.dims == 1 or settings.rate is not None or (suffix in _SIGNALS and settings.dims != 2)
    if signal or suffix == ".wav":
        return _load_signal(entry, settings, session)
    values = entry.load()
    return _load_signal(entry, settings, session) if values.ndim == 1 else _load_image(entry, settings, session)


def _load_signal(entry: Entry, settings: Settings, session: Session) -> Loaded:
    signal = read_signal(entry.source, rate=settings.rate)
    samples = signal.samples[entry.index or 0]
    if settings.rate is None and signal.rate == 1:
        session.note("frequencies are in cycles per sample where no rate is known: --rate gives them in Hz")
    if settings.part is not None:
        first, last = (round(second * signal.rate) for second in settings.part)
        samples = samples[first:last]
        if not len(samples):
            seconds = signal.samples.shape[1] / signal.rate
            raise OptionError(
                f"got --part {settings.part[0]:g} {settings.part[1]:g} of {entry.source!r}, expected seconds within "
                f"0…{seconds:g}: correct it"
            )
    if len(samples) > _LONGEST:
        session.note(
            f"got {len(samples):,} samples in {entry.source!r}: the first {_LONGEST / signal.rate:g} seconds are viewed, "
            "--part chooses others"
        )
        samples = samples[:_LONGEST]
    return Loaded(samples.clone(), signal.rate, entry.name)


def _load_image(entry: Entry, settings: Settings, session: Session) -> Loaded:
    if settings.dims == 1 or settings.rate is not None:
        raise OptionError(f"got the image {entry.source!r} and --dims 1 or --rate, expected a signal: leave them out")
    stored = entry.load()
    if not entry.item.picture:
        return Loaded(_numbers(stored, entry), None, entry.name)
    pixels = torch.from_numpy(stored)
    colors = pixels[:-1] * pixels[-1:] if len(pixels) in (2, 4) else pixels
    if len(pixels) in (2, 4):
        session.note("pictures with transparency are laid over black")
    if len(colors) == 1:
        return Loaded(colors[0], None, entry.name)
    session.note("spectra of pictures in color are those of their luminance")
    return Loaded(luminance(pixels), None, entry.name, picture=colors.permute(1, 2, 0).numpy())


def _numbers(stored: NDArray[Any], entry: Entry) -> Tensor:
    if stored.dtype.kind == "c":
        raise DataError(
            f"got complex numbers in {entry.source!r}, expected real ones: save their real part or magnitude first"
        )
    if stored.ndim != 2:
        raise ShapeError(f"got {entry.source!r} of shape {stored.shape}, expected (height, width): save one image")
    exact = stored.dtype == np.float64 or (stored.dtype.kind in "iu" and stored.dtype.itemsize > 2)
    return torch.from_numpy(np.ascontiguousarray(stored.astype(np.float64 if exact else np.float32)))
