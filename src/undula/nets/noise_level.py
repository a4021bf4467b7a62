"""A small network that measures how strong the noise in an image is."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import OptionError, ShapeError

_SMALLEST = 21  # pixels of a side that the convolutions need


class NoiseLevel(nn.Module):
    """Standard deviation of white Gaussian noise in images: σ̂ = s exp Σ p e, over all places of all channels.

    s is a first guess, the median of the absolute mixed differences; e is what the network adds to its logarithm at a place,
    and p (they sum to one) is how far it trusts the place: flat ones more than texture. The estimate is scaled as the image
    is, and does not change when a constant is added.

    Args:
        width: Channels of the convolutions.

    Raises:
        OptionError: The width is not positive.

    When it fails: noise that is correlated between pixels is underestimated, and the finest texture of a picture without
    noise is taken for noise of one or two grey levels.

    Reference for the first guess: Donoho, Johnstone, Ideal spatial adaptation by wavelet shrinkage, 1994 (Haar details).

    Example:
        >>> NoiseLevel()(torch.rand(2, 3, 40, 50)).shape
        torch.Size([2])
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        if width < 1:
            raise OptionError(f"got a width of {width}, expected at least one channel")
        self.settings: dict[str, Any] = {"width": width}
        layers: list[nn.Module] = []
        for before, stride in ((1, 1), (width, 2), (width, 1), (width, 2), (width, 1)):
            layers += [nn.Conv2d(before, width, 3, stride=stride), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 2, 1))

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Measure.

        Args:
            image: Noisy images, grey or of any channels, all with the same noise.

        Returns:
            One standard deviation per item, in the units of the image.

        Raises:
            ShapeError: Another number of axes, or a side below 21 pixels.
        """
        if image.ndim != 4 or image.shape[1] == 0 or min(image.shape[-2:]) < _SMALLEST:
            raise ShapeError(
                f"got images of shape {tuple(image.shape)}, expected (batch, channels, height, width) with sides of at "
                f"least {_SMALLEST} pixels to measure noise: say how strong it is"
            )
        planes = image.flatten(0, 1)[:, None]
        guess = first_guess(image).repeat_interleave(image.shape[1])[:, None, None, None]
        centered = (planes - planes.mean(dim=(-2, -1), keepdim=True)) / guess
        added, trust = self.layers(centered).reshape(len(image), image.shape[1], 2, -1).unbind(dim=2)
        share = trust.flatten(1).softmax(dim=-1)
        return guess.reshape(len(image), -1)[:, 0] * (share * added.flatten(1)).sum(dim=-1).exp()


def first_guess(image: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Median of |x₀₀ - x₀₁ - x₁₀ + x₁₁| / 2 over 0.6745, never zero: the noise of a flat image.

    Args:
        image: Images (batch, channels, height, width).

    Returns:
        One value per item.
    """
    mixed = image[..., 1:, 1:] - image[..., :-1, 1:] - image[..., 1:, :-1] + image[..., :-1, :-1]
    return torch.median((mixed / 2).abs().flatten(1), dim=1).values / 0.6745 + 1e-6
