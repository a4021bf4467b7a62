"""What an autoencoder is trained for: where the parameters of damped waves lie, and how strong the noise is."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from undula.data import normal, uniform
from undula.errors import OptionError, RangeError

Kind = Literal["gaussian", "uniform"]

NAMES = ("frequency", "decay_time", "amplitude", "phase")
_SHARES, _LEVEL, _NOISE = 0, 1, 2  # counters of what is drawn for a number
_CUT = 2.0  # deviations at which the Gaussian ends
_MOST = 5


@dataclass(frozen=True)
class Drawn:
    """Damped waves of a prior, components by ascending frequency, with noise.

    Attributes:
        truth: Frequency in cycles per sample, decay time in samples, amplitude, phase at the first sample (n, P, 4).
        clean: The waves (n, T).
        signal: The waves with white noise (n, T).
        deviation: Standard deviation of the noise (n,).
    """

    truth: Float[Tensor, "n p 4"]
    clean: Float[Tensor, "n t"]
    signal: Float[Tensor, "n t"]
    deviation: Float[Tensor, " n"]


@dataclass(frozen=True, kw_only=True)
class Prior:
    """A distribution of signals of T samples.

    "uniform" draws every parameter evenly between its ends, frequencies of one signal apart by `apart` at least. "gaussian"
    tells more beforehand: every range is a Gaussian about its middle, a quarter of the range wide and cut off at its ends,
    and each component has its own share of the frequencies. Phases are uniform in both.

    Attributes:
        kind: "gaussian" or "uniform".
        components: Number of components, 1 to 5.
        samples: Number of samples.
        frequency: Lowest and highest frequency in cycles per sample.
        decay_time: Shortest and longest decay time in samples.
        amplitude: Smallest and largest amplitude; only their ratios matter, for signals are brought to one size.
        apart: Least distance of two frequencies in cycles per sample, for "uniform"; None stands for 2/T, or 4/T from three
            components on.
        snr: Lowest and highest mean power of the signal over the variance of the noise, in decibels.

    Raises:
        OptionError: An unknown word, or a number that makes no sense.
        RangeError: A range that is empty, or frequencies that have no room.

    Example:
        >>> Prior(kind="uniform", components=2).draw(torch.arange(3)).signal.shape
        torch.Size([3, 128])
    """

    kind: Kind = "gaussian"
    components: int = 1
    samples: int = 128
    frequency: tuple[float, float] = (0.05, 0.45)
    decay_time: tuple[float, float] = (10.0, 60.0)
    amplitude: tuple[float, float] = (0.5, 1.0)
    apart: float | None = None
    snr: tuple[float, float] = (0.0, 30.0)

    def __post_init__(self) -> None:
        if self.kind not in ("gaussian", "uniform"):
            raise OptionError(f"got prior={self.kind!r}, expected 'gaussian' or 'uniform'")
        if not 1 <= self.components <= _MOST:
            raise OptionError(f"got components={self.components}, expected 1 … {_MOST}")
        if not 16 <= self.samples <= 4096:
            raise OptionError(f"got samples={self.samples}, expected 16 … 4096")
        for name, least in (("frequency", 0.0), ("decay_time", 0.0), ("amplitude", 0.0), ("snr", -math.inf)):
            low, high = getattr(self, name)
            if not least < low <= high < math.inf:
                above = "" if least == -math.inf else " above 0"
                raise RangeError(f"got {name}={(low, high)}, expected two numbers{above}, the lower first")
        if self.frequency[1] > 0.5 or self._room <= 0:
            raise RangeError(
                f"got frequencies {self.frequency} for {self.components} components {self.distance:g} apart, expected room for "
                "them below 0.5 cycles per sample: widen the range, or set them nearer"
            )

    @property
    def distance(self) -> float:
        """Least distance of two frequencies in cycles per sample."""
        return (4 if self.components > 2 else 2) / self.samples if self.apart is None else self.apart

    @property
    def _room(self) -> float:
        low, high = self.frequency
        return high - low - (self.components - 1) * (self.distance if self.kind == "uniform" else 0.0)

    def draw(self, numbers: Int[Tensor, " n"], *, seed: int = 0, snr: float | None = None) -> Drawn:
        """Signals by their numbers: one is the same in every batch.

        Args:
            numbers: Numbers (n,).
            seed: Another seed draws others.
            snr: Decibels of all of them, instead of the prior's range.

        Returns:
            Single precision signals, and what they are made of.
        """
        seeds = numbers + seed * 2**40
        share = uniform(seeds, torch.full_like(numbers, _SHARES), (self.components, 4), dtype=torch.float32)
        truth = torch.stack(
            [
                self._frequencies(share[..., 0]),
                self._between(*self.decay_time, share[..., 1]),
                self._between(*self.amplitude, share[..., 2]),
                math.pi * (2 * share[..., 3] - 1),
            ],
            dim=2,
        )
        clean = waves(truth, self.samples)
        low, high = self.snr if snr is None else (snr, snr)
        decibels = low + (high - low) * uniform(seeds, torch.full_like(numbers, _LEVEL), (1,), dtype=torch.float32)
        deviation = (clean.square().mean(dim=1) * 10 ** (-decibels[:, 0] / 10)).sqrt()
        noise = normal(seeds, torch.full_like(numbers, _NOISE), (self.samples,), dtype=torch.float32)
        return Drawn(truth, clean, clean + deviation[:, None] * noise, deviation)

    def facts(self) -> dict[str, Any]:
        """The fields as JSON holds them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Prior":
        """The prior of these fields.

        Args:
            facts: What `facts` returned.
        """
        fields: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in facts.items()}
        return cls(**fields)

    def _between(self, low: float, high: float, share: Tensor) -> Tensor:
        if self.kind == "uniform":
            return low + (high - low) * share
        # The share of a cut Gaussian, by the inverse of its distribution function.
        tail = 0.5 * math.erfc(_CUT / math.sqrt(2))
        deviations = math.sqrt(2) * torch.erfinv(2 * (tail + (1 - 2 * tail) * share) - 1)
        return 0.5 * (low + high) + 0.5 * (high - low) / _CUT * deviations

    def _frequencies(self, share: Tensor) -> Tensor:
        place = torch.arange(self.components, device=share.device)
        if self.kind == "uniform":
            # Sorted in the room that the distances leave: as if pairs that are too near had been drawn again.
            return self.frequency[0] + self._room * share.sort(dim=1).values + self.distance * place
        cell = self._room / self.components
        return self.frequency[0] + cell * place + self._between(0.0, cell, share)


def waves(truth: Float[Tensor, "n p 4"], samples: int) -> Float[Tensor, "n t"]:
    """Sum of damped waves, y(t) = Σ A e^(-t/τ) cos(2πft + φ) at t = 0, 1, ….

    Args:
        truth: f, τ, A, φ of every component.
        samples: Number of samples.
    """
    times = torch.arange(samples, dtype=truth.dtype, device=truth.device)
    frequency, decay, amplitude, phase = (each[..., None] for each in truth.unbind(dim=2))
    return (amplitude * torch.exp(-times / decay) * torch.cos(2 * math.pi * frequency * times + phase)).sum(dim=1)
