"""How alike two batches of images are: errors, PSNR, SSIM, correlation; one value per item."""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.errors import OptionError, ShapeError


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
    _same_shape(image, reference)
    return (image - reference).abs().square().mean(dim=tuple(range(-dims, 0)))


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
    _same_shape(image, reference)
    axes = tuple(range(-dims, 0))
    inner = (image.conj() * reference).sum(dim=axes).abs()
    return inner / torch.sqrt(image.abs().square().sum(dim=axes) * reference.abs().square().sum(dim=axes))


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
    _same_shape(image, reference)
    if min(image.shape[-2:]) < 11:
        raise ShapeError(f"got images of {tuple(image.shape[-2:])} pixels, expected at least 11 × 11: use psnr")
    if not peak > 0:
        raise OptionError(f"got peak={peak}, expected a positive number: the largest possible value, mostly 1")
    mean_x, mean_y = _window_mean(image), _window_mean(reference)
    variance_x = _window_mean(image * image) - mean_x**2
    variance_y = _window_mean(reference * reference) - mean_y**2
    covariance = _window_mean(image * reference) - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return (numerator / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean(dim=(-2, -1))


def _window_mean(x: Tensor) -> Tensor:
    taps = torch.exp(-0.5 * (torch.arange(-5, 6, device=x.device, dtype=x.dtype) / 1.5) ** 2)
    taps = taps / taps.sum()
    flat = x.reshape(-1, 1, *x.shape[-2:])
    flat = torch.nn.functional.conv2d(flat, taps.reshape(1, 1, -1, 1))
    flat = torch.nn.functional.conv2d(flat, taps.reshape(1, 1, 1, -1))
    return flat.reshape(*x.shape[:-2], *flat.shape[-2:])


def _same_shape(image: Tensor, reference: Tensor) -> None:
    if image.shape != reference.shape:
        raise ShapeError(
            f"got an image of shape {tuple(image.shape)} and a reference of shape {tuple(reference.shape)}, "
            "expected the same shape: broadcast or crop one of them first"
        )
    if math.prod(image.shape) == 0:
        raise ShapeError(f"got an empty image of shape {tuple(image.shape)}, expected at least one pixel")
