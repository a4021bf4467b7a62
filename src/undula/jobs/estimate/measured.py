"""From poles to modes in the user's units, with their covariance, one group of signals with equally many modes at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from undula.jobs.estimate.advice import excess, whiteness
from undula.jobs.estimate.bound import Bound, Waves, cramer_rao
from undula.jobs.estimate.projection import Projection, amplitudes, project
from undula.jobs.estimate.record import Record

PASS = 4096  # signals at once


@dataclass(frozen=True)
class Measured:
    """Modes of a batch; NaN beyond an item's count. Width is 2C + 2, the parameters of a mode.

    Attributes:
        waves: The modes, the strongest first.
        base: Coefficients of the base line, offset first, then change per second (n, C, degree).
        covariance: Of A of every channel, f, γ, φ of every channel, mode after mode (n, P · width, P · width).
        condition: Condition number of the scaled Fisher information (n,).
        inflation: By what factor a mode raises the error of another's frequency (n, P, P).
        variance: Variance of a row (n,).
        white: From `advice.whiteness` (n,).
        size: From `advice.excess` (n,).
        left: Whitened residual in units of the rows (n, C, R).
    """

    waves: Waves
    base: Tensor
    covariance: Float[Tensor, "n q q"]
    condition: Float[Tensor, " n"]
    inflation: Float[Tensor, "n p p"]
    variance: Float[Tensor, " n"]
    white: Float[Tensor, " n"]
    size: Float[Tensor, " n"]
    left: Float[Tensor, "n c r"]


def measure(
    record: Record, poles: Complex[Tensor, "n p"], count: Int[Tensor, " n"], *, scale: Float[Tensor, " n"]
) -> Measured:
    """Amplitudes, phases, base line and bounds of the fitted poles.

    Args:
        record: The signals.
        poles: s in units of 1 / span, NaN beyond the count.
        count: Modes of every signal.
        scale: What one unit of a row is in the user's units.

    Returns:
        The modes.
    """
    number = len(poles)
    if number > PASS:
        parts = torch.split(torch.arange(number, device=poles.device), PASS)
        return _joined([_measured(record.of(part), poles[part], count[part], scale[part]) for part in parts])
    return _measured(record, poles, count, scale)


def _measured(record: Record, poles: Tensor, count: Tensor, scale: Tensor) -> Measured:
    number, most = poles.shape
    channels, degree = record.values.shape[1], record.degree
    width = 2 * channels + 2

    def empty(*shape: int) -> Tensor:
        return torch.full((number, *shape), torch.nan, dtype=torch.float64, device=poles.device)

    waves = Waves(empty(channels, most), empty(most), empty(most), empty(channels, most))
    base = torch.view_as_complex(empty(channels, degree, 2))
    base = base.real.clone() if record.real else base
    covariance, inflation = empty(most * width, most * width), empty(most, most)
    condition, variance, white, size = empty(), empty(), empty(), empty()
    left = empty(*record.values.shape[1:])
    for modes in sorted(set(count.tolist())):
        index = (count == modes).nonzero()[:, 0]
        part, unit = record.of(index), scale[index]
        found, line, row_variance, p_white, p_size, state = _modes(part, poles[index, :modes])
        bound, left[index] = _bound(part, found, row_variance, state.gram), state.left
        turn = torch.ones(len(index), modes, width, dtype=torch.float64, device=poles.device)
        turn[:, :, :channels] = unit[:, None, None]
        flat = turn.flatten(1)
        covariance[index, : modes * width, : modes * width] = bound.covariance * flat[:, :, None] * flat[:, None]
        inflation[index, :modes, :modes], condition[index] = bound.inflation, bound.condition
        waves.amplitude[index, :, :modes] = found.amplitude * unit[:, None, None]
        waves.frequency[index, :modes], waves.decay_rate[index, :modes] = found.frequency, found.decay_rate
        waves.phase[index, :, :modes] = found.phase
        base[index] = line * unit[:, None, None]
        variance[index], white[index], size[index] = row_variance, p_white, p_size
    return Measured(waves, base, covariance, condition, inflation, variance, white, size, left)


def errors(measured: Measured, channels: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Standard deviations by name, the covariance with τ in place of γ, and τ without its bias.

    Args:
        measured: The modes.
        channels: C.
    """
    waves, width = measured.waves, 2 * channels + 2
    modes = waves.frequency.shape[1]
    spread = measured.covariance.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt().reshape(-1, modes, width)
    rate, error = waves.decay_rate, spread[:, :, channels + 1]
    decay_time = rate / (rate.square() + error.square())
    turn = torch.ones_like(spread)
    turn[:, :, channels + 1] = -decay_time.square()
    flat = turn.flatten(1)
    covariance = measured.covariance * flat[:, :, None] * flat[:, None]
    deviation = {
        "amplitude": spread[:, :, :channels].mT,
        "frequency": spread[:, :, channels],
        "decay_rate": error,
        "decay_time": error * decay_time.square(),
        "phase": spread[:, :, channels + 2 :].mT,
    }
    slopes = math.pi * torch.stack([decay_time, waves.frequency], dim=2)
    own = covariance.reshape(-1, modes, width, modes, width).diagonal(dim1=1, dim2=3).movedim(3, 1)
    pair = own[:, :, channels : channels + 2, channels : channels + 2]
    deviation["quality_factor"] = torch.einsum("npi,npij,npj->np", slopes, pair, slopes).clamp_min(0).sqrt()
    return deviation, covariance, decay_time


