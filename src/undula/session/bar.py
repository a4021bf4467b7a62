"""A bar on standard error: live on a terminal, a plain line now and then in a log, or nothing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_EVERY = 15.0  # seconds between two lines of a log


class Bar:
    """What hangs on the progress of a command; `update` does nothing that costs time.

    Args:
        title: What is being done, one word.
        total: How much there is to do.
    """

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total = title, total

    def update(self, done: int | float, *, detail: str = "") -> None:
        """Say how far it is.

        Args:
            done: How much of the total is done, fractions allowed.
            detail: A few words, such as "7 solved".
        """


@contextmanager
def show_bar(title: str, total: int, *, silent: bool) -> Iterator[Bar]:
    """Show a bar while the block runs.

    Args:
        title: What is being done, one word.
        total: How much there is to do.
        silent: Whether nothing is shown.

    Yields:
        The bar.
    """
    if silent:
        yield Bar(title, total)
    elif sys.stderr.isatty():
        with _live() as progress:
            yield _LiveBar(title, total, progress)
    else:
        yield _LogBar(title, total)


class _LiveBar(Bar):
    def __init__(self, title: str, total: int, progress: "Progress") -> None:
        super().__init__(title, total)
        self._progress = progress
        self._task = progress.add_task(title, total=total, detail="")

    def update(self, done: int | float, *, detail: str = "") -> None:
        """Say how far it is."""
        self._progress.update(self._task, completed=done, detail=detail)


class _LogBar(Bar):
    def __init__(self, title: str, total: int) -> None:
        super().__init__(title, total)
        self._last = time.monotonic()

    def update(self, done: int | float, *, detail: str = "") -> None:
        """Say how far it is, but not too often."""
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self._last = now
            words = f"{self.title}: {int(done)} of {self.total}" + (f", {detail}" if detail else "")
            print(words, file=sys.stderr, flush=True)


def _live() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        refresh_per_second=8,
        transient=True,
    )
