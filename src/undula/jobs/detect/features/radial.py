"""Radial profiles: how strong each frequency is, whatever its direction and place; few numbers, which travel farthest."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from undula.errors import ShapeError
from undula.jobs.detect.features.packets import GREY_LEVELS
from undula.jobs.detect.features.planes import logarithm
from undula.spectra import dct

RINGS = 45  # of the whole picture: about one frequency step each at 32 × 32 pixels
_BLOCK = 8  # of JPEG
_BLOCK_RINGS = 11
RADIAL_COUNT = 3 * (RINGS + 2 * _BLOCK_RINGS)
"""Numbers of a picture."""
# ITU-R BT.601, as JPEG has it.
_LUMA_CHROMA = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def radial_profiles(images: Float[Tensor, "n 3 h w"], *, offset: float = 1.0) -> Float[Tensor, "n features"]:
    """Means of ln(|cosine coefficient| + offset) over rings of frequency, for brightness and two color differences.

    Three profiles of each: of the whole picture, of blocks of 8 × 8 pixels on the grid of a JPEG, and of blocks half a block
    beside it, where a JPEG leaves its seams inside.

    Args:
        images: Color pictures in [0, 1].
        offset: Added before the logarithm, in grey levels of 255.

    Returns:
        One row per picture: 45 + 11 + 11 numbers for each of the three; 0 for a ring without coefficients.

    Raises:
        ShapeError: A side is shorter than 16.

    When it fails: between generators that are equally sharp in all directions.

    Reference: Durall, Keuper, Keuper, Watch your up-convolution: CNN based generative deep neural networks are failing to
    reproduce spectral distributions, 2020 (of the Fourier power).

    Example:
        >>> radial_profiles(torch.rand(2, 3, 40, 56)).shape
        torch.Size([2, 201])
    """
    height, width = images.shape[-2:]
    if min(height, width) < 2 * _BLOCK:
        raise ShapeError(
            f"got pictures of {height} × {width} pixels, expected no side below {2 * _BLOCK}: leave small pictures out"
        )
    planes = torch.einsum("oc,nchw->nohw", images.new_tensor(_LUMA_CHROMA), images) * GREY_LEVELS
    half = _BLOCK // 2
    profiles = [_means(logarithm(dct(planes), offset), RINGS)]
    for start in (0, half):
        blocks = _blocks(planes[..., start:, start:])
        profiles.append(_means(logarithm(dct(blocks), offset).mean(dim=2), _BLOCK_RINGS))
    return torch.cat([one.flatten(1) for one in profiles], dim=1)


def _blocks(planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c blocks 8 8"]:
    """Whole blocks; what is left at the right and lower borders is left out."""
    rows, columns = (side // _BLOCK for side in planes.shape[-2:])
    whole = planes[..., : rows * _BLOCK, : columns * _BLOCK]
    columns_of = functional.unfold(whole.flatten(0, 1)[:, None], _BLOCK, stride=_BLOCK)
    return columns_of.mT.reshape(*planes.shape[:2], rows * columns, _BLOCK, _BLOCK)


def _means(values: Float[Tensor, "n c h w"], rings: int) -> Float[Tensor, "n c rings"]:
    ring = _rings(values.shape[-2], values.shape[-1], rings).to(values.device).flatten()
    sums = values.new_zeros(*values.shape[:2], rings).index_add(2, ring, values.flatten(2))
    return sums / torch.bincount(ring, minlength=rings).clamp_min(1).to(values)


def _rings(height: int, width: int, rings: int) -> Int[Tensor, "h w"]:
    """Rings of equal width from frequency zero to the corner."""
    down = torch.arange(height, dtype=torch.float64)[:, None] / max(1, height - 1)
    across = torch.arange(width, dtype=torch.float64)[None] / max(1, width - 1)
    return (torch.hypot(down, across) / 2**0.5 * (rings - 1)).round().long()
