"""Where the positions are in what a layer gives: channels first or last, tokens with or without a head, signals."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

# Tokens before those of the positions: a class token, a distillation token, registers (DINOv2 has 1 + 4).
_HEAD = 8

_FIRST = (nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d)
_LAST = (nn.RNNBase, nn.LayerNorm, nn.Linear, nn.MultiheadAttention)


class Layout(NamedTuple):
    """How activations are read.

    Attributes:
        grid: Lengths of the grid of positions.
        channels: "first" (b, c, *grid), "last" (b, *grid, c), "tokens" (b, t, c), "turned" (t, b, c), "flat" (b, c, t).
        head: Tokens in front that are no positions.
    """

    grid: tuple[int, ...]
    channels: Literal["first", "last", "tokens", "turned", "flat"]
    head: int = 0


def read_layout(
    shape: Sequence[int],
    *,
    items: int,
    space: Sequence[int],
    grid: Sequence[int] | None = None,
    module: nn.Module | None = None,
) -> Layout | None:
    """Find the grid of positions in the shape of activations.

    As many axes as the images have are channels first, or channels last where only that has the aspect of the images.
    Three axes in a network of images are tokens: as many as there are patches of one size, the same along every axis,
    and at most eight more in front; patches that fit exactly go before others, few tokens in front before many. Signals
    have their channels last in layers that contain no convolution but recurrent, linear or normalizing layers of the
    last axis, or, where the layer is of no known kind, when only that gives the length of the signal.

    Args:
        shape: Shape of the activations.
        items: Number of images.
        space: Lengths of the space axes of the images.
        grid: The grid, where it is known.
        module: The layer, of which some kinds say where signals have their channels.

    Returns:
        The layout, or None where no grid fits.

    Example:
        >>> read_layout((2, 197, 768), items=2, space=(224, 224))
        Layout(grid=(14, 14), channels='tokens', head=1)
        >>> read_layout((2, 31, 64), items=2, space=(40, 48))
        Layout(grid=(5, 6), channels='tokens', head=1)
    """
    dims, shape = len(space), tuple(shape)
    if not math.prod(shape) or (grid is not None and len(grid) != dims):
        return None
    if grid is not None:
        return _of_known_grid(shape, items, tuple(grid))
    if dims == 1:
        return _of_signals(shape, items, space[0], module) if len(shape) == 3 else None
    if len(shape) == dims + 2 and shape[0] == items:
        first, last = Layout(shape[2:], "first"), Layout(shape[1:-1], "last")
        return last if _misfit(last.grid, space) * 2 < _misfit(first.grid, space) else first
    return _of_tokens(shape, items, space) if len(shape) == 3 else None


def arranged(activations: Tensor, layout: Layout) -> Float[Tensor, "b c *grid"]:
    """Activations with their channels first and their positions on the grid.

    Args:
        activations: What a layer gave.
        layout: How it is read.

    Returns:
        A view where possible; half precision becomes float32, complex values become twice the channels.
    """
    x = activations
    if layout.channels == "turned":
        x = x.transpose(0, 1)
    if layout.channels in ("last", "tokens", "turned"):
        x = x.movedim(-1, 1)
    x = x.flatten(2)[..., layout.head :].reshape(*x.shape[:2], *layout.grid)
    if x.is_complex():
        x = torch.cat([x.real, x.imag], dim=1)
    return x if x.dtype == torch.float64 else x.float()


def patch_grid(count: int, space: Sequence[int]) -> tuple[tuple[int, ...], int] | None:
    """The grid that a number of tokens makes of images, and how many tokens stand before it.

    Args:
        count: Number of tokens.
        space: Lengths of the space axes of the images.

    Returns:
        The grid and the number of tokens in front; None where no grid fits.

    Example:
        >>> patch_grid(261, (224, 224))
        ((16, 16), 5)
    """
    best: tuple[tuple[bool, int, bool], tuple[int, ...]] | None = None
    for grid, exact, shaped in _grids(count, space):
        rank = (not exact, count - math.prod(grid), not shaped)
        if 0 <= rank[1] <= _HEAD and min(grid) > 0 and (best is None or rank < best[0]):
            best = rank, grid
    return None if best is None else (best[1], best[0][1])


def _grids(count: int, space: Sequence[int]) -> Iterator[tuple[tuple[int, ...], bool, bool]]:
    """Grids of patches of every size, whether the patches fit exactly, and whether the grid has the images' aspect."""
    for patch in range(1, max(space) + 1):
        exact = all(length % patch == 0 for length in space)
        yield tuple(length // patch for length in space), exact, True
        if not exact:
            yield tuple(-(-length // patch) for length in space), False, True
    for head in range(_HEAD + 1):  # of images that the model makes square itself
        side = round(max(0, count - head) ** (1 / len(space)))
        yield (side,) * len(space), False, False


def _of_tokens(shape: tuple[int, ...], items: int, space: Sequence[int]) -> Layout | None:
    """Tokens before channels: the other order cannot be told apart and is read where the grid is known."""
    if shape[0] == items:
        found = patch_grid(shape[1], space)
        return None if found is None else Layout(found[0], "tokens", found[1])
    found = patch_grid(shape[0], space) if shape[1] == items else None
    return None if found is None else Layout(found[0], "turned", found[1])


def _of_signals(shape: tuple[int, ...], items: int, length: int, module: nn.Module | None) -> Layout | None:
    parts = [] if module is None else list(module.modules())
    if any(isinstance(part, _FIRST) for part in parts):
        last = False
    elif any(isinstance(part, _LAST) for part in parts):
        last = True
    else:
        last = shape[1] == length != shape[2]
    if shape[0] != items:
        return Layout((shape[0],), "turned") if shape[1] == items and last else None
    if not last:
        return Layout((shape[2],), "first")
    found = patch_grid(shape[1], (length,))
    return Layout((shape[1],), "tokens") if found is None else Layout(found[0], "tokens", found[1])


def _of_known_grid(shape: tuple[int, ...], items: int, grid: tuple[int, ...]) -> Layout | None:
    if len(shape) == len(grid) + 2 and shape[0] == items and grid in (shape[2:], shape[1:-1]):
        return Layout(grid, "first" if shape[2:] == grid else "last")
    if len(shape) != 3:
        return None
    count = math.prod(grid)
    readings = [Layout(grid, "tokens", shape[1] - count)] if shape[0] == items else []
    readings += [Layout(grid, "flat")] if shape[0] == items and shape[2] == count else []
    readings += [Layout(grid, "turned", shape[0] - count)] if shape[1] == items else []
    return min((each for each in readings if each.head >= 0), key=lambda each: each.head, default=None)


def _misfit(grid: Sequence[int], space: Sequence[int]) -> float:
    """How much the steps from position to position differ among the axes, at least 1."""
    steps = [length / count for length, count in zip(space, grid, strict=True)]
    return max(a / b for a, b in itertools.permutations(steps, 2))
