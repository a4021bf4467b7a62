"""Multiresolution analysis: a signal as the sum of what each level contributes; names and containers as in PyWavelets."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add
from typing import Any, Literal

from undula.errors import OptionError, ShapeError
from undula.spectra.arrays import Array, as_array, zeros
from undula.spectra.wavelets.modes import read_mode
from undula.spectra.wavelets.multilevel import wavedec, wavedec2, wavedecn, waverec, waverec2, waverecn
from undula.spectra.wavelets.stationary import iswt, iswt2, iswtn, swt, swt2, swtn


def mra(
    data: Any,
    wavelet: Any,
    level: int | None = None,
    axis: int = -1,
    transform: Literal["swt", "dwt"] = "swt",
    mode: Any = "periodization",
) -> list[Array]:
    """The parts of a signal, one for each level, that add up to it.

    Each part is the inverse of the transform with all other coefficients zero. The parts stand where the signal has what
    they show, whatever the phase of the wavelet.

    Args:
        data: Real or complex array (…, n, …); for "swt" n is a multiple of 2^level.
        wavelet: A name, a `pywt.Wavelet`, four filters or a learnable bank.
        level: Number of levels; None for the greatest that makes sense, `swt_max_level` or `dwt_max_level`.
        axis: Axis of the signal.
        transform: "swt" (a shifted signal has shifted parts) or "dwt" (any length).
        mode: Boundary mode; for "swt" always "periodization".

    Returns:
        [A_n, D_n, …, D_1], all of the shape of the data.

    Raises:
        OptionError: An unknown wavelet, mode or transform; a mode that "swt" does not have.
        ShapeError: An axis that is not there or empty; for "swt" a length that is no such multiple.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> [part.round(12).tolist() for part in mra([1, 2, 4, 9], "haar", level=1)]
        [[3.25, 2.25, 4.75, 5.75], [-2.25, -0.25, -0.75, 3.25]]
    """
    x = as_array(data)
    if _is_stationary(transform, ("swt", "dwt"), mode):
        coeffs = swt(x, wavelet, level, axis=axis, trim_approx=True, norm=True)
        return _parts(x, coeffs, partial(iswt, wavelet=wavelet, norm=True, axis=axis), empty=_none)
    coeffs = wavedec(x, wavelet, mode, level, axis)
    return _parts(x, coeffs, partial(waverec, wavelet=wavelet, mode=mode, axis=axis), empty=_zeros)


def imra(mra_coeffs: Sequence[Any]) -> Array:
    """Inverse of `mra`: the sum of the parts.

    Args:
        mra_coeffs: As `mra` returns them.

    Returns:
        The signal.

    Raises:
        ShapeError: No parts.

    Example:
        >>> imra(mra([1, 2, 3, 6], "haar")).round(12)
        array([1., 2., 3., 6.])
    """
    return _summed(mra_coeffs)


def mra2(
    data: Any,
    wavelet: Any,
    level: int | None = None,
    axes: Sequence[int] = (-2, -1),
    transform: Literal["swt2", "dwt2"] = "swt2",
    mode: Any = "periodization",
) -> list[Any]:
    """The parts of an image, three for each level, that add up to it.

    Args:
        data: Real or complex array (…, H, W).
        wavelet: One wavelet, or one per axis.
        level: Number of levels; None for the greatest that makes sense along the two axes.
        axes: The two axes.
        transform: "swt2" or "dwt2", see `mra`.
        mode: One mode, or one per axis; for "swt2" always "periodization".

    Returns:
        [A_n, (H_n, V_n, D_n), …, (H_1, V_1, D_1)], all of the shape of the data.

    Raises:
        OptionError: As in `mra`.
        ShapeError: As in `mra`; axes that are not two.
        RangeError: As in `mra`.

    Example:
        >>> import torch
        >>> [len(each) for each in mra2(torch.ones(4, 4), "haar", level=1)]
        [4, 3]
    """
    x = as_array(data)
    if _is_stationary(transform, ("swt2", "dwt2"), mode):
        coeffs = swt2(x, wavelet, level, axes=axes, trim_approx=True, norm=True)
        return _parts(x, coeffs, partial(iswt2, wavelet=wavelet, norm=True, axes=axes), empty=_none)
    coeffs = wavedec2(x, wavelet, mode, level, axes)
    return _parts(x, coeffs, partial(waverec2, wavelet=wavelet, mode=mode, axes=axes), empty=_zeros)


def imra2(mra_coeffs: Sequence[Any]) -> Array:
    """Inverse of `mra2`: the sum of the parts.

    Args:
        mra_coeffs: As `mra2` returns them.

    Returns:
        The array.

    Raises:
        ShapeError: No parts.

    Example:
        >>> imra2(mra2([[1, 2], [3, 4]], "haar")).round(12)
        array([[1., 2.],
               [3., 4.]])
    """
    return _summed(mra_coeffs)


def mran(
    data: Any,
    wavelet: Any,
    level: int | None = None,
    axes: Sequence[int] | None = None,
    transform: Literal["swtn", "dwtn"] = "swtn",
    mode: Any = "periodization",
) -> list[Any]:
    """The parts of an array, 2^axes - 1 for each level, that add up to it.

    Args:
        data: Real or complex array.
        wavelet: One wavelet, or one per axis.
        level: Number of levels; None for the greatest that makes sense along all of the axes.
        axes: The axes, None for all.
        transform: "swtn" or "dwtn", see `mra`.
        mode: One mode, or one per axis; for "swtn" always "periodization".

    Returns:
        [A_n, {parts of level n}, …, {parts of level 1}], by keys of "a" and "d"; all of the shape of the data.

    Raises:
        OptionError: As in `mra`.
        ShapeError: As in `mra`.
        RangeError: As in `mra`.

    Example:
        >>> import torch
        >>> sorted(mran(torch.ones(4, 4, 4), "haar", level=1)[1])
        ['aad', 'ada', 'add', 'daa', 'dad', 'dda', 'ddd']
    """
    x = as_array(data)
    if _is_stationary(transform, ("swtn", "dwtn"), mode):
        coeffs = swtn(x, wavelet, level, axes=axes, trim_approx=True, norm=True)
        return _parts(x, coeffs, partial(iswtn, wavelet=wavelet, axes=axes, norm=True), empty=_none)
    coeffs = wavedecn(x, wavelet, mode, level, axes)
    return _parts(x, coeffs, partial(waverecn, wavelet=wavelet, mode=mode, axes=axes), empty=_zeros)


def imran(mra_coeffs: Sequence[Any]) -> Array:
    """Inverse of `mran`: the sum of the parts.

    Args:
        mra_coeffs: As `mran` returns them.

    Returns:
        The array.

    Raises:
        ShapeError: No parts.

    Example:
        >>> imran(mran([[1, 2], [3, 4]], "haar")).round(12)
        array([[1., 2.],
               [3., 4.]])
    """
    return _summed(mra_coeffs)


def _is_stationary(transform: str, choices: tuple[str, str], mode: Any) -> bool:
    """Whether the first of the two transforms was chosen, which is periodic."""
    if transform not in choices:
        raise OptionError(f"got transform {transform!r}, expected {choices[0]!r} or {choices[1]!r}")
    modes = mode if isinstance(mode, tuple | list) else (mode,)
    if transform == choices[0] and any(read_mode(each) != "periodization" for each in modes):
        raise OptionError(f"got mode {mode!r} for {choices[0]!r}, expected 'periodization': use {choices[1]!r} for it")
    return transform == choices[0]


def _parts(
    x: Array, coeffs: list[Any], inverse: Callable[[list[Any]], Array], *, empty: Callable[[Array], Any]
) -> list[Any]:
    """The inverse of each band alone, cut to the shape of the data, in the containers of the coefficients."""
    nothing = [_mapped(bands, empty) for bands in coeffs]
    index = tuple(slice(length) for length in x.shape)

    def part(level: int, bands: Any) -> Array:
        return inverse([*nothing[:level], bands, *nothing[level + 1 :]])[index]

    return [_alone(bands, nothing[level], partial(part, level)) for level, bands in enumerate(coeffs)]


def _alone(bands: Any, nothing: Any, run: Callable[[Any], Array]) -> Any:
    """The bands of one level, each of them run with nothing in the place of the others."""
    if isinstance(bands, dict):
        return {key: run({**nothing, key: band}) for key, band in bands.items()}
    if isinstance(bands, tuple):
        return tuple(run((*nothing[:place], band, *nothing[place + 1 :])) for place, band in enumerate(bands))
    return run(bands)


def _mapped(bands: Any, run: Callable[[Array], Any]) -> Any:
    if isinstance(bands, dict):
        return {key: run(band) for key, band in bands.items()}
    return tuple(run(band) for band in bands) if isinstance(bands, tuple) else run(bands)


def _none(band: Array) -> None:
    """The stationary inverses spare themselves what is not there."""
    return


def _zeros(band: Array) -> Array:
    """The others learn from zeros how long a level is."""
    return zeros(band, band.shape)


def _summed(parts: Sequence[Any]) -> Array:
    flat: list[Any] = []
    for each in parts:
        flat += each.values() if isinstance(each, dict) else each if isinstance(each, tuple | list) else [each]
    if not flat:
        raise ShapeError("got no parts, expected what mra returns")
    return reduce(add, flat)
