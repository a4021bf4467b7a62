"""The stationary (undecimated) transform, algorithme à trous, and its inverse; names and containers as in PyWavelets."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from undula.errors import RangeError, ShapeError
from undula.spectra.arrays import Array, as_array
from undula.spectra.wavelets.banks import Bank, read_banks
from undula.spectra.wavelets.dilated import Filters, merge, scaled, split
from undula.spectra.wavelets.reading import read_axes, read_bands


def swt(
    data: Any,
    wavelet: Any,
    level: int | None = None,
    start_level: int = 0,
    axis: int = -1,
    trim_approx: bool = False,
    norm: bool = False,
) -> list[Any]:
    """Levels along one axis without decimation: y[o] = Σ_j h[j] x[o + s (F / 2 - j)], s = 2^(level - 1), indices circular.

    Args:
        data: Real or complex array (…, n, …), n a multiple of 2^(start_level + level).
        wavelet: A name, a `pywt.Wavelet`, four filters or a learnable bank.
        level: Number of levels; None for as many as the length allows, `swt_max_level`.
        start_level: Levels that are left out at the beginning.
        axis: Axis of the signal.
        trim_approx: Keep the last approximation only.
        norm: Divide the filters by √2: with `trim_approx`, orthogonal wavelets then keep the energy.

    Returns:
        [(cA_n, cD_n), …, (cA_1, cD_1)], or [cA_n, cD_n, …, cD_1] with `trim_approx`; all of the shape of the data.

    Raises:
        ShapeError: A length that is no such multiple; an axis that is not there or empty. Pad the signal then.
        RangeError: Tensors of integers, fewer than one level.
        OptionError: An unknown wavelet.

    Example:
        >>> (low, high), = swt([1, 2, 3, 4], "db1", level=1)
        >>> low
        array([2.12132034, 3.53553391, 4.94974747, 3.53553391])
    """
    x = as_array(data)
    places = read_axes(x, axis, count=1)
    if level == 0:
        raise RangeError("got level=0, expected 1, 2, … or None for as many as the length allows")
    levels = _taken_apart(x, wavelet, level, start_level, places, norm)
    if trim_approx:
        return [levels[0]["a"], *(bands["d"] for bands in levels)]
    return [(bands["a"], bands["d"]) for bands in levels]


def iswt(coeffs: Sequence[Any], wavelet: Any, norm: bool = False, axis: int = -1) -> Array:
    """Inverse of `swt`: the mean over all shifts of decimated inverses, x[t] = ½ Σ_j g[j] y[t + s (F / 2 - 1 - j)].

    Args:
        coeffs: As `swt` returns them, trimmed or not; None counts as zeros. The last ones are taken for level 1.
        wavelet: As in `swt`.
        norm: As in `swt`.
        axis: As in `swt`.

    Returns:
        The signal.

    Raises:
        ShapeError: No coefficients, bands of different shapes, or of a length that no such `swt` returns.
        RangeError: Tensors of integers.
        OptionError: An unknown wavelet.

    Example:
        >>> iswt(swt([1, 2, 3, 4, 5, 6, 7, 8], "db2", level=2), "db2").round(12)
        array([1., 2., 3., 4., 5., 6., 7., 8.])
    """
    low, details = _read_levels(coeffs)
    return _put_together(low, [{"d": detail} for detail in details], wavelet, norm, axis, count=1)


def swt2(
    data: Any,
    wavelet: Any,
    level: int | None,
    start_level: int = 0,
    axes: Sequence[int] = (-2, -1),
    trim_approx: bool = False,
    norm: bool = False,
) -> list[Any]:
    """Levels along two axes without decimation.

    Args:
        data: Real or complex array (…, H, W), both multiples of 2^(start_level + level).
        wavelet: One wavelet, or one per axis.
        level: Number of levels; None for as many as both lengths allow.
        start_level: As in `swt`.
        axes: The two axes.
        trim_approx: As in `swt`.
        norm: As in `swt`.

    Returns:
        [(cA_n, (cH_n, cV_n, cD_n)), …], or [cA_n, (cH_n, cV_n, cD_n), …] with `trim_approx`.

    Raises:
        ShapeError: Lengths that are no such multiples; axes that are not there, empty or not two.
        RangeError: Tensors of integers, a negative level.
        OptionError: An unknown wavelet.

    Example:
        >>> (approximation, (horizontal, vertical, diagonal)), = swt2([[1, 2], [3, 4]], "haar", level=1)
        >>> approximation.round(12)
        array([[5., 5.],
               [5., 5.]])
    """
    x = as_array(data)
    levels = _taken_apart(x, wavelet, level, start_level, read_axes(x, axes, count=2), norm)
    details = [(bands["da"], bands["ad"], bands["dd"]) for bands in levels]
    if trim_approx:
        return [levels[0]["aa"] if levels else x, *details]
    return [(bands["aa"], three) for bands, three in zip(levels, details, strict=True)]


def iswt2(coeffs: Sequence[Any], wavelet: Any, norm: bool = False, axes: Sequence[int] = (-2, -1)) -> Array:
    """Inverse of `swt2`.

    Args:
        coeffs: As `swt2` returns them, trimmed or not; None counts as zeros.
        wavelet: As in `swt2`.
        norm: As in `swt2`.
        axes: As in `swt2`.

    Returns:
        The array.

    Raises:
        ShapeError: No coefficients, bands of different shapes, or of lengths that no such `swt2` returns.
        RangeError: Tensors of integers.
        OptionError: An unknown wavelet.

    Example:
        >>> iswt2(swt2([[1, 2], [3, 4]], "haar", level=1), "haar").round(12)
        array([[1., 2.],
               [3., 4.]])
    """
    low, details = _read_levels(coeffs)
    if any(three is not None and len(three) != 3 for three in details):
        raise ShapeError("got other details, expected (horizontal, vertical, diagonal) for every level")
    bands = [{} if three is None else dict(zip(("da", "ad", "dd"), three, strict=True)) for three in details]
    return _put_together(low, bands, wavelet, norm, axes, count=2)


def swtn(
    data: Any,
    wavelet: Any,
    level: int | None,
    start_level: int = 0,
    axes: Sequence[int] | None = None,
    trim_approx: bool = False,
    norm: bool = False,
) -> list[Any]:
    """Levels along any axes without decimation.

    Args:
        data: Real or complex array, its lengths along the axes multiples of 2^(start_level + level).
        wavelet: One wavelet, or one per axis.
        level: Number of levels; None for as many as all lengths allow.
        start_level: As in `swt`.
        axes: The axes, None for all.
        trim_approx: As in `swt`.
        norm: As in `swt`.

    Returns:
        [{bands of level n}, …, {bands of level 1}] by keys of "a" and "d", one letter per axis; with `trim_approx` the
        last approximation first, and dicts of details only.

    Raises:
        ShapeError: Lengths that are no such multiples; axes that are not there or empty.
        RangeError: Tensors of integers, a negative level.
        OptionError: An unknown wavelet.

    Example:
        >>> import torch
        >>> [sorted(bands) for bands in swtn(torch.ones(4, 4), "haar", level=1)]
        [['aa', 'ad', 'da', 'dd']]
    """
    x = as_array(data)
    if x.ndim == 0:
        raise ShapeError("got a single number, expected an array of at least one axis")
    places = read_axes(x, axes)
    levels = _taken_apart(x, wavelet, level, start_level, places, norm)
    if not trim_approx:
        return list(levels)
    approximations = [bands.pop("a" * len(places)) for bands in levels]
    return [approximations[0] if levels else x, *levels]


def iswtn(coeffs: Sequence[Any], wavelet: Any, axes: Sequence[int] | None = None, norm: bool = False) -> Array:
    """Inverse of `swtn`.

    Args:
        coeffs: As `swtn` returns them, trimmed or not; bands that are missing or None count as zeros.
        wavelet: As in `swtn`.
        axes: As in `swtn`.
        norm: As in `swtn`.

    Returns:
        The array.

    Raises:
        ShapeError: No coefficients, wrong keys, bands of different shapes, or of lengths that no such `swtn` returns.
        RangeError: Tensors of integers.
        OptionError: An unknown wavelet.

    Example:
        >>> import torch
        >>> iswtn(swtn(torch.ones(4, 4, 4), "haar", level=2), "haar").shape
        torch.Size([4, 4, 4])
    """
    first, details = _read_levels(coeffs)
    if isinstance(first, Mapping):
        first, details = first.get("a" * max(map(len, first), default=0)), [first, *details]
    if not all(bands is None or isinstance(bands, Mapping) for bands in details):
        raise ShapeError("got other details, expected a dict of bands by keys of a and d for every level")
    levels = [{} if bands is None else dict(bands) for bands in details]
    letters = max((len(key) for bands in levels for key in bands), default=0)
    for bands in levels:
        bands.pop("a" * letters, None)
    return _put_together(first, levels, wavelet, norm, axes, count=letters or None)


def swt_max_level(input_len: int) -> int:
    """Levels that the stationary transform of so many samples has: how often two divides them.

    Args:
        input_len: Number of samples, at least 1.

    Returns:
        The greatest level.

    Raises:
        RangeError: No samples.

    Warns:
        UserWarning: An odd number of samples, which allows none; as in PyWavelets.

    Example:
        >>> swt_max_level(96)
        5
    """
    if input_len < 1:
        raise RangeError(f"got {input_len} samples, expected at least 1")
    if input_len % 2:
        told = f"got {input_len} samples, expected a multiple of 2**n for n levels"
        warnings.warn(f"No levels of stationary wavelet decomposition are possible: {told}.", stacklevel=2)
    return _halvings(input_len)


def _taken_apart(
    x: Array, wavelet: Any, level: int | None, start: int, places: tuple[int, ...], norm: bool
) -> list[dict[str, Array]]:
    """All bands of each level, the coarsest level first."""
    banks = read_banks(wavelet, axes=len(places))
    if norm and not all(_keeps_energy(bank) for bank in banks):
        told = "The conditions for energy preservation are not satisfied."
        warnings.warn(f"norm=True, but the wavelet is not orthogonal: \n\t{told}", stacklevel=3)
    factor = math.sqrt(0.5) if norm else 1.0
    filters = [scaled(bank.dec_lo, bank.dec_hi, factor) for bank in banks]
    levels: list[dict[str, Array]] = []
    for done in range(_read_level(level, start, [x.shape[place] for place in places])):
        bands = {"": x}
        for pair, place in zip(filters, places, strict=True):
            halves = {key: split(band, pair, 2 ** (start + done), place) for key, band in bands.items()}
            bands = {key + letter: halves[key]["ad".index(letter)] for key in halves for letter in "ad"}
        x = bands["a" * len(places)]
        levels.insert(0, bands)
    return levels


def _put_together(
    low: Any, details: Sequence[Mapping[str, Any]], wavelet: Any, norm: bool, axes: Any, *, count: int | None
) -> Array:
    """The inverse from the approximation and the details by their keys, the coarsest level first."""
    there = [band for band in (low, *(band for bands in details for band in bands.values())) if band is not None]
    if not there:
        raise ShapeError("got no coefficients, expected at least one band that is not None")
    one = as_array(there[0], name="band")
    places = read_axes(one, axes, count=count)
    _check_multiple([one.shape[place] for place in places], len(details))
    banks, factor = read_banks(wavelet, axes=len(places)), math.sqrt(0.5) if norm else 0.5
    filters = [scaled(bank.rec_lo, bank.rec_hi, factor) for bank in banks]
    for done, given in enumerate(details):
        bands = {key: band for key, band in {"a" * len(places): low, **given}.items() if band is not None}
        if bands:
            low = _joined(read_bands(bands, axes=len(places)), filters, 2 ** (len(details) - 1 - done), places)
    return as_array(low, name="approximation")


def _joined(bands: dict[str, Array], filters: Sequence[Filters], spacing: int, places: Sequence[int]) -> Array:
    """One level of the inverse, the last axis first; missing bands count as zeros."""
    for pair, place in zip(reversed(filters), reversed(places), strict=True):
        stems = dict.fromkeys(key[:-1] for key in bands)
        bands = {stem: merge(bands.get(stem + "a"), bands.get(stem + "d"), pair, spacing, place) for stem in stems}
    return bands[""]


def _keeps_energy(bank: Bank) -> bool:
    """Whether synthesis is the transpose of analysis; of filters that are learned nobody knows."""
    pairs = ((bank.dec_lo, bank.rec_lo), (bank.dec_hi, bank.rec_hi))
    return not bank.known or all(
        abs(down - up) < 1e-9 for one, other in pairs for down, up in zip(one, reversed(other), strict=True)
    )


def _read_level(level: int | None, start: int, lengths: Sequence[int]) -> int:
    """The number of levels, None standing for as many as the lengths allow."""
    for name, value in (("level", level), ("start_level", start)):
        if value is not None and (isinstance(value, bool) or int(value) != value or value < 0):
            raise RangeError(f"got {name}={value}, expected 0, 1, 2, …")
    most = min(_halvings(n) for n in lengths)
    _check_multiple(lengths, start + (max(1, most - start) if level is None else int(level)), start=start)
    return most - start if level is None else int(level)


def _check_multiple(lengths: Sequence[int], levels: int, *, start: int = 0) -> None:
    most = min(_halvings(n) for n in lengths)
    if levels > most:
        other = f", or take level={most - start}" if most > start else ""
        raise ShapeError(
            f"got {' × '.join(map(str, lengths))} samples along the transformed axes and {levels} levels, expected"
            f" multiples of 2**{levels} = {2**levels}: pad the data{other}"
        )


def _halvings(n: int) -> int:
    """How often two divides n."""
    return (n & -n).bit_length() - 1


def _read_levels(coeffs: Any) -> tuple[Any, list[Any]]:
    """The coarsest approximation and the details of all levels, from both forms of the list."""
    if not isinstance(coeffs, list | tuple) or not coeffs:
        raise ShapeError(f"got coefficients of type {type(coeffs).__name__}, expected what swt returns, not empty")
    if not isinstance(coeffs[0], list | tuple):
        return coeffs[0], list(coeffs[1:])
    if any(not isinstance(pair, list | tuple) or len(pair) != 2 for pair in coeffs):
        raise ShapeError("got other coefficients, expected a pair (approximation, details) for every level")
    return coeffs[0][0], [details for _, details in coeffs]
