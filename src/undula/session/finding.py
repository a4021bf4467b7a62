"""INPUTs of a command, found while a bar shows what is downloaded."""

from collections.abc import Sequence
from contextlib import ExitStack

from undula.data import Item, find_items
from undula.session.bar import Bar
from undula.session.session import Session


def find_with_bar(inputs: Sequence[str], session: Session, *, signals: bool = False) -> list[Item]:
    """Find what the INPUTs of a command name.

    Args:
        inputs: As typed.
        session: Shows a bar while a named set is downloaded.
        signals: Whether files of signals (WAV, TSV) are known too.

    Returns:
        The items in the order of the inputs.

    Raises:
        DataError: An input is nothing.
    """
    with ExitStack() as stack:
        bars: list[Bar] = []

        def downloading(done: int, total: int) -> None:
            if not bars:
                bars.append(stack.enter_context(session.bar("download, megabytes", max(1, total >> 20))))
            bars[0].update(done / 2**20)

        return find_items(inputs, signals=signals, callback=downloading)
