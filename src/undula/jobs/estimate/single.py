"""One wave in white noise on even samples: most of a large batch found at once, with sums in place of tables of waves.

A step needs sums over the samples, which come from short tables (`powers`); everything else is a number per signal.
"""

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from jaxtyping import Bool, Complex, Float, Shaped
from torch import Tensor

from undula.jobs.estimate.powers import Grid, Waves, grid, powers
from undula.jobs.estimate.record import Record

RATES = (1.5, 10.0)
"""Decays of the first look in units of 1 / span: from 0 to 30 one of them shows at least 0.75 of a wave's energy."""
RIVAL = 0.5
"""Share of the energy found from which another peak of the first look might become the higher one."""
PHASES, DAMPING = (2, 1, 1, 2, 8), 1e-3
"""Steps between which the signals that have arrived are dropped; the first in single precision, which 2 deviations away will
do. At 10 dB 95 of 100 signals arrive by the third step."""
TOLERANCE = 5e-3  # deviations that may be left when the steps end
SHORT = 2**14  # samples up to which single precision holds the phase of a wave to 0.01 rad
PASS = 1024  # signals in one look: their spectra stay in the cache of a core


class Pair(NamedTuple):
    """A symmetric 2 × 2 matrix for every signal."""

    first: Tensor
    mixed: Tensor
    last: Tensor

    def times(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The product with a vector."""
        return self.first * x + self.mixed * y, self.mixed * x + self.last * y

    def inverse(self) -> "Pair":
        """The inverse, where a wave has lost its sine at f = 0 a vast one."""
        tiny = 1e-13 * self.first * self.last + torch.finfo(self.first.dtype).tiny
        over = 1 / (self.first * self.last - self.mixed.square() + tiny)
        return Pair(self.last * over, -self.mixed * over, self.first * over)


@dataclass(frozen=True)
class Valley:
    """Cost of every signal at its pole, amplitude eliminated: half of minus its slope, and its curvature."""

    cost: Tensor
    by_rate: Tensor
    by_tone: Tensor
    rate_rate: Tensor
    rate_tone: Tensor
    tone_tone: Tensor


def applies(record: Record) -> bool:
    """Whether signals are evenly sampled, in white noise, without gaps, channels and base line.

    Args:
        record: The signals.
    """
    return record.even and record.values.shape[1] == 1 and record.times.shape[1] >= 16


def find_single(record: Record) -> tuple[Complex[Tensor, "n 1"], Bool[Tensor, " n"]]:
    """The likeliest pole of each signal, and whether it is sure to be.

    It is where the polish ended at a decaying wave away from f = 0 and half the sampling rate, whose energy no peak of the
    spectrum comes near that was not polished too.

    Args:
        record: Signals for which `applies` holds.

    Returns:
        Poles in units of 1 / span, and which of them to trust; the others are sought by `find_starts` and `best_of`.
    """
    values = record.values.double()
    signal = values if record.real else torch.complex(*values.chunk(2, dim=2))
    looks = [_look(part[:, 0], record) for part in torch.split(signal, PASS)]
    start, high = (torch.cat(each) for each in zip(*looks, strict=True))
    rival = (high[:, 1] > RIVAL * high[:, 0]).nonzero()[:, 0]
    own = torch.arange(len(start), device=start.device)
    both = torch.cat([own, rival]), torch.cat([start[:, 0], start[rival, 1]])
    poles, energies, ends = _descend(signal[both[0]], both[1], record, first=len(own))
    better = (energies[len(own) :] > energies[rival]).nonzero()[:, 0]
    own[rival[better]] = len(start) + better
    unseen = high[:, 1].clone()
    unseen[rival] = high[rival, 2]
    pole, energy, done = poles[own], energies[own], ends[own]
    omega, edge = pole.imag * record.step, 2 * math.pi / record.times.shape[1]
    inside = (omega > edge) & (omega < math.pi - edge) if record.real else omega.abs() <= math.pi
    highest = (unseen < RIVAL * energy) & (energy > 0.7 * high[:, 0])
    return pole[:, None], done & inside & highest & (pole.real < 0)


def _look(values: Tensor, record: Record) -> tuple[Tensor, Tensor]:
    """Poles of the two highest peaks over two decays (n, 2), and the energy of the three highest (n, 3)."""
    values = values.to(torch.float32 if record.real else torch.complex64)
    times = record.times[0].float()
    rates = torch.tensor(RATES, device=times.device)
    fade = torch.exp(-rates[:, None] * times)
    size = 2 ** math.ceil(math.log2(2 * values.shape[1]))
    faded = values[:, None] * fade
    spectrum = torch.fft.rfft(faded, n=size) if record.real else torch.fft.fft(faded, n=size)
    share = (2.0 if record.real else 1.0) / fade.square().sum(dim=1)
    power = (spectrum * spectrum.conj()).real * share[:, None]
    best = torch.maximum(*power.unbind(1))
    # The frequencies of complex signals are a circle.
    ends = (best[:, 1:2], best[:, -2:-1]) if record.real else (best[:, -1:], best[:, :1])
    around = torch.cat([ends[0], best, ends[1]], dim=1)
    peak = best * (best >= torch.maximum(around[:, :-2], around[:, 2:]))
    high, first = _three(peak)
    first = first[:, :2]
    found = spectrum.gather(2, first[:, None].expand(-1, len(rates), -1)).to(torch.complex128)
    cycles = torch.where(first > size // 2, first - size, first).double() / size
    slow, fast = power.gather(2, first[:, None].expand(-1, len(rates), -1)).unbind(1)
    own = (fast > slow).long()
    turn = 2j * math.pi / record.step * cycles
    return _between(found, own, step=record.step) + turn, high.double()


def _three(peak: Tensor) -> tuple[Tensor, Tensor]:
    """The three highest values of every row and their places, in less than half the time of `topk`; takes the rows apart."""
    found = []
    for _ in range(3):
        high, place = peak.max(dim=1, keepdim=True)
        peak.scatter_(1, place, -1.0)
        found.append((high, place))
    values, places = (torch.cat(each, dim=1) for each in zip(*found, strict=True))
    return values, places


def _between(found: Tensor, own: Tensor, *, step: float) -> Tensor:
    """The pole, less the frequency of the peak, from the sums S over one wave that two decays r < R leave.

    A long record has S = c / (1 - w e^(-rΔ)), so w = (S - S') / (S e^(-rΔ) - S' e^(-RΔ)). That is nearer by far than the grid,
    and saves one step of five.

    Args:
        found: S per decay and peak (n, 2, k).
        own: Number of the decay that explains most (n, k).
        step: Δ in units of 1 / rate.
    """
    rates = torch.tensor(RATES, dtype=torch.float64, device=own.device)
    slow, fast = found.unbind(1)
    below = slow * math.exp(-RATES[0] * step) - fast * math.exp(-RATES[1] * step)
    turn = (slow - fast) / below
    size = 0.5 * torch.log(turn.real.square() + turn.imag.square())  # a sixth of the time of a complex logarithm
    pole = torch.complex(size, torch.atan2(turn.imag, turn.real)) / step
    rate = rates[own]
    sound = (-pole.real > rate / 4) & (-pole.real < 4 * rate) & (pole.imag.abs() < math.pi)
    return torch.where(sound, pole, torch.complex(-rate, torch.zeros_like(rate)))


def _descend(signal: Tensor, pole: Tensor, record: Record, *, first: int) -> tuple[Tensor, Tensor, Tensor]:
    """Levenberg-Marquardt steps as in `polish`; poles, the energy they explain, and whether the last step was small.

    What has not arrived by the last phase and is not among the first is a peak of noise.
    The steps converge linearly, so the last two tell how far the end still is, and the last one needs no look at its cost.
    """
    energy = (signal * signal.conj()).real.sum(dim=(1, 2)) if signal.is_complex() else signal.square().sum(dim=(1, 2))
    last, cost, done = pole.clone(), torch.zeros_like(energy), torch.zeros_like(energy, dtype=torch.bool)
    sizes = torch.full_like(energy, torch.inf)
    left = torch.arange(len(pole), device=pole.device)
    for number, steps in enumerate(PHASES):
        kind = torch.float32 if number == 0 and signal.shape[2] <= SHORT else torch.float64
        cells = grid(signal.shape[2], record.step, kind, signal.device)
        part = signal if len(left) == len(pole) else signal[left]
        rows = cells.rows(part.to(torch.promote_types(kind, torch.complex64) if part.is_complex() else kind))
        found = _steps(rows, cells, last[left], energy[left], sizes[left], steps=steps)
        last[left], cost[left], sizes[left], done[left] = found
        left = (~done).nonzero()[:, 0]
        if number == len(PHASES) - 2:
            left = left[left < first]
        if len(left) == 0:
            break
    return last, energy - cost, done


def _steps(
    rows: Tensor, cells: Grid, pole: Tensor, energy: Tensor, size: Tensor, *, steps: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Poles, costs before the last step, its size, and whether the end is near; the last step may lead uphill."""
    count, kind = cells.samples * (2 if rows.is_complex() else 1), pole.dtype
    pole, energy = pole.to(torch.promote_types(rows.dtype, torch.complex64)), energy.to(cells.early.dtype)
    state, damping = _valley(rows, cells, pole, energy), torch.full_like(energy, DAMPING)
    for step in range(steps):
        trial, length = _step(pole, state, damping, energy, count=count)
        length = length.double()
        near = (length < 0.2) & (length * (length / size).clamp_max(1) < TOLERANCE) & (energy.dtype == torch.float64)
        if step == steps - 1 or bool(near.all()):
            break
        tried = _valley(rows, cells, trial, energy)
        better = tried.cost <= state.cost + 1e-14 * energy
        damping = torch.where(better, damping * 0.1, damping * 8.0).clamp(1e-9, 1e9)
        pole, size = torch.where(better, trial, pole), length
        pairs = ((getattr(tried, each.name), getattr(state, each.name)) for each in fields(Valley))
        state = Valley(*(torch.where(better, new, old) for new, old in pairs))
    return trial.to(kind), state.cost.double(), length, near


def _step(
    pole: Tensor, state: Valley, damping: Tensor, energy: Tensor, *, count: int
) -> tuple[Shaped[Tensor, " n"], Float[Tensor, " n"]]:
    lift = 1 + damping
    curve = Pair(state.rate_rate * lift, state.rate_tone, state.tone_tone * lift)
    rate, tone = curve.inverse().times(state.by_rate, state.by_tone)
    length = (rate.square() * state.rate_rate + tone.square() * state.tone_tone).sqrt()
    deviation = (state.cost.clamp_min(0) / count).sqrt() + 1e-8 * energy.sqrt()  # the cost is a difference: 8 digits
    change = torch.complex(rate.clamp(-3, 3), tone.clamp(-12, 12))
    return pole + torch.nan_to_num(change), torch.nan_to_num(length / deviation, nan=torch.inf)


def _valley(rows: Tensor, cells: Grid, pole: Tensor, energy: Tensor) -> Valley:
    """Cost, slope and curvature, as `project` has them, by a number per signal."""
    waves = powers(cells, pole[:, None])
    inner, cross, outer = _grams(waves, real=not rows.is_complex())
    first, second = waves.products(rows)
    inverse = inner.inverse()
    (p, q), (x, y) = (each[:, 0].unbind(1) for each in (first, second))
    a, b = inverse.times(p, q)
    taken = cross.times(a, b)
    x, y = x - taken[0], y - taken[1]
    left, right = inverse.times(cross.first, cross.mixed), inverse.times(cross.mixed, cross.last)
    xx = outer.first - cross.first * left[0] - cross.mixed * left[1]
    xy = outer.mixed - cross.first * right[0] - cross.mixed * right[1]
    yy = outer.last - cross.mixed * right[0] - cross.last * right[1]
    aa, ab, bb = a * a, a * b, b * b
    return Valley(
        energy - a * p - b * q,
        a * x + b * y,
        a * y - b * x,
        aa * xx + 2 * ab * xy + bb * yy,
        ab * (yy - xx) + (aa - bb) * xy,
        bb * xx - 2 * ab * xy + aa * yy,
    )


def _grams(waves: Waves, *, real: bool) -> list[Pair]:
    """Inner products of Re z and -Im z, with powers 0, 1, 2 of the time."""
    short, long = waves.short[:, 0], waves.long[:, 0]
    still = waves.grid.sums(*(each.real.square() + each.imag.square() for each in (short, long)))
    if not real:
        return [Pair(each, torch.zeros_like(each), each) for each in still]
    turned = waves.grid.sums(short * short, long * long)
    return [Pair(0.5 * (p + q.real), -0.5 * q.imag, 0.5 * (p - q.real)) for p, q in zip(still, turned, strict=True)]
