"""Autoencoders whose latent space is the space of the parameters."""

from undula.jobs.estimate.autoencoder.model import DampedAutoencoder, Encoded
from undula.jobs.estimate.autoencoder.prior import Prior

__all__ = ["DampedAutoencoder", "Encoded", "Prior"]
