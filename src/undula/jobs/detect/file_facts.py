"""What a picture file is, apart from its picture: format, JPEG tables, size, bits."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image, JpegImagePlugin

# The luminance table of Annex K of the JPEG standard, in rows; a quality scales it.
_STANDARD = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87,
    80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92,
    95, 98, 112, 100, 103, 99,
)  # fmt: skip
_SUBSAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


@dataclass(frozen=True)
class FileFacts:
    """What a picture file is.

    Attributes:
        format: "JPEG", "PNG", …; "tensor" for what came from memory.
        width: Pixels of a row as stored.
        height: Pixels of a column as stored.
        mode: Channels and bits as Pillow names them ("RGB", "L", "CMYK", "I;16", …).
        jpeg_tables: Name of the quantization tables, equal where these are; "" for other formats.
        jpeg_quality: The quality (1 … 100) whose standard table is nearest; None for other formats.
        subsampling: "4:2:0" and the like; "" for other formats.
        progressive: Whether a JPEG is progressive.
        exif: Whether it holds EXIF.
        profile: Whether it holds a color profile.
        frames: Pictures in the file.
    """

    format: str
    width: int
    height: int
    mode: str
    jpeg_tables: str = ""
    jpeg_quality: int | None = None
    subsampling: str = ""
    progressive: bool = False
    exif: bool = False
    profile: bool = False
    frames: int = 1


def file_facts(image: Image.Image) -> FileFacts:
    """Read what a file is; no pixel is decoded.

    Args:
        image: An opened picture.

    Returns:
        The facts.
    """
    tables: dict[int, Any] = getattr(image, "quantization", None) or {}
    first = tuple(int(value) for value in tables[min(tables)]) if tables else ()
    jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
    return FileFacts(
        format=image.format or "",
        width=image.width,
        height=image.height,
        mode=image.mode,
        jpeg_tables=_named(tuple(tuple(tables[key]) for key in sorted(tables))) if tables else "",
        jpeg_quality=jpeg_quality(first) if len(first) == 64 else None,
        subsampling=_subsampling(image) if jpeg else "",
        progressive=bool(image.info.get("progressive") or image.info.get("progression")),
        exif=bool(image.info.get("exif")),
        profile=bool(image.info.get("icc_profile")),
        frames=int(getattr(image, "n_frames", 1)) if image.format in ("GIF", "PNG", "WEBP", "TIFF") else 1,
    )


@lru_cache(maxsize=1024)
def jpeg_quality(table: tuple[int, ...]) -> int:
    """The quality of libjpeg whose luminance table is nearest.

    Args:
        table: The 64 steps of a luminance table, in rows.

    Returns:
        1 … 100; exact where libjpeg wrote the file.

    Example:
        >>> jpeg_quality(_STANDARD)
        50
    """

    def distance(quality: int) -> int:
        return sum(abs(ours - theirs) for ours, theirs in zip(_table(quality), table, strict=True))

    return min(range(100, 0, -1), key=distance)


@lru_cache(maxsize=100)
def _table(quality: int) -> tuple[int, ...]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(255, max(1, (step * scale + 50) // 100)) for step in _STANDARD)


@lru_cache(maxsize=1024)
def _named(tables: tuple[tuple[int, ...], ...]) -> str:
    return hashlib.blake2b(repr(tables).encode(), digest_size=4).hexdigest()


def _subsampling(image: Any) -> str:
    kind = JpegImagePlugin.get_sampling(image)
    return _SUBSAMPLINGS.get(kind, "other" if image.mode != "L" else "grey")
