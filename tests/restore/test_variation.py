"""Least total variation: closed forms, and what it leaves alone."""

import numpy as np
import pytest
import torch

from undula.jobs.restore.smooth import smooth
from undula.jobs.restore.variation import least_variation, total_variation


def test_total_variation_is_its_formula(generator):
    image = torch.rand(2, 6, 9, generator=generator, dtype=torch.float64)
    values = image.numpy()
    down = np.diff(values, axis=1, append=values[:, -1:])
    right = np.diff(values, axis=2, append=values[:, :, -1:])
    expected = np.sqrt(down**2 + right**2).sum(axis=(1, 2))
    assert np.allclose(total_variation(image).numpy(), expected, atol=1e-12)


def test_between_equal_values_a_line_is_flat_and_between_others_it_rises_once(generator):
    line = torch.tensor([[0.2, 9, 9, 9, 0.2, 9, 9, 0.9, 9, 9, 0.9]], dtype=torch.float64)
    missing = line == 9
    start = torch.rand(line.shape, generator=generator, dtype=torch.float64)
    filled = least_variation(line, missing, start=start, steps=4000)
    assert torch.allclose(filled[0, :5], torch.tensor(0.2).double(), atol=1e-4)
    assert torch.allclose(filled[0, 7:], torch.tensor(0.9).double(), atol=1e-4)
    assert float(total_variation(filled)[0]) == pytest.approx(0.7, abs=1e-4)  # the least there is: |0.9 - 0.2|


@pytest.mark.parametrize("shape", [(8, 12), (3, 4, 6)])
def test_from_side_to_side_every_row_rises_by_one(shape, generator):
    image = torch.zeros(1, *shape, dtype=torch.float64)
    image[..., -1] = 1
    missing = torch.ones_like(image, dtype=torch.bool)
    missing[..., 0] = missing[..., -1] = False
    start = torch.rand(image.shape, generator=generator, dtype=torch.float64)
    filled = least_variation(image, missing, start=start, steps=3000)
    rows = image[0, ..., 0].numel()  # |∇x| is no less than the rise along a row, whose sum is 1
    assert rows - 1e-9 <= float(total_variation(filled)[0]) < 1.001 * rows


def test_variation_falls_and_known_pixels_stay(generator):
    images = torch.rand(3, 16, 13, generator=generator)
    missing = torch.rand(images.shape, generator=generator) < 0.7
    start = smooth(images, missing)
    filled = least_variation(images, missing, start=start)
    assert torch.equal(filled[~missing], images[~missing])
    assert (total_variation(filled) < total_variation(start)).all()
    alone = least_variation(images[1:2], missing[1:2], start=start[1:2])
    assert torch.equal(alone, filled[1:2])
