"""Reading: whatever the file, the pixels of the careful reader, in order, and a note where there are none."""

import numpy as np
import pytest
import torch
from makers import drawn
from PIL import Image

from undula.data import read_image, write_image
from undula.errors import DataError
from undula.jobs.detect.batches import in_batches
from undula.jobs.detect.reading import find_sources, read_picture, read_pictures

PIXELS = drawn(1, 24, seed=0)[0]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_plain_files_are_read_as_the_careful_reader_reads_them(tmp_path, suffix, mode):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).convert(mode).save(path)
    found = read_picture(find_sources(str(path))[0])
    assert found.note == "" and found.pixels.shape == (3, 24, 24)
    pixels = found.pixels / 255 if found.pixels.dtype == torch.uint8 else found.pixels
    assert torch.allclose(pixels, read_image(path).expand(3, -1, -1), atol=1e-7)


def test_odd_files_are_read_with_a_note(tmp_path):
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "a.gif", save_all=True, append_images=[image.rotate(90)])
    image.convert("CMYK").save(tmp_path / "b.jpg")
    image.convert("RGBA").save(tmp_path / "c.png")
    write_image(tmp_path / "d.png", torch.rand(3, 9, 9), bits=16)
    turned = Image.Exif()
    turned[274] = 6
    image.resize((24, 12)).save(tmp_path / "e.jpg", exif=turned)
    found = list(read_pictures(find_sources(str(tmp_path))))
    notes = ["the first of 2 frames", "CMYK made RGB without a color profile", "transparency laid over black", "", ""]
    assert [one.note for one in found] == notes
    assert found[3].pixels.is_floating_point() and found[4].pixels.shape == (3, 24, 12)


def test_what_cannot_be_read_is_noted(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_text("text")
    (tmp_path / "b.jpg").write_bytes(b"")
    Image.fromarray(PIXELS).save(tmp_path / "c.jpg")
    (tmp_path / "c.jpg").write_bytes((tmp_path / "c.jpg").read_bytes()[:400])
    Image.fromarray(PIXELS).save(tmp_path / "d.png")
    found = list(read_pictures(find_sources(str(tmp_path)), workers=2))
    assert [one.pixels is None for one in found] == [True, True, True, False]
    assert all(one.note and "\n" not in one.note for one in found[:3])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    bomb = read_picture(find_sources(str(tmp_path / "d.png"))[0])
    assert (bomb.pixels is None and "24" in bomb.note) or "576" in bomb.note
    assert read_picture(find_sources([str(tmp_path / "gone.png")])[0]).note.startswith("no such file")


def test_sizes_are_gathered_and_nothing_is_lost():
    sizes = [(3, 8 + place % 3, 8) for place in range(50)]
    sources = find_sources([torch.full(size, place / 50) for place, size in enumerate(sizes)])
    seen = {}
    for places, pictures, batch in in_batches(read_pictures(sources), most_pixels=400):
        assert batch.shape[0] == len(places) == len(pictures) and batch.shape[2] * batch.shape[3] * len(places) < 800
        seen |= {place: float(rows[0, 0, 0]) for place, rows in zip(places, batch, strict=True)}
    assert seen == {place: pytest.approx(place / 50) for place in range(50)}


def test_folders_lists_and_sets(folder_of, tmp_path, data_set):
    folder = folder_of("a", drawn(3, 24, seed=0))
    (folder / "notes.txt").write_text("ignored")
    (folder / ".hidden.png").write_text("ignored")
    assert [source.name[-7:] for source in find_sources(folder)] == ["000.png", "001.png", "002.png"]
    assert len(find_sources([folder, str(folder / "001.png"), torch.rand(3, 9, 9), np.random.rand(2, 1, 9, 9)])) == 7
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="folders inside are not searched"):
        find_sources(tmp_path / "empty")
    with pytest.raises(DataError, match="expected a folder, files, a named set or tensors"):
        find_sources([])
    data_set("cifake")
    found = find_sources("cifake:test:generated:3-5")
    assert [source.name for source in found] == ["cifake:test:generated:00003", "cifake:test:generated:00004"]
    assert read_picture(found[0]).facts.jpeg_quality == 75
