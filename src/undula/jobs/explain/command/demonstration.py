"""The section of explain in `undula demo`: where a finder of lines looks, and in which bands."""

from pathlib import Path

from undula.jobs.explain.command.report import figure
from undula.jobs.explain.command.settings import Settings
from undula.jobs.explain.command.typed import explain_inputs
from undula.session import Session
from undula.show import Section

_SENTENCES = (
    "A small network finds dark lines. Undula drew cracked road surface and asked what the network looks at: the first "
    "component of its activations lies along the crack. That map knows no target, and its sign is a rule of ours.",
    "Asked for octaves of its output instead, the map falls into signed parts, one for each band of frequency, which add up: "
    "red raises the energy of the band, blue lowers it.",
)


def demonstrate(session: Session, folder: Path) -> Section:
    """Explain the finder of lines on drawn road surface, as a whole and by octaves.

    Args:
        session: Device, seed, bar.
        folder: Where the files go.

    Returns:
        The section of the page.
    """
    pictures = []
    for name, settings in {"eigen": Settings(), "octaves": Settings(target="octaves")}.items():
        work = explain_inputs(None, [], settings, folder / name, session)
        pictures.append(figure(work.folder, work.records[0]))
    return Section(
        "explain: what a network looks at",
        paragraphs=_SENTENCES,
        pictures=pictures,
        code="undula explain\nundula explain --target octaves\n\nimport undula\n"
        'undula.explain(model, image, target="octaves", method="hirescam").save("out")',
    )
