"""Pictures inside a tar: their places are found once, then each is read where it lies."""

import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from undula.data.images import PICTURE_SUFFIXES
from undula.data.refusal import quoted, reading
from undula.errors import DataError


@dataclass(frozen=True)
class Member:
    """One file inside a tar.

    Attributes:
        archive: The tar.
        name: Its name there.
        start: Its first byte.
        size: How many bytes it has.
    """

    archive: Path
    name: str
    start: int
    size: int

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            DataError: The tar is gone, or ends before it.
        """
        with reading(self.archive, "a tar that holds it"), self.archive.open("rb") as file:
            file.seek(self.start)
            content = file.read(self.size)
            if len(content) != self.size:
                raise ValueError(f"it ends inside {self.name!r}")
            return content


def tar_members(path: str | Path) -> tuple[Member, ...]:
    """The pictures inside a tar, sorted by name; nothing is unpacked.

    Args:
        path: A tar that is not compressed.

    Returns:
        Its members whose names end like those of pictures.

    Raises:
        DataError: It is missing, damaged, compressed, or holds no picture.

    Example:
        >>> import io, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.tar"
        ...     with tarfile.open(path, "w") as tar:
        ...         entry = tarfile.TarInfo("one/a.png")
        ...         entry.size = 3
        ...         tar.addfile(entry, io.BytesIO(b"abc"))
        ...     [(member.name, member.read()) for member in tar_members(path)]
        [('one/a.png', b'abc')]
    """
    with reading(path, "a tar that is not compressed"):
        return _found(Path(path), Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _found(path: Path, _changed: int) -> tuple[Member, ...]:
    with tarfile.open(path, "r:") as tar:
        members = [
            Member(path, entry.name, entry.offset_data, entry.size)
            for entry in tar
            if entry.isfile() and entry.name.lower().endswith(PICTURE_SUFFIXES)
        ]
    if not members:
        raise DataError(f"got {quoted(path)} without a picture, expected pictures inside: take another tar")
    return tuple(sorted(members, key=lambda member: member.name))
