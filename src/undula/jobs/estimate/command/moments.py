"""What was typed behind `--start`: a moment, or moments from one to another in even steps."""

import math

from undula.errors import OptionError

_MOST = 1000


def typed_start(text: str | None) -> float | tuple[float, ...] | None:
    """Read `--start`.

    Args:
        text: `16.4`, or `16.42:16.43:0.0005` (first, last, step).

    Returns:
        One moment, several, or None.

    Raises:
        OptionError: Neither.

    Example:
        >>> typed_start("1.5"), typed_start("1:2:0.5")
        (1.5, (1.0, 1.5, 2.0))
    """
    if text is None:
        return None
    try:
        numbers = [float(word) for word in text.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3) or not all(math.isfinite(number) for number in numbers):
        raise OptionError(
            f"got --start {text}, expected seconds, or FIRST:LAST:STEP such as 16.42:16.43:0.001: correct it"
        )
    if len(numbers) == 1:
        return numbers[0]
    first, last, step = numbers  # of a clock that shows 1e9 s, differences are right to 1e-7 s
    if not step > 0 or last < first or (last - first) / step > _MOST:
        raise OptionError(
            f"got --start {text}, expected a first and a later last moment and up to {_MOST} steps between: correct it"
        )
    return tuple(first + number * step for number in range(math.floor((last - first) / step + 1e-2) + 1))


def typed_delay(text: str | None) -> tuple[float, ...] | None:
    """Read `--delay`.

    Args:
        text: Seconds, one per INPUT, with commas between.

    Raises:
        OptionError: No numbers.

    Example:
        >>> typed_delay("0,-0.0073")
        (0.0, -0.0073)
    """
    if text is None:
        return None
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise OptionError(
            f"got --delay {text}, expected seconds with commas between, one per INPUT: 0,-0.0073"
        ) from error
