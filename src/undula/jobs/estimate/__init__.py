"""Frequency, decay, amplitude and phase of ringing signals."""

from undula.jobs.estimate.autoencoder import DampedAutoencoder, Encoded, Prior
from undula.jobs.estimate.call import estimate
from undula.jobs.estimate.result import Modes
from undula.jobs.estimate.whitened import whiten

__all__ = ["DampedAutoencoder", "Encoded", "Modes", "Prior", "estimate", "whiten"]
