"""What the user brings, checked and brought into one form: floats, masks, starts, supports."""

import math
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.recover.gradient import GradientDescent
from undula.jobs.recover.problem import Problem, as_bounds
from undula.jobs.recover.rules import ProjectionMethod
from undula.jobs.recover.shrinkwrap import ShrinkWrap
from undula.jobs.recover.supports import FixedMask, FloatingBox, Support

METHODS = (*get_args(ProjectionMethod), "gradient")


def read_magnitudes(magnitudes: Any, *, dims: int, intensities: bool) -> Float[Tensor, "*batch_and_space"]:
    """Floats of at least single precision, with at least one item of at least one pixel.

    Raises:
        OptionError: `dims` is not 1, 2 or 3.
        ShapeError: Too few axes, or nothing in the array.
        RangeError: Complex numbers, half precision, or integers that are no counts.
    """
    if dims not in (1, 2, 3):
        raise OptionError(f"got dims={dims}, expected 1, 2 or 3: how many of the last axes are space")
    values = magnitudes if isinstance(magnitudes, Tensor) else _from_array(magnitudes)
    if values.ndim < dims or values.numel() == 0:
        raise ShapeError(
            f"got magnitudes of shape {tuple(values.shape)}, expected (…, {', '.join('DHW'[-dims:])}) with at least one "
            "pixel: check dims and that the file is not empty"
        )
    if values.is_complex():
        raise RangeError("got complex numbers, expected magnitudes: take .abs() of the spectrum")
    if not values.is_floating_point():
        if not intensities:
            raise RangeError(
                f"got magnitudes of type {_name(values)}, expected floats: counts are intensities (intensities=True), "
                "pictures must be transformed first"
            )
        return values.to(torch.float32)
    if values.dtype not in (torch.float32, torch.float64):
        raise RangeError(
            f"got magnitudes of type {_name(values)}, expected float32 or float64: its rounding alone would exceed the "
            "tolerance; convert with .float()"
        )
    return values


def read_mask(mask: Any, *, like: Tensor, dims: int, name: str) -> Bool[Tensor, "m *space"]:
    """One mask, or one for every item, flattened to (1 or n, space).

    Raises:
        ShapeError: It fits neither an item nor the batch.
        RangeError: It is not boolean.
    """
    values = mask if isinstance(mask, Tensor) else _from_array(mask)
    if values.dtype != torch.bool:
        raise RangeError(
            f"got {name} of type {_name(values)}, expected a boolean mask: compare with a number, mask > 0"
        )
    space = tuple(like.shape[-dims:])
    if tuple(values.shape) not in (space, tuple(like.shape)):
        raise ShapeError(
            f"got {name} of shape {tuple(values.shape)}, expected {space} for all items or {tuple(like.shape)} for each: "
            "crop or pad it like the magnitudes"
        )
    return values.to(like.device).reshape(-1, *space)


def read_start(start: Any, *, like: Tensor, problem: Problem) -> Shaped[Tensor, "n *space"]:
    """Images to begin from, in the dtype of the solver.

    Raises:
        ShapeError: The shape is not that of the magnitudes.
        RangeError: Values that are not finite, or complex ones for a real object.
    """
    values = start if isinstance(start, Tensor) else _from_array(start)
    if tuple(values.shape) != tuple(like.shape):
        raise ShapeError(
            f"got a start of shape {tuple(values.shape)}, expected that of the magnitudes, {tuple(like.shape)}"
        )
    if values.is_complex() and problem.real:
        raise RangeError('got a complex start for a real object, expected real images: say field="complex"')
    if not torch.isfinite(values).all():
        raise RangeError("got NaN or infinite values in start, expected finite images: replace them first")
    kind = like.dtype if problem.real else torch.promote_types(like.dtype, torch.complex64)
    return values.detach().clone().to(device=like.device, dtype=kind).reshape(-1, *problem.shape)


def read_support(support: Any, problem: Problem, *, like: Tensor) -> Support:
    """The support that the user means; for bounded real objects without one, two hypotheses by turns.

    A start of even number looks for an object that fits a box of three quarters of the frame's sides and places it by
    itself, one of odd number does not; either way the magnitudes alone decide whether the answer is accepted.

    Raises:
        OptionError: An unknown word, or sides that do not fit the frame.
    """
    shape = problem.shape
    if support is None:
        if not problem.real or problem.bounds[0] is None or max(shape) < 4:
            return FixedMask(None)
        return FloatingBox((tuple(math.ceil(0.75 * side) for side in shape), shape), binding=False)
    if isinstance(support, str):
        if support != "shrinkwrap":
            raise OptionError(f'got support={support!r}, expected None, sides, a boolean mask or "shrinkwrap"')
        return ShrinkWrap()
    if isinstance(support, bool) or (np.ndim(support) == 0 and not np.issubdtype(type(support), np.integer)):
        raise OptionError(f'got support={support!r}, expected None, sides in pixels, a boolean mask or "shrinkwrap"')
    if np.ndim(support) == 0:
        return _box((int(support),) * len(shape), shape)
    if not isinstance(support, Tensor | np.ndarray):
        return _box(tuple(support), shape)
    mask = read_mask(support, like=like, dims=len(shape), name="support")
    if not mask.flatten(1).any(dim=1).all():
        raise RangeError("got a support without a single pixel, expected some True for every item: is it inverted?")
    return FixedMask(mask)


def check_options(
    method: Any,
    *,
    field: str,
    bounds: Sequence[float | None] | None,
    support: Any,
    starts: int | None,
    runs: int,
    tolerance: float,
    max_transforms: int | None,
) -> None:
    """Refuse options that are unknown or contradict each other.

    Raises:
        OptionError: With what to say instead.
    """
    if not isinstance(method, GradientDescent) and method not in METHODS:
        raise OptionError(f"got method={method!r}, expected one of {', '.join(METHODS)} or a GradientDescent")
    if field not in ("real", "complex"):
        raise OptionError(f'got field={field!r}, expected "real" or "complex"')
    free = field == "complex" or as_bounds(bounds) == (None, None)
    if free and support is None:
        raise OptionError(
            f"got field={field!r}, bounds={bounds!r} and no support, expected something that restricts the object, for any "
            'phases fit: give bounds, or a support (sides, a mask, "shrinkwrap")'
        )
    counts = {"starts": starts, "runs": runs, "max_transforms": max_transforms}
    for name, value in counts.items():
        if value is not None and value < 1:
            raise OptionError(f"got {name}={value}, expected at least 1")
    if not tolerance > 0:
        raise OptionError(f"got tolerance={tolerance}, expected a positive residual: 2e-4 is the default")


def _box(sides: tuple[Any, ...], shape: tuple[int, ...]) -> FloatingBox:
    whole = all(isinstance(side, int | np.integer) and not isinstance(side, bool) for side in sides)
    if (
        not whole
        or len(sides) != len(shape)
        or any(not 1 <= side <= most for side, most in zip(sides, shape, strict=True))
    ):
        raise OptionError(
            f"got a support box with sides {sides} in a frame of {shape}, expected one side per axis, 1 … the frame's side"
        )
    return FloatingBox((tuple(int(side) for side in sides),), binding=True)


def _from_array(values: Any) -> Tensor:
    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise RangeError(f"got an array of type {array.dtype}, expected numbers: convert it with .astype(float)")
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)  # torch computes little with wide unsigned integers
    return torch.from_numpy(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=True)))


def _name(values: Tensor) -> str:
    return str(values.dtype).removeprefix("torch.")
