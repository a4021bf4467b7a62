"""What `undula recover` works on: files, stacks in files, and named sets, as entries that are read when they are due."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from numpy.typing import NDArray

from undula.data import Entry, Item, drawn_digits, find_items
from undula.data.entries import stack_entries, whole_entry
from undula.errors import OptionError, UndulaError
from undula.jobs.recover.command.settings import Dims, Settings
from undula.session import Session
from undula.session.finding import find_with_bar

_DRAWN = "ten drawn digits"
_VOLUMES = ("bcdi",)  # named sets of volumes


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
    items = find_with_bar(inputs, session) if inputs else _drawn()
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
    flat_set = item.given is not None and item.source not in _VOLUMES
    return [whole_entry(item)] if item.picture or flat_set else stack_entries(item, dims)
