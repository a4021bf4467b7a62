"""Matplotlib without its global state: a plain figure, quiet axes, a PNG written whole or not at all."""

import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from undula.data import atomic_write
from undula.errors import MissingExtra
from undula.show.palette import FAINT, INK, PAPER, SOFT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, *, title: str = "") -> tuple["Figure", float]:
    """Make an empty figure with a title at its top left.

    Texts are drawn letter by letter: `$` and `_` in file names are no formulas.

    Args:
        width: Inches; 100 pixels of a screen each.
        height: Inches below the title.
        title: Line above everything, broken when it is long.

    Returns:
        The figure, and the share of its height that the title leaves free.

    Raises:
        MissingExtra: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", extra="plot") from error
    lines = textwrap.wrap(title, width=max(10, int(8.4 * width)))
    total = height + (0.3 + 0.24 * len(lines) if lines else 0)
    figure = Figure(figsize=(width, total), dpi=200, facecolor=PAPER)
    figure.text(
        0.25 / width,
        1 - 0.22 / total,
        "\n".join(lines),
        size=13,
        color=INK,
        ha="left",
        va="top",
        parse_math=False,
    )
    return figure, height / total


def plain_axes(axes: Any) -> None:
    """Give axes quiet spines and ticks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
    axes.tick_params(which="both", colors=SOFT, labelsize=9, length=0)
    axes.set_axisbelow(True)


def save_figure(figure: "Figure", path: str | Path) -> None:
    """Write a figure as PNG with 200 pixels per inch, twice what a screen shows.

    Raises:
        DataError: If the file cannot be written; nothing is left behind then.
    """
    with atomic_write(path) as stream, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a letter no font has becomes a box
        figure.savefig(stream, format="png", dpi=200, metadata={"Software": None})
