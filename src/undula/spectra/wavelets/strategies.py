"""The seam: one level of a transform, by the fastest way that gives the same numbers for this array.

- "native": the compiled kernel, for tensors and NumPy arrays on a CPU (`linear`).
- "dense": one small matrix per axis, where no kernel could be built and the axes are short (`dense`).
- "portable": slices and sums, for everything else: JAX, learnable filters, compiled graphs, other devices (`step`). It is
  the reference that the other two are tested against.

Mode "boundary" has edges of its own (`edges`), on all of them.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Literal

import numpy as np
import torch

from undula.spectra.arrays import Array, move_axis, namespace
from undula.spectra.wavelets import dense, linear, native
from undula.spectra.wavelets.banks import Bank
from undula.spectra.wavelets.edges import boundary_down, boundary_up
from undula.spectra.wavelets.modes import Mode
from undula.spectra.wavelets.step import analyze, plan_down, plan_up, synthesize

Bands = tuple[Array | None, Array | None, Array | None, Array | None]
"""Low-low, low-high, high-low and high-high of two axes, the first letter for the first axis; None counts as zeros."""

Strategy = Literal["native", "dense", "portable"]
_WORKING_TYPE = {
    torch.float32: torch.float32,
    torch.float64: torch.float64,
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.complex64: torch.float32,
    torch.complex128: torch.float64,
}
_NUMPY = tuple(np.dtype(name) for name in ("f2", "f4", "f8", "c8", "c16"))


def strategy(x: Array, banks: Sequence[Bank], axes: Sequence[int], *, bands: bool = False) -> Strategy:
    """How a level of this array is calculated.

    Args:
        x: Array of any framework.
        banks: One bank per axis.
        axes: Negative axes.
        bands: Whether the array is a band, half as long as its signal.
    """
    if not all(bank.known for bank in banks) or not _on_cpu(x):
        return "portable"
    if native.available():
        return "native"
    if not isinstance(x, torch.Tensor) or x.dtype not in (torch.float32, torch.float64):
        return "portable"
    lengths = [x.shape[axis] * (1 + bands) for axis in axes]
    return "dense" if dense.suits(x, banks, lengths) else "portable"


def analyze_axis(x: Array, bank: Bank, mode: Mode, axis: int) -> tuple[Array, Array]:
    """Low and high band of one axis.

    Args:
        x: Array of any framework, not empty along the axis.
        bank: Its filters; the synthesis filters are not used.
        mode: Boundary mode.
        axis: A negative axis.
    """
    if mode == "boundary":
        return boundary_down(x, bank, axis)
    way = strategy(x, (bank,), (axis,))
    if way == "native":
        step = linear.analysis_step(bank, x.shape[axis], mode)
        low, high = _through(lambda one: linear.down(one, step, axis), x)
        return low, high
    if way == "dense":
        return dense.down(x, bank, mode, axis)
    wide, back = _widened(x)
    low, high = analyze(wide, bank.dec_lo, bank.dec_hi, plan_down(x.shape[axis], bank.length, mode), axis)
    return back(low), back(high)


def synthesize_axis(
    low: Array | None, high: Array | None, bank: Bank, mode: Mode, axis: int, *, keep: int | None = None
) -> Array:
    """The signal of two bands along one axis.

    Args:
        low: Low band, or None for zeros.
        high: High band of the same shape, or None.
        bank: Its filters; the analysis filters are not used.
        mode: Boundary mode.
        axis: A negative axis.
        keep: Samples that will be kept, if that is one less than there are: what is not made need not be cut off by a
            copy. Not all ways obey.
    """
    if mode == "boundary":
        return boundary_up(low, high, bank, axis)
    low, high = _alike(low, high)
    one = high if low is None else low
    way = strategy(one, (bank,), (axis,), bands=True)
    if way == "native":
        step = linear.synthesis_step(bank, one.shape[axis], mode, keep)
        return _through(lambda one, other: linear.up(one, other, step, axis), low, high)[0]
    if way == "dense":
        return dense.up(low, high, bank, mode, axis)
    how, start, length = plan_up(one.shape[axis], bank.length, mode)
    back = _widened(one)[1]
    low, high = (None if band is None else _widened(band)[0] for band in (low, high))
    return back(synthesize(low, high, bank.rec_lo, bank.rec_hi, how, axis, start, length))


def analyze_plane(
    x: Array, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]
) -> tuple[Array, Array, Array, Array]:
    """The four bands of two axes.

    Args:
        x: Array of any framework.
        banks: One bank per axis.
        modes: One mode per axis.
        axes: Two negative axes.
    """
    if "boundary" in modes or strategy(x, banks, axes) != "native":
        low, high = analyze_axis(x, banks[1], modes[1], axes[1])
        ll, hl = analyze_axis(low, banks[0], modes[0], axes[0])
        lh, hh = analyze_axis(high, banks[0], modes[0], axes[0])
        return ll, lh, hl, hh
    rows, columns = (
        linear.analysis_step(bank, x.shape[axis], mode) for bank, mode, axis in zip(banks, modes, axes, strict=True)
    )
    four = _through(lambda one: linear.down2(one, (rows, columns)), _last(x, axes))
    ll, lh, hl, hh = (_back(band, axes) for band in four)
    return ll, lh, hl, hh


def synthesize_plane(bands: Bands, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]) -> Array:
    """The array of four bands of two axes, of which three may be missing.

    Args:
        bands: The bands.
        banks: One bank per axis.
        modes: One mode per axis.
        axes: Two negative axes.
    """
    four = _alike(*bands)
    one = next(band for band in four if band is not None)
    if "boundary" in modes or strategy(one, banks, axes, bands=True) != "native":
        ll, lh, hl, hh = four
        low = None if ll is None and hl is None else synthesize_axis(ll, hl, banks[0], modes[0], axes[0])
        high = None if lh is None and hh is None else synthesize_axis(lh, hh, banks[0], modes[0], axes[0])
        return synthesize_axis(low, high, banks[1], modes[1], axes[1])
    rows, columns = (
        linear.synthesis_step(bank, one.shape[axis], mode) for bank, mode, axis in zip(banks, modes, axes, strict=True)
    )
    moved = [None if band is None else _last(band, axes) for band in four]
    return _back(_through(lambda *given: linear.up2(given, (rows, columns)), *moved)[0], axes)


def packets_plane(
    x: Array, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int], order: Sequence[int]
) -> Array | None:
    """All packets of the last two axes in one go, or None where the kernel does not serve.

    Args:
        x: Array of any framework.
        banks: One bank per axis.
        modes: One mode per axis.
        axes: Two negative axes.
        order: Natural rank of every packet, in the order wanted; 4^L of them, L at least 1.
    """
    if tuple(axes) != (-2, -1) or "boundary" in modes or strategy(x, banks, axes) != "native":
        return None
    lengths, levels = tuple(x.shape[-2:]), []
    for _ in range((len(order).bit_length() - 1) // 2):
        rows, columns = (linear.analysis_step(*each) for each in zip(banks, lengths, modes, strict=True))
        levels.append((rows, columns))
        lengths = (rows.length, columns.length)
    slots = tuple(sorted(range(len(order)), key=order.__getitem__))
    return _through(lambda one: linear.packets2(one, tuple(levels), slots), x)[0]


def _on_cpu(x: Array) -> bool:
    """Whether this is an array in the memory of this process, and not a stand-in that a compiler traces."""
    if isinstance(x, np.ndarray):
        return x.dtype in _NUMPY and x.size > 0
    return (
        type(x) in (torch.Tensor, torch.nn.Parameter)
        and not torch.compiler.is_compiling()
        and x.device.type == "cpu"
        and x.dtype in _WORKING_TYPE
        and x.numel() > 0
    )


def _through(run: Callable[..., Any], *arrays: Array | None) -> tuple[Array, ...]:
    """Run on tensors of single or double precision, and give back what came in.

    NumPy arrays share their memory with tensors; complex ones are a batch of real and imaginary parts; half precision is
    calculated in single.
    """
    one = next(array for array in arrays if array is not None)
    if isinstance(one, np.ndarray):
        tensors = [None if array is None else _tensor(array) for array in arrays]
        return tuple(each.numpy() for each in _through(run, *tensors))
    kind = _WORKING_TYPE[one.dtype]
    if one.is_complex():
        pairs = [None if array is None else torch.stack([array.real, array.imag]) for array in arrays]
        return tuple(torch.complex(each[0], each[1]) for each in _through(run, *pairs))
    if one.dtype != kind:
        wide = [None if array is None else array.to(kind) for array in arrays]
        return tuple(each.to(one.dtype) for each in _through(run, *wide))
    made = run(*arrays)
    return made if isinstance(made, tuple) else (made,)


def _tensor(array: np.ndarray) -> torch.Tensor:
    """The same memory where PyTorch can use it: its own byte order, forward strides, writable."""
    ready = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    return torch.from_numpy(ready if ready.flags.writeable else ready.copy()).reshape(array.shape)


def _last(x: Array, axes: Sequence[int]) -> Array:
    """The array with these two axes last."""
    return x if tuple(axes) == (-2, -1) else move_axis(x, tuple(axes), (-2, -1))


def _back(x: Array, axes: Sequence[int]) -> Array:
    return x if tuple(axes) == (-2, -1) else move_axis(x, (-2, -1), tuple(axes))


def _widened(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Half precision in single precision, so that sums over many taps keep their digits; others as they are."""
    if isinstance(x, torch.Tensor) and x.dtype in (torch.float16, torch.bfloat16):
        kind = x.dtype
        return x.float(), lambda y: y.to(kind)
    return x, lambda y: y


def _alike(*bands: Array | None) -> tuple[Any, ...]:
    """Bands of one type, since the kernel reads them side by side."""
    there = [band for band in bands if band is not None]
    if len({band.dtype for band in there}) <= 1:
        return bands
    if isinstance(there[0], torch.Tensor):
        kind = reduce(torch.promote_types, [band.dtype for band in there])
        return tuple(None if band is None else band.to(kind) for band in bands)
    kind = namespace(there[0]).result_type(*there)
    return tuple(None if band is None else band.astype(kind) for band in bands)
