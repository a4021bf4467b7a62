"""The page of a finished command: every figure, and how to read it."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.data import OutputFolder
from undula.jobs.view.command.tables import table_of
from undula.session.batch import summed_up
from undula.show import Picture, Section, Table, write_page

Record = Mapping[str, Any]
_FIGURES, _ROWS = 24, 200

IMAGES = (
    "Fourier magnitude: how much of every wave the image holds; zero frequency lies in the middle, fine detail outside. "
    "Radial profile: its mean over rings. Wavelet pyramid: coarse image and details, level by level, each band brightened for "
    "itself. Wavelet packets: all bands of one level, frequency rising to the right and downward."
)
SIGNALS = (
    "Scalogram: the continuous wavelet transform, narrow in time where the frequency is high and in frequency where it is "
    "low. Wavelet packets: bands of equal width, in the order of frequency. Both show which frequency sounds when."
)
PAIRS = (
    "Two of equal shape, compared: mean | |F a| - |F b| | of their Fourier magnitudes, in the default normalization of "
    "torch.fft and numpy.fft, over all frequencies and over each ring; and the ratio of both in decibels."
)


def write_report(out: OutputFolder, records: Sequence[Record]) -> None:
    """Write `index.html` from all finished items of the folder.

    Args:
        out: The folder.
        records: Its records.
    """
    write_page(
        out.path("index.html"),
        title="Spectra",
        lead=summed_up("viewed", records, 0).capitalize() + ".",
        sections=sections(out, records),
        footer="undula view; arguments, versions and timings are in run.json.",
    )


def sections(out: OutputFolder, records: Sequence[Record]) -> list[Section]:
    """The parts of the page."""
    shown = list(records[:_FIGURES])
    parts = [Section(record["title"], paragraphs=[finding(record)], pictures=[figure(out, record)]) for record in shown]
    header, rows = table_of(records[:_ROWS])
    left_out = [f"Figures of the first {_FIGURES} of {len(records)} items."] if len(records) > _FIGURES else []
    left_out += [f"The table shows the first {_ROWS} of {len(records)} items."] if len(records) > _ROWS else []
    return [
        *parts,
        Section("How to read it", paragraphs=reading(records)),
        Section("Every item", left_out, table=Table(header, rows)),
    ]


def reading(records: Sequence[Record]) -> list[str]:
    """What the figures show."""
    pairs = any("distance" in record for record in records)
    alone = {record["kind"] for record in records if "distance" not in record}
    return [
        *([IMAGES] if "image" in alone else []),
        *([SIGNALS] if "signal" in alone else []),
        *([PAIRS] if pairs else []),
    ]


def figure(out: OutputFolder, record: Record) -> Picture:
    """The figure of an item."""
    return Picture(out.path(f"{record['item']}.png"), "", f"Spectra of {record['title']}", 960)


def finding(record: Record) -> str:
    """A sentence about an item."""
    size = " × ".join(map(str, record["shape"][::-1]))
    if "distance" in record:
        return f"The Fourier magnitudes differ by {record['distance']:.4f} on average."
    if record["kind"] == "signal":
        unit = "Hz" if record["rate"] != 1 else "cycles per sample"
        strongest = record["strongest_frequency"]
        heard = "nothing oscillates" if strongest is None else f"the strongest frequency is {strongest:.4g} {unit}"
        return f"{size} samples; {heard}."
    share = record["energy_beyond_quarter"]
    beyond = "" if share is None else f"; {share:.2%} of the energy lies above a quarter of a cycle per pixel"
    return f"{size} pixels{beyond}."
