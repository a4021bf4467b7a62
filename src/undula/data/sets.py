"""Named sets of data: looked for in `UNDULA_DATA`, then in the user's cache, then downloaded."""

import gzip
import os
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from undula.data.arrays import read_array
from undula.data.download import download
from undula.data.refusal import quoted, reading
from undula.errors import DataError

SET_NAMES = ("mnist:train", "mnist:test", "cifake:train", "cifake:test", "bcdi", "photos", "cracks")
MNIST_COUNTS = {"train": 60_000, "test": 10_000}

Split = Literal["train", "test"]
Progress = Callable[[int, int], None]

_MNIST_FILES = {
    ("train", "images"): "train-images-idx3-ubyte.gz",
    ("train", "labels"): "train-labels-idx1-ubyte.gz",
    ("test", "images"): "t10k-images-idx3-ubyte.gz",
    ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
}
_BCDI_FILE = "aps34idc_scan54.npz"
# Set of pictures → the files of its folder, and where such files can be had.
_PICTURES = {
    "photos": (
        "*.png",
        "varied color photographs: the training part of CID22 (Cloudinary, CC BY-SA 4.0), or your own as PNG",
    ),
    "cracks": (
        "images/*.jpg",
        "the photographs of CrackForest (cuilimeng/CrackForest-dataset on GitHub, for non-commercial research)",
    ),
}
_MNIST_ADDRESS = "https://storage.googleapis.com/cvdf-datasets/mnist/"
# The sums of the canonical files. Files found in a folder are not held to them: the same digits in another
# order, or compressed anew, are as good.
_SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def mnist(
    split: Split, start: int = 0, stop: int | None = None, *, callback: Progress | None = None
) -> Float[Tensor, "n 28 28"]:
    """Return handwritten digits of MNIST.

    Args:
        split: The 60,000 digits of `train` or the 10,000 of `test`.
        start: First digit.
        stop: One behind the last digit; all that follow if not given.
        callback: Called with (bytes done, bytes in total) while the set is downloaded.

    Returns:
        float32 in [0, 1] of shape (n, 28, 28).

    Raises:
        DataError: When the set is not there and cannot be downloaded, is damaged, or has no such digits.

    Reference:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, 1998.
    """
    images = mnist_images(split, callback=callback)
    first, last = checked_range(f"mnist:{split}", start, stop, len(images))
    return torch.from_numpy(images[first:last].astype(np.float32) / np.float32(255))


def mnist_labels(
    split: Split, start: int = 0, stop: int | None = None, *, callback: Progress | None = None
) -> Int[Tensor, " n"]:
    """Return which digits those of `mnist` are.

    Args:
        split: `train` or `test`.
        start: First digit.
        stop: One behind the last digit; all that follow if not given.
        callback: Called with (bytes done, bytes in total) while the set is downloaded.

    Returns:
        int64 of shape (n,), values 0…9.

    Raises:
        DataError: When the set is not there and cannot be downloaded, is damaged, or has no such digits.
    """
    labels = _idx(find_data("mnist", _MNIST_FILES[split, "labels"], callback=callback), 1)
    first, last = checked_range(f"mnist:{split}", start, stop, len(labels))
    return torch.from_numpy(labels[first:last].astype(np.int64))


def mnist_images(split: Split, *, callback: Progress | None = None) -> NDArray[np.uint8]:
    """Return all digits of a split as stored, read-only; the file is decoded once.

    Args:
        split: `train` or `test`.
        callback: Called with (bytes done, bytes in total) while the set is downloaded.

    Returns:
        uint8 of shape (n, 28, 28).

    Raises:
        DataError: When the set is not there and cannot be downloaded, or is damaged.
    """
    path = find_data("mnist", _MNIST_FILES[split, "images"], callback=callback)
    images = _idx(path, 3)
    if images.shape[1:] != (28, 28):
        raise DataError(f"got {quoted(path)} of shape {images.shape}, expected digits of 28 × 28: fetch it again")
    return images


def bcdi() -> NDArray[np.uint32]:
    """Return measured counts of Bragg coherent X-ray diffraction, the peak near the middle.

    Returns:
        uint32 counts of shape (201, 256, 256), rocking curve on axis 0.

    Raises:
        DataError: When the file is not there (it is not downloaded) or damaged.

    Reference:
        Beam line 34-ID-C, Advanced Photon Source, scan 54 in AdvancedPhotonSource/cohere_examples.
    """
    path = find_data("bcdi", _BCDI_FILE)
    counts = read_array(path, key="counts")
    if counts.ndim != 3 or counts.dtype != np.uint32:
        raise DataError(
            f"got {quoted(path)} of shape {counts.shape} and type {counts.dtype}, expected a uint32 volume: "
            "fetch it again"
        )
    return counts


