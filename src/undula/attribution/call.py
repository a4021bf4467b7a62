"""`attribute`: a model, images and a method in, signed and scaled maps out."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.attribution.cameras import GRADIENT, PROJECTED, TARGETLESS, LayerMaps, View, activation_maps, gradient_maps
from undula.attribution.pixels import Integrated, PixelMaps, Smooth, integrated_gradients, saliency, smooth_saliency
from undula.attribution.result import Attribution
from undula.attribution.scaling import enlarged, heat_maps
from undula.attribution.signs import SIGNS, Sign
from undula.attribution.targets import Target, in_words
from undula.attribution.watching import check_finite, ordinary, studied
from undula.errors import OptionError, RangeError, ShapeError

Method: TypeAlias = (
    Literal[
        "eigen",
        "kpca",
        "grad",
        "grad++",
        "hirescam",
        "layercam",
        "xgrad",
        "eigengrad",
        "seg-eigen",
        "saliency",
        "integrated",
        "smooth",
    ]
    | Integrated
    | Smooth
)

METHODS = (*TARGETLESS, *GRADIENT, *PROJECTED, "saliency", "integrated", "smooth")
"""Names of all methods."""

# Residual of an eigenpair, and share by which integrated gradients fail to add up, above which the result says so.
_UNSETTLED, _INCOMPLETE = 1e-3, 0.05


def attribute(
    model: nn.Module,
    images: Float[Tensor, "b c *space"],
    *,
    layers: str | Sequence[str] | None = None,
    method: Method = "eigen",
    target: Target | None = None,
    sign: Sign = "activation",
    grid: Sequence[int] | None = None,
    arguments: Sequence[Any] = (),
    generator: torch.Generator | None = None,
) -> Attribution:
    """Maps of what a network looks at.

    Works for any module: convolutions (b, c, h, w) in either order, tokens (b, t, d) with or without some in front,
    signals (b, c, t), tuples, mappings and dataclasses (see `first_tensor`). The model runs in eval mode and is left as
    it was, its weights may be frozen, the caller may be in inference mode.

    Args:
        model: Takes images (and `arguments`).
        images: Images (b, c, h, w), signals (b, c, t) or volumes, as the model wants them.
        layers: Names as in `named_modules`; maps of several are averaged. None takes the last layer on the coarsest
            grid: see `coarsest_layers`. Methods of the input take none.
        method: "eigen" and "kpca" look at activations only. "grad", "grad++", "hirescam", "layercam", "xgrad",
            "eigengrad" and "seg-eigen" look at activations and gradients of the target; "saliency", "integrated" (or
            `Integrated(…)`) and "smooth" (or `Smooth(…)`) at the input.
        target: What the map is about, one value per item of the output: `Mean()`, `FourierBand(0.25, 0.5)`, any
            function. None is the highest class where the output is (b, classes), else the mean.
        sign: Which end of a component is positive, for "eigen", "kpca", "eigengrad" and "seg-eigen": "activation",
            "maxabs", or "raw", the original.
        grid: Rows and columns of the tokens, where they cannot be found.
        arguments: Further arguments of the model; tensors with one entry per image are split and repeated with these.
        generator: Where the noise of "smooth" comes from.

    Returns:
        The maps, with the names of the layers and what they mean.

    Raises:
        OptionError: An unknown method, sign or layer (the nearest names are given), or a target without a gradient.
        ShapeError: Images without items, channels or space, activations without a grid, a target of another shape.
        RangeError: Images that are no floats; values that are not finite.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 2, 3))
        >>> found = attribute(model, torch.rand(2, 1, 20, 24), method="hirescam")
        >>> found.layers, found.maps.shape, found.signed[0].shape
        (('2',), torch.Size([2, 20, 24]), torch.Size([2, 7, 9]))
    """
    return attribute_each(
        model,
        images,
        targets=[target],
        layers=layers,
        method=method,
        sign=sign,
        grid=grid,
        arguments=arguments,
        generator=generator,
    )[0]


def attribute_each(
    model: nn.Module,
    images: Float[Tensor, "b c *space"],
    *,
    targets: Sequence[Target | None],
    layers: str | Sequence[str] | None = None,
    method: Method = "hirescam",
    sign: Sign = "activation",
    grid: Sequence[int] | None = None,
    arguments: Sequence[Any] = (),
    generator: torch.Generator | None = None,
) -> list[Attribution]:
    """Maps of several targets, such as the bands of a spectrum, for one forward pass.

    Args:
        model: As in `attribute`.
        images: As in `attribute`.
        targets: The targets.
        layers: As in `attribute`; None takes the same layer for all targets.
        method: As in `attribute`.
        sign: As in `attribute`.
        grid: As in `attribute`.
        arguments: As in `attribute`.
        generator: As in `attribute`.

    Returns:
        One result per target.

    Raises:
        OptionError: As in `attribute`; or no target.
        ShapeError: As in `attribute`.
        RangeError: As in `attribute`.
    """
    how = _checked_method(method, layers=layers, sign=sign)
    if not targets:
        raise OptionError("got no targets, expected at least one: [Mean()]")
    with studied(model):
        view = View(_checked_images(images), arguments, layers, grid)
        if not isinstance(how, str) or how == "saliency":
            maps = _pixel_maps(model, view, how, targets=targets, generator=generator)
            return [_of_pixels(each, how) for each in maps]
        if how in TARGETLESS:
            one = activation_maps(model, view, method=how, sign=sign)
            return [_of_layers(one, view, how, sign=sign, target=target) for target in targets]
        found = gradient_maps(model, view, method=how, sign=sign, targets=targets)
        return [_of_layers(one, view, how, sign=sign, target=each) for one, each in zip(found, targets, strict=True)]


def _pixel_maps(
    model: nn.Module,
    view: View,
    how: str | Integrated | Smooth,
    *,
    targets: Sequence[Target | None],
    generator: torch.Generator | None,
) -> list[PixelMaps]:
    images, arguments = view.images, view.arguments
    if isinstance(how, Integrated):
        return integrated_gradients(model, images, how=how, targets=targets, arguments=arguments)
    if isinstance(how, Smooth):
        return smooth_saliency(model, images, how=how, targets=targets, arguments=arguments, generator=generator)
    return saliency(model, images, targets=targets, arguments=arguments)


def _of_layers(found: LayerMaps, view: View, method: str, *, sign: Sign, target: Target | None) -> Attribution:
    size, signed = tuple(view.images.shape[2:]), tuple(found.signed.values())
    notes = []
    if method in TARGETLESS and target is not None:
        notes.append(
            f"{method} looks at activations only: the target ({in_words(target)}) is ignored; hirescam asks it"
        )
    if found.residual is not None and bool((found.residual > _UNSETTLED).any()):
        notes.append("no component of the kernel stands out: the map of an item whose residual is large is arbitrary")
    if found.dark:
        notes.append(
            f"the gradient of the target is zero at every position of {', '.join(found.dark)} (a class token read "
            "behind the last attention, or weights of zero?): take an earlier layer, or none, to have one chosen"
        )
    chosen = method in TARGETLESS or method in PROJECTED
    return Attribution(
        maps=heat_maps(signed, size),
        raw=torch.stack([enlarged(each, size) for each in signed]).mean(dim=0),
        signed=signed,
        layers=tuple(found.signed),
        method=method,
        target=found.target,
        sign=SIGNS[sign] if chosen else "positive where the activations raise the target",
        values=found.values,
        residual=found.residual,
        notes=tuple(notes),
    )


def _of_pixels(found: PixelMaps, how: str | Integrated | Smooth) -> Attribution:
    notes = []
    if found.residual is not None and bool((found.residual > _INCOMPLETE).any()):
        notes.append(f"maps fail to add up by {float(found.residual.max()):.1%}: take more steps, Integrated(steps=…)")
    total = isinstance(how, Integrated)
    return Attribution(
        maps=heat_maps([found.signed], found.signed.shape[1:]),
        raw=found.signed,
        signed=(found.signed,),
        layers=(),
        method=how if isinstance(how, str) else type(how).__name__.lower(),
        target=found.target,
        sign="positive where a pixel raises the target against the baseline" if total else "size only: never negative",
        values=found.values,
        residual=found.residual,
        notes=tuple(notes),
    )


def _checked_method(method: Any, *, layers: Any, sign: Any) -> str | Integrated | Smooth:
    if sign not in SIGNS:
        raise OptionError(f"got sign={sign!r}, expected one of {', '.join(SIGNS)}")
    how = {"integrated": Integrated(), "smooth": Smooth()}.get(method, method) if isinstance(method, str) else method
    if how not in METHODS and not isinstance(how, Integrated | Smooth):
        raise OptionError(f"got method={method!r}, expected one of {', '.join(METHODS)}")
    if layers is not None and (how == "saliency" or not isinstance(how, str)):
        raise OptionError(f"got layers={layers!r} for a method that maps the input, expected none: leave layers out")
    return how


def _checked_images(images: Tensor) -> Tensor:
    if not images.is_floating_point():
        raise RangeError(f"got images of type {images.dtype}, expected floats: convert with images.float() / 255")
    if not 3 <= images.ndim <= 5 or not images.numel():
        raise ShapeError(
            f"got images of shape {tuple(images.shape)}, expected (b, c, h, w), (b, c, t) or (b, c, d, h, w) with at "
            "least one value: add the axes of items and channels with images[None, None]"
        )
    check_finite(images, "the images")
    return ordinary(images.detach())
