"""What a caller gives: images of any number of channels, which pixels are missing, and how everything goes back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from undula.errors import DataError, OptionError, RangeError, ShapeError


@dataclass(frozen=True)
class Reading:
    """Images, plane by plane.

    Attributes:
        planes: (items, channels, space), float32 or float64; missing pixels hold what came in, NaN became 0.
        missing: True where a pixel is not to be trusted, of the same shape; None where that is to be found.
        gaps: How many values were NaN.
        shape: Shape in which the images came.
        dtype: Type in which they came.
        numpy: Whether they came as a NumPy array.
    """

    planes: Float[Tensor, "n c *space"]
    missing: Bool[Tensor, "n c *space"] | None
    gaps: int
    shape: tuple[int, ...]
    dtype: torch.dtype
    numpy: bool

    def back(self, values: Tensor) -> Any:
        """Values of the planes' shape in the shape and kind in which the images came, numbers also in their type.

        Args:
            values: (items, channels, space).
        """
        shaped = values.reshape(self.shape)
        shaped = shaped.to(self.dtype) if shaped.is_floating_point() else shaped
        return shaped.cpu().numpy() if self.numpy else shaped


def read(image: Any, missing: Any, *, dims: int) -> Reading:
    """Read images and what is missing of them.

    Args:
        image: Images (h, w), (c, h, w) or (…, c, h, w), or with `dims=3` (d, h, w), (c, d, h, w), …; floats in [0, 1]; NaN
            is missing.
        missing: Booleans of the images' shape, of its last axes, or without the channels, one for each image; None finds it
            later.
        dims: How many of the last axes are space, 2 or 3.

    Returns:
        The planes.

    Raises:
        ShapeError: Too few axes, empty, channels last, or `missing` of another size.
        RangeError: Integers, infinity, or values outside [0, 1] that are not missing.
        OptionError: `dims` is neither 2 nor 3, or `missing` is no array of booleans.
        DataError: Everything is missing.
    """
    if dims not in (2, 3):
        raise OptionError(f"got dims={dims}, expected 2 for images or 3 for volumes")
    tensor = _floats(image, dims=dims)
    wide = tensor if tensor.dtype == torch.float64 else tensor.float()
    space = tuple(wide.shape[-dims:])
    planes = wide.reshape(-1, wide.shape[-dims - 1], *space) if wide.ndim > dims else wide[None, None]
    gaps = planes.isnan()
    lost = _lost(missing, wide, dims=dims)
    if lost is not None:
        lost = lost.reshape(planes.shape).to(planes.device) | gaps
    elif bool(gaps.any()):
        lost = gaps
    if lost is not None and bool(lost.flatten(2).all(2).any()):
        raise DataError(
            "got an image of which every pixel is missing, expected some that are known: turn the mask around"
        )
    planes = planes.nan_to_num(0.0)
    _check_values(planes, lost)
    return Reading(planes, lost, int(gaps.sum()), tuple(tensor.shape), tensor.dtype, isinstance(image, np.ndarray))


def _floats(image: Any, *, dims: int) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(image)) if isinstance(image, np.ndarray) else image
    if not isinstance(tensor, Tensor):
        raise ShapeError(f"got an image of type {type(image).__name__}, expected a tensor or a NumPy array")
    if tensor.ndim < dims or tensor.numel() == 0:
        raise ShapeError(
            f"got an image of shape {tuple(tensor.shape)}, expected at least {dims} axes, (…, channels, space), not empty"
        )
    if dims == 2 and tensor.ndim == 3 and tensor.shape[-1] in (3, 4) and tensor.shape[0] not in (1, 3, 4):
        raise ShapeError(
            f"got an image of shape {tuple(tensor.shape)}, with channels last, expected them first: transpose(2, 0, 1) does it"
        )
    if not tensor.is_floating_point():
        raise RangeError(
            f"got an image of type {tensor.dtype}, expected floats in [0, 1]: divide by 255 (16 bits: by 65535)"
        )
    return tensor


def _lost(missing: Any, image: Tensor, *, dims: int) -> Tensor | None:
    if missing is None:
        return None
    given = torch.from_numpy(np.ascontiguousarray(missing)) if isinstance(missing, np.ndarray) else missing
    if not isinstance(given, Tensor) or given.dtype != torch.bool:
        kind = given.dtype if isinstance(given, Tensor) else type(given).__name__
        raise OptionError(
            f"got missing of type {kind}, expected booleans, True where a pixel is missing: missing > 0.5"
        )
    one_each = given.shape == image.shape[: -dims - 1] + image.shape[-dims:]
    if given.ndim > dims and one_each and given.shape != image.shape[-given.ndim :]:
        given = given.unsqueeze(-dims - 1)  # one mask per image, for all of its channels
    try:
        return given.expand(image.shape)
    except RuntimeError:
        raise ShapeError(
            f"got missing of shape {tuple(given.shape)} for images of shape {tuple(image.shape)}, expected the same, or that "
            f"of their last {dims} axes: do not resize a mask, make it anew"
        ) from None


def _check_values(planes: Tensor, lost: Tensor | None) -> None:
    known = planes if lost is None else torch.where(lost, 0, planes)
    low, high = float(known.min()), float(known.max())
    if not (low > -1 and high < 2):  # noise may leave [0, 1] by a little
        raise RangeError(f"got values {low:g}…{high:g}, expected [0, 1]: divide by 255 (16 bits: by 65535)")
