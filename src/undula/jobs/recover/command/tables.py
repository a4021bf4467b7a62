"""Records as lines to read: the table on the terminal, the table on the page, a sentence of summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.jobs.recover.command.solving import is_solved
from undula.session import Session
from undula.session.batch import Column, tabulated

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
    left_out = len(records) > _SHOWN
    worst = [max(records, key=lambda record: (not is_solved(record), record["residual"] or 0.0))] if left_out else []
    header, rows = table_of([*shown, *worst], runs=runs)
    if left_out:
        rows[-1][0] = f"worst: {rows[-1][0]}"
        rows.insert(-1, ["…"] + [""] * (len(header) - 1))
    if rows:
        session.table(header, rows)
    if len(records) == 1 and runs > 1:
        _print_runs(session, records[0])
    for record in shown:
        if record["advice"]:
            session.note(f"{record['item']}: {record['advice']}")


def table_of(records: Sequence[Record], *, runs: int) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the items.

    Args:
        records: The items.
        runs: Runs per item.
    """
    several: dict[str, Column] = {
        "runs": ("item", lambda r: f"{sum(r.get('run_accepted', []))} of {runs}"),
        "agreement": ("item", lambda r: "–" if r.get("agreement") is None else f"{r['agreement']:.3f}"),
    }
    columns: dict[str, Column] = {
        "item": ("item", lambda r: r["item"]),
        "residual": ("item", lambda r: _short(r["residual"])),
        "held out": ("held_out_residual", lambda r: _short(r["held_out_residual"])),
        "accepted": ("item", lambda r: "yes" if r["accepted"] else "no"),
        **(several if runs > 1 else {}),
        "PSNR in dB": ("mse", lambda r: "exact" if r["psnr"] is None else f"{r['psnr']:.1f}"),
        "transforms": ("transforms", lambda r: f"{r['transforms']:,}"),
    }
    return tabulated(records, columns)


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
