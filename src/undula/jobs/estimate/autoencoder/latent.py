"""The latent space is the space of the parameters: how signals are shown to the encoder, and what its outputs mean."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import ShapeError
from undula.jobs.estimate.autoencoder.prior import Prior, waves

_LOG_RANGE = 3.0  # how far e-fold a decay time may leave the prior's middle
_LIKENESS = 0.3  # relative error of decay time and amplitude that counts like a frequency error of one bin


def features(signal: Float[Tensor, "n t"]) -> Float[Tensor, "n k"]:
    """What the encoder sees: real and imaginary parts of the spectrum of twice the length, then its magnitudes.

    The spectrum of twice the length holds the samples; the magnitudes say where waves are whatever their phases.

    Args:
        signal: Signals of root mean square 1.

    Returns:
        3T + 3 numbers per signal, of size 1.
    """
    spectrum = torch.fft.rfft(signal, n=2 * signal.shape[1], norm="ortho")
    return torch.cat([spectrum.real, spectrum.imag, spectrum.abs()], dim=1)


def brought_to_size(signal: Float[Tensor, "n t"]) -> tuple[Float[Tensor, "n t"], Float[Tensor, "n 1"]]:
    """Signals divided by their root mean square, and that.

    Args:
        signal: Signals.
    """
    size = signal.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-30)
    return signal / size, size


class LatentSpace:
    """Four numbers per component: frequency in bins of 1/T about the prior's middle, log of the decay time, A cos φ, A sin φ.

    Each is divided by an error that means as much as one bin does; amplitudes are in units of the signal's root mean
    square.

    Args:
        prior: The prior.
    """

    def __init__(self, prior: Prior) -> None:
        self.prior = prior
        self._center = sum(prior.frequency) / 2
        self._log = math.log(math.sqrt(prior.decay_time[0] * prior.decay_time[1]))

    @property
    def inputs(self) -> int:
        """Numbers that the encoder sees."""
        return 3 * self.prior.samples + 3

    @property
    def size(self) -> int:
        """Numbers of the latent space."""
        return 4 * self.prior.components

    def of(self, truth: Float[Tensor, "n p 4"], size: Float[Tensor, "n 1"]) -> Float[Tensor, "n q"]:
        """Parameters as a point of the latent space.

        Args:
            truth: f, τ, A, φ of the components, by ascending frequency.
            size: Root mean square of the signals.
        """
        frequency, decay, amplitude, phase = truth.unbind(dim=2)
        amplitude = amplitude / (_LIKENESS * size)
        return torch.cat(
            [
                (frequency - self._center) * self.prior.samples,
                (decay.log() - self._log) / _LIKENESS,
                amplitude * torch.cos(phase),
                amplitude * torch.sin(phase),
            ],
            dim=1,
        )

    def parameters(self, latent: Float[Tensor, "n q"], size: Float[Tensor, "n 1"]) -> Float[Tensor, "n p 4"]:
        """A point of the latent space as parameters.

        Args:
            latent: The point.
            size: Root mean square of the signals.

        Returns:
            f, τ, A, φ of the components; frequencies within 0 … 0.5.

        Raises:
            ShapeError: A latent space of another size.
        """
        if latent.shape[1] != self.size:
            raise ShapeError(f"got {latent.shape[1]} latent numbers, expected {self.size}")
        bins, log, cosine, sine = torch.unflatten(latent, 1, (4, -1)).unbind(dim=1)
        frequency = (self._center + bins / self.prior.samples).clamp(0.0, 0.5)
        decay = torch.exp(self._log + (_LIKENESS * log).clamp(-_LOG_RANGE, _LOG_RANGE))
        amplitude = _LIKENESS * size * torch.hypot(cosine, sine)
        return torch.stack([frequency, decay, amplitude, torch.atan2(sine, cosine)], dim=2)

    def physics(self, latent: Float[Tensor, "n q"], size: Float[Tensor, "n 1"]) -> Float[Tensor, "n t"]:
        """The exact decoder: the waves of these parameters.

        Args:
            latent: The point.
            size: Root mean square of the signals.
        """
        return waves(self.parameters(latent, size), self.prior.samples)
