"""`undula.explain`: from a model and images to an `Explanation`."""

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from undula.attribution import SIGNS, Attribution, attribute_each, band_filter
from undula.attribution.call import Method
from undula.attribution.cameras import PROJECTED, TARGETLESS
from undula.attribution.signs import Sign
from undula.data.given import Given, read_images
from undula.data.plain import plain
from undula.errors import OptionError
from undula.jobs.explain.aims import Aim, Aims, read_aims
from undula.jobs.explain.network import asking, fitted_images, network_of, noise_levels
from undula.jobs.explain.result import Explanation


def explain(
    model: Any,
    images: Any,
    *,
    layer: str | Sequence[str] | None = None,
    method: Method = "eigen",
    target: Aim = None,
    sign: Sign = "activation",
    sigma: Any = None,
    keep: tuple[float, float] | None = None,
    grid: Sequence[int] | None = None,
    arguments: Sequence[Any] = (),
    generator: torch.Generator | None = None,
) -> Explanation:
    """Show what a network looks at: one map per image, or one per image and band of frequency.

    Maps of layers: "eigen" and "kpca" (first component of the activations, no target), "grad", "grad++", "hirescam",
    "layercam", "xgrad", "eigengrad", "seg-eigen" (activations and gradients of a target). Maps of the input: "saliency",
    "integrated", "smooth". Those of "hirescam", "grad", "xgrad" and "integrated" are signed and add up over bands.

    Args:
        model: Any module that takes images: convolutions, transformers, their mixtures; or a Denoiser.
        images: Images (h, w), (c, h, w) or (b, c, h, w) in [0, 1]; a tensor or a NumPy array.
        layer: Name of a layer as in `named_modules`, or several, whose maps are averaged; None has one chosen, which the
            result names. Maps of the input take none.
        method: The method, by name, or `Integrated(…)` or `Smooth(…)` of `undula.attribution`.
        target: What the map is about: "mean", "norm", "class:3", "pixel:10,20", "region:top,left,bottom,right",
            "band:0.25-0.5" (cycles per pixel), any target of `undula.attribution` or function of the output; or several,
            one map each: "octaves", "packets:2", a list. None is the highest class, or the mean of an image.
        sign: Which end of a component is positive: "activation", "maxabs", or "raw", as published.
        sigma: Noise level in image units, for networks that want it; a Denoiser measures it.
        keep: Show only values of the heat maps in this band, stretched: (0.4, 0.9).
        grid: Rows and columns of the tokens, where they cannot be found.
        arguments: Further arguments of the model.
        generator: Where the noise of "smooth" comes from.

    Returns:
        Maps in the size of the images, in the kind in which these came, with what tells how to read them.

    Raises:
        ShapeError: No images, or images on which the model fails.
        RangeError: Integers, 0…255, NaN.
        OptionError: An unknown method, layer (the nearest names are given) or target; a noise level is missing; bands by
            a method that looks at no target.

    When it misleads: a map shows what the numbers of a layer do, not why. Compare it with that of
    `undula.attribution.randomized(model)`: what stays was not learned.

    References: Muhammad, Yeasin, Eigen-CAM, 2020. Draelos, Carin, HiResCAM, 2020. Adebayo et al., Sanity checks for
    saliency maps, 2018.

    Example:
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 2, 3))
        >>> found = explain(model, torch.rand(20, 24), target="octaves", method="hirescam")
        >>> found.layers, found.bands[-2:], found.raw.shape
        (('2',), ('1/4 … 1/2', 'above 1/2'), torch.Size([6, 20, 24]))
    """
    began = time.perf_counter()
    said = {
        name: plain(value) for name, value in locals().items() if name not in ("model", "images", "began", "generator")
    }
    given, aims = read_images(images), read_aims(target)
    if aims.bands and method in TARGETLESS:
        raise OptionError(
            f"got several targets and method={method!r}, which looks at activations only, expected a method that asks "
            "the target: method='hirescam' or 'integrated'"
        )
    network = network_of(model)
    with torch.inference_mode(False), asking(given.images, told=sigma is not None or bool(arguments)):
        ready = fitted_images(network, given.images)
        extra = (*noise_levels(model, ready, sigma), *arguments)
        found = attribute_each(
            network, ready, targets=aims.targets, layers=layer, method=method, sign=sign, grid=grid, arguments=extra,
            generator=generator,
        )  # fmt: skip
        fields = _fields(found, aims, given, keep)
    return Explanation(
        images=images,
        bands=aims.bands,
        layers=found[0].layers,
        method=found[0].method,
        targets=tuple(each.target for each in found),
        sign=found[0].sign,
        notes=_notes(found[0], layer, sign),
        advice=_advice(found, fields["raw"]),
        arguments=said,
        seconds=time.perf_counter() - began,
        **fields,
    )


def _fields(found: Sequence[Attribution], aims: Aims, given: Given, keep: tuple[float, float] | None) -> dict[str, Any]:
    """Maps and values in the shape, the type and the kind of the images."""
    heat = [each.maps for each in found]
    shown = heat if keep is None else [band_filter(each, low=keep[0], high=keep[1]) for each in heat]
    known: dict[str, Any] = {"maps": heat, "shown": shown, "raw": [each.raw for each in found]}
    known |= {name: [getattr(each, name) for each in found] for name in ("values", "residual")}
    return {name: _returned(parts, aims, given) for name, parts in known.items()}


def _returned(parts: Sequence[Tensor | None], aims: Aims, given: Given) -> Any:
    present = [each for each in parts if each is not None]
    if not present:
        return None
    together = torch.stack(present, dim=1) if aims.bands else present[0]
    whole = together if len(given.shape) == 4 else together[0]
    whole = whole.detach().to(given.device, given.dtype)
    return whole.numpy() if given.numpy else whole


def _notes(found: Attribution, layer: Any, sign: Sign) -> tuple[str, ...]:
    """What a reader of the map should know."""
    notes = []
    if layer is None and found.layers:
        rows, columns = found.signed[0].shape[1:]
        notes.append(
            f"layer {found.layers[0]!r} was chosen, the last on the coarsest grid ({rows} × {columns} positions)"
        )
    if found.method in TARGETLESS:
        notes.append(f"{found.method} looks at activations only: no target and no output enters")
    if found.method in (*TARGETLESS, *PROJECTED):
        other = "" if sign == "raw" else "; sign='raw' gives the original"
        notes.append(f"a component has no sign of its own; here it is {SIGNS[sign]}{other}")
    else:
        notes.append(f"sign: {found.sign}")
    return tuple(notes)


def _advice(found: Sequence[Attribution], raw: Any) -> str:
    """What to try, in one line; empty where nothing went wrong."""
    said = list(dict.fromkeys(note for each in found for note in each.notes))
    if not bool((raw != 0).any()):
        said.append("the map is zero everywhere: take another layer or target")
    elif not bool((raw > 0).any()):
        said.append("nothing is positive, so that the heat map is empty: read raw")
    return "; ".join(said)
