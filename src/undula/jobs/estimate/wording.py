"""Numbers with their errors, as text."""

import math


def with_error(value: float | None, error: float | None) -> str:
    """A number and its deviation, with two digits of the latter.

    Args:
        value: The number.
        error: Its standard deviation.

    Returns:
        A text.

    Example:
        >>> with_error(87.31234, 0.0213), with_error(4.0e-9, 3e-11), with_error(1.0, None), with_error(0.00069, 0.00104)
        ('87.312 ± 0.021', '4e-09 ± 3e-11', '1', '0.0007 ± 0.0010')
    """
    if value is None:
        return "–"
    if error is None or not error > 0:
        return f"{value:.6g}"
    digits = 1 - math.floor(math.log10(error))
    if not 1e-3 <= max(abs(value), error) < 1e7 or digits > 9 or digits < -2:
        return f"{value:.4g} ± {error:.2g}"
    return f"{value:.{max(digits, 0)}f} ± {error:.{max(digits, 0)}f}"
