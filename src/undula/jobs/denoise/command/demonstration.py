"""The section of denoise in `undula demo`: a drawn picture of cracked asphalt, its noise, and what is left."""

from pathlib import Path

from undula.jobs.denoise.command.report import figure, finding
from undula.jobs.denoise.command.settings import Settings
from undula.jobs.denoise.command.typed import denoise_inputs
from undula.session import Session
from undula.show import Section


def demonstrate(session: Session, folder: Path) -> Section:
    """Denoise a drawn picture.

    Args:
        session: Device, seed, bar.
        folder: Where the files go.

    Returns:
        The section of the page.
    """
    work = denoise_inputs([], Settings(), folder, session)
    return Section(
        "denoise: noise goes, cracks stay",
        paragraphs=[
            "Undula drew cracked asphalt and added white noise of 15 grey levels. A small network, trained on photographs, "
            f"measures how strong the noise is, and subtracts what it takes for noise: {finding(work.records[0])}.",
        ],
        pictures=[figure(work.folder, record) for record in work.records],
        code="undula denoise photo.png\nundula denoise train photos/ -o my-model\n\nimport undula\n"
        "result = undula.denoise(image)  # floats in [0, 1]\nresult.image, result.sigma, result.advice",
    )
