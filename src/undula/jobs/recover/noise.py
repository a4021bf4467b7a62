"""What is known of the noise: it says how well the magnitudes can be fitted, and so when to stop."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import RangeError, ShapeError


@dataclass(frozen=True)
class Gaussian:
    """Gaussian noise on the magnitudes.

    Attributes:
        deviation: Standard deviation in the units (and the normalization) of the magnitudes as given: one number, or
            one per item.

    Raises:
        RangeError: A deviation that is not a positive number.
    """

    deviation: Any

    def __post_init__(self) -> None:
        _positive(self.deviation, name="deviation")


@dataclass(frozen=True)
class Poisson:
    """Photon counting: intensities are Poisson distributed.

    Attributes:
        counts: Number of photons in the whole pattern of an item, one number or one per item; None when the intensities
            given are the counts themselves.

    Raises:
        RangeError: A number of photons that is not positive.
    """

    counts: Any = None

    def __post_init__(self) -> None:
        if self.counts is not None:
            _positive(self.counts, name="counts")


def amplitude_deviation(noise: Gaussian | Poisson, *, energy: Float[Tensor, " n"], unit: float) -> Float[Tensor, " n"]:
    """Standard deviation of the unitary magnitudes of every item.

    The square root of a Poisson count has variance 1/4 (Anscombe 1948), whatever the count, so both kinds of noise
    are one number per item.

    Args:
        noise: What the user knows.
        energy: Sum of the squared unitary magnitudes over the full plane of each item.
        unit: Factor that took the magnitudes as given to unitary ones.

    Returns:
        One deviation per item.

    Raises:
        ShapeError: Neither one number nor one per item.
    """
    if isinstance(noise, Gaussian):
        return _each(noise.deviation, energy, name="deviation") * unit
    if noise.counts is None:
        return torch.full_like(energy, 0.5 * unit)
    return 0.5 * (energy / _each(noise.counts, energy, name="counts")).sqrt()


def _each(value: Any, like: Tensor, *, name: str) -> Tensor:
    numbers = torch.as_tensor(value, dtype=like.dtype, device=like.device).reshape(-1)
    if len(numbers) not in (1, len(like)):
        raise ShapeError(f"got {len(numbers)} values of {name} for {len(like)} items, expected one, or one per item")
    return numbers.expand(like.shape)


def _positive(value: Any, *, name: str) -> None:
    numbers = torch.as_tensor(value)
    if not bool((torch.isfinite(numbers) & (numbers > 0)).all()):
        raise RangeError(f"got {name}={value}, expected positive numbers: leave noise=None for exact magnitudes")
