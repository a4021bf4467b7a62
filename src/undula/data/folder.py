"""The folder that a command writes: what is finished stays, and is not done again."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from undula.data.atomic import atomic_text, make_folder
from undula.data.plain import json_text, plain
from undula.data.refusal import quoted
from undula.errors import DataError, OptionError

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of a batch, for as many processes.

    Attributes:
        index: Which part, from 1.
        count: How many parts there are.

    Raises:
        OptionError: When there is no such part.

    Example:
        >>> Shard.parse("2/3").take("abcdefg")
        ['b', 'e']
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise OptionError(
                f"got the shard {self.index}/{self.count}, expected 1/{max(self.count, 1)} to "
                f"{max(self.count, 1)}/{max(self.count, 1)}: count from 1"
            )

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read a shard as a user types it.

        Args:
            text: The part and the number of parts, `2/3`.

        Returns:
            The shard.

        Raises:
            OptionError: When the text is something else, or there is no such part.
        """
        words = text.split("/")
        if len(words) != 2 or not all(word.isascii() and word.isdigit() for word in words):
            raise OptionError(f"got the shard {text!r}, expected a part and the number of parts: write 1/4 … 4/4")
        return cls(int(words[0]), int(words[1]))

    def take(self, items: Sequence[T]) -> list[T]:
        """Return every n-th item, beginning with the one at this shard's place.

        Args:
            items: All items, in the same order in all shards.

        Returns:
            Those at the positions k with k mod count + 1 = index.
        """
        return list(items[self.index - 1 :: self.count])


class OutputFolder:
    """A folder of results that remembers which items are finished, and with which arguments.

    Args:
        path: The folder; it is made if it is not there.
        arguments: What decides the results: options and seed, not the inputs, the shard or the number of
            threads.
        resume: False to do every item again.

    Raises:
        DataError: When the folder cannot be made.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     folder = OutputFolder(place, arguments={"seed": 0})
        ...     _ = folder.path("a.txt").write_text("done")
        ...     folder.finish("a", {"residual": 0.01}, ["a.txt"])
        ...     again = OutputFolder(place, arguments={"seed": 0}).finished("a")
        ...     other = OutputFolder(place, arguments={"seed": 1}).finished("a")
        >>> again["residual"], other
        (0.01, None)
    """

    def __init__(self, path: str | Path, *, arguments: Mapping[str, Any], resume: bool = True) -> None:
        self.folder = make_folder(path)
        self.arguments: dict[str, Any] = plain(arguments)
        self.resume = resume
        self.fingerprint = _fingerprint(self.arguments)
        make_folder(self.folder / "items")

    def path(self, name: str) -> Path:
        """Return where a file of that name belongs.

        Args:
            name: A file name without folders.

        Returns:
            Its path in this folder.

        Raises:
            DataError: When the name would leave the folder.
        """
        return self.folder / _checked(name)

    def finished(self, item: str, *, source: str | None = None) -> dict[str, Any] | None:
        """Return the record of an item that needs no more work.

        Args:
            item: Name of the item.
            source: Where the item comes from; if given, the record must say the same under `source`, so that
                another file of the same name is not taken for it.

        Returns:
            The record, or None when there is none, it is damaged, it was made with other arguments, one of
            its files is gone, or this folder does not resume.
        """
        record = self._record(self._record_path(item)) if self.resume else None
        if record is None or (source is not None and record.get("source") != plain(source)):
            return None
        return record

    def finish(self, item: str, record: Mapping[str, Any], files: Sequence[str]) -> None:
        """Write down that an item is finished, after all its files.

        Args:
            item: Name of the item.
            record: What is to be known of it: residual, verdict, source, timings.
            files: Names of its files in this folder.

        Raises:
            DataError: When one of the files is not there, or the record cannot be written.
        """
        missing = [name for name in files if not self.path(name).is_file()]
        if missing:
            raise DataError(
                f"got no file {missing[0]!r} in {quoted(self.folder)}, expected it: write it before its record"
            )
        known = {"item": item, **record, "files": list(files), "fingerprint": self.fingerprint}
        atomic_text(self._record_path(item), json_text(known))

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all items finished with these arguments, whichever run or shard did them.

        Returns:
            The records in the order of their names.
        """
        paths = sorted((self.folder / "items").glob("*.json"))
        return [record for path in paths if (record := self._record(path)) is not None]

    def write_run(self, run: Mapping[str, Any], *, shard: Shard | None = None) -> Path:
        """Write what this run was: arguments, versions and machine, with what the caller adds.

        Args:
            run: Device, seed, timings, items, ….
            shard: The part that this run did; it gets a file of its own.

        Returns:
            The file: `run.json`, or `run-1-of-2.json`.

        Raises:
            DataError: When it cannot be written.
        """
        name = "run.json" if shard is None else f"run-{shard.index}-of-{shard.count}.json"
        known = {"arguments": self.arguments, "fingerprint": self.fingerprint, **_environment(), **run}
        atomic_text(self.path(name), json_text(known))
        return self.path(name)

    def _record_path(self, item: str) -> Path:
        return self.folder / "items" / f"{_checked(item)}.json"

    def _record(self, path: Path) -> dict[str, Any] | None:
        try:
            record = json.loads(path.read_bytes())
            valid = isinstance(record, dict) and record["fingerprint"] == self.fingerprint
            complete = valid and all(self.path(name).is_file() for name in record["files"])
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            RecursionError,
        ):  # gone, damaged, or not ours: do it again
            return None
        return record if complete else None


def _checked(name: str) -> str:
    if not name or name.startswith(".") or any(mark in name for mark in "/\\\0"):
        raise DataError(f"got the name {name!r}, expected one without folders and leading dots: use a plain name")
    return name


def _fingerprint(arguments: Mapping[str, Any]) -> str:
    text = json.dumps(arguments, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]


def _environment() -> dict[str, Any]:
    versions = {
        "undula": metadata.version("undula"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    return {"versions": versions, "platform": platform.platform()}
