"""Fourier magnitudes of images and signals, and how far those of two are apart."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from undula.spectra import radial_bands, radial_mean, radial_profile, ring_frequencies
from undula.spectra.fourier import Norm


def image_spectrum(
    image: Float[Tensor, "*batch h w"], *, norm: Norm
) -> tuple[Float[Tensor, "*batch h w"], Float[Tensor, "*batch rings"], Float[Tensor, " rings"]]:
    """Magnitudes over the full plane, and their mean over rings of frequency.

    Args:
        image: Images.
        norm: Normalization, as in torch.fft.

    Returns:
        |F x| with zero frequency in the middle, the radial profile, and the frequencies of its rings in cycles per pixel.
    """
    magnitude = torch.fft.fftshift(torch.fft.fft2(image, norm=norm).abs(), dim=(-2, -1))
    shape = tuple(image.shape[-2:])
    unit = {"backward": 0.5, "ortho": 0.0, "forward": -0.5}[norm]
    profile = radial_profile(image) * (shape[0] * shape[1]) ** unit
    return magnitude, profile, ring_frequencies(shape)


def signal_spectrum(
    signal: Float[Tensor, "*batch time"], *, norm: Norm, rate: float
) -> tuple[Float[Tensor, "*batch time"], Float[Tensor, "*batch half"], Float[Tensor, " half"]]:
    """Magnitudes over all frequencies, and over those from zero to half the rate.

    Args:
        signal: Signals.
        norm: Normalization, as in torch.fft.
        rate: Samples in a second.

    Returns:
        |F x| with zero frequency first, its half, and the frequencies of the half in hertz.
    """
    length = signal.shape[-1]
    whole = torch.fft.fft(signal, norm=norm).abs()
    return whole, whole[..., : length // 2 + 1], torch.arange(length // 2 + 1, dtype=torch.float64) * rate / length


@dataclass(frozen=True)
class Compared:
    """Magnitudes of two, compared.

    Attributes:
        other: The other's magnitudes.
        difference: Magnitudes minus the other's.
        distance: Mean of the absolute difference over the full plane.
        rings: Mean of the absolute difference over every ring of frequency; of signals at every frequency.
    """

    other: Float[Tensor, "..."]
    difference: Float[Tensor, "..."]
    distance: Float[Tensor, "..."]
    rings: Float[Tensor, "..."]


def compare(magnitude: Float[Tensor, "..."], other: Float[Tensor, "..."], *, dims: int) -> Compared:
    """Compare magnitudes, mean | |F a| - |F b| |: the distance on which losses of sharpness are built.

    Args:
        magnitude: Of images with zero frequency in the middle (…, H, W), of signals with it first (…, T).
        other: The other's, of the same shape.
        dims: 1 for signals, 2 for images.

    Returns:
        The comparison; of signals all but the distance up to half the rate only.
    """
    difference = magnitude - other
    sizes = difference.abs()
    if dims == 1:
        half = magnitude.shape[-1] // 2 + 1
        return Compared(other[..., :half], difference[..., :half], sizes.mean(dim=-1), sizes[..., :half])
    rings = radial_bands(tuple(magnitude.shape[-2:]), device=magnitude.device)
    per_ring = radial_mean(torch.fft.ifftshift(sizes, dim=(-2, -1)), rings)
    return Compared(other, difference, sizes.mean(dim=(-2, -1)), per_ring)
