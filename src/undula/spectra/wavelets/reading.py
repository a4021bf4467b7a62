"""What callers give beside their data, checked: axes, levels, and bands that belong together."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import torch

from undula.errors import RangeError, ShapeError
from undula.spectra.arrays import Array, as_array
from undula.spectra.wavelets.banks import Bank


def read_axes(x: Array, axes: Any, *, count: int | None = None) -> tuple[int, ...]:
    """Axes as negative numbers.

    Args:
        x: The array.
        axes: An axis, several axes, or None for all of them.
        count: How many there must be, or None.

    Raises:
        ShapeError: An axis that the array does not have, one named twice, another number of axes, or an empty axis.
    """
    named = range(-x.ndim, 0) if axes is None else [axes] if isinstance(axes, int) else axes
    negative = tuple(int(axis) - x.ndim if axis >= 0 else int(axis) for axis in named)
    shape = tuple(x.shape)
    for axis in negative:
        if not -x.ndim <= axis < 0:
            raise ShapeError(
                f"got axes {axes} for an array of shape {shape}, expected axes from {-x.ndim} to {x.ndim - 1}"
            )
        if shape[axis] == 0:
            raise ShapeError(f"got an array of shape {shape}, expected at least one sample along axis {axis}")
    if len(set(negative)) < len(negative):
        raise ShapeError(
            f"got axes {tuple(named)}, expected every axis once: call again for a second transform of an axis"
        )
    if count is not None and len(negative) != count:
        raise ShapeError(f"got {len(negative)} axes for an array of shape {shape}, expected {count}")
    return negative


def max_level(length: int, taps: int) -> int:
    """Greatest level at which some coefficient is free of the ends, ⌊log₂(n / (F - 1))⌋, as in PyWavelets."""
    if taps < 2 or length < taps - 1:
        return 0
    return max(0, (length // (taps - 1)).bit_length() - 1)


def read_level(level: Any, lengths: Sequence[int], banks: Sequence[Bank]) -> int:
    """The number of levels, None standing for as many as make sense along every axis.

    Raises:
        RangeError: A negative level, or one that is no integer.

    Warns:
        UserWarning: More levels than make sense, as PyWavelets warns; compiled graphs cannot.
    """
    most = min([max_level(n, bank.length) for n, bank in zip(lengths, banks, strict=True)])
    if level is None:
        return most
    if isinstance(level, bool) or int(level) != level or level < 0:
        raise RangeError(f"got level={level}, expected 0, 1, 2, … or None for the greatest that makes sense")
    if level > most and not torch.compiler.is_compiling():
        names = ", ".join(dict.fromkeys(bank.name for bank in banks))
        warnings.warn(
            f"Level value of {level} is too high: all coefficients will experience boundary effects (lengths"
            f" {tuple(lengths)} and {names} allow {most}).",
            UserWarning,
            stacklevel=3,
        )
    return int(level)


def read_bands(bands: Mapping[str, Any], *, axes: int) -> dict[str, Array]:
    """The bands that are there, by keys of "a" and "d", one letter per axis.

    Raises:
        ShapeError: Keys of the wrong letters or lengths, no band at all, or bands of different shapes.
    """
    wanted = {"".join(letters) for letters in product("ad", repeat=axes)}
    wrong = [key for key in bands if key not in wanted]
    if wrong:
        raise ShapeError(f"got bands named {wrong}, expected {axes} letters of a and d each, one per axis")
    there = {key: as_array(value, name=f"band {key}") for key, value in bands.items() if value is not None}
    if not there:
        raise ShapeError("got no coefficients, expected at least one band that is not None")
    shapes = {key: tuple(value.shape) for key, value in there.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        raise ShapeError(f"got bands of different shapes ({told}), expected one shape: were they made by another mode?")
    return there


def trimmed(approximation: Array, shape: Sequence[int], axes: Sequence[int], *, level: str) -> Array:
    """An approximation without the sample that an odd length grew by on the way down.

    Args:
        approximation: What the coarser levels made.
        shape: Shape of the details of the next level.
        axes: Axes of the transform, negative.
        level: Which level, for the error.

    Raises:
        ShapeError: Shapes that differ by more than one sample along an axis of the transform.
    """
    index: list[slice] = [slice(None)] * approximation.ndim
    if approximation.ndim != len(shape):
        raise _mismatch(approximation.shape, shape, level)
    for axis in range(-approximation.ndim, 0):
        excess = approximation.shape[axis] - shape[axis]
        if excess and not (excess == 1 and axis in axes):
            raise _mismatch(approximation.shape, shape, level)
        if excess:
            index[axis] = slice(None, -1)
    return approximation[tuple(index)] if any(each.stop for each in index) else approximation


def _mismatch(got: Sequence[int], shape: Sequence[int], level: str) -> ShapeError:
    return ShapeError(
        f"coefficient shape mismatch at {level}: got an approximation of shape {tuple(got)} and details of shape"
        f" {tuple(shape)}, expected equal shapes, or one sample more: were they made by another wavelet or mode?"
    )
