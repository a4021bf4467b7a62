"""Features with one number per place: packets, cosine and Fourier coefficients, pixels; pictures of one size only."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.jobs.detect.features.packets import GREY_LEVELS, by_frequency, packet_levels
from undula.spectra import dct


def log_packets(
    images: Float[Tensor, "n c h w"],
    *,
    level: int = 3,
    wavelet: Any = "haar",
    mode: str = "symmetric",
    offset: float = 1.0,
) -> Float[Tensor, "n c packets _ _"]:
    """Logarithms ln(|packet| + offset) of one level, by rising frequency.

    Args:
        images: Pictures in [0, 1].
        level: The level.
        wavelet: The wavelet.
        mode: Boundary mode.
        offset: Added before the logarithm, in grey levels of 255; the paper has 1e-12, which finds flat areas instead of
            traces and costs 5 to 8 points.

    Returns:
        Packets (n, c, 4^level, height, width).

    Reference: Wolter, Blanke, Heese, Garcke, Wavelet-packets for deepfake image analysis and detection, 2022.

    Example:
        >>> log_packets(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 3, 64, 4, 4])
    """
    *_, packets = packet_levels(images, levels=level, wavelet=wavelet, mode=mode)
    return logarithm(packets[:, :, by_frequency(level).to(images.device)], offset)


def log_cosines(images: Float[Tensor, "n c h w"], *, offset: float = 1.0) -> Float[Tensor, "n c h w"]:
    """Logarithms of the cosine transform of whole pictures.

    Args:
        images: Pictures in [0, 1].
        offset: Added before the logarithm, in grey levels.

    Reference: Frank et al., Leveraging frequency analysis for deep fake image recognition, 2020.
    """
    return logarithm(dct(images) * GREY_LEVELS, offset)


def log_fourier(images: Float[Tensor, "n c h w"], *, offset: float = 1.0) -> Float[Tensor, "n c h half"]:
    """Logarithms of the magnitudes of the unitary Fourier transform, half of the plane.

    Args:
        images: Pictures in [0, 1].
        offset: Added before the logarithm, in grey levels.
    """
    return logarithm(torch.fft.rfft2(images, norm="ortho") * GREY_LEVELS, offset)


def logarithm(values: Tensor, offset: float) -> Tensor:
    """The logarithm ln(|x| + offset).

    Args:
        values: Real or complex numbers.
        offset: What is added.
    """
    return (values.abs() + offset).log()
