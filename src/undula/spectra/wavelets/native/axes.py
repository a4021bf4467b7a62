"""An axis as the kernel reads it: two filters, margins, and where they lie in memory."""

import ctypes
from dataclasses import astuple, dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch

from undula.errors import ShapeError

_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}


@dataclass(frozen=True)
class Axis:
    """The two filters of a step along an axis, and what stands beyond the ends of that axis.

    Attributes:
        low: Weights of the low-pass filter, an even number.
        high: Weights of the high-pass filter, as many.
        left: Samples before the first one.
        right: Samples behind the last one.
        terms: What each of them is, the left ones first, in the order of their places: indices of samples and their
            weights; empty for zero.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    left: int
    right: int
    terms: tuple[tuple[tuple[int, float], ...], ...]

    def __post_init__(self) -> None:
        if len(self.low) != len(self.high) or len(self.low) % 2 or not self.low:
            raise ShapeError(
                f"got filters of {len(self.low)} and {len(self.high)} taps, expected one even number: add zeros"
            )
        if self.left < 0 or self.right < 0 or len(self.terms) != self.left + self.right:
            raise ShapeError(
                f"got {len(self.terms)} sums for margins of {self.left} and {self.right}, expected one each"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return Axis, astuple(self)  # copies and pickles leave the addresses of `prepared` behind

    @cached_property
    def longest(self) -> int:
        """The least number of samples that the sums can be made of: no index may lie outside the memory of the data."""
        indices = [index for sums in self.terms for index, _ in sums]
        if min(indices, default=0) < 0:
            raise ShapeError(f"got a sum of sample {min(indices)}, expected indices from 0 on")
        return max(indices, default=0) + 1

    @cached_property
    def prepared(self) -> dict[tuple[torch.dtype, bool], "Prepared"]:
        """What the kernel reads, by dtype and direction; kept here, because hashing all the numbers takes longer."""
        return {}


def address(axis: Axis, dtype: torch.dtype, *, up: bool) -> int:
    """Where the kernel finds the axis, for as long as this Axis lives.

    Args:
        axis: The axis.
        dtype: float32 or float64.
        up: Whether it is for a synthesis, which takes the weights in another order.

    Returns:
        The address of an `axis` of `kernel.c`.
    """
    prepared = axis.prepared.get((dtype, up))
    if prepared is None:
        prepared = axis.prepared[dtype, up] = _shared(axis, dtype, up)
    return prepared.address


class _Structure(ctypes.Structure):
    """`axis` in `kernel.c`."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("taps", "left", "right", "single")),
        *((name, ctypes.c_void_p) for name in ("first", "second", "starts", "index", "weight")),
    )


class Prepared:
    """An axis in the kernel's memory layout, and where it is."""

    def __init__(self, axis: Axis, dtype: torch.dtype, up: bool) -> None:
        flat = [term for sums in axis.terms for term in sums]
        starts = np.cumsum([0, *(len(sums) for sums in axis.terms)])
        self.arrays = [
            *(np.array(weights, _NUMPY[dtype]) for weights in (_phases(axis) if up else (axis.low, axis.high))),
            starts.astype(np.int64),
            np.array([index for index, _ in flat], np.int64),
            np.array([weight for _, weight in flat], _NUMPY[dtype]),
        ]
        single = all(len(sums) == 1 for sums in axis.terms)
        pointers = [array.ctypes.data for array in self.arrays]
        self.structure = _Structure(len(axis.low), axis.left, axis.right, single, *pointers)
        self.address = ctypes.addressof(self.structure)


def _phases(axis: Axis) -> tuple[list[float], list[float]]:
    """Weights of the even and of the odd samples of a synthesis, for low and high band by turns."""
    both = list(zip(axis.low, axis.high, strict=True))
    even, odd = both[-2::-2], both[-1::-2]
    return [weight for pair in even for weight in pair], [weight for pair in odd for weight in pair]


@lru_cache(maxsize=1024)
def _shared(axis: Axis, dtype: torch.dtype, up: bool) -> Prepared:
    """The same for axes of equal values."""
    return Prepared(axis, dtype, up)
