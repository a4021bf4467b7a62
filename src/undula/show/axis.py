"""Axes of figures: where a value lies between their ends, and the round numbers that are written beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undula.errors import RangeError

_FEWEST = 6
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"))


@dataclass(frozen=True)
class Axis:
    """A range of numbers along one side of a figure.

    Attributes:
        low: Value at the left or lower end; it may be the greater one.
        high: Value at the right or upper end.
        label: What the numbers are, with their unit.
        log: Whether equal ratios, not equal differences, take equal room.
        ticked: Whether numbers are written.

    Raises:
        RangeError: The ends are no two different numbers, or not positive on a logarithmic axis.

    Example:
        >>> [text for _, text in Axis(0.0, 2.0).ticks(4)]
        ['0', '0.5', '1', '1.5', '2']
    """

    low: int | float
    high: int | float
    label: str = ""
    log: bool = False
    ticked: bool = True

    def __post_init__(self) -> None:
        finite = math.isfinite(self.low) and math.isfinite(self.high)
        if not finite or self.low == self.high or (self.log and min(self.low, self.high) <= 0):
            kind = "positive numbers" if self.log else "numbers"
            raise RangeError(f"got an axis from {self.low} to {self.high}, expected two different {kind}: widen it")

    def place(self, values: Any) -> NDArray[np.float64]:
        """Where values lie: 0 at the low end, 1 at the high end."""
        given = np.asarray(values, dtype=np.float64)
        if not self.log:
            return np.asarray((given - self.low) / (self.high - self.low))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log(given / self.low) / math.log(self.high / self.low))

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """Round values between the ends, about `count` of them, and how they are written."""
        low, high = sorted((self.low, self.high))
        values = _log_ticks(low, high, count) if self.log else _even_ticks(low, high, count)
        return list(zip(values, tick_texts(values), strict=True))


def tick_texts(values: Sequence[int | float]) -> list[str]:
    """Write numbers with as many digits as tell them apart.

    Args:
        values: Rising numbers.

    Returns:
        One text each.

    Example:
        >>> tick_texts([0.0, 0.25, 0.5]), tick_texts([1e-5, 1e-4]), tick_texts([20000.0, 40000.0])
        (['0', '0.25', '0.5'], ['1e-5', '1e-4'], ['20000', '40000'])
    """
    greatest = max((abs(value) for value in values), default=0.0)
    least = min((abs(value) for value in values if value), default=1.0)
    if greatest and (greatest >= 1e6 or greatest < 1e-2 or (least < 1e-3 and greatest / least > 1e3)):
        return [_scientific(value) for value in values]
    return [f"{value:.10g}" if abs(value) >= 1e-9 else "0" for value in (round(value, 10) for value in values)]


def readable_unit(greatest: int | float, unit: str) -> tuple[float, str]:
    """Choose the prefix of a unit with which the greatest value has one to three digits before the point.

    Args:
        greatest: Greatest absolute value, in the unit.
        unit: Such as Hz or s.

    Returns:
        What to divide by, and the unit with its prefix.

    Example:
        >>> readable_unit(22050.0, "Hz"), readable_unit(0.02, "s")
        ((1000.0, 'kHz'), (0.001, 'ms'))
    """
    for factor, prefix in _PREFIXES:
        if greatest >= factor:
            return factor, prefix + unit
    return 1.0, unit


def _scientific(value: int | float) -> str:
    if not value:
        return "0"
    digits, _, exponent = f"{value:.3e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"


def _even_ticks(low: int | float, high: int | float, count: int) -> list[float]:
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    if last - first < 2 and count < _FEWEST:  # a coarse step may leave one number or two
        return _even_ticks(low, high, count + 1)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def _log_ticks(low: int | float, high: int | float, count: int) -> list[float]:
    decades = math.log10(high / low)
    if decades < 0.5:
        return [value for value in _even_ticks(low, high, count) if value > 0]
    factors = (1.0, 2.0, 5.0) if 3 * decades <= 1.5 * count else (1.0,)
    stride = max(1, math.ceil(decades / max(count, 1)))
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1, stride)
    values = [float(f"{factor * 10.0**exponent:.12g}") for exponent in exponents for factor in factors]
    return [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
