"""The section of estimate in `undula demo`: a ring-down of two modes, drawn and measured."""

from pathlib import Path

from undula.jobs.estimate.command.report import figure, finding
from undula.jobs.estimate.command.settings import Settings
from undula.jobs.estimate.command.tables import table_of
from undula.jobs.estimate.command.typed import estimate_inputs
from undula.session import Session
from undula.show import Section, Table


def demonstrate(session: Session, folder: Path) -> Section:
    """Measure a drawn ring-down.

    Args:
        session: Device, seed, bar.
        folder: Where the files go.

    Returns:
        The section of the page.
    """
    work = estimate_inputs([], Settings(), folder, session)
    return Section(
        "estimate: what rings, and how surely",
        paragraphs=[
            "Undula drew two damped waves and white noise, and was told neither their number nor anything else. "
            + " ".join(finding(record) for record in work.records)
            + " The errors are the least that any unbiased estimate can have.",
        ],
        pictures=[figure(work.folder, record) for record in work.records],
        table=Table(*table_of(work.records)),
        code="undula estimate signal.csv --rate 4096\n\nimport undula\n"
        'modes = undula.estimate(signal, rate=4096.0, components="auto")\n'
        'modes.frequency, modes.bound["frequency"], modes.advice',
    )
