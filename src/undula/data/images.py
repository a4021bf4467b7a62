"""Pictures in and out: whatever the file, floats in [0, 1]; nothing is cut to fewer bits in silence."""

import io
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import ExifTags, Image
from torch import Tensor

from undula.data.atomic import atomic_write
from undula.data.pngs import (
    GREY,
    PALETTE,
    SIGNATURE,
    PngHeader,
    check_png_size,
    png_deep_pixels,
    png_header,
    write_deep_png,
)
from undula.data.refusal import quoted, reading
from undula.errors import DataError, OptionError, RangeError, ShapeError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_LUMINANCE = (0.299, 0.587, 0.114)
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "MPO")  # MPO: the JPEG of a camera with a preview behind it
_EXPECTED = "a PNG, JPEG, BMP, WebP or TIFF picture"
_CONVERTED = {
    "PA": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "La": "LA",
}
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags


def read_image(path: str | Path) -> Float[Tensor, "c h w"]:
    """Read a picture as floats in [0, 1].

    Integers are divided by the largest value of their bits (1, 3, 15, 255, 65535). Palettes become colors, a
    transparent color becomes an alpha channel, the EXIF orientation is applied, CMYK becomes RGB without a
    color profile. Gamma is left alone: values are what the file stores.

    Args:
        path: A PNG, JPEG, BMP, WebP or TIFF file.

    Returns:
        float32 of shape (c, h, w): 1 channel for grey, 2 for grey with alpha, 3 for RGB, 4 for RGBA.

    Raises:
        DataError: When the file is missing, truncated, damaged, suspiciously large, an animation, or holds
            numbers that are not 8 or 16 bits of a picture (read those with `read_array`).

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_image(Path(folder) / "grey.png", torch.full((2, 3), 0.2))
        ...     read_image(Path(folder) / "grey.png").shape
        torch.Size([1, 2, 3])
    """
    with reading(path, _EXPECTED):
        return decode_image(Path(path).read_bytes(), path)


def decode_image(content: bytes, source: str | Path) -> Float[Tensor, "c h w"]:
    """Read the bytes of a picture file as `read_image` reads the file.

    Args:
        content: All bytes of the file.
        source: Where they come from, for errors.

    Returns:
        What `read_image` returns.

    Raises:
        DataError: As `read_image`.
    """
    with reading(source, _EXPECTED), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what cannot be read raises; odd metadata is not worth a line
        header = png_header(content) if content.startswith(SIGNATURE) else None
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_single(source, image)
            pixels = _png_pixels(content, header, image) if header else _pixels(source, image)
            pixels = _oriented(pixels, _orientation(image))
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def write_image(path: str | Path, image: Tensor | NDArray[Any], *, bits: Literal[8, 16] = 8) -> None:
    """Write a picture as PNG, whole or not at all.

    Args:
        path: The file to write, ending in `.png`.
        image: Floats in [0, 1] of shape (h, w) or (c, h, w): 1 channel for grey, 2 for grey with alpha, 3 for
            RGB, 4 for RGBA.
        bits: Bits of a channel; values are rounded to the nearest of 256 or 65536 levels.

    Raises:
        RangeError: When a value is outside [0, 1], is NaN, or is no float; nothing is ever clipped in
            silence.
        ShapeError: When the shape is not that of a picture.
        OptionError: When `bits` is neither 8 nor 16.
        DataError: When the file cannot be written or its name does not end in `.png`.

    Example:
        >>> write_image("picture.png", torch.full((2, 3), 1.5))
        Traceback (most recent call last):
        ...
        undula.errors.RangeError: got values 1.5…1.5, expected floats in [0, 1]: scale or clamp them first
    """
    if bits not in (8, 16):
        raise OptionError(f"got bits={bits!r}, expected 8 or 16: choose one of them")
    if Path(path).suffix.lower() != ".png":
        raise DataError(f"got {quoted(path)}, expected a name that ends in .png: pictures are written as PNG")
    values = _checked(image)
    top = 2**bits - 1
    pixels = np.ascontiguousarray(np.rint(values * top).transpose(1, 2, 0))
    with atomic_write(path) as file:
        if bits == 16:
            write_deep_png(file, pixels.astype(np.uint16))
        else:
            flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
            Image.fromarray(flat.astype(np.uint8)).save(file, format="PNG")


