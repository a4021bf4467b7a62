"""Finding corrupted pixels: exact black and white that the picture around does not explain."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from undula.data import uniform
from undula.errors import DataError, OptionError
from undula.jobs.restore.areas import chances
from undula.nets.unet import UNet

LIKELY = 0.98
"""Chance of having been so before above which a black or white pixel is kept; 0.95 to 0.98 find all on photographs held out."""
_SPREAD = 0.05  # of fillings without an interval
_NINE_OF_TEN = 1.645  # deviations of a normal distribution


@dataclass(frozen=True)
class Corruption:
    """Which pixels are not to be trusted.

    Attributes:
        missing: True for them, of the planes' shape.
        before: How likely a black or white pixel was so before; 0 elsewhere.
        precision: Share of the values taken for corrupted that are, as far as the chances tell.
        recall: Share of the corrupted values that were taken for such, likewise.
        advice: What to know of the search.
    """

    missing: Bool[Tensor, "n c h w"]
    before: Float[Tensor, "n c h w"]
    precision: float
    recall: float
    advice: tuple[str, ...]


@torch.inference_mode()
def find_corrupted(
    planes: Float[Tensor, "n c *space"], *, gaps: Bool[Tensor, "n c *space"] | None, network: UNet, tile: int
) -> Corruption:
    """Find pixels that were replaced by black or white at random.

    A pixel that is exactly 0 or 1 is corrupted, unless the network says that it is likely to have been so before, as in areas
    that are black or white themselves. A pixel of several channels counts as black or white where all of them are, if
    most extremes of the image are of that kind; else every channel counts for itself.

    Args:
        planes: Images in [0, 1].
        gaps: Pixels that are missing already.
        network: The network of `chances`.
        tile: Side of the tiles that larger images are cut into.

    Returns:
        The corrupted pixels, the gaps among them, and how well the search is likely to have done.

    Raises:
        OptionError: Volumes, for which nothing was measured.
        DataError: No pixel could be trusted.

    When it fails: pixels replaced by other values than black and white are not found.
    """
    if planes.ndim != 4:
        raise OptionError("got a volume and no missing, expected to be told which of its values are missing")
    gone = torch.zeros_like(planes, dtype=torch.bool) if gaps is None else gaps
    seen, low, high = _extremes(planes, gone)
    first = uniform(torch.zeros(1).long(), torch.zeros(1).long(), tuple(planes.shape[2:]), dtype=torch.float32) < 0.5
    blank = first.to(planes.device)  # gaps look as corrupted pixels do
    flat = (each.flatten(0, 1) for each in (low | (gone & blank), high | (gone & ~blank)))
    before = chances(network, seen.flatten(0, 1).float(), *flat, tile=tile).reshape(planes.shape) * (low | high)
    corrupted = (low | high) & (before <= LIKELY)
    missing = corrupted | gone
    if bool(missing.flatten(2).all(2).any()):
        raise DataError(
            "got an image without any pixel but black and white ones, expected some to go by: say what is missing"
        )
    doubt = (1 - before).double()
    wrong, all_wrong = float(doubt[corrupted].sum()), float(doubt[low | high].sum())
    taken = int(corrupted.sum())
    return Corruption(
        missing=missing,
        before=before,
        precision=wrong / taken if taken else 1.0,
        recall=wrong / all_wrong if all_wrong else 1.0,
        advice=_advice(taken, int((low | high).sum())),
    )


def weighed(
    filled: Float[Tensor, "n c h w"],
    planes: Float[Tensor, "n c h w"],
    before: Float[Tensor, "n c h w"],
    interval: Float[Tensor, "n c h w"] | None,
) -> Float[Tensor, "n c h w"]:
    """The mean of a filling and of the black or white that it replaced, each as likely as both the chances and it say.

    A pixel that was black or white with chance p before, and whose filling is off by a normal error of deviation σ, is so with
    chance p L / (p L + 1 - p), L being twice the density of that error. Where black is filled by almost black it stays black.

    Args:
        filled: Images without gaps.
        planes: The images as they came.
        before: Chances p.
        interval: Half widths that hold nine errors of ten; None takes σ = 0.05.

    Returns:
        The images; as they were filled where the chance is 0.
    """
    spread = torch.full_like(filled, _SPREAD) if interval is None else (interval / _NINE_OF_TEN).clamp(min=0.01)
    density = (-((filled - planes) / spread).square() / 2).exp() / (spread * math.sqrt(2 * math.pi))
    likely = 2 * before * density
    chance = likely / (likely + 1 - before).clamp(min=1e-12)
    return torch.lerp(filled, planes, chance.to(filled.dtype))


def _extremes(planes: Tensor, gone: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the network sees of the images, and which of it is black, and white."""
    low, high = (planes == 0) & ~gone, (planes == 1) & ~gone
    dark, light = (each.all(1, keepdim=True).expand_as(planes) for each in (low, high))
    joint, single = ((one | other).sum((1, 2, 3)) for one, other in ((dark, light), (low, high)))
    together = (2 * joint > single)[:, None, None, None]
    return (
        torch.where(together, planes.mean(1, keepdim=True), planes),
        torch.where(together, dark, low),
        torch.where(together, light, high),
    )


def _advice(taken: int, extremes: int) -> tuple[str, ...]:
    """What was found, in words."""
    if not extremes:
        return ("no pixel is exactly black or white: nothing was taken for corrupted",)
    if taken == extremes:
        return ()
    return (f"{extremes - taken} values in black or white areas were kept, {taken} taken for corrupted",)
