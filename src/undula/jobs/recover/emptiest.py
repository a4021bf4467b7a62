"""The zero frequency was not measured (a beam stop): of all images that fit, look for the emptiest.

Without the sum of the pixels many images fit: of 256 digits with the zero frequency and 5 % of the pairs missing, the
first accepted image was right for 17 %, with sums up to twice too large; among several accepted images the one of
least sum was right whenever any was. So the zero frequency is pulled down while iterating, twelve accepted candidates
of two kinds compete, and the emptiest is made to do with 5 % less as long as it can (right for 758 of 768 other
digits).
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from undula.jobs.recover.found import Found, Progress
from undula.jobs.recover.iterations import Projections
from undula.jobs.recover.plan import Plan
from undula.jobs.recover.problem import Problem, zero_frequency
from undula.jobs.recover.search import search

# Pull and length of walk of the candidates; each kind solves digits that the other does not.
KINDS, EACH = ((0.6, 50), (0.8, 300)), 6
CANDIDATES = len(KINDS) * EACH
SHRINK, ROUNDS = 0.95, 12


def lacks_sum(problem: Problem, plan: Plan) -> bool:
    """Whether an item's zero frequency is free and only emptiness can tell it (non-negative, no support given)."""
    if problem.measured is None or (plan.support.binding and plan.support.name != "none"):
        return False
    low = problem.bounds[0]
    zero = zero_frequency(problem)
    projections = isinstance(plan.method, Projections)
    return projections and problem.real and low is not None and low >= 0 and not bool(problem.measured[zero].all())


def search_emptiest(
    problem: Problem,
    plan: Plan,
    *,
    seeds: Int[Tensor, " t"],
    image: Shaped[Tensor, "t *space"] | None,
    callback: Callable[[int, Progress], object] | None,
) -> Found:
    """Search twelve candidates of every trial, keep the emptiest accepted one, and lower its sum while that succeeds.

    Args:
        problem: One row per trial.
        plan: How; its target is one per trial.
        seeds: Seed of every trial.
        image: Where every candidate's first start begins, or None.
        callback: See `undula.recover`; several of its trials are candidates of one.

    Returns:
        One row per trial; transforms and starts are those of all its candidates together.
    """
    assert isinstance(plan.method, Projections)
    index = torch.arange(len(seeds), device=seeds.device).repeat_interleave(EACH)
    number = torch.arange(EACH, device=seeds.device).repeat(len(seeds))
    kinds = []
    for kind, (pull, walk) in enumerate(KINDS):
        method = replace(plan.method, pull=pull, block=walk, first_length=max(walk, plan.method.first_length))
        found = search(
            problem.take(index),
            method,
            plan.support,
            target=plan.target[index],
            seeds=seeds[index] + ((number + EACH * kind) << 32),
            starts=plan.starts,
            max_transforms=max(1, plan.max_transforms // CANDIDATES),
            image=None if image is None else image[index],
            callback=_by_trial(callback),
        )
        kinds.append(found)
    best = _emptiest(kinds, problem)
    alive = best.accepted.nonzero()[:, 0]
    for _ in range(ROUNDS):
        if not len(alive):
            break
        alive = _lower(best, problem, plan, alive, seeds=seeds)
    return best


def _by_trial(callback: Callable[[int, Progress], object] | None) -> Callable[[int, Progress], object] | None:
    if callback is None:
        return None

    def seen(step: int, progress: Progress) -> object:
        return callback(step, replace(progress, trials=progress.trials // EACH))

    return seen


def _emptiest(kinds: list[Found], problem: Problem) -> Found:
    """Of the candidates of every trial the accepted one of least sum, or else the one of least residual."""

    def together(name: str) -> Tensor:
        rows = [getattr(found, name) for found in kinds]
        return torch.cat([row.reshape(-1, EACH, *row.shape[1:]) for row in rows], dim=1)

    images, residual, accepted = together("image"), together("residual"), together("accepted")
    total = images.sum(dim=problem.axes)
    best = torch.where(accepted, total, total.amax() + 1 + residual).argmin(dim=1)
    row = torch.arange(len(best), device=best.device)
    history = [torch.cat([table[:, :1] // EACH, table[:, 1:]], dim=1) for found in kinds for table in found.history]
    return Found(
        image=images[row, best],
        residual=residual[row, best],
        accepted=accepted[row, best],
        transforms=together("transforms").sum(dim=1),
        starts=together("starts").sum(dim=1),
        mask=None,
        history=history,
    )


def _lower(best: Found, problem: Problem, plan: Plan, alive: Int[Tensor, " k"], *, seeds: Tensor) -> Int[Tensor, " l"]:
    """Ask the images of `alive` for 5 % less sum, as if it had been measured; those that can are updated and stay."""
    wanted = best.image[alive].sum(dim=problem.axes) * SHRINK / (best.image[0].numel() ** 0.5)
    found = search(
        _with_sum(problem.take(alive), wanted),
        plan.method,
        plan.support,
        target=plan.target[alive],
        seeds=seeds[alive],
        starts=1,
        max_transforms=plan.max_transforms,
        image=best.image[alive],
    )
    best.transforms[alive] += found.transforms
    done: Bool[Tensor, " k"] = found.accepted
    if not done.any():
        return alive[done]
    best.image[alive[done]] = found.image[done]
    best.residual[alive[done]] = problem.take(alive[done]).residual(found.image[done])
    return alive[done]


def _with_sum(problem: Problem, modulus: Tensor) -> Problem:
    zero = zero_frequency(problem)
    moduli = problem.moduli.clone()
    assert problem.measured is not None
    measured = problem.measured.expand(moduli.shape).clone()
    weights = problem.weights.expand(moduli.shape).clone()
    moduli[zero] = torch.where(measured[zero], moduli[zero], modulus)
    weights[zero], measured[zero] = 1.0, True
    return replace(problem, moduli=moduli, measured=measured, weights=weights)
