"""The Cramér-Rao bound: the least error that any unbiased estimate can have, from the Fisher information."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from undula.jobs.estimate.projection import grams
from undula.jobs.estimate.record import Record


@dataclass(frozen=True)
class Waves:
    """Damped waves of a batch in the user's units.

    Attributes:
        amplitude: A (n, C, P).
        frequency: f in Hz (n, P).
        decay_rate: γ in 1/s (n, P).
        phase: φ in radians (n, C, P).
    """

    amplitude: Float[Tensor, "n c p"]
    frequency: Float[Tensor, "n p"]
    decay_rate: Float[Tensor, "n p"]
    phase: Float[Tensor, "n c p"]


@dataclass(frozen=True)
class Bound:
    """What the Fisher information says of a fit.

    Attributes:
        covariance: Inverse of the Fisher information, per component A of every channel, f, γ, φ of every channel (n, Q, Q).
        condition: Condition number of the Fisher information scaled to unit diagonal (n,).
        inflation: By what factor mode k raises the error of the frequency of mode j (n, P, P).
    """

    covariance: Float[Tensor, "n q q"]
    condition: Float[Tensor, " n"]
    inflation: Float[Tensor, "n p p"]


def cramer_rao(
    record: Record, waves: Waves, *, variance: Float[Tensor, " n"], gram: Float[Tensor, "n m g g"] | None = None
) -> Bound:
    """Covariance bound (J Jᵀ / σ²)⁻¹ of all parameters, offset and trend fitted along.

    The derivatives of a wave by its four parameters are turns of the columns of `Record.columns`, so J Jᵀ comes from their
    inner products.

    Args:
        record: Times, gaps, whitening and base line; its values are not looked at.
        waves: Parameters at which the Jacobian is taken, at the start, amplitudes in the units of the record's rows.
        variance: Variance σ² of one row.
        gram: Inner products of the columns at the poles of `waves`, of every channel where channels have noise of their own
            kinds, where they are known.

    Returns:
        Covariance, condition, and which pairs spoil each other.
    """
    parameters, count = 2 * waves.amplitude.shape[1] + 2, waves.frequency.shape[1]
    if gram is None:
        poles = torch.complex(-waves.decay_rate, 2 * math.pi * waves.frequency) * record.span
        gram = grams(record, poles)
    turns = _turns(record, waves, gram.shape[2])
    fisher = (turns @ gram @ turns.mT).sum(dim=1) / variance[:, None, None]
    inverse, condition = _inverse(fisher)
    return Bound(
        inverse[:, : count * parameters, : count * parameters],
        condition,
        _inflation(fisher, inverse, count, parameters),
    )


def _turns(record: Record, waves: Waves, columns: int) -> Float[Tensor, "n c q g"]:
    """Derivatives of every channel by all parameters, base line last, as sums of columns.

    With w = A e^(st + iφ) they are w/A, 2πit w, -t w, i w; the columns are Re z, -Im z, base line, t Re z, -t Im z. Where the
    columns begin later than t = 0, w is turned and faded there, and t the sum of the columns' time and what they are late by.
    """
    number, channels, count = waves.amplitude.shape
    width, more = 2 * channels + 2, columns - 4 * count
    growth = torch.exp(-(waves.decay_rate * record.span).clamp_max(0))[:, None]  # columns of growing waves end at 1
    late = growth.new_zeros(1) if record.late is None else record.late * record.span
    fade = torch.exp(-waves.decay_rate * late[:, None])
    phase = waves.phase + 2 * math.pi * (waves.frequency * late[:, None])[:, None]
    cosine, sine = growth * torch.cos(phase), growth * torch.sin(phase)
    turns = waves.phase.new_zeros(number, channels, count * width + channels * more, columns)
    for c in range(channels):
        for p in range(count):
            a, b, size = cosine[:, c, p], sine[:, c, p], waves.amplitude[:, c, p] * fade[:, p]
            row, first, second = p * width, p, count + p
            timed = (2 * count + more + p, 3 * count + more + p)
            turns[:, c, row + c, first], turns[:, c, row + c, second] = a * fade[:, p], b * fade[:, p]
            for (x, y), time in ((timed, record.span * size), ((first, second), late * size)):
                turned = 2 * math.pi * time
                turns[:, c, row + channels, x], turns[:, c, row + channels, y] = -turned * b, turned * a
                turns[:, c, row + channels + 1, x], turns[:, c, row + channels + 1, y] = -time * a, -time * b
            row += channels + 2 + c
            turns[:, c, row, first], turns[:, c, row, second] = -size * b, size * a
        for k in range(more):
            turns[:, c, count * width + c * more + k, 2 * count + k] = 1.0
    return turns


def _inverse(fisher: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse after scaling the diagonal to 1, directions without information left out of neither: their error is vast."""
    scale = fisher.diagonal(dim1=1, dim2=2).clamp_min(1e-300).rsqrt()
    unit = fisher * scale[:, :, None] * scale[:, None]
    values = torch.linalg.eigvalsh(unit)
    inverse = torch.linalg.inv_ex(unit).inverse
    near = (values[:, 0] < 1e-10).nonzero()[:, 0]
    if len(near):
        own, vectors = torch.linalg.eigh(unit[near])
        inverse[near] = (vectors / own.clamp_min(1e-15)[:, None]) @ vectors.mT
    return inverse * scale[:, :, None] * scale[:, None], values[:, -1] / values[:, 0].clamp_min(1e-15)


def _inflation(fisher: Tensor, inverse: Tensor, count: int, width: int) -> Float[Tensor, "n p p"]:
    """Error of the frequency of j with mode k unknown, over its error with mode k known."""
    result = fisher.new_ones(len(fisher), count, count)
    place = width // 2 - 1
    for known in range(count) if count > 1 else ():
        keep = [row for row in range(fisher.shape[1]) if row // width != known or row >= count * width]
        fewer = _inverse(fisher[:, keep][:, :, keep])[0].diagonal(dim1=1, dim2=2)
        others = [mode for mode in range(count) if mode != known]
        for rank, mode in enumerate(others):
            whole = inverse[:, mode * width + place, mode * width + place]
            result[:, mode, known] = (whole / fewer[:, rank * width + place]).sqrt()
    return result
