"""Masks in files: which pixels a user says are missing."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from torch import Tensor

from undula.data import luminance, read_array, read_image
from undula.data.images import PICTURE_SUFFIXES, is_picture
from undula.errors import DataError, ShapeError

_GREY = 16 / 255  # so far from black and white is neither; JPEG leaves such traces around its edges
_MOST = 0.25  # share of grey pixels above which a picture is no mask; lettering 12 pixels high, line by line, has 0.20
_SUFFIXES = (*PICTURE_SUFFIXES, ".npy")


def mask_file(place: Path, name: str) -> Path:
    """The mask of a picture: the file itself, or in a folder of masks the one of the picture's name.

    Args:
        place: What `--missing` names.
        name: Stem of the picture's file.

    Raises:
        DataError: It is not there.
    """
    if not place.is_dir():
        if not place.is_file():
            raise DataError(f"got --missing {str(place)!r}, which is no file, expected a mask: check the name")
        return place
    for suffix in _SUFFIXES:
        if (place / f"{name}{suffix}").is_file():
            return place / f"{name}{suffix}"
    raise DataError(
        f"got no mask of {name!r} in the folder {str(place)!r}, expected {name}.png: name masks as their pictures"
    )


def read_mask(path: Path) -> tuple[Bool[Tensor, "h w"], str]:
    """Read a mask: a picture where white is missing, or an array of booleans, of 0 and 1, or of levels.

    Grey counts as missing from half white on where it is a quarter of the pixels or less, as at soft edges; a mask that is
    greyer is taken for a picture and refused.

    Args:
        path: The file.

    Returns:
        True where a pixel is missing, and a remark on its greys, empty where there are none.

    Raises:
        DataError: It cannot be read, or is no mask.
        ShapeError: It has other axes than a picture.
    """
    values = luminance(read_image(path)).numpy() if is_picture(path) else _levels(read_array(path), path)
    grey = float(((values > _GREY) & (values < 1 - _GREY)).mean())
    if grey > _MOST:
        raise DataError(
            f"got {str(path)!r} for a mask, {grey:.0%} of which is neither black nor white, expected white where pixels are "
            "missing and black elsewhere: draw it in two colors"
        )
    remark = f"{grey:.1%} of the mask is grey, and missing where it is half white or more" if grey else ""
    return torch.from_numpy(values >= 0.5), remark


def fitted(mask: Bool[Tensor, "h w"], height: int, width: int, path: Path) -> Bool[Tensor, "h w"]:
    """Refuse a mask of another size than its picture.

    Args:
        mask: The mask.
        height: Height of the picture.
        width: Width of the picture.
        path: The mask's file.

    Raises:
        ShapeError: They differ.
    """
    if mask.shape != (height, width):
        turned = " (its sides are swapped: rotate it)" if mask.shape == (width, height) else ""
        raise ShapeError(
            f"got the mask {str(path)!r} of {mask.shape[1]} × {mask.shape[0]} pixels for a picture of {width} × {height}, "
            f"expected the same size: make it anew, resized masks miss the pixels{turned}"
        )
    return mask


def _levels(array: NDArray[Any], path: Path) -> NDArray[np.float64]:
    if array.ndim != 2 or array.dtype.kind not in "buif":
        raise ShapeError(
            f"got the mask {str(path)!r} of shape {array.shape} and type {array.dtype}, expected (height, width) of booleans"
        )
    values = array.astype(np.float64)
    top = np.iinfo(array.dtype).max if array.dtype.kind in "ui" and values.max(initial=0) > 1 else 1
    return values / top
