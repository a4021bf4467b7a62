"""A ring-down that Undula draws itself: two damped waves and white noise."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.draws import normal, uniform
from undula.errors import OptionError, RangeError


@dataclass(frozen=True)
class Ringing:
    """What was drawn, the stronger mode first.

    Attributes:
        signal: Waves and noise (time,).
        clean: The waves alone (time,).
        rate: Samples in a second.
        noise: Standard deviation of the noise.
        frequency: In hertz (2,).
        decay_time: In seconds (2,).
        amplitude: At the first sample (2,).
        phase: In radians (2,).
    """

    signal: Float[Tensor, " time"]
    clean: Float[Tensor, " time"]
    rate: float
    noise: float
    frequency: Float[Tensor, " modes"]
    decay_time: Float[Tensor, " modes"]
    amplitude: Float[Tensor, " modes"]
    phase: Float[Tensor, " modes"]


def drawn_ringing(length: int = 1024, *, rate: float = 1000.0, noise: float = 0.1, seed: int = 0) -> Ringing:
    """Draw a ring-down of two modes in white noise: y(t) = Σ A e^(-t/τ) cos(2πft + φ).

    Frequencies lie in 5…20 % and 25…40 % of the rate, decay times in 5…20 % of the record, amplitudes are 1 and 0.3…0.7.

    Args:
        length: Samples, at least 32.
        rate: Samples in a second, above 0.
        noise: Standard deviation of the noise, from 0 on.
        seed: Another seed draws other modes and other noise.

    Returns:
        The signal, and what it is made of; float64.

    Raises:
        OptionError: Too few samples.
        RangeError: The rate is not positive, or the noise is negative.

    Example:
        >>> drawn = drawn_ringing(64, seed=1)
        >>> drawn.signal.shape, drawn.amplitude[0]
        (torch.Size([64]), tensor(1., dtype=torch.float64))
    """
    if length < 32:
        raise OptionError(f"got length={length}, expected at least 32: ask for more samples")
    if not 0 < rate < math.inf or not 0 <= noise < math.inf:
        raise RangeError(f"got rate={rate} and noise={noise}, expected a rate above 0 and a deviation from 0 on")
    seeds, first = torch.tensor([seed]), torch.zeros(1, dtype=torch.long)
    share = uniform(seeds, first, (2, 4), dtype=torch.float64)[0]
    frequency = rate * (torch.tensor([0.05, 0.25], dtype=torch.float64) + 0.15 * share[:, 0])
    decay_time = length / rate * (0.05 + 0.15 * share[:, 1])
    amplitude = torch.stack([torch.ones((), dtype=torch.float64), 0.3 + 0.4 * share[1, 2]])
    phase = math.pi * (2 * share[:, 3] - 1)
    times = torch.arange(length, dtype=torch.float64)[:, None] / rate
    clean = (amplitude * torch.exp(-times / decay_time) * torch.cos(2 * math.pi * frequency * times + phase)).sum(dim=1)
    signal = clean + noise * normal(seeds, first + 1, (length,), dtype=torch.float64)[0]
    return Ringing(signal, clean, rate, noise, frequency, decay_time, amplitude, phase)
