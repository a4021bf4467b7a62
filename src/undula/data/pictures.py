"""Pictures for training and evaluation, all in memory: folders, files, named sets, pairs of clean and noisy ones."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.images import PICTURE_SUFFIXES, luminance, read_image
from undula.data.inputs import Item, find_items
from undula.data.pairs import matched_pairs, noisy_folder
from undula.data.refusal import quoted
from undula.data.sets import Progress, is_named_set
from undula.errors import DataError, OptionError, UndulaError


@dataclass(frozen=True)
class Pictures:
    """Pictures in memory, all with the same number of channels, in the order in which they were found.

    Attributes:
        names: Where each comes from, as the user would type it; of a pair the clean one.
        clean: Pictures (c, h, w), float32 in [0, 1], each of its own size.
        noisy: Of pairs the noisy partner of each, of the same size; None for pictures without partners.
        failed: What cannot be read → why. It is left out, with its partner.
    """

    names: list[str]
    clean: list[Tensor]
    noisy: list[Tensor] | None
    failed: dict[str, str]


def find_pictures(
    source: str | Path | Sequence[str | Path],
    *,
    channels: Literal[1, 3] | None = None,
    callback: Progress | None = None,
) -> Pictures:
    """Find pictures and read them all.

    A folder gives its picture files in natural order (2 before 10); folders inside it, hidden files and other files are
    ignored. Names that end in `_raw` and `_noised` are pairs of a clean and a noisy picture: in one folder, in several
    that are named, or in `train` and `train-gaussian`, of which only the first need be named. `_raw` pictures without
    any `_noised` ones are pictures like others. Transparency is laid over black.

    Args:
        source: A folder, a picture file, a named set (`photos`, `cracks:0-64`, `mnist:test`), or several of these.
        channels: 1 for luminance; 3 for color, where grey is repeated; None takes 3 if any picture is stored in color.
        callback: Called with (files done, files in total) after each.

    Returns:
        The pictures, and by name those that cannot be read.

    Raises:
        DataError: A source is nothing, a folder holds no picture, none can be read, or pairs do not match in name or
            size.
        OptionError: Another number of channels, or no source.

    Example:
        >>> import tempfile
        >>> from undula.data import write_image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("10", "2"):
        ...         write_image(Path(folder) / f"{name}.png", torch.full((3, 8, 9), 0.2))
        ...     found = find_pictures(folder)
        >>> [Path(name).name for name in found.names], found.clean[0].shape, found.noisy
        (['2.png', '10.png'], torch.Size([3, 8, 9]), None)
    """
    if channels not in (1, 3, None):
        raise OptionError(
            f"got channels={channels!r}, expected 1 for luminance, 3 for color or None: choose one of them"
        )
    sources = [source] if isinstance(source, str | Path) else list(source)
    if not sources:
        raise OptionError("got no source of pictures, expected a folder, a file or a named set: name one")
    readers = dict(found for one in sources for found in _found(str(one)))
    pairs = matched_pairs([Path(name) for name in readers])
    rows = [(name,) for name in readers] if pairs is None else [tuple(map(str, pair)) for pair in pairs]
    read, failed = _read(readers, callback)
    rows = [row for row in rows if all(name in read for name in row)]
    if not rows:
        name, why = next(iter(failed.items()))
        raise DataError(
            f"got no picture of {len(readers)} that can be read, expected at least one; of {quoted(name)}: {why}"
        )
    _check_sizes(rows, read)
    count = channels or (3 if any(len(picture) > 2 for picture in read.values()) else 1)
    columns = [[_with_channels(read[name], count) for name in column] for column in zip(*rows, strict=True)]
    return Pictures([row[0] for row in rows], columns[0], columns[1] if pairs else None, failed)


def _found(text: str) -> list[tuple[str, Callable[[], Tensor]]]:
    """Source and reader of every picture of an input."""
    found = _pictures(text)
    if is_named_set(text) or not Path(text).is_dir():
        return found
    beside = noisy_folder(Path(text), [Path(name) for name, _ in found])
    found += _pictures(str(beside)) if beside else []
    return sorted(found, key=lambda one: _natural(one[0]))


def _pictures(text: str) -> list[tuple[str, Callable[[], Tensor]]]:
    found = [(item.source, _reader(item)) for item in find_items([text]) if _is_picture(item)]
    if not found:
        raise DataError(
            f"got {quoted(text)} without a picture, expected files that end in one of {', '.join(PICTURE_SUFFIXES)}: "
            "folders inside are not searched, name them"
        )
    return found


def _is_picture(item: Item) -> bool:
    known = item.given is None and Path(item.source).suffix.lower() in PICTURE_SUFFIXES
    return item.picture or item.given == "images" or known


def _reader(item: Item) -> Callable[[], Tensor]:
    if item.given is None:
        return partial(_stored, item) if item.picture else partial(read_image, item.source)
    return lambda: torch.from_numpy(item.load())[None]


def _stored(item: Item) -> Tensor:
    return torch.from_numpy(item.load())


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that puts 2 before 10, and does not ask whether letters are large."""
    parts = re.split("([0-9]+)", text)
    return [(int(part) if place % 2 else 0, part.casefold()) for place, part in enumerate(parts)] + [(0, text)]


def _read(
    readers: dict[str, Callable[[], Tensor]], callback: Progress | None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    read, failed = {}, {}
    for done, (name, reader) in enumerate(readers.items(), start=1):
        try:
            read[name] = reader()
        except UndulaError as error:
            failed[name] = str(error)
        if callback is not None:
            callback(done, len(readers))
    return read, failed


def _check_sizes(rows: Sequence[tuple[str, ...]], read: dict[str, Tensor]) -> None:
    for row in rows:
        sizes = [tuple(read[name].shape[1:]) for name in row]
        if len(set(sizes)) > 1:
            (height, width), (other_height, other_width) = sizes
            raise DataError(
                f"got {quoted(row[0])} of {height} × {width} pixels and {quoted(row[1])} of {other_height} × {other_width}, "
                "expected pairs of one size: cut them alike"
            )


def _with_channels(picture: Float[Tensor, "_ h w"], count: int) -> Float[Tensor, "{count} h w"]:
    if count == 1:
        return luminance(picture)[None]
    colors = picture[:-1] * picture[-1:] if len(picture) in (2, 4) else picture
    return colors.expand(3, -1, -1).contiguous()
