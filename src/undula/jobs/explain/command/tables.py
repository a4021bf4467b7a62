"""Records as lines to read: the table on the terminal and on the page, a sentence of summary."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
_BANDS = 8  # columns of bands at most


def table_of(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and rows, with the columns that any of the items has a value for.

    Args:
        records: The items.

    Returns:
        The header and one row per item; of bands the share of each in what all maps add up to.
    """
    columns: dict[str, Callable[[Record], str]] = {
        "item": lambda r: str(r["item"]),
        "size": lambda r: " × ".join(map(str, r["shape"][:0:-1])),
        "layer": lambda r: ", ".join(r["layers"]) or "input",
        "method": lambda r: str(r["method"]),
        "target": lambda r: f"{r['values']:.4g}" if isinstance(r["values"], float) else "–",
        "bright": lambda r: f"{r['hot']:.1%}",
    }
    bands = list(records[0].get("bands", [])) if records else []
    left_out = {"size", "layer", "method", "bright", "target"} if bands else set()
    if not any(isinstance(r["values"], float) for r in records):
        left_out |= {"target"}
    header = [name for name in columns if name not in left_out]
    rows = [[columns[name](record) for name in header] + _shares(record)[:_BANDS] for record in records]
    return [*header, *bands[:_BANDS]], rows


def summary(records: Sequence[Record], failures: int) -> str:
    """One line: how many were explained, and how long it took.

    Example:
        >>> summary([{"seconds": 0.5}], 1)
        'explained 1 of 2 (1 failed), 0.5 s'
    """
    seconds = sum(record["seconds"] for record in records)
    failed = f" ({failures} failed)" if failures else ""
    return f"explained {len(records)} of {len(records) + failures}{failed}, {seconds:.1f} s"


def _shares(record: Record) -> list[str]:
    sums = record.get("sums", [])
    whole = sum(sums) or 1.0
    return [f"{each / whole:.1%}" for each in sums]
