"""From signed maps of layers to heat maps in [0, 1] in the size of the images."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from undula.errors import OptionError, ShapeError

_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def heat_maps(signed: Sequence[Float[Tensor, "b ..."]], size: Sequence[int]) -> Float[Tensor, "b *size"]:
    """What is usually shown of signed maps: positive parts, each scaled to [0, 1], enlarged, averaged, scaled again.

    Per layer max(m, 0), minus the minimum, divided by (1e-7 + maximum), enlarged; then the mean over layers, scaled
    likewise: the steps of pytorch-grad-cam. Signs and sizes are lost; sums over targets no longer hold.

    Args:
        signed: Maps of the layers (b, *grid), whose grids may differ.
        size: Lengths of the space axes of the images.

    Returns:
        Heat maps (b, *size); all zero where nothing is positive.

    Example:
        >>> heat_maps([torch.tensor([[-1.0, 1.0, 3.0]])], (3,)).round(decimals=4)
        tensor([[0.0000, 0.3333, 1.0000]])
    """
    layers = [enlarged(stretched(each.relu()), size) for each in signed]
    return stretched(torch.stack(layers).mean(dim=0).relu())


def enlarged(maps: Float[Tensor, "b *grid"], size: Sequence[int]) -> Float[Tensor, "b *size"]:
    """Maps in another size, interpolated linearly between the centers of the cells.

    Args:
        maps: Maps of one to three space axes.
        size: The lengths wanted.

    Returns:
        The maps in that size; linear in the maps.

    Raises:
        ShapeError: Another number of axes than the maps have, or more than three.
    """
    if len(size) != maps.ndim - 1 or len(size) not in _MODES:
        raise ShapeError(
            f"got maps of shape {tuple(maps.shape)} and a size of {tuple(size)}, expected one to three axes"
        )
    if tuple(maps.shape[1:]) == tuple(size):
        return maps
    return interpolate(maps[:, None], size=tuple(size), mode=_MODES[len(size)], align_corners=False)[:, 0]


def stretched(maps: Float[Tensor, "b *space"]) -> Float[Tensor, "b *space"]:
    """Every map minus its minimum, divided by (1e-7 + its maximum then).

    Args:
        maps: Maps of any values.

    Returns:
        Maps in [0, 1).
    """
    flat = maps.flatten(1)
    flat = flat - flat.amin(dim=1, keepdim=True)
    return (flat / (1e-7 + flat.amax(dim=1, keepdim=True))).reshape(maps.shape)


def band_filter(maps: Float[Tensor, "b *space"], *, low: float = 0.4, high: float = 0.9) -> Float[Tensor, "b *space"]:
    """Only the values of heat maps that lie in a band, stretched over [0, 1]; the rest becomes 0.

    The least value of the band becomes 0 too. What it shows is neither the strongest nor the weakest: choose the band
    before looking.

    Args:
        maps: Heat maps in [0, 1].
        low: Least value that stays.
        high: Greatest value that stays.

    Returns:
        The filtered maps; all zero where no value lies in the band.

    Raises:
        OptionError: The band is empty.

    Example:
        >>> band_filter(torch.tensor([[0.1, 0.4, 0.5, 0.6, 1.0]])).round(decimals=4)
        tensor([[0.0000, 0.0000, 0.5000, 1.0000, 0.0000]])
    """
    if not 0 <= low < high:
        raise OptionError(f"got the band {low} … {high}, expected 0 ≤ low < high: 0.4 … 0.9")
    flat = maps.flatten(1)
    inside = (flat >= low) & (flat <= high) & (flat > 0)
    least = flat.where(inside, torch.inf).amin(dim=1, keepdim=True)
    most = flat.where(inside, -torch.inf).amax(dim=1, keepdim=True)
    return ((flat - least) / (most - least + 1e-8)).where(inside, 0.0).reshape(maps.shape)
