"""What `undula restore` works on: damaged pictures, whole ones that it damages itself, and one that it draws."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from undula.data import Entry, Item, drawn_leaves
from undula.data.entries import array_shape, file_stamp, numbered_entries, whole_entry
from undula.errors import DataError, OptionError, RangeError, ShapeError, UndulaError
from undula.jobs.restore.command.forms import Form, form_of_array, form_of_picture
from undula.jobs.restore.command.masks import fitted, mask_file, read_mask
from undula.jobs.restore.command.settings import Settings
from undula.session import Session
from undula.session.finding import find_with_bar

SAMPLE_SHARE = 0.9


@dataclass(frozen=True)
class Loaded:
    """A picture in memory.

    Attributes:
        image: (channels, h, w) in [0, 1]; NaN is missing.
        form: How it is to be written.
        alpha: Its transparency (1, h, w), None without.
        missing: True where it is known to be missing; None to find it.
        original: What it was before it was damaged, where that is known.
        remarks: What to say of it.
    """

    image: Float[Tensor, "c h w"]
    form: Form = Form()  # noqa: RUF009
    alpha: Float[Tensor, "1 h w"] | None = None
    missing: Bool[Tensor, "h w"] | None = None
    original: Float[Tensor, "c h w"] | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One picture to repair, not read yet.

    Attributes:
        name: Stem of its files.
        source: Where it comes from.
        index: Its place in a stack.
        stamp: Size and time of its file, and of its mask.
        filmed: Whether the descent on it is filmed.
        load: Reads it.
    """

    name: str
    source: str
    index: int | None
    stamp: str | None
    filmed: bool
    load: Callable[[], Loaded]


def find_tasks(inputs: Sequence[str], settings: Settings, session: Session) -> list[Task]:
    """Find everything that is to be repaired.

    Args:
        inputs: As typed; nothing stands for a drawn sample.
        settings: The options; with the sample, `corrupt` is set.
        session: A bar while a named set is downloaded.

    Returns:
        The tasks, in the order of the inputs; the first is filmed where there is a descent to see.

    Raises:
        DataError: An input is nothing.
        OptionError: A mask without a picture.
    """
    if not inputs:
        if settings.missing is not None:
            raise OptionError("got --missing without an INPUT, expected the picture that it belongs to: name it first")
        return [Task("leaves", "drawn leaves", None, None, True, partial(_sample, settings))]
    if settings.missing is not None and not settings.missing.exists():
        raise DataError(f"got --missing {str(settings.missing)!r}, which is not there, expected a mask: check the name")
    entries = [entry for item in find_with_bar(inputs, session) for entry in _entries(item)]
    filmed = settings.corrupt is not None or settings.method == "descent"
    return [_task(entry, settings, filmed=filmed and place == 0) for place, entry in enumerate(entries)]


def _task(entry: Entry, settings: Settings, *, filmed: bool) -> Task:
    stamp = entry.stamp
    if settings.missing is not None:
        try:
            mask = file_stamp(str(mask_file(settings.missing, _stem(entry))))
        except DataError:  # it fails by name when its turn comes
            mask = None
        stamp = f"{stamp}, mask {mask}"
    return Task(entry.name, entry.source, entry.index, stamp, filmed, partial(_load, entry, settings))


def _sample(settings: Settings) -> Loaded:
    """Drawn leaves in grey, as in the tutorial that the job comes from."""
    return damaged(Loaded(drawn_leaves(1, color=False, seed=settings.seed)[0]), settings)


def damaged(loaded: Loaded, settings: Settings) -> Loaded:
    """Replace a share of the pixels by black or white.

    Args:
        loaded: A whole picture.
        settings: The options; numpy's generator of their seed draws first what stays, then black and white.

    Returns:
        The damaged picture, which knows its original.

    Raises:
        RangeError: The picture is not whole, or leaves [0, 1].
    """
    assert settings.corrupt is not None
    step = settings.downsample
    whole = loaded.image[:, ::step, ::step]
    if not bool(((whole >= 0) & (whole <= 1)).all()):
        raise RangeError(
            "got NaN or values outside [0, 1] in a picture to be damaged, expected a whole one: fill it first"
        )
    shape = tuple(whole.shape[1:])
    chance = np.random.default_rng(settings.seed)
    missing = torch.from_numpy(chance.random(shape) < settings.corrupt)
    noise = torch.from_numpy(chance.integers(0, 2, shape)).to(whole)
    return replace(
        loaded,
        image=torch.where(missing, noise, whole),
        alpha=None if loaded.alpha is None else loaded.alpha[:, ::step, ::step],
        missing=missing,
        original=whole,
    )


