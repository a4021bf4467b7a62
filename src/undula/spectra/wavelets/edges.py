"""Mode "boundary": orthogonal edge filters; n samples give n coefficients, and the inverse is the transpose."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from undula.errors import OptionError
from undula.spectra.arrays import Array, concat, constant, constant_in_graphs, part, zeros
from undula.spectra.wavelets.banks import Bank
from undula.spectra.wavelets.step import weighted

Rows = tuple[tuple[float, ...], ...]
"""A small matrix, row by row."""
Filters = NDArray[np.float64]

# The largest departure from orthogonality that is let through; of the wavelets of PyWavelets it parts dmey (2e-3) from the
# others (sym20 1.4e-11, then sym3 4.8e-12, db and coif below 3e-16), and leaves room for filters rounded to float32.
_TOLERANCE = 1e-6


class Edges(NamedTuple):
    """What stands at the ends instead of the filters that stick out; the same for every length of more than F samples.

    Attributes:
        margin: Rows of either filter that stick out at one end, ⌊F / 4⌋.
        first: Low rows at the left end, as many as high rows at the right end.
        left: 2·margin rows over the first samples, low ones above high ones.
        right: 2·margin rows over the last samples, low ones above high ones.
    """

    margin: int
    first: int
    left: Rows
    right: Rows


def boundary_down(x: Array, bank: Bank, axis: int) -> tuple[Array, Array]:
    """Both bands of an orthogonal transform of n samples to n coefficients, [low; high] = A x with AᵀA = I.

    Inside, the rows of A are those of the filters, as in every other mode. At the ends they are the orthonormal rows nearest
    to the cut-off filters (symmetric orthogonalization). Where one end takes more low than high rows, and the other more
    high ones, the bands are shifted against one another by as much. Herley and Vetterli, IEEE Trans. Signal Process. 42,
    1994.

    Args:
        x: Array with n samples along `axis`; of an odd n the last sample is repeated first, as in "periodization", and
            the inverse returns n + 1 samples. A signal of no more samples than taps is transformed as in
            "periodization", whose matrix is orthogonal for any even n.
        bank: An orthogonal bank of known numbers. AᵀA departs from I by as much as the filters do: below 1e-14 for
            haar, db and coif, up to 1.4e-11 for sym (PyWavelets' table).
        axis: A negative axis.

    Returns:
        Low and high band, ⌈n / 2⌉ coefficients each.

    Raises:
        OptionError: A biorthogonal or learnable bank.

    Example:
        >>> from undula.spectra.wavelets.banks import read_bank
        >>> x = np.arange(8.0) ** 2
        >>> low, high = boundary_down(x, read_bank("db2"), -1)
        >>> round(float((low**2).sum() + (high**2).sum() - (x**2).sum()), 9)
        0.0
    """
    from undula.spectra.wavelets.strategies import analyze_axis  # the seam, which knows this file

    edges = edges_of(bank)
    low, high = analyze_axis(x, bank, "periodization", axis)
    half = low.shape[axis]
    if not edges.margin or 2 * half <= bank.length:
        return low, high
    first, last, inner = edges.first, 2 * edges.margin - edges.first, (edges.margin, half - edges.margin)
    wide = len(edges.left[0])
    ending = part(x, axis, 2 * half - wide, None)
    if x.shape[axis] % 2:
        ending = concat([ending, part(x, axis, -1, None)], axis=axis)
    left, right = _project(part(x, axis, 0, wide), edges.left, axis), _project(ending, edges.right, axis)
    low = concat([part(left, axis, 0, first), part(low, axis, *inner), part(right, axis, 0, last)], axis=axis)
    high = concat([part(left, axis, first, None), part(high, axis, *inner), part(right, axis, last, None)], axis=axis)
    return low, high


def boundary_up(low: Array | None, high: Array | None, bank: Bank, axis: int) -> Array:
    """Inverse of `boundary_down`, x = Aᵀ [low; high].

    Args:
        low: Low band, or None for zeros.
        high: High band of the same shape, or None.
        bank: As in `boundary_down`.
        axis: A negative axis.

    Returns:
        Twice as many samples as a band has.

    Raises:
        OptionError: A biorthogonal or learnable bank.

    Example:
        >>> from undula.spectra.wavelets.banks import read_bank
        >>> bank = read_bank("db2")
        >>> boundary_up(*boundary_down(np.arange(6.0), bank, -1), bank, -1).round(9) + 0.0
        array([0., 1., 2., 3., 4., 5.])
    """
    from undula.spectra.wavelets.strategies import synthesize_axis  # the seam, which knows this file

    edges = edges_of(bank)
    band: Array = high if low is None else low
    half, margin, first = band.shape[axis], edges.margin, edges.first
    if not margin or 2 * half <= bank.length:
        return synthesize_axis(low, high, bank, "periodization", axis)
    last, inner = 2 * margin - first, half - 2 * margin
    low_inner, high_inner = _between_zeros(low, first, inner, axis), _between_zeros(high, last, inner, axis)
    x = synthesize_axis(low_inner, high_inner, bank, "periodization", axis)
    left = _spread(low, high, edges.left, axis, (0, first), (0, last), like=x)
    right = _spread(low, high, edges.right, axis, (first + inner, half), (last + inner, half), like=x)
    return _with_ends(x, left, right, axis)


def edges_of(bank: Bank) -> Edges:
    """The edge rows of a bank.

    Args:
        bank: An orthogonal bank of known numbers.

    Returns:
        The rows, calculated once per bank.

    Raises:
        OptionError: A biorthogonal or learnable bank.

    Example:
        >>> from undula.spectra.wavelets.banks import read_bank
        >>> edges_of(read_bank("haar"))
        Edges(margin=0, first=0, left=(), right=())
    """
    if not bank.known:
        raise OptionError(
            f"got the learnable filters of {bank.name} in mode boundary, whose edge filters are calculated once from known"
            " numbers: expected a named wavelet, or another mode"
        )
    edges = _edges(bank.dec_lo, bank.dec_hi, bank.rec_lo, bank.rec_hi)
    if edges is None:
        raise OptionError(
            f"got {bank.name} in mode boundary, expected filters that are orthogonal to {_TOLERANCE:g} (dmey is to 0.002): use"
            " haar, db1 … db38, sym2 … sym20 or coif1 … coif17, or another mode"
        )
    return edges


@constant_in_graphs
def _edges(*filters: tuple[float, ...]) -> Edges | None:
    """The edge rows; inside compiled code they are constants, calculated without being traced."""
    return _calculated(*filters)


@lru_cache(maxsize=256)
def _calculated(dec_lo: tuple[float, ...], dec_hi: tuple[float, ...], *rec: tuple[float, ...]) -> Edges | None:
    """The edge rows, or None where the four filters are not those of one orthogonal transform.

    The cut-off filters nearest to the inside are taken, 2·margin at either end, and made orthonormal as little as possible
    (the polar factor). As many low as high ones would nearly be dependent, because the low filters of db and coif are heavy
    at one end and the high ones at the other: the smallest singular value is 0.12 for db4, 3e-7 for db20. With the best
    share of low and high ones it is 0.97 and 0.78, and at least 0.36 for every orthogonal wavelet of PyWavelets.
    """
    if _departure(np.array([dec_lo, dec_hi]), np.array(rec)) > _TOLERANCE:
        return None
    margin, wide = len(dec_lo) // 4, len(dec_lo) // 4 * 2 - 1 + len(dec_lo) // 2
    if margin == 0:
        return Edges(0, 0, (), ())
    shares = []
    for first in range(2 * margin + 1):
        last = 2 * margin - first
        left = (_cut(dec_lo, margin - first, first, 0, wide), _cut(dec_hi, margin - last, last, 0, wide))
        right = (_cut(dec_lo, -margin, last, -wide, wide), _cut(dec_hi, -margin, first, -wide, wide))
        shares.append((first, np.concatenate(left), np.concatenate(right)))
    first, *ends = max(shares, key=lambda share: min(np.linalg.svd(end, compute_uv=False).min() for end in share[1:]))
    return Edges(margin, first, *(_nearest(end) for end in ends))


def _departure(dec: Filters, rec: Filters) -> float:
    """How far filters are from orthogonal ones, with synthesis filters that are the analysis filters reversed."""
    taps = dec.shape[1]
    products = [dec[:, k:] @ dec[:, : taps - k].T - (np.eye(2) if k == 0 else 0.0) for k in range(0, taps, 2)]
    return float(max(np.abs(products).max(), np.abs(rec - dec[:, ::-1]).max()))


def _cut(taps: tuple[float, ...], row: int, count: int, start: int, wide: int) -> Filters:
    """Rows `row`, `row` + 1, … of a filter, what is left of them on samples `start` … `start` + `wide` - 1."""
    half, places = len(taps) // 2, range(start, start + wide)
    shifts = [[2 * each + half - t for t in places] for each in range(row, row + count)]
    return np.array([[taps[j] if 0 <= j < 2 * half else 0.0 for j in line] for line in shifts]).reshape(count, wide)


def _nearest(rows: Filters) -> Rows:
    """The orthonormal rows nearest to given ones."""
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    return tuple(tuple(row) for row in (left @ right).tolist())


def _project(x: Array, rows: Rows, axis: int) -> Array:
    """A matrix times a few samples of an axis, as sums: a matrix product would be rounded to half type by autocast."""
    wide = _single(x)
    matrix = constant(np.array(rows).T, like=wide).reshape([len(rows[0]), -1, *[1] * (-1 - axis)])
    return _typed(weighted([part(wide, axis, t, t + 1) for t in range(len(rows[0]))], matrix), like=x)


def _spread(
    low: Array | None, high: Array | None, rows: Rows, axis: int, *spans: tuple[int, int], like: Array
) -> Array:
    """The transpose: coefficients of either band within its span, each times its row."""
    matrix = constant(rows, like=_single(like)).reshape([len(rows), -1, *[1] * (-1 - axis)])
    terms, weights, row = [], [], 0
    for band, (start, stop) in zip((low, high), spans, strict=True):
        if band is not None:
            terms += [_single(part(band, axis, k, k + 1)) for k in range(start, stop)]
            weights += [matrix[row + k - start] for k in range(start, stop)]
        row += stop - start
    return _typed(weighted(terms, weights), like=like) if terms else _zeros(like, len(rows[0]), axis)


def _between_zeros(band: Array | None, start: int, count: int, axis: int) -> Array | None:
    """The coefficients of whole filters, with zeros in the place of those that stick out, which then go round nothing."""
    if band is None:
        return None
    gap = _zeros(band, (band.shape[axis] - count) // 2, axis)
    return concat([gap, part(band, axis, start, start + count), gap], axis=axis)


def _with_ends(x: Array, left: Array, right: Array, axis: int) -> Array:
    """The array with something added to its first and last samples."""
    n, wide = x.shape[axis], left.shape[axis]
    if n < 2 * wide:
        gap = _zeros(x, n - wide, axis)
        return x + concat([left, gap], axis=axis) + concat([gap, right], axis=axis)
    first, last = part(x, axis, 0, wide) + left, part(x, axis, n - wide, None) + right
    return concat([first, part(x, axis, wide, n - wide), last], axis=axis)


def _zeros(like: Array, count: int, axis: int) -> Array:
    shape = list(like.shape)
    shape[axis] = count
    return zeros(like, shape)


def _single(x: Array) -> Array:
    """Half precision in single precision, in which the seam calculates, too."""
    if x.dtype.itemsize > 2:
        return x
    return x.float() if isinstance(x, torch.Tensor) else x.astype(np.float32)


def _typed(x: Array, *, like: Array) -> Array:
    if x.dtype == like.dtype:
        return x
    return x.to(like.dtype) if isinstance(x, torch.Tensor) else x.astype(like.dtype)
