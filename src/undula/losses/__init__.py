"""Differentiable comparisons of images and signals, in the spectrum and beside it, one value per item."""

from undula.losses.bands import BandEnergyLoss, band_energies, band_energy_loss
from undula.losses.details import WaveletLoss, wavelet_loss
from undula.losses.fourier import FocalFrequencyLoss, FourierLoss, focal_frequency_loss, fourier_loss
from undula.losses.halfplane import radial_weight
from undula.losses.magnitudes import FourierMagnitudeLoss, fourier_magnitude_loss
from undula.losses.pairs import ItemLoss
from undula.losses.pixels import (
    Charbonnier,
    MeanAbsoluteError,
    MeanSquaredError,
    charbonnier_loss,
    mean_absolute_error_loss,
    mean_squared_error_loss,
)
from undula.losses.regional import RegionalSharpnessLoss, regional_sharpness_loss, sharpness_scores
from undula.losses.weighted import Weighted
from undula.losses.words import LOSS_SCALES, loss_from_text

__all__ = [
    "LOSS_SCALES",
    "BandEnergyLoss",
    "Charbonnier",
    "FocalFrequencyLoss",
    "FourierLoss",
    "FourierMagnitudeLoss",
    "ItemLoss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "RegionalSharpnessLoss",
    "WaveletLoss",
    "Weighted",
    "band_energies",
    "band_energy_loss",
    "charbonnier_loss",
    "focal_frequency_loss",
    "fourier_loss",
    "fourier_magnitude_loss",
    "loss_from_text",
    "mean_absolute_error_loss",
    "mean_squared_error_loss",
    "radial_weight",
    "regional_sharpness_loss",
    "sharpness_scores",
    "wavelet_loss",
]
