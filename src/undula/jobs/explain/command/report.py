"""The page of a finished command: every figure, and how to read it."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.data import OutputFolder
from undula.jobs.explain.command.tables import table_of
from undula.session.batch import summed_up
from undula.show import Picture, Section, Table, write_page

Record = Mapping[str, Any]
_FIGURES, _ROWS = 24, 200

MAP = (
    "The map shows where the activations of a layer, or the gradient of a target, are positive, stretched over 0…1 for each "
    "image alone: bright is the most of this image, not much of anything. The overlay is the image with the map laid over it."
)
BANDS = (
    "One signed map per band of frequency of the output: red raises its energy, blue lowers it. All add up to the last. "
    "Each map has its own scale, whose numbers are in the bar; the percentage is the share of the band in all of them."
)
CHECK = (
    "A map that looks the same for a network with random weights says nothing about what was learned: "
    "undula.attribution.randomized(model) makes such a network."
)


def write_report(out: OutputFolder, records: Sequence[Record]) -> None:
    """Write `index.html` from all finished items of the folder.

    Args:
        out: The folder.
        records: Its records.
    """
    write_page(
        out.path("index.html"),
        title=f"What {out.arguments.get('model', 'a network')} looks at",
        lead=summed_up("explained", records, 0).capitalize() + ".",
        sections=sections(out, records),
        footer="undula explain; arguments, versions and timings are in run.json.",
    )


def sections(out: OutputFolder, records: Sequence[Record]) -> list[Section]:
    """The parts of the page."""
    shown = list(records[:_FIGURES])
    parts = [Section(record["item"], paragraphs=advice(record), pictures=[figure(out, record)]) for record in shown]
    header, rows = table_of(records[:_ROWS])
    left_out = [f"Figures of the first {_FIGURES} of {len(records)} items."] if len(records) > _FIGURES else []
    left_out += [f"The table shows the first {_ROWS} of {len(records)} items."] if len(records) > _ROWS else []
    return [
        *parts,
        Section("How to read it", paragraphs=reading(records)),
        Section("Every item", left_out, table=Table(header, rows)),
    ]


def reading(records: Sequence[Record]) -> list[str]:
    """What the figures show, and what the maps say of themselves."""
    bands = any("bands" in record for record in records)
    said = dict.fromkeys(note[:1].upper() + note[1:] + "." for record in records for note in record["notes"])
    return [BANDS if bands else MAP, *said, CHECK]


def advice(record: Record) -> list[str]:
    """What to try, where something went wrong."""
    text = record["advice"]
    return [text[:1].upper() + text[1:] + "."] if text else []


def figure(out: OutputFolder, record: Record) -> Picture:
    """The figure of an item."""
    return Picture(out.path(f"{record['item']}.png"), "", f"What the network looks at in {record['item']}", 960)
