"""Records as lines to read: the table on the terminal, the table on the page, a sentence of summary."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from undula.jobs.recover.command.solving import is_solved
from undula.session import Session

Record = Mapping[str, Any]
_SHOWN = 20


def print_records(session: Session, records: Sequence[Record], *, runs: int) -> None:
    """Print what came out: all items, or the first twenty and the worst one.

    Args:
        session: Where to.
        records: The items of this call.
        runs: Runs per item.
    """
    shown = list(records[:_SHOWN])
    header, rows = table_of(shown, runs=runs)
    if len(records) > _SHOWN:
        worst = max(records, key=lambda record: (not is_solved(record), record["residual"] or 0.0))
        rows.append(["…"] + [""] * (len(header) - 1))
        rows.append([f"worst: {worst['item']}", *table_of([worst], runs=runs, like=header)[1][0][1:]])
    if rows:
        session.table(header, rows)
    if len(records) == 1 and runs > 1:
        _print_runs(session, records[0])
    for record in shown:
        if record["advice"]:
            session.note(f"{record['item']}: {record['advice']}")


def table_of(records: Sequence[Record], *, runs: int, like: Sequence[str] = ()) -> tuple[list[str], list[list[str]]]:
    """Header and rows, with the columns that any of the items has a value for.

    Args:
        records: The items.
        runs: Runs per item.
        like: Columns to use; found out if empty.

    Returns:
        The header and one row per item.
    """
    columns: dict[str, Callable[[Record], str]] = {
        "item": lambda r: r["item"],
        "residual": lambda r: _short(r["residual"]),
        "held out": lambda r: _short(r.get("held_out_residual")),
        "accepted": lambda r: "yes" if r["accepted"] else "no",
        "runs": lambda r: f"{sum(r.get('run_accepted', []))} of {runs}",
        "agreement": lambda r: "–" if r.get("agreement") is None else f"{r['agreement']:.3f}",
        "PSNR in dB": lambda r: _decibels(r),
        "transforms": lambda r: f"{r['transforms']:,}",
    }
    known = {
        "held out": any(r.get("held_out_residual") is not None for r in records),
        "runs": runs > 1,
        "agreement": runs > 1,
        "PSNR in dB": any("mse" in r for r in records),
    }
    header = list(like) or [name for name in columns if known.get(name, True)]
    return header, [[columns[name](record) for name in header] for record in records]


def summary(records: Sequence[Record], failures: int) -> str:
    """One line: how many were solved and what it cost.

    Example:
        >>> summary([{"accepted": True, "transforms": 100, "seconds": 0.5}], 0)
        'solved 1 of 1, 100 transforms, 0.5 s'
    """
    total = len(records) + failures
    solved = sum(is_solved(record) for record in records)
    if not records:
        return f"solved 0 of {total}"
    mean = sum(record["transforms"] for record in records) / len(records)
    seconds = sum(record["seconds"] for record in records)
    failed = f" ({failures} failed)" if failures else ""
    each = "transforms on average" if len(records) > 1 else "transforms"
    return f"solved {solved} of {total}{failed}, {mean:,.0f} {each}, {seconds:.1f} s"


def findings(record: Record) -> list[str]:
    """Sentences about an item that several runs recovered."""
    residuals, accepted = record["run_residuals"], record["run_accepted"]
    sentences = [
        f"{sum(accepted)} of {len(accepted)} runs accepted; residuals {min(residuals):.3g} to {max(residuals):.3g}, "
        f"of the result {record['residual']:.3g}"
    ]
    if record.get("held_out_residual") is not None:
        sentences[0] += f", on magnitudes held out {record['held_out_residual']:.3g}"
    if record["agreement"] is not None:
        sentences.append(f"agreement of the runs {record['agreement']:.3f} (1: the same image up to shift and turn)")
    if record["support_voxels"] is not None:
        cells = "voxels" if len(record["shape"]) == 3 else "pixels"
        sentences.append(f"support {record['support_voxels']:,} {cells}")
    if record["resolution"] is not None:
        sentences.append(
            f"the transfer function (PRTF) falls to 1/e at {1 / record['resolution']:.3f} cycles per pixel: a full period of "
            f"{record['resolution']:.1f} pixels"
        )
    else:
        sentences.append("the transfer function (PRTF) stays above 1/e up to the edge of the pattern")
    return sentences


def _print_runs(session: Session, record: Record) -> None:
    rows = [
        [str(number + 1), _short(residual), "yes" if accepted else "no"]
        for number, (residual, accepted) in enumerate(zip(record["run_residuals"], record["run_accepted"], strict=True))
    ]
    session.table(["run", "residual", "accepted"], rows)
    for sentence in findings(record):
        session.say(sentence)


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2e}" if value < 1e-2 else f"{value:.4f}"


def _decibels(record: Record) -> str:
    if "mse" not in record:
        return "–"
    return "exact" if record["psnr"] is None else f"{record['psnr']:.1f}"
