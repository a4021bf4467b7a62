"""One line for whatever a foreign reader raises: damaged files make libraries raise nearly anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from undula.errors import DataError, UndulaError


@contextmanager
def reading(path: str | Path, expected: str) -> Iterator[None]:
    """Turn every exception of a reader into a `DataError` of one line that names the file.

    Args:
        path: The file that is read.
        expected: What the file should have been, as it reads after "expected ".

    Raises:
        DataError: When the block raises anything that is not Undula's own.

    Example:
        >>> with reading("scan.npy", "an NPY file"):
        ...     raise ValueError("bad magic")
        Traceback (most recent call last):
        ...
        undula.errors.DataError: got 'scan.npy', which cannot be read (bad magic), expected an NPY file: ...
    """
    try:
        yield
    except UndulaError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"got {quoted(path)}, which does not exist, expected {expected}: check the name") from error
    except IsADirectoryError as error:
        raise DataError(f"got {quoted(path)}, which is a folder, expected {expected}: name a file in it") from error
    except PermissionError as error:
        raise DataError(
            f"got no permission to read {quoted(path)}, expected {expected}: change its permissions"
        ) from error
    except MemoryError as error:
        raise DataError(
            f"got {quoted(path)}, which does not fit into the memory, expected {expected}: cut it into parts"
        ) from error
    except Exception as error:  # parsers of damaged bytes raise struct.error, KeyError, zlib.error, SyntaxError, …
        raise DataError(
            f"got {quoted(path)}, which cannot be read ({one_line(error)}), expected {expected}: "
            "it may be truncated or damaged, fetch or make it again"
        ) from error


def one_line(error: BaseException, *, limit: int = 200) -> str:
    """Return the text of an exception on one line, or its type where it has none.

    Args:
        error: The exception.
        limit: The most characters to return.

    Returns:
        The text without line breaks.
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(path: str | Path) -> str:
    """Return a path in quotes, on one line whatever characters it holds.

    Args:
        path: The path.

    Returns:
        The quoted path.
    """
    return repr(str(path))