def picture_set(name: str) -> list[Path]:
    """Return the files of a named set of pictures.

    Args:
        name: `photos`, varied photographs, or `cracks`, road surface with cracks.

    Returns:
        Its pictures, sorted by name.

    Raises:
        DataError: When they are not there (they are not downloaded); says what to put where.
    """
    pattern, origin = _PICTURES[name]
    for folder in data_folders():
        files = sorted((folder / name).glob(pattern))
        if files:
            return files
    raise DataError(
        f"got no {name}/{pattern} in {listed(data_folders())}, expected {origin}: put them into "
        f"{(data_folders()[0] / name / pattern).parent}; a folder of your own that is called {name} is written ./{name}"
    )


def is_named_set(text: str) -> bool:
    """Tell whether an INPUT names a set, or a part of one, rather than a file.

    Args:
        text: As typed.

    Returns:
        True for `mnist:test:5`, `bcdi`, `photos:0-64`, … whether the set is there or not.

    Example:
        >>> is_named_set("cracks:5"), is_named_set("./cracks")
        (True, False)
    """
    return text in SET_NAMES or text.partition(":")[0] in ("mnist", "cifake", *_PICTURES)


def find_data(name: str, filename: str, *, callback: Progress | None = None) -> Path:
    """Return where a file of a named set is, after downloading it if need be.

    Args:
        name: The set, which is also the folder of its files.
        filename: The file.
        callback: Called with (bytes done, bytes in total) while it is downloaded.

    Returns:
        An existing file.

    Raises:
        DataError: When it is nowhere and cannot be downloaded; says where to put it.
    """
    for folder in data_folders():
        if (folder / name / filename).is_file():
            return folder / name / filename
    place = f"put it at {data_folders()[0] / name / filename}"
    if filename not in _SHA256:
        raise DataError(
            f"got no file {name}/{filename} in {listed(data_folders())}, expected the public scan 54 of "
            f"beam line 34-ID-C (AdvancedPhotonSource/cohere_examples) as counts in NPZ: {place}"
        )
    target = _cache_folder() / name / filename
    try:
        download(_MNIST_ADDRESS + filename, target, sha256=_SHA256[filename], callback=callback)
    except DataError as error:
        raise DataError(f"{error}; or {place}") from error
    return target


def data_folders() -> list[Path]:
    """Return the folders that are searched for named sets, in this order.

    Returns:
        The folder that the environment variable `UNDULA_DATA` names, if it is set, then the user's cache.
    """
    named = os.environ.get("UNDULA_DATA", "").strip()
    return ([Path(named).expanduser()] if named else []) + [_cache_folder()]


def checked_range(name: str, start: int, stop: int | None, count: int) -> tuple[int, int]:
    """Return a half-open range of a set after checking that it lies inside.

    Args:
        name: The set, for the error.
        start: First item.
        stop: One behind the last item, or None for the end.
        count: Items there are.

    Returns:
        The first item and one behind the last.

    Raises:
        DataError: When the range is empty or leaves the set.
    """
    last = count if stop is None else stop
    if not 0 <= start < last <= count:
        raise DataError(f"got the range {start}-{last} of {name}, expected one inside 0-{count}: write {name}:0-64")
    return start, last


def _cache_folder() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "undula"
    try:
        return Path.home() / ".cache" / "undula"
    except RuntimeError as error:
        raise DataError("got no home folder, expected one for the cache: set UNDULA_DATA or XDG_CACHE_HOME") from error


def listed(folders: list[Path]) -> str:
    """Folders as they read in an error.

    Args:
        folders: Some folders.
    """
    return " or ".join(str(folder) for folder in folders)


def _idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    with reading(path, "IDX data compressed with gzip"):
        return _decoded(path, dimensions, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _decoded(path: Path, dimensions: int, _changed: int) -> NDArray[np.uint8]:
    with gzip.open(path, "rb") as file:
        head = file.read(4 + 4 * dimensions)
        if len(head) != 4 + 4 * dimensions:
            raise ValueError("it ends inside its header")
        magic, *shape = struct.unpack(f">{1 + dimensions}I", head)
        if magic != 0x0800 + dimensions:
            raise ValueError(f"it begins with {magic:#010x} where {0x0800 + dimensions:#010x} belongs")
        size = int(np.prod(shape, dtype=object))
        if size > 1100 * path.stat().st_size:  # more than gzip can compress
            raise ValueError(f"it promises {size} bytes, more than it can hold")
        content = file.read(size + 1)
    if len(content) != size:
        raise ValueError(f"it holds {'more than ' * (len(content) > size)}{min(len(content), size)} of {size} bytes")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
