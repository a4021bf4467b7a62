"""Pictures of folders, lists, named sets and tensors, one after the other: whatever cannot be read is noted."""

import io
import os
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Shaped
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from undula.data.images import PICTURE_SUFFIXES, decode_image
from undula.data.inputs import find_cifake, find_items
from undula.data.refusal import one_line, quoted
from undula.data.sets import is_named_set
from undula.data.tars import Member
from undula.errors import DataError, RangeError, ShapeError
from undula.jobs.detect.file_facts import FileFacts, file_facts

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
_SUFFIXES = (*PICTURE_SUFFIXES, ".gif")
_AHEAD = 8  # pictures that wait for each worker; more fill the cache and are paid for in page faults
_FILTER = threading.Lock()  # Python's filter of warnings belongs to all threads


class Source(NamedTuple):
    """One picture that was not read yet.

    Attributes:
        name: Where it comes from, as the user would type it.
        held: A file in a tar, or pixels in memory; None for a file of that name.
        change: What is made of the picture that is read there; None leaves it as it is.
    """

    name: str
    held: Member | Tensor | None = None
    change: "Callable[[Picture], Picture] | None" = None


@dataclass(frozen=True)
class Picture:
    """One picture as read.

    Attributes:
        name: Where it comes from.
        pixels: (3, h, w) bytes, or floats in [0, 1]; None where it cannot be read.
        facts: What the file is; None where nothing could be found out.
        note: What is to be said of it: why it cannot be read, or what was done to read it.
        mark: A hash of the pixels as read, where it was asked for.
    """

    name: str
    pixels: Shaped[Tensor, "3 h w"] | None
    facts: FileFacts | None
    note: str = ""
    mark: bytes = b""


def find_sources(data: Any, *, name: str = "pictures") -> list[Source]:
    """Find pictures without reading them.

    Args:
        data: A folder (its picture files; folders inside are not searched), a file, a named set (`cifake:test:real`), a list of
            these, a tensor or NumPy array (n, c, h, w), or a list of tensors (c, h, w), in [0, 1].
        name: What they are called in an error.

    Returns:
        The pictures in the order of their names, or as given.

    Raises:
        DataError: Nothing is there.
        ShapeError: A tensor is no picture.
        RangeError: Values outside [0, 1], or integers.
    """
    if isinstance(data, np.ndarray):
        data = torch.from_numpy(np.ascontiguousarray(data))
    if isinstance(data, Tensor):
        return _in_memory(data, name)
    if isinstance(data, str | Path):
        found = _found(str(data))
        if found == [Source(str(data))] and not Path(data).exists():
            raise DataError(f"got {quoted(data)}, which does not exist, expected a folder, a file or a named set")
    else:
        found = [source for one in data for source in _among(one, name)]
    if not found:
        raise DataError(f"got no {name}, expected a folder, files, a named set or tensors: name some")
    return found


def read_pictures(
    sources: Iterable[Source], *, change: Callable[[Picture, int], Picture] | None = None, workers: int | None = None
) -> Iterator[Picture]:
    """Read pictures in threads, in their order, a few ahead of whoever takes them.

    Args:
        sources: The pictures.
        change: What is done to every picture, told its number, in the same thread.
        workers: Threads; as many as cores, at most eight, if None.

    Yields:
        Every picture, those that cannot be read too.
    """
    count = workers or min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    waiting: deque[Future[Picture]] = deque()
    rest = enumerate(sources)

    def made(number: int, source: Source) -> Picture:
        picture = read_picture(source)
        return picture if change is None else change(picture, number)

    with ThreadPoolExecutor(count, thread_name_prefix="pictures") as pool:
        try:
            waiting.extend(pool.submit(made, *one) for one in islice(rest, count * _AHEAD))
            while waiting:
                picture = waiting.popleft().result()
                waiting.extend(pool.submit(made, *one) for one in islice(rest, 1))
                yield picture
        finally:
            for future in waiting:
                future.cancel()


def read_picture(source: Source) -> Picture:
    """Read one picture; nothing is raised.

    Args:
        source: The picture.

    Returns:
        It, or why it cannot be read.
    """
    picture = _read(source)
    return picture if source.change is None or picture.pixels is None else source.change(picture)