def luminance(picture: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    """Turn a picture into gray, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601); transparency is laid over black.

    Args:
        picture: 1 channel for grey, 2 for grey with alpha, 3 for RGB, 4 for RGBA.

    Returns:
        Gray values (h, w).

    Example:
        >>> luminance(torch.tensor([0.0, 1.0, 0.0, 0.5]).reshape(4, 1, 1))
        tensor([[0.2935]])
    """
    colors = picture[:-1] * picture[-1:] if len(picture) in (2, 4) else picture
    if len(colors) == 1:
        return colors[0]
    return (colors * torch.tensor(_LUMINANCE).to(colors).reshape(3, 1, 1)).sum(dim=0)


def image_bits(path: str | Path) -> int:
    """Return how many bits one channel of a stored picture has.

    Args:
        path: A picture file.

    Returns:
        1, 2, 4, 8, 16, … as stored; 8 for palettes, whose colors have 8 bits.

    Raises:
        DataError: When the file is missing or no picture.
    """
    with reading(path, _EXPECTED), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = Path(path).read_bytes()
        if content.startswith(SIGNATURE):
            header = png_header(content)
            return 8 if header.color == PALETTE else header.bits
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            return _tiff_bits(image) or {"1": 1, "I": 32, "F": 32}.get(image.mode, 8)


def is_picture(path: str | Path) -> bool:
    """Tell whether a file is a picture rather than an array of numbers.

    A TIFF is a picture if it has one page of at most 8 bits per channel; deeper ones and stacks are
    measurements.

    Args:
        path: The file; a TIFF that cannot be opened counts as no picture.

    Returns:
        True for pictures.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".tif", ".tiff"):
        return suffix in PICTURE_SUFFIXES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("TIFF",)) as image:
                return getattr(image, "n_frames", 1) == 1 and 0 < _tiff_bits(image) <= 8
    except Exception:  # a broken file is for its reader to name
        return False


def _check_single(path: str | Path, image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise DataError(
            f"got {quoted(path)} with {frames} pictures in it, expected one: save them one by one, "
            "or read a TIFF stack as an array"
        )


def _png_pixels(content: bytes, header: PngHeader, image: Image.Image) -> NDArray[np.float32]:
    check_png_size(content, header)
    if header.color == PALETTE:
        return _scaled(image.convert("RGBA" if "transparency" in image.info else "RGB"), 255)
    if header.bits == 16 and header.color != GREY:
        raw: NDArray[Any] = png_deep_pixels(content, header)
    else:
        raw = _stored(image)
    top = 65535 if header.bits == 16 else 1 if image.mode == "1" else 255  # Pillow stretches 2 and 4 bits to 8
    pixels = raw.astype(np.float32) / np.float32(top)
    if header.transparent is None:
        return pixels
    key = np.array(header.transparent) * (top // (2**header.bits - 1))
    alpha = (raw.astype(np.int64) != key).any(axis=2, keepdims=True)
    return np.concatenate([pixels, alpha.astype(np.float32)], axis=2)


def _pixels(path: str | Path, image: Image.Image) -> NDArray[np.float32]:
    _check_depth(path, image)
    if image.mode == "P":
        return _scaled(image.convert("RGBA" if "transparency" in image.info else "RGB"), 255)
    if image.mode in _CONVERTED:
        return _scaled(image.convert(_CONVERTED[image.mode]), 255)
    top = {"1": 1, "L": 255, "LA": 255, "RGB": 255, "RGBA": 255, "I;16": 65535, "I;16B": 65535}.get(image.mode)
    if top is None:
        raise DataError(
            f"got {quoted(path)} with pixels of Pillow's mode {image.mode}, expected grey or color of 8 or "
            "16 bits: save it as PNG, or read it as an array"
        )
    return _scaled(image, top)


def _check_depth(path: str | Path, image: Image.Image) -> None:
    # Pillow cuts 16-bit color TIFFs to 8 bits too, leaves 12 bits unscaled, and does not invert deep
    # white-is-zero.
    bits = _tiff_bits(image)
    tags: Any = getattr(image, "tag_v2", {})
    deep_grey = bits == 16 and image.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == 1
    if bits > 8 and not (deep_grey and set(tags.get(_SAMPLE_FORMAT, (1,))) == {1}):
        raise DataError(
            f"got {quoted(path)}, a TIFF of {bits} bits that is not plain grey of 16 bits, expected 8 bits, "
            "or grey of 16 bits: save it as PNG, or read it as an array"
        )


def _tiff_bits(image: Image.Image) -> int:
    if image.format != "TIFF":
        return 0
    tags: Any = getattr(image, "tag_v2", {})
    return int(max(tags.get(_BITS_PER_SAMPLE, (1,))))


def _scaled(image: Image.Image, top: int) -> NDArray[np.float32]:
    return _stored(image).astype(np.float32) / np.float32(top)


def _stored(image: Image.Image) -> NDArray[Any]:
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _orientation(image: Image.Image) -> int:
    # After the pixels: a PNG may hold its EXIF behind them, and Pillow turns TIFFs itself while it loads
    # them.
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF says nothing about the pixels
        return 1


def _oriented(pixels: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _checked(image: Tensor | NDArray[Any]) -> NDArray[np.float64]:
    floats = image.is_floating_point() if isinstance(image, Tensor) else image.dtype.kind == "f"
    if not floats:
        raise RangeError(
            f"got values of type {image.dtype}, expected floats in [0, 1]: convert them, and divide "
            "integers by their largest level"
        )
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[0] > 4):
        raise ShapeError(
            f"got shape {tuple(image.shape)}, expected (h, w) or (c, h, w) with 1 to 4 channels and at "
            "least one pixel: give one picture at a time"
        )
    values: NDArray[np.float64]
    values = image.detach().cpu().double().numpy() if isinstance(image, Tensor) else image.astype(np.float64)
    if np.isnan(values).any():
        raise RangeError("got NaN, expected floats in [0, 1]: replace the NaN first")
    if values.min() < 0 or values.max() > 1:
        raise RangeError(
            f"got values {values.min():.4g}…{values.max():.4g}, expected floats in [0, 1]: scale or clamp them first"
        )
    return values[None] if values.ndim == 2 else values
