"""Maps of layers: the model runs once, every target is differentiated once, and a formula makes the maps."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.attribution.formulas import (
    eigen_cam,
    eigen_grad_cam,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    kernel_pca_cam,
    layer_cam,
    seg_eigen_cam,
    x_grad_cam,
)
from undula.attribution.layers import coarsest_layers, layout_of, named_layers
from undula.attribution.layouts import arranged
from undula.attribution.pixels import differentiate
from undula.attribution.signs import Sign
from undula.attribution.targets import Target, in_words, settled, values_of
from undula.attribution.watching import check_finite, copied, linked, predict
from undula.errors import OptionError

GRADIENT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "grad": grad_cam,
    "grad++": grad_cam_plus_plus,
    "hirescam": hires_cam,
    "layercam": layer_cam,
    "xgrad": x_grad_cam,
}
"""Methods whose sign is that of the target's change."""

PROJECTED: dict[str, Callable[..., Tensor]] = {"eigengrad": eigen_grad_cam, "seg-eigen": seg_eigen_cam}
"""Methods that use gradients and project on a component, whose sign is a choice."""

TARGETLESS = ("eigen", "kpca")
"""Methods that look at activations only."""


class View(NamedTuple):
    """Where and at what to look.

    Attributes:
        images: The images (b, c, *space).
        arguments: Further arguments of the model.
        layers: Names, or None for the last layer on the coarsest grid.
        grid: The grid of tokens, where it is known.
    """

    images: Tensor
    arguments: Sequence[Any]
    layers: str | Sequence[str] | None
    grid: Sequence[int] | None


class LayerMaps(NamedTuple):
    """What one target says about layers.

    Attributes:
        signed: Maps by name of the layer (b, *grid).
        target: The target in words, empty where none enters.
        values: The target at every image (b,), or None.
        residual: Residuals of the eigenpairs of a kernel (b,), or None.
        dark: Layers of whose positions the target does not depend on any.
    """

    signed: dict[str, Tensor]
    target: str = ""
    values: Tensor | None = None
    residual: Tensor | None = None
    dark: tuple[str, ...] = ()


def activation_maps(model: nn.Module, view: View, *, method: str, sign: Sign) -> LayerMaps:
    """Maps by a method that needs no target.

    Args:
        model: The model, as `studied` has it.
        view: Where to look.
        method: One of `TARGETLESS`.
        sign: Which end of a component is positive.

    Returns:
        The maps.
    """
    modules = _modules(model, view)
    if view.layers is None:
        modules = dict([list(modules.items())[-1]])
    with torch.no_grad(), copied(modules) as kept:
        predict(model, view.images, view.arguments)
    activations = _all_arranged(kept, modules, view)
    with torch.autocast(view.images.device.type, enabled=False):
        if method == "eigen":
            return LayerMaps({name: eigen_cam(each, sign=sign) for name, each in activations.items()})
        pairs = {name: kernel_pca_cam(each, sign=sign) for name, each in activations.items()}
    residual = torch.stack([residual for _, residual in pairs.values()]).amax(dim=0)
    return LayerMaps({name: signed for name, (signed, _) in pairs.items()}, residual=residual)


def gradient_maps(
    model: nn.Module, view: View, *, method: str, sign: Sign, targets: Sequence[Target | None]
) -> list[LayerMaps]:
    """Maps by a method that differentiates targets, all by one forward pass.

    Args:
        model: The model, as `studied` has it.
        view: Where to look; without names it is the last layer on the coarsest grid on whose positions the first target
            depends (of a transformer read by its class token: the norm before the last attention).
        method: One of `GRADIENT` or `PROJECTED`.
        sign: Which end of a component is positive.
        targets: What to differentiate.

    Returns:
        Maps of every target.

    Raises:
        OptionError: A target does not depend on a layer.
    """
    modules = _modules(model, view)
    with linked(modules) as kept:
        output = predict(model, view.images.detach().clone().requires_grad_(), view.arguments)
    activations = _all_arranged(kept, modules, view)
    found: list[LayerMaps] = []
    for number, target in enumerate(targets):
        goal = settled(target, output)
        values = values_of(goal, output)
        slopes = differentiate(values, [kept[name] for name in activations], keep=number < len(targets) - 1)
        by_name = {name: slope for name, slope in zip(activations, slopes, strict=True) if slope is not None}
        gradients = _all_arranged(by_name, modules, view, what="the gradient at layer")
        if view.layers is None and not found:
            activations = _last_reached(activations, gradients)
        maps, dark = {}, []
        for name, each in activations.items():
            if name not in gradients:
                raise OptionError(
                    f"got layer {name!r}, expected one that the target depends on: it is cut off by detach"
                )
            dark += [] if bool(gradients[name].any()) else [name]
            maps[name] = _formula(method, sign)(each, gradients[name])
        found.append(LayerMaps(maps, in_words(goal), values.detach(), dark=tuple(dark)))
    return found


def _formula(method: str, sign: Sign) -> Callable[[Tensor, Tensor], Tensor]:
    def make(activations: Tensor, gradients: Tensor) -> Tensor:
        with torch.no_grad(), torch.autocast(activations.device.type, enabled=False):
            if method in GRADIENT:
                return GRADIENT[method](activations, gradients)
            return PROJECTED[method](activations, gradients, sign=sign)

    return make


def _modules(model: nn.Module, view: View) -> dict[str, nn.Module]:
    if view.layers is None:
        return coarsest_layers(model, view.images, view.arguments, grid=view.grid)
    return named_layers(model, view.layers)


def _all_arranged(
    kept: Mapping[str, Tensor], modules: Mapping[str, nn.Module], view: View, *, what: str = "layer"
) -> dict[str, Float[Tensor, "b c ..."]]:
    activations = {}
    for name, module in modules.items():
        if name not in kept:
            if what != "layer":
                continue
            raise OptionError(f"got layer {name!r}, which did not run or gave no floats, expected one that images pass")
        check_finite(kept[name], f"{what} {name!r}")
        layout = layout_of(name, kept[name], view.images, grid=view.grid, module=module)
        activations[name] = arranged(kept[name].detach(), layout)
    return activations


def _last_reached(activations: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The last layer at whose positions the gradient is not zero everywhere, else the last with one at all."""
    reached = [name for name in activations if name in gradients and bool(gradients[name].any())]
    last = (reached or [name for name in activations if name in gradients] or list(activations))[-1]
    return {last: activations[last]}
