"""The fully separable transform: all levels along one axis before the next axis, each with its own number of levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from typing import Any

from undula.errors import RangeError, ShapeError
from undula.spectra.arrays import Array, as_array, concat, part
from undula.spectra.wavelets.banks import Bank, read_banks
from undula.spectra.wavelets.modes import Mode, read_modes
from undula.spectra.wavelets.multilevel import waverec
from undula.spectra.wavelets.reading import read_axes, read_level
from undula.spectra.wavelets.strategies import analyze_axis


@dataclass(frozen=True, eq=False)
class FswavedecnResult:
    """The coefficients of `fswavedecn`; a band is `result[levels]`, its levels counted from 0, the approximation.

    Other coefficients of the same shape: `dataclasses.replace(result, coeffs=…)`.

    Attributes:
        coeffs: All coefficients as one array, along every axis of the transform from coarse to fine.
        coeff_slices: For every axis of the transform where each level lies.
        wavelets: The filters along every axis.
        modes: The boundary mode along every axis.
        axes: The axes, as they were given.

    Raises:
        ShapeError: Coefficients that the slices do not fit.
    """

    coeffs: Array
    coeff_slices: list[list[slice]]
    wavelets: list[Bank]
    modes: list[Mode]
    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check that the slices cover the axes."""
        shape = tuple(self.coeffs.shape)
        wanted = {axis: slices[-1].stop for axis, slices in zip(self.axes, self.coeff_slices, strict=True)}
        if any(not -len(shape) <= axis < len(shape) or shape[axis] != length for axis, length in wanted.items()):
            raise ShapeError(f"got coefficients of shape {shape}, expected these lengths along the axes: {wanted}")

    @property
    def ndim(self) -> int:
        """Axes of the data."""
        return int(self.coeffs.ndim)

    @property
    def ndim_transform(self) -> int:
        """Axes of the transform."""
        return len(self.axes)

    @property
    def levels(self) -> list[int]:
        """Number of levels along every axis of the transform."""
        return [len(slices) - 1 for slices in self.coeff_slices]

    @property
    def wavelet_names(self) -> list[str]:
        """Name of the wavelet along every axis of the transform."""
        return [bank.name for bank in self.wavelets]

    @property
    def approx(self) -> Array:
        """The approximation along all axes."""
        return self[(0,) * self.ndim_transform]

    def detail_keys(self) -> list[tuple[int, ...]]:
        """The levels of all bands but the approximation, in order."""
        return [levels for levels in product(*(range(most + 1) for most in self.levels)) if any(levels)]

    def __getitem__(self, levels: Sequence[int]) -> Array:
        """A band.

        Args:
            levels: For every axis 0 for the approximation, 1 for the coarsest detail, … up to `levels` for the finest.

        Raises:
            ShapeError: Another number of levels than axes of the transform.
            RangeError: Levels that there are not.
        """
        if not isinstance(levels, Sequence) or len(levels) != self.ndim_transform:
            raise ShapeError(f"got index {levels!r}, expected one level for each of {self.ndim_transform} axes")
        if any(level % 1 or not 0 <= level <= most for level, most in zip(levels, self.levels, strict=True)):
            raise RangeError(f"got levels {tuple(levels)}, expected whole numbers from 0 to {tuple(self.levels)}")
        index = [slice(None)] * self.ndim
        for axis, slices, level in zip(self.axes, self.coeff_slices, levels, strict=True):
            index[axis] = slices[int(level)]
        return self.coeffs[tuple(index)]


def fswavedecn(
    data: Any, wavelet: Any, mode: Any = "symmetric", levels: Any = None, axes: Any = None
) -> FswavedecnResult:
    """All levels along the first axis, of all these coefficients all levels along the next, and so on.

    The numbers of levels may differ between axes, which suits data that are smoother along one axis than along another
    (also known as tensor-product or hyperbolic wavelet transform).

    Args:
        data: Real or complex array.
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis.
        levels: Number of levels, one for all or one per axis; None for the greatest that makes sense along each axis.
        axes: The axes, None for all.

    Returns:
        The coefficients and where they lie.

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: Axes that are not there or empty, another number of levels than axes.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> import torch
        >>> result = fswavedecn(torch.ones(32, 32), "sym2", levels=(1, 3))
        >>> result.detail_keys()
        [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]
        >>> result[1, 2].shape
        torch.Size([17, 10])
    """
    array = as_array(data)
    places = read_axes(array, axes)
    banks, modes = read_banks(wavelet, axes=len(places)), read_modes(mode, axes=len(places))
    slices = []
    for bank, kind, place, wanted in zip(banks, modes, places, _read_levels(levels, len(places)), strict=True):
        low, details = array, []
        for _ in range(read_level(wanted, [array.shape[place]], [bank])):
            low, high = analyze_axis(low, bank, kind, place)
            details.append(high)
        bands = [low, *reversed(details)]
        ends = accumulate((int(band.shape[place]) for band in bands), initial=0)
        slices.append([slice(begin, end) for begin, end in pairwise(ends)])
        array = concat(bands, axis=place)
    return FswavedecnResult(array, slices, list(banks), list(modes), _named(axes, array.ndim))


def fswaverecn(fswavedecn_result: FswavedecnResult) -> Array:
    """Inverse of `fswavedecn`.

    Args:
        fswavedecn_result: What `fswavedecn` returned, or with other coefficients.

    Returns:
        The array; along odd axes one sample more than was taken apart.

    Raises:
        ShapeError: Coefficients along an axis that are not those of its wavelet and mode.

    Example:
        >>> fswaverecn(fswavedecn([[1, 2], [3, 4]], "haar")).round(12)
        array([[1., 2.],
               [3., 4.]])
    """
    result = fswavedecn_result
    array = result.coeffs
    places = read_axes(array, result.axes)
    for place, slices, bank, mode in zip(places, result.coeff_slices, result.wavelets, result.modes, strict=True):
        bands = [part(array, place, where.start, where.stop) for where in slices]
        array = waverec(bands, bank, mode, place)
    return array


def _read_levels(levels: Any, axes: int) -> list[Any]:
    """One number of levels per axis; each is checked where it is used."""
    if not hasattr(levels, "__len__"):
        return [levels] * axes
    if len(levels) != axes:
        raise ShapeError(f"got {len(levels)} numbers of levels for {axes} axes, expected one for all or one per axis")
    return list(levels)


def _named(axes: Any, dims: int) -> tuple[int, ...]:
    """The axes as they were given, None as all of them."""
    if axes is None:
        return tuple(range(dims))
    return (axes,) if isinstance(axes, int) else tuple(int(axis) for axis in axes)
