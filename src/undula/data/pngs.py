"""The chunks of a PNG: what its header promises, and the 16-bit colors that Pillow would cut to 8 bits."""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import png
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6

_CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BITS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}


@dataclass(frozen=True)
class PngHeader:
    """What the chunks of a PNG say about its pixels.

    Attributes:
        width: Pixels in a row.
        height: Rows.
        bits: Bits of one channel (of one index where the color is a palette).
        color: The color type of the PNG specification: 0, 2, 3, 4 or 6.
        interlaced: Whether the rows come in seven passes (Adam7).
        transparent: The grey value (1) or color (3) that is fully transparent, in the file's own integers.
    """

    width: int
    height: int
    bits: int
    color: int
    interlaced: bool
    transparent: tuple[int, ...] | None

    @property
    def channels(self) -> int:
        """Channels of a pixel as stored."""
        return _CHANNELS[self.color]


def png_header(content: bytes) -> PngHeader:
    """Walk all chunks of a PNG, check their sums, and return what they say about the pixels.

    Pillow reads past a wrong checksum of the pixels (PngSuite's `xcsn0g01`), so it is checked here.

    Args:
        content: The whole file.

    Returns:
        The header.

    Raises:
        ValueError: When the file is truncated or damaged, or a value has no meaning.
    """
    chunks = _chunks(content)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise ValueError("no valid IHDR chunk")
    kinds = dict(reversed(chunks))  # the first of a kind counts
    if b"IDAT" not in kinds or chunks[-1][0] != b"IEND":
        raise ValueError("it holds no pixels" if b"IDAT" not in kinds else "it ends before its last chunk")
    width, height, bits, color, _, _, interlaced = struct.unpack(">IIBBBBB", kinds[b"IHDR"])
    if bits not in _BITS.get(color, ()):
        raise ValueError(f"color type {color} with {bits} bits has no meaning")
    if not (0 < width < 2**31 and 0 < height < 2**31):
        raise ValueError(f"a size of {width} × {height} pixels has no meaning")
    transparent = _transparent(kinds[b"tRNS"], color, bits) if b"tRNS" in kinds and color in (GREY, RGB) else None
    return PngHeader(width, height, bits, color, bool(interlaced), transparent)


def check_png_size(content: bytes, header: PngHeader) -> None:
    """Check that a PNG holds the pixels that its header promises.

    Pillow leaves rows that are missing black in silence. pypng inflates whatever there is: a picture of
    32 × 32 pixels could ask for gigabytes.

    Args:
        content: The whole file.
        header: What `png_header` said of it.

    Raises:
        ValueError: When there are fewer pixels, or more in a picture that pypng is to read.
        zlib.error: When they are damaged.
    """
    body = b"".join(body for kind, body in _chunks(content) if kind == b"IDAT")
    size = _inflated_size(header)
    found = len(zlib.decompressobj().decompress(body, size + 1))
    if found < size:
        raise ValueError("it holds fewer pixels than its header says")
    if found > size and header.bits == 16:
        raise ValueError("it holds more pixels than its header says")


def png_deep_pixels(content: bytes, header: PngHeader) -> NDArray[np.uint16]:
    """Read the pixels of a 16-bit PNG through pypng, without loss.

    Args:
        content: The whole file.
        header: What `png_header` said of it; `bits` is 16.

    Returns:
        The pixels as stored, of shape (h, w, c).

    Raises:
        png.Error: When the file is damaged.
    """
    # read(), not asDirect(): the latter shifts the values where an sBIT chunk says that fewer bits matter.
    _, _, rows, _ = png.Reader(bytes=content).read()
    pixels = np.array(list(rows), dtype=np.uint16)
    return pixels.reshape(header.height, header.width, header.channels)


def write_deep_png(file: Any, pixels: NDArray[np.uint16]) -> None:
    """Write a 16-bit PNG.

    Args:
        file: An open binary file.
        pixels: Integers of shape (h, w, c) with 1 to 4 channels.
    """
    height, width, channels = pixels.shape
    writer = png.Writer(width, height, greyscale=channels < 3, alpha=channels in (2, 4), bitdepth=16)
    writer.write_packed(file, (row.tobytes() for row in pixels.astype(">u2")))


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    if not content.startswith(SIGNATURE):
        raise ValueError("no PNG signature")
    chunks: list[tuple[bytes, bytes]] = []
    place = len(SIGNATURE)
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + 8 + length]
        (stated,) = struct.unpack_from(">I", content, place + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != stated:
            raise ValueError(f"the checksum of a chunk {kind.decode('latin-1')} is wrong")
        chunks.append((kind, body))
        if kind == b"IEND":
            break
        place += 12 + length
    return chunks


def _transparent(body: bytes, color: int, bits: int) -> tuple[int, ...]:
    values = struct.unpack(">H" if color == GREY else ">HHH", body)
    return tuple(value & (2**bits - 1) for value in values)


def _inflated_size(header: PngHeader) -> int:
    """Bytes of all rows, each with the byte of its filter; interlaced ones are seven small pictures."""
    if not header.interlaced:
        return _rows_size(header, header.width, header.height)
    return sum(
        _rows_size(header, -((x - header.width) // dx), -((y - header.height) // dy))
        for x, y, dx, dy in _PASSES
        if x < header.width and y < header.height
    )


def _rows_size(header: PngHeader, width: int, height: int) -> int:
    return height * (1 + (width * header.channels * header.bits + 7) // 8)
