"""Samples that Undula draws itself to be looked at: a chirp for signals, a sharp and a blurred ring for images."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, RangeError


def linear_chirp(
    length: int = 2000, *, start: float = 1.0, stop: float = 250.0, rate: float = 1000.0
) -> Float[Tensor, "time"]:
    """Draw a linear chirp cos(2π (f₀ t + (f₁ - f₀) t² / (2 t₁))), whose frequency f₀ + (f₁ - f₀) t / t₁ rises steadily.

    Args:
        length: Samples, at least 1; t₁ is `length / rate`, one step behind the last one.
        start: Frequency f₀ at the first sample in hertz, 0…rate/2.
        stop: Frequency f₁ at t₁ in hertz, 0…rate/2; below `start` the chirp falls.
        rate: Samples in a second, above 0.

    Returns:
        The signal (length,), float64, in [-1, 1]; no chance is involved.

    Raises:
        OptionError: `length` is below 1.
        RangeError: `rate` is not positive, or a frequency lies outside 0…rate/2, where it would be another one.

    Example:
        >>> linear_chirp(5, start=0.0, stop=0.5, rate=1.0).round(decimals=2).tolist()
        [1.0, 0.95, 0.31, -0.95, 0.31]
    """
    if length < 1:
        raise OptionError(f"got length={length}, expected at least 1: ask for more samples")
    if not 0 < rate < math.inf or not (0 <= start <= rate / 2 and 0 <= stop <= rate / 2):
        raise RangeError(
            f"got start={start}, stop={stop} and rate={rate}, expected a positive rate and frequencies from 0 to half "
            "of it: raise the rate, or lower them"
        )
    time = torch.arange(length, dtype=torch.float64) / rate
    slope = (stop - start) * rate / length
    return torch.cos(2 * math.pi * (start * time + slope / 2 * time**2))


def ring_pair(size: int = 256) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    """Draw a white ring on black, sharp and blurred by a Gaussian: the pair on which losses of sharpness are explained.

    At 256 pixels the ring has the radius 60 and the thickness 8, the blur the deviation 3 in 15 × 15 pixels, mirrored
    beyond the border; the mean difference of the magnitudes of their `torch.fft.fft2` is 14.8913. At other sizes
    all lengths scale.

    Args:
        size: Height and width in pixels, at least 32.

    Returns:
        The sharp ring of zeros and ones and the blurred one, float32 (size, size).

    Raises:
        OptionError: There are too few pixels for a ring.

    Example:
        >>> sharp, blurred = ring_pair()
        >>> (torch.fft.fft2(sharp).abs() - torch.fft.fft2(blurred).abs()).abs().mean()
        tensor(14.8913)
    """
    if size < 32:
        raise OptionError(f"got size={size}, expected at least 32: ask for more pixels")
    scale = size / 256
    place = torch.arange(size, dtype=torch.float32) - size // 2
    distance = torch.hypot(place[:, None], place)
    sharp = ((distance >= 56 * scale) & (distance <= 64 * scale)).float()
    reach = round(7 * scale)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / (3 * scale)) ** 2)
    kernel = torch.outer(weights / weights.sum(), weights / weights.sum())
    mirrored = torch.nn.functional.pad(sharp[None, None], (reach,) * 4, mode="reflect")
    return sharp, torch.nn.functional.conv2d(mirrored, kernel[None, None])[0, 0]
