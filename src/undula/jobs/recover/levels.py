"""Shrink-wrapped runs from the coarse grid to the fine one, and to the end where the data are exact."""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from undula.jobs.recover.coherence import fit_blur, with_blur
from undula.jobs.recover.found import Found, Progress
from undula.jobs.recover.iterations import Projections
from undula.jobs.recover.plan import Plan
from undula.jobs.recover.polish import polish
from undula.jobs.recover.pool import POOL_NUMBERS
from undula.jobs.recover.problem import Problem
from undula.jobs.recover.projections import impose_moduli
from undula.jobs.recover.search import search
from undula.jobs.recover.shrinkwrap import (
    FINE_BLUR,
    FINE_STEPS,
    FINE_THRESHOLD,
    Wrapping,
    coarse,
    embed,
    wrap,
)
from undula.jobs.recover.supports import FixedMask

# The fixed schedule leaves runs of exact data at 10 to 30 times their target (0.0015-0.0047 of 2e-4, a real object of
# 40 × 40 in 128 × 128), runs of the measured crystal at 740 times. In the first case projections inside the support
# that was found, one pixel wider, end in about 110 transforms; in the second they have nothing to end at.
NEARLY_SOLVED, LAST_LENGTH = 100.0, 600


def search_wrapped(
    problem: Problem,
    plan: Plan,
    *,
    seeds: Int[Tensor, " t"],
    image: Shaped[Tensor, "t *space"] | None,
    callback: Callable[[int, Progress], object] | None,
) -> Found:
    """Run every trial on the coarse grid, if there is one, and refine it on the whole pattern.

    Args:
        problem: One row per trial.
        plan: How; its target is for the whole pattern, one per trial.
        seeds: Seed of every trial.
        image: Where the trials begin on the whole grid; then the coarse grid is left out.
        callback: See `undula.recover`.

    Returns:
        What was found on the whole grid.
    """
    size = max(1, POOL_NUMBERS // (2 * problem.moduli[0].numel()))
    parts = []
    for first in range(0, len(seeds), size):
        index = torch.arange(first, min(first + size, len(seeds)), device=seeds.device)
        part = problem.take(index)
        small = coarse(part) if image is None else None
        found = search(
            part if small is None else small,
            plan.method,
            plan.support,
            target=plan.target[index],
            seeds=seeds[index],
            starts=plan.starts,
            max_transforms=plan.max_transforms,
            image=None if image is None else image[index],
            callback=_offset(callback, done=first, total=len(seeds)),
        )
        refined = refine_wrapped(part, found, target=plan.target[index], first=first)
        parts.append(finish(part, refined, plan, target=plan.target[index], seeds=seeds[index], first=first))
    return _joined(parts)


def refine_wrapped(problem: Problem, found: Found, *, target: Tensor, first: int) -> Found:
    """Two looser supports on the whole grid, accelerated error reduction inside each, the blur fitted anew."""
    spectrum = found.image if found.image.shape[1:] == problem.shape else None
    if spectrum is None:
        scaled = with_blur(problem, found.blur)
        x = problem.inverse(embed(torch.fft.fftn(found.image, dim=problem.axes, norm="ortho"), problem.shape))
    else:
        scaled, x = (problem if problem.real else with_blur(problem, found.blur)), found.image
    transforms, estimate, mask, residual = found.transforms + 2, x, found.mask, found.residual
    for steps in FINE_STEPS:
        mask = wrap(x, deviation=FINE_BLUR, threshold=FINE_THRESHOLD).to(problem.moduli.dtype)
        if not problem.real:
            scaled = with_blur(problem, fit_blur(scaled, x * mask))
        polished = polish(scaled, x, mask=mask, target=target, steps=steps, patient=True)
        estimate, residual = polished.image, polished.residual
        x = impose_moduli(scaled, estimate)
        transforms = transforms + polished.transforms + 5
    history = torch.stack([torch.arange(len(x)).double() + first, transforms.double(), residual.double()], dim=1)
    rows = [torch.cat([row[:, :1] + first, row[:, 1:]], dim=1) for row in found.history]
    return replace(
        found,
        image=estimate,
        residual=residual,
        accepted=residual < target,
        transforms=transforms,
        mask=mask,
        blur=None if problem.real else scaled.blur,
        history=[*rows, history],
    )


def finish(problem: Problem, found: Found, plan: Plan, *, target: Tensor, seeds: Tensor, first: int) -> Found:
    """Projections inside the last support, for the runs that are near their target but not below it."""
    near = (~found.accepted & (found.residual < NEARLY_SOLVED * target)).nonzero()[:, 0]
    if not len(near) or found.mask is None:
        return found
    mask = found.mask[near] > 0
    for axis in problem.axes:
        mask = mask | mask.roll(1, axis) | mask.roll(-1, axis)
    part = problem.take(near)
    last = search(
        part if found.blur is None else with_blur(part, found.blur[near]),
        Projections(plan.method.name if isinstance(plan.method, Wrapping) else "rrr", first_length=LAST_LENGTH),
        FixedMask(mask),
        target=target[near],
        seeds=seeds[near],
        starts=1,
        max_transforms=plan.max_transforms,
        image=found.image[near],
    )
    spent = found.transforms.index_add(0, near, last.transforms)
    rows = []
    for row in last.history:
        trials = near[row[:, 0].long()]
        rows.append(torch.stack([trials + first, found.transforms[trials] + row[:, 1], row[:, 2]], dim=1))
    better = last.residual < found.residual[near]
    won = near[better]
    return replace(
        found,
        image=found.image.index_copy(0, won, last.image[better]),
        residual=found.residual.index_copy(0, won, last.residual[better]),
        accepted=found.accepted.index_copy(0, near, last.accepted),
        transforms=spent,
        mask=found.mask.index_copy(0, won, mask[better].to(found.mask.dtype)),
        history=[*found.history, *rows],
    )


def _offset(
    callback: Callable[[int, Progress], object] | None, *, done: int, total: int
) -> Callable[[int, Progress], object] | None:
    if callback is None:
        return None

    def shifted(step: int, progress: Progress) -> object:
        return callback(step, replace(progress, done=progress.done + done, total=total, trials=progress.trials + done))

    return shifted


def _joined(parts: list[Found]) -> Found:
    def together(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts])

    return Found(
        image=together("image"),
        residual=together("residual"),
        accepted=together("accepted"),
        transforms=together("transforms"),
        starts=together("starts"),
        mask=together("mask"),
        blur=None if parts[0].blur is None else together("blur"),
        history=[row for part in parts for row in part.history],
    )
