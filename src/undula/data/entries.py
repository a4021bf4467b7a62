"""Entries: what an INPUT holds, one by one, stacks taken apart, read when they are due."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undula.data.inputs import Item
from undula.errors import DataError, ShapeError, UndulaError


@dataclass(frozen=True)
class Entry:
    """One thing to work on, not read yet.

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


def whole_entry(item: Item) -> Entry:
    """An item as one entry."""
    return Entry(item.name, item.source, None, file_stamp(item.source), item)


def stack_entries(item: Item, dims: int) -> list[Entry]:
    """The entries of an array: itself, or with one axis more than `dims` every item of the stack.

    Args:
        item: An array in a file.
        dims: How many axes are space.

    Returns:
        The entries, with numbers of equal width; one that raises when it is loaded, where nothing fits.
    """
    try:
        shape = array_shape(item)
    except UndulaError:
        return [whole_entry(item)]  # it fails by name when its turn comes
    if len(shape) == dims:
        return [whole_entry(item)]
    if len(shape) != dims + 1 or not shape[0]:
        return [whole_entry(replace(item, load=_refusal(item, shape, dims)))]
    return numbered_entries(item, shape[0])


def numbered_entries(item: Item, count: int) -> list[Entry]:
    """The entries of a stack of so many."""
    width, stamp = len(str(count - 1)), file_stamp(item.source)
    return [Entry(f"{item.name}-{k:0{width}d}", item.source, k, stamp, item) for k in range(count)]


def array_shape(item: Item) -> tuple[int, ...]:
    """Shape of an array; of NPY files without reading all of it.

    Raises:
        UndulaError: It cannot be read.
    """
    path = Path(item.source)
    if path.suffix.lower() == ".npy" and path.is_file():
        try:
            return tuple(np.load(path, mmap_mode="r", allow_pickle=False).shape)
        except (OSError, ValueError, EOFError):
            pass  # the reader of the item knows how to say it
    return tuple(item.load().shape)


def file_stamp(source: str) -> str | None:
    """Size and time of the file that a source names, or None for what is no file."""
    path = Path(source)
    for place in (path, Path(source.rpartition(":")[0])):
        try:
            if place.is_file():
                known = place.stat()
                return f"{known.st_size} bytes at {known.st_mtime_ns}"
        except (OSError, ValueError):
            continue
    return None


def _refusal(item: Item, shape: tuple[int, ...], dims: int) -> Callable[[], NDArray[Any]]:
    def load() -> NDArray[Any]:
        raise ShapeError(
            f"got {item.source!r} of shape {shape}, expected {dims} axes, or {dims + 1} for a stack of items: "
            "say --dims 1, 2 or 3"
        )

    return load
