"""How many components a signal holds: the model order with the least penalized cost."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from undula.jobs.estimate.projection import RIDGE, project
from undula.jobs.estimate.record import Record
from undula.jobs.estimate.single import applies, find_single
from undula.jobs.estimate.starts import BRANCHES, FIRST, Method, best_of, find_starts

PENALTY = 5.0
"""Times ln N that one component must lower twice the log-likelihood: amplitude and phase 1 each, frequency 3 by the rule of
Djurić; a decay that noise can choose costs no more, which the false alarms on noise alone confirm."""
CHUNK = 2**23  # numbers of the largest table of one pass: bounds the memory of one pass to some hundred MB

LOOK = 4096  # signals of one component at once


@dataclass(frozen=True)
class Fit:
    """Poles of every signal.

    Attributes:
        poles: s in units of 1 / span, NaN beyond the count (n, P).
        count: Components (n,).
        evidence: Twice the log-likelihood over that of no component, less the penalty, per order tried (n, orders).
    """

    poles: Complex[Tensor, "n p"]
    count: Int[Tensor, " n"]
    evidence: Float[Tensor, "n o"]


def fit_orders(
    record: Record,
    orders: tuple[int, ...],
    *,
    method: Method,
    polished: bool,
    band: tuple[float, float] | None,
    learned: Callable[[Record, int], Tensor] | None = None,
) -> Fit:
    """Fit one number of components, or each of several, and keep what the criterion prefers.

    A signal takes no further component once two in a row brought nothing.

    Args:
        record: The signals.
        orders: Numbers of components, ascending.
        method: Which starts.
        polished: Whether the starts are polished.
        band: Angular frequencies to stay within.
        learned: Gives the starts of an autoencoder.

    Returns:
        Poles, counts and evidence.

    Reference: Djurić, A model selection rule for sinusoids in white Gaussian noise, 1996.
    """
    number, most = len(record.values), max(orders)
    device = record.values.device
    if len(orders) == 1:  # no choice, so no evidence either
        only = _fitted(record, most, method=method, polished=polished, band=band, learned=learned)
        nothing = torch.full((number, 1), torch.nan, dtype=torch.float64, device=device)
        return Fit(only, torch.full((number,), most, device=device), nothing)
    poles = torch.full((number, most), torch.nan, dtype=torch.complex128, device=device)
    evidence = torch.full((number, len(orders)), torch.nan, dtype=torch.float64, device=device)
    best = torch.full((number,), -torch.inf, dtype=torch.float64, device=device)
    count, idle = (
        torch.zeros(number, dtype=torch.long, device=device),
        torch.zeros(number, dtype=torch.long, device=device),
    )
    for place, order in enumerate(orders):
        index = (idle < 2).nonzero()[:, 0]
        if len(index) == 0:
            break
        part = record.of(index)
        found = _fitted(part, order, method=method, polished=polished, band=band, learned=learned)
        value = _twice_likelihood(part, found) - PENALTY * order * torch.log(part.count.double())
        evidence[index, place] = value
        better = value > best[index]
        idle[index] = torch.where(better, 0, idle[index] + 1)
        chosen = index[better]
        best[chosen], count[chosen] = value[better], order
        poles[chosen] = torch.nan
        poles[chosen, :order] = found[better]
    return Fit(poles, count, evidence - (evidence[:, :1] if orders[0] == 0 else 0.0))


def _fitted(
    record: Record,
    order: int,
    *,
    method: Method,
    polished: bool,
    band: tuple[float, float] | None,
    learned: Callable[[Record, int], Tensor] | None,
) -> Complex[Tensor, "n p"]:
    if order == 1 and polished and band is None and method in ("auto", "sweep") and applies(record):
        parts = torch.split(torch.arange(len(record.values), device=record.values.device), LOOK)
        found = [find_single(record.of(part)) for part in parts]
        poles, sure = (torch.cat(each) for each in zip(*found, strict=True))
        rest = (~sure).nonzero()[:, 0]
        if len(rest):
            poles[rest] = _searched(record.of(rest), 1, method=method, polished=True, band=None, learned=None)
        return poles
    return _searched(record, order, method=method, polished=polished, band=band, learned=learned)


def _searched(
    record: Record,
    order: int,
    *,
    method: Method,
    polished: bool,
    band: tuple[float, float] | None,
    learned: Callable[[Record, int], Tensor] | None,
) -> Complex[Tensor, "n p"]:
    number, channels, rows = record.values.shape
    if order == 0:
        return torch.zeros(number, 0, dtype=torch.complex128, device=record.values.device)
    sets = FIRST if order == 1 else FIRST * BRANCHES
    size = max(1, CHUNK // (sets * (4 * order + channels) * rows))

    def searched(index: Tensor) -> Tensor:
        part = record.of(index)
        starts = find_starts(part, components=order, method=method, band=band, learned=learned)
        return best_of(part, starts, band=band, iterations=40 if polished else 0)

    parts = torch.split(torch.arange(number, device=record.values.device), size)
    return torch.cat([searched(part) for part in parts])


def _twice_likelihood(record: Record, poles: Tensor) -> Float[Tensor, " n"]:
    cost = project(record, poles, slopes=False).cost
    if record.known:
        return -cost
    return -record.count * torch.log(cost + RIDGE[torch.float64] ** 2 * record.energy + 1e-300)
