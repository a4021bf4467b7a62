"""Maps of the input itself: the gradient of the target with respect to the pixels, at one place or along many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.attribution.targets import Target, in_words, settled, values_of
from undula.attribution.watching import check_finite, ordinary, predict
from undula.data import normal
from undula.errors import OptionError, ShapeError


@dataclass(frozen=True)
class Integrated:
    """Integrated gradients (Sundararajan et al. 2017): (x - x₀) ∫ ∂F(x₀ + a (x - x₀)) da, added up over channels.

    The map of an item adds up to F(x) - F(x₀). The integral is a Gauss-Legendre sum.

    Attributes:
        steps: Places between the baseline and the image.
        baseline: x₀, one number or a tensor that broadcasts over the images, such as blurred ones.
        chunk: Images that go through the model at once.
    """

    steps: int = 32
    baseline: float | Tensor = 0.0
    chunk: int = 32

    def __post_init__(self) -> None:
        """Refuse counts below 1."""
        _check_counts(steps=self.steps, chunk=self.chunk)


@dataclass(frozen=True)
class Smooth:
    """Smoothed gradients (Smilkov et al. 2017): the greatest modulus over channels of the mean over noisy copies.

    Attributes:
        samples: Noisy copies.
        deviation: Standard deviation of the noise as a share of the range of each image.
        chunk: Images that go through the model at once.
    """

    samples: int = 25
    deviation: float = 0.15
    chunk: int = 32

    def __post_init__(self) -> None:
        """Refuse counts below 1 and negative noise."""
        _check_counts(samples=self.samples, chunk=self.chunk)
        if not self.deviation >= 0:
            raise OptionError(f"got deviation={self.deviation}, expected a share of the range, 0.1 … 0.2")


class PixelMaps(NamedTuple):
    """What one target says about the pixels.

    Attributes:
        signed: One value per position (b, *space).
        target: The target in words.
        values: The target at the images (b,).
        residual: |Σ map - (F(x) - F(x₀))| / max(|F(x)|, |F(x₀)|) of integrated gradients (b,), else None.
    """

    signed: Tensor
    target: str
    values: Tensor
    residual: Tensor | None = None


def saliency(
    model: nn.Module, images: Float[Tensor, "b c *space"], *, targets: Sequence[Target | None], arguments: Sequence[Any]
) -> list[PixelMaps]:
    """Greatest modulus over channels of the gradient of the target (Simonyan et al. 2013).

    Args:
        model: The model.
        images: The images.
        targets: What to differentiate, by one forward pass.
        arguments: Further arguments of the model.

    Returns:
        Maps of every target, not negative.
    """
    goals, values = _settled(model, images, targets, arguments)
    gradients = _gradients(model, images[None], goals, arguments)
    signed = [each[0].abs().amax(dim=1) for each in gradients]
    return [PixelMaps(*each) for each in zip(signed, _words(goals), values, strict=True)]


def smooth_saliency(
    model: nn.Module,
    images: Float[Tensor, "b c *space"],
    *,
    how: Smooth,
    targets: Sequence[Target | None],
    arguments: Sequence[Any],
    generator: torch.Generator | None,
) -> list[PixelMaps]:
    """The saliency of the mean gradient over noisy copies.

    Args:
        model: The model.
        images: The images.
        how: How many copies and how much noise.
        targets: What to differentiate.
        arguments: Further arguments of the model.
        generator: Where the noise comes from; an item's noise depends on its place in the batch alone.

    Returns:
        Maps of every target, not negative.
    """
    goals, values = _settled(model, images, targets, arguments)
    device = None if generator is None else generator.device
    seeds = torch.randint(2**62, (len(images),), generator=generator, device=device).to(images.device)
    flat = images.flatten(1)
    size = how.deviation * (flat.amax(dim=1) - flat.amin(dim=1)).reshape(-1, *[1] * (images.ndim - 1))
    total = [_precise(torch.zeros_like(images)) for _ in goals]
    for numbers in _chunks(how.samples, how.chunk, images):
        counters = numbers.repeat_interleave(len(images))
        noise = normal(seeds.repeat(len(numbers)), counters, tuple(images.shape[1:]), dtype=total[0].dtype)
        points = images + (size * noise.reshape(-1, *images.shape)).to(images.dtype)
        for each, gradients in zip(total, _gradients(model, points, goals, arguments), strict=True):
            each += gradients.sum(dim=0)
    signed = [(each / how.samples).abs().amax(dim=1) for each in total]
    return [PixelMaps(*each) for each in zip(signed, _words(goals), values, strict=True)]


def integrated_gradients(
    model: nn.Module,
    images: Float[Tensor, "b c *space"],
    *,
    how: Integrated,
    targets: Sequence[Target | None],
    arguments: Sequence[Any],
) -> list[PixelMaps]:
    """Integrated gradients of every target.

    Args:
        model: The model.
        images: The images.
        how: How many places, and the baseline.
        targets: What to differentiate.
        arguments: Further arguments of the model.

    Returns:
        Maps of every target, positive where a pixel raises the target against the baseline.

    Raises:
        ShapeError: The baseline does not broadcast over the images.
    """
    start = _baseline(how.baseline, images)
    goals, values = _settled(model, images, targets, arguments)
    with torch.no_grad():
        output = predict(model, start, arguments)
        before = [values_of(goal, output) for goal in goals]
    total = [_precise(torch.zeros_like(images)) for _ in goals]
    nodes, weights = (torch.as_tensor(each).to(total[0]) for each in np.polynomial.legendre.leggauss(how.steps))
    column = [-1, *[1] * images.ndim]
    for numbers in _chunks(how.steps, how.chunk, images):
        points = (start + (nodes[numbers].reshape(column) + 1) / 2 * (images - start)).to(images.dtype)
        for each, gradients in zip(total, _gradients(model, points, goals, arguments), strict=True):
            each += (gradients * weights[numbers].reshape(column) / 2).sum(dim=0)
    signed = [((images - start) * each).sum(dim=1) for each in total]
    return [
        PixelMaps(each, words, after, _gap(each, after - past, torch.maximum(after.abs(), past.abs())))
        for each, words, after, past in zip(signed, _words(goals), values, before, strict=True)
    ]


def repeated(arguments: Sequence[Any], *, items: int, times: int) -> list[Any]:
    """Arguments for images that are repeated as a whole.

    Args:
        arguments: Further arguments of a model.
        items: Number of images; tensors of so many entries have one per image.
        times: How often the images are repeated.

    Returns:
        The arguments, those with one entry per image repeated.
    """
    per_item = [isinstance(each, Tensor) and each.ndim > 0 and len(each) == items for each in arguments]
    return [
        ordinary(each).repeat(times, *[1] * (each.ndim - 1)) if repeats else each
        for each, repeats in zip(arguments, per_item, strict=True)
    ]


def differentiate(values: Tensor, inputs: Sequence[Tensor], *, keep: bool) -> tuple[Tensor | None, ...]:
    """Gradients of the sum of the items' values; items do not know each other, so every item gets its own.

    Args:
        values: One value per item.
        inputs: What to differentiate by.
        keep: Whether another target will be differentiated through the same graph.

    Returns:
        Gradients; None for what the values do not depend on.

    Raises:
        OptionError: The values depend on nothing that has gradients.
    """
    if not values.requires_grad:
        raise OptionError(
            "got a target without a gradient, expected one that the images reach: does the model run under "
            "torch.no_grad, or detach its output? 'eigen' and 'kpca' need no gradients"
        )
    return torch.autograd.grad(values.sum(), list(inputs), retain_graph=keep, allow_unused=True)


def _settled(
    model: nn.Module, images: Tensor, targets: Sequence[Target | None], arguments: Sequence[Any]
) -> tuple[list[Target], list[Tensor]]:
    with torch.no_grad():
        output = predict(model, images, arguments)
        goals = [settled(target, output) for target in targets]
        return goals, [values_of(goal, output) for goal in goals]


def _gradients(model: nn.Module, points: Tensor, goals: Sequence[Target], arguments: Sequence[Any]) -> list[Tensor]:
    """Gradients (k, b, c, *space) of every target at k copies of the images."""
    times, items = points.shape[:2]
    leaf = points.detach().flatten(0, 1).requires_grad_()
    output = predict(model, leaf, repeated(arguments, items=items, times=times))
    found = []
    for number, goal in enumerate(goals):
        values = torch.cat([values_of(goal, each) for each in output.reshape(times, items, *output.shape[1:])])
        gradient = differentiate(values, [leaf], keep=number < len(goals) - 1)[0]
        gradient = _precise(torch.zeros_like(leaf) if gradient is None else gradient)
        check_finite(gradient, "the gradient of the target with respect to the images")
        found.append(gradient.reshape(points.shape))
    return found


def _precise(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _words(goals: Sequence[Target]) -> list[str]:
    return [in_words(goal) for goal in goals]


def _gap(signed: Tensor, difference: Tensor, scale: Tensor) -> Tensor:
    gap = (signed.flatten(1).sum(dim=1) - difference).abs()
    return gap / scale.clamp(min=torch.finfo(scale.dtype).tiny)


def _baseline(baseline: float | Tensor, images: Tensor) -> Tensor:
    value = ordinary(baseline) if isinstance(baseline, Tensor) else torch.as_tensor(baseline)
    try:
        return value.to(images).expand_as(images)
    except RuntimeError:
        shapes = f"of shape {tuple(value.shape)}, expected one that broadcasts over images of {tuple(images.shape)}"
        raise ShapeError(f"got a baseline {shapes}") from None


def _chunks(count: int, chunk: int, images: Tensor) -> Iterator[Tensor]:
    """Numbers from 0, as many at a time as let so many images through the model at once."""
    step = max(1, chunk // len(images))
    for first in range(0, count, step):
        yield torch.arange(first, min(first + step, count), device=images.device)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise OptionError(f"got {name}={count}, expected at least 1")
