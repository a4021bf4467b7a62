"""Whether the noise of an image is the noise that a network knows: white and Gaussian, of the level that was said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.images import luminance
from undula.jobs.denoise.jpeg_grid import jpeg_grid
from undula.jobs.denoise.noise_shape import coarse_level, isolated_share, noise_shape

# Bounds around what was measured on BSD68 with white Gaussian noise of 5 to 50 grey levels, whole and rounded to bytes
# (benchmarks/denoise_checks.py).
_ISOLATED = 0.003
_HARMED = 0.5  # share of zeros above which the level measures 20 to 84 % too low
_COARSER, _TEXTURE = 2.0, 7 / 255  # texture at half the size looks like noise of some grey levels
_WRONG, _WEAK = 2.0, 3 / 255
_SHAPED = 5 / 255  # below, what is taken from flat places is texture
# Of white noise growth is 0.77 to 1.11: texture in dark places is taken along.
_GROWTH, _FADING, _HEAVY, _LIGHT = 1.18, 0.74, 0.7, -0.42
_SIDE = 512


@dataclass(frozen=True)
class _Case:
    """The middle of an image; `level` is what was measured, or what was said where nothing can measure."""

    noisy: Tensor
    clean: Tensor
    said: float
    level: float
    measure: Callable[[Tensor], Tensor] | None


@torch.inference_mode()
def suspicions(
    noisy: Float[Tensor, "b c h w"],
    clean: Float[Tensor, "b c h w"],
    sigma: Float[Tensor, " b"],
    *,
    measure: Callable[[Tensor], Tensor] | None = None,
) -> list[str]:
    """Say of each image what is wrong with its noise, by the middle 512 × 512 pixels.

    In this order: single pixels are bad; the image was a JPEG file; the noise is coarser than white noise; its level is not
    what was said; it changes with brightness; its tails are not those of a Gaussian.

    Args:
        noisy: Images as they came.
        clean: The same without noise.
        sigma: Their noise levels in image units, as said or as measured.
        measure: Maps images to noise levels; without it coarse noise and a wrong level are not found.

    Returns:
        One sentence per item, the first that holds; empty where nothing is wrong.

    When it fails: a JPEG file that was resized has no grid of blocks left, and is found by its coarse noise at best. Noise of
    10 grey levels that was blurred, or of 25 by a Gaussian of 0.5 pixels, and stripes look like texture.
    """
    return [_suspicion(*each, measure) for each in zip(noisy, clean, sigma, strict=True)]


def _suspicion(noisy: Tensor, clean: Tensor, sigma: Tensor, measure: Callable[[Tensor], Tensor] | None) -> str:
    if min(noisy.shape[-2:]) < 21:
        return ""
    some, smooth, said = _middle(noisy).float(), _middle(clean).float(), float(sigma)
    level = said if measure is None else float(measure(some[None]))
    return next(_found(_Case(some, smooth, said, level, measure)), "")


def _found(case: _Case) -> Iterator[str]:
    """The sentences that hold, the most important first; what is not asked for is not computed."""
    for check in (_isolated, _jpeg, _coarse, _wrong_level, _shape):
        sentence = check(case)
        if sentence:
            yield sentence


def _jpeg(case: _Case) -> str:
    grid = jpeg_grid(_plane(case.noisy))
    if grid is None or not grid.certain:
        return ""
    follows = (
        "its noise measures too low, and part of it stays; denoise before saving as JPEG, or say how strong it was (--sigma)"
        if grid.share > _HARMED
        else "a little more of its noise stays than of white noise; denoise before saving as JPEG"
    )
    return f"it was a JPEG file, which set {100 * grid.share:.0f} % of its finer coefficients to zero: {follows}"


def _isolated(case: _Case) -> str:
    share = isolated_share(_plane(case.noisy), case.level)
    if share < _ISOLATED:
        return ""
    return (
        f"single pixels are bad ({100 * share:.1f} % of all), which is no Gaussian noise: they stay or leave spots; take a "
        "median of 3 × 3 pixels first"
    )


def _coarse(case: _Case) -> str:
    level = None if case.measure is None else coarse_level(case.noisy, case.measure)
    if level is None or level < _COARSER * case.level + _TEXTURE:
        return ""
    return (
        f"its noise is not white ({255 * case.level:.1f} grey levels by single pixels, {255 * level:.1f} by 2 × 2), as after "
        "blurring, demosaicing or enlarging: part of it stays; denoise before that, or train on pairs: undula denoise train"
    )


def _wrong_level(case: _Case) -> str:
    low, high = sorted((case.said, case.level))
    if high < _WEAK or high < _WRONG * low:
        return ""
    follows = "fine detail goes with the noise" if case.said > case.level else "most of the noise stays"
    return (
        f"said was noise of {255 * case.said:.3g} grey levels, measured are {255 * case.level:.2g}: {follows}; "
        f"try --sigma {255 * case.level:.2g}"
    )


def _shape(case: _Case) -> str:
    if case.level < _SHAPED:
        return ""
    shape = noise_shape(case.noisy, case.clean, _plane(case.clean), case.level)
    if shape is None:
        return ""
    if not _FADING < shape.growth < _GROWTH:
        where = "bright" if shape.growth > 1 else "dark"
        times = max(shape.growth, 1 / shape.growth)
        return (
            f"its noise is {times:.1f} times as strong in {where} places as in the others, as of few photons or a tone curve: "
            "it stays in part there, and detail goes elsewhere; train on pairs: undula denoise train"
        )
    if not _LIGHT < shape.tails < _HEAVY:
        return (
            f"its noise is not Gaussian (excess kurtosis {shape.tails:.1f}, 0 expected): the result is less good than it could "
            "be; train on pairs: undula denoise train"
        )
    return ""


def _plane(image: Tensor) -> Tensor:
    return luminance(image) if image.shape[0] == 3 else image.mean(dim=0)


def _middle(image: Tensor) -> Tensor:
    top, left = (max(0, side - _SIDE) // 2 for side in image.shape[-2:])
    return image[..., top : top + _SIDE, left : left + _SIDE]
