"""The seam: one level of a transform, by the fastest way that gives the same numbers for this array."""

from collections.abc import Sequence

from undula.spectra.arrays import Array
from undula.spectra.wavelets.banks import Bank
from undula.spectra.wavelets.modes import Mode
from undula.spectra.wavelets.step import analyze, plan_down, plan_up, synthesize

Bands = tuple[Array | None, Array | None, Array | None, Array | None]


def analyze_axis(x: Array, bank: Bank, mode: Mode, axis: int) -> tuple[Array, Array]:
    """Low and high band of one axis."""
    return analyze(x, bank.dec_lo, bank.dec_hi, plan_down(x.shape[axis], bank.length, mode), axis)


def synthesize_axis(low: Array | None, high: Array | None, bank: Bank, mode: Mode, axis: int) -> Array:
    """The signal of two bands along one axis."""
    band = high if low is None else low
    how, start, length = plan_up(band.shape[axis], bank.length, mode)
    return synthesize(low, high, bank.rec_lo, bank.rec_hi, how, axis, start, length)


def analyze_plane(
    x: Array, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]
) -> tuple[Array, Array, Array, Array]:
    """The four bands of two axes."""
    low, high = analyze_axis(x, banks[1], modes[1], axes[1])
    ll, hl = analyze_axis(low, banks[0], modes[0], axes[0])
    lh, hh = analyze_axis(high, banks[0], modes[0], axes[0])
    return ll, lh, hl, hh


def synthesize_plane(bands: Bands, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]) -> Array:
    """The array of four bands of two axes, of which three may be missing."""
    ll, lh, hl, hh = bands
    low = None if ll is None and hl is None else synthesize_axis(ll, hl, banks[0], modes[0], axes[0])
    high = None if lh is None and hh is None else synthesize_axis(lh, hh, banks[0], modes[0], axes[0])
    return synthesize_axis(low, high, banks[1], modes[1], axes[1])
