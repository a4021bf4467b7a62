"""Measures of likeness, one value per item."""

from undula.metrics.alignment import Alignment, align
from undula.metrics.likeness import correlation, mean_squared_error, psnr, relative_error, ssim

__all__ = ["Alignment", "align", "correlation", "mean_squared_error", "psnr", "relative_error", "ssim"]
