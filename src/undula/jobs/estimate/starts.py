"""Where the polish begins: many starts, from the subspace and from sweeps, thinned to the few that may win."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from undula.jobs.estimate.polish import polish
from undula.jobs.estimate.projection import project
from undula.jobs.estimate.record import Record
from undula.jobs.estimate.subspace import longest_stretch, subspace_poles
from undula.jobs.estimate.sweep import explained, strongest

Method = Literal["auto", "sweep", "esprit", "matrix-pencil", "autoencoder"]

FIRST, BRANCHES, WIDTH = 6, 4, 6
"""Peaks of the signal's own sweep; peaks of each residual; partial models kept. With these the
search missed the least known cost in 0 to 3 of 1,000 signals of two components at 0 dB."""
MARGIN = 24.0
"""Starts whose cost after a few steps exceeds the least by more than this many variances of the noise are given up."""
MISSED = 0.35
"""Share of the explained energy by which the cost of a start from the grid may still fall."""
GROWTH = 2.3
"""Log-likelihood that a growing mode must add: at 0 dB noise at the end of a record passes for one in 2 of 100 signals."""


def find_starts(
    record: Record,
    *,
    components: int,
    method: Method,
    band: tuple[float, float] | None = None,
    learned: Callable[[Record, int], Tensor] | None = None,
) -> Complex[Tensor, "n k p"]:
    """Sets of poles to polish.

    Args:
        record: The signals.
        components: P.
        method: Which starts: "esprit", "matrix-pencil" (both at orders 2P, 2P + 2, 2P + 4), "sweep", "autoencoder", or
            "auto" for all but the last.
        band: Lowest and highest angular frequency in units of 1 / span, for the sweep.
        learned: Gives the starts of an autoencoder, for the method of this name.

    Returns:
        Poles in units of 1 / span, for every signal as many sets, equal ones among them.
    """
    sets = [] if learned is None else [learned(record, components)]
    if method in ("esprit", "matrix-pencil") or (
        method == "auto" and components > 1 and _subspace_fits(record, components)
    ):
        per = components * (2 if record.real else 1)
        extra = 2 if record.real else 1
        kinds: list[Literal["esprit", "matrix-pencil"]] = ["matrix-pencil"] if method == "matrix-pencil" else ["esprit"]
        for kind in kinds:
            orders = (per, per + extra, per + 2 * extra)
            sets.append(subspace_poles(record, components=components, orders=orders, method=kind))
    if method in ("auto", "sweep"):
        sets.append(_branching(record.to(torch.float32), components, band).to(torch.complex128))
    return torch.cat(sets, dim=1)


def _subspace_fits(record: Record, components: int) -> bool:
    part = longest_stretch(record)
    return record.step > 0 and record.whitener is None and (part.stop - part.start) // 3 > 2 * components + 4


def best_of(
    record: Record, starts: Complex[Tensor, "n k p"], *, band: tuple[float, float] | None = None, iterations: int = 40
) -> Complex[Tensor, "n p"]:
    """Polish the starts that may win, and give the poles with the greatest likelihood.

    Args:
        record: The signals, in double precision.
        starts: Sets of poles.
        band: Angular frequencies within which all modes must lie, where any set does.
        iterations: Most steps of the polish.

    Returns:
        Poles (n, P).
    """
    number, sets, count = starts.shape
    coarse, early = record.to(torch.float32), starts.to(torch.complex64)
    _, cost = _polished(coarse, early, iterations=0)
    least = cost.amin(dim=1, keepdim=True)
    unit = torch.ones_like(least) if record.known else least / (record.count - 4 * count).clamp_min(1)[:, None]
    # The grid of a sweep misses up to a third of what a wave explains: so much may a start still gain.
    room = MARGIN * unit + MISSED * (coarse.energy[:, None] - least)
    item, place = ((cost <= least + room) & ~_repeated(early, cost)).nonzero(as_tuple=True)
    near = polish(coarse.of(item), early[item, place], iterations=min(4, iterations))
    cost = torch.full_like(cost, torch.inf).index_put((item, place), near.cost)
    early = early.index_put((item, place), near.poles)
    least = cost.amin(dim=1, keepdim=True)
    item, place = ((cost <= least + MARGIN * unit) & ~_repeated(early, cost)).nonzero(as_tuple=True)
    found = polish(record.of(item), early[item, place].to(torch.complex128), iterations=iterations)
    score = torch.full((number, sets), -torch.inf, dtype=torch.float64, device=starts.device)
    score[item, place] = _likelihood(record.of(item), found.poles, found.cost, band)
    poles = starts.clone()
    poles[item, place] = found.poles
    return poles[torch.arange(number, device=starts.device), score.argmax(dim=1)]


def _likelihood(record: Record, poles: Tensor, cost: Tensor, band: tuple[float, float] | None) -> Float[Tensor, " n"]:
    tiny = 1e-30 * record.energy.clamp_min(1e-300)
    fit = -0.5 * cost if record.known else -0.5 * record.count * torch.log(cost + tiny)
    fit = fit - GROWTH * (poles.real > 0).sum(dim=1)
    if band is None:
        return fit
    outside = (poles.imag.abs() < band[0]) | (poles.imag.abs() > band[1])
    return fit - 1e6 * outside.sum(dim=1)


def _branching(record: Record, components: int, band: tuple[float, float] | None) -> Complex[Tensor, "n k p"]:
    """Models grown one component at a time, several kept at every size; then each component of the best is sought anew."""
    number = len(record.values)
    kept = _peaks(record, record.values, FIRST, band)[:, :, None]
    for size in range(1, components):
        wider = _extended(record, kept, BRANCHES, band)
        poles, cost = _polished(record, wider, iterations=6)
        kept = _thinned(poles, cost, WIDTH)
        if size >= 2:
            kept = _thinned(*_anew(record, kept, band), WIDTH)
    return kept.reshape(number, -1, components)


def _anew(record: Record, kept: Tensor, band: tuple[float, float] | None) -> tuple[Tensor, Tensor]:
    """Each component of the best model taken out and sought again in what is then left, beside the models as they are."""
    best, count = kept[:, 0], kept.shape[2]
    rest = torch.stack([torch.cat([best[:, :out], best[:, out + 1 :]], dim=1) for out in range(count)], dim=1)
    tried = _extended(record, rest, 2, band)
    return _polished(record, torch.cat([kept, tried], dim=1), iterations=4)


def _extended(
    record: Record, poles: Tensor, branches: int, band: tuple[float, float] | None
) -> Complex[Tensor, "n k p"]:
    """Every set with one more pole, of the highest peaks of what it leaves."""
    number, sets, count = poles.shape
    many = record.of(_repeat(number, sets, poles.device))
    polished = polish(many, poles.reshape(-1, count), iterations=2).poles
    more = _peaks(many, project(many, polished).left, branches, band)
    wider = torch.cat([polished.repeat_interleave(more.shape[1], 0), more.reshape(-1, 1)], dim=1)
    return wider.reshape(number, sets * more.shape[1], count + 1)


def _polished(record: Record, poles: Tensor, *, iterations: int) -> tuple[Tensor, Tensor]:
    number, sets, count = poles.shape
    many = record.of(_repeat(number, sets, poles.device))
    found = polish(many, poles.reshape(-1, count), iterations=iterations)
    return found.poles.reshape(number, sets, count), found.cost.reshape(number, sets)


def _thinned(poles: Tensor, cost: Tensor, width: int) -> Complex[Tensor, "n k p"]:
    """The sets of least cost, equal ones once."""
    cost = torch.where(_repeated(poles, cost), torch.inf, cost)
    order = cost.topk(min(width, cost.shape[1]), dim=1, largest=False).indices
    return poles.gather(1, order[:, :, None].expand(-1, -1, poles.shape[2]))


def _repeated(poles: Tensor, cost: Tensor) -> Bool[Tensor, "n k"]:
    """Sets that a set of lower cost equals: nearly the same cost, the same frequencies within a tenth of a bin."""
    order = cost.argsort(dim=1, stable=True)
    ranked = torch.nan_to_num(cost.gather(1, order), nan=torch.inf)
    tone = poles.imag.abs().sum(dim=2).gather(1, order)
    same = (ranked.diff(dim=1) < 1e-3 * ranked[:, 1:]) & (tone.diff(dim=1).abs() < 0.6)
    again = torch.nn.functional.pad(same, (1, 0), value=False)
    return torch.zeros_like(again).scatter(1, order, again)


def _peaks(record: Record, rows: Tensor, count: int, band: tuple[float, float] | None) -> Complex[Tensor, "n k"]:
    energy, omega = explained(record, rows)
    if band is not None:
        inside = (omega.abs() >= band[0]) & (omega.abs() <= band[1])
        inside[(omega.abs() - 0.5 * (band[0] + band[1])).abs().argmin()] = (
            True  # a band may fall between two frequencies
        )
        energy, omega = energy[:, :, inside], omega[inside]
    return strongest(energy, omega, count=min(count, len(omega)))


def _repeat(number: int, times: int, device: torch.device) -> Int[Tensor, " k"]:
    return torch.arange(number, device=device).repeat_interleave(times)
