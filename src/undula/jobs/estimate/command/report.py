"""The page of a finished command: every figure with its modes, and how to read it."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.data import OutputFolder, atomic_text
from undula.jobs.estimate.command.tables import summary, table_of
from undula.jobs.estimate.wording import with_error
from undula.jobs.estimate.written import modes_csv
from undula.show import Picture, Section, Table, write_page

Record = Mapping[str, Any]
_FIGURES, _ROWS = 24, 200

READING = (
    "Every mode is A e^(-t/τ) cos(2πft + φ), t counted from the start; Q = πfτ. Behind ± stands one standard deviation by the "
    "Cramér-Rao bound at the estimate: no unbiased estimate can have less. The intervals in the CSV and JSON files hold the "
    "truth in 90 % of cases where the bound is attained. That of the decay time is not symmetric, and has no upper end where "
    "the mode may not decay at all.",
    "The fit must lie on the signal and the residual must look like noise, without a beat at the start. p is the chance that "
    "white noise is as correlated with itself as the residual: below 0.001 the model lacks something. An item is accepted if "
    "its residual is white and no larger than the stated noise, and every mode is three times its error.",
    "Modes are numbered by amplitude. In the spectrum each has a red line at its frequency, its band is the 90 % interval, at "
    "least a few pixels wide.",
)


def write_report(out: OutputFolder, records: Sequence[Record]) -> None:
    """Write `index.html` and `modes.csv` from all finished items of the folder.

    Args:
        out: The folder.
        records: Its records.
    """
    atomic_text(out.path("modes.csv"), modes_csv(records))
    write_page(
        out.path("index.html"),
        title="Modes",
        lead=summary(records, 0).capitalize() + ".",
        sections=sections(out, records),
        footer="undula estimate; every mode is in modes.csv, arguments, versions and timings are in run.json.",
    )


def sections(out: OutputFolder, records: Sequence[Record]) -> list[Section]:
    """The parts of the page."""
    shown = list(records[:_FIGURES])
    parts = [
        Section(record["title"], [finding(record)], pictures=[figure(out, record)], table=Table(*table_of([record])))
        for record in shown
    ]
    left_out = [f"Figures of the first {_FIGURES} of {len(records)} items."] if len(records) > _FIGURES else []
    left_out += [f"The table shows the first {_ROWS} of {len(records)} items."] if len(records) > _ROWS else []
    every = [Section("Every mode", left_out, table=Table(*table_of(records[:_ROWS])))] if len(records) > 1 else []
    return [*parts, Section("How to read it", READING), *every]


def figure(out: OutputFolder, record: Record) -> Picture:
    """The figure of an item."""
    return Picture(
        out.path(f"{record['item']}.png"), "", f"Signal, fit, residual and spectrum of {record['title']}", 960
    )


def finding(record: Record) -> str:
    """A sentence or two about an item."""
    if not record["modes"]:
        return f"No mode. {_capital(record['advice'])}"
    if "starts" in record:
        verdict = f" {_capital(record['advice'])}" if record["advice"] else " All accepted."
        return f"The strongest mode from each of {record['starts']} starts on, with 90 % intervals.{verdict}"
    rung = [f"{with_error(mode['frequency']['value'], mode['frequency']['error'])} Hz" for mode in record["modes"]]
    said = f"It rings at {' and '.join(rung)}."
    if record.get("truth"):
        drawn = [f"{mode['frequency']:.3f} Hz" for mode in record["truth"]]
        said += f" It was drawn with {' and '.join(drawn)}."
    verdict = " Accepted." if record["accepted"] else " Not accepted."
    return f"{said}{verdict} {_capital(record['advice'])}".strip()


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
