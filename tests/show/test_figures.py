"""Figures: PNGs of the promised size, cuts and surfaces that agree with closed forms."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from undula.errors import DataError, MissingExtra, OptionError, RangeError, ShapeError
from undula.show import isosurface, line_figure, orthogonal_slices
from undula.show.crop import center_of_mass, object_box
from undula.show.palette import phase_colors
from undula.show.surface import _solid

CURVE = [(0.0, 1.0), (1.0, 0.5), (2.0, 0.1)]
HOSTILE = "$\\frac{ _x^ </b> 中文 " + "long " * 40


def ball(size: int = 32, radius: float = 8.0, center: tuple[int, int, int] = (16, 14, 18)) -> np.ndarray:
    z, y, x = np.mgrid[:size, :size, :size] - np.reshape(center, (3, 1, 1, 1))
    return np.clip(radius + 0.5 - np.sqrt(z**2 + y**2 + x**2), 0, 1)


@pytest.mark.parametrize(
    ("curves", "options"),
    [
        ({"one": CURVE}, {"threshold": 0.2}),
        ({f"run {k}": CURVE for k in range(8)}, {"title": HOSTILE, "xlabel": HOSTILE, "ylabel": HOSTILE}),
        (
            {HOSTILE: CURVE, "_hidden": CURVE},
            {"threshold": 1 / np.e, "threshold_label": "$1/e$", "log": False},
        ),
        ([np.array(CURVE)] * 40, {}),
        ({"gap": [(0, 1.0), (1, float("nan")), (2, 0.1)], "zero": [(0, 1.0), (1, 0.0)]}, {}),
        ({"point": [(0, 1.0)]}, {}),
    ],
)
def test_lines_are_drawn_at_twice_the_resolution(curves, options, tmp_path):
    line_figure(tmp_path / "a.png", curves, **options)
    with Image.open(tmp_path / "a.png") as picture:
        picture.load()
        assert picture.width == 1440
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 10


def test_threshold_is_where_it_belongs(tmp_path):
    """Oracle: from 0 to 1 with margins of 5 %, a line at 0.25 lies at 0.3 / 1.1 of the axes' height."""
    line_figure(tmp_path / "a.png", {"a": [(0, 0.0), (1, 1.0)]}, threshold=0.25, log=False)
    with Image.open(tmp_path / "a.png") as picture:
        rows = (np.asarray(picture.convert("RGB"))[:, 300:1000] == (208, 58, 58)).all(-1).sum(1)
    height = 840
    expected = height * (1 - 0.14 - 0.82 * 0.3 / 1.1)
    assert abs(np.argmax(rows) - expected) < 4


@pytest.mark.parametrize(
    ("curves", "options", "error"),
    [
        ({}, {}, ShapeError),
        ([], {}, ShapeError),
        ({"a": []}, {}, ShapeError),
        ({"a": np.zeros((3, 3))}, {}, ShapeError),
        ({"a": [(0.0, float("inf"))]}, {}, RangeError),
        ({"a": [(0.0, float("nan"))]}, {}, RangeError),
        ({"a": [(0.0, -1.0)]}, {}, RangeError),
        ({"a": [(0.0, 0.0)]}, {}, RangeError),
        ({"a": CURVE}, {"threshold": 0.0}, RangeError),
        ({"a": CURVE}, {"threshold": float("nan")}, RangeError),
    ],
)
def test_lines_refuse(curves, options, error, tmp_path):
    with pytest.raises(error, match=r"got .* expected .*: "):
        line_figure(tmp_path / "a.png", curves, **options)
    assert not list(tmp_path.iterdir())


def test_phase_colors_have_one_lightness():
    """Oracle: scikit-image's CIE Lab, where the circle wobbles far less than that of hsv (by 60)."""
    from skimage.color import rgb2lab

    lightness = rgb2lab(phase_colors(np.linspace(-np.pi, np.pi, 100)))[:, 0]
    assert np.ptp(lightness) < 8


def test_center_and_box_of_a_ball():
    modulus = ball()
    assert center_of_mass(modulus) == (16, 14, 18)
    box = object_box(modulus, margin=0.0)  # two voxels of margin at least
    assert [(part.start, part.stop) for part in box] == [(6, 27), (4, 25), (8, 29)]


