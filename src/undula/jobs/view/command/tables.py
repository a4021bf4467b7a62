"""Records as lines to read: the table on the terminal and on the page, a sentence of summary."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]


def table_of(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and rows, with the columns that any of the items has a value for.

    Args:
        records: The items.

    Returns:
        The header and one row per item.
    """
    columns: dict[str, tuple[str, Callable[[Record], str]]] = {
        "item": ("item", lambda r: r["item"]),
        "size": ("shape", lambda r: " × ".join(map(str, r["shape"][::-1]))),
        "rate": ("rate", lambda r: f"{r['rate']:g}"),
        "strongest": ("strongest_frequency", lambda r: f"{r['strongest_frequency']:.4g}"),
        "fine detail": ("energy_beyond_quarter", lambda r: f"{r['energy_beyond_quarter']:.2%}"),
        "wavelet": ("wavelet", lambda r: f"{r['wavelet']}, level {r['level']}"),
        "mean difference": ("distance", lambda r: f"{r['distance']:.4f}"),
    }
    header = [name for name, (key, _) in columns.items() if any(r.get(key) is not None for r in records)]
    rows = [[columns[name][1](r) if r.get(columns[name][0]) is not None else "–" for name in header] for r in records]
    return header, rows


def summary(records: Sequence[Record], failures: int) -> str:
    """One line: how many were viewed, and how long it took.

    Example:
        >>> summary([{"seconds": 0.5}], 1)
        'viewed 1 of 2 (1 failed), 0.5 s'
    """
    seconds = sum(record["seconds"] for record in records)
    failed = f" ({failures} failed)" if failures else ""
    return f"viewed {len(records)} of {len(records) + failures}{failed}, {seconds:.1f} s"
