"""Measures of likeness, sharpness and artifacts, one value per item or per item and band."""

from undula.metrics.alignment import Alignment, align
from undula.metrics.artifacts import color_bias, lattice_peak_index
from undula.metrics.bands import (
    BandComparison,
    band_comparison,
    band_correlation,
    band_energy_ratio,
    octave_edges,
    spectrum_distance,
)
from undula.metrics.likeness import (
    correlation,
    mean_squared_error,
    multiscale_ssim,
    psnr,
    relative_error,
    ssim,
)
from undula.metrics.sharpness import edge_mtf50, laplacian_variance_ratio

__all__ = [
    "Alignment",
    "BandComparison",
    "align",
    "band_comparison",
    "band_correlation",
    "band_energy_ratio",
    "color_bias",
    "correlation",
    "edge_mtf50",
    "laplacian_variance_ratio",
    "lattice_peak_index",
    "mean_squared_error",
    "multiscale_ssim",
    "octave_edges",
    "psnr",
    "relative_error",
    "spectrum_distance",
    "ssim",
]
