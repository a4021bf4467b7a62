"""Images as users hold them, made ready for a network, and given back in their shape and kind."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import RangeError, ShapeError

_MOST = 4.0  # noise of one unit leaves [0, 1] by hardly more than this


@dataclass(frozen=True)
class Given:
    """Images and how they came.

    Attributes:
        images: (batch, channels, height, width), float32 or float64.
        shape: Shape in which they came.
        dtype: Type in which they came.
        device: Where they were.
        numpy: Whether they came as a NumPy array.
    """

    images: Float[Tensor, "b c h w"]
    shape: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device
    numpy: bool

    def back(self, images: Tensor) -> Any:
        """Return images of the same number in the shape, type and kind in which these came.

        Args:
            images: (batch, channels, height, width).
        """
        shaped = images.reshape(self.shape).to(self.dtype)
        return shaped.cpu().numpy() if self.numpy else shaped


def read_images(images: Any, *, name: str = "images") -> Given:
    """Read images (h, w), (c, h, w) or (b, c, h, w), tensors or NumPy arrays.

    Args:
        images: The images.
        name: What they are called in an error.

    Returns:
        The images as a batch.

    Raises:
        ShapeError: Another number of axes, or channels last.
        RangeError: Integers, values that look like 0…255, NaN or infinity.
    """
    numpy = isinstance(images, np.ndarray)
    tensor = torch.from_numpy(np.ascontiguousarray(images)) if numpy else images
    if not isinstance(tensor, Tensor):
        raise ShapeError(f"got {name} of type {type(images).__name__}, expected a tensor or a NumPy array")
    if not 2 <= tensor.ndim <= 4 or tensor.numel() == 0:
        raise ShapeError(
            f"got {name} of shape {tuple(tensor.shape)}, expected (height, width), (channels, height, width) or (batch, "
            "channels, height, width), not empty"
        )
    if tensor.ndim == 3 and tensor.shape[0] not in (1, 3) and tensor.shape[-1] in (1, 3):
        raise ShapeError(
            f"got {name} of shape {tuple(tensor.shape)}, with channels last, expected them first: transpose(2, 0, 1) does it"
        )
    if not tensor.is_floating_point():
        raise RangeError(
            f"got {name} of type {tensor.dtype}, expected floats in [0, 1]: divide by 255 (16 bits: by 65535)"
        )
    if not bool(tensor.isfinite().all()):
        raise RangeError(f"got {name} with NaN or infinite values, expected numbers: fill them first")
    if float(tensor.abs().max()) > _MOST:
        low, high = float(tensor.min()), float(tensor.max())
        raise RangeError(f"got {name} with values {low:g}…{high:g}, expected [0, 1] and noise: divide by 255")
    wide = tensor if tensor.dtype == torch.float64 else tensor.float()
    batch = wide.reshape(-1, *wide.shape[-3:]) if wide.ndim > 2 else wide[None, None]
    return Given(batch, tuple(tensor.shape), tensor.dtype, tensor.device, numpy)


def read_sigma(sigma: Any, *, count: int) -> Float[Tensor, " n"]:
    """Read noise levels in image units, one for all or one per item.

    Args:
        sigma: A number, or as many as there are items.
        count: Number of items.

    Returns:
        One level per item.

    Raises:
        RangeError: A level is negative, not finite, or looks like grey levels of 255.
        ShapeError: Another number of levels than items.
    """
    levels = torch.as_tensor(sigma, dtype=torch.float32).detach().reshape(-1)
    if levels.numel() not in (1, count):
        raise ShapeError(f"got {levels.numel()} noise levels for {count} images, expected one, or one per image")
    if not bool(levels.isfinite().all()) or float(levels.min()) < 0:
        raise RangeError(f"got the noise level {sigma}, expected a standard deviation from 0 on, in image units")
    if float(levels.max()) > 1:
        raise RangeError(f"got the noise level {sigma}, expected image units, where 1 is white: divide by 255")
    return levels.expand(count)
