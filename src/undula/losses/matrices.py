"""The Fourier transform of a small tapered window as one real matrix, without the coefficients that say nothing new."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from undula.losses.frames import taper
from undula.losses.halfplane import half_weight
from undula.spectra import fourier, half_plane_weights
from undula.spectra.fourier import Norm


def tapered_transform(shape: tuple[int, ...], norm: Norm, *, like: Tensor) -> Float[Tensor, "parts samples"]:
    """Matrix that takes the samples of a window, times a Hann window, to their coefficients.

    Of the half plane of 8 × 8 samples, 34 of 40 coefficients are not the mirrors of others in it; of the samples, 49 are
    not multiplied by 0.

    Args:
        shape: Samples of a window along each axis.
        norm: Normalization, as in `torch.fft`.
        like: A tensor whose device and dtype the matrix takes.

    Returns:
        Real parts of the single coefficients, then their imaginary parts, by all samples but the first along each axis.
    """
    wide = like.double()  # rounded once, at the end
    count = math.prod(shape)
    weights = taper(shape, like=wide)
    units = torch.eye(count, dtype=wide.dtype, device=wide.device).view(count, *shape)[weights.flatten() > 0]
    single = _times(shape, like=wide) > 0
    coefficients = fourier(units * weights, dims=len(shape), norm=norm)[:, single]
    return torch.cat([coefficients.real, coefficients.imag], 1).T.contiguous().to(like.dtype)


def single_weights(
    shape: tuple[int, ...], high_frequency_weight: float, *, like: Tensor
) -> Float[Tensor, "coefficients"]:
    """Weights by which the single coefficients of `tapered_transform` add up to the mean over the full plane.

    Args:
        shape: Samples of a window along each axis.
        high_frequency_weight: As in `radial_weight`.
        like: A tensor whose device and dtype the weights take.

    Returns:
        One weight per single coefficient; their sum is 1 where `high_frequency_weight` is 0.

    Example:
        >>> single_weights((5,), 0.0, like=torch.ones(()))
        tensor([0.2000, 0.4000, 0.4000])
    """
    times = _times(shape, like=like)
    return (times * half_weight(shape, high_frequency_weight, like=like))[times > 0] / math.prod(shape)


def _times(shape: tuple[int, ...], *, like: Tensor) -> Tensor:
    """How often a coefficient stands in the full plane; 0 for the second of a pair that both are in the half plane."""
    columns = half_plane_weights(shape[-1:], real=True, like=like)
    if len(shape) == 1:
        return columns
    rows = half_plane_weights(shape[:1], real=True, like=like)
    mirrored = (columns - 1) * 2  # below the middle row: columns that are their own mirrors come again
    return torch.cat([torch.maximum(rows[:, None], columns), mirrored.expand(shape[0] - len(rows), -1)])
