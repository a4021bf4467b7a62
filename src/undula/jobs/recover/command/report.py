"""The folder of a finished command: pictures of everything in it, and the page that shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.data import Entry, OutputFolder
from undula.jobs.recover.command import pictures
from undula.jobs.recover.command.film import Reel
from undula.jobs.recover.command.settings import Settings
from undula.jobs.recover.command.tables import findings, summary, table_of
from undula.session import Session
from undula.show import Picture, Section, Table, write_page

Record = Mapping[str, Any]
_ROWS, _VOLUMES = 200, 4

METHOD = (
    "A Fourier transform has a magnitude and a phase at every frequency. A camera, or an X-ray detector far behind a sample, "
    "records the magnitudes only. Starting from random phases, the solver goes back and forth between what was measured and "
    "what is known of the object (no value below its least or above its greatest, nothing outside its support) until both "
    "agree."
)
READING = (
    "The residual says how well the magnitudes of the recovered image fit those given: √(Σ(|F x| − A)² / ΣA²). A green "
    "check means that the image was accepted: the residual is as small as exact data allow, or, where data are measured, "
    "several independent runs ended in the same image."
)
ORIGINAL = (
    "Magnitudes do not change when an image is shifted or turned by 180 degrees, so the recovered image was laid onto the "
    "original before the two were compared. No run was chosen by looking at the original. A red cross also marks an "
    "image that fits the magnitudes and is not the original."
)


def write_report(
    out: OutputFolder,
    records: Sequence[Record],
    entries: Mapping[str, Entry],
    settings: Settings,
    dims: int,
    session: Session,
    *,
    reel: Reel | None,
) -> None:
    """Write the sheet, the animation, the curves and `index.html` from all finished items of the folder.

    Args:
        out: The folder.
        records: Its records.
        entries: Entries of this call by name.
        settings: The options.
        dims: Number of space axes.
        session: Told of pictures that cannot be drawn.
        reel: The film of this call, if one was taken.
    """
    pictures.write_sheet(out, records, entries, settings, dims)
    if reel is not None:
        pictures.write_film(out, reel, dims=dims)
    for name, draw in ((pictures.CURVES, pictures.write_curves), (pictures.PRTF, pictures.write_prtf)):
        if not draw(out, records, settings, session):
            out.path(name).unlink(missing_ok=True)  # of a call with other options
    write_page(
        out.path("index.html"),
        title="Images from Fourier magnitudes alone",
        lead=summary(records, 0).capitalize() + ".",
        sections=sections(out, records, settings),
        footer=f"undula recover, seed {settings.seed}; arguments, versions and timings are in run.json.",
    )


def sections(out: OutputFolder, records: Sequence[Record], settings: Settings) -> list[Section]:
    """The parts of the page."""
    header, rows = table_of(records[:_ROWS], runs=settings.runs)
    left_out = [f"The table shows the first {_ROWS} of {len(records)} items."] if len(records) > _ROWS else []
    reading = [READING, ORIGINAL] if any("mse" in record for record in records) else [READING]
    parts = [
        Section("What came out", paragraphs=reading, pictures=present(out, pictures.SHEET)),
        *(_volume(out, record) for record in records[:_VOLUMES] if len(record["shape"]) == 3),
        Section(
            "How it came about",
            paragraphs=[METHOD],
            pictures=[*present(out, pictures.FILM), *present(out, pictures.CURVES), *present(out, pictures.PRTF)],
        ),
        Section("Every item", paragraphs=left_out, table=Table(header, rows)),
    ]
    return [part for part in parts if part.pictures or part.table or part.title == "What came out"]


_SHOWN = {
    pictures.SHEET: ("", "Sheet of given magnitudes, recovered images and originals", None),
    pictures.FILM: (
        "The estimates while they are recovered, laid as the answer lies.",
        "Animation: noise turns into the recovered images",
        None,
    ),
    pictures.CURVES: (
        "Every look at a run; where it rises, the run began anew from other random phases.",
        "Curves of the residual over the number of Fourier transforms",
        720,
    ),
    pictures.PRTF: (
        "One where the runs agree on the phases, falling where their average loses them.",
        "Curve of the phase retrieval transfer function over spatial frequency",
        720,
    ),
}


def present(out: OutputFolder, name: str) -> list[Picture]:
    """The picture of that name, if it was drawn."""
    caption, alt, width = _SHOWN[name]
    return [Picture(out.path(name), caption, alt, width)] if out.path(name).is_file() else []


def _volume(out: OutputFolder, record: Record) -> Section:
    found = [out.path(f"{record['item']}-{word}.png") for word in ("surface", "slices")]
    captions = {"surface": "Where the modulus is half of its greatest value.", "slices": "Cuts through the middle."}
    return Section(
        f"The object in {record['item']}",
        paragraphs=[". ".join(sentence[0].upper() + sentence[1:] for sentence in findings(record)) + "."]
        if "run_residuals" in record
        else [],
        pictures=[
            Picture(path, captions[path.stem.rpartition("-")[2]], f"{path.stem} of the recovered volume", 860)
            for path in found
            if path.is_file()
        ],
    )
