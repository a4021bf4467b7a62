"""Columns of numbers in a CSV file, each an evenly sampled channel, and the rate that a first column of times gives."""

import csv
import math
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from undula.data.refusal import quoted, reading
from undula.errors import DataError, RangeError

_TIME = re.compile(r"(?:t|time|date|datetime|timestamp)(?:[ _(\[/]+(s|ms|us|µs)[)\]]?)?")
_UNITS = {None: 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_UNEVEN = 0.05  # of a step: 44.1 kHz written with six decimals strays by 0.022

_Row = tuple[int, list[str]]  # the number of its line, its cells
_Parser = Callable[[str], float]


@dataclass(frozen=True)
class _Table:
    """Cells as numbers, and where in the file they stood."""

    path: Path
    header: Sequence[str]
    values: NDArray[np.float64]
    lines: Sequence[int]

    def place(self, row: int, column: int) -> str:
        return _place(self.path, self.lines[row], column, self.header)


def read_columns(path: Path, *, timed: bool) -> tuple[NDArray[np.float64], float | None]:
    """Read the columns of a CSV file, separated by commas, semicolons or tabs, with or without a header.

    Args:
        path: The file, in UTF-8.
        timed: Whether a first column of times, known by its header, gives the rate; it is no channel either way.

    Returns:
        Samples (channels, time), and how many there are in a second, None where nothing says it.

    Raises:
        DataError: When the file is missing or damaged, a cell is no number, a line has another number of cells, or
            times are not evenly spaced.
        RangeError: When a number is NaN or infinite.
    """
    with reading(path, "a CSV file of numbers"), path.open(encoding="utf-8-sig", newline="") as file:
        table = _table(path, file)
    wrong = np.argwhere(~np.isfinite(table.values))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise RangeError(
            f"got {table.values[row, column]} in {table.place(row, column)}, expected finite numbers "
            f"({len(wrong)} are not): cut these lines, or fill the cells"
        )
    first = 0 if _time_unit(table.header) is None else 1
    if table.values.shape[1] == first:
        raise DataError(f"got nothing but times in {quoted(path)}, expected a column of samples beside it: add one")
    rate = _rate(table) if first and timed else None
    return np.ascontiguousarray(table.values[:, first:].T), rate


@dataclass(frozen=True)
class TimedColumns:
    """Columns as they were measured: gaps are NaN, times may be uneven.

    Attributes:
        samples: Channels (channels, time).
        times: Seconds (time,), None where the file has none.
        header: What the columns are called, the times left out; empty without a header.
    """

    samples: NDArray[np.float64]
    times: NDArray[np.float64] | None
    header: Sequence[str]


def read_timed_columns(path: Path) -> TimedColumns:
    """Read the columns of a CSV file without asking for even steps; empty cells and `nan` are gaps.

    A first column is taken for times where its header says so, or where it ascends from line to line and others follow.

    Args:
        path: The file, in UTF-8.

    Raises:
        DataError: When the file is missing or damaged, a cell is no number, a line has another number of cells, or
            times do not ascend.
        RangeError: When a number is infinite.
    """
    with reading(path, "a CSV file of numbers"), path.open(encoding="utf-8-sig", newline="") as file:
        table = _table(path, file, gaps=True)
    values = table.values
    wrong = np.argwhere(np.isinf(values))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise RangeError(
            f"got {values[row, column]} in {table.place(row, column)}, expected numbers, or nothing for a gap"
        )
    rising = len(values) > 1 and bool((np.diff(values[:, 0]) > 0).all())
    named = _time_unit(table.header) is not None
    if not named and not (rising and values.shape[1] > 1):
        return TimedColumns(np.ascontiguousarray(values.T), None, table.header)
    if values.shape[1] == 1:
        raise DataError(f"got nothing but times in {quoted(path)}, expected a column of samples beside it: add one")
    if not rising:
        late = np.flatnonzero(~(np.diff(values[:, 0]) > 0))
        where = table.place(int(late[0]) + 1, 0) if len(late) else table.place(0, 0)
        raise DataError(f"got a time that does not ascend in {where}, expected later ones line by line: sort the lines")
    return TimedColumns(np.ascontiguousarray(values[:, 1:].T), values[:, 0].copy(), table.header[1:])


def even_rate(times: NDArray[np.float64]) -> float | None:
    """Samples in a second of times that are even but for the rounding of their digits, None where they are not.

    Args:
        times: Ascending seconds (time,), two or more.

    Example:
        >>> even_rate(np.array([0.0, 0.1, 0.2])), even_rate(np.array([0.0, 0.1, 0.3]))
        (10.0, None)
    """
    step = (times[-1] - times[0]) / (len(times) - 1)
    strays = np.abs(times - times[0] - step * np.arange(len(times)))
    return float(1 / step) if strays.max() <= _UNEVEN * step else None


def _table(path: Path, file: TextIO, *, gaps: bool = False) -> _Table:
    rows = _rows(file)
    top = next(rows, None)
    if top is None:
        raise ValueError("it holds no numbers")
    header = [] if any(map(_is_number, top[1])) else [cell.strip().removeprefix("#").strip() for cell in top[1]]
    parsers = _parsers(header, len(top[1]), number=_number_or_gap if gaps else _number)
    values, lines = array("d"), array("q")
    for line, row in rows if header else chain([top], rows):
        if len(row) != len(parsers):
            raise DataError(
                f"got {len(row)} cells in line {line} of {quoted(path)}, expected {len(parsers)} as in the first "
                "line: complete or delete it"
            )
        try:
            values.extend([parse(cell) for parse, cell in zip(parsers, row, strict=True)])
        except ValueError as error:
            raise _bad_cell(path, line, row, header, parsers) from error
        lines.append(line)
    if not lines:
        raise ValueError("it holds no numbers")
    return _Table(path, header, np.array(values).reshape(len(lines), -1), lines)


def _rows(file: TextIO) -> Iterator[_Row]:
    """Every line that is not blank; the first decides what stands between cells."""
    first = next((line for line in file if line.strip()), "")
    file.seek(0)
    reader = csv.reader(file, delimiter=next((sign for sign in "\t;" if sign in first), ","))
    return ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))


