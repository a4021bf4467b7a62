"""Filling with a trained network, on top of the smooth filling."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from undula.jobs.restore.smooth import smooth
from undula.nets.filler import Filler
from undula.nets.tiles import in_tiles

_STEPS = 16  # of the smooth filling, as where the weights were chosen
_VIEWS = [(turned, mirrored) for turned in range(4) for mirrored in (False, True)]


@torch.inference_mode()
def learned(
    image: Float[Tensor, "b h w"],
    missing: Bool[Tensor, "b h w"],
    *,
    network: Filler,
    sigma: Float[Tensor, " b"],
    tile: int,
    views: int = 8,
    callback: Callable[[float], object] | None = None,
) -> tuple[Float[Tensor, "b h w"], Float[Tensor, "b h w"]]:
    """Fill missing pixels smoothly, and let a network correct it, seen from all eight sides.

    Args:
        image: Images (b, h, w).
        missing: True where a pixel is not known.
        network: The network.
        sigma: Standard deviation of the noise of the known pixels.
        tile: Side of the tiles that larger images are cut into.
        views: How many of the eight ways to turn and mirror an image are averaged.
        callback: Told the share that is done.

    Returns:
        Images everywhere, the known pixels as well, and half widths of intervals.
    """
    filled = smooth(image, missing, steps=_STEPS, half_steps=0)
    planes = torch.stack([filled, (~missing).to(filled.dtype)], dim=1).float()
    done, group = [], max(1, tile**2 // (image.shape[-2] * image.shape[-1]))
    parts = list(zip(torch.split(planes, group), torch.split(sigma, group), strict=True))
    for place, (some, level) in enumerate(parts):
        total = torch.zeros_like(some)
        for number, (turned, mirrored) in enumerate(_VIEWS[:views]):
            seen = torch.rot90(some.flip(-1) if mirrored else some, turned, (-2, -1)).contiguous()
            apply = _with_level(network, level)
            out = in_tiles(apply, seen, tile=tile, reach=network.reach, multiple=network.multiple)
            back = torch.rot90(out, -turned, (-2, -1))
            total += back.flip(-1) if mirrored else back
            if callback is not None:
                callback((place + (number + 1) / views) / len(parts))
        done.append(total / views)
    corrected, width = torch.cat(done).to(image.dtype).unbind(1)
    return corrected, width


def _with_level(network: Filler, sigma: Tensor) -> Callable[[Tensor], Tensor]:
    def apply(planes: Tensor) -> Tensor:
        return torch.cat(network(planes[:, :1], planes[:, 1:] < 0.5, sigma), dim=1)

    return apply
