import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from undula.data import atomic_text, atomic_write
from undula.errors import DataError


def test_the_name_appears_when_complete(tmp_path):
    target = tmp_path / "a.bin"
    with atomic_write(target) as file:
        file.write(b"half")
        assert not target.exists() and len(list(tmp_path.iterdir())) == 1
        file.write(b"done")
    assert target.read_bytes() == b"halfdone"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("raised", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_exceptions_leave_nothing(tmp_path, raised):
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(type(raised)), atomic_write(tmp_path / "a.bin") as file:
        file.write(b"new")
        raise raised
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_disk_full(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"a\.txt.*No space left") as caught:
        atomic_text(tmp_path / "a.txt", "text")
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX")
def test_a_file_that_may_not_grow(tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DataError, match="cannot be written"), atomic_write(tmp_path / "a.bin") as file:
            file.write(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_no_folder_and_a_file_in_the_way(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        atomic_text(tmp_path / "no" / "a.txt", "")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Not a directory"):
        atomic_text(tmp_path / "file" / "a.txt", "")


def test_a_folder_or_a_device_is_never_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    for path in (tmp_path / "a", Path(os.devnull)):
        with pytest.raises(DataError, match="no plain file"):
            atomic_text(path, "")


def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("root may write everywhere")
        with pytest.raises(DataError, match="Permission denied"):
            atomic_text(tmp_path / "a.txt", "")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
def test_permissions_and_links(tmp_path):
    mask = os.umask(0o027)
    try:
        atomic_text(tmp_path / "a.txt", "ü")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")
    atomic_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "a.txt").read_text() == "new"


def test_long_names(tmp_path):
    atomic_text(tmp_path / ("n" * 250), "text")
    assert (tmp_path / ("n" * 250)).read_text() == "text"
