"""The section of restore in `undula demo`: drawn leaves of which one pixel in ten is left."""

from pathlib import Path

from undula.jobs.restore.command.inputs import SAMPLE_SHARE
from undula.jobs.restore.command.report import DESCENT, figures, finding
from undula.jobs.restore.command.settings import Settings
from undula.jobs.restore.command.typed import restore_inputs
from undula.session import Session
from undula.show import Section


def demonstrate(session: Session, folder: Path) -> Section:
    """Restore a drawn picture.

    Args:
        session: Device, seed, bar.
        folder: Where the files go.

    Returns:
        The section of the page.
    """
    work = restore_inputs([], Settings(corrupt=SAMPLE_SHARE, seed=session.options.seed), folder, session)
    record = work.records[0]
    return Section(
        "restore: nine of ten pixels lost",
        paragraphs=[
            "Undula drew leaves and replaced nine of ten pixels by black or white. A small network, trained on photographs, "
            f"corrects the smoothest picture that has the pixels left: {finding(record)}.",
            DESCENT,
        ],
        pictures=figures(work.folder, record),
        code="undula restore photo.jpg --corrupt 0.9\nundula restore damaged.png --missing mask.png\n\nimport undula\n"
        "result = undula.restore(image, missing)  # floats in [0, 1], True where missing\n"
        "result.image, result.interval, result.advice",
    )
