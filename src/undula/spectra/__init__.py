"""Ground floor: pure transforms, tensors in, tensors out."""

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

__all__ = [
    "circular_shift",
    "cross_correlation",
    "fourier",
    "frequencies",
    "gaussian_blur",
    "half_plane_weights",
    "inverse_fourier",
    "radial_bands",
    "radial_mean",
    "reverse",
    "translate",
]
