"""`denoise`: networks that remove noise, trained, applied, and asked what they cannot do."""

from undula.jobs.denoise.call import Denoising, denoise
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.denoise.sharpness.dial import SharpnessDial
from undula.jobs.denoise.sharpness.report import DialReport
from undula.jobs.denoise.training import Recipe

__all__ = ["Denoiser", "Denoising", "DialReport", "Recipe", "SharpnessDial", "denoise"]