def _joined(parts: list[Measured]) -> Measured:
    def joined(name: str, of: Sequence[Any]) -> Tensor:
        return torch.cat([getattr(each, name) for each in of])

    waves = Waves(*(joined(each.name, [part.waves for part in parts]) for each in fields(Waves)))
    return Measured(waves, *(joined(each.name, parts) for each in fields(Measured)[1:]))


def _modes(record: Record, poles: Tensor) -> tuple[Waves, Tensor, Tensor, Tensor, Tensor, Projection]:
    """Modes in units of the rows, the strongest first; base line; variance of a row; chances of the residual; the fit."""
    poles = _folded(record, poles)
    state = project(record, poles, slopes=False)
    if poles.shape[1] > 1:
        size = _at_start(record, amplitudes(state, poles), poles).abs().square().mean(dim=1).sqrt()
        poles = poles.gather(1, size.argsort(dim=1, descending=True, stable=True))
        state = project(record, poles, slopes=False)
    complex_ = _at_start(record, amplitudes(state, poles), poles)
    waves = Waves(complex_.abs(), poles.imag / (2 * math.pi * record.span), -poles.real / record.span, complex_.angle())
    base = state.linear[:, :, 2 * poles.shape[1] :]
    if not record.real:
        base = torch.complex(base[:, :, 0::2], base[:, :, 1::2])
    if record.degree == 2:
        early = 0.0 if record.late is None else base[:, :, 1] * record.late[:, None]
        base = torch.stack([base[:, :, 0] - early, base[:, :, 1] / record.span], dim=2)
    parameters = (
        poles.shape[1] * (2 + 2 * record.values.shape[1]) + record.base(len(poles)).shape[1] * record.values.shape[1]
    )
    degrees = (record.count - parameters).clamp_min(1)
    variance = torch.ones_like(state.cost) if record.known else state.cost / degrees
    return (
        waves,
        base,
        variance,
        whiteness(record, state.left, parameters=parameters),
        excess(record, state.cost, parameters=parameters),
        state,
    )


def _at_start(record: Record, size: Tensor, poles: Tensor) -> Tensor:
    """Complex amplitudes of time 0 (n, C, P) at the start, which may lie between two samples."""
    return size if record.late is None else size * torch.exp(-poles * record.late[:, None])[:, None]


def _folded(record: Record, poles: Tensor) -> Tensor:
    """Frequencies within half the sampling rate; of a real signal, the positive one of each pair."""
    omega = poles.imag
    if record.step:
        turn = 2 * math.pi / record.step
        omega = omega - turn * torch.round(omega / turn)
    return torch.complex(poles.real, omega.abs() if record.real else omega)


def _bound(record: Record, waves: Waves, variance: Tensor, gram: Tensor) -> Bound:
    if waves.frequency.shape[1] == 0:
        none = torch.zeros(len(variance), 0, 0, dtype=torch.float64, device=variance.device)
        return Bound(none, torch.full_like(variance, torch.nan), none)
    return cramer_rao(record, waves, variance=variance.clamp_min(1e-300), gram=gram)
