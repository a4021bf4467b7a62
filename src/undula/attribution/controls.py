"""What tells a map from a pretty picture: random weights, and the target when the pixels of the map are taken away."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.attribution.pixels import repeated
from undula.attribution.targets import Target, settled, values_of
from undula.attribution.watching import ordinary, predict, studied
from undula.errors import OptionError, ShapeError


def randomized(model: nn.Module, *, generator: torch.Generator | None = None) -> nn.Module:
    """A copy of a model with new random weights (Adebayo et al. 2018): a map that stays the same says nothing about it.

    Modules that know how (`reset_parameters`) begin anew; entries of all other parameters are shuffled. The numbers are
    the same on every device.

    Args:
        model: The model, which stays as it is.
        generator: Where the randomness comes from.

    Returns:
        The copy, on the device and in the mode of the model.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3))
        >>> torch.equal(randomized(model)[0].weight, model[0].weight)
        False
    """
    where = None if generator is None else generator.device
    seed = int(torch.randint(2**62, (1,), generator=generator, device=where))
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    with torch.inference_mode(False), torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        changed = copy.deepcopy(model).cpu()
        anew: set[int] = set()
        for module in changed.modules():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
                anew |= {id(each) for each in module.parameters(recurse=False)}
        for each in changed.parameters():
            if id(each) not in anew:
                each.copy_(each.flatten()[torch.randperm(each.numel())].reshape(each.shape))
    return changed.to(device)


def deletion(
    model: nn.Module,
    images: Float[Tensor, "b c *space"],
    maps: Float[Tensor, "b *space"],
    *,
    target: Target | None = None,
    fill: float | Tensor | None = None,
    steps: int = 16,
    chunk: int = 32,
    arguments: Sequence[Any] = (),
) -> Float[Tensor, "b levels"]:
    """The target while the positions are taken away that a map calls the most important (Petsiuk et al. 2018).

    A good map makes the target fall early: a small mean of the curve. Compare it with the curve of a random map, never
    with those of other targets.

    Args:
        model: The model.
        images: The images.
        maps: Maps in the size of the images; only the order of their values counts.
        target: As in `attribute`.
        fill: What stands where something was taken away: a number, or a tensor that broadcasts over the images (blurred
            ones, for networks that a flat region astonishes); None for the mean of every channel of every image.
        steps: Number of equal shares that the positions are taken away in.
        chunk: Images that go through the model at once.
        arguments: Further arguments of the model.

    Returns:
        The target with 0, 1, … steps shares gone (b, steps + 1).

    Raises:
        ShapeError: Maps that are not in the size of the images.
        OptionError: No steps, or an empty chunk.

    Example:
        >>> images = torch.arange(4.0).reshape(1, 1, 2, 2)
        >>> deletion(nn.Identity(), images, images[0], fill=0.0, steps=4)
        tensor([[1.5000, 0.7500, 0.2500, 0.0000, 0.0000]])
    """
    gone = _most_important(images, maps, steps=steps, chunk=chunk)
    empty = _filled(images, fill)
    pictures = (torch.where(each, empty, images) for each in gone)
    return _curve(model, images, pictures, target=target, arguments=arguments)


def insertion(
    model: nn.Module,
    images: Float[Tensor, "b c *space"],
    maps: Float[Tensor, "b *space"],
    *,
    target: Target | None = None,
    fill: float | Tensor | None = None,
    steps: int = 16,
    chunk: int = 32,
    arguments: Sequence[Any] = (),
) -> Float[Tensor, "b levels"]:
    """The target while the positions come back that a map calls the most important; a good map makes it rise early.

    Args:
        model: As in `deletion`.
        images: As in `deletion`.
        maps: As in `deletion`.
        target: As in `deletion`.
        fill: As in `deletion`.
        steps: As in `deletion`.
        chunk: As in `deletion`.
        arguments: As in `deletion`.

    Returns:
        The target with 0, 1, … steps shares there (b, steps + 1).

    Raises:
        ShapeError: As in `deletion`.
        OptionError: As in `deletion`.
    """
    there = _most_important(images, maps, steps=steps, chunk=chunk)
    empty = _filled(images, fill)
    pictures = (torch.where(each, images, empty) for each in there)
    return _curve(model, images, pictures, target=target, arguments=arguments)


def _most_important(images: Tensor, maps: Tensor, *, steps: int, chunk: int) -> Iterator[Tensor]:
    """Masks (k, b, 1, *space) of the first shares of the positions, all levels in chunks."""
    if maps.shape != images.shape[:1] + images.shape[2:]:
        wanted = tuple(images.shape[:1] + images.shape[2:])
        raise ShapeError(f"got maps of shape {tuple(maps.shape)}, expected {wanted}: the field maps or raw of a result")
    if steps < 1 or chunk < 1:
        raise OptionError(f"got steps={steps} and chunk={chunk}, expected at least 1 of each")
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1).reshape(maps.shape)[:, None]
    limits = torch.arange(steps + 1, device=maps.device) * order.shape[1] / steps
    step = max(1, chunk // len(images))
    chunks = (limits[first : first + step] for first in range(0, steps + 1, step))
    return (rank < each.reshape(-1, *[1] * rank.ndim) for each in chunks)


def _filled(images: Tensor, fill: float | Tensor | None) -> Tensor:
    if fill is None:
        return images.flatten(2).mean(dim=2).reshape(*images.shape[:2], *[1] * (images.ndim - 2))
    return torch.as_tensor(fill).to(images)


def _curve(
    model: nn.Module,
    images: Tensor,
    pictures: Iterator[Tensor],
    *,
    target: Target | None,
    arguments: Sequence[Any],
) -> Tensor:
    items, values = len(images), []
    with studied(model), torch.no_grad():
        goal = settled(target, predict(model, ordinary(images), arguments))
        for each in pictures:
            given = repeated(arguments, items=items, times=len(each))
            output = predict(model, ordinary(each).flatten(0, 1), given)
            values += [values_of(goal, part) for part in output.reshape(len(each), items, *output.shape[1:])]
    return torch.stack(values, dim=1)
