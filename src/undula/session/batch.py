"""Many items, one after the other: what is finished is skipped, what fails is named, the folder says what it holds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from undula.data import OutputFolder, Shard
from undula.errors import UndulaError
from undula.session.ending import PARTLY, WRONG
from undula.session.session import Session

Record = dict[str, Any]
Column = tuple[str, Callable[[Mapping[str, Any]], str | None]]
"""A key of records, and the words for a record that has a value there, or None."""

_SHOWN = 20


@runtime_checkable
class Task(Protocol):
    """What is known of an item before it is read; every `Entry` is one."""

    @property
    def name(self) -> str:
        """Stem of its files."""

    @property
    def source(self) -> str:
        """Where it comes from."""

    @property
    def index(self) -> int | None:
        """Its place in a stack."""

    @property
    def stamp(self) -> str | None:
        """Size and time of its file."""


_Task = TypeVar("_Task", bound=Task)


@dataclass(frozen=True)
class Work:
    """What one call did.

    Attributes:
        folder: Where the results are.
        records: Records of the items of this call, finished earlier or now.
        skipped: How many of them were finished earlier.
    """

    folder: OutputFolder
    records: list[Record]
    skipped: int


def is_finished(out: OutputFolder, task: Task) -> bool:
    """Whether an item needs no more work: done with these arguments, from the file as it is now.

    Args:
        out: The folder.
        task: The item.
    """
    record = out.finished(task.name, source=task.source)
    return record is not None and (record.get("stamp"), record.get("index")) == (task.stamp, task.index)


def work_through(
    found: Sequence[_Task],
    out: OutputFolder,
    session: Session,
    *,
    word: str,
    inputs: Sequence[str],
    make: Callable[[_Task], tuple[Record, list[str]]],
    report: Callable[[OutputFolder, list[Record]], None],
    phrase: Callable[[str], str] = str,
    shard: Shard | None = None,
) -> Work:
    """Do every item that is not finished yet, and describe the folder.

    Args:
        found: All items of the call.
        out: The folder.
        session: Device, bar, notes, failures.
        word: What the bar calls it.
        inputs: As typed.
        make: Does one item; returns its record and the names of its files.
        report: Writes the page from all records of the folder.
        phrase: Names options in an error as they are typed.
        shard: Which part to do, or None for all.

    Returns:
        What was done.

    Raises:
        UndulaError: Nothing can be written.
    """
    began = time.time()
    tasks = list(found) if shard is None else shard.take(found)
    finished = {task.name for task in tasks if is_finished(out, task)}
    todo = [task for task in tasks if task.name not in finished]
    with session.bar(word, len(todo)) as bar:
        for number, task in enumerate(todo):
            bar.update(number, detail=task.name)
            started = time.perf_counter()
            try:
                record, files = make(task)
            except UndulaError as error:
                reason = phrase(str(error))
                session.fail(task.name, reason if task.source in reason else f"{task.source}: {reason}")
                continue
            known = {"source": task.source, "index": task.index, "stamp": task.stamp, **record}
            out.finish(task.name, known | {"seconds": round(time.perf_counter() - started, 4)}, files)
    records = out.records()
    if records:
        report(out, records)
    out.write_run(
        {
            "inputs": list(inputs), "device": str(session.device), "started": began,
            "seconds": round(time.time() - began, 3), "skipped": len(finished), "failed": session.failures,
            "items": [record["item"] for record in records],
        },
        shard=shard,
    )  # fmt: skip
    own = {task.name for task in tasks} - set(session.failures)
    return Work(out, [record for record in records if record["item"] in own], len(finished))


def tabulated(records: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> tuple[list[str], list[list[str]]]:
    """Header and rows, with the columns that any of the records has a value for.

    Args:
        records: The items.
        columns: By their names.

    Returns:
        The header and one row per item, "–" where it has no value.

    Example:
        >>> columns = {"item": ("name", lambda r: r["name"]), "mean": ("mean", lambda r: f"{r['mean']:.1f}")}
        >>> tabulated([{"name": "a", "mean": None}, {"name": "b", "mean": 2}], columns)
        (['item', 'mean'], [['a', '–'], ['b', '2.0']])
        >>> tabulated([{"name": "a", "mean": None}], columns)
        (['item'], [['a']])
    """
    cells = {
        name: [None if record.get(key) is None else words(record) for record in records]
        for name, (key, words) in columns.items()
    }
    filled = {name: column for name, column in cells.items() if any(cell is not None for cell in column)}
    rows = zip(*filled.values(), strict=True)
    return list(filled), [["–" if cell is None else cell for cell in row] for row in rows]


def tell(
    work: Work,
    session: Session,
    *,
    word: str,
    done: Mapping[str, int],
    line: str,
    table: Callable[[Sequence[Record]], tuple[list[str], list[list[str]]]] | None = None,
    items: Sequence[Mapping[str, Any]] | None = None,
) -> int:
    """Print the table, the summary and, where it was asked for, the JSON object.

    Args:
        work: What was done.
        session: Where to.
        word: The command.
        done: How many items came out, under the name that JSON gives it: `{"viewed": 3}`.
        line: The summary.
        table: Makes header and rows of the first items; None if they were printed already.
        items: Records as JSON shows them, if not all of them.

    Returns:
        The exit status; items that did not come out count as failed.
    """
    records, failures = work.records, session.failures
    if work.skipped:
        session.note(f"{work.skipped} items were finished before and are not done again")
    if records and table is not None:
        header, rows = table(records[:_SHOWN])
        session.table(header, rows + ([["…"] + [""] * (len(header) - 1)] if len(records) > _SHOWN else []))
    if records:
        session.say(f"{line}; see {work.folder.path('index.html')}")
    elif not failures:
        session.say("this shard has no items")
    session.answer(
        {
            "command": word, "folder": str(work.folder.folder), **done, "total": len(records) + len(failures),
            "skipped": work.skipped, "failed": failures, "items": list(records if items is None else items),
        }
    )  # fmt: skip
    if failures and not records:
        return WRONG
    return PARTLY if failures or min(done.values()) < len(records) else session.status


def counted(word: str, done: int, failures: int) -> str:
    """How many of all items it was.

    Args:
        word: What happened to them.
        done: To how many.
        failures: Items that failed, besides.

    Example:
        >>> counted("judged", 3, 1)
        'judged 3 of 4 (1 failed)'
    """
    failed = f" ({failures} failed)" if failures else ""
    return f"{word} {done} of {done + failures}{failed}"


def summed_up(word: str, records: Sequence[Mapping[str, Any]], failures: int) -> str:
    """One line: how many items were worked on, and how long it took.

    Args:
        word: What happened to them.
        records: Those of finished items, with "seconds".
        failures: Items that failed.

    Example:
        >>> summed_up("restored", [{"seconds": 0.5}], 1)
        'restored 1 of 2 (1 failed), 0.5 s'
    """
    return f"{counted(word, len(records), failures)}, {sum(record['seconds'] for record in records):.1f} s"
