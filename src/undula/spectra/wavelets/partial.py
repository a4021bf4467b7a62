"""One band alone: the approximation or the detail of one level, and the signal that one band stands for."""

from typing import Any

from undula.errors import OptionError, RangeError
from undula.spectra.arrays import Array, as_array, concat, part, zeros
from undula.spectra.wavelets.banks import read_bank
from undula.spectra.wavelets.modes import read_mode
from undula.spectra.wavelets.reading import read_axes
from undula.spectra.wavelets.strategies import analyze_axis, synthesize_axis


def downcoef(part: str, data: Any, wavelet: Any, mode: Any = "symmetric", level: int = 1) -> Array:
    """The approximation or the detail of one level, along the last axis.

    Args:
        part: "a" for the approximation, "d" for the detail.
        data: Real or complex array (…, n); PyWavelets takes one signal only.
        wavelet: A name, a `pywt.Wavelet`, four filters or a learnable bank.
        mode: Boundary mode, see `MODES`.
        level: The level, at least 1; no warning where it is deeper than `dwt_max_level`, as in PyWavelets.

    Returns:
        The coefficients.

    Raises:
        OptionError: Another part; an unknown wavelet or mode.
        ShapeError: No axis, or an empty one.
        RangeError: Tensors of integers, a level below 1.

    Example:
        >>> downcoef("a", [1, 2, 3, 4, 5, 6, 7, 8], "db1", level=2)
        array([ 5., 13.])
    """
    band = as_array(data)
    (place,) = read_axes(band, -1, count=1)
    bank, kind = read_bank(wavelet), read_mode(mode)
    letters = _read_path(part, level)
    for letter in letters:
        band = analyze_axis(band, bank, kind, place)["ad".index(letter)]
    return band


def upcoef(part: str, coeffs: Any, wavelet: Any, level: int = 1, take: int = 0) -> Array:
    """The signal of one band alone, along the last axis: x[t] = Σ_o g[t - 2 o] y[o], at further levels with the low-pass.

    Args:
        part: "a" if the band is an approximation, "d" if it is a detail.
        coeffs: The band (…, n), real or complex; PyWavelets takes one only.
        wavelet: A name, a `pywt.Wavelet`, four filters or a learnable bank.
        level: The level of the band, at least 1.
        take: Samples of the middle of the signal to keep; 0, or more than there are, for all of them.

    Returns:
        The signal, of 2 n + F - 2 samples after one level, nothing of the filters' ends cut off.

    Raises:
        OptionError: Another part; an unknown wavelet.
        ShapeError: No axis, or an empty one.
        RangeError: Tensors of integers, a level below 1.

    Example:
        >>> upcoef("a", [1, 2], "db1") * 2**0.5
        array([1., 1., 2., 2.])
    """
    signal = as_array(coeffs, name="coeffs")
    (place,) = read_axes(signal, -1, count=1)
    bank = read_bank(wavelet)
    for letter in reversed(_read_path(part, level)):
        padded = _between_zeros(signal, bank.length // 2 - 1)
        low, high = (padded, None) if letter == "a" else (None, padded)
        signal = synthesize_axis(low, high, bank, "zero", place)
    return _middle(signal, take)


def _read_path(part: str, level: int) -> str:
    """The letters from the signal to the band: approximations, then the part."""
    if part not in ("a", "d"):
        raise OptionError(f"got part {part!r}, expected 'a' (approximation) or 'd' (detail)")
    if isinstance(level, bool) or int(level) != level or level < 1:
        raise RangeError(f"got level={level}, expected 1, 2, 3, …")
    return "a" * (int(level) - 1) + part


def _between_zeros(band: Array, count: int) -> Array:
    """So many zeros at either end: the synthesis then keeps every sample that the filters reach."""
    if not count:
        return band
    margin = zeros(band, (*band.shape[:-1], count))
    return concat([margin, band, margin], axis=-1)


def _middle(signal: Array, take: int) -> Array:
    excess = signal.shape[-1] - take
    if take <= 0 or excess <= 0:
        return signal
    return part(signal, -1, excess // 2, excess // 2 + take)
