"""Every file of PngSuite against OpenCV, an independent reader (libpng)."""

import os
from pathlib import Path

import numpy as np
import png
import pytest

from undula.data import image_bits, read_image
from undula.errors import DataError

cv2 = pytest.importorskip("cv2")

_FOLDER = Path(os.environ.get("UNDULA_DATA", "")) / "formats" / "pngsuite"
# Names are gathered before fixtures run; test_all_files_are_here fails where there should be some.
_NAMES = sorted(path.name for path in _FOLDER.glob("*.png")) if os.environ.get("UNDULA_DATA") else []
_VALID = [name for name in _NAMES if not name.startswith("x")]
_CORRUPT = [name for name in _NAMES if name.startswith("x")]
_INTERLACED = [name for name in _VALID if name.startswith("basi")]
_DEEP_COLOR = [name for name in _VALID if name[3:] in ("n2c16.png", "n6a16.png", "i2c16.png", "i6a16.png")]


@pytest.fixture
def suite(data_set):
    return data_set("formats") / "pngsuite"


def test_all_files_are_here(suite):
    assert (len(_VALID), len(_CORRUPT), len(_INTERLACED)) == (162, 14, 15)


@pytest.mark.parametrize("name", _VALID)
def test_as_opencv_reads_it(suite, name):
    pixels = read_image(suite / name).numpy()
    expected = _opencv(suite / name)
    if pixels.shape[0] in (2, 4) and expected.shape[0] in (1, 4):
        pixels, expected = _alike(pixels, expected)
    np.testing.assert_array_equal(pixels, expected)


def _opencv(path):
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    raw = raw[..., None] if raw.ndim == 2 else raw[..., [2, 1, 0, 3][: raw.shape[2]]]
    return (raw.astype(np.float32) / np.float32(np.iinfo(raw.dtype).max)).transpose(2, 0, 1)


def _alike(pixels, expected):
    """OpenCV knows no grey with alpha: it repeats the grey, and drops a transparent grey value."""
    if pixels.shape[0] == 2 and expected.shape[0] == 4:
        assert (expected[0] == expected[1]).all() and (expected[0] == expected[2]).all()
        return pixels, expected[[0, 3]]
    if pixels.shape[0] == 2:  # its alpha: test_transparent_grey
        return pixels[:1], expected
    return pixels, expected


@pytest.mark.parametrize("name", ["tbbn0g04.png", "tbwn0g16.png"])
def test_transparent_grey_as_pypng_reads_it(suite, name):
    width, height, rows, info = png.Reader(bytes=(suite / name).read_bytes()).asDirect()
    expected = np.array(list(rows), dtype=np.float32).reshape(height, width, 2) / (2 ** info["bitdepth"] - 1)
    np.testing.assert_allclose(read_image(suite / name).numpy(), expected.transpose(2, 0, 1), atol=1e-7)
    assert 0 < expected[..., 1].mean() < 1


@pytest.mark.parametrize("name", _INTERLACED)
def test_interlaced_equals_plain(suite, name):
    assert read_image(suite / name).equal(read_image(suite / name.replace("basi", "basn")))


@pytest.mark.parametrize("name", _DEEP_COLOR)
def test_deep_colors_are_not_cut(suite, name):
    levels = (read_image(suite / name).double() * 65535).round().long()
    assert image_bits(suite / name) == 16
    assert (levels % 257 != 0).any()  # 8 bits stretched to 16 are multiples of 257


@pytest.mark.parametrize("name", _CORRUPT)
@pytest.mark.parametrize("read", [read_image, image_bits])
def test_corrupt_is_refused_in_one_line(suite, name, read):
    with pytest.raises(DataError) as caught:
        read(suite / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "channels", "bits"),
    [
        ("basn0g01.png", 1, 1),
        ("basn0g04.png", 1, 4),
        ("basn0g16.png", 1, 16),
        ("basn2c08.png", 3, 8),
        ("basn3p02.png", 3, 8),
        ("basn4a16.png", 2, 16),
        ("basn6a08.png", 4, 8),
        ("tbrn2c08.png", 4, 8),
        ("tm3n3p02.png", 4, 8),
    ],
)
def test_channels_and_bits(suite, name, channels, bits):
    assert read_image(suite / name).shape == (channels, 32, 32)
    assert image_bits(suite / name) == bits