def _read(source: Source) -> Picture:
    if isinstance(source.held, Tensor):
        height, width = source.held.shape[-2:]
        pixels = source.held if len(source.held) == 3 else source.held.expand(3, -1, -1)
        return Picture(source.name, pixels, FileFacts("tensor", width, height, "RGB" if len(source.held) == 3 else "L"))
    facts = None
    try:
        content = source.held.read() if source.held else Path(source.name).read_bytes()
        with _opened(content) as image:
            facts = file_facts(image)
            _refuse_bomb(facts)
            pixels, note = _decoded(image, facts, content, source.name)
        return Picture(source.name, pixels, facts, note)
    except FileNotFoundError:
        return Picture(source.name, None, None, "no such file")
    except UnidentifiedImageError:
        return Picture(source.name, None, None, f"no picture of {', '.join(_FORMATS)}")
    except Exception as error:  # parsers of damaged bytes raise nearly anything; the row says what
        return Picture(source.name, None, facts, one_line(error))


def _opened(content: bytes) -> Image.Image:
    """The header; Pillow warns of odd metadata, which is not worth a line for each of a million files."""
    with _FILTER, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(content), formats=_FORMATS)


def _decoded(image: Image.Image, facts: FileFacts, content: bytes, name: str) -> tuple[Tensor, str]:
    """Plain pictures of 8 bits at once, all others by the careful reader."""
    if facts.frames > 1 and facts.format != "TIFF":
        image.seek(0)
        return _planes(image.convert("RGB")), f"the first of {facts.frames} frames"
    if facts.format == "GIF":
        return _planes(image.convert("RGB")), ""
    plain = image.mode in ("RGB", "L") and "transparency" not in image.info and not facts.exif
    if plain and facts.format in ("JPEG", "BMP", "WEBP"):
        return _planes(image), ""
    if plain and facts.format == "PNG" and content[24] == 8:  # bits of a channel
        return _planes(image), ""
    with _FILTER:
        picture = decode_image(content, name)
    note = "CMYK made RGB without a color profile" if facts.mode == "CMYK" else ""
    if len(picture) in (2, 4):
        note, picture = "transparency laid over black", picture[:-1] * picture[-1:]
    return picture.expand(3, -1, -1).contiguous(), note


def _planes(image: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(image))
    return pixels.permute(2, 0, 1) if pixels.ndim == 3 else pixels.expand(3, -1, -1)


def _refuse_bomb(facts: FileFacts) -> None:
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and facts.width * facts.height > most:
        raise DataError(f"got {facts.width} × {facts.height} pixels, expected at most {most}: Pillow's limit")


def _found(text: str) -> list[Source]:
    if text.startswith("cifake:"):
        return [Source(name, member) for name, member in find_cifake(text)]
    if is_named_set(text):
        return [Source(item.source, torch.from_numpy(item.load())) for item in find_items([text])]
    path = Path(text)
    if not path.is_dir():
        return [Source(text)]
    with os.scandir(path) as entries:
        names = [entry.path for entry in entries if entry.name.lower().endswith(_SUFFIXES) and entry.name[0] != "."]
    if not names:
        raise DataError(
            f"got the folder {quoted(text)} without a picture, expected files that end in one of {', '.join(_SUFFIXES)}: "
            "folders inside are not searched, name them"
        )
    return [Source(name) for name in sorted(names)]


def _among(one: Any, name: str) -> list[Source]:
    """One of a list: a file that is not there is a row with a note, not the end of all others."""
    if isinstance(one, Source):
        return [one]
    if isinstance(one, str | Path):
        return _found(str(one))
    return find_sources(one[None] if isinstance(one, Tensor | np.ndarray) and one.ndim == 3 else one, name=name)


def _in_memory(data: Tensor, name: str) -> list[Source]:
    if data.ndim != 4 or data.shape[1] not in (1, 3) or data.numel() == 0:
        raise ShapeError(f"got {name} of shape {tuple(data.shape)}, expected (n, 1 or 3, height, width), not empty")
    if not data.is_floating_point():
        raise RangeError(f"got {name} of type {data.dtype}, expected floats in [0, 1]: divide by 255")
    low, high = float(data.min()), float(data.max())
    if not (low >= -1e-3 and high <= 1 + 1e-3):
        raise RangeError(f"got {name} with values {low:g}…{high:g}, expected [0, 1]: divide by 255")
    return [Source(f"{name}[{place}]", one) for place, one in enumerate(data.detach().cpu().float())]
