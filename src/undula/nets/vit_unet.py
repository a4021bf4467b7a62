"""U-Nets that are shown, at their narrowest place, what a frozen vision transformer sees in the whole picture."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, max_pool2d

from undula.errors import OptionError
from undula.nets.tokens import FrozenViT
from undula.nets.unet import UNet, check_batch, cropped, padded, padded_level
from undula.nets.vit import BASE, ViTSource


class ViTUNet(nn.Module):
    """The residual U-Net with a frozen ViT beside it: x̂ = y - f(y, σ, ViT(y)).

    The tokens of the patches are pooled to the grid of the last level, go through a perceptron each, and are joined to the
    features there. This way in begins at zero, so that a new network is its U-Net; unlike that, it does not scale
    with its input. Pictures of any size are continued to multiples of the patch (see `token_grid`).

    Args:
        vit: Whose tokens: a Hugging Face ViTModel, or a module like one (see `token_grid`), of which a copy is taken; a
            folder that holds one, read without a network; settings of a random one; None for the small random one.
        channels: Channels of the images: 1 for grey, 3 for color.
        widths: As in `UNet`.
        blocks: As in `UNet`.
        shuffle: As in `UNet`.

    Raises:
        OptionError: The numbers do not fit one another, or not the ViT.
        DataError: The folder cannot be read.
        MissingExtra: The package transformers is needed and not installed.

    When it fails: attention looks at the whole picture, so a picture in tiles is not the picture in one, and time grows
    with the square of the number of pixels once that is large.

    Reference: Dosovitskiy et al., An image is worth 16x16 words, 2021.

    Example:
        >>> small = {"hidden_size": 24, "num_hidden_layers": 1}
        >>> ViTUNet(small)(torch.rand(2, 3, 31, 50), torch.tensor([0.1, 0.2])).shape
        torch.Size([2, 3, 31, 50])
    """

    reach = None  # the whole picture: no border around a tile is wide enough

    def __init__(
        self,
        vit: ViTSource = None,
        *,
        channels: int = 3,
        widths: Sequence[int] = (48, 80, 96),
        blocks: Sequence[int] = (2, 1, 1),
        shuffle: int = 2,
    ) -> None:
        super().__init__()
        self.unet = UNet(channels, widths, blocks, shuffle)
        self.vit = _frozen(vit, channels)
        self.multiple = math.lcm(self.unet.multiple, self.vit.patch)
        width = widths[-1]
        self.project = nn.Sequential(nn.Linear(self.vit.width, width), nn.ReLU(), nn.Linear(width, width))
        self.fuse = nn.Conv2d(2 * width, width, 1, bias=False)
        with torch.no_grad():
            self.fuse.weight.copy_(torch.eye(width, 2 * width)[:, :, None, None])

    @classmethod
    def seed(cls, vit: ViTSource = None) -> "SeedViTUNet":
        """Make the network of the blog post that this one comes from.

        Args:
            vit: As in `SeedViTUNet`.

        Returns:
            The network, with weights of its own.
        """
        return SeedViTUNet(vit)

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.unet.channels

    @property
    def settings(self) -> dict[str, Any]:
        """What makes the same network again, with `load_state_dict`, which brings the weights of the ViT too."""
        return {"vit": dict(self.vit.settings), **self.unet.settings}

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
        y = padded(image, self.multiple)
        features, skips = self.unet.encode(y, padded_level(sigma, self.multiple))
        seen = _seen(self.vit, y, self.project, like=features)
        features = self.fuse(torch.cat([features, seen], dim=1))
        return image - cropped(self.unet.decode(features, skips), image)


class SeedViTUNet(nn.Module):
    """The hybrid of the blog post "Denoising autoencoders, part 2", wired as there, its weights named as there.

    A U-Net of 64, 128 and 256 channels with max pooling, and a frozen ViT, whose 14 × 14 tokens are pooled to the 28 × 28
    places of the bottleneck, go through a perceptron each, and are joined to the features. No residual, no activation at the
    end; it is not told the noise level. It is kept to be compared with: 10.7 million trained weights beside a ViT 768 wide.

    Args:
        vit: As in `ViTUNet`; None is a random one of the size of google/vit-base-patch16-224, whose weights the post takes.

    Raises:
        OptionError: The ViT has not three channels.
        DataError: The folder cannot be read.
        MissingExtra: The package transformers is needed and not installed.

    When it fails: on other noise than it was trained with.

    Reference: M. Malek, Denoising autoencoders, part 2: transformer-based denoising, 2025.

    Example:
        >>> small = {"hidden_size": 24, "num_hidden_layers": 1}
        >>> SeedViTUNet(small)(torch.rand(1, 3, 20, 31), torch.tensor(0.1)).shape
        torch.Size([1, 3, 20, 31])
    """

    reach = None  # the whole picture: no border around a tile is wide enough
    channels = 3

    def __init__(self, vit: ViTSource = None) -> None:
        super().__init__()
        self.vit = _frozen(BASE if vit is None else vit, self.channels)
        self.multiple = math.lcm(8, self.vit.patch)
        self.encoder1, self.encoder2, self.encoder3 = _pair(3, 64), _pair(64, 128), _pair(128, 256)
        self.vit_projection = nn.Sequential(nn.Linear(self.vit.width, 512), nn.ReLU(), nn.Linear(512, 512))
        self.bottleneck = _pair(256 + 512, 512)
        self.upconv3, self.decoder3 = nn.ConvTranspose2d(512, 256, 2, stride=2), _pair(512, 256)
        self.upconv2, self.decoder2 = nn.ConvTranspose2d(256, 128, 2, stride=2), _pair(256, 128)
        self.upconv1, self.decoder1 = nn.ConvTranspose2d(128, 64, 2, stride=2), _pair(128, 64)
        self.output_layer = nn.Conv2d(64, 3, 1)

    @property
    def settings(self) -> dict[str, Any]:
        """What makes the same network again, with `load_state_dict`, which brings the weights of the ViT too."""
        return {"vit": dict(self.vit.settings)}

    def forward(self, image: Float[Tensor, "b c h w"], sigma: Tensor) -> Float[Tensor, "b c h w"]:
        """Denoise.

        Args:
            image: Noisy images, in [0, 1] but for their noise.
            sigma: Taken as by the other networks, and not used.

        Returns:
            The images as the network sees them without noise.

        Raises:
            ShapeError: Another number of channels, an empty image, or levels of noise that fit no image.
        """
        check_batch(image, sigma, channels=self.channels)
        y = padded(image, self.multiple)
        fine = self.encoder1(y)
        middle = self.encoder2(max_pool2d(fine, 2))
        coarse = self.encoder3(max_pool2d(middle, 2))
        narrow = max_pool2d(coarse, 2)
        seen = _seen(self.vit, y, self.vit_projection, like=narrow)
        features = self.bottleneck(torch.cat([narrow, seen], dim=1))
        features = self.decoder3(torch.cat([self.upconv3(features), coarse], dim=1))
        features = self.decoder2(torch.cat([self.upconv2(features), middle], dim=1))
        features = self.decoder1(torch.cat([self.upconv1(features), fine], dim=1))
        return cropped(self.output_layer(features), image)


def _frozen(vit: ViTSource, channels: int) -> FrozenViT:
    made = FrozenViT(vit)
    if channels not in (1, made.channels):
        raise OptionError(
            f"got {channels} channels and a ViT of {made.channels}, expected 1 or {made.channels}: take another ViT"
        )
    return made


def _seen(vit: FrozenViT, image: Tensor, project: nn.Module, *, like: Tensor) -> Float[Tensor, "b width rows columns"]:
    """What the ViT sees at the places of the features."""
    tokens = adaptive_avg_pool2d(vit(image), (like.shape[-2], like.shape[-1]))
    return project(tokens.movedim(1, -1)).movedim(-1, 1).to(like.dtype)


def _pair(channels: int, made: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, made, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(made, made, 3, padding=1),
        nn.ReLU(inplace=True),
    )
