"""What noise looks like: single bad pixels, its level at half the size, its tails, and whether it grows with brightness."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

_FLAT = 0.3  # part of the picture that counts as flat
_FEWEST, _SILENT = 1000, 1e-9
_SMALLEST = 42  # pixels of a side that can be measured at half the size


@dataclass(frozen=True)
class NoiseShape:
    """The noise that was taken from flat places.

    Attributes:
        tails: Excess kurtosis: 0 for Gaussian noise, 3 for Laplace, -1.2 for uniform.
        growth: Its deviation in the brightest third over that in the darkest.
    """

    tails: float
    growth: float


def isolated_share(picture: Float[Tensor, "h w"], level: float) -> float:
    """Part of the pixels that have nothing to do with their eight neighbors, where these agree.

    Args:
        picture: Luminance.
        level: Standard deviation of the noise.

    Returns:
        Share of pixels whose distance from the median of their neighbors is above 0.1, six times the level, and three times
        the range of the neighbors without the two outermost.
    """
    places = functional.unfold(picture[None, None].float(), 3)[0]
    around = torch.cat([places[:4], places[5:]]).sort(dim=0).values
    distance = (places[4] - (around[3] + around[4]) / 2).abs()
    return float((distance > (3 * (around[6] - around[1])).clamp(min=max(6 * level, 0.1))).float().mean())


def coarse_level(image: Float[Tensor, "c h w"], measure: Callable[[Tensor], Tensor]) -> float | None:
    """Twice the noise level of the means of 2 × 2 pixels: that of the image itself if its noise is white.

    Args:
        image: An image.
        measure: Maps images (b, c, h, w) to noise levels (b,).

    Returns:
        The level, or None where the image is below 42 pixels.
    """
    if min(image.shape[-2:]) < _SMALLEST:
        return None
    return 2 * float(measure(functional.avg_pool2d(image[None].float(), 2)))


def noise_shape(
    noisy: Float[Tensor, "c h w"], clean: Float[Tensor, "c h w"], brightness: Float[Tensor, "h w"], level: float
) -> NoiseShape | None:
    """Describe the noise in the flattest places.

    Where the image lies within [0, 1] its noise may have been clipped: places within twice the level of black or white are
    left out then.

    Args:
        noisy: An image.
        clean: The same without noise.
        brightness: Luminance of the latter.
        level: Standard deviation of the noise.

    Returns:
        Its shape, or None where fewer than 1000 pixels are left, or nothing was taken.
    """
    allowed = torch.ones_like(brightness, dtype=torch.bool)
    if float(noisy.min()) >= 0 and float(noisy.max()) <= 1:
        allowed = ((clean >= 2 * level) & (clean <= 1 - 2 * level)).all(dim=0)
    flat = _flattest(brightness, allowed)
    if int(flat.sum()) < _FEWEST:
        return None
    taken, light = (noisy - clean)[:, flat].double(), brightness[flat].double()
    taken = taken - taken.mean(dim=1, keepdim=True)
    low, high = light.quantile(1 / 3), light.quantile(2 / 3)
    dark, bright = taken[:, light <= low].square().mean(), taken[:, light >= high].square().mean()
    power = taken.square().mean()
    if min(float(dark), float(bright)) < _SILENT:
        return None
    return NoiseShape(float(taken.pow(4).mean() / power.square()) - 3, float((bright / dark).sqrt()))


def _flattest(brightness: Float[Tensor, "h w"], allowed: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Places whose surroundings of 5 × 5 pixels have the smallest slopes."""
    across = functional.pad(brightness[:, 2:] - brightness[:, :-2], (1, 1))
    down = functional.pad(brightness[2:] - brightness[:-2], (0, 0, 1, 1))
    steep = functional.avg_pool2d((across.square() + down.square())[None, None], 5, 1, 2, count_include_pad=False)[0, 0]
    if not bool(allowed.any()):
        return allowed
    place = max(1, round(_FLAT * int(allowed.sum())))
    return allowed & (steep <= steep[allowed].kthvalue(place).values)
