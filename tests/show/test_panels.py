"""Panels: numbers where they belong, colors that rise in lightness, figures of the promised width."""

import numpy as np
import pytest
from PIL import Image

from undula.errors import DataError, RangeError, ShapeError
from undula.show import Axis, Lines, Plane, draw_panels, save_picture
from undula.show.axis import readable_unit, tick_texts
from undula.show.lines import trace
from undula.show.palette import diverging_colors, sequential_colors
from undula.show.plane import paint

UNIT = Axis(0.0, 1.0)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-0.5, 0.5), (-81.3, 0.0), (0.0, 44100.0), (0.93, -0.93), (3e-7, 9e-7)]
)
def test_even_ticks_are_matplotlibs_kind(low, high, count):
    """Oracle: multiples of 1, 2, 2.5 or 5 times a power of ten, inside the range, none left out, three at least."""
    values = np.array([value for value, _ in Axis(low, high).ticks(count)])
    steps = np.diff(values)
    assert len(values) >= 3 and values.min() >= min(low, high) - 1e-12 and values.max() <= max(low, high) + 1e-12
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0]) + 1e-9)
    assert np.isclose(mantissa, (1, 2, 2.5, 5), rtol=1e-6).any()
    assert values[0] - steps[0] < min(low, high) and values[-1] + steps[0] > max(low, high)


@pytest.mark.parametrize(("low", "high"), [(1.9, 515.0), (0.04, 0.6), (1e-9, 1e3), (20.0, 30.0)])
def test_ticks_of_ratios(low, high):
    axis = Axis(low, high, log=True)
    values = [value for value, _ in axis.ticks(5)]
    assert len(values) >= 2 and all(low <= value <= high for value in values)
    np.testing.assert_allclose(axis.place([low, np.sqrt(low * high), high]), [0.0, 0.5, 1.0], atol=1e-12)


def test_numbers_are_told_apart():
    assert tick_texts([0.0, 0.25, 0.5]) == ["0", "0.25", "0.5"]
    assert tick_texts([-60.0, -40.0]) == ["-60", "-40"]
    assert tick_texts([1e-5, 1e-3, 10.0]) == ["1e-5", "1e-3", "1e1"]
    for values in (np.linspace(0, 1e-4, 5), np.linspace(1e6, 5e6, 5), [0.0, 1e-3, 2e-3]):
        texts = tick_texts(list(values))
        assert len(set(texts)) == len(texts)
        np.testing.assert_allclose([float(text) for text in texts], values, rtol=1e-3)


def test_units():
    assert readable_unit(22050.0, "Hz") == (1000.0, "kHz")
    assert readable_unit(0.0, "s") == (1.0, "s")


@pytest.mark.parametrize("ends", [(0.0, 0.0), (0.0, np.nan), (-np.inf, 0.0)])
def test_axes_without_width_are_refused(ends):
    with pytest.raises(RangeError, match=r"got .* expected two different numbers"):
        Axis(*ends)
    with pytest.raises(RangeError, match="positive numbers"):
        Axis(0.0, 1.0, log=True)


def test_lightness_rises_evenly():
    """Oracle: scikit-image's CIE Lab; the lightness of magma rises with a correlation of 0.9997 to its index."""
    from skimage.color import rgb2lab

    lightness = rgb2lab(sequential_colors(np.linspace(0, 1, 101)))[:, 0]
    assert (np.diff(lightness) > 0).all()
    assert np.corrcoef(lightness, np.arange(101))[0, 1] > 0.99
    sides = rgb2lab(diverging_colors(np.linspace(-1, 1, 101)))[:, 0]
    assert sides.argmax() == 50 and np.abs(sides - sides[::-1]).max() < 10
    assert (np.diff(sides[:51]) > 0).all()


def test_colors_of_what_is_no_share():
    np.testing.assert_array_equal(sequential_colors(np.array([-1.0, 2.0])), sequential_colors(np.array([0.0, 1.0])))
    assert (sequential_colors(np.array([np.nan])) == 1).all() and (diverging_colors(np.array([np.nan])) == 1).all()


def test_enlarged_values_are_blocks():
    values = np.array([[0.0, 1.0], [0.5, np.nan]])
    picture = np.asarray(paint(Plane(values, UNIT, UNIT, scale=UNIT, colors="gray"), 8, 6))
    expected = np.kron([[0, 255], [128, 255]], np.ones((3, 4)))
    np.testing.assert_array_equal(picture[..., 0], expected)


def test_a_peak_survives_shrinking():
    values = np.zeros((500, 700))
    values[123, 456] = 1.0
    picture = np.asarray(paint(Plane(values, UNIT, UNIT, scale=UNIT), 70, 50)).astype(int)
    bright = np.argwhere(picture.sum(-1) > 600)
    assert bright.tolist() == [[12, 45]]


def test_gray_pictures_are_averaged():
    values = np.random.default_rng(0).random((60, 80))
    picture = np.asarray(paint(Plane(values, UNIT, UNIT, colors="gray"), 8, 6))[..., 0]
    expected = values.reshape(6, 10, 8, 10).mean(axis=(1, 3)) * 255
    assert np.abs(picture - expected).max() <= 0.5 + 1e-9


