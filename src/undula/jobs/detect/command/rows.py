"""Rows of verdicts as CSV: written one after the other, whole or not at all."""

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from undula.data import Shard
from undula.data.atomic import make_folder
from undula.data.refusal import one_line, quoted, reading
from undula.errors import DataError
from undula.jobs.detect.judging import Judged, Word

COLUMNS = (
    "path", "p_generated", "verdict", "logit", "spread", "width", "height", "format", "jpeg_quality", "nearest_source", "note",
)  # fmt: skip
_SHOWN = 200
_FLUSHED = 64  # rows


@dataclass
class Tally:
    """What was said of many pictures, in memory that does not grow with their number.

    Attributes:
        verdicts: How often each verdict was given.
        turned: How many verdicts did not outlive the degradations.
        sources: Pictures called generated, by the class that is nearest.
        first: The first rows.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    turned: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    first: list[Judged] = field(default_factory=list)

    def add(self, row: Judged) -> None:
        """Count a row.

        Args:
            row: The row.
        """
        if len(self.first) < _SHOWN:
            self.first.append(row)
        if unjudged(row):
            return
        self.verdicts[row.verdict] += 1
        self.turned += " as it is, " in row.note
        if row.verdict == "generated":
            self.sources[row.nearest_source] += 1

    @property
    def judged(self) -> int:
        """Pictures that could be judged."""
        return self.verdicts.total()


class Rows:
    """Writes rows to a stream.

    Args:
        stream: A binary stream, at its end.
        before: A file with rows that stand there already; None writes the names of the columns first.
    """

    def __init__(self, stream: BinaryIO, before: Path | None = None) -> None:
        self._stream, self._before, self._count = stream, before, 0
        if before is None:
            self._line(COLUMNS)

    def before(self) -> Iterator[Judged]:
        """The rows of the part of the work that was done before, one after the other.

        Raises:
            DataError: They are no rows of verdicts.
        """
        if self._before is None:
            return
        with reading(self._before, "a table that undula detect score began"), self._before.open(newline="") as file:
            yield from (_row(cells) for cells in csv.DictReader(file, strict=True))

    def write(self, row: Judged) -> None:
        """Write a row.

        Args:
            row: The row; numbers that are not known stay empty.
        """
        self._line([_cell(getattr(row, name)) for name in COLUMNS])
        self._count += 1
        if self._count % _FLUSHED == 0:
            self._stream.flush()

    def _line(self, cells: object) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)  # type: ignore[arg-type]
        self._stream.write(text.getvalue().encode("utf-8", errors="backslashreplace"))


@contextmanager
def write_rows(path: Path, *, resume: bool = False) -> Iterator[Rows]:
    """Open a table; after an interruption it holds what was judged before.

    Until it is complete it is called `.part`; after a crash that is what is left, and what can be taken up again.

    Args:
        path: The file.
        resume: Whether the rows of an unfinished table stay, and others follow them.

    Yields:
        What writes rows.

    Raises:
        DataError: It cannot be written.
        KeyboardInterrupt: Again, once the table is in its place.
    """
    make_folder(path.parent)
    if path.exists() and not path.is_file():
        raise DataError(f"got {quoted(path)}, which is no plain file, expected a file to write: choose another name")
    part = path.with_name(f"{path.name}.part")
    stopped: KeyboardInterrupt | None = None
    try:
        taken_up = resume and _taken_up(path, part)
        with part.open("ab" if taken_up else "wb") as stream:
            try:
                yield Rows(stream, part if taken_up else None)
            except KeyboardInterrupt as end:
                stopped = end
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        raise DataError(
            f"got {quoted(path)}, which cannot be written: {one_line(error)}; choose another place"
        ) from error
    if stopped is not None:
        raise stopped


def _taken_up(path: Path, part: Path) -> bool:
    """Whether there is a table to go on with; its last line is cut off if it is not whole."""
    if not part.is_file() and path.is_file():
        path.replace(part)
    if not part.is_file() or part.stat().st_size == 0:
        return False
    with part.open("r+b") as file:
        place = file.seek(0, os.SEEK_END)
        while place and (file.seek(place - 1), file.read(1))[1] != b"\n":
            place -= 1
        file.truncate(place)
    return place > 0


def _row(cells: dict[str, str]) -> Judged:
    """A row as it was read; the probabilities of single classes are not kept."""
    if tuple(cells) != COLUMNS or None in cells.values():
        raise DataError(f"got the columns {', '.join(map(str, cells))}, expected {', '.join(COLUMNS)}")
    number = {name: float(cells[name] or "nan") for name in ("p_generated", "logit", "spread")}
    whole = {name: int(cells[name]) if cells[name] else None for name in ("width", "height", "jpeg_quality")}
    words = {name: cells[name] for name in ("path", "nearest_source", "format", "note")}
    return Judged(verdict=cast(Word, cells["verdict"]), probabilities=(), **number, **whole, **words)  # type: ignore[arg-type]


def unjudged(row: Judged) -> bool:
    """Whether a picture could not be judged.

    Args:
        row: Its row.
    """
    return math.isnan(row.p_generated)


def sharded(path: Path, shard: Shard | None) -> Path:
    """The file of one part of the work.

    Args:
        path: The file of all.
        shard: The part.

    Example:
        >>> sharded(Path("out.csv"), Shard(2, 4)).name
        'out-2-of-4.csv'
    """
    return path if shard is None else path.with_name(f"{path.stem}-{shard.index}-of-{shard.count}{path.suffix}")


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
