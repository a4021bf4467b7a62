"""Pictures of what was recovered: the sheet, the animation, the curves, and volumes from all sides."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from PIL import Image
from torch import Tensor

from undula.data import Entry, OutputFolder, atomic_write, read_array, write_array
from undula.errors import MissingExtra, UndulaError
from undula.jobs.recover.command.film import Reel, window
from undula.jobs.recover.command.inputs import find_again
from undula.jobs.recover.command.patterns import Pattern, read_pattern
from undula.jobs.recover.command.settings import Settings
from undula.jobs.recover.command.solving import Outcome, is_solved
from undula.jobs.recover.result import write_item
from undula.session import Options, Session
from undula.show import (
    animate_sheet,
    contact_sheet,
    isosurface,
    line_figure,
    orthogonal_slices,
    to_display,
    write_gif,
)
from undula.show.palette import phase_colors

Record = Mapping[str, Any]
SHEET, FILM, CURVES, PRTF = "sheet.png", "descent.gif", "curves.png", "prtf.png"
_ITEMS, _CURVES = 64, 200
_SINGLE = 256  # pixels: so large is a small picture shown where it is the only one


def write_outcome(out: OutputFolder, outcome: Outcome, session: Session) -> list[str]:
    """Write the files of one item: values, pictures, support.

    Args:
        out: Where to.
        outcome: The item.
        session: Told when a picture needs a package that is not there.

    Returns:
        Names of the files.
    """
    name, image = outcome.entry.name, outcome.image.cpu().numpy()
    files = write_item(out, name, image)
    if outcome.support is not None:
        write_array(out.path(f"{name}-support.npy"), outcome.support)
        files.append(f"{name}-support.npy")
    if image.ndim == 3 and np.abs(image).max() > 0:
        for word, draw in (("slices", orthogonal_slices), ("surface", isosurface)):
            path = out.path(f"{name}-{word}.png")
            if _drawn(session, lambda draw=draw, path=path: draw(path, image, title=name)):  # type: ignore[misc]
                files.append(path.name)
    return files


def write_sheet(
    out: OutputFolder, records: Sequence[Record], entries: Mapping[str, Entry], settings: Settings, dims: int
) -> None:
    """Write `sheet.png`: given magnitudes, recovered, and the original where it is known.

    Args:
        out: Where to, and where the recovered images are.
        records: Finished items.
        entries: Entries of this call by name; those of earlier calls are looked for again.
        settings: The options.
        dims: Number of space axes.
    """
    shown = list(records[:_ITEMS])
    silent = Session(Options(quiet=True))
    rows = [_row(out, record, entries, settings, dims, silent) for record in shown]
    names = [
        name for name in ("given magnitudes", "recovered", "phase", "original") if any(name in row for row in rows)
    ]
    columns = {name: _evened([row.get(name) for row in rows], side=_SINGLE if len(rows) == 1 else 0) for name in names}
    solved = sum(is_solved(record) for record in records)
    sheet = contact_sheet(
        columns,
        captions=[_caption(record) for record in shown],
        marks=[is_solved(record) for record in shown],
        title="From Fourier magnitudes alone",
        subtitle=f"{solved} of {len(records)} recovered"
        + (f", the first {_ITEMS} shown" if len(records) > _ITEMS else ""),
    )
    with atomic_write(out.path(SHEET)) as stream:
        sheet.save(stream, format="PNG", optimize=True)


def write_film(out: OutputFolder, reel: Reel, *, dims: int) -> None:
    """Write `descent.gif`.

    Args:
        out: Where to.
        reel: The film.
        dims: Number of space axes of the items.
    """
    count = reel.frames.shape[1]
    where = "  ·  mean along the first axis" if dims == 3 else ""
    captions = [
        f"iteration {step}{where}" + (f"  ·  {solved} of {count} finished" if count > 1 else "")
        for step, solved in zip(reel.steps, reel.solved, strict=True)
    ]
    scale = max(1, 288 // max(reel.frames.shape[-2:])) if count == 1 else None
    frames = animate_sheet(reel.frames, title="Out of nothing but magnitudes", captions=captions, scale=scale)
    write_gif(out.path(FILM), frames, seconds=min(6.0, 0.1 * len(frames)), hold=2.0)


def write_curves(out: OutputFolder, records: Sequence[Record], settings: Settings, session: Session) -> bool:
    """Write `curves.png`: the residual of every look over the transforms spent; False without matplotlib.

    Inside a shrinking support there are two looks, one on the coarse and one on the fine grid: no curve.
    """
    if settings.support == "shrinkwrap":
        return False
    many = sum(len({run for run, _, _ in record["history"]}) for record in records) > 8
    curves: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        runs = sorted({int(run) for run, _, _ in record["history"]})
        for run in runs[: _CURVES - len(curves)]:
            name = f"{record['item']}, run {run + 1}" if len(runs) > 1 else record["item"]
            points = [(spent, value) for r, spent, value in record["history"] if int(r) == run and value is not None]
            curves |= {name: points} if any(value > 0 for _, value in points) else {}
    exact = settings.noise is None and settings.support != "shrinkwrap"

    def draw() -> None:
        line_figure(
            out.path(CURVES), list(curves.values()) if many else curves, log=True,
            threshold=settings.tolerance if exact else None, threshold_label="accepted below",
            title="Residual at every look", xlabel="Fourier transforms spent on the run", ylabel="relative residual",
        )  # fmt: skip

    return bool(curves) and _drawn(session, draw)


def write_prtf(out: OutputFolder, records: Sequence[Record], settings: Settings, session: Session) -> bool:
    """Write `prtf.png`: the phase retrieval transfer function over frequency; False without matplotlib or runs."""
    curves = {
        record["item"]: [
            (ring / max(record["shape"]), value)
            for ring, value in enumerate(record["prtf"][: max(record["shape"]) // 2 + 1])
            if value is not None
        ]
        for record in records
        if settings.runs > 1 and record.get("prtf") and len(record["shape"]) == 3
    }
    curves = {name: points for name, points in curves.items() if points}

    def draw() -> None:
        line_figure(
            out.path(PRTF), curves, log=False, threshold=math.exp(-1), threshold_label="1/e",
            title="Phase retrieval transfer function", xlabel="spatial frequency in cycles per voxel",
            ylabel="|F(average of the runs)| / measured",
        )  # fmt: skip

    return bool(curves) and _drawn(session, draw)


def _drawn(session: Session, draw: Callable[[], None]) -> bool:
    try:
        draw()
    except MissingExtra as error:
        session.note(f"a picture was left out: {error}")
        return False
    return True


def _row(
    out: OutputFolder, record: Record, entries: Mapping[str, Entry], settings: Settings, dims: int, session: Session
) -> dict[str, Float[Tensor, "..."]]:
    """Pictures of one item by column."""
    image = torch.from_numpy(read_array(out.path(f"{record['item']}.npy")))
    pattern: Pattern | None = None
    entry = entries.get(record["item"]) or find_again(record["source"], record["index"])
    if entry is not None:
        with suppress(UndulaError):  # the file has gone or changed since: the answer is still there
            pattern = read_pattern(entry, settings, dims, session)
    flat = _flat(image)
    scale = max(float(flat.abs().max()), 1e-30)
    row: dict[str, Tensor] = {}
    if pattern is not None:
        values = pattern.values.sqrt() if pattern.given == "intensities" else pattern.values
        if pattern.measured is not None:
            values = torch.where(pattern.measured, values, 0.0)
        pattern_centered = values if pattern.centered else torch.fft.fftshift(values)
        row["given magnitudes"] = to_display(_flat(pattern_centered))
        if pattern.truth is not None:
            scale = max(scale, float(pattern.truth.abs().max()))
    if not image.is_complex() and 0.3 < scale <= 1:
        scale = 1.0
    near = window(_modulus(flat, scale))
    row["recovered"] = _modulus(flat, scale)[near]
    if image.is_complex():
        row["phase"] = _phases(flat[near], scale)
    if pattern is not None and pattern.truth is not None:
        row["original"] = _modulus(_flat(pattern.truth)[near], scale)
    return row


def _flat(values: Shaped[Tensor, "*space"]) -> Shaped[Tensor, "h w"]:
    """Pictures as they are, the middle slice of volumes, signals as strips."""
    if values.ndim == 3:
        return values[values.shape[0] // 2]
    return values if values.ndim == 2 else values.expand(max(1, values.shape[-1] // 8), -1)


def _modulus(flat: Shaped[Tensor, "h w"], scale: float) -> Float[Tensor, "h w"]:
    values = flat.abs() if flat.is_complex() else flat.clamp_min(0)
    return (values / scale).clamp(0, 1).float()


def _phases(flat: Shaped[Tensor, "h w"], scale: float) -> Float[Tensor, "3 h w"]:
    colors = torch.from_numpy(phase_colors(torch.angle(flat).numpy())).float().permute(2, 0, 1)
    weight = ((flat.abs() / scale - 0.05) / 0.25).clamp(0, 1).float()
    return colors * weight + 1 - weight


def _evened(pictures: Sequence[Tensor | None], *, side: int) -> Float[Tensor, "n c h w"]:
    """One batch: pictures of several sizes are brought to the longest side of all and set on white."""
    shapes = [picture.shape for picture in pictures if picture is not None]
    channels = max(shape[0] if len(shape) == 3 else 1 for shape in shapes)
    side = max(side, *(max(shape[-2:]) for shape in shapes))
    sized = [None if picture is None else _sized(picture, side) for picture in pictures]
    height = max(picture.shape[-2] for picture in sized if picture is not None)
    width = max(picture.shape[-1] for picture in sized if picture is not None)
    sheet = torch.ones(len(pictures), channels, height, width)
    for place, picture in enumerate(sized):
        if picture is not None:
            sheet[place, :, : picture.shape[-2], : picture.shape[-1]] = picture
    return sheet


def _sized(picture: Tensor, side: int) -> Tensor:
    longest = max(picture.shape[-2:])
    if longest == side:
        return picture
    levels = (picture * 255).round().to(torch.uint8)
    image = Image.fromarray((levels if levels.ndim == 2 else levels.permute(1, 2, 0)).numpy())
    size = (max(1, round(picture.shape[-1] * side / longest)), max(1, round(picture.shape[-2] * side / longest)))
    array = torch.from_numpy(np.array(image.resize(size, Image.Resampling.NEAREST))).float() / 255
    return array if array.ndim == 2 else array.permute(2, 0, 1)


def _caption(record: Record) -> str:
    parts = [record["item"], "no residual" if record["residual"] is None else f"residual {record['residual']:.1e}"]
    if record.get("psnr") is not None:
        parts.append(f"{record['psnr']:.0f} dB")
    return "  ·  ".join(parts)
