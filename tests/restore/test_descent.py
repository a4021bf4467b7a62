"""The seed's method: its formulas written out with loops and autograd, its printed quality, and what it leaves alone."""

import numpy as np
import pytest
import skimage.data
import torch

from undula.jobs.restore.descent import descent, roughness
from undula.metrics import psnr


def score_of_the_seed(x):
    """`err_func` of the tutorial, line by line; torch's norm has gradient zero at zero."""

    def norm(values):
        return torch.linalg.vector_norm(values.diff())

    scores = []
    for row in x:
        scores += [norm(row), norm(row[0 : len(row) : 2]), norm(row[1 : len(row) : 2])]
    for row in x.T:
        scores += [norm(row), norm(row[0 : len(row) : 2]), norm(row[1 : len(row) : 2])]
    return torch.stack(scores).sum()


def descent_of_the_seed(image, missing, steps):
    x = image.clone()
    for w in range(steps):
        length = max(1.5 / (w + 1), 0.015)
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(score_of_the_seed(x), x)
        slope[~missing] = 0
        x = (x.detach() - length * slope).clamp(0, 1)
    return x


def test_five_hundred_steps_are_those_of_the_seed(generator, damage):
    picture = torch.rand(32, 40, generator=generator, dtype=torch.float64)
    picture[:3, :] = 0.25
    damaged, missing = damage(picture)
    missing[:3, :] = False  # lines whose norm is zero, and stays so
    damaged[:3, :] = 0.25
    expected = descent_of_the_seed(damaged, missing, 500)
    assert (descent(damaged[None], missing[None])[0] - expected).abs().max() < 1e-6


@pytest.mark.parametrize("shape", [(7, 10), (1, 6), (5, 1), (2, 2), (3, 3)])
def test_roughness_is_the_score_of_the_seed(shape, generator, close):
    images = torch.rand(3, *shape, generator=generator, dtype=torch.float64)
    close(roughness(images), torch.stack([score_of_the_seed(image) for image in images]), times=10)


@pytest.mark.parametrize(
    ("step", "printed"), [(1, (23.88, 22.59)), (4, (19.63, 16.41))], ids=["whole", "every fourth pixel"]
)
def test_the_quality_of_the_seed_on_two_photographs(step, printed, damage):
    pictures = (skimage.data.camera() / 255, skimage.data.astronaut().mean(axis=2) / 255)
    for picture, expected in zip(pictures, printed, strict=True):
        original = torch.from_numpy(np.ascontiguousarray(picture[::step, ::step])).float()
        damaged, missing = damage(original)
        filled = descent(damaged[None], missing[None])[0]
        assert float(psnr(filled, original)) == pytest.approx(expected, abs=0.05)


def test_flat_images_have_no_slope():
    image = torch.full((1, 6, 5), 0.5)
    assert torch.equal(descent(image, torch.ones(1, 6, 5, dtype=torch.bool), steps=5), image)


def test_known_pixels_stay_and_items_are_independent(generator):
    images = torch.rand(3, 12, 9, generator=generator, dtype=torch.float64)
    missing = torch.rand(images.shape, generator=generator) < 0.6
    filled = descent(images, missing, steps=40)
    assert torch.equal(filled[~missing], images[~missing])
    assert all(torch.equal(descent(images[k : k + 1], missing[k : k + 1], steps=40)[0], filled[k]) for k in range(3))


def test_every_step_is_told(generator):
    image = torch.rand(1, 8, 8, generator=generator)
    told = []
    missing = torch.rand(image.shape, generator=generator) < 0.8
    filled = descent(image, missing, steps=100, callback=lambda step, state: told.append((step, state["image"])))
    assert [step for step, _ in told] == list(range(1, 101))
    assert torch.equal(told[-1][1], filled)
    assert float(roughness(told[-1][1])) < float(roughness(image))


def test_any_number_may_stand_where_a_pixel_is_missing():
    image = torch.tensor([[[0.5, 1e30, 0.5], [0.5, -9999.0, 0.5]]])
    assert descent(image, (image - 0.5).abs() > 1).isfinite().all()
