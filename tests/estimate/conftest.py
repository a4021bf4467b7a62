"""Ringing signals of known modes."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch

from undula.jobs.estimate.record import Record
from undula.jobs.estimate.waves import waveform


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Ringing:
    """Drawn modes (n, P), their clean signals (n, T) and the deviation of the noise in `signal`."""

    amplitude: torch.Tensor
    frequency: torch.Tensor
    decay_time: torch.Tensor
    phase: torch.Tensor
    times: torch.Tensor
    clean: torch.Tensor
    deviation: torch.Tensor
    signal: torch.Tensor

    @property
    def record(self) -> Record:
        """The signals as the estimators read them."""
        span = float(self.times[-1])
        rows = self.signal
        rows = torch.cat([rows.real, rows.imag], dim=1) if rows.is_complex() else rows
        real = not self.signal.is_complex()
        return Record(
            rows[:, None], self.times[None] / span, None, None, real, 0, 1 / (len(self.times) - 1), span, False
        )

    @property
    def poles(self) -> torch.Tensor:
        """The true poles in units of 1 / span."""
        span = float(self.times[-1])
        return torch.complex(-span / self.decay_time, 2 * math.pi * span * self.frequency)


@pytest.fixture(scope="session")
def ringing() -> Callable[..., Ringing]:
    """Signals of the notes' prior: A in 0.5 … 1, f in 0.05 … 0.45, τ in 10 … 60 samples, any phase, f apart by 4 / 128."""

    def make(
        number: int,
        components: int,
        *,
        decibels: float | None = 20.0,
        seed: int = 0,
        real: bool = True,
        samples: int = 128,
    ) -> Ringing:
        chance = torch.Generator().manual_seed(seed)

        def between(low: float, high: float) -> torch.Tensor:
            return low + (high - low) * torch.rand(number, components, generator=chance, dtype=torch.float64)

        amplitude, decay, phase = between(0.5, 1), between(10, 60), between(-math.pi, math.pi)
        cell = 0.4 / components
        place = torch.arange(components, dtype=torch.float64)
        frequency = 0.05 + cell * place + between(0.0, cell - 4 / 128)
        times = torch.arange(samples, dtype=torch.float64)
        clean = waveform(times, amplitude=amplitude, frequency=frequency, decay_rate=1 / decay, phase=phase, real=real)
        power = clean.abs().square().mean(dim=1)
        deviation = torch.zeros(number).double() if decibels is None else (power * 10 ** (-decibels / 10)).sqrt()
        noise = torch.randn(number, samples, generator=chance, dtype=clean.dtype)
        return Ringing(amplitude, frequency, decay, phase, times, clean, deviation, clean + deviation[:, None] * noise)

    return make
