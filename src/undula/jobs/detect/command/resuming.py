"""Rows judged one after the other, from where an interrupted call stopped."""

import math
from collections.abc import Callable, Iterator, Sequence

from undula.errors import DataError
from undula.jobs.detect.command.rows import Rows, Tally, unjudged
from undula.jobs.detect.judging import Judged
from undula.session import Session

Judge = Callable[[Sequence[int]], Iterator[Judged]]
_CLOSE = 1e-3


def judge_rest(names: Sequence[str], judge: Judge, rows: Rows, session: Session) -> Tally:
    """Judge what no row tells of yet, and write the rows.

    Args:
        names: What is to be judged, as rows name it.
        judge: Judges the places that it is given.
        rows: What writes rows, and knows those from before.
        session: Bar, failures.

    Returns:
        Counts, of rows from before too.

    Raises:
        DataError: The rows from before are of other inputs, or by another detector.
    """
    tally = Tally()
    done = _go_on(names, judge, rows.before(), tally, session)
    with session.bar("score", len(names)) as bar:
        rest = range(done, len(names))
        for number, row in enumerate(judge(rest) if rest else ()):
            rows.write(row)
            _count(row, tally, session)
            bar.update(done + number + 1, detail=row.verdict)
    return tally


def _go_on(names: Sequence[str], judge: Judge, before: Iterator[Judged], tally: Tally, session: Session) -> int:
    """Count rows that stand in the table; they must be those that this call would write."""
    done, last, last_place = 0, None, 0
    for done, row in enumerate(before, start=1):
        if done > len(names) or row.path != names[done - 1]:
            raise DataError(
                f"got a row of {row.path!r} to go on from, expected the inputs of this call: leave --resume out"
            )
        _count(row, tally, session)
        if not unjudged(row):
            last, last_place = row, done - 1
    if last is not None:
        again = next(judge([last_place]))
        if not math.isclose(again.logit, last.logit, rel_tol=_CLOSE, abs_tol=_CLOSE):
            raise DataError(
                "got rows of another detector to go on from, expected those of this one: leave --resume out"
            )
    return done


def _count(row: Judged, tally: Tally, session: Session) -> None:
    tally.add(row)
    if unjudged(row):
        session.fail(row.path, row.note if row.path in row.note else f"{row.path}: {row.note}")