def _parsers(header: Sequence[str], width: int, *, number: _Parser) -> list[_Parser]:
    parsers: list[_Parser] = [number] * width
    unit = _time_unit(header)
    if unit is not None:
        parsers[0] = lambda cell: _seconds(cell, unit)
    return parsers


def _number(cell: str) -> float:
    if "_" in cell:  # which Python takes for a separator of thousands
        raise ValueError(cell)
    return float(cell)


def _number_or_gap(cell: str) -> float:
    return _number(cell) if cell.strip() else math.nan


def _is_number(cell: str) -> bool:
    return _parses(_number, cell)


def _parses(parse: _Parser, cell: str) -> bool:
    try:
        parse(cell)
    except ValueError:
        return False
    return True


def _seconds(cell: str, unit: float) -> float:
    if _is_number(cell):
        return unit * _number(cell)
    moment = datetime.fromisoformat(cell.strip())
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()  # no hour is skipped or repeated in summer


def _time_unit(header: Sequence[str]) -> float | None:
    """Seconds of one step of the first column's numbers; None if that is no time."""
    match = _TIME.fullmatch(header[0].lower()) if header else None
    return _UNITS[match[1]] if match else None


def _bad_cell(
    path: Path, line: int, row: Sequence[str], header: Sequence[str], parsers: Sequence[_Parser]
) -> DataError:
    column = next(place for place, cell in enumerate(row) if not _parses(parsers[place], cell))
    cell = row[column]
    shown = repr(cell if len(cell) <= 40 else cell[:39] + "…")
    hint = "write decimal points" if re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell) else "correct it, or delete the line"
    wanted = "a number" if parsers[column] in (_number, _number_or_gap) else "seconds or an ISO date"
    return DataError(f"got {shown} in {_place(path, line, column, header)}, expected {wanted}: {hint}")


def _place(path: Path, line: int, column: int, header: Sequence[str]) -> str:
    named = f" ({header[column]!r})" if header else ""
    return f"line {line}, column {column + 1}{named} of {quoted(path)}"


def _rate(table: _Table) -> float:
    times = table.values[:, 0]
    if len(times) < 2:
        raise DataError(
            f"got a single time in {quoted(table.path)}, expected two or more, whose distance is the step: give rate="
        )
    step = (times[-1] - times[0]) / (len(times) - 1)
    strays = np.abs(times - times[0] - step * np.arange(len(times)))
    if not step > 0 or strays.max() > _UNEVEN * step:
        steps = np.diff(times)
        worst = int(np.abs(steps - np.median(steps)).argmax())
        raise DataError(
            f"got a step of {steps[worst]:.6g} s before {table.place(worst + 1, 0)}, expected even ones (most are "
            f"{np.median(steps):.6g} s): resample it, or give rate= to take the samples as they come"
        )
    return float(1 / step)
