"""The section of recover in `undula demo`: ten drawn digits, out of their Fourier magnitudes alone."""

from pathlib import Path

from undula.jobs.recover.command import pictures
from undula.jobs.recover.command.report import present
from undula.jobs.recover.command.settings import default_settings
from undula.jobs.recover.command.typed import recover_inputs
from undula.session import Session
from undula.show import Section

_SENTENCES = (
    "Undula drew ten digits, took their Fourier transforms, and kept the magnitudes only: the left pictures are all that "
    "the solver was given.",
    "It began with random phases and went back and forth between these magnitudes and the one thing it knew of the "
    "digits, that their pixels lie between 0 and 1, until both agreed.",
    "The animation shows its estimates on the way and the curves how far they were from the magnitudes given; the sheet "
    "compares the result with the digits that were drawn.",
)


def demonstrate(session: Session, folder: Path) -> Section:
    """Recover ten drawn digits and tell about it.

    Args:
        session: Device, seed, bar.
        folder: Where the files go.

    Returns:
        The section of the page.
    """
    out = recover_inputs([], default_settings(session.options.seed), folder, session).folder
    names = (pictures.SHEET, pictures.FILM, pictures.CURVES)
    return Section(
        "recover: images from Fourier magnitudes alone",
        paragraphs=_SENTENCES,
        pictures=[picture for name in names for picture in present(out, name)],
        code="undula recover\n\nimport torch, undula\n"
        "digits = undula.data.drawn_digits(10)\n"
        "result = undula.recover(torch.fft.fft2(digits).abs())\n"
        "result.image, result.residual, result.accepted",
    )
