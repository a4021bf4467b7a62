"""The images that `undula explain` asks about: pictures, arrays, named sets, or drawn road surface."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from undula.data import Entry, Item, drawn_asphalt, luminance
from undula.data.entries import stack_entries, whole_entry
from undula.errors import DataError
from undula.session import Session
from undula.session.finding import find_with_bar

_DRAWN, _HEIGHT, _WIDTH = 2, 192, 256


@dataclass(frozen=True)
class Question:
    """One image to ask about, not read yet.

    Attributes:
        name: Stem of its files.
        source: Where it comes from.
        index: Its place in a stack.
        stamp: Size and time of its file.
        load: Reads it (c, h, w).
    """

    name: str
    source: str
    index: int | None
    stamp: str | None
    load: Callable[[], Float[Tensor, "c h w"]]


def find_questions(images: Sequence[str], session: Session, *, channels: int | None) -> list[Question]:
    """Find the images.

    Args:
        images: As typed; nothing stands for drawn road surface.
        session: Notes, and a bar while a named set is downloaded.
        channels: Channels that the model wants, where that is known.

    Returns:
        One question per image.

    Raises:
        DataError: An input is nothing.
    """
    if not images:
        return [
            Question(f"asphalt-{k}", "drawn cracked asphalt", k, None, partial(_drawn, k, channels))
            for k in range(_DRAWN)
        ]
    entries = [entry for item in find_with_bar(images, session) for entry in _entries(item)]
    return [
        Question(entry.name, entry.source, entry.index, entry.stamp, partial(_load, entry, session, channels))
        for entry in entries
    ]


def _entries(item: Item) -> list[Entry]:
    if item.picture or item.given == "images":
        return [whole_entry(item)]
    if item.given is not None:
        raise DataError(f"got {item.source!r}, a measured volume, expected images: undula recover is for it")
    return stack_entries(item, 2)


def _drawn(number: int, channels: int | None) -> Tensor:
    return drawn_asphalt(number + 1, height=_HEIGHT, width=_WIDTH, color=channels == 3)[0][number]


def _load(entry: Entry, session: Session, channels: int | None) -> Tensor:
    stored = entry.load()
    if entry.item.picture:
        return _picture(torch.from_numpy(stored), session, channels)
    image = torch.from_numpy(np.ascontiguousarray(_numbers(stored)))[None]
    return image.expand(3, -1, -1).clone() if channels == 3 else image


def _picture(pixels: Tensor, session: Session, channels: int | None) -> Tensor:
    if len(pixels) in (2, 4):
        session.note("pictures with transparency are laid over black")
    colors = pixels[:-1] * pixels[-1:] if len(pixels) in (2, 4) else pixels
    if channels == 1 and len(colors) == 3:
        session.note("the model takes gray images: of pictures in color it sees the luminance")
        return luminance(colors)[None]
    if channels == 3 and len(colors) == 1:
        session.note("the model takes images in color: it sees gray pictures as three equal channels")
        return colors.expand(3, -1, -1).clone()
    return colors


def _numbers(stored: NDArray[Any]) -> NDArray[Any]:
    """Doubles that nobody needs as such become what networks take."""
    return stored.astype(np.float32) if stored.dtype == np.float64 else stored
