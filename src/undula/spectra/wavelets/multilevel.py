"""Many levels: the approximation of one level is taken apart at the next; names and containers as in PyWavelets."""

from collections.abc import Mapping, Sequence
from typing import Any

from undula.errors import ShapeError
from undula.spectra.arrays import Array, as_array
from undula.spectra.wavelets.banks import read_bank, read_banks
from undula.spectra.wavelets.modes import read_mode, read_modes
from undula.spectra.wavelets.reading import read_axes, read_bands, read_level, trimmed
from undula.spectra.wavelets.single import analyze_axes, idwt2, idwtn, together
from undula.spectra.wavelets.strategies import analyze_axis, analyze_plane


def wavedec(data: Any, wavelet: Any, mode: Any = "symmetric", level: int | None = None, axis: int = -1) -> list[Array]:
    """Levels along one axis.

    Args:
        data: Real or complex array (…, n, …).
        wavelet: A name, a `pywt.Wavelet`, four filters or a learnable bank.
        mode: Boundary mode, see `MODES`.
        level: Number of levels; None for the greatest that makes sense, `dwt_max_level`.
        axis: Axis of the signal.

    Returns:
        [cA_n, cD_n, …, cD_1]: the last approximation, and the details from coarse to fine.

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: An axis that is not there or empty.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> [len(band) for band in wavedec([1, 2, 3, 4, 5, 6, 7, 8], "db1", level=2)]
        [2, 2, 4]
    """
    low = as_array(data)
    (place,) = read_axes(low, axis, count=1)
    bank, kind = read_bank(wavelet), read_mode(mode)
    details = []
    for _ in range(read_level(level, [low.shape[place]], [bank])):
        low, high = analyze_axis(low, bank, kind, place)
        details.append(high)
    return [low, *reversed(details)]


def waverec(coeffs: Sequence[Any], wavelet: Any, mode: Any = "symmetric", axis: int = -1) -> Array:
    """Inverse of `wavedec`.

    Args:
        coeffs: [cA_n, cD_n, …, cD_1]; None counts as zeros.
        wavelet: As in `wavedec`.
        mode: As in `wavedec`.
        axis: As in `wavedec`.

    Returns:
        The signal; of an odd length one sample more than was taken apart.

    Raises:
        ShapeError: No coefficients, or details that do not fit the level below.
        OptionError: An unknown wavelet or mode.
        RangeError: Tensors of integers.

    Example:
        >>> waverec(wavedec([1, 2, 3, 4, 5, 6, 7, 8], "db1", level=2), "db1").round(12)
        array([1., 2., 3., 4., 5., 6., 7., 8.])
    """
    low, details = _read_levels(coeffs)
    for place, given in enumerate(details):
        high = None if given is None else as_array(given, name="detail")
        if low is not None and high is not None:
            (axis_,) = read_axes(low, axis, count=1)
            low = trimmed(low, high.shape, (axis_,), level=f"level {len(details) - place}")
        if low is not None or high is not None:
            finer = None if place + 1 == len(details) or details[place + 1] is None else as_array(details[place + 1])
            # One sample too many would be made of odd lengths and cut off by a copy, most of the time with db2.
            keep = None if finer is None or not -finer.ndim <= axis < finer.ndim else finer.shape[axis]
            low = together(low, high, wavelet, mode, axis, keep=keep)
    return _made(low)


def wavedec2(
    data: Any, wavelet: Any, mode: Any = "symmetric", level: int | None = None, axes: Sequence[int] = (-2, -1)
) -> list[Any]:
    """Levels along two axes.

    Args:
        data: Real or complex array (…, H, W).
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis.
        level: Number of levels; None for the greatest that makes sense along both axes.
        axes: The two axes.

    Returns:
        [cA_n, (cH_n, cV_n, cD_n), …, (cH_1, cV_1, cD_1)].

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: Axes that are not there, empty or not two.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> import torch
        >>> [len(band) for band in wavedec2(torch.ones(8, 8), "haar", level=2)]
        [2, 3, 3]
    """
    low = as_array(data)
    places = read_axes(low, axes, count=2)
    banks, modes = read_banks(wavelet, axes=2), read_modes(mode, axes=2)
    details = []
    for _ in range(read_level(level, [low.shape[place] for place in places], banks)):
        low, vertical, horizontal, diagonal = analyze_plane(low, banks, modes, places)
        details.append((horizontal, vertical, diagonal))
    return [low, *reversed(details)]


