"""Drawn asphalt: the same by number, cracked, and like photographs in its spectrum and grain."""

import itertools

import numpy as np
import pytest
import scipy.ndimage
import torch

from undula.data import drawn_asphalt, luminance, read_image
from undula.data.fractures import _nearest, crack_distance
from undula.errors import OptionError


@pytest.fixture(scope="module")
def drawn():
    return drawn_asphalt(30)


def test_a_number_has_its_picture():
    images, masks = drawn_asphalt(5, height=96, width=70)
    assert images.shape == (5, 3, 96, 70) and images.dtype == torch.float32
    assert masks.shape == (5, 96, 70) and masks.dtype == torch.bool
    fewer, fewer_masks = drawn_asphalt(2, height=96, width=70)
    assert torch.equal(fewer, images[:2]) and torch.equal(fewer_masks, masks[:2])
    others, _ = drawn_asphalt(2, height=96, width=70, seed=1)
    assert not torch.equal(others, fewer)
    huge, _ = drawn_asphalt(1, height=64, width=64, seed=2**63)
    assert not torch.equal(huge, drawn_asphalt(1, height=64, width=64, seed=-1)[0])
    state = torch.get_rng_state()
    drawn_asphalt(1, height=64, width=64)
    assert torch.equal(torch.get_rng_state(), state)


def test_pictures_drawn_together_do_not_touch_each_other(monkeypatch):
    together = drawn_asphalt(4, height=80, width=64)
    monkeypatch.setattr("undula.data.asphalt._AT_ONCE", 1)
    for one, other in zip(together, drawn_asphalt(4, height=80, width=64), strict=True):
        assert torch.equal(one, other)


def test_values_are_those_of_bytes(drawn):
    images, _ = drawn
    levels = images * 255
    assert images.min() >= 0 and images.max() <= 1
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)


def test_grey_is_the_luminance_of_color(drawn):
    grey, masks = drawn_asphalt(3, color=False)
    assert grey.shape == (3, 1, 256, 256) and torch.equal(masks, drawn[1][:3])
    expected = torch.stack([luminance(image) for image in drawn[0][:3]])
    inside = ((drawn[0][:3] > 0) & (drawn[0][:3] < 1)).all(dim=1)  # the brightest flecks of a color are cut at 1
    assert inside.double().mean() > 0.999
    torch.testing.assert_close(grey[:, 0][inside], expected[inside], atol=1.01 / 255, rtol=0)  # both are rounded


def test_cracks_cover_little_and_run_through(drawn):
    _, masks = drawn
    covered = masks.double().mean(dim=(1, 2))
    assert covered.min() > 0.005 and covered.max() < 0.05
    for mask in masks.numpy():
        pieces, _ = scipy.ndimage.label(mask, np.ones((3, 3)))
        largest = pieces == np.bincount(pieces[pieces > 0]).argmax()
        edges = [largest[0].any(), largest[-1].any(), largest[:, 0].any(), largest[:, -1].any()]
        assert largest.sum() > 0.5 * mask.sum() and (sum(edges) >= 2 or largest.any(axis=0).sum() > 128)


def test_cracks_are_darker_than_what_surrounds_them(drawn):
    images, masks = drawn
    for image, mask in zip(images, masks.numpy(), strict=True):
        grey = luminance(image).numpy()
        distance = scipy.ndimage.distance_transform_edt(~mask)
        around = grey[(distance > 3) & (distance < 12)]
        assert grey[mask].mean() < around.mean() - 0.6 * around.std()  # 0.79 at least in 60


def test_distances_are_those_to_a_bar():
    """A straight crack with round ends in closed form, half of it outside of the picture; and none in the second one."""
    across = torch.arange(20, 55, 0.5, dtype=torch.float64)
    places = torch.stack([torch.full_like(across, 11.3), across], dim=-1)[None, None].repeat(2, 1, 1, 1)
    radii = torch.tensor([2.2, 0.0], dtype=torch.float64)[:, None, None].expand(2, 1, len(across))
    distance = _nearest(places, radii, 24, 40)
    rows, columns = torch.arange(24.0)[:, None], torch.arange(40.0)
    expected = torch.hypot(rows - 11.3, (20 - columns).clamp_min(0)).double() - 2.2
    torch.testing.assert_close(distance[0], expected.clamp_max(3), atol=0.11, rtol=0)  # half a step is 0.25 pixels
    beyond = (distance[0] > -2.2 + 1) & (distance[0] < 3)
    torch.testing.assert_close(distance[0][beyond], expected[beyond], atol=0.032, rtol=0)
    assert (distance[1] == 3).all()


def test_cracks_are_two_to_four_pixels_wide():
    distance = crack_distance(torch.arange(40), 128, 128)
    deepest = -distance.flatten(1).amin(dim=1)
    assert 0.8 < deepest.median() < 2.2 and deepest.max() < 3.5 and distance.max() == 3


def test_spectrum_and_grain_are_those_of_photographs(drawn, data_set):
    """The medians of 30 drawn pictures against 40 photographs, by a periodogram of NumPy."""
    files = sorted((data_set("cracks") / "images").glob("*.jpg"))[:80:2]
    photographed = [luminance(read_image(file))[32:288, 112:368].numpy() for file in files]
    assert all(picture.shape == (256, 256) for picture in photographed)
    real, ours = described(photographed), described([luminance(image).numpy() for image in drawn[0]])
    assert abs(ours["slope"] - real["slope"]) < 0.25
    assert 0.7 < ours["spread"] / real["spread"] < 1.4
    assert abs(ours["kurtosis"] - real["kurtosis"]) < 1.5
    assert np.abs(np.log10(ours["power"] / real["power"])).max() < 0.3  # photographs vary by 0.27 to 0.37 (std)


def described(pictures):
    """Medians of: slope of the power spectrum in 0.03-0.25 cycles per pixel, power in bands, spread and kurtosis."""
    window = np.hanning(256)[:, None] * np.hanning(256)
    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256))
    edges = np.geomspace(0.03, 0.5, 11)
    bands = [(radius >= low) & (radius < high) for low, high in itertools.pairwise(edges)]
    middle = np.sqrt(edges[1:] * edges[:-1])
    rows = []
    for picture in pictures:
        power = np.abs(np.fft.fft2((picture - picture.mean()) * window)) ** 2
        levels = np.array([power[band].mean() for band in bands])
        slope = np.polyfit(np.log(middle[middle < 0.25]), np.log(levels[middle < 0.25]), 1)[0]
        fine = picture - scipy.ndimage.gaussian_filter(picture, 8)
        rows.append([slope, fine.std(), (fine**4).mean() / fine.var() ** 2, *levels])
    slope, spread, kurtosis, *power = np.median(rows, axis=0)
    return {"slope": slope, "spread": spread, "kurtosis": kurtosis, "power": np.array(power)}


@pytest.mark.parametrize("options", [{"count": 0}, {"height": 63}, {"width": 8}])
def test_refusals(options):
    with pytest.raises(OptionError, match="expected at least 1 of 64 × 64"):
        drawn_asphalt(**options)