def _entries(item: Item) -> list[Entry]:
    """A picture, or the pictures of an array: (h, w), channels first or last, or a stack of these."""
    if item.picture or item.given == "images":
        return [whole_entry(item)]
    if item.given is not None:
        raise DataError(f"got {item.source!r}, a measured volume, expected pictures: undula recover is for it")
    try:
        shape = array_shape(item)
    except UndulaError:
        return [whole_entry(item)]  # it fails by name when its turn comes
    stack = len(shape) == 4 or (len(shape) == 3 and shape[0] not in (1, 3, 4) and shape[-1] not in (3, 4))
    return numbered_entries(item, shape[0]) if stack and shape[0] else [whole_entry(item)]


def _load(entry: Entry, settings: Settings) -> Loaded:
    picture = entry.item.picture or entry.item.given == "images"
    loaded = _picture(entry, settings) if picture else _array(entry, settings)
    if settings.corrupt is not None:
        return damaged(loaded, settings)
    if settings.missing is None:
        return replace(loaded, remarks=(*loaded.remarks, *_of_jpeg(entry)))
    path = mask_file(settings.missing, _stem(entry))
    mask, remark = read_mask(path)
    height, width = loaded.image.shape[1:]
    remarks = (*loaded.remarks, *([remark] if remark else []))
    return replace(loaded, missing=fitted(mask, height, width, path), remarks=remarks)


def _of_jpeg(entry: Entry) -> list[str]:
    if Path(entry.source).suffix.lower() not in (".jpg", ".jpeg"):
        return []
    return [
        "JPEG has changed most black and white pixels, and only exact ones are found: --missing says which they are"
    ]


def _picture(entry: Entry, settings: Settings) -> Loaded:
    pixels = torch.from_numpy(np.ascontiguousarray(entry.load(), dtype=np.float32))
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    image, alpha = _parted(pixels)
    form, remarks = form_of_picture(entry, settings.format, channels=len(pixels))
    return Loaded(image, form, alpha, remarks=tuple(remarks))


def _array(entry: Entry, settings: Settings) -> Loaded:
    stored = entry.load()
    if stored.ndim not in (2, 3) or 0 in stored.shape:
        raise ShapeError(
            f"got {entry.source!r} of shape {stored.shape}, expected (height, width), (channels, height, width) or (height, "
            "width, channels), or a stack of these: save it so"
        )
    last = stored.ndim == 3 and stored.shape[0] not in (1, 3, 4)
    values = torch.from_numpy(_floats(stored, entry))
    planes = values[None] if stored.ndim == 2 else values.permute(2, 0, 1) if last else values
    image, alpha = _parted(planes.contiguous())
    came = Form(stored=stored.dtype, last=last, flat=stored.ndim == 2, key=_key(entry.source))
    form, remarks = form_of_array(entry, settings.format, came, alpha=alpha is not None)
    return Loaded(image, form, alpha, remarks=tuple(remarks))


def _floats(stored: NDArray[Any], entry: Entry) -> NDArray[Any]:
    """Numbers in [0, 1]: integers over their largest value, floats as they are."""
    if stored.dtype in (np.uint8, np.uint16):
        return stored.astype(np.float32) / np.float32(np.iinfo(stored.dtype).max)
    if stored.dtype.kind != "f":
        raise RangeError(
            f"got {entry.source!r} of type {stored.dtype}, expected floats in [0, 1], or integers of 8 or 16 bits without a "
            "sign: convert it first"
        )
    return np.ascontiguousarray(stored, dtype=np.float64 if stored.dtype.itemsize > 4 else np.float32)


def _key(source: str) -> str:
    """Name of the array in a file of several: as typed, or the only one of an NPZ file."""
    if not Path(source).is_file():
        return source.rpartition(":")[2]
    if Path(source).suffix.lower() != ".npz":
        return ""
    with np.load(source, allow_pickle=False) as archive:
        return str(archive.files[0])


def _parted(pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Colors and transparency."""
    return (pixels[:-1], pixels[-1:]) if len(pixels) in (2, 4) else (pixels, None)


def _stem(entry: Entry) -> str:
    return entry.name if entry.index is not None else Path(entry.source).stem
