"""`undula demo`: one page with a section of every job."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from undula.jobs import JOBS
from undula.session import Options, Session
from undula.show import write_page


def demo(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])] = Path("undula-demo"),
    options: Options = Options(),  # noqa: B008
) -> int:
    """Show what Undula does: a page of pictures.

    It needs no data and no network, and takes half a minute at most.

    Args:
        output: Folder for the page and its files; it is made if it is not there.
        options: Options of every command.
    """
    session = Session(options)
    sections = [_load(job.demo)(session, output / job.word) for job in JOBS]
    page = output / "index.html"
    write_page(
        page,
        title="Undula",
        lead="Images and signals through their Fourier and wavelet spectra: one word, one call, one command.",
        sections=sections,
        footer=f"Made by undula demo --seed {options.seed} on this machine.",
    )
    session.say(f"open {page.resolve().as_uri()}")
    session.answer({"command": "demo", "page": str(page.resolve())})
    return session.status


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
