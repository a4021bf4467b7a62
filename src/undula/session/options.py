"""Options that every command knows."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Group, Parameter

_GROUP = Group("Options of every command", sort_key=100)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True)
class Options:
    """Options that every command knows.

    Attributes:
        device: Where to compute; auto is a GPU if torch sees one.
        seed: Seed of everything that chance decides; the same seed gives the same result.
        threads: Threads to compute with; torch's own choice if not given.
        json: Print one JSON object on standard output and nothing else there.
        quiet: Print neither the bar, nor notes, nor the table.
        debug: Show where an error comes from, and the warnings of libraries.
    """

    device: Annotated[
        Literal["auto", "cpu", "cuda"], Parameter(help="Where to compute; auto is a GPU if torch sees one.")
    ] = "auto"
    seed: Annotated[
        int, Parameter(help="Seed of everything that chance decides; the same seed gives the same result.")
    ] = 0
    threads: Annotated[
        int | None,
        Parameter(help="Threads to compute with; torch's own choice if not given.", show_default=False),
    ] = None
    json: Annotated[
        bool,
        Parameter(
            help="Print one JSON object on standard output and nothing else there.",
            negative="",
            show_default=False,
        ),
    ] = False
    quiet: Annotated[
        bool,
        Parameter(help="Print neither the bar, nor notes, nor the table.", negative="", show_default=False),
    ] = False
    debug: Annotated[
        bool,
        Parameter(
            help="Show where an error comes from, and the warnings of libraries.",
            negative="",
            show_default=False,
        ),
    ] = False
