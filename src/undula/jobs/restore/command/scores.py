"""The experiment's result: how near a repaired picture comes to its original, and what the search for damage missed."""

from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

from undula.metrics import psnr, ssim

_WINDOW = 11  # side of the window of SSIM
_CHANGED = 2 / 255


def likeness(image: Float[Tensor, "c h w"], original: Float[Tensor, "c h w"]) -> dict[str, float | None]:
    """PSNR over all pixels and channels, and the channels' mean SSIM.

    Args:
        image: A picture.
        original: What it should be.

    Returns:
        "psnr" in decibels, and "ssim", None for pictures smaller than its window.
    """
    enough = min(image.shape[1:]) >= _WINDOW
    return {
        "psnr": float(psnr(image, original, dims=3)),
        "ssim": float(ssim(image, original).mean()) if enough else None,
    }


def search(
    found: Bool[Tensor, "c h w"],
    missing: Bool[Tensor, "h w"],
    damaged: Float[Tensor, "c h w"],
    repaired: Float[Tensor, "c h w"],
    original: Float[Tensor, "c h w"],
) -> dict[str, Any]:
    """What the search for damaged pixels found, and what it cost.

    Args:
        found: True for values that it took for damaged.
        missing: True for pixels that were.
        damaged: The damaged picture.
        repaired: The repaired one.
        original: The original.

    Returns:
        "recall", of the damaged values that differ from the truth the share that was found; "good_changed", of the good ones
        the share that differs by more than 2 grey levels now.
    """
    wrong, good = (damaged != original), (~missing).expand_as(found)
    changed = good & ((repaired - original).abs() > _CHANGED)
    return {
        "recall": float((found & wrong).sum() / wrong.sum().clamp(min=1)),
        "good_changed": float(changed.sum() / good.sum().clamp(min=1)),
    }


def held(
    interval: Float[Tensor, "c h w"],
    missing: Bool[Tensor, "c h w"],
    repaired: Float[Tensor, "c h w"],
    original: Float[Tensor, "c h w"],
) -> float | None:
    """Share of the missing values whose interval holds the truth; None where nothing is missing.

    Args:
        interval: Half widths.
        missing: True for missing values.
        repaired: The repaired picture.
        original: The original.
    """
    if not bool(missing.any()):
        return None
    inside = (repaired - original).abs() <= interval
    return float(inside[missing].float().mean())
