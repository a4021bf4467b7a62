"""The section of view in `undula demo`: a chirp in time and frequency, and two rings compared."""

from pathlib import Path

from undula.jobs.view.command.report import figure
from undula.jobs.view.command.settings import Example, Settings
from undula.jobs.view.command.typed import view_inputs
from undula.session import Session
from undula.show import Section

_SENTENCES = (
    "A chirp is a tone that rises. Undula drew one from 1 to 250 Hz and looked at it twice: the scalogram is narrow in time "
    "where the frequency is high, the wavelet packets have bands of equal width. As the frequency rises, so do the "
    "coefficients.",
    "A ring and its blur look alike, and their Fourier magnitudes do not: what is lost lies outside, at high frequencies. The "
    "mean difference is the number on which losses of sharpness are built.",
)


def demonstrate(session: Session, folder: Path) -> Section:
    """View a chirp and compare two rings.

    Args:
        session: Device, seed, bar.
        folder: Where the files go.

    Returns:
        The section of the page.
    """
    examples: tuple[Example, ...] = ("chirp", "rings")
    pictures = []
    for example in examples:
        work = view_inputs([], Settings(), folder, session, example=example)
        pictures += [figure(work.folder, record) for record in work.records]
    return Section(
        "view: the spectra of images and signals",
        paragraphs=_SENTENCES,
        pictures=pictures,
        code="undula view\nundula view --example rings\n\nimport undula\n"
        "chirp = undula.data.linear_chirp()\n"
        'undula.view(chirp, rate=1000.0).save("out")\n'
        "sharp, blurred = undula.data.ring_pair()\n"
        "undula.view(sharp, other=blurred).distance  # 14.8913",
    )
