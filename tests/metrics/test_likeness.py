"""Measures of likeness against scikit-image and NumPy."""

import numpy as np
import pytest
import skimage.data
import skimage.metrics
import torch

from undula.errors import OptionError, ShapeError
from undula.metrics import correlation, mean_squared_error, psnr, relative_error, ssim


def pair(shape, *, dtype=torch.float64, seed=0):
    chance = torch.Generator().manual_seed(seed)
    x = torch.rand(*shape, dtype=dtype, generator=chance)
    return x, (x + 0.2 * torch.randn(*shape, dtype=dtype, generator=chance))


def items(x, dims=2):
    return x.reshape(-1, *x.shape[x.ndim - dims :]).numpy()


@pytest.mark.parametrize("peak", [1.0, 255.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(11, 11), (12, 17), (3, 16, 13), (2, 3, 20, 11)])
def test_psnr_and_ssim_are_scikit_images(shape, dtype, peak, close):
    x, y = pair(shape, dtype=dtype)
    x, y = peak * x, peak * y
    want = [
        skimage.metrics.peak_signal_noise_ratio(b, a, data_range=peak) for a, b in zip(items(x), items(y), strict=True)
    ]
    close(psnr(x, y, peak=peak), np.reshape(want, shape[:-2]), times=10)
    want = [
        skimage.metrics.structural_similarity(
            a, b, data_range=peak, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(items(x), items(y), strict=True)
    ]
    # Variances are differences of nearly equal means.
    close(ssim(x, y, peak=peak), np.reshape(want, shape[:-2]), times=10)


def test_ssim_of_a_photograph_is_scikit_images(close):
    picture = torch.as_tensor(skimage.data.camera()[:200, :160] / 255.0)
    noisy = picture + 0.1 * torch.randn(picture.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    want = skimage.metrics.structural_similarity(
        picture.numpy(),
        noisy.numpy(),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    close(ssim(noisy, picture), want, times=10)
    close(ssim(picture, picture), 1.0, times=10)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
def test_errors_and_correlation_are_numpys(dtype, dims, close):
    chance = torch.Generator().manual_seed(0)
    x, y = (torch.randn(2, 4, 5, 6, dtype=dtype, generator=chance) for _ in range(2))
    a, b = x.numpy(), y.numpy()
    axes = tuple(range(-dims, 0))
    close(mean_squared_error(x, y, dims=dims), (abs(a - b) ** 2).mean(axis=axes))
    close(psnr(x, y, dims=dims), -10 * np.log10((abs(a - b) ** 2).mean(axis=axes)), times=10)
    norms = [np.sqrt((abs(v) ** 2).sum(axis=axes)) for v in (a - b, a, b)]
    close(relative_error(x, y, dims=dims), norms[0] / norms[2])
    close(correlation(x, y, dims=dims), abs((a.conj() * b).sum(axis=axes)) / (norms[1] * norms[2]))


@pytest.mark.parametrize("measure", [mean_squared_error, psnr, relative_error, correlation, ssim])
def test_items_do_not_know_each_other(measure, close):
    x, y = pair((3, 12, 13))
    together = measure(x, y)
    assert together.shape == (3,)
    close(together, torch.stack([measure(a, b) for a, b in zip(x, y, strict=True)]))
    strided = torch.stack([x, y], dim=-1)
    close(measure(strided[..., 0], strided[..., 1]), together)


def test_equal_images():
    x, _ = pair((4, 12, 12))
    assert mean_squared_error(x, x).tolist() == [0] * 4
    assert torch.isinf(psnr(x, x)).all()
    assert relative_error(x, x).tolist() == [0] * 4


def test_correlation_ignores_a_global_phase(close):
    x = torch.randn(3, 5, 5, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    close(correlation(x * np.exp(1.2j), x), torch.ones(3, dtype=torch.float64))


def test_nothing_against_nothing_is_nan():
    zero = torch.zeros(4, 4)
    assert torch.isnan(relative_error(zero, zero)) and torch.isnan(correlation(zero, zero))


@pytest.mark.parametrize("name", ["mean_squared_error", "psnr", "relative_error", "correlation", "ssim"])
def test_shapes_must_agree(name, unchecked):
    measure = getattr(unchecked("undula.metrics.likeness"), name)
    with pytest.raises(ShapeError, match=r"got an image of shape \(12, 12\) and a reference of shape \(12, 13\), exp"):
        measure(torch.zeros(12, 12), torch.zeros(12, 13))
    with pytest.raises(ShapeError, match=r"got an empty image of shape \(0, 12, 12\), expected at least one pixel"):
        measure(torch.zeros(0, 12, 12), torch.zeros(0, 12, 12))


def test_ssim_says_when_an_image_is_smaller_than_its_window():
    with pytest.raises(ShapeError, match=r"got images of \(10, 12\) pixels, expected at least 11 × 11: use psnr"):
        ssim(torch.zeros(10, 12), torch.zeros(10, 12))
    with pytest.raises(OptionError, match=r"got peak=0.0, expected a positive number"):
        ssim(torch.zeros(12, 12), torch.zeros(12, 12), peak=0.0)


@pytest.mark.parametrize("measure", [mean_squared_error, psnr, relative_error, correlation, ssim])
def test_gradients(measure):
    x, y = (v.requires_grad_() for v in pair((1, 11, 11)))
    assert torch.autograd.gradcheck(measure, (x, y), fast_mode=True)
