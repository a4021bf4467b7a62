"""Entries: stacks taken apart, what does not fit refused when it is due; several arrays in one file; gray of colors."""

import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from undula.data import find_items, luminance, read_array, write_arrays
from undula.data.entries import file_stamp, numbered_entries, stack_entries, whole_entry
from undula.errors import DataError, ShapeError
from undula.session import Options, Session
from undula.session.finding import find_with_bar


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    np.save(tmp_path / "stack.npy", np.arange(11 * 2 * 3).reshape(11, 2, 3))
    return tmp_path / "stack.npy"


def test_a_stack_is_taken_apart(stack: Path) -> None:
    (item,) = find_items([str(stack)])
    entries = stack_entries(item, 2)
    assert [entry.name for entry in entries[:2]] == ["stack-00", "stack-01"] and len(entries) == 11
    np.testing.assert_array_equal(entries[7].load(), np.load(stack)[7])
    assert [entry.index for entry in stack_entries(item, 3)] == [None]
    assert {entry.stamp for entry in entries} == {file_stamp(str(stack))}


def test_what_has_too_many_axes_is_refused_when_it_is_due(stack: Path) -> None:
    (item,) = find_items([str(stack)])
    (entry,) = stack_entries(item, 1)
    with pytest.raises(ShapeError, match=r"of shape \(11, 2, 3\), expected 1 axes"):
        entry.load()


def test_a_stack_that_became_shorter(stack: Path) -> None:
    (item,) = find_items([str(stack)])
    entry = numbered_entries(item, 12)[11]
    with pytest.raises(DataError, match="it changed meanwhile"):
        entry.load()


def test_a_damaged_file_fails_when_it_is_due(stack: Path) -> None:
    stack.write_bytes(stack.read_bytes()[:100])
    (item,) = find_items([str(stack)])
    (entry,) = stack_entries(item, 2)
    with pytest.raises(DataError, match="cannot be read"):
        entry.load()


def test_stamps_tell_files_apart(stack: Path) -> None:
    assert file_stamp("mnist:test:5") is None
    assert file_stamp(f"{stack}:key") == file_stamp(str(stack))
    before = file_stamp(str(stack))
    np.save(stack, np.zeros(3))
    assert file_stamp(str(stack)) != before


def test_files_of_signals_are_found_where_they_are_wanted(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(100)
        file.writeframes(np.array([[16384, -16384]] * 5, dtype="<i2").tobytes())
    (tmp_path / "table.tsv").write_text("a\tb\n1\t2\n3\t4\n")
    with pytest.raises(DataError, match="expected at least one"):
        find_items([str(tmp_path)])
    table, tone = find_with_bar([str(tmp_path)], Session(Options(quiet=True)), signals=True)
    np.testing.assert_array_equal(tone.load(), [[0.5] * 5, [-0.5] * 5])
    np.testing.assert_array_equal(whole_entry(table).load(), [[1, 3], [2, 4]])


def test_several_arrays_in_one_file(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6).reshape(2, 3), "b": torch.ones(2, dtype=torch.complex64)}
    write_arrays(tmp_path / "x.npz", arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read_array(tmp_path / "x.npz", key=name), np.asarray(array))
    with pytest.raises(DataError, match=r"ends in \.npz"):
        write_arrays(tmp_path / "x.npy", arrays)
    with pytest.raises(DataError, match="expected numbers"):
        write_arrays(tmp_path / "y.npz", {"a": np.array(["text"])})
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_luminance_is_pillows(channels: int) -> None:
    """Oracle: Pillow's conversion to L, after it laid the picture over black."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, channels), dtype=np.uint8)
    mode = ("L", "LA", "RGB", "RGBA")[channels - 1]
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    assert image.mode == mode
    if channels in (2, 4):
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image.convert("RGBA")).convert(
            "RGB"
        )
    expected = np.asarray(image.convert("L"), dtype=np.float64)
    found = luminance(torch.from_numpy(pixels.transpose(2, 0, 1).copy()).double() / 255) * 255
    assert np.abs(found.numpy() - expected).max() <= 1.0  # Pillow rounds twice
