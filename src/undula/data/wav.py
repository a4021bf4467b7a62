"""The chunks of a WAV file, integers and floats alike.

Read here, not by the standard library's `wave`: that knows no floats, no WAVE_FORMAT_EXTENSIBLE before Python 3.12, and
returns the rest of a truncated file in silence.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from undula.data.refusal import quoted
from undula.errors import DataError

_INTEGERS, _FLOATS, _EXTENSIBLE = 1, 3, 0xFFFE
_WIDTHS = {_INTEGERS: (1, 2, 3, 4, 8), _FLOATS: (4, 8)}  # bytes of a sample
_OTHERS = {2: "ADPCM", 6: "A-law", 7: "µ-law", 17: "IMA ADPCM", 80: "MPEG", 85: "MP3"}


@dataclass(frozen=True)
class _Format:
    kind: int
    channels: int
    rate: int
    width: int
    order: str


def wav_samples(path: str | Path) -> tuple[NDArray[Any], float]:
    """Read the samples of a WAV file and their rate.

    Args:
        path: A RIFF (or big-endian RIFX) file of integers of 8, 16, 24, 32 or 64 bits, or floats of 32 or 64.

    Returns:
        Samples (channels, time), and how many there are in a second. Integers are divided by their largest negative
        value, into [-1, 1): float32 up to 24 bits, which holds them exactly, float64 beyond. Floats stay as they are.

    Raises:
        DataError: When the samples are compressed.
        ValueError: When the file is no WAV file, truncated or damaged, or holds no samples.
        OSError: When it cannot be read.
    """
    with Path(path).open("rb") as file:
        order = _byte_order(file.read(12))
        found = None
        for name, size in _chunks(file, order):
            if name == b"fmt ":
                found = _format(path, file.read(min(size, 40)), order)
            elif name == b"data":
                if found is None:
                    raise ValueError("its samples come before their format")
                return _scaled(_raw(file, size, found), found), float(found.rate)
    raise ValueError("it holds no samples")


def _byte_order(header: bytes) -> str:
    order = {b"RIFF": "<", b"RIFX": ">"}.get(header[:4], "")
    if not order or header[8:] != b"WAVE":
        raise ValueError("it does not begin as a WAV file")
    return order


def _chunks(file: BinaryIO, order: str) -> Iterator[tuple[bytes, int]]:
    """Name and size of every chunk, the file placed at its content."""
    while len(header := file.read(8)) == 8:
        name, size = struct.unpack(order + "4sI", header)
        start = file.tell()
        yield name, size
        file.seek(start + size + size % 2)  # chunks begin at even places


def _format(path: str | Path, content: bytes, order: str) -> _Format:
    kind, channels, rate, _, block, bits = struct.unpack(order + "HHIIHH", content[:16])
    if kind == _EXTENSIBLE:
        (kind,) = struct.unpack(order + "I", content[24:28])
    if kind not in _WIDTHS:
        named = _OTHERS.get(kind, f"format {kind}")
        raise DataError(f"got {named} samples in {quoted(path)}, expected integers or floats: convert it to 16-bit PCM")
    width = (bits + 7) // 8
    if not channels or not rate or block != channels * width or width not in _WIDTHS[kind]:
        raise ValueError(f"{channels} channels of {bits} bits in {block} bytes at {rate} Hz have no meaning")
    return _Format(kind, channels, rate, width, order)


def _raw(file: BinaryIO, size: int, found: _Format) -> NDArray[Any]:
    """Values as stored (time · channels,); 24 bits as the upper ones of 32."""
    start = file.tell()
    left = file.seek(0, 2) - start
    if left < size:
        raise ValueError(f"it ends after {left} of {size} bytes of samples")
    if size == 0 or size % (found.channels * found.width):
        raise ValueError("it holds no samples" if size == 0 else f"{size} bytes of samples end inside one")
    file.seek(start)
    content = file.read(size)
    if found.width == 3:
        bytes_of_four = np.zeros((size // 3, 4), np.uint8)
        place = slice(1, 4) if found.order == "<" else slice(0, 3)
        bytes_of_four[:, place] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        return bytes_of_four.reshape(-1).view(found.order + "i4")
    letter = "f" if found.kind == _FLOATS else "u" if found.width == 1 else "i"
    return np.frombuffer(content, f"{found.order}{letter}{found.width}")


def _scaled(raw: NDArray[Any], found: _Format) -> NDArray[Any]:
    if found.kind == _FLOATS:
        values = raw.astype(f"f{found.width}")
    else:
        values = raw.astype(np.float32 if found.width <= 3 else np.float64)
        values = (values - 128) / 128 if found.width == 1 else values / 2 ** (8 * raw.dtype.itemsize - 1)
    return np.ascontiguousarray(values.reshape(-1, found.channels).T)
