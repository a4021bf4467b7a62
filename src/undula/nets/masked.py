"""A vision transformer learns pictures without labels: parts are hidden, and it tells what was there."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from undula.data import uniform
from undula.errors import OptionError, ShapeError
from undula.nets.tokens import patch_places, token_grid, vit_numbers, vit_pixels
from undula.nets.vit import ViTSource, made_vit, vit_settings

_DRAW = 20_211  # number of the draw that hides patches: no other draw of an example has it, so masks depend on no crop
_LEVEL = 2 / 255  # one grey level of 255 in the units of a ViT: a flat patch has no structure to be told


class MaskedPatches(nn.Module):
    """The loss of a ViT that tells hidden patches from the others: mean over hidden patches of ‖W t + b - p‖² / n.

    Patches are replaced by one learned patch, which the linear map into the ViT makes the mask token of the papers; t is what
    the ViT returns at their places, p their n pixels less their mean and divided by their deviation. Telling
    nothing but the mean of a patch costs 1, or less where a patch is flat.

    Args:
        vit: What learns: a module, which is trained itself (`masked.vit` is what `ViTUNet` takes then); a folder; settings
            of a random one; None for the small random one.
        ratio: Share of the patches that are hidden, between 0 and 1.
        seed: Another seed hides other patches.

    Raises:
        OptionError: The share is not between 0 and 1, or the settings do not describe a ViT.
        DataError: The folder cannot be read.
        MissingExtra: The package transformers is needed and not installed.

    References: Xie et al., SimMIM, 2022 (a mask token, a linear head). He et al., Masked autoencoders are scalable vision
    learners, 2022 (pixels normalized by patch).

    Example:
        >>> masked = MaskedPatches({"hidden_size": 24, "num_hidden_layers": 1})
        >>> masked(torch.rand(2, 3, 32, 48), torch.arange(2)).shape
        torch.Size([])
    """

    def __init__(self, vit: ViTSource = None, *, ratio: float = 0.6, seed: int = 0) -> None:
        super().__init__()
        if not 0 < ratio < 1:
            raise OptionError(f"got ratio={ratio}, expected a share of the patches between 0 and 1: try 0.6")
        self.vit, self.ratio, self.seed = made_vit(vit), ratio, seed
        if getattr(self.vit, "pooler", None) is not None:
            self.vit.pooler.requires_grad_(False)  # it gets no gradient, which training on several devices refuses
        width, self.patch, self.channels = vit_numbers(self.vit)
        self.hidden = nn.Parameter(torch.zeros(self.channels, self.patch, self.patch))
        self.head = nn.Linear(width, self.channels * self.patch**2)
        self.settings: dict[str, Any] = {"vit": vit_settings(self.vit, vit), "ratio": ratio, "seed": seed}

    def forward(
        self, image: Float[Tensor, "b c h w"], hide: Int[Tensor, " b"] | Bool[Tensor, "b _ _"]
    ) -> Float[Tensor, ""]:
        """Return the loss.

        Args:
            image: Pictures in [0, 1], grey or with the channels of the ViT; sides are multiples of the patch.
            hide: Numbers of the pictures, which decide what is hidden; or what is hidden (b, rows, columns), at least one
                patch of each.

        Returns:
            The mean of the pictures' losses; items do not know each other.

        Raises:
            ShapeError: A side is no multiple of the patch, or the patches to hide are not those of the pictures.

        Example:
            An objective for `undula.fit.train`, whose batches are pictures and their numbers:

            >>> def objective(network, batch):
            ...     return network(*batch)
        """
        pixels = vit_pixels(image, channels=self.channels)
        rows, columns = patch_places(image, self.patch)
        mask = hide if hide.dtype == torch.bool else self.mask(hide, rows, columns)
        if mask.shape != (len(image), rows, columns) or not mask.flatten(1).any(dim=1).all():
            raise ShapeError(
                f"got patches to hide of shape {tuple(mask.shape)} for images of shape {tuple(image.shape)}, expected "
                f"({len(image)}, {rows}, {columns}) and at least one in each"
            )
        spread = mask.repeat_interleave(self.patch, 1).repeat_interleave(self.patch, 2)
        covered = torch.where(spread[:, None], self.hidden.repeat(1, rows, columns), pixels)
        told = self.head(token_grid(self.vit, covered).movedim(1, -1))
        errors = (told.float() - self.targets(pixels)).square().mean(dim=-1) * mask
        return (errors.sum(dim=(1, 2)) / mask.sum(dim=(1, 2))).mean()

    def mask(self, numbers: Int[Tensor, " b"], rows: int, columns: int) -> Bool[Tensor, "b rows columns"]:
        """Say which patches are hidden: the same for a number in every batch, the same count in every picture.

        Args:
            numbers: Numbers of the pictures.
            rows: Patches from top to bottom.
            columns: Patches from left to right.

        Returns:
            True where a patch is hidden.

        Raises:
            ShapeError: There are fewer than two patches.
        """
        count = rows * columns
        if count < 2:
            raise ShapeError(
                f"got {rows} × {columns} patches of {self.patch}, expected two at least: take larger images"
            )
        seeds = numbers + self.seed * 2**40
        drawn = uniform(seeds, torch.full_like(seeds, _DRAW), (count,), dtype=torch.float32)
        hidden = min(max(round(self.ratio * count), 1), count - 1)
        places = drawn.argsort(dim=1, stable=True)[
            :, :hidden
        ]  # two of 196 numbers are equal once in a thousand pictures
        mask = torch.zeros(len(numbers), count, dtype=torch.bool, device=numbers.device)
        return mask.scatter_(1, places, True).reshape(-1, rows, columns)

    def targets(self, pixels: Float[Tensor, "b c h w"]) -> Float[Tensor, "b rows columns n"]:
        """Pixels of every patch less their mean and divided by their deviation.

        Args:
            pixels: Pictures as the ViT knows them.

        Returns:
            The n = channels × patch × patch pixels of each.
        """
        batch, channels = pixels.shape[:2]
        rows, columns = patch_places(pixels, self.patch)
        patches = pixels.float().reshape(batch, channels, rows, self.patch, columns, self.patch)
        flat = patches.permute(0, 2, 4, 1, 3, 5).flatten(3)
        centered = flat - flat.mean(dim=-1, keepdim=True)
        return centered / (centered.square().mean(dim=-1, keepdim=True) + _LEVEL**2).sqrt()
