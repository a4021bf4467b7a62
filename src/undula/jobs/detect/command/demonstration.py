"""The section of detect in `undula demo`: drawn digits against decoders that were trained on the spot."""

from pathlib import Path

from undula.jobs.detect.command.typed import show_sample
from undula.session import Session
from undula.show import Section, Table

_STEPS = 120


def demonstrate(session: Session, folder: Path) -> Section:
    """Make, learn, judge and explain.

    Args:
        session: Device, seed, bar.
        folder: Where the files go.

    Returns:
        The section of the page.
    """
    shown = show_sample(folder, session, steps=_STEPS)
    one = shown.figures
    return Section(
        "detect: was this picture generated?",
        paragraphs=[
            "Undula drew digits and trained two small generators to copy others, one that repeats pixels, one with transposed "
            "convolutions. Statistics of wavelet packets tell their pictures from drawn ones: "
            f"{one.accuracy:.1%} of {one.pictures} test pictures, those of a generator that was never seen among them. "
            "A score is evidence, not proof.",
        ],
        pictures=shown.explanation.pictures[:2],
        table=Table(*shown.sources),
        code="undula detect\nundula detect train photos/ generated/ -o my-detector\n"
        "undula detect score inbox/ --model my-detector\n\nimport undula\n"
        'detector = undula.Detector().fit("photos/", "generated/")\ndetector.predict("inbox/")',
    )
