"""Contact sheets: every pixel of every picture is where it belongs, and nothing is cut."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image, ImageChops

from undula.errors import OptionError, RangeError, ShapeError
from undula.show import contact_sheet, to_display
from undula.show.lettering import measure, wrap
from undula.show.palette import BAD, GOOD, PAPER

RED, GREEN = (tuple(bytes.fromhex(color[1:])) for color in (BAD, GOOD))


def find(sheet: Image.Image, tile: np.ndarray) -> list[tuple[int, int]]:
    """All places of a picture on a sheet, by comparing pixels."""
    pixels = np.asarray(sheet)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, tile.shape)[..., 0, :, :, :]
    return [tuple(place) for place in np.argwhere((windows == tile).all(axis=(2, 3, 4)))]


def enlarged(image: torch.Tensor, scale: int) -> np.ndarray:
    """Nearest neighbor by Kronecker product, the oracle."""
    levels = (image * 255).round().to(torch.uint8).numpy()
    channels = levels if levels.ndim == 3 else np.stack([levels] * 3)
    return np.stack([np.kron(c, np.ones((scale, scale), np.uint8)) for c in channels], axis=-1)


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_picture_is_shown_once_pixel_by_pixel(channels, count, dtype, generator):
    images = torch.rand(count, *channels, 6, 5, generator=generator, dtype=dtype)
    sheet = contact_sheet({"original": images}, scale=3)
    for image in images.expand(-1, 3, -1, -1) if channels == (1,) else images:
        assert len(find(sheet, enlarged(image, 3))) == 1


def test_items_run_down_and_then_right(generator):
    images = torch.rand(6, 8, 8, generator=generator)
    places = [find(contact_sheet({"a": images}, scale=2), enlarged(image, 2))[0] for image in images]
    assert places == sorted(places, key=lambda place: (place[1], place[0]))


def test_columns_share_a_row_and_small_ones_are_enlarged_more(generator):
    small, large = torch.rand(2, 8, 8, generator=generator), torch.rand(2, 16, 16, generator=generator)
    sheet = contact_sheet({"magnitudes": large, "recovered": small}, scale=2)
    for a, b in zip(large, small, strict=True):
        (left,), (right,) = find(sheet, enlarged(a, 2)), find(sheet, enlarged(b, 4))
        assert left[0] == right[0]
        assert left[1] + 32 < right[1]


def test_sixty_four_items_of_three_columns_make_eight_by_eight():
    batch = torch.zeros(64, 28, 28)
    sheet = contact_sheet({"magnitudes": batch, "recovered": batch, "original": batch}, captions=["x"] * 64)
    dark = np.asarray(sheet.convert("L")) == 0
    groups_down = sum(1 for black, _ in itertools.groupby(dark[:, 60]) if black)
    groups_right = sum(1 for black, _ in itertools.groupby(dark[np.flatnonzero(dark.any(1))[5]]) if black) / 3
    assert (groups_down, groups_right) == (8, 8)
    assert 1.2 < sheet.width / sheet.height < 2.6


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 16, 37, 64])
def test_sheets_are_landscapes(count):
    batch = torch.zeros(count, 28, 28)
    sheet = contact_sheet({"a": batch, "b": batch, "c": batch}, captions=["caption"] * count, title="Title")
    assert 1.0 < sheet.width / sheet.height < 4


def test_large_pictures_shrink_and_keep_their_shape():
    flat = torch.tensor([1.0, 0.6, 0.0]).reshape(1, 3, 1, 1).expand(1, 3, 400, 800)
    orange = (np.asarray(contact_sheet({"a": flat})) == (255, 153, 0)).all(-1)
    assert (orange.any(1).sum(), orange.any(0).sum(), orange.sum()) == (160, 320, 160 * 320)


@pytest.mark.parametrize(("mark", "seen"), [(True, {GREEN}), (False, {RED}), (None, set())])
def test_marks(mark, seen):
    sheet = contact_sheet({"a": torch.zeros(1, 8, 8)}, marks=[mark])
    colors = {color for _, color in sheet.getcolors(1 << 20)}
    assert colors & {GREEN, RED} == seen


HOSTILE = [
    "a_very_long_file_name_" * 9 + ".png",
    "many words " * 40,
    "中文 é × ≥ π \u0000 \U0001f600",
    "line\nbreak\ttab",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_reaches_the_margin(text):
    sheet = contact_sheet(
        {text or "a": torch.zeros(3, 8, 8), "b": torch.zeros(3, 8, 8)},
        captions=[text, "short", text], marks=[True, None, False], title=text, subtitle=text,
    )  # fmt: skip
    left, top, right, bottom = ImageChops.difference(sheet, Image.new("RGB", sheet.size, PAPER)).getbbox()
    assert min(left, top, sheet.width - right, sheet.height - bottom) >= 40


@pytest.mark.parametrize("text", HOSTILE)
def test_wrapped_lines_fit(text):
    assert all(measure(line, 16) <= 120 for line in wrap(text, size=16, width=120))


def test_wrapping_keeps_every_word():
    assert " ".join(wrap("one two  three\nfour", size=16, width=70)) == "one two three four"
    assert "".join(wrap("x" * 100, size=16, width=70)) == "x" * 100


def test_more_items_than_the_limit_are_said_in_words(generator):
    images = torch.rand(9, 8, 8, generator=generator)
    sheet = contact_sheet({"a": images}, limit=4, scale=2)
    assert [len(find(sheet, enlarged(image, 2))) for image in images] == [1] * 4 + [0] * 5
    assert sheet.height > contact_sheet({"a": images[:4]}, scale=2).height  # the line that says so


@pytest.mark.parametrize(
    ("columns", "options", "error", "text"),
    [
        ({}, {}, ShapeError, "nothing in them"),
        ({"a": torch.zeros(2, 4, 4), "b": torch.zeros(3, 4, 4)}, {}, ShapeError, "'b': 3"),
        ({"a": torch.zeros(0, 4, 4)}, {}, ShapeError, "none of them 0"),
        ({"a": torch.zeros(2, 4, 0)}, {}, ShapeError, "none of them 0"),
        ({"a": torch.zeros(4, 4)}, {}, ShapeError, r"expected \(n, h, w\)"),
        ({"a": torch.tensor(1.0)}, {}, ShapeError, r"expected \(n, h, w\)"),
        ({"a": torch.zeros(2, 2, 4, 4)}, {}, ShapeError, r"\(n, 3, h, w\)"),
        ({"a": torch.full((1, 4, 4), 1.5)}, {}, RangeError, "1.5…1.5 for 'a'"),
        ({"a": torch.full((1, 4, 4), float("nan"))}, {}, RangeError, "NaN"),
        ({"a": torch.zeros(1, 4, 4, dtype=torch.uint8)}, {}, RangeError, "divide by"),
        ({"a": torch.zeros(1, 4, 4, dtype=torch.complex64)}, {}, RangeError, "complex64"),
        ({"a": torch.zeros(2, 4, 4)}, {"captions": ["x"]}, ShapeError, "1 captions for 2 items"),
        ({"a": torch.zeros(2, 4, 4)}, {"marks": [True]}, ShapeError, "1 marks for 2 items"),
        ({"a": torch.zeros(2, 4, 4)}, {"scale": 0}, OptionError, "scale=0"),
        ({"a": torch.zeros(2, 4, 4)}, {"limit": 0}, OptionError, "limit=0"),
    ],
)
def test_what_cannot_be_shown_is_said(columns, options, error, text):
    with pytest.raises(error, match=text):
        contact_sheet(columns, **options)


@pytest.mark.parametrize("shape", [(5, 6), (3, 5, 6), (2, 3, 5, 6)])
@pytest.mark.parametrize("power", [None, 0.25, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bfloat16])
def test_display_against_numpy(shape, power, dtype, generator):
    values = (torch.rand(shape, generator=generator) * 50).to(dtype)
    array = values.double().numpy()
    greatest = array.max() if len(shape) == 2 else array.reshape(shape[0], -1).max(1)
    share = array / np.reshape(greatest, (-1,) + (1,) * (len(shape) - 1) if len(shape) > 2 else ())
    expected = np.log1p(100 * share) / np.log(101) if power is None else share**power
    shown = to_display(values, power=power, centered=True)
    assert shown.dtype == torch.float32
    np.testing.assert_allclose(shown.numpy(), np.fft.fftshift(expected, axes=(-2, -1)), atol=1e-6)


@pytest.mark.parametrize("power", [None, 0.5])
@pytest.mark.parametrize("peak", [0.0, 5e-324, 1e-300, 1.0, 1e308])
def test_display_is_finite_for_any_peak(power, peak):
    values = torch.zeros(2, 3, 3, dtype=torch.float64)
    values[0, 1, 1] = peak
    shown = to_display(values, power=power)
    assert shown.sum() == (1.0 if peak else 0.0)


@pytest.mark.parametrize(
    ("values", "options", "error", "text"),
    [
        (torch.tensor([[-1.0, 1.0]]), {}, RangeError, "-1…1"),
        (torch.tensor([[float("inf"), 1.0]]), {}, RangeError, "NaN or infinity"),
        (torch.ones(2, 2, dtype=torch.complex64), {}, RangeError, "abs"),
        (torch.ones(2), {}, ShapeError, r"\(2,\)"),
        (torch.ones(2, 0), {}, ShapeError, r"\(2, 0\)"),
        (torch.ones(2, 2), {"power": 0.0}, OptionError, "power=0.0"),
        (torch.ones(2, 2), {"power": float("nan")}, OptionError, "power=nan"),
    ],
)
def test_display_refuses(values, options, error, text):
    with pytest.raises(error, match=text):
        to_display(values, **options)
