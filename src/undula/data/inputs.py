"""What a user typed as INPUT, found: files, folders, keys inside files, named sets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from undula.data.arrays import ARRAY_SUFFIXES, KEYED_SUFFIXES, read_array
from undula.data.cifake import SIDES, cifake_members
from undula.data.images import PICTURE_SUFFIXES, decode_image, is_picture, read_image
from undula.data.names import unique_names
from undula.data.refusal import one_line, quoted
from undula.data.sets import (
    MNIST_COUNTS,
    SET_NAMES,
    Progress,
    Split,
    bcdi,
    checked_range,
    is_named_set,
    mnist_images,
    picture_set,
)
from undula.data.signals import SIGNAL_SUFFIXES, read_signal
from undula.data.tars import Member
from undula.errors import DataError

_SUFFIXES = tuple(sorted({*PICTURE_SUFFIXES, *ARRAY_SUFFIXES}))
_WITH_SIGNALS = tuple(sorted({*_SUFFIXES, *SIGNAL_SUFFIXES}))


@dataclass(frozen=True)
class Item:
    """One thing to work on, read only when it is needed.

    Attributes:
        name: Stem for the files of its results: safe, and unique among the items found together.
        source: Where it comes from, as the user would type it.
        given: What a named set is known to hold; None for files.
        centered: True if zero frequency (the peak) is in the middle.
        picture: True if it comes from a picture file, of a named set too: floats in [0, 1] of shape (c, h, w).
        load: Reads it: pictures as float32 (c, h, w), arrays as stored, MNIST as float32 (28, 28).
    """

    name: str
    source: str
    given: Literal["images", "magnitudes", "intensities"] | None
    centered: bool
    picture: bool
    load: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class _Found:
    """A file (and a key in it), or an item of a named set, before it has its name."""

    path: Path
    key: str = ""
    item: Item | None = None


def find_items(inputs: Sequence[str], *, signals: bool = False, callback: Progress | None = None) -> list[Item]:
    """Find what the INPUTs of a command name, without reading it.

    Args:
        inputs: Each a file, a folder (its files of known suffixes, sorted, hidden ones and folders inside
            ignored), a key inside a file (`scan.npz:counts`), or a named set (`mnist:test`, `mnist:test:5`,
            `mnist:test:0-64`, `cifake:test`,
            `cifake:train:real:0-64`, `bcdi`, `photos`, `cracks:0-64`). A file or folder called like a named set is
            written `./photos`.
        signals: Whether files of signals (WAV, TSV) are known too; they load as (channels, time).
        callback: Called with (bytes done, bytes in total) while a named set is downloaded.

    Returns:
        The items in the order of the inputs. Their names do not depend on the machine or on sharding.

    Raises:
        DataError: When an input is nothing of all this, a folder holds no known file, or a named set is not
            to be had. A damaged file raises only when it is loaded.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "counts.npy", np.ones((2, 3)))
        ...     [(item.name, item.load().shape) for item in find_items([folder])]
        [('counts', (2, 3))]
    """
    suffixes = _WITH_SIGNALS if signals else _SUFFIXES
    found = [one for text in inputs for one in _found(text, suffixes, callback)]
    names = unique_names([(one.path, one.key) for one in found])
    return [_item(one, name) for one, name in zip(found, names, strict=True)]


def _found(text: str, suffixes: tuple[str, ...], callback: Progress | None) -> list[_Found]:
    if is_named_set(text):
        return _named(text, callback)
    try:
        path = Path(text)
        if text and path.is_dir():
            return _in_folder(path, suffixes)
        if text and path.exists():
            return [_Found(_known(path, suffixes))]
        keyed = _in_file(text)
    except (OSError, ValueError) as error:  # a name too long, a null character, a folder that may not be read
        if isinstance(error, DataError):
            raise
        raise DataError(f"got {quoted(text)}, which cannot be looked up ({one_line(error)}), {_EXPECTED}") from error
    if keyed is None:
        raise DataError(f"got {quoted(text)}, which is neither a file, a folder nor a named set, {_EXPECTED}")
    return [keyed]


_EXPECTED = (
    f"expected one that exists, or one of {', '.join(SET_NAMES)} (a part of it as mnist:test:0-64): check the name"
)


def _known(path: Path, suffixes: tuple[str, ...]) -> Path:
    if path.suffix.lower() not in suffixes:
        raise DataError(
            f"got {quoted(path)}, expected a name that ends in one of {', '.join(suffixes)}: convert it first"
        )
    return path


def _in_folder(folder: Path, suffixes: tuple[str, ...]) -> list[_Found]:
    # Links that point nowhere stay in, so that they fail by name when they are loaded.
    files = [
        _Found(path)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes
        and not path.name.startswith(".")
        and (path.is_file() or (path.is_symlink() and not path.exists()))
    ]
    if not files:
        raise DataError(
            f"got the folder {quoted(folder)} without a file that ends in one of {', '.join(suffixes)}, "
            "expected at least one: folders inside are not searched, name them"
        )
    return files


def _in_file(text: str) -> _Found | None:
    for place, letter in enumerate(text):
        path = Path(text[:place])
        if letter == ":" and path.is_file():
            key = text[place + 1 :]
            if path.suffix.lower() not in KEYED_SUFFIXES or not key:
                raise DataError(
                    f"got the key {key!r} in {quoted(path)}, expected a key of an NPZ or HDF5 file: leave it out"
                )
            return _Found(path, key)
    return None


def _item(found: _Found, name: str) -> Item:
    if found.item is not None:
        return replace(found.item, name=name)
    path, key = found.path, found.key
    source = f"{path}:{key}" if key else str(path)
    picture = not key and is_picture(path)
    load = partial(_picture, path) if picture else partial(read_array, path, key=key or None)
    if path.suffix.lower() in (".wav", ".tsv"):
        load = partial(_samples, path)
    return Item(name, source, None, False, picture, load)


def _picture(path: Path) -> NDArray[Any]:
    pixels: NDArray[Any] = read_image(path).numpy()
    return pixels


def _samples(path: Path) -> NDArray[Any]:
    samples: NDArray[Any] = read_signal(path).samples.numpy()
    return samples


def _named(text: str, callback: Progress | None) -> list[_Found]:
    name, _, part = text.partition(":")
    if name == "bcdi":
        return [_Found(Path("bcdi"), item=Item("bcdi", "bcdi", "intensities", True, False, bcdi))]
    if name == "cifake":
        return _cifake(text)
    if name != "mnist":
        files = picture_set(name)
        first, last = _range(text, name, part, len(files), expected=f"{name}, {name}:5 or {name}:0-64")
        return [_Found(path) for path in files[first:last]]
    split, first, last = _digits(text)
    mnist_images(split, callback=callback)  # here, so that a set which is not to be had ends the call at once
    return [
        _Found(
            Path(f"mnist-{split}-{index:05d}"),
            item=Item("", f"mnist:{split}:{index}", "images", False, False, partial(_digit, split, index)),
        )
        for index in range(first, last)
    ]


def _cifake(text: str) -> list[_Found]:
    return [
        _Found(Path(name.replace(":", "-")), item=Item("", name, None, False, True, partial(_member, member)))
        for name, member in find_cifake(text)
    ]


def find_cifake(text: str) -> list[tuple[str, Member]]:
    """The files that a part of CIFAKE names.

    Args:
        text: `cifake:train`, `cifake:test:5`, `cifake:test:real` or `cifake:train:generated:0-64`.

    Returns:
        The name of each picture as a user would type it, and its file.

    Raises:
        DataError: The text is none of these, or the set is not there.
    """
    _, split, *parts = [*text.split(":"), ""][:5]
    side = parts.pop(0) if parts and parts[0] in SIDES else None
    expected = "cifake:train, cifake:test:5, cifake:test:real or cifake:train:generated:0-64"
    if split not in ("train", "test") or any(parts[1:]):
        raise DataError(f"got {quoted(text)}, expected {expected}: correct it")
    members = cifake_members(split, side)  # type: ignore[arg-type]
    whole = f"cifake:{split}" + (f":{side}" if side else "")
    first, last = _range(text, whole, parts[0] if parts else "", len(members), expected=expected)
    return [(f"{whole}:{index:05d}", members[index]) for index in range(first, last)]


def _member(member: Member) -> NDArray[Any]:
    pixels: NDArray[Any] = decode_image(member.read(), member.name).numpy()
    return pixels


def _digits(text: str) -> tuple[Split, int, int]:
    split, _, part = text.partition(":")[2].partition(":")
    expected = "mnist:train, mnist:test, mnist:test:5 or mnist:test:0-64"
    if split not in MNIST_COUNTS:
        raise DataError(f"got {quoted(text)}, expected {expected}: correct it")
    first, last = _range(text, f"mnist:{split}", part, MNIST_COUNTS[split], expected=expected)
    return ("train" if split == "train" else "test"), first, last


def _range(text: str, name: str, part: str, count: int, *, expected: str) -> tuple[int, int]:
    """The half-open range of a set that `5` or `0-64` names; all of it where nothing is written."""
    numbers = part.split("-") if part else []
    if text.endswith(":") or len(numbers) > 2 or not all(one.isascii() and one.isdigit() for one in numbers):
        raise DataError(f"got {quoted(text)}, expected {expected}: correct it")
    first = int(numbers[0]) if numbers else 0
    stop = int(numbers[1]) if len(numbers) == 2 else first + 1 if numbers else count
    return checked_range(name, first, stop, count)


def _digit(split: Split, index: int) -> NDArray[Any]:
    images = mnist_images(split)
    checked_range(f"mnist:{split}", index, index + 1, len(images))
    digit: NDArray[Any] = images[index].astype(np.float32) / np.float32(255)
    return digit
