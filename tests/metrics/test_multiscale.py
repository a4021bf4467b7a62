"""MS-SSIM against pytorch-msssim, and against SciPy where sides are odd."""

import numpy as np
import pytest
import pytorch_msssim
import scipy.ndimage
import skimage.data
import skimage.metrics
import torch

from undula.errors import OptionError, ShapeError
from undula.metrics import multiscale_ssim, ssim


def pair(shape, *, dtype=torch.float64, noise=0.2, seed=0):
    chance = torch.Generator().manual_seed(seed)
    x = torch.rand(*shape, dtype=dtype, generator=chance)
    return x, x + noise * torch.randn(*shape, dtype=dtype, generator=chance)


@pytest.mark.parametrize("peak", [1.0, 255.0])
@pytest.mark.parametrize("noise", [0.02, 0.5])
@pytest.mark.parametrize("shape", [(176, 176), (3, 176, 192), (2, 3, 192, 176)])
def test_sides_of_sixteen_are_pytorch_msssims(shape, noise, peak, close):
    x, y = (peak * v for v in pair(shape, dtype=torch.float32, noise=noise))
    flat = [v.reshape(-1, 1, *shape[-2:]) for v in (x, y)]
    want = pytorch_msssim.ms_ssim(*flat, data_range=peak, size_average=False).reshape(shape[:-2])
    # Variances are differences of nearly equal means.
    close(multiscale_ssim(x, y, peak=peak), want, times=10)


def taken_apart(x, y):
    """Mean SSIM and mean contrast times structure, by SciPy's filter."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    taps /= taps.sum()

    def mean(v):
        return scipy.ndimage.correlate1d(scipy.ndimage.correlate1d(v, taps, axis=0), taps, axis=1)[5:-5, 5:-5]

    a, b = mean(x), mean(y)
    contrast = (2 * (mean(x * y) - a * b) + 0.0009) / (mean(x * x) - a * a + mean(y * y) - b * b + 0.0009)
    return ((2 * a * b + 0.0001) / (a * a + b * b + 0.0001) * contrast).mean(), contrast.mean()


def halved(v):
    """The paper's code: a 2 × 2 mean with a border that repeats itself, every second sample."""
    mean = scipy.ndimage.correlate(v, np.full((2, 2), 0.25), mode="reflect", origin=(-1, -1))
    return mean[::2, ::2]


@pytest.mark.parametrize("shape", [(161, 161), (175, 163), (180, 201), (161, 500)])
def test_any_side_is_the_papers_recipe(shape, close):
    x, y = pair((2, *shape))
    want = []
    for a, b in zip(x.numpy(), y.numpy(), strict=True):
        value = 1.0
        for exponent in (0.0448, 0.2856, 0.3001, 0.2363):
            value *= taken_apart(a, b)[1] ** exponent
            a, b = halved(a), halved(b)
        want.append(value * taken_apart(a, b)[0] ** 0.1333)
    close(multiscale_ssim(x, y), np.array(want), times=10)


def test_a_photograph_and_itself(close):
    picture = torch.as_tensor(skimage.data.camera() / 255.0)
    close(multiscale_ssim(picture, picture), 1.0, times=10)
    blurred = torch.as_tensor(scipy.ndimage.gaussian_filter(picture.numpy(), 1.0))
    # Coarse scales forgive a blur that the finest does not.
    assert float(ssim(blurred, picture)) < float(multiscale_ssim(blurred, picture)) < 1


def test_contrast_turned_over_is_zero_with_finite_gradients():
    x, _ = pair((1, 161, 170))
    y = (1 - x).requires_grad_()
    value = multiscale_ssim(y, x)
    assert value.tolist() == [0]
    value.sum().backward()
    assert y.grad is not None and not y.grad.any()


def test_constant_images(close):
    """Without variance contrast and structure are 1, which leaves the luminance of the coarsest scale."""
    x, y = torch.full((170, 161), 0.25, dtype=torch.float64), torch.full((170, 161), 0.75, dtype=torch.float64)
    close(multiscale_ssim(x, x), 1.0, times=10)
    want = np.float64((2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)) ** 0.1333
    # Variances of 1e-17 that rounding leaves, over c₂ = 9e-4.
    close(multiscale_ssim(x, y), want, times=100)


def test_errors_say_what_to_do(unchecked):
    measure = unchecked("undula.metrics.likeness").multiscale_ssim
    x = torch.zeros(160, 300)
    with pytest.raises(ShapeError, match=r"^got images of \(160, 300\) pixels, expected at least 161 × 161: use ssim$"):
        measure(x, x)
    with pytest.raises(
        ShapeError, match=r"shape \(160, 300\) and a reference of shape \(300, 160\), expected the same"
    ):
        measure(x, x.T)
    with pytest.raises(OptionError, match=r"^got peak=0.0, expected a positive number"):
        measure(torch.zeros(161, 161), torch.zeros(161, 161), peak=0.0)
