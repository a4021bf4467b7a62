"""Pictures for training: order, channels, pairs, and what is left out."""

import numpy as np
import pytest
import torch
from PIL import Image

from undula.data import find_pictures, luminance, read_image, write_image
from undula.errors import DataError, OptionError


def put(path, *, channels=3, size=(6, 8), value=0.2):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, torch.full((channels, *size), value))
    return path


def stems(found):
    return [name.rsplit("/", 1)[-1].rsplit(".", 1)[0] for name in found.names]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNDULA_DATA", raising=False)
    return tmp_path


def test_a_folder_in_natural_order(here):
    for name in ("b10", "b2", "B1", "a"):
        put(here / "in" / f"{name}.png")
    put(here / "in" / "inside" / "c.png")
    np.save(here / "in" / "counts.npy", np.ones((2, 3)))
    (here / "in" / ".hidden.png").write_bytes(b"")
    (here / "in" / "readme.txt").write_text("")
    seen = []
    for source in ("in", here / "in", ["in"]):
        found = find_pictures(source, callback=lambda *done: seen.append(done))
        assert stems(found) == ["a", "B1", "b2", "b10"] and found.noisy is None and found.failed == {}
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)] * 3
    assert all(picture.shape == (3, 6, 8) and picture.dtype == torch.float32 for picture in found.clean)


def test_several_sources_keep_their_order(here):
    for name in ("z.png", "folder/a.png", "folder/b.png"):
        put(here / name)
    assert stems(find_pictures(["z.png", "folder", "z.png"])) == ["z", "a", "b"]


def test_channels(here):
    generator = torch.Generator().manual_seed(0)
    kinds = {1: "grey", 2: "grey-alpha", 3: "rgb", 4: "rgba"}
    for channels, name in kinds.items():
        write_image(here / f"{name}.png", torch.rand(channels, 4, 5, generator=generator))
    read = {name: read_image(here / f"{name}.png") for name in kinds.values()}
    found = find_pictures(".")
    colored = dict(zip(stems(found), found.clean, strict=True))
    assert torch.equal(colored["rgb"], read["rgb"])
    assert torch.equal(colored["grey"], read["grey"].expand(3, -1, -1))
    assert torch.equal(colored["rgba"], read["rgba"][:3] * read["rgba"][3:])
    assert torch.equal(colored["grey-alpha"], (read["grey-alpha"][:1] * read["grey-alpha"][1:]).expand(3, -1, -1))
    for name, picture in zip(stems(found), find_pictures(".", channels=1).clean, strict=True):
        oracle = Image.fromarray((colored[name].permute(1, 2, 0) * 255).round().byte().numpy()).convert("L")
        assert picture.shape == (1, 4, 5)
        np.testing.assert_allclose(picture[0].numpy(), np.asarray(oracle) / 255, atol=1.01 / 255)
        torch.testing.assert_close(picture[0], luminance(read[name]))


def test_grey_pictures_stay_grey_unless_color_is_asked_for(here):
    put(here / "a.png", channels=1), put(here / "b.png", channels=2)
    assert [len(picture) for picture in find_pictures(".").clean] == [1, 1]
    assert [len(picture) for picture in find_pictures(".", channels=3).clean] == [3, 3]


def test_unreadable_pictures_are_named_and_left_out(here):
    put(here / "in" / "a.png")
    (here / "in" / "b.png").write_bytes(b"no picture")
    (here / "in" / "c.png").symlink_to(here / "gone.png")
    found = find_pictures("in")
    assert stems(found) == ["a"] and list(found.failed) == ["in/b.png", "in/c.png"]
    assert "cannot be read" in found.failed["in/b.png"] and "does not exist" in found.failed["in/c.png"]
    (here / "in" / "a.png").unlink()
    with pytest.raises(DataError, match=r"got no picture of 2 that can be read.*b\.png") as caught:
        find_pictures("in")
    assert "\n" not in str(caught.value)


def pair(folder, name, *, beside=None, size=(6, 8)):
    """The two pictures differ in their values: 0.2 and 0.8."""
    put(folder / f"{name}_raw.png", size=size)
    put((beside or folder) / f"{name}_noised.png", size=size, value=0.8)


def assert_pairs(found, expected):
    assert stems(found) == [f"{name}_raw" for name in expected] and found.noisy is not None
    for clean, noisy in zip(found.clean, found.noisy, strict=True):
        assert clean.shape == noisy.shape and clean.mean() < 0.3 and noisy.mean() > 0.7


def test_pairs_in_one_folder(here):
    for name, size in (("10", (6, 8)), ("9", (4, 4)), ("x_raw", (5, 5))):
        pair(here / "in", name, size=size)
    found = find_pictures("in")
    assert_pairs(found, ["9", "10", "x_raw"])
    assert [picture.shape[1:] for picture in found.clean] == [(4, 4), (6, 8), (5, 5)]


