import gzip
import hashlib
import os
import struct

import numpy as np
import pytest
import torch

from undula.data import bcdi, data_folders, find_data, mnist, mnist_labels, sets
from undula.data.sets import is_named_set, picture_set
from undula.errors import DataError

NAME = "t10k-images-idx3-ubyte.gz"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of named sets and a cache of its own, no network."""
    monkeypatch.setenv("UNDULA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sets, "_MNIST_ADDRESS", "http://127.0.0.1:9/")
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    return tmp_path


def idx(images):
    return struct.pack(f">{1 + images.ndim}I", 0x0800 + images.ndim, *images.shape) + images.tobytes()


DIGITS = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


def test_mnist_from_a_written_file(here):
    (here / "data" / "mnist" / NAME).write_bytes(gzip.compress(idx(DIGITS)))
    assert torch.equal(mnist("test"), torch.from_numpy(DIGITS) / 255)
    assert torch.equal(mnist("test", 1, 3), torch.from_numpy(DIGITS[1:3]) / 255)
    with pytest.raises(DataError, match="got the range 3-6 of mnist:test, expected one inside 0-5"):
        mnist("test", 3, 6)


def test_labels_from_a_written_file(here):
    (here / "data" / "mnist" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(9, dtype="u1"))))
    assert mnist_labels("train", 2, 4).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "ends inside its header|empty"),
        (b"no gzip", "cannot be read"),
        (gzip.compress(idx(DIGITS))[:-2000], "cannot be read"),
        (gzip.compress(idx(DIGITS)[:10]), "ends inside its header"),
        (gzip.compress(idx(DIGITS)[:-1]), "holds 3919 of 3920 bytes"),
        (gzip.compress(idx(DIGITS) + b"1"), "more than 3920 of 3920 bytes"),
        (gzip.compress(b"\0\0\x08\x01" + idx(DIGITS)[4:]), "begins with 0x00000801 where 0x00000803 belongs"),
        (gzip.compress(struct.pack(">4I", 0x803, 2**31, 2**31, 2**31)), "more than it can hold"),
        (gzip.compress(idx(DIGITS[:, :20])), "expected digits of 28 × 28"),
        (gzip.compress(idx(DIGITS))[:-8] + bytes(8), "CRC"),
    ],
)
def test_damaged_files(here, content, text):
    (here / "data" / "mnist" / NAME).write_bytes(content)
    with pytest.raises(DataError, match=text) as caught:
        mnist("test")
    assert NAME in str(caught.value) and "\n" not in str(caught.value)


def test_a_changed_file_is_read_again(here):
    path = here / "data" / "mnist" / NAME
    path.write_bytes(gzip.compress(idx(DIGITS)))
    before = mnist("test")
    path.unlink()
    path.write_bytes(gzip.compress(idx(DIGITS[:2])))
    os.utime(path, ns=(1, 1))
    assert (len(before), len(mnist("test"))) == (5, 2)


def test_folders_are_searched_in_order(here, monkeypatch):
    assert data_folders() == [here / "data", here / "cache" / "undula"]
    cached = here / "cache" / "undula" / "mnist" / NAME
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert find_data("mnist", NAME) == cached
    (here / "data" / "mnist" / NAME).touch()
    assert find_data("mnist", NAME) == here / "data" / "mnist" / NAME
    monkeypatch.setenv("UNDULA_DATA", "")
    assert data_folders() == [here / "cache" / "undula"]
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(here))
    assert data_folders() == [here / ".cache" / "undula"]


def test_missing_sets_say_where_to_put_them(here):
    with pytest.raises(DataError, match=r"got no file from.*or put it at .*data/mnist"):
        mnist("test")
    with pytest.raises(DataError, match=r"scan 54 of beam line 34-ID-C.*data/bcdi/aps34idc_scan54.npz"):
        bcdi()


def test_sets_of_pictures(here):
    with pytest.raises(
        DataError, match=r"got no photos/\*\.png in .*data or .*undula, expected .*CC BY-SA 4\.0.*put them"
    ):
        picture_set("photos")
    cached = here / "cache" / "undula" / "photos"
    cached.mkdir(parents=True)
    for name in ("b.png", "a.png", "c.txt"):
        (cached / name).touch()
    assert picture_set("photos") == [cached / "a.png", cached / "b.png"]
    (here / "data" / "photos").mkdir()  # an empty folder is no set
    assert picture_set("photos") == [cached / "a.png", cached / "b.png"]
    (here / "data" / "photos" / "z.png").touch()
    assert picture_set("photos") == [here / "data" / "photos" / "z.png"]
    for text, named in {"photos": True, "cracks:0-3": True, "bcdi": True, "mnist": True, "photos.png": False}.items():
        assert is_named_set(text) is named


def test_real_pictures(data_set):
    data_set("photos"), data_set("cracks")
    assert len(picture_set("photos")) == 150
    roads = picture_set("cracks")
    assert len(roads) == 155 and (roads[0].name, roads[117].name, roads[-1].name) == ("001.jpg", "118.jpg", "329.jpg")


def test_downloads_are_checked(here, monkeypatch):
    asked = {}

    def fetch(url, target, *, sha256, callback):
        asked.update(url=url, target=target, sha256=sha256)
        target.parent.mkdir(parents=True)
        target.write_bytes(gzip.compress(idx(DIGITS)))

    monkeypatch.setattr(sets, "download", fetch)
    assert mnist("test").shape == (5, 28, 28)
    assert asked["url"].endswith("/" + NAME) and asked["target"] == here / "cache" / "undula" / "mnist" / NAME
    assert len(asked["sha256"]) == 64


def test_real_test_digits_have_the_canonical_checksum(data_set):
    for kind in ("images-idx3", "labels-idx1"):
        name = f"t10k-{kind}-ubyte.gz"
        assert hashlib.sha256((data_set("mnist") / name).read_bytes()).hexdigest() == sets._SHA256[name]


def test_real_digits(data_set):
    data_set("mnist")
    digits, labels = mnist("test"), mnist_labels("test")
    assert digits.shape == (10_000, 28, 28) and labels.shape == (10_000,)
    # LeCun's canonical test set begins with 7 2 1 0 4; its mean and spread are known to four digits.
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert digits.mean().item() == pytest.approx(0.1325, abs=5e-5)
    assert torch.bincount(mnist_labels("train")).tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]


def test_real_counts(data_set):
    data_set("bcdi")
    counts = bcdi()
    assert counts.shape == (201, 256, 256) and counts.dtype == np.uint32
    peak = np.unravel_index(counts.argmax(), counts.shape)
    assert all(abs(place - length // 2) <= 3 for place, length in zip(peak, counts.shape, strict=True))
