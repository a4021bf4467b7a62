"""What `undula denoise` works on: pictures, and a noisy picture that Undula draws itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from undula.data import Entry, drawn_asphalt, image_bits, normal
from undula.data.entries import whole_entry
from undula.errors import DataError
from undula.session import Session
from undula.session.finding import find_with_bar

_SAMPLE_SIGMA = 15 / 255


@dataclass(frozen=True)
class Loaded:
    """A picture in memory.

    Attributes:
        noisy: (1 or 3, h, w).
        alpha: Its transparency (1, h, w), None without.
        bits: Bits of its numbers.
        clean: What it was before the noise, where that is known.
    """

    noisy: Float[Tensor, "c h w"]
    alpha: Float[Tensor, "1 h w"] | None = None
    bits: Literal[8, 16] = 8
    clean: Float[Tensor, "c h w"] | None = None


@dataclass(frozen=True)
class Task:
    """One picture to denoise, not read yet.

    Attributes:
        name: Stem of its files.
        source: Where it comes from.
        index: Its place in a stack.
        stamp: Size and time of its file.
        load: Reads it.
    """

    name: str
    source: str
    index: int | None
    stamp: str | None
    load: Callable[[], Loaded]


def find_tasks(inputs: Sequence[str], session: Session, *, seed: int) -> list[Task]:
    """Find everything that is to be denoised.

    Args:
        inputs: As typed; nothing stands for a drawn sample.
        session: A bar while a named set is downloaded.
        seed: Seed of the sample.

    Returns:
        The tasks, in the order of the inputs.

    Raises:
        DataError: An input is nothing.
    """
    if not inputs:
        return [
            Task("asphalt", "drawn cracked asphalt with noise of 15 grey levels", None, None, partial(sample, seed))
        ]
    entries = [whole_entry(item) for item in find_with_bar(inputs, session)]
    return [Task(one.name, one.source, one.index, one.stamp, partial(_load, one)) for one in entries]


def sample(seed: int) -> Loaded:
    """A drawn picture of cracked asphalt with white noise, which knows its original."""
    images, _ = drawn_asphalt(1, height=256, width=384, color=False, seed=seed + 3)  # 3: a crack plain to see
    seeds = torch.tensor([seed])
    noise = normal(seeds, torch.ones_like(seeds), tuple(images.shape[1:]), dtype=torch.float32)[0]
    return Loaded(images[0] + _SAMPLE_SIGMA * noise, clean=images[0])


def _load(entry: Entry) -> Loaded:
    if not entry.item.picture and entry.item.given != "images":
        raise DataError(
            f"got {entry.source!r}, which is no picture, expected PNG, JPEG, TIFF or the like: save it as one"
        )
    pixels = torch.from_numpy(np.ascontiguousarray(entry.load(), dtype=np.float32))
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    alpha = pixels[-1:] if len(pixels) in (2, 4) else None
    bits = image_bits(entry.source) if entry.item.picture else 8
    return Loaded(pixels if alpha is None else pixels[:-1], alpha, 16 if bits > 8 else 8)
