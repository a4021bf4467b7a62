"""What a sharpness dial knows of a denoiser at one noise level."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import DataError
from undula.jobs.denoise.sharpness.ring_energies import RingEnergies
from undula.jobs.denoise.sharpness.rings import RINGS

MOST = 4.0  # times: beyond, a ring holds so little of the truth that the gain draws noise
_CURVES = ("gain", "output", "neighbors", "truth", "error", "shared", "share")


@dataclass(frozen=True)
class Calibration:
    """Gain and energies of the rings, and what the gain costs each picture of the calibration.

    Attributes:
        sigma: Noise level in image units.
        exact: Whether clean pictures were known.
        gain: g of each ring, in 1…4.
        output: Energy of the denoised pictures per pixel, as in `RingEnergies`; the mean over the pictures.
        neighbors: The same of neighboring rings.
        truth: The same of the clean pictures, or its estimate.
        error: The same of output times error, or its estimate.
        shared: The same of output times clean picture, or its estimate.
        share: Share of the coefficients in each ring.
        mse: Mean squared error of the denoised pictures, or its estimate.
        cross: c of each picture (`RingEnergies.price`).
        squared: s of each picture.
    """

    sigma: float
    exact: bool
    gain: tuple[float, ...]
    output: tuple[float, ...]
    neighbors: tuple[float, ...]
    truth: tuple[float, ...]
    error: tuple[float, ...]
    shared: tuple[float, ...]
    share: tuple[float, ...]
    mse: float
    cross: tuple[float, ...]
    squared: tuple[float, ...]

    @classmethod
    def of(cls, pictures: Sequence[RingEnergies], *, sigma: float, exact: bool) -> "Calibration":
        """Calibrate from measured pictures.

        Args:
            pictures: What was measured.
            sigma: Their noise level.
            exact: Whether it was measured against the truth.
        """
        gain = torch.tensor(_plain(ring_gain(pictures)), dtype=torch.float64)
        extra = gain.to(pictures[0].output) - 1
        prices = [one.price(extra) for one in pictures]
        mean = RingEnergies.mean(pictures)
        return cls(
            sigma=sigma,
            exact=exact,
            gain=_plain(gain),
            output=_plain(mean.output),
            neighbors=_plain(mean.neighbors),
            truth=_plain(mean.truth),
            error=_plain(mean.error),
            shared=_plain(mean.shared),
            share=_plain(mean.share),
            mse=float(mean.mse),
            cross=tuple(cross for cross, _ in prices),
            squared=tuple(squared for _, squared in prices),
        )

    def energies(self) -> RingEnergies:
        """The mean energies as tensors."""
        curves = {name: torch.tensor(getattr(self, name), dtype=torch.float64) for name in _CURVES[1:]}
        return RingEnergies(**curves, mse=torch.tensor(self.mse, dtype=torch.float64))

    def to_facts(self) -> dict[str, Any]:
        """Plain values for a configuration file."""
        facts: dict[str, Any] = {"sigma": self.sigma, "exact": self.exact, "mse": self.mse}
        return facts | {name: list(getattr(self, name)) for name in (*_CURVES, "cross", "squared")}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Calibration":
        """Read what `to_facts` gave.

        Args:
            facts: Plain values.

        Raises:
            DataError: They are no calibration.
        """
        try:
            lists = {name: tuple(float(value) for value in facts[name]) for name in (*_CURVES, "cross", "squared")}
            read = cls(sigma=float(facts["sigma"]), exact=bool(facts["exact"]), mse=float(facts["mse"]), **lists)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"got facts that hold no calibration ({error!r}), expected those of to_facts()") from error
        lengths = [len(lists[name]) for name in _CURVES]
        finite = all(math.isfinite(value) for each in (*lists.values(), (read.sigma, read.mse)) for value in each)
        if (
            lengths != [RINGS, RINGS, RINGS - 1, RINGS, RINGS, RINGS, RINGS]
            or len(read.cross) != len(read.squared)
            or not finite
        ):
            raise DataError(
                f"got a calibration with curves of {lengths} numbers, expected {RINGS} rings and finite numbers: fit it again"
            )
        return read

    def mixed(self, other: "Calibration", *, share: float) -> "Calibration":
        """A calibration between two: all curves linear, of prices where both know as many pictures.

        Args:
            other: That of the higher noise level.
            share: How much of it, 0…1.
        """
        near = other if share > 0.5 else self
        same = len(self.cross) == len(other.cross)

        def between(name: str) -> tuple[float, ...]:
            if name in ("cross", "squared") and not same:
                curve: tuple[float, ...] = getattr(near, name)
                return curve
            pairs = zip(getattr(self, name), getattr(other, name), strict=True)
            return tuple(low + share * (high - low) for low, high in pairs)

        return Calibration(
            sigma=math.exp(math.log(self.sigma) + share * math.log(other.sigma / self.sigma)),
            exact=self.exact and other.exact,
            mse=self.mse + share * (other.mse - self.mse),
            **{name: between(name) for name in (*_CURVES, "cross", "squared")},
        )


def ring_gain(pictures: Sequence[RingEnergies]) -> Float[Tensor, " rings"]:
    """g_r = clamp(√(E_x / E_o), 1, 4), E_x / E_o the geometric mean over the pictures.

    The geometric mean, since the sum of energies is that of the few pictures with most detail. A ring in which no picture
    has energy takes the gain of its nearest neighbor.

    Args:
        pictures: Measured pictures.

    Returns:
        One gain per ring.
    """
    output = torch.stack([one.output for one in pictures])
    truth = torch.stack([one.truth for one in pictures])
    known = (output > 1e-12 * output.sum(1, keepdim=True)) & (truth > 0)
    ratio = torch.where(known, truth / torch.where(known, output, 1.0), 1.0)
    count = known.sum(0)
    gain = (0.5 * ratio.log().sum(0) / count.clamp(min=1)).exp().clamp(1, MOST)
    filled = count.nonzero()[:, 0]
    if len(filled) == 0:
        return torch.ones_like(gain)
    distance = (torch.arange(len(gain), device=gain.device)[:, None] - filled).abs()
    return gain[filled[distance.argmin(1)]]


def _plain(values: Tensor) -> tuple[float, ...]:
    """Eight digits, which a configuration file keeps as they are."""
    return tuple(float(f"{value:.8g}") for value in values.tolist())
