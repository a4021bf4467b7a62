"""The smooth filling: against a dense solution, exact at known pixels, every item for itself, in one to three axes."""

import itertools

import numpy as np
import pytest
import scipy.fft
import torch

from undula.jobs.restore import smooth as method
from undula.jobs.restore.smooth import pyramid, smooth


def dense_solution(image, missing, exponent):
    """The least Σ (Σ ω)^p |X|² with the known pixels fixed, by a matrix of all pixels."""
    shape, count = image.shape, image.size
    rate = sum(np.meshgrid(*(np.pi * np.arange(n) / n for n in shape), indexing="ij"))
    columns = scipy.fft.dctn(np.eye(count).reshape(count, *shape), axes=range(1, 1 + len(shape)), norm="ortho")
    transform = columns.reshape(count, count).T
    matrix = transform.T @ (rate.ravel()[:, None] ** exponent * transform)
    gone, known = missing.ravel(), ~missing.ravel()
    filled = image.copy().ravel()
    filled[gone] = np.linalg.solve(matrix[np.ix_(gone, gone)], -matrix[np.ix_(gone, known)] @ filled[known])
    return filled.reshape(shape)


@pytest.mark.parametrize("exponent", [2.0, 3.0, 4.0])
@pytest.mark.parametrize("shape", [(23,), (9, 12), (4, 5, 6)])
def test_it_is_the_dense_solution(shape, exponent, generator):
    image = torch.rand(shape, generator=generator, dtype=torch.float64)
    missing = torch.rand(shape, generator=generator) < 0.6
    filled = smooth(image[None], missing[None], exponent=exponent, steps=150)
    expected = dense_solution(image.numpy(), missing.numpy(), exponent)
    assert (filled[0] - torch.from_numpy(expected)).abs().max() < 1e-8


def test_few_steps_come_near_it(generator):
    coarse = torch.rand(12, 1, 5, 5, generator=generator, dtype=torch.float64)
    images = torch.nn.functional.interpolate(coarse, size=(32, 28), mode="bicubic")[:, 0]
    missing = torch.rand(images.shape, generator=generator) < 0.9
    settled, few = smooth(images, missing, steps=150), smooth(images, missing)
    error, left, apart = (
        (a - b).square().mean((1, 2)).sqrt() for a, b in ((settled, images), (few, images), (few, settled))
    )
    assert apart.mean() < 0.2 * error.mean()
    assert (left < 1.1 * error).all() and left.mean() < 1.02 * error.mean()


def test_known_pixels_stay_and_missing_ones_do_not_matter(generator):
    image = torch.rand(2, 17, 30, generator=generator)
    missing = torch.rand(image.shape, generator=generator) < 0.7
    filled = smooth(image, missing)
    assert torch.equal(filled[~missing], image[~missing])
    spoiled = torch.where(missing, float("nan"), image)
    assert torch.equal(smooth(spoiled, missing), filled)


def test_items_are_independent(generator, close):
    images = torch.rand(3, 20, 26, generator=generator, dtype=torch.float64)
    missing = torch.rand(images.shape, generator=generator) < torch.tensor([0.2, 0.8, 0.97])[:, None, None]
    together = smooth(images, missing)
    for place in range(3):
        alone = smooth(images[place : place + 1], missing[place : place + 1])
        close(together[place : place + 1], alone, times=1e4)  # sixteen steps multiply how transforms of batches round


def test_a_constant_is_added_and_contrast_multiplied(generator):
    image = torch.rand(1, 21, 16, generator=generator, dtype=torch.float64)
    missing = torch.rand(image.shape, generator=generator) < 0.8
    assert torch.allclose(smooth(0.2 * image + 0.3, missing), 0.2 * smooth(image, missing) + 0.3, atol=1e-9)


@pytest.mark.parametrize("shape", [(23,), (9, 12), (4, 5, 6)])
@pytest.mark.parametrize("values", [1, 20, 70])
def test_large_pictures_are_transformed_in_parts(shape, values, generator, close, monkeypatch):
    images = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    missing = torch.rand(images.shape, generator=generator) < 0.6
    whole = smooth(images, missing, steps=4)
    monkeypatch.setattr(method, "_AT_ONCE", values)
    close(smooth(images, missing, steps=4), whole, times=100)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 7), (1, 6, 1), (1, 2, 2), (1, 5)])
def test_smallest_images(shape):
    image = torch.rand(shape, dtype=torch.float64)
    nothing = torch.zeros(shape, dtype=torch.bool)
    assert torch.equal(smooth(image, nothing), image)
    missing = nothing.clone()
    missing.view(-1)[1:] = True
    assert torch.allclose(smooth(image, missing), image.flatten()[0].expand(shape))


@pytest.mark.parametrize("shape", [(1, 33), (2, 15, 22), (1, 7, 9, 5)])
def test_the_pyramid_keeps_what_is_known_and_invents_no_extremes(shape, generator):
    image = torch.rand(shape, generator=generator)
    known = torch.rand(shape, generator=generator) < 0.1
    known.view(shape[0], -1)[:, 0] = True
    filled = pyramid(image, known)
    assert torch.equal(filled[known], image[known])
    for one, there, source in zip(filled, known, image, strict=True):
        assert one.min() >= source[there].min() - 1e-6 and one.max() <= source[there].max() + 1e-6


def test_symmetries_of_the_grid_are_kept(generator):
    image = torch.rand(1, 16, 16, generator=generator, dtype=torch.float64)
    missing = torch.rand(image.shape, generator=generator) < 0.8
    filled = smooth(image, missing)
    for turned, mirrored in itertools.product(range(4), (False, True)):

        def seen(x, turned=turned, mirrored=mirrored):
            return torch.rot90(x.flip(-1) if mirrored else x, turned, (-2, -1))

        assert torch.allclose(smooth(seen(image), seen(missing)), seen(filled), atol=1e-9)