def test_pairs_in_the_folders_of_the_seed(here):
    for name in ("3", "21"):
        pair(here / "train", name, beside=here / "train-gaussian")
        pair(here / "test", name, beside=here / "test-gaussian")
    for source in ("train", "train/", ["train", "train-gaussian"], ["train-gaussian", "train"], here / "train"):
        assert_pairs(find_pictures(source), ["3", "21"])
    both = find_pictures(["train", "test"])
    assert_pairs(both, ["3", "21", "3", "21"])
    assert [name.split("/")[0] for name in both.names] == ["train", "train", "test", "test"]


def test_clean_halves_alone_are_pictures(here):
    for name in ("b_raw", "a_raw", "other"):
        put(here / "in" / f"{name}.png")
    found = find_pictures("in")
    assert stems(found) == ["a_raw", "b_raw", "other"] and found.noisy is None


def test_pairs_share_their_channels(here):
    put(here / "in" / "a_raw.png", channels=1)
    put(here / "in" / "a_noised.png", channels=3, value=0.8)
    found = find_pictures("in")
    assert found.clean[0].shape == found.noisy[0].shape == (3, 6, 8)


def test_an_unreadable_half_takes_its_partner_with_it(here):
    pair(here / "in", "a"), pair(here / "in", "b")
    (here / "in" / "a_noised.png").write_bytes(b"")
    found = find_pictures("in")
    assert_pairs(found, ["b"])
    assert list(found.failed) == ["in/a_noised.png"]


@pytest.mark.parametrize(
    ("files", "match"),
    [
        (["a_raw.png", "a_noised.png", "b_raw.png"], r"'in/b_raw.png' without its partner 'b_noised'"),
        (["a_raw.png", "a_noised.png", "b_noised.png"], r"'in/b_noised.png' without its partner 'b_raw'"),
        (["a_noised.png", "b_noised.png"], r"'in/a_noised.png' and 1 more without its partner 'a_raw'"),
        (["a_raw.png", "a_noised.png", "c.png"], r"'in/c.png' among pairs, expected names that end in _raw or _noised"),
        (["a_raw.png", "a_raw.bmp", "a_noised.png"], r"'in/a_raw.bmp' and 'in/a_raw.png', expected one of them"),
    ],
)
def test_pairs_that_do_not_match(here, files, match):
    for name in files:
        put(here / "in" / name.replace("bmp", "png")).rename(here / "in" / name)
        put(here / "in" / name.replace("bmp", "png"))
    with pytest.raises(DataError, match=match) as caught:
        find_pictures("in")
    assert "\n" not in str(caught.value)


def test_pairs_of_mixed_sizes(here):
    pair(here / "in", "a")
    put(here / "in" / "b_raw.png", size=(7, 8)), put(here / "in" / "b_noised.png", size=(8, 7))
    with pytest.raises(
        DataError, match=r"b_raw\.png' of 7 × 8 pixels and '.*b_noised\.png' of 8 × 7, expected pairs of one"
    ):
        find_pictures("in")


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("empty", "the folder 'empty' without a file"),
        ("arrays", "'arrays' without a picture, expected files that end in .*jpg.*folders inside are not searched"),
        ("arrays/counts.npy", "without a picture"),
        ("none", "neither a file, a folder nor a named set"),
        ("bcdi", "'bcdi' without a picture"),
        ("a\0b", "neither a file|cannot be looked up"),
        ("x" * 5000, "cannot be looked up"),
    ],
)
def test_sources_without_pictures(here, source, match):
    (here / "empty").mkdir(), (here / "arrays" / "inside.png").mkdir(parents=True)
    np.save(here / "arrays" / "counts.npy", np.ones((2, 3)))
    put(here / "good.png")
    with pytest.raises(DataError, match=match) as caught:
        find_pictures(["good.png", source])
    assert "\n" not in str(caught.value)


def test_wrong_options(here):
    put(here / "a.png")
    with pytest.raises(OptionError, match="got no source"):
        find_pictures([])


def test_named_sets(data_set, monkeypatch):
    data_set("photos"), data_set("cracks"), data_set("mnist")
    photos = find_pictures("photos:0-2")
    assert len(photos.clean) == 2 and all(picture.shape[0] == 3 for picture in photos.clean)
    roads = find_pictures(["cracks:0-2", "cracks:154"], channels=1)
    assert stems(roads) == ["001", "002", "329"] and roads.clean[0].shape == (1, 320, 480)
    digits = find_pictures("mnist:test:3-5")
    assert [picture.shape for picture in digits.clean] == [(1, 28, 28)] * 2 and digits.names[0] == "mnist:test:3"