def waverec2(coeffs: Sequence[Any], wavelet: Any, mode: Any = "symmetric", axes: Sequence[int] = (-2, -1)) -> Array:
    """Inverse of `wavedec2`.

    Args:
        coeffs: [cA_n, (cH_n, cV_n, cD_n), …]; None counts as zeros.
        wavelet: As in `wavedec2`.
        mode: As in `wavedec2`.
        axes: As in `wavedec2`.

    Returns:
        The array; of odd lengths one sample more than was taken apart.

    Raises:
        ShapeError: No coefficients, or details that do not fit the level below.
        OptionError: An unknown wavelet or mode.
        RangeError: Tensors of integers.

    Example:
        >>> import torch
        >>> waverec2(wavedec2(torch.ones(8, 8), "haar", level=2), "haar").shape
        torch.Size([8, 8])
    """
    low, details = _read_levels(coeffs)
    for place, given in enumerate(details):
        three = (None,) * 3 if given is None else tuple(given)
        there = [as_array(band, name="detail") for band in three if band is not None]
        if low is not None and there:
            low = trimmed(low, there[0].shape, read_axes(low, axes), level=f"level {len(details) - place}")
        if low is not None or there:
            low = idwt2((low, three), wavelet, mode, axes)
    return _made(low)


def wavedecn(
    data: Any, wavelet: Any, mode: Any = "symmetric", level: int | None = None, axes: Sequence[int] | None = None
) -> list[Any]:
    """Levels along any axes.

    Args:
        data: Real or complex array.
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis.
        level: Number of levels; None for the greatest that makes sense along all axes.
        axes: The axes, None for all.

    Returns:
        [cA_n, {details of level n}, …, {details of level 1}], the details by keys of "a" and "d", one letter per axis.

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: Axes that are not there or empty.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> import torch
        >>> [len(band) for band in wavedecn(torch.ones(4, 4, 4), "haar", level=1)]
        [2, 7]
    """
    low = as_array(data)
    if low.ndim == 0:
        raise ShapeError("got a single number, expected an array of at least one axis")
    places = read_axes(low, axes)
    banks, modes = read_banks(wavelet, axes=len(places)), read_modes(mode, axes=len(places))
    details = []
    for _ in range(read_level(level, [low.shape[place] for place in places], banks)):
        bands = analyze_axes(low, banks, modes, places)
        low = bands.pop("a" * len(places))
        details.append(bands)
    return [low, *reversed(details)]


def waverecn(coeffs: Sequence[Any], wavelet: Any, mode: Any = "symmetric", axes: Sequence[int] | None = None) -> Array:
    """Inverse of `wavedecn`.

    Args:
        coeffs: [cA_n, {details}, …]; None and missing bands count as zeros.
        wavelet: As in `wavedecn`.
        mode: As in `wavedecn`.
        axes: As in `wavedecn`.

    Returns:
        The array; of odd lengths one sample more than was taken apart.

    Raises:
        ShapeError: No coefficients, or details that do not fit the level below.
        OptionError: An unknown wavelet or mode.
        RangeError: Tensors of integers.

    Example:
        >>> import torch
        >>> waverecn(wavedecn(torch.ones(4, 4, 4), "haar", level=1), "haar").shape
        torch.Size([4, 4, 4])
    """
    low, details = _read_levels(coeffs)
    for place, given in enumerate(details):
        bands = _read_details(given)
        if low is not None and bands:
            one = next(iter(bands.values()))
            low = trimmed(low, one.shape, read_axes(low, axes), level=f"level {len(details) - place}")
        if bands:
            low = idwtn({"a" * len(next(iter(bands))): low, **bands}, wavelet, mode, axes)
        elif low is not None:
            low = idwtn({"a" * len(read_axes(low, axes)): low}, wavelet, mode, axes)
    return _made(low)


def _read_levels(coeffs: Sequence[Any]) -> tuple[Array | None, list[Any]]:
    if not isinstance(coeffs, list | tuple) or not coeffs:
        raise ShapeError(
            f"got coefficients of type {type(coeffs).__name__}, expected a list [approximation, details, …], not empty"
        )
    return (None if coeffs[0] is None else as_array(coeffs[0], name="approximation")), list(coeffs[1:])


def _read_details(given: Mapping[str, Any] | None) -> dict[str, Array]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ShapeError(f"got details of type {type(given).__name__}, expected a dict of bands by keys of a and d")
    there = {key: value for key, value in given.items() if value is not None}
    return read_bands(there, axes=max(len(key) for key in there)) if there else {}


def _made(low: Array | None) -> Array:
    if low is None:
        raise ShapeError("got no coefficients, expected at least one band that is not None")
    return low
