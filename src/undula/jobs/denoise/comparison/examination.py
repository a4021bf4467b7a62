"""The examination of denoisers: the same noisy pictures for all, and what is measured of the outputs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from undula.data import Pictures, normal
from undula.errors import ShapeError
from undula.jobs.denoise.denoiser import Denoiser
from undula.metrics import (
    band_comparison,
    color_bias,
    laplacian_variance_ratio,
    lattice_peak_index,
    psnr,
    spectrum_distance,
    ssim,
)

HIGH, TOP = (0.25, 0.5), (0.375, 0.71)  # cycles per pixel
_LEAST = 32  # pixels: four periods of the lattice
_NOISE = 3  # counter of what is drawn for a picture; 0 to 2 are those of training


@dataclass(frozen=True)
class Measures:
    """What is measured of outputs clipped to [0, 1]: means over channels, and then over pictures.

    Attributes:
        psnr: Peak signal-to-noise ratio in decibels.
        ssim: Structural similarity.
        energy: Energy in 1/4…1/2 cycles per pixel over that of the truth; 1 is ideal.
        top: The same in 0.375…0.71 cycles per pixel.
        correlation: Correlation with the truth in 1/4…1/2 cycles per pixel.
        distance: Radial log-spectrum distance in decibels.
        laplacian: Variance of the Laplacian over that of the truth; 1 is ideal.
        lattice: Lattice-peak index of the error; 1 is no checkerboard.
        color: Color bias in grey levels of 255; None for grey pictures.
    """

    psnr: float
    ssim: float
    energy: float
    top: float
    correlation: float
    distance: float
    laplacian: float
    lattice: float
    color: float | None = None

    @classmethod
    def of(cls, outputs: Sequence[Tensor], truth: Sequence[Tensor]) -> "Measures":
        """Measure pictures.

        Args:
            outputs: Pictures (c, h, w).
            truth: What they should be.
        """
        rows = [_measured(one.clamp(0, 1), clean) for one, clean in zip(outputs, truth, strict=True)]
        return cls(**{name: mean([row[name] for row in rows]) for name in rows[0]})

    @classmethod
    def mean(cls, several: Sequence["Measures"]) -> "Measures":
        """The mean of several.

        Args:
            several: Measures of equal pictures.
        """
        return cls(**_columns(several, mean))

    @classmethod
    def deviation(cls, several: Sequence["Measures"]) -> "Measures":
        """The standard deviation of several (n - 1); NaN of one.

        Args:
            several: Measures of equal pictures.
        """
        return cls(**_columns(several, deviation))


class Examination:
    """Noisy pictures with their clean originals.

    The noise of a picture is decided by its place; it is not clipped.

    Args:
        pictures: Clean pictures, or pairs.
        sigma: Standard deviation of the noise in image units.
        device: Where networks are applied.

    Raises:
        ShapeError: A picture is smaller than 32 pixels.
    """

    def __init__(self, pictures: Pictures, *, sigma: float, device: torch.device | str | None = None) -> None:
        self.clean, self.sigma, self.device = pictures.clean, sigma, device
        self.names = pictures.names
        smallest = min(min(one.shape[1:]) for one in self.clean)
        if smallest < _LEAST:
            raise ShapeError(
                f"got a picture with a side of {smallest} pixels, expected at least {_LEAST}: leave it out"
            )
        self.noisy = pictures.noisy or with_noise(self.clean, sigma=sigma)

    def outputs(self, network: nn.Module) -> list[Tensor]:
        """Denoise all pictures, large ones in tiles; not clipped.

        Args:
            network: Maps noisy images and their level to clean ones.
        """
        denoiser = Denoiser(network)
        return [denoiser.transform(one.to(self.device)[None], sigma=self.sigma)[0].cpu() for one in self.noisy]

    def measures(self, outputs: Sequence[Tensor]) -> Measures:
        """Measure outputs.

        Args:
            outputs: As `outputs` gave them.
        """
        return Measures.of(outputs, self.clean)


def with_noise(pictures: Sequence[Tensor], *, sigma: float, first: int = 0) -> list[Tensor]:
    """Add white Gaussian noise, decided by the place of a picture.

    Args:
        pictures: Pictures (c, h, w).
        sigma: Its standard deviation.
        first: Place of the first one.
    """
    counter = torch.tensor([_NOISE])
    return [
        one + sigma * normal(torch.tensor([place]), counter, tuple(one.shape), dtype=torch.float32)[0]
        for place, one in enumerate(pictures, start=first)
    ]


def high_energy(picture: Tensor, truth: Tensor) -> float:
    """Energy in 1/4…1/2 cycles per pixel over that of the truth, the mean over channels.

    Args:
        picture: A picture (c, h, w).
        truth: Its original.
    """
    return float(band_comparison(picture, truth, bands=[HIGH]).ratio.mean())


def mean(values: Sequence[float]) -> float:
    """The mean of what is finite: a picture without any detail has no ratio of energies.

    Args:
        values: One per picture.

    Example:
        >>> mean([1.0, math.inf, 3.0])
        2.0
    """
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def deviation(values: Sequence[float]) -> float:
    """The standard deviation (n - 1), NaN of a single value.

    Args:
        values: One per seed.

    Example:
        >>> deviation([1.0, 3.0]) ** 2, deviation([1.0])
        (2.0000000000000004, nan)
    """
    return float(torch.tensor(values, dtype=torch.float64).std()) if len(values) > 1 else math.nan


def _measured(output: Tensor, clean: Tensor) -> dict[str, float]:
    bands = band_comparison(output, clean, bands=[HIGH, TOP])
    found = {
        "psnr": psnr(output, clean, dims=3),
        "ssim": ssim(output, clean).mean(),
        "energy": bands.ratio[:, 0].mean(),
        "top": bands.ratio[:, 1].mean(),
        "correlation": bands.correlation[:, 0].mean(),
        "distance": spectrum_distance(output, clean).mean(),
        "laplacian": laplacian_variance_ratio(output, clean).mean(),
        "lattice": lattice_peak_index(output, clean).mean(),
    }
    if len(clean) == 3:
        found["color"] = 255 * color_bias(output, clean)
    return {name: float(value) for name, value in found.items()}


def _columns(several: Sequence[Measures], summary: Callable[[list[float]], float]) -> dict[str, Any]:
    columns = {field.name: [getattr(one, field.name) for one in several] for field in fields(Measures)}
    return {name: None if None in values else summary(values) for name, values in columns.items()}
