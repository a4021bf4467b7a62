"""A residual U-Net that is told how strong the noise is."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, pixel_shuffle, pixel_unshuffle, relu

from undula.errors import OptionError, ShapeError


class UNet(nn.Module):
    """Estimate of the noise in an image, subtracted from it: x̂ = y - f(y, σ).

    Pixels are dealt to channels first (`shuffle` × `shuffle` of them to one place), which saves most of the arithmetic;
    then levels of residual blocks, each of half the resolution of the one before, and back up with sums of skips. There are
    no biases, and the only nonlinearity is the rectifier, so that f(a y, a σ) = a f(y, σ) for a > 0: what is learned at
    one brightness and noise level is used at all.

    Args:
        channels: Channels of the images: 1 for grey, 3 for color.
        widths: Channels of each level.
        blocks: Residual blocks of each level; those of all but the last stand on the way down and again on the way up.
        shuffle: Side of the squares of pixels that become channels; 1 deals nothing.

    Raises:
        OptionError: Widths and blocks differ in number, or a number is not positive.

    When it fails: on noise that is correlated between pixels (JPEG, demosaicing, resampling), of which it keeps a part.

    References: Ronneberger, Fischer, Brox, U-Net, 2015. Zhang, Zuo, Zhang, FFDNet (pixels to channels, noise level as
    input), 2018. Mohan, Kadkhodaie, Simoncelli, Fernandez-Granda, Robust and interpretable blind image denoising via
    bias-free convolutional neural networks, 2020.

    Example:
        >>> UNet(channels=3)(torch.rand(2, 3, 31, 50), torch.tensor([0.1, 0.2])).shape
        torch.Size([2, 3, 31, 50])
    """

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (48, 80, 96),
        blocks: Sequence[int] = (2, 1, 1),
        shuffle: int = 2,
    ) -> None:
        super().__init__()
        numbers = (channels, shuffle, *widths, *blocks)
        if len(widths) != len(blocks) or not widths or min(numbers) < 1:
            raise OptionError(
                f"got channels {channels}, widths {tuple(widths)}, blocks {tuple(blocks)}, shuffle {shuffle}, expected "
                "positive numbers, as many widths as blocks"
            )
        self.settings: dict[str, Any] = {
            "channels": channels,
            "widths": list(widths),
            "blocks": list(blocks),
            "shuffle": shuffle,
        }
        self.channels, self.shuffle = channels, shuffle
        self.multiple = shuffle * 2 ** (len(widths) - 1)
        dealt = channels * shuffle**2
        steps = list(pairwise(widths))
        self.head = _convolution(dealt + 1, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(*(Block(w) for _ in range(n))) for w, n in zip(widths, blocks, strict=True)
        )
        self.coarser = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2, bias=False) for a, b in steps)
        self.finer = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2, bias=False) for a, b in steps)
        self.up = nn.ModuleList(
            nn.Sequential(*(Block(w) for _ in range(n))) for w, n in zip(widths[:-1], blocks[:-1], strict=True)
        )
        self.tail = _convolution(widths[0], dealt)
        self._start()

    @property
    def reach(self) -> int:
        """Pixels from which a result may be reached: the border that a tile needs, a multiple of `multiple`.

        Every convolution of three adds one place of its level on each side; those of two and the dealing add the alignment.
        """
        counts = [2 * len(blocks) for blocks in self.down]  # type: ignore[arg-type]
        steps = [self.shuffle * 2**level for level in range(len(counts))]
        there_and_back = [count * (2 if level < len(counts) - 1 else 1) for level, count in enumerate(counts)]
        reach = 2 * self.shuffle + sum(count * step for count, step in zip(there_and_back, steps, strict=True))
        return self.multiple * (math.ceil(reach / self.multiple) + 1)

    def forward(self, image: Float[Tensor, "b c h w"], sigma: Tensor) -> Float[Tensor, "b c h w"]:
        """Denoise.

        Args:
            image: Noisy images, in [0, 1] but for their noise.
            sigma: Standard deviation of the noise in the same units: one number, one per item (b,), or a map (b, 1, h, w).

        Returns:
            The images less the noise that was found.

        Raises:
            ShapeError: Another number of channels, an empty image, or levels of noise that fit no image.
        """
        check_batch(image, sigma, channels=self.channels)
        features, skips = self.encode(padded(image, self.multiple), padded_level(sigma, self.multiple))
        return image - cropped(self.decode(features, skips), image)

    def encode(
        self, image: Float[Tensor, "b c h w"], sigma: Tensor
    ) -> tuple[Float[Tensor, "b width rows columns"], list[Tensor]]:
        """Go the way down, before the blocks of the last level.

        Args:
            image: Noisy images whose sides are multiples of `multiple`.
            sigma: Noise levels as `forward` takes them, a map of the images' size.

        Returns:
            Features of the last level, and of every level above it what skips to the way up.
        """
        level = self._level(sigma.to(image.dtype), image)
        features = self.head(torch.cat([pixel_unshuffle(image, self.shuffle), level], dim=1))
        skips = []
        for blocks, coarser in zip(self.down, self.coarser, strict=False):
            features = blocks(features)
            skips.append(features)
            features = coarser(features)
        return features, skips

    def decode(
        self, features: Float[Tensor, "b width rows columns"], skips: Sequence[Tensor]
    ) -> Float[Tensor, "b c h w"]:
        """Go through the blocks of the last level and the way up.

        Args:
            features: Features of the last level.
            skips: What `encode` returned with them.

        Returns:
            The noise that was found.
        """
        features = self.down[-1](features)
        for blocks, finer, skip in zip(reversed(self.up), reversed(self.finer), reversed(skips), strict=True):
            features = blocks(finer(features) + skip)
        return pixel_shuffle(self.tail(features), self.shuffle)

    def _level(self, sigma: Tensor, y: Tensor) -> Tensor:
        """The noise level at every place."""
        places = (y.shape[-2] // self.shuffle, y.shape[-1] // self.shuffle)
        if _is_map(sigma):
            return interpolate(sigma, size=places, mode="area")
        return sigma.reshape(-1, 1, 1, 1).expand(y.shape[0], 1, *places)

    def _start(self) -> None:
        """Weights of He et al. 2015; blocks begin near the identity and the network at no noise."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight)
        for module in self.modules():
            if isinstance(module, Block):
                module.second.weight.data.mul_(0.2)
        nn.init.zeros_(self.tail.weight)


