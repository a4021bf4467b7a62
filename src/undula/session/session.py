"""One run of a command: where it computes, what it says and to whom, and the status it ends with."""

import io
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from undula.errors import OptionError
from undula.session.bar import Bar, show_bar
from undula.session.ending import DONE, PARTLY
from undula.session.options import Options

if TYPE_CHECKING:
    import torch
    from rich.console import RenderableType


_NAMED = 20  # failures printed one by one


class Session:
    """One run of a command.

    Results go to standard output, everything else to standard error, so that `undula … --json | jq` works.

    Args:
        options: What the user chose.

    Example:
        >>> session = Session(Options(json=True))
        >>> session.note("nobody is waiting for this")
        >>> session.status
        0
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._noted: set[str] = set()
        self.failures: dict[str, str] = {}

    @cached_property
    def device(self) -> "torch.device":
        """Where to compute; the threads are set when it is first asked for.

        Raises:
            OptionError: There is no such device, or fewer than one thread.
        """
        import torch

        if self.options.threads is not None:
            if not 1 <= self.options.threads <= 4096:
                raise OptionError(
                    f"got --threads {self.options.threads}, expected at least 1: leave it out for all cores"
                )
            torch.set_num_threads(self.options.threads)
        present = torch.cuda.is_available()
        if self.options.device == "cuda" and not present:
            raise OptionError(
                "got --device cuda, but torch sees no such device, expected one: say --device cpu, or see `undula info`"
            )
        return torch.device("cuda" if present and self.options.device != "cpu" else "cpu")

    @property
    def silent(self) -> bool:
        """Whether notes stay away."""
        return self.options.quiet or self.options.json

    def bar(self, title: str, total: int) -> AbstractContextManager[Bar]:
        """A progress bar for a `with` block.

        Args:
            title: What is being done, one word.
            total: How much there is to do.
        """
        return show_bar(title, total, silent=self.silent)

    def note(self, text: str) -> None:
        """Say something worth knowing on standard error, once.

        Args:
            text: One sentence.
        """
        if not self.silent and text not in self._noted:
            self._noted.add(text)
            _write(f"note: {text}\n", errors=True)

    def fail(self, item: str, reason: str) -> None:
        """Remember that an item failed, and name it on standard error; the others go on.

        Args:
            item: What failed.
            reason: One line.
        """
        self.failures[item] = reason
        if len(self.failures) <= _NAMED:
            _write(f"undula: {reason}\n", errors=True)
        elif len(self.failures) == _NAMED + 1:
            _write("undula: more items failed: the result names them all\n", errors=True)

    @property
    def status(self) -> int:
        """Exit status as far as failures decide it."""
        return PARTLY if self.failures else DONE

    def say(self, text: str = "") -> None:
        """Print a line of the result, unless JSON or quiet was asked for.

        Args:
            text: The line.
        """
        if not self.silent:
            _write(f"{text}\n")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
        """Print a table, unless JSON or quiet was asked for.

        Args:
            header: One word per column; the first column is set flush left, the others flush right.
            rows: One text per cell.
            title: Line above it.
        """
        if self.silent:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for place, word in enumerate(header):
            if place:
                table.add_column(word, justify="right", no_wrap=True)
            else:
                table.add_column(word, overflow="fold", min_width=len(word))
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._print(table)

    def answer(self, result: Mapping[str, Any]) -> None:
        """Print the result as one JSON object, if JSON was asked for.

        Args:
            result: Plain values only.
        """
        if self.options.json:
            text = json.dumps(result, indent=2, allow_nan=False, ensure_ascii=False)
            _write(text + "\n")

    def _print(self, thing: "RenderableType") -> None:
        from rich.console import Console

        buffer = io.StringIO()
        live = sys.stdout.isatty()
        color = "auto" if live else None
        width = None
        if not live and "COLUMNS" not in os.environ:  # nobody sees a margin: nothing is broken or cut
            needed = Console(file=buffer, width=_WIDEST).measure(thing).maximum
            width = max(100, shutil.get_terminal_size().columns, needed)
        console = Console(file=buffer, width=width, force_terminal=live, color_system=color)  # type: ignore[arg-type]
        console.print(thing)
        lines = (line.rstrip() for line in buffer.getvalue().splitlines())
        _write("\n".join(lines) + "\n")


_WIDEST = 1000  # characters of a line in a file


def _write(text: str, *, errors: bool = False) -> None:
    """Write and flush; a reader that went away (`| head`) is no error, and letters it cannot show become marks."""
    stream = sys.stderr if errors else sys.stdout
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            known = stream.encoding or "ascii"
            stream.write(text.encode(known, errors="replace").decode(known))
        stream.flush()
    except BrokenPipeError:
        # What is still in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
