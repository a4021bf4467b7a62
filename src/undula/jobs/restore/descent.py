"""The seed's method: gradient descent on the differences between neighbors."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

STEPS = 500


def roughness(image: Float[Tensor, "*batch h w"]) -> Float[Tensor, "*batch"]:
    """The score: Σ over rows and columns of ‖D x‖ + ‖D x_even‖ + ‖D x_odd‖, with D the differences of neighbors.

    The norms are not squared, so that a line is as rough as its roughest places together; even and odd pixels of a line are
    compared apart, two pixels from each other.

    Args:
        image: Images (…, h, w).

    Returns:
        One score per image.

    Example:
        >>> roughness(torch.tensor([[0.0, 3.0, 0.0], [0.0, 3.0, 4.0]])).round(decimals=4)
        tensor(15.4049)
    """
    total = image.new_zeros(image.shape[:-2])
    for lines in (image, image.mT):
        for difference in _differences(lines):
            total = total + difference.square().sum(-1).sqrt().sum(-1)
    return total


@torch.no_grad()
def descent(
    image: Float[Tensor, "b h w"],
    missing: Bool[Tensor, "b h w"],
    *,
    steps: int = STEPS,
    callback: Callable[[int, dict[str, Any]], object] | None = None,
) -> Float[Tensor, "b h w"]:
    """Projected gradient descent on `roughness` over the missing pixels, with the seed's steps.

    x ← clip(x - max(1.5 / (w + 1), 0.015) ∇, 0, 1) at step w = 0, 1, …, from the corrupted image itself. The gradient has a
    closed form: for each line D ᵀ D x / ‖D x‖, and 0 where the norm is 0.

    Args:
        image: Corrupted images (b, h, w) in [0, 1].
        missing: True where a pixel may be changed.
        steps: How many.
        callback: Called with the number of steps done and {"image": …} after each.

    Returns:
        The images.

    When it fails: it arrives, within a hundred steps, at a poor optimum: 1 dB below linear interpolation with 90 % missing.

    References: Gradient descent in action, bigprimes.org tutorial.

    Example:
        >>> descent(torch.tensor([[[0.5, 0.0, 0.5]]]), torch.tensor([[[False, True, False]]])).round(decimals=1)
        tensor([[[0.5000, 0.5000, 0.5000]]])
    """
    x = torch.where(missing, image.clamp(0, 1), image)  # what stands at missing pixels may be any number
    for step in range(steps):
        length = max(1.5 / (step + 1), 0.015)
        slope = _gradient(x) + _gradient(x.mT).mT
        x = torch.where(missing, x - length * slope, image).clamp(0, 1)
        if callback is not None:
            callback(step + 1, {"image": x})
    return x


def _differences(lines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Differences along lines of all pixels, of the even ones, and of the odd ones."""
    return lines.diff(dim=-1), lines[..., ::2].diff(dim=-1), lines[..., 1::2].diff(dim=-1)


def _gradient(lines: Tensor) -> Tensor:
    """Gradient of the score of the lines, all three norms."""
    gradient = torch.zeros_like(lines)
    for stride, difference in zip((1, 2), (lines.diff(dim=-1), lines[..., 2:] - lines[..., :-2]), strict=True):
        unit = _scaled(difference, stride)
        gradient[..., stride:] += unit
        gradient[..., :-stride] -= unit
    return gradient


def _scaled(difference: Tensor, stride: int) -> Tensor:
    """Each line over its norm, or its even and odd places over theirs."""
    squared = difference.square()
    for place in range(stride):
        norm = squared[..., place::stride].sum(-1, keepdim=True).sqrt()
        difference[..., place::stride] *= torch.where(norm > 0, 1 / norm, 0)
    return difference
