"""The two projections that every method is made of: onto the measured moduli, and onto what is known of the object."""

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
    spectrum = problem.forward(x)
    replace_moduli(problem, spectrum, pull=pull)
    return problem.inverse(spectrum)


def replace_moduli(problem: Problem, spectrum: Complex[Tensor, "n *frequency"], *, pull: float = 1.0) -> None:
    """Replace the measured moduli in place, keep the phases.

    Squares and a reciprocal root cost less than half of the complex `abs` alone (batch of 250, 28 × 28).
    """
    squares = torch.view_as_real(spectrum).square()
    squared = squares[..., 0] + squares[..., 1]
    if problem.blur is not None:
        squared = blurred(squared, problem.blur)
    factor = squared.clamp_min_(torch.finfo(squared.dtype).tiny).rsqrt_().mul_(problem.moduli)
    if problem.measured is not None:
        factor = torch.where(problem.measured, factor, 1.0)
        if pull != 1.0:
            zero = zero_frequency(problem)
            factor[zero] = torch.where(problem.measured[zero], factor[zero], pull)
    spectrum.mul_(factor)


def impose_object(
    problem: Problem, x: Shaped[Tensor, "n *space"], mask: Shaped[Tensor, "m *space"] | None
) -> Shaped[Tensor, "n *space"]:
    """Nearest items within the bounds and, with a mask, zero outside it."""
    low, high = problem.bounds
    if problem.real and not (low is None and high is None):
        x = x.clamp(min=low, max=high)
    return x if mask is None else x * mask
