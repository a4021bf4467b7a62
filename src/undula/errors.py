"""What can go wrong, in words that say what to do next.

Every message holds what was got, what was expected, and what to do next.
"""


class UndulaError(Exception):
    """Any error that Undula raises on purpose; the command prints it as one line."""


class ShapeError(UndulaError, ValueError):
    """An array has a shape (or a number of dimensions) that the call cannot use."""


class RangeError(UndulaError, ValueError):
    """Values lie outside the range that the call can use: negative, NaN, infinite, 0…255 for 0…1."""


class DataError(UndulaError, ValueError):
    """A file, a folder, a key or a named set is missing, unreadable, or not what its name says."""


class OptionError(UndulaError, ValueError):
    """An argument, or a combination of arguments, has no meaning."""


class MissingExtra(UndulaError, ImportError):
    """An optional package is not installed.

    Args:
        package: Name of the package that could not be imported.
        extra: The extra of Undula that brings it.

    Example:
        >>> str(MissingExtra("matplotlib", extra="plot"))
        "got no package 'matplotlib', expected it for this picture or file: pip install 'undula[plot]'"
    """

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(
            f"got no package '{package}', expected it for this picture or file: pip install 'undula[{extra}]'"
        )
        self.package = package
        self.extra = extra


class TrainingError(UndulaError, ArithmeticError):
    """Training cannot go on: a loss or a gradient is NaN or infinite.

    Args:
        message: What was got, expected, and what to do next.
        step: The step at which it happened, counted from 1.

    Example:
        >>> TrainingError("got the loss nan at step 7, expected a finite one: lower the rate", step=7).step
        7
    """

    def __init__(self, message: str, *, step: int) -> None:
        super().__init__(message)
        self.step = step


class ConvergenceWarning(UserWarning):
    """A solver ended without reaching its tolerance; its result says how far it came."""
