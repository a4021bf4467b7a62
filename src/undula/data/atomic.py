"""Files appear under their final name only when they are complete."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from undula.data.refusal import one_line, quoted
from undula.errors import DataError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open a binary file under a temporary name beside `path` and give it its name when the block ends well.

    Args:
        path: The file to write; a file of that name is replaced, a link keeps pointing where it points.

    Yields:
        The open binary file.

    Raises:
        DataError: When the file cannot be written (no such folder, no permission, disk full, a folder of that
            name). After any exception, Ctrl-C included, nothing is left behind and an old file is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_write(Path(folder) / "counts.bin") as file:
        ...         _ = file.write(b"12")
        ...     (Path(folder) / "counts.bin").read_bytes()
        b'12'
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise DataError(f"got {quoted(path)}, which is no plain file, expected a file to write: choose another name")
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DataError(_not_written(path, error)) from error
        raise


def atomic_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Args:
        path: The file to write.
        text: What it will hold.

    Raises:
        DataError: When the file cannot be written; an old file of that name is then untouched.
    """
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))


def make_folder(path: str | Path) -> Path:
    """Make a folder and those above it, if they are not there.

    Args:
        path: The folder.

    Returns:
        The same folder as a `Path`.

    Raises:
        DataError: When it cannot be made (no permission, a file in the way).
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"got the folder {quoted(path)}, which cannot be made ({_reason(error)}), "
            "expected a place to write: choose another folder"
        ) from error
    return folder


def _not_written(path: str | Path, error: OSError) -> str:
    return (
        f"got {quoted(path)}, which cannot be written ({_reason(error)}), expected a folder that exists, "
        "may be written, and has room: choose another one"
    )


def _reason(error: OSError) -> str:
    return error.strerror or one_line(error)
