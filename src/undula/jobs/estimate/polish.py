"""Batched Levenberg-Marquardt on the poles: every signal has its own damping, and its own verdict on every step."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from undula.jobs.estimate.projection import Projection, project
from undula.jobs.estimate.record import Record

LEAST_WORK = 64
"""Signals below which converged ones are no longer dropped from the batch: there the cost of a step is that of its calls."""


@dataclass(frozen=True)
class Polished:
    """Poles at a least-squares minimum.

    Attributes:
        poles: s in units of 1 / span (n, P).
        cost: Sum of squares of the residual (n,).
        step: Last step, in standard deviations of the poles; below 1e-3 it is converged (n,).
    """

    poles: Complex[Tensor, "n p"]
    cost: Float[Tensor, " n"]
    step: Float[Tensor, " n"]


def polish(record: Record, poles: Complex[Tensor, "n p"], *, iterations: int = 30, tolerance: float = 1e-3) -> Polished:
    """Follow the cost downhill from the given poles, amplitudes eliminated.

    Args:
        record: The signals, in the precision in which to calculate.
        poles: Where to begin.
        iterations: Greatest number of steps.
        tolerance: A signal is done when a step is below this share of the standard deviation in every direction.

    Returns:
        The poles with the least cost on the way.

    Reference: Levenberg 1944, Marquardt 1963; Nielsen, Damping parameter in Marquardt's method, 1999.
    """
    state = project(record, poles)
    damping = torch.full_like(state.cost, 1e-2)
    size = torch.full_like(state.cost, torch.inf)
    final, cost, moved = poles.clone(), state.cost.clone(), size.clone()
    place = torch.arange(len(poles), device=poles.device)
    if not iterations:
        return Polished(poles, state.cost, size)
    for turn in range(iterations):
        trial, size = _step(record, poles, state, damping)
        tried = project(record, trial)
        better = tried.cost <= state.cost * (1 + 1e-12) + 1e-28 * record.energy
        damping = torch.where(better, damping * 0.1, damping * 8.0).clamp(1e-9, 1e9)
        poles = torch.where(better[:, None], trial, poles)
        state = _choose(better, tried, state)
        open_ = (size > tolerance) & (damping < 1e8)
        if (turn % 2 and len(place) > LEAST_WORK) or turn == iterations - 1:
            final[place], cost[place], moved[place] = poles, state.cost, size
            keep = open_.nonzero()[:, 0]
            if len(keep) == 0:
                break
            if len(keep) < 0.8 * len(place):
                record, poles, damping, place = record.of(keep), poles[keep], damping[keep], place[keep]
                state = _pick(state, keep)
    return Polished(final, cost, moved)


def _step(record: Record, poles: Tensor, state: Projection, damping: Tensor) -> tuple[Tensor, Tensor]:
    diagonal = state.curvature.diagonal(dim1=1, dim2=2)
    floor = diagonal.amax(dim=1, keepdim=True) * 1e-9 + torch.finfo(diagonal.dtype).tiny
    scale = torch.maximum(diagonal, floor).rsqrt()
    unit = state.curvature * scale[:, :, None] * scale[:, None]
    unit.diagonal(dim1=1, dim2=2).add_(damping[:, None] + 1e-12)
    step = torch.linalg.solve_ex(unit, (state.gradient * scale)[..., None]).result[..., 0]
    deviation = (state.cost / record.values.shape[1:].numel()).sqrt() + 1e-12 * record.energy.sqrt()
    size = step.norm(dim=1) / deviation
    delta = step * scale
    delta = torch.where(delta.isfinite(), delta, 0.0)
    half = poles.shape[1]
    # No step beyond two periods per record, or a factor of e^3 in decay: far off, the parabola means nothing.
    change = torch.complex(delta[:, :half].clamp(-3, 3), delta[:, half:].clamp(-12, 12))
    return poles + change, size


def _choose(better: Tensor, new: Projection, old: Projection) -> Projection:
    def pick(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return Projection(
        new.left,  # of a step that may have been refused: nobody asks
        pick(new.linear, old.linear),
        pick(new.cost, old.cost),
        pick(new.gradient, old.gradient),
        pick(new.curvature, old.curvature),
        new.gram,  # likewise
    )


def _pick(state: Projection, index: Tensor) -> Projection:
    return Projection(
        state.left[index],
        state.linear[index],
        state.cost[index],
        state.gradient[index],
        state.curvature[index],
        state.gram[index],
    )