@pytest.mark.parametrize("convert", [torch.from_numpy, np.asarray], ids=["torch", "numpy"])
@pytest.mark.parametrize("phase", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("options", [{}, {"center": (1, 2, 30), "voxel": (5.0, 6, 7), "title": HOSTILE}])
def test_slices(convert, phase, options, tmp_path):
    volume = ball() * (np.exp(0.3j) if phase else 1.0)
    orthogonal_slices(tmp_path / "a.png", convert(volume), **options)
    with Image.open(tmp_path / "a.png") as picture:
        colors = {color for _, color in picture.convert("RGB").getcolors(1 << 24)}
    expected = tuple(np.asarray(phase_colors(0.3) * 255).astype(int))  # the one phase of the whole ball
    near = min(max(abs(a - b) for a, b in zip(color, expected, strict=True)) for color in colors)
    assert near <= 1 if phase else True
    assert (0, 0, 0) in colors or (0, 0, 3) in colors  # the dark end of the map of the modulus


@pytest.mark.parametrize("draw", [orthogonal_slices, isosurface])
@pytest.mark.parametrize(
    ("volume", "error"),
    [
        (np.ones((4, 4)), ShapeError),
        (np.ones((4, 4, 0)), ShapeError),
        (np.ones((1, 4, 4)), ShapeError),
        (np.zeros((4, 4, 4)), RangeError),
        (np.full((4, 4, 4), np.nan), RangeError),
        (np.full((4, 4, 4), complex(0, np.inf)), RangeError),
    ],
)
def test_volumes_refused(draw, volume, error, tmp_path):
    with pytest.raises(error, match=r"got .* expected .*: "):
        draw(tmp_path / "a.png", volume)
    assert not list(tmp_path.iterdir())


def test_options_refused(tmp_path):
    for options in (
        {"center": (0, 0, 99)},
        {"center": (0, 0)},
        {"voxel": 0.0},
        {"voxel": (1.0, float("nan"), 1.0)},
    ):
        with pytest.raises(RangeError):
            orthogonal_slices(tmp_path / "a.png", ball(), **options)
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(OptionError):
            isosurface(tmp_path / "a.png", ball(), level=level)


@pytest.mark.parametrize("size", [24, 60, 90])
def test_surface_of_a_ball_is_round_with_outward_normals(size):
    """A ball has all corners at one distance and normals along its radius, at every step of the grid."""
    solid = _solid(ball(size + 8, size / 2, (size // 2 + 4,) * 3), 0.5)
    middle = solid.corners.mean(axis=1)
    radius = np.linalg.norm(middle, axis=1)
    assert radius.min() > 0.9
    assert ((middle / radius[:, None]) * solid.normals).sum(1).min() > 0.9


@pytest.mark.parametrize("size", [24, 60, 90])
def test_surface_has_the_phase_of_its_place(size):
    """A phase that grows along x is read back from the colors at every step of the grid."""
    modulus = ball(size + 8, size / 2, (size // 2 + 4,) * 3)
    slope = 2.0 / size
    solid = _solid(modulus * np.exp(1j * slope * (np.arange(size + 8) - size // 2 - 4)), 0.5)
    expected = phase_colors(slope * solid.corners.mean(axis=1)[:, 0] * size / 2)
    assert np.abs(solid.colors - expected).max() < 0.06


@pytest.mark.parametrize(
    "volume",
    [
        ball(),
        torch.from_numpy(ball() * np.exp(1j)).to(torch.complex64).conj(),
        torch.from_numpy(ball()).to(torch.bfloat16),
        np.eye(8)[:, :, None] * np.eye(8)[3],  # one-voxel lines up to the border
    ],
)
def test_surface_is_drawn(volume, tmp_path):
    isosurface(tmp_path / "a.png", volume, title=HOSTILE)
    with Image.open(tmp_path / "a.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 50


@pytest.mark.parametrize("module", ["matplotlib", "skimage"])
def test_missing_packages_name_the_extra(module, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"pip install 'undula\[(plot|science)\]'"):
        isosurface(tmp_path / "a.png", ball())
    assert not list(tmp_path.iterdir())


def test_no_global_state(tmp_path):
    line_figure(tmp_path / "a.png", {"a": CURVE})
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(DataError):
        line_figure(tmp_path / "none" / "a.png", {"a": CURVE})
    assert not list(tmp_path.iterdir())
