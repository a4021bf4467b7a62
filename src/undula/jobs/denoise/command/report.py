"""What a finished command shows: figures, the table, the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from undula.data import OutputFolder
from undula.session.batch import Column, summed_up, tabulated
from undula.show import Axis, Picture, Plane, Section, Table, draw_panels, save_picture, write_page

Record = Mapping[str, Any]
_FIGURES, _ROWS = 24, 200
_BARE = Axis(0.0, 1.0, ticked=False)
_COLUMNS: dict[str, Column] = {
    "item": ("item", lambda r: r["item"]),
    "size": ("shape", lambda r: " × ".join(map(str, r["shape"][:0:-1]))),
    "noise": ("sigma", lambda r: f"{r['sigma']:.1f}"),
    "kind": ("white", lambda r: "white" if r["white"] else "another"),
    "price in dB": ("price", lambda r: f"{r['price']:+.2f}"),
    "dB before": ("psnr_before", lambda r: f"{r['psnr_before']:.2f}"),
    "dB after": ("psnr", lambda r: f"{r['psnr']:.2f}"),
}

READING = (
    "Left the picture as it came, in the middle without its noise, right what was taken away, twice as strong around grey. "
    "What was taken away should look like noise: lines of the picture that show in it were taken along.",
    "The noise level is the standard deviation in grey levels of 255. Detail that is weaker than the noise is lost, and no "
    "sharpening brings it back: the sharpness dial amplifies what is left.",
)


def write_figure(
    path: Path, noisy: Tensor, clean: Tensor, record: Record, *, title: str, original: Tensor | None = None
) -> None:
    """Draw before, after and the difference.

    Args:
        path: The file.
        noisy: The picture as it came (c, h, w).
        clean: The same without noise.
        record: What is known of it.
        title: Line above.
        original: What it was before the noise, where that is known.
    """
    taken = (noisy.cpu() - clean.cpu()) * 2 + 0.5
    names = ("as it came", "denoised", "taken away, × 2")
    panels = [_panel(one, name) for one, name in zip((noisy, clean, taken), names, strict=True)]
    if original is not None:
        panels.insert(0, _panel(original, "before the noise"))
    save_picture(path, draw_panels([panels], title=title, subtitle=finding(record)))


def _panel(picture: Tensor, name: str) -> Plane:
    pixels = picture.detach().cpu().clamp(0, 1).permute(1, 2, 0).numpy()
    colors = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    return Plane(colors, _BARE, _BARE, name, square=True)


def finding(record: Record) -> str:
    """A sentence about a picture."""
    how = "measured" if record["measured"] else "as said"
    text = f"noise of {record['sigma']:.1f} grey levels, {how}"
    if record.get("psnr") is not None:
        text += f"; {record['psnr_before']:.2f} dB before, {record['psnr']:.2f} dB after"
    if record.get("price") is not None:
        text += f"; sharpness {record['sharpness']:g}, which changes the PSNR by {record['price']:+.2f} dB as forecast"
    return f"{text}; {record['advice']}" if record["advice"] else text


def table_of(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the pictures.

    Args:
        records: The pictures.
    """
    return tabulated(records, _COLUMNS)


def write_report(out: OutputFolder, records: Sequence[Record]) -> None:
    """Write `index.html` from all finished pictures of the folder.

    Args:
        out: The folder.
        records: Its records.
    """
    shown = list(records[:_FIGURES])
    header, rows = table_of(records[:_ROWS])
    left_out = [f"Figures of the first {_FIGURES} of {len(records)} pictures."] if len(records) > _FIGURES else []
    write_page(
        out.path("index.html"),
        title="Denoised",
        lead=summed_up("denoised", records, 0).capitalize() + ".",
        sections=[
            *(Section(record["item"], [finding(record).capitalize() + "."], [figure(out, record)]) for record in shown),
            Section("How to read it", paragraphs=READING),
            Section("Every picture", left_out, table=Table(header, rows)),
        ],
        footer="undula denoise; arguments, versions and timings are in run.json.",
    )


def figure(out: OutputFolder, record: Record) -> Picture:
    """The figure of a picture."""
    return Picture(out.path(f"{record['item']}-figure.png"), "", f"{record['item']} before and after", 960)
