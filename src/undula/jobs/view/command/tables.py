"""Records as lines to read: the table on the terminal and on the page, a sentence of summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.session.batch import Column, tabulated

Record = Mapping[str, Any]

_COLUMNS: dict[str, Column] = {
    "item": ("item", lambda r: r["item"]),
    "size": ("shape", lambda r: " × ".join(map(str, r["shape"][::-1]))),
    "rate": ("rate", lambda r: f"{r['rate']:g}"),
    "strongest": ("strongest_frequency", lambda r: f"{r['strongest_frequency']:.4g}"),
    "fine detail": ("energy_beyond_quarter", lambda r: f"{r['energy_beyond_quarter']:.2%}"),
    "wavelet": ("wavelet", lambda r: f"{r['wavelet']}, level {r['level']}"),
    "mean difference": ("distance", lambda r: f"{r['distance']:.4f}"),
}


def table_of(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the items.

    Args:
        records: The items.
    """
    return tabulated(records, _COLUMNS)
