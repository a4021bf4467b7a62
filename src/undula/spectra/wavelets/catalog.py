"""What wavelets there are, and what a wavelet's scale is as a frequency."""

from difflib import get_close_matches
from math import sqrt
from typing import Any, Literal, get_args

import pywt

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.arrays import Array, as_array, constant, take
from undula.spectra.wavelets.banks import read_bank

Kind = Literal["all", "continuous", "discrete"]


def wavelist(family: str | None = None, kind: Kind = "all") -> list[str]:
    """Names of wavelets; the list is that of PyWavelets.

    Args:
        family: Short name of a family, see `families`; None for all.
        kind: "all", "continuous" or "discrete"; not heeded where a family is given.

    Returns:
        The names.

    Raises:
        OptionError: Another family or kind.

    Example:
        >>> wavelist("sym")[:3]
        ['sym2', 'sym3', 'sym4']
    """
    if family is not None and family not in pywt.families():
        near = get_close_matches(str(family), pywt.families(), n=3, cutoff=0.4)
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise OptionError(f"got family {family!r}, expected one of {', '.join(pywt.families())}{hint}")
    if kind not in get_args(Kind):
        raise OptionError(f"got kind {kind!r}, expected one of {', '.join(get_args(Kind))}")
    return list(pywt.wavelist(family, kind))


def families(short: bool = True) -> list[str]:
    """Families of wavelets; the list is that of PyWavelets.

    Args:
        short: Short names, which `wavelist` takes, or long ones.

    Returns:
        The names.

    Example:
        >>> families()[:3], families(short=False)[:3]
        (['haar', 'db', 'sym'], ['Haar', 'Daubechies', 'Symlets'])
    """
    return list(pywt.families(short))


def central_frequency(wavelet: Any, precision: int = 8) -> float:
    """The frequency of the largest Fourier coefficient of the wavelet; a number that no gradient flows through.

    Args:
        wavelet: A name, discrete or continuous, a wavelet of PyWavelets, four filters or a learnable bank.
        precision: The wavelet is calculated at 2**precision points (discrete ones: by so many refinements).

    Returns:
        Periods per unit of the wavelet's own time.

    Raises:
        OptionError: An unknown wavelet.

    Example:
        >>> central_frequency("cmor1.5-1.0")
        1.0
    """
    return float(pywt.central_frequency(_drawn(wavelet), precision))


def scale2frequency(wavelet: Any, scale: Any, precision: int = 8) -> Any:
    """The frequency of a wavelet at a scale: its `central_frequency` divided by the scale.

    Args:
        wavelet: As in `central_frequency`.
        scale: A scale, several, or an array of them, above 0; gradients flow to arrays.
        precision: As in `central_frequency`.

    Returns:
        Periods per sample; times the sampling rate that is Hz.

    Raises:
        OptionError: An unknown wavelet.
        RangeError: A number not above 0, tensors of integers.

    Example:
        >>> scale2frequency("cmor1.5-1.0", [1, 2, 4])
        array([1.  , 0.5 , 0.25])
    """
    return central_frequency(wavelet, precision) / _read_divisor(scale, "scale")


def frequency2scale(wavelet: Any, freq: Any, precision: int = 8) -> Any:
    """The scale at which a wavelet has a frequency: its `central_frequency` divided by the frequency.

    Args:
        wavelet: As in `central_frequency`.
        freq: Periods per sample, a number, several, or an array, above 0; gradients flow to arrays.
        precision: As in `central_frequency`.

    Returns:
        The scale.

    Raises:
        OptionError: An unknown wavelet.
        RangeError: A number not above 0, tensors of integers.

    Example:
        >>> frequency2scale("cmor1.5-1.0", 0.25)
        4.0
    """
    return central_frequency(wavelet, precision) / _read_divisor(freq, "freq")


