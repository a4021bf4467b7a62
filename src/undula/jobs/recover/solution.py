"""From a problem and a plan to what is handed back: all runs searched together, then concluded."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from undula.jobs.recover.coherence import with_blur
from undula.jobs.recover.consensus import Consensus, agree
from undula.jobs.recover.denoising import refine
from undula.jobs.recover.emptiest import lacks_sum, search_emptiest
from undula.jobs.recover.found import Found, Progress
from undula.jobs.recover.levels import search_wrapped
from undula.jobs.recover.plan import Plan
from undula.jobs.recover.problem import Problem
from undula.jobs.recover.search import search
from undula.jobs.recover.shrinkwrap import ShrinkWrap


@dataclass(frozen=True)
class Solution:
    """What was found for every item.

    Attributes:
        problem: One row per item.
        found: One row per run of every item, runs of an item next to each other.
        runs: Runs per item.
        image: The answer of every item (n, space).
        residual: Its residual (n,).
        accepted: Whether a run of the item was accepted (n,).
        mask: Its support (n, space), or None.
        consensus: What the runs say together, or None for a single run.
        run_accepted: Which runs were accepted (n, runs).
        refining: Transforms per run that the noise cost.
        support: "none", "box", "mask" or "shrinkwrap".
        blur: Blur of the intensities of the answer (n, dims), or None.
    """

    problem: Problem
    found: Found
    runs: int
    image: Shaped[Tensor, "n *space"]
    residual: Float[Tensor, " n"]
    accepted: Bool[Tensor, " n"]
    mask: Bool[Tensor, "n *space"] | None
    consensus: Consensus | None
    run_accepted: Bool[Tensor, "n runs"]
    refining: int
    support: str
    blur: Float[Tensor, "n dims"] | None


def solve(
    problem: Problem,
    plan: Plan,
    *,
    seeds: Int[Tensor, " n"],
    runs: int,
    image: Shaped[Tensor, "n *space"] | None,
    callback: Callable[[int, Progress], object] | None,
) -> Solution:
    """Search all runs of all items in one pool, and draw the conclusions.

    Args:
        problem: One row per item.
        plan: How.
        seeds: One seed per item; run r of an item takes seed + r.
        runs: Runs per item.
        image: Where the first start of every run begins, or None.
        callback: See `undula.recover`.

    Returns:
        The solution.
    """
    index = torch.arange(len(seeds), device=seeds.device).repeat_interleave(runs)
    number = torch.arange(runs, device=seeds.device).repeat(len(seeds))
    trials = problem.take(index)
    begin, own = (None if image is None else image[index]), seeds[index] + number
    if isinstance(plan.support, ShrinkWrap):
        wide = replace(plan, target=plan.target[index])
        found = search_wrapped(trials, wide, seeds=own, image=begin, callback=callback)
        trials = with_blur(trials, found.blur)
    elif lacks_sum(problem, plan):
        wide = replace(plan, target=plan.target[index])
        found = search_emptiest(trials, wide, seeds=own, image=begin, callback=callback)
    else:
        found = search(
            trials,
            plan.method,
            plan.support.of(index),
            target=plan.target[index],
            seeds=own,
            starts=plan.starts,
            max_transforms=plan.max_transforms,
            image=begin,
            callback=callback,
        )
    refining, images, residual = 0, found.image, found.residual
    if plan.deviation is not None:
        mask = found.mask if plan.support.binding else None
        images, refining = refine(trials, images, mask=mask, deviation=plan.deviation[index])
        residual = trials.residual(images)
    return _conclude(problem, plan, found, runs=runs, images=images, residual=residual, refining=refining)


def _conclude(
    problem: Problem, plan: Plan, found: Found, *, runs: int, images: Tensor, residual: Tensor, refining: int
) -> Solution:
    n, space = len(problem.moduli), problem.shape
    by_run = residual.reshape(n, runs)
    accepted = found.accepted.reshape(n, runs)
    mask = None
    if plan.support.binding and found.mask is not None:
        mask = (found.mask > 0).reshape(n, runs, *space)
    consensus = None
    if runs > 1:
        consensus = agree(
            problem,
            images.reshape(n, runs, *space),
            residual=by_run,
            accepted=accepted,
            mask=mask,
            subpixel=not problem.real,
        )
    if consensus is not None and isinstance(plan.support, ShrinkWrap):
        accepted = accepted | (consensus.plausible & ~accepted.any(dim=1, keepdim=True))
    blurs = None if found.blur is None else found.blur.reshape(n, runs, -1)
    blur = None
    if consensus is not None and plan.averages:
        answer, support = consensus.image, consensus.mask
        if blurs is not None:
            share = consensus.members / consensus.members.sum(dim=1, keepdim=True)
            blur = (blurs * share[..., None]).sum(dim=1)
        residual = with_blur(problem, blur).residual(answer)
    else:
        best = by_run.masked_fill(~accepted & accepted.any(dim=1, keepdim=True), torch.inf).argmin(dim=1)
        rows = torch.arange(n, device=best.device)
        answer, residual = images.reshape(n, runs, *space)[rows, best], by_run[rows, best]
        support = None if mask is None else mask[rows, best]
        blur = None if blurs is None else blurs[rows, best]
    return Solution(
        problem,
        found,
        runs,
        answer,
        residual,
        accepted.any(dim=1),
        support,
        consensus,
        accepted,
        refining,
        plan.support.name,
        blur,
    )
