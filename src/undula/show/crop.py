"""Find the object in a volume: checked values, its center of mass, a box around it."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from undula.errors import RangeError, ShapeError

Volume = Tensor | NDArray[Any]
_OBJECT = 0.1  # of the greatest modulus: what counts as the object when a box is drawn around it


def to_volume(volume: Volume) -> NDArray[Any]:
    """Bring a volume to NumPy as float64 or complex128.

    Raises:
        ShapeError: If it has not three dimensions of at least 2.
        RangeError: If it has NaN or infinite values, or is zero everywhere.
    """
    if isinstance(volume, Tensor):  # NumPy knows no bfloat16
        wide = volume.detach().cpu().to(torch.complex128 if volume.is_complex() else torch.float64)
        volume = wide.resolve_conj().numpy()
    array: NDArray[Any] = np.asarray(volume)
    if array.ndim != 3 or min(array.shape) < 2:
        raise ShapeError(
            f"got shape {array.shape}, expected a volume (d, h, w) of at least 2 voxels each: pass one item"
        )
    array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    if not np.isfinite(array).all():
        raise RangeError("got a volume with NaN or infinite values, expected finite ones: set bad voxels to zero")
    if not array.any():
        raise RangeError("got a volume of zeros, expected an object in it: look at the run that made it")
    return array


def center_of_mass(modulus: NDArray[np.float64]) -> tuple[int, int, int]:
    """Voxel nearest to the center of mass of the squared modulus, which faint noise does not move."""
    weight = (modulus / modulus.max()) ** 2
    z, y, x = (
        round(float((weight.sum(axis=tuple({0, 1, 2} - {axis})) * np.arange(weight.shape[axis])).sum() / weight.sum()))
        for axis in range(3)
    )
    return z, y, x


def object_box(modulus: NDArray[np.float64], *, margin: float) -> tuple[slice, slice, slice]:
    """Box around all voxels above a tenth of the greatest, widened by a share of its longest side."""
    inside = modulus > _OBJECT * modulus.max()
    spans = [np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    extra = max(2, round(margin * max(int(span[-1] - span[0]) + 1 for span in spans)))
    z, y, x = (
        slice(max(0, int(span[0]) - extra), min(size, int(span[-1]) + 1 + extra))
        for span, size in zip(spans, modulus.shape, strict=True)
    )
    return z, y, x
