"""How often an autoencoder is wrong: on signals of its prior, alone and after the polish, by the Cramér-Rao bound."""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.jobs.estimate.autoencoder.prior import Drawn, Prior
from undula.jobs.estimate.bound import Waves, cramer_rao
from undula.jobs.estimate.polish import polish
from undula.jobs.estimate.projection import amplitudes, project
from undula.jobs.estimate.record import Record

OUTLIER = 5.0  # deviations of any parameter
_SIGNALS = 400  # per level of noise
_NUMBERS = 2**39  # beyond those of any training


def record_of(signal: Float[Tensor, "n t"]) -> Record:
    """Real, evenly sampled signals in white noise as the estimators read them, one sample per second.

    Args:
        signal: The signals.
    """
    span = signal.shape[1] - 1.0
    times = torch.arange(signal.shape[1], dtype=torch.float64, device=signal.device)[None] / span
    return Record(signal.double()[:, None], times, None, None, True, 0, 1 / span, span, False)


def poles_of(found: Float[Tensor, "n p 4"], span: float) -> Tensor:
    """Poles in units of 1 / span of f, τ, A, φ in samples.

    Args:
        found: The parameters.
        span: Samples between the first and the last.
    """
    wide = found.double()
    return torch.complex(-span / wide[..., 1], 2 * math.pi * span * wide[..., 0])


def deviations(drawn: Drawn) -> Float[Tensor, "n p 4"]:
    """Standard deviations of f, τ, A, φ by the Cramér-Rao bound at the truth.

    Args:
        drawn: Signals with their truth.
    """
    frequency, decay, amplitude, phase = drawn.truth.double().unbind(dim=2)
    there = Waves(amplitude[:, None], frequency, 1 / decay, phase[:, None])
    bound = cramer_rao(record_of(drawn.signal), there, variance=drawn.deviation.double().square())
    spread = torch.unflatten(bound.covariance.diagonal(dim1=1, dim2=2).sqrt(), 1, (-1, 4))
    return torch.stack([spread[..., 1], spread[..., 2] * decay.square(), spread[..., 0], spread[..., 3]], dim=2)


def errors(drawn: Drawn, found: Float[Tensor, "n p 4"]) -> Float[Tensor, "n p 4"]:
    """Errors of f, τ, A, φ in deviations, components of both by ascending frequency.

    Args:
        drawn: Signals with their truth.
        found: What was found.
    """
    order = found[..., 0].argsort(dim=1)
    off = found.double().gather(1, order[..., None].expand(-1, -1, 4)) - drawn.truth.double()
    off[..., 3] = torch.remainder(off[..., 3] + math.pi, 2 * math.pi) - math.pi
    return off / deviations(drawn)


def polished(signal: Float[Tensor, "n t"], found: Float[Tensor, "n p 4"]) -> Float[Tensor, "n p 4"]:
    """The least-squares fit that begins at frequencies and decay times that were found.

    Args:
        signal: The signals.
        found: Where to begin.

    Returns:
        f, τ, A, φ.
    """
    record = record_of(signal)
    poles = polish(record, poles_of(found, record.span), iterations=40).poles
    size = amplitudes(project(record, poles), poles)[:, 0]
    frequency = (poles.imag / (2 * math.pi * record.span)).abs()
    angle = torch.where(poles.imag < 0, -size.angle(), size.angle())
    return torch.stack([frequency, -record.span / poles.real, size.abs(), angle], dim=2)


def match(one: Float[Tensor, "n t"], other: Float[Tensor, "n t"]) -> Float[Tensor, " n"]:
    """⟨a, b⟩ / √(⟨a, a⟩⟨b, b⟩), not shifted.

    Args:
        one: Waveforms.
        other: Others.
    """
    return torch.nn.functional.cosine_similarity(one, other, dim=1)


@torch.no_grad()
def examine(decode: Callable[[Tensor], tuple[Tensor, Tensor]], prior: Prior, *, seed: int) -> list[dict[str, Any]]:
    """Outliers at the lowest, the middle and the highest level of noise of the prior.

    Args:
        decode: Maps signals to f, τ, A, φ and to decoded signals.
        prior: What the signals are drawn from.
        seed: Seed of the signals.

    Returns:
        Per level: "snr" in decibels, "outliers" (share off by more than five deviations), "outliers_polished", "match" (mean
        of the waveforms), "frequency" (median error in bins of 1/T), "signals".
    """
    low, high = prior.snr
    records = []
    for snr in sorted({low, (low + high) / 2, high}):
        drawn = prior.draw(torch.arange(_SIGNALS) + _NUMBERS, seed=seed, snr=snr)
        found, wave = decode(drawn.signal)
        alone, after = (errors(drawn, each) for each in (found, polished(drawn.signal, found)))
        bins = (found[..., 0] - drawn.truth[..., 0]).abs().median() * prior.samples
        records.append(
            {
                "snr": snr,
                "outliers": outlier_share(alone),
                "outliers_polished": outlier_share(after),
                "match": round(float(match(wave, drawn.clean).mean()), 4),
                "frequency": round(float(bins), 4),
                "signals": _SIGNALS,
            }
        )
    return records


def outlier_share(off: Float[Tensor, "n p 4"]) -> float:
    """Share of signals with a parameter off by more than five deviations.

    Args:
        off: Errors in deviations.
    """
    return round(float((~(off.abs().flatten(1).amax(dim=1) <= OUTLIER)).double().mean()), 4)
