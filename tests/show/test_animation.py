"""Animations, read back with Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from undula.errors import DataError, OptionError, ShapeError, UndulaError
from undula.show import animate_sheet, write_gif


def frames(count: int, size: tuple[int, int] = (40, 30)) -> list[Image.Image]:
    return [Image.new("RGB", size, (20 * k % 256, 255 - 10 * k % 256, 5 * k % 256)) for k in range(count)]


@pytest.mark.parametrize("count", [1, 2, 7, 48])
def test_durations_add_up_and_the_last_frame_rests(count, tmp_path):
    write_gif(tmp_path / "a.gif", frames(count), seconds=4.0, hold=1.5)
    with Image.open(tmp_path / "a.gif") as gif:
        lengths = [frame.info.get("duration", 0) for frame in ImageSequence.Iterator(gif)]
        loop = gif.info.get("loop")
    if count > 1:  # a single frame has no duration to tell
        assert loop == 0
        assert sum(lengths) == 5500
        assert lengths[-1] >= 1500 + 4000 // count - 10


def test_frames_are_never_too_short_for_browsers(tmp_path):
    write_gif(tmp_path / "a.gif", frames(20), seconds=0.1, hold=0)
    with Image.open(tmp_path / "a.gif") as gif:
        assert min(frame.info["duration"] for frame in ImageSequence.Iterator(gif)) >= 20


def test_colors_survive(generator, tmp_path):
    history = torch.linspace(0, 1, 256).reshape(1, 1, 16, 16).expand(3, 2, 16, 16).clone()
    history[1] = history[1].flip(-1)
    sheets = animate_sheet(history, title="Grays", captions=["a", "b", "c"])
    write_gif(tmp_path / "a.gif", sheets)
    with Image.open(tmp_path / "a.gif") as gif:
        for frame, sheet in zip(ImageSequence.Iterator(gif), sheets, strict=True):
            error = np.abs(np.asarray(frame.convert("RGB"), int) - np.asarray(sheet, int))
            assert error.max() <= 24
            assert frame.convert("RGB").getpixel((0, 0)) == (255, 255, 255)  # paper stays white


def test_every_moment_shows_its_pictures(generator):
    history = torch.rand(4, 3, 6, 6, generator=generator)
    sheets = animate_sheet(history, scale=2, columns=3)
    assert len({sheet.size for sheet in sheets}) == 1
    for moment, sheet in zip(history, sheets, strict=True):
        pixels = np.asarray(sheet)[48:60, :, 0]  # no title: the grid begins at the margin
        for k, image in enumerate(moment):
            expected = np.kron((image * 255).round().numpy(), np.ones((2, 2)))  # nearest neighbor
            assert np.array_equal(pixels[:, 48 + 24 * k : 60 + 24 * k], expected)


def test_color_history_and_bar_that_grows():
    sheets = animate_sheet(torch.zeros(4, 2, 3, 8, 8))
    accent = [(np.asarray(sheet) == (47, 91, 215)).all(-1).sum() for sheet in sheets]
    assert accent == sorted(accent)
    np.testing.assert_allclose(np.array(accent) / accent[-1], [0.25, 0.5, 0.75, 1.0], atol=0.01)


@pytest.mark.parametrize(
    ("history", "options", "error", "text"),
    [
        (torch.zeros(3, 4, 4), {}, ShapeError, r"\(frames, n, h, w\)"),
        (torch.zeros(0, 1, 4, 4), {}, ShapeError, "none of them 0"),
        (torch.zeros(2, 1, 4, 4), {"captions": ["a"]}, ShapeError, "1 captions for 2 frames"),
        (torch.zeros(2, 1, 4, 4), {"columns": 0}, OptionError, "columns=0"),
        (torch.zeros(2, 1, 4, 4), {"scale": -1}, OptionError, "scale=-1"),
        (torch.zeros(2, 1, 4, 4) - 1, {}, UndulaError, "-1…-1"),
    ],
)
def test_what_cannot_be_animated_is_said(history, options, error, text):
    with pytest.raises(error, match=text):
        animate_sheet(history, **options)


@pytest.mark.parametrize(
    ("pictures", "options", "error"),
    [
        ([], {}, ShapeError),
        (frames(1) + frames(1, (9, 9)), {}, ShapeError),
        (frames(2), {"seconds": 0.0}, OptionError),
        (frames(2), {"seconds": float("nan")}, OptionError),
        (frames(2), {"hold": -1.0}, OptionError),
        (frames(2), {"hold": 1e9}, OptionError),
    ],
)
def test_nothing_is_written_when_refused(pictures, options, error, tmp_path):
    with pytest.raises(error):
        write_gif(tmp_path / "a.gif", pictures, **options)
    assert not list(tmp_path.iterdir())


def test_no_folder(tmp_path):
    with pytest.raises(DataError):
        write_gif(tmp_path / "none" / "a.gif", frames(2))
