"""How many levels, coefficients and bands a transform has, from shapes alone."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from undula.errors import RangeError, ShapeError
from undula.spectra.wavelets.banks import Bank, read_bank, read_banks
from undula.spectra.wavelets.modes import Mode, read_mode, read_modes
from undula.spectra.wavelets.reading import max_level, read_axes, read_level
from undula.spectra.wavelets.step import band_length

Shape = tuple[int, ...]


def dwt_max_level(data_len: int, filter_len: Any) -> int:
    """Greatest level at which some coefficient is free of the ends: ⌊log₂(n / (F - 1))⌋.

    Args:
        data_len: Samples n, at least 0.
        filter_len: Taps F of the filters, or a wavelet, however it is given.

    Returns:
        The level; 0 for signals shorter than the filter.

    Raises:
        RangeError: A filter of fewer than two taps, a negative number of samples, or numbers that are no integers.
        OptionError: An unknown wavelet.

    Example:
        >>> dwt_max_level(1000, "sym5")
        6
    """
    taps = _read_taps(filter_len)
    if taps < 2:
        raise RangeError(f"got filter_len={filter_len}, expected at least 2 taps: haar has two")
    return max_level(_whole(data_len, "data_len", least=0), taps)


def dwtn_max_level(shape: Sequence[int], wavelet: Any, axes: Any = None) -> int:
    """Greatest level that makes sense along every axis, the least `dwt_max_level` of them.

    Args:
        shape: Shape of the data.
        wavelet: One wavelet, or one per axis.
        axes: The axes, None for all.

    Returns:
        The level.

    Raises:
        OptionError: An unknown wavelet.
        ShapeError: No axes, or axes that are not there or empty.

    Example:
        >>> dwtn_max_level((64, 32), "db2")
        3
    """
    data = _only_shape(shape)
    places = read_axes(data, axes)
    banks = read_banks(wavelet, axes=len(places))
    return read_level(None, [data.shape[place] for place in places], banks)


def dwt_coeff_len(data_len: int, filter_len: Any, mode: Any = "symmetric") -> int:
    """Coefficients of each band of one level: ⌊(n + F - 1) / 2⌋, for "periodization" and "boundary" ⌈n / 2⌉.

    Args:
        data_len: Samples n, at least 1.
        filter_len: Taps F of the filters, or a wavelet, however it is given.
        mode: Boundary mode, see `MODES`.

    Returns:
        The number of coefficients.

    Raises:
        RangeError: No samples, no taps, or numbers that are no integers.
        OptionError: An unknown wavelet or mode.

    Example:
        >>> dwt_coeff_len(8, "sym3"), dwt_coeff_len(8, "sym3", "periodization")
        (6, 4)
    """
    taps = _read_taps(filter_len)
    if taps < 1:
        raise RangeError(f"got filter_len={filter_len}, expected at least 1 tap")
    return _count(_whole(data_len, "data_len", least=1), taps, read_mode(mode))


def wavedec_shapes(
    shape: int | Sequence[int], wavelet: Any, mode: Any = "symmetric", level: int | None = None, axis: int = -1
) -> list[Shape]:
    """Shapes of what `wavedec` returns, in its order; PyWavelets has no such function.

    Args:
        shape: Shape of the data, or the number of samples.
        wavelet: As in `wavedec`.
        mode: As in `wavedec`.
        level: As in `wavedec`.
        axis: As in `wavedec`.

    Returns:
        [shape of cA_n, of cD_n, …, of cD_1].

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: An axis that is not there or empty.
        RangeError: A negative level.

    Example:
        >>> wavedec_shapes(64, "db2", level=3)
        [(10,), (10,), (18,), (33,)]
    """
    data = _only_shape([shape] if isinstance(shape, int) else shape)
    (place,) = read_axes(data, axis, count=1)
    bank, kind = read_bank(wavelet), read_mode(mode)
    low, details = data.shape, []
    for _ in range(read_level(level, [low[place]], [bank])):
        low = _halved(low, [bank], [kind], [place])
        details.append(low)
    return [low, *reversed(details)]


def wavedecn_shapes(
    shape: Sequence[int], wavelet: Any, mode: Any = "symmetric", level: int | None = None, axes: Any = None
) -> list[Any]:
    """Shapes of what `wavedecn` returns, in its containers.

    Args:
        shape: Shape of the data.
        wavelet: As in `wavedecn`.
        mode: As in `wavedecn`.
        level: As in `wavedecn`; None counts the levels of `wavedecn` (PyWavelets can count fewer here than there, where
            both the axes and their wavelets differ in length).
        axes: As in `wavedecn`.

    Returns:
        [shape of cA_n, {shapes of level n}, …, {shapes of level 1}].

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: No axes, or axes that are not there or empty.
        RangeError: A negative level.

    Example:
        >>> wavedecn_shapes((64, 32), "db2", level=3, axes=(0,))
        [(10, 32), {'d': (10, 32)}, {'d': (18, 32)}, {'d': (33, 32)}]
    """
    data = _only_shape(shape)
    places = read_axes(data, axes)
    banks, modes = read_banks(wavelet, axes=len(places)), read_modes(mode, axes=len(places))
    keys = ["".join(letters) for letters in product("ad", repeat=len(places))][1:]
    low, details = data.shape, []
    for _ in range(read_level(level, [low[place] for place in places], banks)):
        low = _halved(low, banks, modes, places)
        details.append(dict.fromkeys(keys, low))
    return [low, *reversed(details)]


def wavedecn_size(shapes: Sequence[Any]) -> int:
    """Number of coefficients of all bands together.

    Args:
        shapes: What `wavedecn_shapes` or `wavedec_shapes` returns, or the coefficients of `wavedec`, `wavedec2` or
            `wavedecn`.

    Returns:
        Their number.

    Raises:
        ShapeError: A band that is None, or something that is no band.

    Example:
        >>> wavedecn_size(wavedecn_shapes((64, 32), "db2", mode="periodization"))
        2048
    """
    return sum(_size(each) for each in shapes)


class _Shaped(NamedTuple):
    """What checking axes needs of an array."""

    shape: Shape
    ndim: int


def _only_shape(shape: Sequence[int]) -> _Shaped:
    if not len(shape):
        raise ShapeError("got an empty shape, expected an array of at least one axis")
    return _Shaped(tuple(int(n) for n in shape), len(shape))


def _halved(shape: Shape, banks: Sequence[Bank], modes: Sequence[Mode], axes: Sequence[int]) -> Shape:
    """Shape of every band of one level."""
    halved = list(shape)
    for bank, mode, axis in zip(banks, modes, axes, strict=True):
        halved[axis] = _count(shape[axis], bank.length, mode)
    return tuple(halved)


def _count(n: int, taps: int, mode: Mode) -> int:
    return band_length(n, taps, "periodization" if mode == "boundary" else mode)


def _size(band: Any) -> int:
    if band is None:
        raise ShapeError("got a band that is None, expected all bands: put zeros where there is none")
    if hasattr(band, "shape"):
        return prod(band.shape)
    if isinstance(band, Mapping):
        return sum(_size(each) for each in band.values())
    if not isinstance(band, Sequence) or isinstance(band, str):
        raise ShapeError(
            f"got a band of type {type(band).__name__}, expected an array, a shape, or a dict or tuple of these"
        )
    if all(isinstance(n, int) for n in band):
        return prod(band)
    return sum(_size(each) for each in band)


def _read_taps(filter_len: Any) -> int:
    """Taps, from their number or from a wavelet."""
    number = isinstance(filter_len, int | float) or hasattr(filter_len, "__index__")
    return _whole(filter_len, "filter_len") if number else read_bank(filter_len).length


def _whole(value: Any, name: str, *, least: int | None = None) -> int:
    if value % 1 or (least is not None and value < least):
        raise RangeError(
            f"got {name}={value}, expected a whole number{'' if least is None else f' of at least {least}'}"
        )
    return int(value)
