"""Tokens of a vision transformer as a grid over the picture, and a ViT that is looked through and never changed."""

import copy
import inspect
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import ShapeError
from undula.nets.vit import ViTSource, made_vit, vit_settings, vit_value

_LEADING = 16  # most tokens before those of the patches: class, distillation and registers are five at most


def token_grid(vit: nn.Module, pixels: Float[Tensor, "b c h w"]) -> Float[Tensor, "b width rows columns"]:
    """Tokens of the patches of pictures, each at its place.

    Pictures of any size are cut into the patches that the ViT knows, and its position codes are interpolated. Scaling
    pictures to the size of the ViT would change the grain of their noise, with which the ViT and what follows it are
    trained, and their proportions.

    Args:
        vit: A module with a `config` that names `hidden_size` and `patch_size`; it returns tokens (b, n, width), first
            those that stand for no patch, as a tensor, in a tuple, or as `last_hidden_state`.
        pixels: Pictures as the ViT knows them; sides are multiples of the patch.

    Returns:
        One token per patch.

    Raises:
        ShapeError: A side is no multiple of the patch, or the tokens are not those of the patches.
    """
    rows, columns = patch_places(pixels, int(vit_value(vit, "patch_size")))
    interpolated = "interpolate_pos_encoding" in inspect.signature(vit.forward).parameters
    out = vit(pixels, interpolate_pos_encoding=True) if interpolated else vit(pixels)
    tokens = out if isinstance(out, Tensor) else out[0]  # of a Hugging Face output the last hidden state is the first
    leading = tokens.shape[1] - rows * columns if tokens.ndim == 3 else -1
    if not 0 <= leading <= _LEADING:
        raise ShapeError(
            f"got tokens of shape {tuple(tokens.shape)} for images of shape {tuple(pixels.shape)}, expected "
            f"{rows * columns} patches for each, behind at most {_LEADING} other tokens: give a ViT without a head"
        )
    return tokens[:, leading:].unflatten(1, (rows, columns)).movedim(-1, 1)


def patch_places(image: Float[Tensor, "b c h w"], patch: int) -> tuple[int, int]:
    """Count the patches of pictures.

    Args:
        image: Pictures of any channels.
        patch: Side of a patch in pixels.

    Returns:
        How many lie below each other, and beside each other.

    Raises:
        ShapeError: A side is no multiple of the patch.
    """
    height, width = image.shape[-2:]
    if height % patch or width % patch or not height * width:
        raise ShapeError(
            f"got images of shape {tuple(image.shape)}, expected sides that are multiples of {patch}: cut or pad them"
        )
    return height // patch, width // patch


def vit_pixels(image: Float[Tensor, "b c h w"], *, channels: int = 3) -> Float[Tensor, "b _ h w"]:
    """Pictures as a ViT knows them: (x - 0.5) / 0.5, grey repeated.

    Args:
        image: Pictures in [0, 1] but for their noise.
        channels: Channels of the ViT.

    Returns:
        The same in [-1, 1].

    Raises:
        ShapeError: The pictures are neither grey nor have the channels of the ViT.
    """
    if image.shape[1] not in (1, channels):
        raise ShapeError(
            f"got images of {image.shape[1]} channels and a ViT of {channels}, expected 1 or {channels}: take another ViT"
        )
    return (2 * image - 1).expand(-1, channels, -1, -1)


def vit_numbers(vit: nn.Module) -> tuple[int, int, int]:
    """Return width of the tokens, side of the patches, and channels of a ViT, three where it does not name them.

    Args:
        vit: A module with a `config`.

    Returns:
        The three numbers.
    """
    config: Any = vit.config
    return (
        int(vit_value(vit, "hidden_size")),
        int(vit_value(vit, "patch_size")),
        int(getattr(config, "num_channels", 3)),
    )


class FrozenViT(nn.Module):
    """A ViT that is looked through and never changed: no gradients of its weights, always in evaluation mode.

    Its weights are part of the state that is saved, so that a network can be loaded where the folder that its ViT was read
    from does not exist. Gradients with respect to the picture do flow through it.

    Args:
        vit: As in `made_vit`; of a module a copy is taken, so that training it elsewhere changes nothing here.

    Raises:
        OptionError: The settings do not describe a ViT, or a module does not say what its tokens are.
        DataError: The folder cannot be read.
        MissingExtra: The package transformers is needed and not installed.

    Example:
        >>> import torch
        >>> FrozenViT({"hidden_size": 24, "num_hidden_layers": 1})(torch.rand(2, 1, 32, 48)).shape
        torch.Size([2, 24, 2, 3])
    """

    def __init__(self, vit: ViTSource = None) -> None:
        super().__init__()
        made = made_vit(vit)
        self.model = copy.deepcopy(made) if made is vit else made
        for part, owner in (("pooler", self.model), ("mask_token", getattr(self.model, "embeddings", None))):
            if getattr(owner, part, None) is not None:
                setattr(owner, part, None)  # not needed for tokens of patches
        self.model.requires_grad_(False).eval()
        self.width, self.patch, self.channels = vit_numbers(self.model)
        self.settings = vit_settings(self.model, vit)

    def train(self, mode: bool = True) -> "FrozenViT":
        """Stay in evaluation mode.

        Args:
            mode: What is asked for, and not done.

        Returns:
            The module.
        """
        super().train(mode)
        self.model.eval()
        return self

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b width rows columns"]:
        """Tokens of the patches.

        Args:
            image: Pictures in [0, 1] but for their noise, grey or with the channels of the ViT; sides are multiples of
                `patch`.

        Returns:
            One token per patch.
        """
        return token_grid(self.model, vit_pixels(image, channels=self.channels))
