"""One source for PyTorch, NumPy and JAX: which framework an array belongs to, and the words in which they differ."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch

from undula.errors import RangeError

Array: TypeAlias = Any
"""A `torch.Tensor`, a `numpy.ndarray` or a `jax.Array`."""

_READER: ContextVar[Callable[[np.ndarray], Array] | None] = ContextVar("_READER", default=None)


def as_array(data: Any, *, name: str = "data") -> Array:
    """What the transforms calculate with: tensors and arrays as they are, anything else as NumPy reads it.

    Args:
        data: An array of any of the three frameworks, a number, or nested lists of numbers.
        name: What the argument is called in an error.

    Returns:
        The array; integers and booleans of NumPy and of lists become float64, as in PyWavelets.

    Raises:
        RangeError: A tensor or JAX array of integers, which would lose its framework's type in silence.
    """
    if isinstance(data, torch.Tensor):
        if not (data.is_floating_point() or data.is_complex()):
            raise RangeError(f"got {name} of type {data.dtype}, expected floats: convert with {name}.float()")
        return data
    if is_jax(data):
        if not np.issubdtype(np.dtype(data.dtype), np.inexact) and str(data.dtype) != "bfloat16":
            raise RangeError(f"got {name} of type {data.dtype}, expected floats: convert with {name}.astype(float)")
        return data
    array = np.asarray(data)
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    if array.dtype.kind not in "fc":
        raise RangeError(f"got {name} of type {array.dtype}, expected real or complex numbers")
    reader = _READER.get()
    return array if reader is None else reader(array)


@contextmanager
def read_with(reader: Callable[[np.ndarray], Array]) -> Iterator[None]:
    """Within this, lists and NumPy arrays become arrays of another framework.

    Args:
        reader: Makes such an array of a NumPy array.

    Yields:
        Nothing.
    """
    token = _READER.set(reader)
    try:
        yield
    finally:
        _READER.reset(token)


def is_jax(data: Any) -> bool:
    """Whether this is an array or a tracer of JAX, which is not imported to find out."""
    return type(data).__module__.partition(".")[0] in ("jax", "jaxlib")


def namespace(x: Array) -> Any:
    """The module that calculates with this array: `torch`, `numpy` or `jax.numpy`."""
    if isinstance(x, torch.Tensor):
        return torch
    return sys.modules["jax.numpy"] if is_jax(x) else np


def concat(parts: Sequence[Array], *, axis: int) -> Array:
    """The parts one after the other."""
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(list(parts), dim=axis)
    return namespace(first).concatenate(list(parts), axis=axis)


def stack(parts: Sequence[Array], *, axis: int) -> Array:
    """The parts along a new axis."""
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.stack(list(parts), dim=axis)
    return namespace(first).stack(list(parts), axis=axis)


def move_axis(x: Array, source: Any, target: Any) -> Array:
    """The array with axes elsewhere; a view where the framework has views."""
    return x.movedim(source, target) if isinstance(x, torch.Tensor) else namespace(x).moveaxis(x, source, target)


def take(x: Array, index: Sequence[int], *, axis: int) -> Array:
    """Samples of an axis, in the order of the index."""
    if isinstance(x, torch.Tensor):
        return x.index_select(axis, torch.tensor(index, dtype=torch.long, device=x.device))
    return namespace(x).take(x, np.asarray(index, dtype=np.int64), axis=axis)


def part(x: Array, axis: int, start: int | None, stop: int | None, step: int = 1) -> Array:
    """A slice of one (negative) axis."""
    return x[(..., slice(start, stop, step), *[slice(None)] * (-1 - axis))]


def zeros(like: Array, shape: Sequence[int]) -> Array:
    """Zeros of the type and on the device of another array."""
    if isinstance(like, torch.Tensor):
        return like.new_zeros(tuple(shape))
    return namespace(like).zeros(tuple(shape), dtype=like.dtype)


def constant(values: Any, *, like: Array) -> Array:
    """Numbers as an array of another one's framework, device and real type."""
    if isinstance(like, torch.Tensor):
        return torch.as_tensor(np.asarray(values), dtype=like.real.dtype if like.is_complex() else like.dtype).to(
            like.device
        )
    kind = np.dtype(like.dtype)
    real = np.zeros((), dtype=kind).real.dtype if kind.kind == "c" else like.dtype
    return namespace(like).asarray(np.asarray(values), dtype=real)


def is_complex(x: Array) -> bool:
    """Whether the array holds complex numbers."""
    return x.is_complex() if isinstance(x, torch.Tensor) else np.dtype(x.dtype).kind == "c"


Function = TypeVar("Function", bound=Callable[..., Any])


def constant_in_graphs(function: Function) -> Function:
    """Mark a function of plain values whose result is a constant of compiled graphs, calculated without being traced.

    This is `torch.compiler.assume_constant_result` without the import of PyTorch's compiler, which takes seconds.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
