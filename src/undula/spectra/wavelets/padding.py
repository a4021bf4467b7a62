"""Padding: an array continued beyond its ends, by the boundary modes of the transforms."""

from collections.abc import Sequence
from typing import Any

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.arrays import Array, as_array
from undula.spectra.wavelets.modes import PADDING_MODES, Mode, extension, read_mode
from undula.spectra.wavelets.step import extend


def pad(x: Any, pad_widths: Any, mode: Any) -> Array:
    """The array continued beyond both ends of its axes, one axis after the other.

    Args:
        x: Real or complex array.
        pad_widths: Samples before and behind, as in `numpy.pad`: p or (p,) for all ends, (before, after) for all axes,
            or ((before, after), …), one pair per axis.
        mode: Boundary mode, see `MODES`, without "boundary". "constant" repeats the end samples (`numpy.pad` calls
            this "edge").

    Returns:
        The longer array; in mode "periodization" an odd axis first grows by one sample, the last one repeated.

    Raises:
        OptionError: An unknown mode.
        RangeError: Negative widths, tensors of integers.
        ShapeError: Widths of another number of axes, an empty axis.

    Example:
        >>> pad([1, 2, 3], 2, "symmetric")
        array([2., 1., 1., 2., 3., 3., 2.])
    """
    # pywt.pad cannot pad one end only in modes "smooth" and "antisymmetric", and reads one sample in mode "smooth" as a
    # slope; here one sample is continued as a constant, as in pywt.dwt.
    longer = as_array(x, name="x")
    kind = read_mode(mode)
    if kind not in PADDING_MODES:
        raise OptionError(
            f"got mode {mode!r}, expected one of {', '.join(PADDING_MODES)}: boundary filters need no padding"
        )
    for axis, (before, after) in zip(range(-longer.ndim, 0), _read_widths(pad_widths, longer.ndim), strict=True):
        longer = _pad_axis(longer, before, after, kind, axis)
    return longer


def _pad_axis(x: Array, before: int, after: int, mode: Mode, axis: int) -> Array:
    n = x.shape[axis]
    if n == 0:
        raise ShapeError(f"got an array of shape {tuple(x.shape)}, expected at least one sample along axis {axis}")
    even = n % 2 if mode == "periodization" else 0
    return extend(x, extension(n, before, after + even, mode), axis)


def _read_widths(pad_widths: Any, axes: int) -> list[tuple[int, int]]:
    """One (before, after) per axis, in plain Python: NumPy's own reading cannot be traced."""
    given = pad_widths.tolist() if hasattr(pad_widths, "tolist") else pad_widths
    rows = list(given) if isinstance(given, Sequence) else [given]
    if not any(isinstance(row, Sequence) for row in rows):
        rows = [rows]
    pairs = [_read_pair(row, given) for row in rows]
    pairs = pairs * axes if len(pairs) == 1 else pairs
    if len(pairs) != axes:
        raise ShapeError(
            f"got pad_widths={given} for {axes} axes, expected one pair (before, after) for all or one per axis"
        )
    return pairs


def _read_pair(row: Any, given: Any) -> tuple[int, int]:
    if not isinstance(row, Sequence) or len(row) not in (1, 2) or any(isinstance(width, Sequence) for width in row):
        raise ShapeError(f"got pad_widths={given}, expected a number, (before, after) or ((before, after), …)")
    before, after = round(row[0]), round(row[-1])
    if before < 0 or after < 0:
        raise RangeError(f"got pad_widths={given}, expected widths of at least 0: take a slice to shorten an array")
    return before, after
