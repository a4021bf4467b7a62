import dataclasses
import gzip
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from undula.data import find_items, sets, write_image
from undula.errors import DataError


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("b", "a", "c"):
        write_image(tmp_path / "in" / f"{name}.png", torch.full((3, 4, 5), 0.2))
    np.save(tmp_path / "in" / "counts.npy", np.arange(6, dtype=np.uint16).reshape(2, 3))
    np.savez(tmp_path / "scan.npz", counts=np.ones((2, 2)), mask=np.zeros(3))
    for name in (".hidden.png", "readme.txt"):
        (tmp_path / "in" / name).write_text("")
    (tmp_path / "in" / "sub.png").mkdir()
    return tmp_path


@pytest.fixture
def digits(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28), dtype=np.uint8)
    (tmp_path / "mnist").mkdir()
    packed = gzip.compress(struct.pack(">4I", 0x803, 10_000, 28, 28) + images.tobytes(), 1)
    (tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(packed)
    monkeypatch.setenv("UNDULA_DATA", str(tmp_path))
    return images


def names(items):
    return [item.name for item in items]


def test_a_folder_is_sorted_and_lazy(files):
    (files / "in" / "aa.png").write_bytes(b"broken")
    items = find_items(["in"])
    assert names(items) == ["a", "aa", "b", "c", "counts"]
    assert [item.picture for item in items] == [True, True, True, True, False]
    assert items[0].source == str(Path("in", "a.png"))
    assert all(item.given is None and not item.centered for item in items)
    picture = items[0].load()
    assert picture.dtype == np.float32 and picture.shape == (3, 4, 5)
    np.testing.assert_allclose(picture, 0.2, atol=1e-6)
    with pytest.raises(DataError, match=r"aa\.png"):
        items[1].load()
    assert items[4].load().dtype == np.uint16


def test_items_are_frozen(files):
    with pytest.raises(dataclasses.FrozenInstanceError):
        find_items(["in"])[0].name = "x"


def test_keys(files):
    items = find_items(["scan.npz:counts", "scan.npz:mask", "scan.npz", "scan.npz:none"])
    assert names(items) == ["scan-counts", "scan-mask", "scan", "scan-none"]
    assert items[0].source == "scan.npz:counts" and items[0].load().shape == (2, 2)
    for item in items[2:]:
        with pytest.raises(DataError, match=r"counts.*mask"):
            item.load()


def test_keys_of_hdf5(files):
    h5py = pytest.importorskip("h5py")
    with h5py.File("a.hdf5", "w") as file:
        file["strain/Strain"] = np.arange(3.0)
    for text in ("a.hdf5:strain/Strain", "a.hdf5:/strain/Strain", "a.hdf5"):
        (item,) = find_items([text])
        assert item.load().tolist() == [0, 1, 2] and "/" not in item.name


def test_same_stems_get_different_names(files):
    (files / "other").mkdir()
    write_image(files / "other" / "a.png", torch.zeros(2, 2))
    Image.new("L", (3, 3)).save(files / "in" / "c.bmp")
    items = find_items(["in", "other/a.png", "other/a.png"])
    assert (len(set(names(items))) == 7 and names(items)[:1] == ["in-a-png"]) or names(items)[0] == "in-a"
    assert names(items) == names(find_items(["in", "other/a.png", "other/a.png"]))


def test_colons_in_names(files):
    write_image(files / "in" / "12:30.png", torch.zeros(2, 2))
    (item,) = find_items(["in/12:30.png"])
    assert item.name == "12_30" and item.load().shape == (1, 2, 2)


def test_links_that_point_nowhere_fail_by_name(files):
    (files / "in" / "z.png").symlink_to(files / "gone.png")
    item = find_items(["in"])[-1]
    with pytest.raises(DataError, match=r"z\.png.*does not exist"):
        item.load()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "none.png",
            "neither a file, a folder nor a named set.*mnist:train, mnist:test, cifake:train, cifake:test, bcdi",
        ),
        ("", "neither a file"),
        ("none.npz:counts", "neither a file"),
        ("in/readme.txt", "ends in one of .*png"),
        ("in/a.png:counts", "leave it out"),
        ("scan.npz:", "leave it out"),
        ("empty", "without a file that ends in"),
        ("a\0b", "neither a file|cannot be looked up"),
        ("x" * 5000, "cannot be looked up"),
        ("mnist", "expected mnist:train"),
        ("mnist:valid", "expected mnist:train"),
        ("mnist:test:", "expected mnist:train"),
        ("mnist:test:a-b", "expected mnist:train"),
        ("mnist:test:1-2-3", "expected mnist:train"),
        ("mnist:test:-1", "expected mnist:train"),
        ("mnist:test:5-5", "expected one inside 0-10000"),
        ("mnist:test:10000", "expected one inside 0-10000"),
        ("mnist:train:0-60001", "expected one inside 0-60000"),
        ("photos", r"got no photos/\*\.png in .*CID22.*a folder of your own .* is written ./photos"),
        ("cracks:0-2", r"got no cracks/images/\*\.jpg in .*CrackForest.*put them into .*cracks/images"),
    ],
)
def test_wrong_inputs(files, text, match, monkeypatch):
    monkeypatch.delenv("UNDULA_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(files / "cache"))
    (files / "empty").mkdir()
    with pytest.raises(DataError, match=match) as caught:
        find_items(["in", text])
    assert "\n" not in str(caught.value)


def test_digits(digits):
    items = find_items(["mnist:test:3-6", "mnist:test:9"])
    assert names(items) == ["mnist-test-00003", "mnist-test-00004", "mnist-test-00005", "mnist-test-00009"]
    assert items[-1].source == "mnist:test:9"
    assert all(item.given == "images" and not item.picture for item in items)
    for item, place in zip(items, (3, 4, 5, 9), strict=True):
        loaded = item.load()
        assert loaded.dtype == np.float32
        np.testing.assert_array_equal(loaded, digits[place] / np.float32(255))
        loaded[:] = 0  # the caller's own
    np.testing.assert_array_equal(items[0].load(), digits[3] / np.float32(255))


def test_digits_are_decoded_once(digits):
    sets._decoded.cache_clear()
    items = find_items(["mnist:test"])
    assert len(items) == 10_000 and len(set(names(items))) == 10_000
    start = time.perf_counter()
    for item in items[:200]:
        item.load()
    assert sets._decoded.cache_info().misses == 1
    assert time.perf_counter() - start < 1  # one decoding alone takes 0.05 s


def test_a_missing_set_ends_the_call(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDULA_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sets, "_MNIST_ADDRESS", "http://127.0.0.1:9/")
    with pytest.raises(DataError, match="or put it at"):
        find_items(["mnist:train:0-2"])


def test_sets_of_pictures(files, monkeypatch):
    monkeypatch.setenv("UNDULA_DATA", str(files / "data"))
    for place in ("photos/b.png", "photos/10.png", "photos/9.png", "cracks/images/001.jpg", "photos/notes.txt"):
        (files / "data" / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (5, 4)).save(files / "data" / place, format="PNG")
    items = find_items(["photos", "cracks", "photos:1", "photos:1-3"])
    assert [Path(item.source).name for item in items] == [
        "10.png", "9.png", "b.png", "001.jpg", "9.png", "9.png", "b.png",
    ]  # fmt: skip
    assert all(item.picture and item.given is None and item.load().shape == (3, 4, 5) for item in items)
    assert names(find_items(["photos"])) == ["10", "9", "b"]
    for text, match in (
        ("photos:", "got 'photos:', expected photos, photos:5 or photos:0-64"),
        ("photos:x", "expected photos, photos:5"),
        ("photos:3", "got the range 3-4 of photos, expected one inside 0-3"),
    ):
        with pytest.raises(DataError, match=match):
            find_items([text])
    (files / "photos").mkdir()
    write_image(files / "photos" / "mine.png", torch.zeros(2, 2))
    assert names(find_items(["./photos"])) == ["mine"]


def test_bcdi_is_centered_intensities(data_set):
    data_set("bcdi")
    (item,) = find_items(["bcdi"])
    assert (item.name, item.source, item.given, item.centered, item.picture) == (
        "bcdi",
        "bcdi",
        "intensities",
        True,
        False,
    )
    assert item.load().dtype == np.uint32


def test_deep_tiffs_are_arrays(files):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite("deep.tif", np.full((4, 5), 300, np.uint16))
    tifffile.imwrite("photo.tif", np.full((4, 5, 3), 255, np.uint8), photometric="rgb")
    deep, photo = find_items(["deep.tif", "photo.tif"])
    assert not deep.picture and deep.load().max() == 300
    assert photo.picture and photo.load().shape == (3, 4, 5)
