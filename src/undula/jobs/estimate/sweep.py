"""A sweep over frequency and decay: how much of a signal one damped wave of each kind would explain."""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from undula.jobs.estimate.record import Record

DECAYS = (0.0, 2.0, 4.0, 7.5, 14.0, 28.0)
"""Rates of the sweep in units of 1 / span: a decay between two of them shows at least 0.94 of its energy."""
FINENESS = (
    4  # times as many frequencies as samples: between two of them at most 5 % of a steady wave's energy is missed
)


def explained(record: Record, rows: Float[Tensor, "n c r"], *, longest: int = 8192) -> tuple[Tensor, Tensor]:
    """Energy that one wave explains of rows, 2 |Σ y e^(-γt) e^(-iωt)|² / Σ e^(-2γt), on the grid of γ and ω.

    This neglects the overlap of a real wave with its mirror image at -ω, which matters below a few periods per record.

    Args:
        record: Where the rows come from.
        rows: Signals, or what is left of them; energies of channels are added.
        longest: Most frequencies for uneven sampling, where each costs a product with every sample.

    Returns:
        Energies (n, decays, frequencies), and the angular frequencies in units of 1 / span (frequencies,).
    """
    signal = _unwhitened(record, rows)
    rates = torch.tensor(DECAYS, dtype=rows.dtype, device=rows.device)
    fade = torch.exp(-rates[:, None] * record.times[:, None])
    fade = fade.broadcast_to(len(rows), *fade.shape[1:])
    signal = signal[:, :, None] * fade[:, None]
    if record.step:
        spectrum, omega = _spectrum(signal, record)
    else:
        omega = _omegas(record, longest).to(rows.dtype)
        turn = torch.exp(-1j * omega[:, None] * record.times[:, None].to(rows.dtype))
        spectrum = signal.to(turn.dtype) @ turn.mT[:, None]
    norm = fade.square() if record.weights is None else fade.square() * record.weights[:, None]
    power = spectrum.real.square() + spectrum.imag.square()
    if record.whitener is not None:
        widths = (rates.double() + 1.0) * record.step  # at least that of the window
        gain = record.whitener.gain(omega.double() * record.step / (2 * math.pi), widths).to(power.dtype)
        power = power / gain.clamp_min(1e-12 * gain.amax())
    power = power.sum(dim=1)
    share = (2.0 if record.real else 1.0) / norm.sum(dim=2)[..., None]
    return power * share, omega


def strongest(energy: Float[Tensor, "n d f"], omega: Float[Tensor, " f"], *, count: int) -> Complex[Tensor, "n k"]:
    """Poles of the highest peaks, each the best decay of its frequency.

    Args:
        energy: As from `explained`.
        omega: Its frequencies.
        count: Number of peaks.

    Returns:
        Poles in units of 1 / span, the highest first.
    """
    best, decay = energy.max(dim=1)
    side = torch.nn.functional.pad(best, (1, 1), value=-1.0)
    peak = (best >= side[:, :-2]) & (best > side[:, 2:])
    order = torch.where(peak, best, 1e-9 * best).topk(count, dim=1).indices
    rates = torch.tensor(DECAYS, dtype=omega.dtype, device=omega.device)
    return torch.complex(-rates[decay.gather(1, order)], omega[order])


def _unwhitened(record: Record, rows: Tensor) -> Tensor:
    """Wᵀ W y as real or complex samples: correlating it with a wave is correlating W y with the whitened wave."""
    if record.whitener is not None:
        rows = record.whitener.backward(rows)
    if record.weights is not None:
        rows = rows * (record.weights if record.real else record.weights.repeat(1, 2))[:, None]
    return rows if record.real else torch.complex(*rows.chunk(2, dim=2))


def _spectrum(signal: Tensor, record: Record) -> tuple[Tensor, Tensor]:
    samples = signal.shape[-1]
    size = 2 ** math.ceil(math.log2(FINENESS * samples))
    if record.real:
        spectrum, cycles = torch.fft.rfft(signal, n=size), torch.fft.rfftfreq(size)
    else:
        spectrum, cycles = torch.fft.fft(signal, n=size), torch.fft.fftfreq(size)
        order = cycles.argsort()
        spectrum, cycles = spectrum[..., order], cycles[order]
    omega = 2 * math.pi / record.step * cycles
    return spectrum, omega.to(record.values.dtype)


def _omegas(record: Record, longest: int) -> Tensor:
    """Frequencies of an uneven record: up to half the mean rate of its denser half, in steps that miss no peak."""
    spacing = record.times.sort(dim=1).values.diff(dim=1)
    dense = float(spacing[spacing > 0].median())
    top, step = math.pi / dense, 2 * math.pi / FINENESS
    count = min(longest, math.ceil(top / step) + 1)
    omega = torch.linspace(0.0, top, count, dtype=torch.float64)
    return omega if record.real else torch.cat([-omega[1:].flip(0), omega])
