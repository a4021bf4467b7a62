"""Ground floor: pure transforms, tensors in, tensors out."""

from undula.spectra.cosine import dct, idct
from undula.spectra.fourier import (
    circular_shift,
    cross_correlation,
    fourier,
    frequencies,
    gaussian_blur,
    half_plane_weights,
    inverse_fourier,
    radial_bands,
    radial_mean,
    reverse,
    translate,
)
from undula.spectra.profiles import hann_window, periodic_plus_smooth, radial_profile, ring_frequencies, windowed
from undula.spectra.stft import GaussianWindow, istft, stft
from undula.spectra.whitening import autocovariance, welch, whiten

__all__ = [
    "GaussianWindow",
    "autocovariance",
    "circular_shift",
    "cross_correlation",
    "dct",
    "fourier",
    "frequencies",
    "gaussian_blur",
    "half_plane_weights",
    "hann_window",
    "idct",
    "inverse_fourier",
    "istft",
    "periodic_plus_smooth",
    "radial_bands",
    "radial_mean",
    "radial_profile",
    "reverse",
    "ring_frequencies",
    "stft",
    "translate",
    "welch",
    "whiten",
    "windowed",
]