class Block(nn.Module):
    """Two convolutions added to what came in.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(width, width), _convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return x + second(relu(first(x)))."""
        return x + self.second(relu(self.first(x)))


def check_batch(image: Tensor, sigma: Tensor, *, channels: int) -> None:
    """Refuse images and noise levels that a network cannot take.

    Args:
        image: Noisy images (b, c, h, w).
        sigma: One number, one per item (b,), or a map (b, 1, h, w).
        channels: Channels of the network.

    Raises:
        ShapeError: Another number of channels, an empty image, or levels of noise that fit no image.
    """
    if image.ndim != 4 or image.shape[1] != channels or image.numel() == 0:
        raise ShapeError(
            f"got images of shape {tuple(image.shape)}, expected (batch, {channels}, height, width), not empty"
        )
    batch = image.shape[0]  # not len(), which would fix it in an exported program
    if sigma.numel() not in (1, batch) and sigma.shape != (batch, 1, *image.shape[-2:]):
        raise ShapeError(
            f"got noise levels of shape {tuple(sigma.shape)} for images of shape {tuple(image.shape)}, expected one "
            "number, one per image, or a map (batch, 1, height, width)"
        )


def padded(image: Float[Tensor, "b c h w"], multiple: int) -> Float[Tensor, "b c _ _"]:
    """Continue images to sides that are multiples: mirrored where they are long enough, else with their last pixels.

    Args:
        image: Images.
        multiple: What the sides become multiples of.

    Returns:
        The images, continued below and on the right.
    """
    height, width = image.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if not below and not right:
        return image
    mirrored = below < height and right < width
    return pad(image, (0, right, 0, below), mode="reflect" if mirrored else "replicate")


def padded_level(sigma: Tensor, multiple: int) -> Tensor:
    """Continue a map of the noise level as `padded` continues its image; a number stays what it is.

    Args:
        sigma: One number, one per item (b,), or a map (b, 1, h, w).
        multiple: What the sides of a map become multiples of.

    Returns:
        The noise level of the continued images.
    """
    return padded(sigma, multiple) if _is_map(sigma) else sigma


def cropped(result: Float[Tensor, "b c _ _"], image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Take what was continued off again.

    Args:
        result: What was made of continued images.
        image: The images before.

    Returns:
        The part of the result that lies on the images, in their type.
    """
    return result[..., : image.shape[-2], : image.shape[-1]].to(image.dtype)


def _is_map(sigma: Tensor) -> bool:
    return sigma.ndim == 4 and sigma.shape[-2:].numel() > 1


def _convolution(channels: int, made: int) -> nn.Conv2d:
    return nn.Conv2d(channels, made, 3, padding=1, bias=False)
