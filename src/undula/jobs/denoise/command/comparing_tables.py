"""A comparison of losses as tables and sentences: on the terminal, on the page, in the documentation."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict

from undula.jobs.denoise.comparison.compare import Comparison
from undula.jobs.denoise.comparison.examination import Measures
from undula.jobs.denoise.comparison.standings import Row, Standing

# Name of the column, attribute of `Measures`, digits.
_COLUMNS = (
    ("PSNR", "psnr", 2), ("SSIM", "ssim", 3), ("energy", "energy", 3), ("top", "top", 3), ("correlation", "correlation", 3),
    ("distance", "distance", 2), ("Laplacian", "laplacian", 3), ("lattice", "lattice", 2), ("color", "color", 2),
)  # fmt: skip


def brief_table(standings: Sequence[Standing]) -> tuple[list[str], list[list[str]]]:
    """Header and rows for a terminal.

    Args:
        standings: The contestants.
    """
    header = ["loss", "PSNR", "SSIM", "energy", "correlation", "dial", "its PSNR", "over it", "rule"]
    rows = [
        [
            one.name, f"{one.mean.psnr:.2f}", f"{one.mean.ssim:.3f}", f"{one.mean.energy:.3f}", f"{one.mean.correlation:.3f}",
            _number(one.sharpness, 2), _number(None if one.dial is None else one.dial.psnr, 2), _over(one), rule(one, place),
        ]
        for place, one in enumerate(standings)
    ]  # fmt: skip
    return header, rows


def measures_table(standings: Sequence[Standing]) -> tuple[list[str], list[list[str]]]:
    """Every measure of every loss, with the deviation over the seeds.

    Args:
        standings: The contestants.
    """
    columns = [column for column in _COLUMNS if getattr(standings[0].mean, column[1]) is not None]
    rows = [
        [one.name, *(_spread(one, name, digits) for _, name, digits in columns), rule(one, place)]
        for place, one in enumerate(standings)
    ]
    return ["loss", *(head for head, _, _ in columns), "rule"], rows


def dial_table(standings: Sequence[Standing]) -> tuple[list[str], list[list[str]]]:
    """Every loss that is sharper than the control, and the dial on the control's network at the same energy.

    Args:
        standings: The contestants.
    """
    shown = (
        ("PSNR", "psnr", 2),
        ("SSIM", "ssim", 3),
        ("top", "top", 3),
        ("distance", "distance", 2),
        ("lattice", "lattice", 2),
    )
    rows = []
    for one in standings[1:]:
        pairs = [_pair(one.mean, one.dial, name, digits) for _, name, digits in shown]
        rows.append([one.name, f"{one.mean.energy:.3f}", _number(one.sharpness, 2), *pairs, _over(one)])
    return ["loss", "energy", "dial", *(f"{head}: loss / dial" for head, _, _ in shown), "PSNR over the dial"], rows


def rule(one: Standing, place: int) -> str:
    """The verdict of the rule, a dash for the control.

    Args:
        one: A contestant.
        place: Its place; 0 is the control.
    """
    return "–" if place == 0 else "yes" if one.accepted else "no"


def answer(comparison: Comparison) -> str:
    """The sentence that says what came out.

    Args:
        comparison: What came out.
    """
    seeds = len({row.seed for row in comparison.rows})
    if seeds < 2:
        return "One seed does not tell a difference from chance: nothing is called better than the dial."
    found = [one for one in comparison.standings if one.beats_dial]
    if not found:
        return f"No loss beats the sharpness dial at equal energy by more than the spread of {seeds} seeds."
    named = ", ".join(f"{one.name} by {one.over_dial:.2f} dB" for one in found)
    return f"At equal energy the sharpness dial is beaten, by more than the spread of {seeds} seeds: {named}."


def csv_text(rows: Sequence[Row]) -> str:
    """One line per contestant and seed; measures of the dial at equal energy begin with `dial_`.

    Args:
        rows: The rows.
    """
    names = list(asdict(rows[0].measures))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["name", "loss", "seed", *names, "sharpness", *(f"dial_{name}" for name in names)])
    for row in rows:
        own, dial = asdict(row.measures), {} if row.dial is None else asdict(row.dial)
        values = [*(own[name] for name in names), row.sharpness, *(dial.get(name) for name in names)]
        writer.writerow([row.name, row.loss, row.seed, *("" if one is None else f"{one:.6g}" for one in values)])
    return stream.getvalue()


def _spread(one: Standing, name: str, digits: int) -> str:
    spread = getattr(one.deviation, name)
    text = f"{getattr(one.mean, name):.{digits}f}"
    return text if spread != spread else f"{text} ± {spread:.{digits}f}"  # NaN of a single seed


def _pair(mine: Measures, dial: Measures | None, name: str, digits: int) -> str:
    other = None if dial is None else getattr(dial, name)
    return f"{getattr(mine, name):.{digits}f} / {_number(other, digits)}"


def _over(one: Standing) -> str:
    if one.over_dial is None:
        return "–"
    return f"{one.over_dial:+.3f}" + (f" ± {one.over_deviation:.3f}" if one.over_deviation is not None else "")


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
