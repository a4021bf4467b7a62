"""The plan of a recovery: which method, how many starts, and which residual is good enough."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.jobs.recover.gradient import Descent, GradientDescent
from undula.jobs.recover.iterations import Projections
from undula.jobs.recover.method import Method
from undula.jobs.recover.noise import Gaussian, Poisson, amplitude_deviation
from undula.jobs.recover.problem import Problem, relative
from undula.jobs.recover.shrinkwrap import ShrinkWrap, Wrapping
from undula.jobs.recover.supports import FixedMask, Support

# Of a noisy pattern the floor of the right valley fits to about half of the noise, for every unknown takes its share:
# 0.51, 0.50 and 0.58 at 30 dB, 20 dB and 1e5 photons, medians of 96 digits started from the truth. How well wrong
# valleys fit was not measured; at 20 dB some pass.
NOISY_SHARE = 0.75


@dataclass(frozen=True)
class Plan:
    """How every trial is run.

    Attributes:
        method: What makes an iteration.
        support: Where the object may be.
        target: Residual below which an item is accepted (n,).
        deviation: Deviation of the noise of the unitary moduli (n,), or None.
        starts: Greatest number of starts of a run.
        max_transforms: Transforms after which a run takes no further start.
        averages: Whether the answer is the average of the accepted runs (data that no image fits exactly), or the best
            one.
    """

    method: Method
    support: Support
    target: Float[Tensor, " n"]
    deviation: Float[Tensor, " n"] | None
    starts: int
    max_transforms: int
    averages: bool


def make_plan(
    problem: Problem,
    method: Any,
    support: Support,
    *,
    starts: int | None,
    tolerance: float,
    max_transforms: int | None,
    noise: Gaussian | Poisson | None,
) -> Plan:
    """Fill in what the user left open.

    Args:
        problem: Problem of the items.
        method: Name of a method, or options of the gradient method.
        support: Where the object may be.
        starts: Greatest number of starts, or None.
        tolerance: Residual of an exact answer.
        max_transforms: Transforms per run, or None.
        noise: What is known of the noise, or None.

    Returns:
        The plan.
    """
    deviation = None if noise is None else _deviation(problem, noise)
    target = torch.full_like(problem.energy, tolerance)
    if deviation is not None:
        mass = problem.weights.sum(dim=problem.axes)
        target = torch.maximum(target, NOISY_SHARE * relative(deviation.square() * mass, problem.energy))
    if isinstance(method, GradientDescent) or method == "gradient":
        options = method if isinstance(method, GradientDescent) else GradientDescent()
        # A box that only guides iterations is for projections: it took gradient steps from 90 % a start to 65 %.
        place = support if support.binding else FixedMask(None)
        return Plan(Descent(options), place, target, deviation, starts or 8, max_transforms or 2**62, noise is not None)
    if isinstance(support, ShrinkWrap):
        return Plan(Wrapping(method), support, target, deviation, starts or 1, max_transforms or 40_000, True)
    # Inside a support that the user knows there are few traps, and larger images need longer walks: of 16 pictures of
    # 64 × 64 in 128 × 128, starts of 150 iterations solved 6 within 20,000 transforms, of 600 growing twofold 14.
    known = support.binding and support.name != "none"
    walk = Projections(method, first_length=600, growth=2.0, volley=1) if known else Projections(method)
    return Plan(walk, support, target, deviation, starts or 2**31, max_transforms or 40_000, noise is not None)


def _deviation(problem: Problem, noise: Gaussian | Poisson) -> Float[Tensor, " n"]:
    """Deviation of the moduli after each was averaged with its mirror, where the two carried noise of their own."""
    deviation = amplitude_deviation(noise, energy=problem.energy, unit=problem.unit)
    mass = problem.weights.sum(dim=problem.axes)
    expected = relative(deviation.square() * mass, problem.energy)
    return torch.where(problem.asymmetry > 0.3 * expected, deviation / 2**0.5, deviation)
