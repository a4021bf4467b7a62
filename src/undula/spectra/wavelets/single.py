"""One level of the discrete wavelet transform along one, two or any axes, and its inverse; names as in PyWavelets."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from undula.errors import ShapeError
from undula.spectra.arrays import Array, as_array
from undula.spectra.wavelets.banks import Bank, read_bank, read_banks
from undula.spectra.wavelets.modes import Mode, read_mode, read_modes
from undula.spectra.wavelets.reading import read_axes, read_bands
from undula.spectra.wavelets.strategies import analyze_axis, analyze_plane, synthesize_axis, synthesize_plane


def dwt(data: Any, wavelet: Any, mode: Any = "symmetric", axis: int = -1) -> tuple[Array, Array]:
    """One level along one axis: y[o] = Σ_j h[j] x̃[2 o + 1 - j] of the extended signal, for both filters.

    Args:
        data: Real or complex array (…, n, …), n at least 1, shorter than the filter too.
        wavelet: A name, a `pywt.Wavelet`, four filters or a learnable bank.
        mode: Boundary mode, see `MODES`.
        axis: Axis of the signal.

    Returns:
        Approximation and detail (…, ⌊(n + F - 1) / 2⌋, …), for "periodization" and "boundary" (…, ⌈n / 2⌉, …). Values
        that are not finite reach the coefficients whose filters they meet.

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: An axis that is not there or empty.
        RangeError: Tensors of integers.

    Example:
        >>> low, high = dwt([1, 2, 3, 4], "db1")
        >>> low
        array([2.12132034, 4.94974747])
    """
    x = as_array(data)
    (place,) = read_axes(x, axis, count=1)
    return analyze_axis(x, read_bank(wavelet), read_mode(mode), place)


def idwt(cA: Any, cD: Any, wavelet: Any, mode: Any = "symmetric", axis: int = -1) -> Array:
    """Inverse of `dwt`.

    Args:
        cA: Approximation, or None for zeros.
        cD: Detail of the same shape, or None for zeros.
        wavelet: As in `dwt`.
        mode: As in `dwt`.
        axis: As in `dwt`.

    Returns:
        The signal; of odd signals one sample more than was taken apart.

    Raises:
        ShapeError: Bands of different shapes, or none.
        OptionError: An unknown wavelet or mode.
        RangeError: Tensors of integers.

    Example:
        >>> idwt(*dwt([1, 2, 3, 4], "db2"), "db2").round(12)
        array([1., 2., 3., 4.])
    """
    return together(cA, cD, wavelet, mode, axis)


def together(low: Any, high: Any, wavelet: Any, mode: Any, axis: int, *, keep: int | None = None) -> Array:
    """`idwt`, without its last sample if so many are wanted and that saves a copy."""
    bands = read_bands({"a": low, "d": high}, axes=1)
    (place,) = read_axes(next(iter(bands.values())), axis, count=1)
    bank, kind = read_bank(wavelet), read_mode(mode)
    _check_length(next(iter(bands.values())), (bank,), (kind,), (place,))
    return synthesize_axis(bands.get("a"), bands.get("d"), bank, kind, place, keep=keep)


def dwt2(
    data: Any, wavelet: Any, mode: Any = "symmetric", axes: Sequence[int] = (-2, -1)
) -> tuple[Array, tuple[Array, Array, Array]]:
    """One level along two axes.

    Args:
        data: Real or complex array (…, H, W).
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis.
        axes: The two axes.

    Returns:
        Approximation and (horizontal, vertical, diagonal) details: high-pass along the first axis, the second, both.

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: Axes that are not there, empty or not two.
        RangeError: Tensors of integers.

    Example:
        >>> approximation, (horizontal, vertical, diagonal) = dwt2([[1, 2], [3, 4]], "haar")
        >>> round(float(approximation[0, 0]), 12)
        5.0
    """
    x = as_array(data)
    places = read_axes(x, axes, count=2)
    ll, lh, hl, hh = analyze_plane(x, read_banks(wavelet, axes=2), read_modes(mode, axes=2), places)
    return ll, (hl, lh, hh)


def idwt2(coeffs: Any, wavelet: Any, mode: Any = "symmetric", axes: Sequence[int] = (-2, -1)) -> Array:
    """Inverse of `dwt2`.

    Args:
        coeffs: (approximation, (horizontal, vertical, diagonal)); None counts as zeros.
        wavelet: As in `dwt2`.
        mode: As in `dwt2`.
        axes: As in `dwt2`.

    Returns:
        The array; of odd lengths one sample more than was taken apart.

    Raises:
        ShapeError: Bands of different shapes, or none.
        OptionError: An unknown wavelet or mode.
        RangeError: Tensors of integers.

    Example:
        >>> idwt2(dwt2([[1, 2], [3, 4]], "haar"), "haar").round(12)
        array([[1., 2.],
               [3., 4.]])
    """
    approximation, details = read_pair(coeffs)
    horizontal, vertical, diagonal = (None,) * 3 if details is None else details
    return idwtn({"aa": approximation, "da": horizontal, "ad": vertical, "dd": diagonal}, wavelet, mode, axes)


def dwtn(data: Any, wavelet: Any, mode: Any = "symmetric", axes: Sequence[int] | None = None) -> dict[str, Array]:
    """One level along any axes.

    Args:
        data: Real or complex array.
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis.
        axes: The axes, None for all.

    Returns:
        Bands by keys of "a" (approximation) and "d" (detail), one letter per axis: "aa", "ad", "da", "dd".

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: Axes that are not there or empty.
        RangeError: Tensors of integers.

    Example:
        >>> sorted(dwtn([[1.0, 2.0], [3.0, 4.0]], "haar"))
        ['aa', 'ad', 'da', 'dd']
    """
    x = as_array(data)
    if x.ndim == 0:
        raise ShapeError("got a single number, expected an array of at least one axis")
    places = read_axes(x, axes)
    return analyze_axes(x, read_banks(wavelet, axes=len(places)), read_modes(mode, axes=len(places)), places)


def idwtn(coeffs: Mapping[str, Any], wavelet: Any, mode: Any = "symmetric", axes: Sequence[int] | None = None) -> Array:
    """Inverse of `dwtn`.

    Args:
        coeffs: Bands by their keys; those that are missing or None count as zeros.
        wavelet: As in `dwtn`.
        mode: As in `dwtn`.
        axes: As in `dwtn`.

    Returns:
        The array; of odd lengths one sample more than was taken apart.

    Raises:
        ShapeError: Wrong keys, bands of different shapes, or none.
        OptionError: An unknown wavelet or mode.
        RangeError: Tensors of integers.

    Example:
        >>> idwtn(dwtn([[1.0, 2.0], [3.0, 4.0]], "haar"), "haar").round(12)
        array([[1., 2.],
               [3., 4.]])
    """
    letters = max([0, *(len(key) for key in coeffs)])  # max(…, default=0) cannot be traced
    bands = read_bands(coeffs, axes=letters)
    one = next(iter(bands.values()))
    places = read_axes(one, axes, count=letters)
    banks, modes = read_banks(wavelet, axes=letters), read_modes(mode, axes=letters)
    _check_length(one, banks, modes, places)
    return synthesize_axes(bands, banks, modes, places)


def analyze_axes(x: Array, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]) -> dict[str, Array]:
    """All bands of the given (negative) axes, the last two of them in one go."""
    bands = {"": x}
    for bank, mode, axis in zip(banks[:-2], modes[:-2], axes[:-2], strict=True):
        split = {key: analyze_axis(band, bank, mode, axis) for key, band in bands.items()}
        bands = {key + letter: split[key]["ad".index(letter)] for key in split for letter in "ad"}
    if len(axes) == 1:
        return dict(zip("ad", analyze_axis(x, banks[0], modes[0], axes[0]), strict=True))
    planes = {key: analyze_plane(band, banks[-2:], modes[-2:], axes[-2:]) for key, band in bands.items()}
    return {key + pair: planes[key][place] for key in planes for place, pair in enumerate(("aa", "ad", "da", "dd"))}


def synthesize_axes(
    bands: Mapping[str, Array], banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]
) -> Array:
    """Inverse of `analyze_axes`; missing bands count as zeros."""
    if len(axes) == 1:
        return synthesize_axis(bands.get("a"), bands.get("d"), banks[0], modes[0], axes[0])
    planes: dict[str, Array] = {}
    for letters in product("ad", repeat=len(axes) - 2):
        key = "".join(letters)
        four = (bands.get(key + "aa"), bands.get(key + "ad"), bands.get(key + "da"), bands.get(key + "dd"))
        if any(band is not None for band in four):
            planes[key] = synthesize_plane(four, banks[-2:], modes[-2:], axes[-2:])
    for place in reversed(range(len(axes) - 2)):
        stems = dict.fromkeys(key[:-1] for key in planes)
        planes = {
            stem: synthesize_axis(
                planes.get(stem + "a"), planes.get(stem + "d"), banks[place], modes[place], axes[place]
            )
            for stem in stems
        }
    return planes[""]


def read_pair(coeffs: Any) -> tuple[Any, Any]:
    """An approximation and its details.

    Raises:
        ShapeError: Anything but two things, of which the second is None or three.
    """
    if not isinstance(coeffs, Sequence) or len(coeffs) != 2 or not (coeffs[1] is None or len(coeffs[1]) == 3):
        raise ShapeError("got other coefficients, expected (approximation, (horizontal, vertical, diagonal))")
    return coeffs[0], coeffs[1]


def _check_length(band: Array, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]) -> None:
    """Bands shorter than half a filter come from no signal."""
    for bank, mode, axis in zip(banks, modes, axes, strict=True):
        if mode not in ("periodization", "boundary") and band.shape[axis] < bank.length // 2:
            raise ShapeError(
                f"got bands of {band.shape[axis]} coefficients along axis {axis}, expected at least {bank.length // 2} for"
                f" {bank.name} in mode {mode}: were they made in mode periodization?"
            )
