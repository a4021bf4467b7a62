"""Which layer to look at: by the names of `named_modules`, or the coarsest grid of the network."""

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from undula.attribution.layouts import Layout, read_layout
from undula.attribution.watching import predict, recorded
from undula.errors import OptionError, ShapeError

# Layers inside a block that give it no shape of its own.
_INSIDE = (nn.Linear, nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)

# A grid of less along its longer axis shows nothing, where the network has a finer one.
_SHORT = 4

# Of a vision transformer of Hugging Face, the last layer that the class depends on through its patches is the eighth
# from the end, `layernorm_before` of the last block.
_LATEST = 16


def named_layers(model: nn.Module, names: str | Sequence[str]) -> dict[str, nn.Module]:
    """The modules of these names.

    Args:
        model: The model.
        names: One name, or several, as `named_modules` gives them.

    Returns:
        The modules by name.

    Raises:
        OptionError: A name that the model does not have, with those nearest to it; or no name.

    Example:
        >>> list(named_layers(nn.Sequential(nn.Conv2d(1, 4, 3)), "0"))
        ['0']
    """
    wanted = [names] if isinstance(names, str) else list(names)
    known = dict(model.named_modules())
    if not wanted:
        raise OptionError("got no layer, expected at least one name: leave layers out to have one chosen")
    for name in wanted:
        if name not in known:
            raise OptionError(f"got layer {name!r}, expected a name of model.named_modules(): {_nearest(name, known)}")
    return {name: known[name] for name in wanted}


def coarsest_layers(
    model: nn.Module, images: Tensor, arguments: Sequence[Any] = (), *, grid: Sequence[int] | None = None
) -> dict[str, nn.Module]:
    """The last layers on the coarsest grid of a network, those that finish last at the end.

    That is the last stage of a classifier, the bottleneck of a U-Net, the blocks of a vision transformer. Left out are
    the model itself; linear layers, dropout and identities, where there are others; grids of less than four positions
    along the longer axis, where there are finer ones; and, on a grid as fine as the images, layers of no more channels
    than these have, which hold pictures.

    Args:
        model: The model.
        images: Images of the size that the model is asked about.
        arguments: Further arguments of the model.
        grid: The grid of tokens, where it is known.

    Returns:
        At most sixteen modules by name; the last is the one to take unless nothing depends on its positions.

    Raises:
        OptionError: No layer has a grid.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    with torch.no_grad(), recorded(modules) as shapes:
        predict(model, images, arguments)
    space = tuple(images.shape[2:])
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        layout = read_layout(shape, items=len(images), space=space, grid=grid, module=modules[name])
        if layout is not None and math.prod(layout.grid) > 1 and not _is_picture(shape, layout, images):
            found[name] = layout.grid
    if not found:
        raise OptionError(
            f"got a model of which no layer has a grid of positions for images of shape {tuple(images.shape)}, "
            "expected a convolution or the blocks of a transformer: pass grid=(rows, columns) of its tokens"
        )
    outer = {name: each for name, each in found.items() if not isinstance(modules[name], _INSIDE)} or found
    enough = {name: each for name, each in outer.items() if max(each) >= _SHORT} or outer
    fewest = min(math.prod(each) for each in enough.values())
    names = [name for name, each in enough.items() if math.prod(each) == fewest]
    return {name: modules[name] for name in names[-_LATEST:]}


def layout_of(
    name: str, activations: Tensor, images: Tensor, *, grid: Sequence[int] | None, module: nn.Module
) -> Layout:
    """The layout of a layer that must have one.

    Args:
        name: Name of the layer.
        activations: What it gave.
        images: The images.
        grid: The grid of tokens, where it is known.
        module: The layer.

    Returns:
        How to read the activations.

    Raises:
        ShapeError: No grid fits.
    """
    shape, space = tuple(activations.shape), tuple(images.shape[2:])
    layout = read_layout(shape, items=len(images), space=space, grid=grid, module=module)
    if layout is None:
        wanted = "a grid for images" if grid is None else f"the grid {tuple(grid)} for images"
        raise ShapeError(
            f"got activations of shape {shape} from layer {name!r}, expected {wanted} of shape {tuple(images.shape)}: "
            "pass grid=(rows, columns) of its tokens, or take a layer that keeps the positions and the items"
        )
    return layout


def _is_picture(shape: tuple[int, ...], layout: Layout, images: Tensor) -> bool:
    channels = shape[1] if layout.channels in ("first", "flat") else shape[-1]
    return layout.grid == tuple(images.shape[2:]) and channels <= images.shape[1]


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    names = [each for each in known if each]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.3) or names[-3:]
    return "nearest are " + ", ".join(repr(each) for each in near) if near else "this one has no layers"
