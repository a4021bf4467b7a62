"""The two projections that every method is made of: onto the measured moduli, and onto what is known of the object."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Complex, Shaped
from torch import Tensor

from undula.jobs.recover.problem import Problem, blurred, zero_frequency

Projection = Callable[[Tensor], Tensor]


def impose_moduli(problem: Problem, x: Shaped[Tensor, "n *space"], *, pull: float = 1.0) -> Shaped[Tensor, "n *space"]:
    """Nearest items with the measured moduli: keep the phases, replace the moduli. Two transforms each.

    A coefficient that is exactly zero has no phase and stays zero; one that was not measured stays as it is, but for an
    unmeasured zero frequency, which is multiplied by `pull`.
    """
    if x.dtype not in (torch.float32, torch.complex64):
        spectrum = problem.forward(x)
        _replace_moduli(problem, spectrum, unit=1.0, pull=pull)
        return problem.inverse(spectrum)
    # Transforms that are not divided by √N save a pass over the array each, 13 % of both (28 × 28); the new moduli are
    # divided. In double precision they round differently for batches of different sizes, and unitary ones do not.
    spectrum = problem.forward(x, norm="backward")
    _replace_moduli(problem, spectrum, unit=math.prod(problem.shape) ** -0.5, pull=pull)
    return problem.inverse(spectrum, norm="forward")


def _replace_moduli(problem: Problem, spectrum: Complex[Tensor, "n *frequency"], *, unit: float, pull: float) -> None:
    """Replace the measured moduli by `unit` times theirs in place, keep the phases; multiply the rest by `unit`².

    Squares and a reciprocal root cost less than half of the complex `abs` alone (batch of 250, 28 × 28).
    """
    squares = torch.view_as_real(spectrum).square()
    squared = squares[..., 0] + squares[..., 1]
    if problem.blur is not None:
        squared = blurred(squared, problem.blur)
    factor = squared.clamp_min_(torch.finfo(squared.dtype).tiny).rsqrt_().mul_(problem.moduli)
    if unit != 1.0:
        factor.mul_(unit)
    if problem.measured is not None:
        factor = torch.where(problem.measured, factor, unit**2)
        if pull != 1.0:
            zero = zero_frequency(problem)
            factor[zero] = torch.where(problem.measured[zero], factor[zero], pull * unit**2)
    spectrum.mul_(factor)


def impose_object(
    problem: Problem, x: Shaped[Tensor, "n *space"], mask: Shaped[Tensor, "m *space"] | None
) -> Shaped[Tensor, "n *space"]:
    """Nearest items within the bounds and, with a mask, zero outside it."""
    low, high = problem.bounds
    if problem.real and not (low is None and high is None):
        x = x.clamp(min=low, max=high)
        return x if mask is None else x.mul_(mask)
    return x if mask is None else x * mask
