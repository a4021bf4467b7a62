"""Damped waves: y(t) = Σ A e^(-γt) cos(2πft + φ), or with e^(i(2πft + φ)) for complex signals, and its closed Jacobian.

The decay is held as a rate γ = 1/τ, not as τ or log τ: γ passes through zero, so a steady mode (τ infinite) and a growing
one (γ below zero) are ordinary values, and near γ = 0 the likelihood is far closer to a parabola in γ than in τ.
"""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

PARAMETERS = ("amplitude", "frequency", "decay_rate", "phase")


def waveform(
    times: Float[Tensor, "*#b t"],
    *,
    amplitude: Float[Tensor, "*b p"],
    frequency: Float[Tensor, "*#b p"],
    decay_rate: Float[Tensor, "*#b p"],
    phase: Float[Tensor, "*b p"],
    real: bool = True,
) -> Shaped[Tensor, "*b t"]:
    """Sum of damped waves, y(t) = Σ A e^(-γt) cos(2πft + φ).

    Args:
        times: Seconds since the moment to which amplitude and phase belong, in any order and spacing (…, T).
        amplitude: A (…, P).
        frequency: f in Hz (…, P).
        decay_rate: γ = 1/τ in 1/s, below zero for growing modes (…, P).
        phase: φ in radians (…, P).
        real: Whether the signal is real; if not, e^(i(2πft + φ)) stands in place of the cosine.

    Returns:
        The signal (…, T).

    Example:
        >>> one = torch.ones(1)
        >>> waveform(torch.tensor([0.0, 0.5]), amplitude=one, frequency=one, decay_rate=0 * one, phase=0 * one)
        tensor([ 1., -1.])
    """
    parts = _parts(times, amplitude, frequency, decay_rate, phase).sum(dim=-2)
    return parts.real if real else parts


def jacobian(
    times: Float[Tensor, "*#b t"],
    *,
    amplitude: Float[Tensor, "*b p"],
    frequency: Float[Tensor, "*#b p"],
    decay_rate: Float[Tensor, "*#b p"],
    phase: Float[Tensor, "*b p"],
    real: bool = True,
) -> Shaped[Tensor, "*b q t"]:
    """Derivatives of `waveform` by A, f, γ, φ of the first component, then of the second, and so on.

    With w = A e^(-γt + i(2πft + φ)) they are w/A, 2πit w, -t w, i w, and their real parts for real signals.

    Args:
        times: As in `waveform`.
        amplitude: As in `waveform`.
        frequency: As in `waveform`.
        decay_rate: As in `waveform`.
        phase: As in `waveform`.
        real: As in `waveform`.

    Returns:
        One row per parameter (…, 4P, T).

    Example:
        >>> one = torch.ones(1)
        >>> jacobian(torch.arange(2.0), amplitude=one, frequency=one, decay_rate=0 * one, phase=0 * one).shape
        torch.Size([4, 2])
    """
    unit = _parts(times, torch.ones_like(amplitude), frequency, decay_rate, phase)
    wave, t = unit * amplitude[..., None], times[..., None, :]
    rows = torch.stack([unit, 2j * math.pi * t * wave, -t * wave, 1j * wave], dim=-2).flatten(-3, -2)
    return rows.real if real else rows


def _parts(times: Tensor, amplitude: Tensor, frequency: Tensor, decay_rate: Tensor, phase: Tensor) -> Tensor:
    """Every component as a complex wave (…, P, T)."""
    t = times[..., None, :]
    size = amplitude[..., None] * torch.exp(-decay_rate[..., None] * t)
    angle = 2 * math.pi * frequency[..., None] * t + phase[..., None]
    return torch.complex(size * torch.cos(angle), size * torch.sin(angle))
