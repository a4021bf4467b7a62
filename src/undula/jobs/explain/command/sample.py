"""A network that needs no training: it finds dark lines, and its weights are a formula."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

_DIRECTIONS, _SIDE, _WIDTH, _LENGTH = 8, 13, 1.2, 3.0  # pixels


class LineFinder(nn.Module):
    """Strength of dark lines at every pixel: filters in eight directions, rectified, gathered, added up.

    Each filter is the second derivative across a line of a Gaussian that is longer along it, less its mean. Flat
    brightness gives 0; what is a line over twelve pixels stands out against grains of the same darkness.

    Reference: Koller et al., Multiscale detection of curvilinear structures, 1995 (the idea of directed line filters).

    Example:
        >>> LineFinder()(torch.rand(1, 1, 40, 50)).shape
        torch.Size([1, 1, 40, 50])
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines = nn.Conv2d(1, _DIRECTIONS, _SIDE, padding=_SIDE // 2, padding_mode="reflect", bias=False)
        self.rectified = nn.ReLU()
        self.gathered = nn.Conv2d(
            _DIRECTIONS, _DIRECTIONS, _SIDE, padding=_SIDE // 2, padding_mode="reflect", groups=_DIRECTIONS, bias=False
        )
        self.strongest = nn.ReLU()
        self.score = nn.Conv2d(_DIRECTIONS, 1, 1)
        filters, along = _filters()
        with torch.no_grad():
            self.lines.weight.copy_(filters[:, None])
            self.gathered.weight.copy_(along[:, None])
            self.score.weight.fill_(1 / _DIRECTIONS)
            self.score.bias.zero_()  # type: ignore[union-attr]

    def forward(self, images: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Find lines.

        Args:
            images: Gray images in [0, 1], no side below 7 pixels.

        Returns:
            Their strength.
        """
        found: Tensor = self.score(self.strongest(self.gathered(self.rectified(self.lines(images)))))
        return found


def _filters() -> tuple[Float[Tensor, "n side side"], Float[Tensor, "n side side"]]:
    """Filters across lines of every direction, sum of squares 1; and Gaussians along them, sum 1."""
    place = torch.arange(_SIDE, dtype=torch.float64) - _SIDE // 2
    rows, columns = torch.meshgrid(place, place, indexing="ij")
    angles = torch.arange(_DIRECTIONS, dtype=torch.float64)[:, None, None] * math.pi / _DIRECTIONS
    along = rows * angles.sin() + columns * angles.cos()
    across = columns * angles.sin() - rows * angles.cos()
    bell = torch.exp(-((across / _WIDTH) ** 2 + (along / _LENGTH) ** 2) / 2)
    dark = ((across / _WIDTH) ** 2 - 1) * bell
    dark = dark - bell * (dark.sum((1, 2)) / bell.sum((1, 2)))[:, None, None]
    narrow = torch.exp(-((across / 0.7) ** 2 + (along / (2 * _LENGTH)) ** 2) / 2)
    return (
        (dark / dark.square().sum((1, 2), keepdim=True).sqrt()).float(),
        (narrow / narrow.sum((1, 2), keepdim=True)).float(),
    )