def test_a_span_leaves_the_rest_white():
    plane = Plane(np.zeros((1, 2)), UNIT, UNIT, scale=UNIT, colors="gray", span=(0.25, 0.75))
    np.testing.assert_array_equal(np.asarray(paint(plane, 8, 1))[0, :, 0], [255, 255, 0, 0, 0, 0, 255, 255])


def test_smooth_values_pass_through_their_middles():
    plane = Plane(np.array([[0.0, 1.0, -np.inf]]), UNIT, UNIT, scale=UNIT, colors="gray", smooth=True)
    row = np.asarray(paint(plane, 9, 1))[0, :, 0]
    np.testing.assert_array_equal(row[[1, 4, 7]], [0, 255, 0])
    assert (row[:2] == 0).all() and 0 < row[2] < row[3] < 255


@pytest.mark.parametrize("count", [2, 50, 100_000])
def test_a_line_is_where_its_points_are(count):
    """Oracle: y = x from corner to corner, whatever the number of points."""
    x = np.linspace(0, 1, count)
    mask = np.asarray(trace(np.stack([x, x], axis=1), UNIT, UNIT, 200, 200))
    rows = (mask * np.arange(200)[:, None]).sum(0) / mask.sum(0)
    np.testing.assert_allclose(rows[5:-5], 199 - np.arange(200)[5:-5], atol=1.0)


def test_a_peak_of_many_points_is_drawn():
    points = np.stack([np.linspace(0, 1, 100_000), np.zeros(100_000)], axis=1)
    points[40_321, 1] = 0.9
    mask = np.asarray(trace(points, UNIT, UNIT, 300, 100))
    assert mask[12:90, 119:122].max(axis=1).min() > 100


def test_gaps_and_infinities():
    points = np.array([[0.0, 0.5], [0.3, 0.5], [0.5, np.nan], [0.7, np.inf], [1.0, -np.inf]])
    mask = np.asarray(trace(points, UNIT, UNIT, 100, 50))
    assert mask[:, 45:55].max() == 0 and mask[:, 10].max() == 255


@pytest.mark.parametrize("width", [900, 1440])
def test_a_figure_has_its_width_and_no_overlaps(width):
    """The color under the middle of each plane is its own; nothing is drawn into the margins."""
    planes = [
        Plane(np.full((4, 5), share), Axis(0, 5, "x"), Axis(0, 4, "y"), str(share), Axis(0, 1, "dB"), square=True)
        for share in (0.2, 0.8)
    ]
    curve = Lines(
        {"a": np.array([[0.0, 0.0], [1.0, 1.0]]), "b": np.array([[0.0, 1.0], [1.0, 0.0]])}, UNIT, UNIT, "Lines"
    )
    figure = draw_panels([planes, [curve]], title="Title " * 30, subtitle="中文 $x$", width=width)
    pixels = np.asarray(figure)
    assert figure.width == width and (pixels[:, :30] == 255).all() and (pixels[:, -30:] == 255).all()
    for share in (0.2, 0.8):
        color = np.round(sequential_colors(share) * 255)
        assert (np.abs(pixels - color).max(-1) < 2).sum() > 10_000


def test_strips_and_towers_stay_legible():
    for shape in ((1, 400), (400, 1)):
        figure = draw_panels([[Plane(np.zeros(shape), Axis(0, shape[1], "x"), Axis(0, shape[0], "y"), square=True)]])
        assert 100 < figure.height < 3500


def test_refused():
    with pytest.raises(ShapeError, match="got no panels"):
        draw_panels([])
    with pytest.raises(ShapeError, match=r"expected \(rows, columns\)"):
        Plane(np.zeros(3), UNIT, UNIT)
    with pytest.raises(ShapeError, match=r"expected \(points, 2\)"):
        Lines({"a": np.zeros((0, 2))}, UNIT, UNIT)


def test_pictures_are_written_whole(tmp_path):
    picture = draw_panels([[Plane(np.zeros((2, 2)), UNIT, UNIT)]])
    save_picture(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as stored:
        assert stored.size == picture.size
    with pytest.raises(DataError):
        save_picture(tmp_path / "none" / "a.png", picture)


def test_marks_are_drawn_where_they_are_and_left_out_beyond_the_axis() -> None:
    from undula.show import Mark

    points = np.stack([np.linspace(0, 1, 5), np.zeros(5)], axis=1)
    plain, marked, beyond = (
        np.asarray(draw_panels([[Lines({"": points}, Axis(0, 1), Axis(-1, 1), marks=marks)]]))
        for marks in ((), [Mark(0.4, 0.5, 0.6, "a")], [Mark(1.4, 1.5, 1.6, "b")])
    )
    np.testing.assert_array_equal(plain, beyond)
    changed = np.flatnonzero((plain != marked).any(axis=(0, 2)))
    room = np.flatnonzero((plain != 255).any(axis=(0, 2)))
    middle = (changed[0] + changed[-1]) / 2
    assert middle == pytest.approx((room[0] + room[-1]) / 2, abs=40)
    assert (changed[-1] - changed[0]) / (room[-1] - room[0]) == pytest.approx(0.2, abs=0.03)
