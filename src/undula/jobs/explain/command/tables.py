"""Records as lines to read: the table on the terminal and on the page, a sentence of summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.session.batch import Column, tabulated

Record = Mapping[str, Any]
_BANDS = 8  # columns of bands at most

_ITEM: dict[str, Column] = {"item": ("item", lambda r: str(r["item"]))}
_MAP: dict[str, Column] = {
    "size": ("shape", lambda r: " × ".join(map(str, r["shape"][:0:-1]))),
    "layer": ("layers", lambda r: ", ".join(r["layers"]) or "input"),
    "method": ("method", lambda r: str(r["method"])),
    "target": ("values", lambda r: f"{r['values']:.4g}" if isinstance(r["values"], float) else None),
    "bright": ("hot", lambda r: f"{r['hot']:.1%}"),
}


def table_of(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the items; of bands the share of each in what all maps add up to.

    Args:
        records: The items.
    """
    bands = list(records[0].get("bands", []))[:_BANDS] if records else []
    shares = {name: _share(number) for number, name in enumerate(bands)}
    return tabulated(records, _ITEM | (shares or _MAP))


def _share(number: int) -> Column:
    return "sums", lambda record: f"{record['sums'][number] / (sum(record['sums']) or 1.0):.1%}"
