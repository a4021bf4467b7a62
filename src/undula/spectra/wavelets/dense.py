"""A level as one small matrix per axis: for short axes on a CPU where no kernel could be built.

A matrix multiplies zeros too, so values that are not finite would spread over the whole axis: such arrays are left to the
portable way.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from undula.spectra.wavelets.banks import Bank
from undula.spectra.wavelets.modes import Mode
from undula.spectra.wavelets.step import analyze, plan_down, plan_up, synthesize

LONGEST = 16
"""Samples of the signal per tap up to which matrices are used: there, matrices and slices took about the same time in either
direction, from haar to sym8 (squares of 2^21 numbers in all, one thread)."""


def suits(x: Tensor, banks: Sequence[Bank], lengths: Sequence[int]) -> bool:
    """Whether axes are better multiplied by matrices, of signals of these lengths; what is mapped cannot be looked at."""
    short = all(n <= LONGEST * bank.length for bank, n in zip(banks, lengths, strict=True))
    return short and not torch._C._are_functorch_transforms_active() and bool(x.detach().sum().isfinite())


def down(x: Tensor, bank: Bank, mode: Mode, axis: int) -> tuple[Tensor, Tensor]:
    """Both bands along a negative axis."""
    both = _times(_analysis(bank, x.shape[axis], mode, x.dtype), x, axis)
    low, high = both.chunk(2, dim=axis)
    return low, high


def up(low: Tensor | None, high: Tensor | None, bank: Bank, mode: Mode, axis: int) -> Tensor:
    """The signal of two bands along a negative axis; None counts as zeros."""
    count = (high if low is None else low).shape[axis]  # type: ignore[union-attr]
    parts = []
    for band, place in ((low, 0), (high, 1)):
        if band is not None:
            parts.append(_times(_synthesis(bank, count, mode, band.dtype)[place], band, axis))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _times(matrix: Tensor, x: Tensor, axis: int) -> Tensor:
    """The matrix times the axis; never in the lower precision that autocast would choose."""
    with torch.autocast(x.device.type, enabled=False):
        if axis == -1:
            return x @ matrix.mT
        if axis == -2:
            return matrix @ x
        return (x.movedim(axis, -1) @ matrix.mT).movedim(-1, axis)


@lru_cache(maxsize=256)
def _analysis(bank: Bank, n: int, mode: Mode, dtype: torch.dtype) -> Tensor:
    """Matrix (2 count, n): low band above high band."""
    bands = analyze(np.eye(n), bank.dec_lo, bank.dec_hi, plan_down(n, bank.length, mode), -1)
    return torch.from_numpy(np.concatenate(bands, axis=-1).T.copy()).to(dtype)


@lru_cache(maxsize=256)
def _synthesis(bank: Bank, count: int, mode: Mode, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Matrices (length, count) of the low and of the high band."""
    how, start, length = plan_up(count, bank.length, mode)
    unit = np.eye(count)
    low = synthesize(unit, None, bank.rec_lo, bank.rec_hi, how, -1, start, length)
    high = synthesize(None, unit, bank.rec_lo, bank.rec_hi, how, -1, start, length)
    return torch.from_numpy(low.T.copy()).to(dtype), torch.from_numpy(high.T.copy()).to(dtype)
