"""What `undula recover` works on: files, stacks in files, and named sets, as entries that are read when they are due."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undula.data import Item, drawn_digits, find_items
from undula.errors import DataError, OptionError, ShapeError, UndulaError
from undula.jobs.recover.command.settings import Dims, Settings
from undula.session import Bar, Session

_DRAWN = "ten drawn digits"
_VOLUMES = ("bcdi",)  # named sets of volumes


@dataclass(frozen=True)
class Entry:
    """One thing to recover, not read yet.

    Attributes:
        name: Stem of its files, unique among all entries.
        source: Where it comes from, as the user would type it.
        index: Its place in the stack that the source holds, or None when the source is one item.
        stamp: Size and time of the file, so that a changed file is done again; None for named sets.
        item: The source.
    """

    name: str
    source: str
    index: int | None
    stamp: str | None
    item: Item

    def load(self) -> NDArray[Any]:
        """The array: pictures (c, h, w), others (space).

        Raises:
            DataError: It cannot be read, or the stack has become shorter.
        """
        values = self.item.load()
        if self.index is None:
            return values
        if self.index >= len(values):
            raise DataError(
                f"got {self.source!r} with {len(values)} items, expected more: it changed meanwhile, try again"
            )
        part: NDArray[Any] = values[self.index]
        return part


def find_entries(inputs: Sequence[str], settings: Settings, session: Session) -> tuple[list[Entry], Dims]:
    """Find everything that the inputs name; arrays with more axes than `dims` are stacks of items.

    Args:
        inputs: As typed; nothing stands for ten drawn digits.
        settings: The options.
        session: Shows a bar while a named set is downloaded.

    Returns:
        All entries, of all shards, and the number of space axes.

    Raises:
        DataError: An input is nothing.
        OptionError: What the inputs hold or how many axes they have is unknown.
    """
    items = _find(inputs, session) if inputs else _drawn()
    unknown = [item.source for item in items if item.given is None]
    if unknown and settings.given is None:
        raise OptionError(
            f"got {unknown[0]!r} and no --given, expected what it holds: say --given images (their phase will be forgotten), "
            "--given magnitudes (|F|) or --given intensities (|F|², counts)"
        )
    settings.check({settings.given or item.given or "images" for item in items})
    dims = settings.dims or _known_dims(items)
    return [entry for item in items for entry in _entries(item, dims)], dims


def find_again(source: str, index: int | None) -> Entry | None:
    """The entry that an earlier run recorded, or None if it is gone."""
    try:
        items = _drawn() if source.startswith(_DRAWN) else find_items([source])
    except UndulaError:
        return None
    matches = [item for item in items if item.source == source]
    return Entry(matches[0].name, source, index, None, matches[0]) if matches else None


def _find(inputs: Sequence[str], session: Session) -> list[Item]:
    with ExitStack() as stack:
        bars: list[Bar] = []

        def downloading(done: int, total: int) -> None:
            if not bars:
                bars.append(stack.enter_context(session.bar("download, megabytes", max(1, total >> 20))))
            bars[0].update(done / 2**20)

        return find_items(inputs, callback=downloading)


def _drawn() -> list[Item]:
    def draw(number: int) -> Callable[[], NDArray[Any]]:
        def load() -> NDArray[Any]:
            digit: NDArray[Any] = _ten_digits()[number]
            return digit

        return load

    return [
        Item(f"drawn-{number}", f"{_DRAWN}: {number}", "images", False, False, draw(number)) for number in range(10)
    ]


@cache
def _ten_digits() -> NDArray[Any]:
    digits: NDArray[Any] = drawn_digits(10).numpy()
    return digits


def _known_dims(items: Sequence[Item]) -> Dims:
    kinds = {item.source in _VOLUMES for item in items}
    if len(kinds) > 1:
        raise OptionError("got volumes and flat items together, expected one kind: run the command once for each")
    return 3 if kinds == {True} else 2


def _entries(item: Item, dims: int) -> list[Entry]:
    stamp = _stamp(item.source)
    whole = Entry(item.name, item.source, None, stamp, item)
    if item.picture or (item.given is not None and item.source not in _VOLUMES):
        return [whole]
    try:
        shape = _shape(item)
    except UndulaError:
        return [whole]  # it fails by name when its turn comes
    if len(shape) == dims:
        return [whole]
    if len(shape) != dims + 1 or not shape[0]:
        return [Entry(item.name, item.source, None, stamp, _refused(item, shape, dims))]
    width = len(str(shape[0] - 1))
    return [Entry(f"{item.name}-{k:0{width}d}", item.source, k, stamp, item) for k in range(shape[0])]


def _refused(item: Item, shape: tuple[int, ...], dims: int) -> Item:
    def load() -> NDArray[Any]:
        raise ShapeError(
            f"got {item.source!r} of shape {shape}, expected {dims} axes, or {dims + 1} for a stack of items: "
            "say --dims 1, 2 or 3"
        )

    return Item(item.name, item.source, item.given, item.centered, item.picture, load)


def _shape(item: Item) -> tuple[int, ...]:
    """Shape of an array; of NPY files without reading all of it."""
    path = Path(item.source)
    if path.suffix.lower() == ".npy" and path.is_file():
        try:
            return tuple(np.load(path, mmap_mode="r", allow_pickle=False).shape)
        except (OSError, ValueError, EOFError):
            pass  # the reader of the item knows how to say it
    return tuple(item.load().shape)


def _stamp(source: str) -> str | None:
    path = Path(source)
    for place in (path, Path(source.rpartition(":")[0])):
        try:
            if place.is_file():
                known = place.stat()
                return f"{known.st_size} bytes at {known.st_mtime_ns}"
        except (OSError, ValueError):
            continue
    return None
