"""A U-Net that corrects a filled picture, and says how far off it may be."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import pad

from undula.errors import ShapeError
from undula.nets.unet import UNet, cropped

_NARROW, _WIDE = -9.0, 1.0  # logarithms of the half widths that are told: 0.0001 … 2.7


class Filler(nn.Module):
    """What is wrong with a filled picture, added to it, and the half width of the interval around it.

    A `UNet` sees the filled picture and, as a second plane, which pixels were known; its two planes of output are the
    correction and the logarithm of the half width. The noise of the known pixels is told to it as to a denoiser.

    Args:
        widths: Channels of each level.
        blocks: Residual blocks of each level.
        shuffle: Side of the squares of pixels that become channels.

    Example:
        >>> image, missing = torch.rand(2, 1, 20, 30), torch.rand(2, 1, 20, 30) < 0.9
        >>> filled, width = Filler(widths=(4, 6), blocks=(1, 1))(image, missing, torch.zeros(2))
        >>> filled.shape, width.shape
        (torch.Size([2, 1, 20, 30]), torch.Size([2, 1, 20, 30]))
    """

    def __init__(
        self, widths: Sequence[int] = (48, 80, 88, 64), blocks: Sequence[int] = (2, 1, 1, 1), shuffle: int = 2
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {"widths": list(widths), "blocks": list(blocks), "shuffle": shuffle}
        self.unet = UNet(2, widths, blocks, shuffle)

    @property
    def multiple(self) -> int:
        """What the sides of tiles must be multiples of."""
        return self.unet.multiple

    @property
    def reach(self) -> int:
        """Pixels from which a result may be reached (`UNet.reach`)."""
        return self.unet.reach

    def forward(
        self, filled: Float[Tensor, "b 1 h w"], missing: Bool[Tensor, "b 1 h w"], sigma: Float[Tensor, " b"]
    ) -> tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 1 h w"]]:
        """Correct a filled picture.

        Args:
            filled: Pictures without gaps, in [0, 1].
            missing: True where a pixel was filled.
            sigma: Standard deviation of the noise of the known pixels.

        Returns:
            The corrected pictures, and half widths of intervals, both everywhere, the known pixels as well.

        Raises:
            ShapeError: The shapes do not match.
        """
        if filled.ndim != 4 or filled.shape[1] != 1 or missing.shape != filled.shape:
            raise ShapeError(
                f"got pictures of shape {tuple(filled.shape)} and missing of {tuple(missing.shape)}, expected both "
                "(batch, 1, height, width)"
            )
        planes = torch.cat([filled - 0.5, (~missing).to(filled.dtype)], dim=1)
        features, skips = self.unet.encode(_continued(planes, self.multiple), sigma)
        correction, spread = cropped(self.unet.decode(features, skips), planes).chunk(2, dim=1)
        return filled + correction, (4 * spread - 3).clamp(_NARROW, _WIDE).exp()


def _continued(planes: Tensor, multiple: int) -> Tensor:
    """Continue to sides that are multiples with the last pixels."""
    height, width = planes.shape[-2:]
    return pad(planes, (0, -width % multiple, 0, -height % multiple), mode="replicate")
