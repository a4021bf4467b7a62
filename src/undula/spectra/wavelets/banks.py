"""Filter banks: from a name, a `pywt.Wavelet`, four filters or a learnable module to the four filters of a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import pywt
import torch

from undula.errors import OptionError, ShapeError
from undula.spectra.arrays import Array, is_jax

Taps = tuple[float, ...] | Array
"""A filter: numbers that are known, or an array of one axis that gradients flow to."""


@dataclass(frozen=True, eq=False)
class Bank:
    """Two filters that take a signal apart and two that put it together, all of one even length.

    Banks are equal when they are the same object: plans are kept by them, and hashing the taps would cost every call.

    Attributes:
        dec_lo: Analysis low-pass filter.
        dec_hi: Analysis high-pass filter.
        rec_lo: Synthesis low-pass filter.
        rec_hi: Synthesis high-pass filter.
        name: How it is called in errors.
    """

    dec_lo: Taps
    dec_hi: Taps
    rec_lo: Taps
    rec_hi: Taps
    name: str = "filter bank"

    @property
    def length(self) -> int:
        """Taps of each filter."""
        return len(self.dec_lo)

    @property
    def known(self) -> bool:
        """Whether all filters are plain numbers, so that plans and compiled steps can be kept."""
        return all(isinstance(taps, tuple) for taps in (self.dec_lo, self.dec_hi, self.rec_lo, self.rec_hi))


def _of_numbers(filters: Sequence[Sequence[float]], name: str) -> Bank:
    dec_lo, dec_hi, rec_lo, rec_hi = (tuple(float(tap) for tap in taps) for taps in filters)
    return Bank(dec_lo, dec_hi, rec_lo, rec_hi, name)


# All of them at once take 2 ms; a table needs no constructor inside compiled code, which cannot be traced.
_TABLE = {name: _of_numbers(pywt.Wavelet(name).filter_bank, name) for name in pywt.wavelist(kind="discrete")}


def read_bank(wavelet: Any) -> Bank:
    """The filters of a wavelet, however it is given.

    Args:
        wavelet: A name of PyWavelets ("db2", "sym8", "bior2.4"), a `pywt.Wavelet`, a `Bank`, four filters
            (dec_lo, dec_hi, rec_lo, rec_hi) of one even length, or a module with these four attributes.

    Returns:
        The bank.

    Raises:
        OptionError: An unknown name (the nearest ones are told), a continuous wavelet, or no wavelet at all.
        ShapeError: Four filters of different or odd lengths.
    """
    if isinstance(wavelet, str):
        bank = _TABLE.get(wavelet)
        return bank if bank is not None else _by_other_name(wavelet)
    if isinstance(wavelet, Bank):
        return wavelet
    if isinstance(wavelet, pywt.Wavelet):
        return _from_pywt(wavelet.name, tuple(tuple(taps) for taps in wavelet.filter_bank))
    filters = [getattr(wavelet, name, None) for name in ("dec_lo", "dec_hi", "rec_lo", "rec_hi")]
    if all(taps is not None for taps in filters):
        return from_filters(filters, type(wavelet).__name__)
    if isinstance(wavelet, Sequence) and len(wavelet) == 4 and not any(isinstance(taps, str) for taps in wavelet):
        return from_filters(tuple(wavelet), "filter bank")
    if isinstance(wavelet, pywt.ContinuousWavelet):
        raise OptionError(f"got the continuous wavelet {wavelet.name!r}, expected a discrete one: use cwt, or db4")
    raise OptionError(
        f"got a wavelet of type {type(wavelet).__name__}, expected a name (haar, db2, …), a pywt.Wavelet or four filters"
    )


def read_banks(wavelet: Any, *, axes: int) -> tuple[Bank, ...]:
    """One bank per axis, from one wavelet for all or a tuple of wavelets.

    Raises:
        ShapeError: A tuple with another number of wavelets than axes.
    """
    if is_bank_tuple(wavelet):
        if len(wavelet) != axes and len(wavelet) != 1:
            raise ShapeError(f"got {len(wavelet)} wavelets for {axes} axes, expected one for all or one per axis")
        banks = tuple(read_bank(each) for each in wavelet)
        return banks * axes if len(banks) == 1 else banks
    return (read_bank(wavelet),) * axes


def is_bank_tuple(wavelet: Any) -> bool:
    """Whether this is several wavelets, and not the four filters of one."""
    return isinstance(wavelet, tuple | list) and all(
        isinstance(each, str | Bank | pywt.Wavelet) or hasattr(each, "dec_lo") for each in wavelet
    )


def from_filters(filters: Sequence[Any], name: str) -> Bank:
    """A bank of four filters: arrays that carry gradients stay arrays, numbers become numbers."""
    if len(filters) != 4:
        raise ShapeError(f"got {len(filters)} filters, expected four: dec_lo, dec_hi, rec_lo, rec_hi")
    lengths = [len(taps) for taps in filters]
    if len(set(lengths)) > 1 or lengths[0] % 2 or not lengths[0]:
        raise ShapeError(f"got filters of {lengths} taps, expected four of one even length: pad them with zeros")
    low, high, rebuilt_low, rebuilt_high = map(_taps, filters)
    return Bank(low, high, rebuilt_low, rebuilt_high, name)


def _taps(taps: Any) -> Taps:
    """Arrays of PyTorch and JAX stay: gradients may flow to them."""
    if isinstance(taps, torch.Tensor) or is_jax(taps):
        if taps.ndim != 1:
            raise ShapeError(f"got a filter of shape {tuple(taps.shape)}, expected one axis of taps")
        return taps
    return tuple(float(tap) for tap in taps)


@lru_cache(maxsize=64)
def _from_pywt(name: str, filters: tuple[tuple[float, ...], ...]) -> Bank:
    """Kept, because plans are kept by the bank itself."""
    return from_filters(filters, name)


def _by_other_name(name: str) -> Bank:
    """Capitals as PyWavelets reads them, "db1" and the like; otherwise an error with the nearest names."""
    lower = name.lower()
    if lower in _TABLE:
        return _TABLE[lower]
    if lower in pywt.wavelist(kind="continuous") or lower.rstrip("0123456789.-") in ("cmor", "shan", "fbsp"):
        raise OptionError(f"got the continuous wavelet {name!r}, expected a discrete one: use cwt, or db4")
    near = get_close_matches(lower, _TABLE, n=3, cutoff=0.4)
    hint = f": did you mean {' or '.join(near)}?" if near else ": wavelist(kind='discrete') has them all"
    raise OptionError(f"got wavelet {name!r}, expected a name of PyWavelets{hint}")