def integrate_wavelet(wavelet: Any, precision: int = 8) -> tuple[Any, ...]:
    """The integral of the wavelet from -∞ to x by rectangles, as NumPy arrays; no gradient flows through it.

    Args:
        wavelet: As in `central_frequency`.
        precision: As in `central_frequency`.

    Returns:
        (integral, x) of orthogonal and continuous wavelets, (integral of the analysis wavelet, integral of the synthesis
        wavelet, x) of others.

    Raises:
        OptionError: An unknown wavelet.

    Example:
        >>> integral, x = integrate_wavelet("haar", precision=2)
        >>> float(integral.max().round(12))
        0.5
    """
    return tuple(pywt.integrate_wavelet(_drawn(wavelet), precision))


def qmf(filt: Any) -> Array:
    """The quadrature mirror filter, (-1)^k h[F - 1 - k]: low-pass to high-pass; gradients flow through it.

    Args:
        filt: Filter of F taps.

    Returns:
        Its mirror.

    Raises:
        ShapeError: No filter of one axis.
        RangeError: Tensors of integers.

    Example:
        >>> qmf([1, 2, 3, 4])
        array([ 4., -3.,  2., -1.])
    """
    taps = _read_filter(filt, "filt")
    return _reversed(taps) * constant([(-1.0) ** k for k in range(taps.shape[0])], like=taps)


def orthogonal_filter_bank(scaling_filter: Any) -> tuple[Array, Array, Array, Array]:
    """The four filters of an orthogonal wavelet from one, which is scaled to the sum √2; gradients flow through them.

    Args:
        scaling_filter: Low-pass filter of an even number of taps.

    Returns:
        (dec_lo, dec_hi, rec_lo, rec_hi), which every transform takes as its wavelet. The bank is orthogonal only if the
        filter is orthogonal to its shifts by two.

    Raises:
        ShapeError: An odd number of taps, or no filter of one axis.
        RangeError: Tensors of integers.

    Example:
        >>> dec_lo, dec_hi, rec_lo, rec_hi = orthogonal_filter_bank([1, 1])
        >>> dec_hi.round(4)
        array([-0.7071,  0.7071])
    """
    taps = _read_filter(scaling_filter, "scaling_filter")
    if taps.shape[0] % 2:
        raise ShapeError(f"got scaling_filter of {taps.shape[0]} taps, expected an even number: put a zero at one end")
    rec_lo = sqrt(2) * taps / taps.sum()
    rec_hi = qmf(rec_lo)
    return _reversed(rec_lo), _reversed(rec_hi), rec_lo, rec_hi


def _drawn(wavelet: Any) -> Any:
    """A wavelet that PyWavelets can draw."""
    if isinstance(wavelet, pywt.Wavelet | pywt.ContinuousWavelet):
        return wavelet
    if isinstance(wavelet, str):
        try:
            return pywt.DiscreteContinuousWavelet(wavelet)
        except ValueError as error:
            near = get_close_matches(wavelet.lower(), pywt.wavelist(), n=3, cutoff=0.4)
            hint = f": did you mean {' or '.join(near)}?" if near else ": wavelist() has them all"
            raise OptionError(f"got wavelet {wavelet!r}, expected a name of PyWavelets{hint}") from error
    bank = read_bank(wavelet)
    four = (bank.dec_lo, bank.dec_hi, bank.rec_lo, bank.rec_hi)
    return pywt.Wavelet(bank.name, filter_bank=[taps if isinstance(taps, tuple) else taps.tolist() for taps in four])


def _read_divisor(value: Any, name: str) -> Any:
    if isinstance(value, int | float):
        if not value > 0:
            raise RangeError(f"got {name}={value}, expected a number above 0")
        return value
    return as_array(value, name=name)


def _read_filter(given: Any, name: str) -> Array:
    taps = as_array(given, name=name)
    if taps.ndim != 1 or not taps.shape[0]:
        raise ShapeError(f"got {name} of shape {tuple(taps.shape)}, expected one axis of taps")
    return taps


def _reversed(taps: Array) -> Array:
    return take(taps, range(taps.shape[0] - 1, -1, -1), axis=-1)
