"""Formats: in which a picture came, in which it is written, and what that costs."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from undula.data import Entry, OutputFolder, atomic_write, image_bits, write_array, write_arrays, write_image
from undula.errors import DataError, MissingExtra, RangeError
from undula.jobs.restore.command.settings import Format

Kind = Literal["png", "jpeg", "webp", "bmp", "tiff", "npy", "npz"]
_KINDS: dict[str, Kind] = {
    ".png": "png", ".bmp": "bmp", ".webp": "webp", ".tif": "tiff", ".tiff": "tiff", ".npy": "npy", ".npz": "npz",
}  # fmt: skip
_SUFFIXES: dict[Kind, str] = {"jpeg": ".jpg", "tiff": ".tif"}
_QUALITY = 95


@dataclass(frozen=True)
class Form:
    """How a picture is written.

    Attributes:
        kind: The format.
        bits: Bits of a channel of a picture.
        stored: Type of the numbers of an array; None for pictures.
        last: Whether an array has its channels last.
        flat: Whether an array has no axis for channels.
        key: Name of the array in its NPZ file.
    """

    kind: Kind = "png"
    bits: Literal[8, 16] = 8
    stored: np.dtype[Any] | None = None
    last: bool = False
    flat: bool = False
    key: str = ""

    @property
    def suffix(self) -> str:
        """Ending of the file's name."""
        return _SUFFIXES.get(self.kind, f".{self.kind}")


def form_of_picture(entry: Entry, chosen: Format | None, *, channels: int) -> tuple[Form, list[str]]:
    """How the repaired picture of a picture file is written, and what to say of it.

    Args:
        entry: The picture.
        chosen: The format that the user chose.
        channels: Of the picture as it came, transparency among them.

    Returns:
        The form, and remarks.

    Raises:
        DataError: The format cannot hold it.
    """
    suffix = Path(entry.source).suffix.lower()
    kind: Kind = chosen or _KINDS.get(suffix, "png")
    deep = entry.item.picture and image_bits(entry.source) > 8
    remarks = []
    if suffix in (".jpg", ".jpeg") and chosen is None:
        remarks.append("a JPEG is written as PNG, so that known pixels stay: --format jpeg for a JPEG")
    if entry.item.picture and _has_palette(entry.source) and kind != "npy":
        remarks.append("its palette becomes full color, which holds what was filled")
    bits: Literal[8, 16] = 16 if deep and kind == "png" else 8
    if deep and kind not in ("png", "npy"):
        remarks.append(f"its 16 bits are rounded to 8 in a {kind.upper()} file: --format png keeps them")
    stored = np.dtype(np.float32) if kind == "npy" else None
    form = Form(kind, bits, stored, flat=channels == 1)
    return form, remarks + _checked(form, entry, alpha=channels in (2, 4))


def form_of_array(entry: Entry, chosen: Format | None, form: Form, *, alpha: bool) -> tuple[Form, list[str]]:
    """How the repaired picture of an array is written, and what to say of it.

    Args:
        entry: The array.
        chosen: The format that the user chose.
        form: How it came: type, axes, key.
        alpha: Whether it has transparency.

    Returns:
        The form, and remarks.

    Raises:
        DataError: The format cannot hold it.
    """
    suffix = Path(entry.source.removesuffix(f":{form.key}")).suffix.lower()
    known = _KINDS.get(suffix)
    kind: Kind = chosen or known or "npy"
    remarks = [] if known or chosen else [f"an array from {suffix[1:].upper()} is written as NPY"]
    stored = form.stored if kind in ("npy", "npz") or (kind == "tiff" and chosen is None) else None
    bits: Literal[8, 16] = 16 if kind == "png" and form.stored != np.uint8 else 8
    if stored is None and form.stored not in ((np.uint8, np.uint16) if bits == 16 else (np.uint8,)):
        remarks.append(f"its numbers of type {form.stored} are rounded to {bits} bits in a {kind.upper()} file")
    written = Form(kind, bits, stored, form.last, form.flat, form.key if kind == "npz" else "")
    return written, remarks + _checked(written, entry, alpha=alpha)


def write_form(out: OutputFolder, name: str, picture: Float[Tensor, "c h w"], form: Form) -> str:
    """Write a picture.

    Args:
        out: Where to.
        name: Stem of the file.
        picture: Values in [0, 1], transparency as its last channel.
        form: How.

    Returns:
        Name of the file.

    Raises:
        UndulaError: It cannot be written, or values lie outside [0, 1] that the format cannot hold.
    """
    file = f"{name}{form.suffix}"
    path = out.path(file)
    if form.stored is not None:
        _write_numbers(path, _as_stored(picture, form), form)
    elif form.kind == "png":
        write_image(path, picture, bits=form.bits)
    else:
        _write_levels(path, picture, form.kind)
    return file


def _checked(form: Form, entry: Entry, *, alpha: bool) -> list[str]:
    if form.kind == "jpeg" and alpha:
        raise DataError(
            f"got {entry.source!r} with transparency for a JPEG, which has none, expected another format: --format png"
        )
    return ["a JPEG changes known pixels a little: leave --format out to keep them"] if form.kind == "jpeg" else []


def _has_palette(path: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            return image.mode in ("P", "PA")


def _as_stored(picture: Tensor, form: Form) -> NDArray[Any]:
    assert form.stored is not None
    values = picture.detach().cpu().double().numpy()
    if form.stored.kind in "ui":
        values = np.rint(values * np.iinfo(form.stored).max)
    values = values[0] if form.flat else values.transpose(1, 2, 0) if form.last else values
    return np.ascontiguousarray(values.astype(form.stored))


def _write_numbers(path: Path, values: NDArray[Any], form: Form) -> None:
    if form.kind == "npz":
        write_arrays(path, {form.key: values})
    elif form.kind == "npy":
        write_array(path, values)
    else:
        _write_deep_tiff(path, values, last=form.last)


def _write_deep_tiff(path: Path, values: NDArray[Any], *, last: bool) -> None:
    try:
        import tifffile
    except ImportError as error:
        raise MissingExtra("tifffile", extra="science") from error
    color = values.ndim == 3 and values.shape[-1 if last else 0] > 2
    planar = "separate" if values.ndim == 3 and not last else None
    with atomic_write(path) as stream:
        tifffile.imwrite(stream, values, photometric="rgb" if color else "minisblack", planarconfig=planar)


def _write_levels(path: Path, picture: Tensor, kind: Kind) -> None:
    """Write 8 bits a channel through Pillow, without loss but for JPEG."""
    low, high = float(picture.min()), float(picture.max())
    if low < 0 or high > 1:
        raise RangeError(
            f"got values {low:.4g}…{high:.4g} for a {kind.upper()} file, expected [0, 1]: leave --format out"
        )
    levels = (picture.detach().cpu().double() * 255).round().byte().permute(1, 2, 0).numpy()
    image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    if kind in ("webp", "bmp") and image.mode == "LA":
        image = image.convert("RGBA")
    options: dict[str, Any] = {"lossless": True} if kind == "webp" else {"quality": _QUALITY} if kind == "jpeg" else {}
    with atomic_write(path) as stream:
        image.save(stream, format=kind.upper(), **options)
