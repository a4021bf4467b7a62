"""Records as lines to read: the table of modes, a sentence of summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.jobs.estimate.wording import with_error
from undula.session.batch import counted
from undula.show.axis import readable_unit

Record = Mapping[str, Any]

_HEADER = ["item", "mode", "frequency, Hz", "decay, s", "amplitude", "phase, rad", "Q", "accepted"]
_NAMES = ("frequency", "decay_time", "amplitude", "phase", "quality_factor")


def table_of(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and one row per mode, with deviations; one row of dashes for an item without a mode.

    Args:
        records: The items.
    """
    rows = []
    for record in records:
        verdict = "yes" if record["accepted"] else "no"
        if not record["modes"]:
            rows.append([record["item"], *["–"] * (len(_HEADER) - 2), verdict])
        for number, mode in enumerate(record["modes"]):
            cells = [_cell(mode[name]) for name in _NAMES]
            own = "yes" if mode.get("accepted", record["accepted"]) else "no"
            place = _place(mode["start"] - record["modes"][0]["start"]) if "start" in mode else str(number)
            rows.append([record["item"], place, *cells, own])
    return _HEADER, rows


def brief_table(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """The same without the quality factor, for a terminal; amplitudes and phases of several channels would not fit either.

    Args:
        records: The items.

    Example:
        >>> brief_table([{"item": "a", "accepted": True, "modes": []}])[0]
        ['item', 'mode', 'frequency, Hz', 'decay, s', 'amplitude', 'phase, rad', 'accepted']
    """
    header, rows = table_of(records)
    many = any(isinstance(mode["amplitude"], list) for record in records for mode in record["modes"])
    kept = (0, 1, 2, 3, 7) if many else (0, 1, 2, 3, 4, 5, 7)
    return [header[place] for place in kept], [[row[place] for place in kept] for row in rows]


def summary(records: Sequence[Record], failures: int) -> str:
    """One line: how many were measured and accepted, and how long it took.

    Example:
        >>> summary([{"seconds": 0.5, "accepted": True}], 1)
        'measured 1 of 2 (1 failed), 1 accepted, 0.5 s'
    """
    seconds = sum(record["seconds"] for record in records)
    accepted = sum(bool(record["accepted"]) for record in records)
    return f"{counted('measured', len(records), failures)}, {accepted} accepted, {seconds:.1f} s"


def _place(later: float) -> str:
    """How much later than the first a start is."""
    later = float(f"{later:.3g}")  # seconds since 1980 leave fractions of a microsecond
    scale, unit = readable_unit(max(later, 1e-6), "s")
    return f"+{round(later / scale, 3):g} {unit}" if later > 1e-6 else "first"


def _cell(entry: Any) -> str:
    several = entry if isinstance(entry, list) else [entry]
    return ", ".join(with_error(one["value"], one["error"]) for one in several)
