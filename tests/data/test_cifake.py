import io
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from undula.data import cifake, find_items, find_pictures
from undula.data.inputs import find_cifake
from undula.data.tars import tar_members
from undula.errors import DataError


def jpeg(value):
    file = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), value, dtype=np.uint8)).save(file, format="JPEG")
    return file.getvalue()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of named sets with four pictures of CIFAKE."""
    monkeypatch.setenv("UNDULA_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cifake").mkdir()
    with tarfile.open(tmp_path / "cifake" / "test.tar", "w") as tar:
        for name, value in (("FAKE/b (2).jpg", 200), ("REAL/a.jpg", 50), ("FAKE/a.jpg", 150), ("REAL/b.jpg", 100)):
            entry = tarfile.TarInfo(f"test/{name}")
            entry.size = len(jpeg(value))
            tar.addfile(entry, io.BytesIO(jpeg(value)))
    return tmp_path


def test_both_sides_in_order(here):
    pictures, sides = cifake("test")
    assert pictures.shape == (4, 3, 32, 32) and sides == ["real", "real", "generated", "generated"]
    assert (pictures.mean((1, 2, 3)) * 255).round().tolist() == [50, 100, 150, 200]
    assert torch.equal(cifake("test", "generated", 1, 2)[0], pictures[3:])
    with pytest.raises(DataError, match="got the range 0-3 of cifake:test:real, expected one inside 0-2"):
        cifake("test", "real", 0, 3)


def test_named_as_inputs(here):
    items = find_items(["cifake:test:generated", "cifake:test:0"])
    assert [item.source for item in items] == [
        f"cifake:test:{end}" for end in ("generated:00000", "generated:00001", "00000")
    ]
    assert items[0].picture and items[0].load().shape == (3, 32, 32) and len({item.name for item in items}) == 3
    assert find_pictures("cifake:test:real").clean[1].shape == (3, 32, 32)
    for text in ("cifake", "cifake:", "cifake:half", "cifake:test:fake", "cifake:test:real:0:1", "cifake:test:real:"):
        with pytest.raises(DataError, match="expected cifake:train, cifake:test:5"):
            find_cifake(text)


def test_sets_that_are_not_there_or_damaged(here):
    with pytest.raises(DataError, match=r"expected the train part .* put it at .*train\.tar"):
        cifake("train")
    content = (here / "cifake" / "test.tar").read_bytes()
    for name, damaged in (("cut", content[:700]), ("none", b""), ("text", b"text" * 200)):
        (here / f"{name}.tar").write_bytes(damaged)
        with pytest.raises(DataError):
            tar_members(here / f"{name}.tar")[-1].read()


def test_the_real_set(data_set):
    data_set("cifake")
    assert [len(find_cifake(f"cifake:test:{side}")) for side in ("real", "generated")] == [2000, 2000]
    assert cifake("test", "generated", 0, 2)[0].shape == (2, 3, 32, 32)
