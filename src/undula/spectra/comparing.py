"""What every comparison of two arrays stands on: one shape, and full precision whatever autocast says."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from undula.errors import ShapeError

P = ParamSpec("P")
R = TypeVar("R")


def in_full_precision(measure: Callable[P, R]) -> Callable[P, R]:
    """Let a function see halves as float32 and no autocast.

    Sums of squares over an image leave the range of halves or have too few digits in it, and there is no FFT of halves of
    most sizes.

    Args:
        measure: A function of tensors and options.

    Returns:
        The same function; float32 and float64 stay as they are.

    Example:
        >>> in_full_precision(torch.sum)(torch.full((300, 300), 1.0, dtype=torch.float16))
        tensor(90000.)
    """

    @wraps(measure)
    def widened(*args: P.args, **options: P.kwargs) -> R:
        return called_in_full_precision(measure, *args, **options)

    return widened


def called_in_full_precision(measure: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
    """Call a function as `in_full_precision` would: for those made within a compiled graph, which knows no decorators.

    Args:
        measure: A function of tensors and options.
        *args: Its arguments.
        **options: Its options.

    Returns:
        What it returns.
    """
    tensors = (value for value in (*args, *options.values()) if isinstance(value, Tensor))
    device = next((tensor.device.type for tensor in tensors), "cpu")
    with torch.autocast(device, enabled=False):
        return measure(*map(_wide, args), **{name: _wide(value) for name, value in options.items()})


def check_same_shape(first: Tensor, second: Tensor, *, names: tuple[str, str], expected: str) -> None:
    """Refuse two arrays that cannot be compared value by value: nothing is broadcast in silence.

    Args:
        first: One array.
        second: The other.
        names: What they are called in the error.
        expected: What the error says after "expected", with what to do.

    Raises:
        ShapeError: The shapes differ.
    """
    if first.shape != second.shape:
        raise ShapeError(
            f"got {names[0]} of shape {tuple(first.shape)} and {names[1]} of shape {tuple(second.shape)}, expected {expected}"
        )


def _wide(value: Any) -> Any:
    half = isinstance(value, Tensor) and value.is_floating_point() and value.dtype.itemsize < 4
    return value.float() if half else value
