"""How alike two batches of images are: errors, PSNR, SSIM at one scale and at five, correlation; one value per item."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.errors import OptionError, ShapeError
from undula.metrics.pairs import check_pair
from undula.spectra.comparing import in_full_precision

# Exponents of the five scales, from the finest on (Wang, Simoncelli and Bovik 2003, section 3.2).
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@in_full_precision
def mean_squared_error(
    image: Shaped[Tensor, "*batch_and_space"], reference: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2
) -> Float[Tensor, "*batch"]:
    """Mean of |image - reference|² over the last `dims` axes.

    Args:
        image: Images (…, space), real or complex.
        reference: Images of the same shape.
        dims: How many of the last axes make one item.

    Returns:
        One value per item (…).

    Raises:
        ShapeError: The shapes differ.
    """
    check_pair(image, reference, dims=dims)
    return (image - reference).abs().square().mean(dim=tuple(range(-dims, 0)))


@in_full_precision
def psnr(
    image: Shaped[Tensor, "*batch_and_space"],
    reference: Shaped[Tensor, "*batch_and_space"],
    *,
    dims: int = 2,
    peak: float = 1.0,
) -> Float[Tensor, "*batch"]:
    """Peak signal-to-noise ratio 10 log₁₀(peak² / MSE) in decibels.

    Args:
        image: Images (…, space).
        reference: Images of the same shape.
        dims: How many of the last axes make one item.
        peak: Largest possible value.

    Returns:
        One value per item (…); infinite where the images are equal.

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> psnr(torch.zeros(8, 8), torch.full((8, 8), 0.1)).round(decimals=3)
        tensor(20.)
    """
    return 10 * torch.log10(peak**2 / mean_squared_error(image, reference, dims=dims))


@in_full_precision
def relative_error(
    image: Shaped[Tensor, "*batch_and_space"], reference: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2
) -> Float[Tensor, "*batch"]:
    """Norm of the difference over the norm of the reference, ‖image - reference‖ / ‖reference‖.

    Args:
        image: Items (…, space), real or complex.
        reference: Items of the same shape.
        dims: How many of the last axes make one item.

    Returns:
        One value per item (…); NaN where both are zero.

    Raises:
        ShapeError: The shapes differ.
    """
    zero = torch.zeros_like(reference)
    error = mean_squared_error(image, reference, dims=dims)
    return torch.sqrt(error / mean_squared_error(reference, zero, dims=dims))


@in_full_precision
def correlation(
    image: Shaped[Tensor, "*batch_and_space"], reference: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2
) -> Float[Tensor, "*batch"]:
    """Normalized inner product |⟨image, reference⟩| / (‖image‖ ‖reference‖), without subtracting means.

    Args:
        image: Items (…, space), real or complex; a global phase does not matter.
        reference: Items of the same shape.
        dims: How many of the last axes make one item.

    Returns:
        One value in [0, 1] per item (…); NaN where one of the two is zero.

    Raises:
        ShapeError: The shapes differ.
    """
    check_pair(image, reference, dims=dims)
    axes = tuple(range(-dims, 0))
    inner = (image.conj() * reference).sum(dim=axes).abs()
    return inner / torch.sqrt(image.abs().square().sum(dim=axes) * reference.abs().square().sum(dim=axes))


@in_full_precision
def ssim(
    image: Float[Tensor, "*batch h w"], reference: Float[Tensor, "*batch h w"], *, peak: float = 1.0
) -> Float[Tensor, "*batch"]:
    """Structural similarity (Wang et al. 2004): Gaussian window of σ = 1.5 cut at 11 × 11, population variances.

    Args:
        image: Images (…, h, w), at least 11 × 11.
        reference: Images of the same shape.
        peak: Largest possible value.

    Returns:
        One value in [-1, 1] per image (…), the mean over all windows that lie inside the image.

    Raises:
        ShapeError: The shapes differ, or an image is smaller than the window.
        OptionError: `peak` is not positive.
    """
    _check_windows(image, reference, least=11, peak=peak, instead="psnr")
    return _structure(image, reference, peak)[0]


@in_full_precision
def multiscale_ssim(
    image: Float[Tensor, "*batch h w"], reference: Float[Tensor, "*batch h w"], *, peak: float = 1.0
) -> Float[Tensor, "*batch"]:
    """Multi-scale structural similarity: SSIM's contrast and structure at five scales, its luminance at the coarsest.

    MS-SSIM = Π cs_j^β_j · SSIM_5^β_5 with j = 1…4 and β = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333, where cs is the mean
    of contrast times structure. From scale to scale the images are averaged over 2 × 2 pixels; an odd side repeats its
    last row first. A factor below zero counts as zero, with gradient zero.

    Args:
        image: Images (…, h, w), at least 161 × 161.
        reference: Images of the same shape.
        peak: Largest possible value.

    Returns:
        One value in [0, 1] per image (…); color channels are images of their own, as in `ssim`.

    Raises:
        ShapeError: The shapes differ, or an image is smaller than sixteen windows.
        OptionError: `peak` is not positive.

    Reference:
        Wang, Simoncelli, Bovik, Multi-scale structural similarity for image quality assessment, 2003.

    Example:
        >>> multiscale_ssim(torch.ones(161, 200), torch.ones(161, 200)).round(decimals=3)
        tensor(1.)
    """
    _check_windows(image, reference, least=161, peak=peak, instead="ssim")
    value = image.new_ones(image.shape[:-2])
    for exponent in SCALES[:-1]:
        value = value * _positive_power(_structure(image, reference, peak)[1], exponent)
        image, reference = _halved(image), _halved(reference)
    return value * _positive_power(_structure(image, reference, peak)[0], SCALES[-1])


def _check_windows(image: Tensor, reference: Tensor, *, least: int, peak: float, instead: str) -> None:
    check_pair(image, reference, dims=2)
    if min(image.shape[-2:]) < least:
        raise ShapeError(
            f"got images of {tuple(image.shape[-2:])} pixels, expected at least {least} × {least}: use {instead}"
        )
    if not peak > 0:
        raise OptionError(f"got peak={peak}, expected a positive number: the largest possible value, mostly 1")


def _structure(image: Tensor, reference: Tensor, peak: float) -> tuple[Tensor, Tensor]:
    """Means over all windows of SSIM, and of its factors contrast and structure without luminance."""
    products = torch.stack([image, reference, image * image, reference * reference, image * reference])
    mean_x, mean_y, square_x, square_y, product = _window_means(products)
    variance_x, variance_y, covariance = square_x - mean_x**2, square_y - mean_y**2, product - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    contrast = (2 * covariance + c2) / (variance_x + variance_y + c2)
    whole = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1) * contrast
    return whole.mean(dim=(-2, -1)), contrast.mean(dim=(-2, -1))


def _window_means(x: Tensor) -> Tensor:
    """Gaussian means over all windows that lie inside the images."""
    taps = torch.exp(-0.5 * (torch.arange(-5, 6, device=x.device, dtype=x.dtype) / 1.5) ** 2)
    taps = taps / taps.sum()
    # One group of channels per image: on a CPU `ssim` is 6 times as fast as with a batch of one channel (12 of 256²).
    flat = x.reshape(1, -1, *x.shape[-2:])
    for shape in ((11, 1), (1, 11)):
        kernel = taps.reshape(1, 1, *shape).expand(flat.shape[1], 1, *shape)
        flat = torch.nn.functional.conv2d(flat, kernel, groups=flat.shape[1])
    return flat.reshape(*x.shape[:-2], *flat.shape[-2:])


def _halved(x: Tensor) -> Tensor:
    """Means over 2 × 2 pixels; the last row or column of an odd side stands for the one that is missing."""
    flat = x.reshape(-1, 1, *x.shape[-2:])
    flat = torch.nn.functional.pad(flat, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate")
    flat = torch.nn.functional.avg_pool2d(flat, 2)
    return flat.reshape(*x.shape[:-2], *flat.shape[-2:])


def _positive_power(x: Tensor, exponent: float) -> Tensor:
    """x^exponent, 0 below 0; the power of 1 in between keeps the infinite slope at 0 out of the gradient."""
    below = x <= 0
    return torch.where(below, 0.0, torch.where(below, 1.0, x) ** exponent)
