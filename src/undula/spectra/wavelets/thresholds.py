"""Thresholds for coefficients: small ones go, large ones stay or shrink; names and modes as in PyWavelets."""

from difflib import get_close_matches
from typing import Any

import numpy as np

from undula.errors import OptionError, RangeError
from undula.spectra.arrays import Array, as_array, constant, is_complex, namespace


def threshold(data: Any, value: Any, mode: str = "soft", substitute: Any = 0) -> Array:
    """Put a threshold v to the magnitude m = |x| of each coefficient.

    "soft" gives x max(0, 1 - v / m), "garrote" (also spelled "garotte") x max(0, 1 - v² / m²), "hard" x where m ≥ v,
    "firm" see `threshold_firm`, "greater" x where x ≥ v, "less" x where x ≤ v, and `substitute` elsewhere. Zeros stay zeros,
    with gradients of zero; values that are not a number stay so.

    Args:
        data: Real or complex array; for "greater" and "less" real.
        value: Threshold, at least 0 but for "greater" and "less": a number, or an array that broadcasts with the data and
            that gradients flow to. For "firm" two of them, (low, high).
        mode: How.
        substitute: What stands where the data is beneath the threshold (for "less": above).

    Returns:
        An array of the shape of the data.

    Raises:
        OptionError: An unknown mode; "greater" or "less" for complex data; not two values for "firm".
        RangeError: Tensors of integers; for "firm" a low threshold that is negative or greater than the high one.

    Example:
        >>> threshold([1.0, 1.5, 2.0, 2.5, 3.0], 2, "soft")
        array([0. , 0. , 0. , 0.5, 1. ])

    References:
        D. L. Donoho and I. M. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81 (1994).
    """
    x = as_array(data)
    if mode == "firm":
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise OptionError(f"got value={value!r} for mode 'firm', expected two: (low, high)")
        return _substituted(abs(x) < _bound(value[0], x), substitute, threshold_firm(x, *value))
    if mode not in _RULES:
        raise _unknown(mode)
    bound = _bound(value, x)
    if mode in ("greater", "less"):
        if is_complex(x):
            raise OptionError(f"got complex data for mode {mode!r}, expected real data: 'hard' compares magnitudes")
    elif isinstance(bound, float) and bound < 0:
        raise RangeError(f"got value={bound:g} for mode {mode!r}, expected at least 0")
    return _RULES[mode](x, bound, substitute)


def threshold_firm(data: Any, value_low: Any, value_high: Any) -> Array:
    """Coefficients beneath the low threshold go, those above the high one stay, between them x (1 - l / m) / (1 - l / h).

    Continuous as "soft", without its bias of large coefficients. With l = h it is "hard", with h = ∞ "soft".

    Args:
        data: Real or complex array of coefficients x of magnitude m = |x|.
        value_low: Threshold l, at least 0: a number or an array, as in `threshold`.
        value_high: Threshold h, at least l.

    Returns:
        An array of the shape of the data.

    Raises:
        RangeError: Tensors of integers; numbers with l < 0 or h < l.

    Example:
        >>> threshold_firm([1.0, 2.0, 3.0, 4.0, 5.0], 2, 4)
        array([0., 0., 2., 4., 5.])

    References:
        H.-Y. Gao and A. G. Bruce, "WaveShrink with firm shrinkage", Statistica Sinica 7 (1997).
    """
    x = as_array(data)
    low, high = _bound(value_low, x), _bound(value_high, x)
    if isinstance(low, float) and low < 0:
        raise RangeError(f"got value_low={low:g}, expected at least 0")
    if isinstance(low, float) and isinstance(high, float) and high < low:
        raise RangeError(f"got value_low={low:g} and value_high={high:g}, expected value_high to be at least value_low")
    where, magnitude = namespace(x).where, abs(x)
    between = (magnitude > low) & (magnitude <= high)
    return where(magnitude > high, x, _shrunk(x, magnitude, between, low, 1) * _steepness(low, high, x))


# Tuples, because torch.compile cannot trace a union of types of NumPy.
_NUMBERS, _ARRAYS = (int, float, np.number), (np.ndarray, list, tuple)


def _soft(x: Array, value: Any, substitute: Any) -> Array:
    magnitude = abs(x)
    return _substituted(magnitude < value, substitute, _shrunk(x, magnitude, magnitude > value, value, 1))


def _garrote(x: Array, value: Any, substitute: Any) -> Array:
    magnitude = abs(x)
    return _substituted(magnitude < value, substitute, _shrunk(x, magnitude, magnitude > value, value, 2))


def _hard(x: Array, value: Any, substitute: Any) -> Array:
    return namespace(x).where(abs(x) < value, substitute, x)


def _greater(x: Array, value: Any, substitute: Any) -> Array:
    return namespace(x).where(x < value, substitute, x)


def _less(x: Array, value: Any, substitute: Any) -> Array:
    return namespace(x).where(x > value, substitute, x)


_RULES = {"soft": _soft, "hard": _hard, "garrote": _garrote, "garotte": _garrote, "greater": _greater, "less": _less}


def _shrunk(x: Array, magnitude: Array, kept: Array, value: Any, power: int) -> Array:
    """What is kept times 1 - (v / m)^p, the rest times 0; no magnitude of zero divides, its gradient would be NaN."""
    where = namespace(x).where
    ratio = value / where(kept, magnitude, 1.0)
    return x * where(kept, 1 - ratio**power, 0.0)


def _substituted(beneath: Array, substitute: Any, result: Array) -> Array:
    if isinstance(substitute, int | float) and substitute == 0:
        return result
    return namespace(result).where(beneath, substitute, result)


def _steepness(low: Any, high: Any, x: Array) -> Any:
    """1 / (1 - l / h), and 1 where nothing is between the two."""
    if isinstance(low, float) and isinstance(high, float):
        return 1.0 if low >= high else 1.0 / (1.0 - low / high)
    low, high = (constant(each, like=x) if isinstance(each, float) else each for each in (low, high))
    where = namespace(x).where
    gap = 1 - low / where(high > 0, high, 1.0)
    return where(gap > 0, 1 / where(gap > 0, gap, 1.0), 1.0)


def _bound(value: Any, x: Array) -> Any:
    """A number, or an array of the data's framework."""
    if isinstance(value, _NUMBERS):
        return float(value)
    return constant(value, like=x) if isinstance(value, _ARRAYS) else value


def _unknown(mode: str) -> OptionError:
    modes = (*_RULES, "firm")
    near = get_close_matches(str(mode), modes, n=2, cutoff=0.4)
    hint = f": did you mean {' or '.join(near)}?" if near else ""
    return OptionError(f"got mode {mode!r}, expected one of {', '.join(modes)}{hint}")
