"""The section of detect in `undula demo`: digits on paper against decoders that were trained on the spot."""

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
            "Undula drew digits on paper and trained two small generators to copy others, one that repeats pixels, one with "
            f"transposed convolutions. Statistics of wavelet packets tell their pictures from drawn ones: {one.accuracy:.1%} "
            f"of {one.pictures} are taken for what they are. Of a generator that was never seen {shown.unseen:.0%} are called "
            "generated. A score is evidence, not proof.",
        ],
        pictures=shown.explanation.pictures[:2],
        table=Table(*shown.sources),
        code="undula detect\nundula detect train photos/ generated/ -o my-detector\n"
        "undula detect score inbox/ --model my-detector\n\nimport undula\n"
        'detector = undula.Detector().fit("photos/", "generated/")\ndetector.predict("inbox/")',
    )
