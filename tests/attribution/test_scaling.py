"""Oracles: OpenCV's resize, the loop of the document that the band filter comes from."""

import cv2
import numpy as np
import pytest
import torch

from undula.attribution import band_filter, heat_maps
from undula.attribution.scaling import enlarged
from undula.errors import OptionError, ShapeError


@pytest.mark.parametrize("size", [(40, 48), (31, 17), (5, 6), (10, 12), (4, 50)], ids=lambda size: str(size))
def test_maps_are_enlarged_as_by_opencv(size, generator, close):
    maps = torch.randn(3, 10, 12, generator=generator)
    want = np.stack([cv2.resize(item.numpy(), size[::-1], interpolation=cv2.INTER_LINEAR) for item in maps])
    close(enlarged(maps, size), want)


def test_heat_maps_are_the_steps_of_the_reference(generator, close):
    """Written as pytorch-grad-cam has them, item by item, layer by layer."""
    layers = [torch.randn(3, 5, 7, generator=generator), torch.randn(3, 10, 14, generator=generator)]

    def scale(x):
        x = x - x.min()
        return x / (1e-7 + x.max())

    for item, own in enumerate(heat_maps(layers, (20, 28))):
        parts = [cv2.resize(scale(np.maximum(each[item].numpy(), 0)), (28, 20)) for each in layers]
        close(own, scale(np.maximum(np.mean(parts, axis=0), 0)))


def test_signals_and_volumes_have_heat_maps(generator):
    assert heat_maps([torch.randn(2, 5, generator=generator)], (17,)).shape == (2, 17)
    assert heat_maps([torch.randn(2, 3, 4, 5, generator=generator)], (6, 8, 10)).shape == (2, 6, 8, 10)
    with pytest.raises(
        ShapeError, match=r"got maps of shape \(2, 5\) and a size of \(3, 3\), expected one to three axes"
    ):
        enlarged(torch.zeros(2, 5), (3, 3))


def test_nothing_positive_is_all_zero():
    assert heat_maps([-torch.ones(2, 3, 3)], (6, 6)).abs().max() == 0


def printed_filter(cam_data, lower_threshold=0.4, upper_threshold=0.9):
    """The lines of the document."""
    filtered = np.where((cam_data >= lower_threshold) & (cam_data <= upper_threshold), cam_data, 0)
    if filtered.max() > 0:
        mask = filtered > 0
        least, most = filtered[mask].min(), filtered[mask].max()
        final = np.zeros_like(filtered)
        final[mask] = (filtered[mask] - least) / (most - least + 1e-8)
        return final
    return filtered


@pytest.mark.parametrize(("low", "high"), [(0.4, 0.9), (0.0, 0.5), (0.99, 1.0)])
def test_the_band_filter_is_the_documents(low, high, generator, close):
    maps = torch.rand(4, 9, 11, generator=generator)
    maps[1] = 0.3  # nothing inside, or one value only
    maps[2, :5] = 0.0
    want = np.stack([printed_filter(item.numpy(), low, high) for item in maps])
    close(band_filter(maps, low=low, high=high), want, times=10)


def test_an_empty_band_is_refused():
    with pytest.raises(OptionError, match=r"got the band 0.9 … 0.4, expected 0 ≤ low < high"):
        band_filter(torch.zeros(1, 2, 2), low=0.9, high=0.4)
