"""Images from Fourier magnitudes alone."""

from undula.jobs.recover.call import recover
from undula.jobs.recover.gradient import GradientDescent
from undula.jobs.recover.noise import Gaussian, Poisson
from undula.jobs.recover.result import Recovery
from undula.jobs.recover.supports import padded_support, unpad

__all__ = ["Gaussian", "GradientDescent", "Poisson", "Recovery", "padded_support", "recover", "unpad"]
