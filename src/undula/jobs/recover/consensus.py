"""What several runs of one item say together: their agreement, their average, and what of the spectrum survives it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from undula.jobs.recover.problem import Problem
from undula.metrics import align
from undula.spectra import circular_shift, radial_bands, radial_mean, reverse

RESIDUAL_SHARE, RESIDUAL_DIFFERENCE, LEAST_CORRELATION = 1.05, 0.005, 0.9


@dataclass(frozen=True)
class Consensus:
    """Runs of every item, laid onto the run with the least residual.

    Attributes:
        image: Average of the runs that count (n, space), complex ones with the global phase that makes their sum
            positive.
        mask: Their supports, laid likewise, by majority (n, space), or None.
        members: Which runs count: the accepted ones, or all where none was (n, runs).
        plausible: Which runs the others vouch for, see `plausible_runs` (n, runs); none with fewer than three.
        agreement: Mean normalized inner product of all pairs of members; 1 when they are equal, NaN with one member
            (n,).
        prtf: Phase retrieval transfer function |F(average)| / A per ring of frequency (n, rings).
        transforms: Transforms that all this cost (n,).
    """

    image: Shaped[Tensor, "n *space"]
    mask: Bool[Tensor, "n *space"] | None
    members: Bool[Tensor, "n runs"]
    plausible: Bool[Tensor, "n runs"]
    agreement: Float[Tensor, " n"]
    prtf: Float[Tensor, "n rings"]
    transforms: int


def agree(
    problem: Problem,
    images: Shaped[Tensor, "n runs *space"],
    *,
    residual: Float[Tensor, "n runs"],
    accepted: Bool[Tensor, "n runs"],
    mask: Bool[Tensor, "n runs *space"] | None = None,
    subpixel: bool = False,
) -> Consensus:
    """Lay the runs of every item onto its best one and average those that were accepted.

    The best run is the one with the least residual of its own; the truth is never looked at.

    Args:
        problem: One row per item.
        images: All runs.
        residual: Their residuals.
        accepted: Which of them reached their target.
        mask: Their supports.
        subpixel: Whether runs may differ by fractions of a pixel (smooth, complex objects).

    Returns:
        The consensus of every item.
    """
    n, runs = residual.shape
    solved = accepted.any(dim=1, keepdim=True)
    best = torch.where(accepted | ~solved, residual, torch.inf).argmin(dim=1)
    reference = images[torch.arange(n, device=images.device), best]
    flat = images.reshape(n * runs, *problem.shape)
    laid = align(flat, reference.repeat_interleave(runs, dim=0), dims=problem.dims, subpixel=subpixel)
    together = laid.image.reshape(n, runs, -1)
    plausible = plausible_runs(together, residual)
    members = torch.where(solved, accepted, plausible | ~plausible.any(dim=1, keepdim=True))
    weight = members / members.sum(dim=1, keepdim=True)
    average = (together * weight[..., None]).sum(dim=1).reshape(n, *problem.shape)
    if average.is_complex():
        # Of the phases that magnitudes leave open, the one with a positive sum: pictures of two objects are then
        # comparable.
        angle = average.sum(dim=problem.axes, keepdim=True).angle()
        average = average * torch.polar(torch.ones_like(angle), -angle)
    support = None if mask is None else _majority(mask, laid.shift, laid.flipped, weight)
    return Consensus(
        image=average,
        mask=support,
        members=members,
        plausible=plausible,
        agreement=_mean_of_pairs(together, members),
        prtf=transfer_function(problem, average),
        # Per run two correlations of three transforms, and four for a fraction of a pixel; the spectrum of the average.
        transforms=runs * (10 if subpixel else 6) + 1,
    )


def plausible_runs(
    together: Shaped[Tensor, "n runs pixels"], residual: Float[Tensor, "n runs"]
) -> Bool[Tensor, "n runs"]:
    """Runs of measured data that no image fits exactly, judged by each other.

    A run is near when its residual is within 5 % of the best run's, or within 0.005 of it. It is plausible when it is
    near and correlates to at least 0.9 with more than half of the other near runs, of which there must be two. (Runs
    that correlate to 0.9 in pairs correlate to the square root of that, 0.95, with the mean of many.)

    Args:
        together: Aligned runs.
        residual: Their residuals.

    Returns:
        Which are plausible.
    """
    best = residual.amin(dim=1, keepdim=True)
    near = residual <= torch.maximum(RESIDUAL_SHARE * best, best + RESIDUAL_DIFFERENCE)
    others = near[:, None, :] & ~torch.eye(residual.shape[1], dtype=torch.bool, device=near.device)
    alike = others & (_correlation_of_pairs(together) >= LEAST_CORRELATION)
    count = others.sum(dim=2)
    return near & (2 * alike.sum(dim=2) > count) & (count >= 2)


def transfer_function(problem: Problem, image: Shaped[Tensor, "n *space"]) -> Float[Tensor, "n rings"]:
    """Mean of |F(image)| over every ring of frequencies, relative to the mean of the measured moduli.

    One where the runs agree on the phases, falling where their average loses them (Chapman et al., 2006).
    """
    bands = radial_bands(problem.shape, real=problem.real, device=image.device)
    weights = problem.weights.expand(problem.moduli.shape)
    kept = radial_mean(problem.forward(image).abs(), bands, weights=weights)
    return kept / radial_mean(problem.moduli, bands, weights=weights)


def _mean_of_pairs(together: Shaped[Tensor, "n runs pixels"], members: Bool[Tensor, "n runs"]) -> Float[Tensor, " n"]:
    both = members[:, :, None] & members[:, None, :]
    both = both & ~torch.eye(members.shape[1], dtype=torch.bool, device=members.device)
    return (_correlation_of_pairs(together) * both).sum(dim=(1, 2)) / both.sum(dim=(1, 2))


def _correlation_of_pairs(together: Shaped[Tensor, "n runs pixels"]) -> Float[Tensor, "n runs runs"]:
    size = torch.linalg.vector_norm(together, dim=-1, keepdim=True)
    unit = together / size.clamp_min(torch.finfo(size.dtype).tiny)
    return (unit @ unit.mH).abs()


def _majority(mask: Tensor, shift: Tensor, flipped: Tensor, weight: Tensor) -> Tensor:
    n, runs = mask.shape[:2]
    space = mask.shape[2:]
    flat = mask.reshape(n * runs, *space)
    turned = torch.where(flipped.reshape(-1, *[1] * len(space)), reverse(flat, dims=len(space)), flat)
    laid = circular_shift(turned, shift.round().long()).reshape(n, runs, *space)
    return (laid * weight.reshape(n, runs, *[1] * len(space))).sum(dim=1) > 0.5
