"""What a denoiser learns from: crops of pictures with noise, each decided by its number alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from undula.data import normal, uniform
from undula.data.crops import Crops
from undula.losses import ItemLoss, Weighted

_NOISE, _LEVEL, _JUDGED = 1, 2, 3  # counters of what is drawn for a number; crops take 0
_SEEDS = 2**40


@dataclass(frozen=True)
class Examples:
    """Noisy crops, their clean originals and their noise levels, by number.

    Attributes:
        crops: Where the crops come from; with `paired`, pictures of twice the channels, clean above noisy.
        levels: Lowest and highest standard deviation of white Gaussian noise, in image units; drawn evenly between.
        paired: Whether the noise is in the pictures already.
    """

    crops: Crops
    levels: tuple[float, float]
    paired: bool = False

    def __call__(self, numbers: Int[Tensor, " n"]) -> dict[str, Tensor]:
        """Return the examples of these numbers.

        Args:
            numbers: Numbers (n,).

        Returns:
            "noisy" and "clean" (n, c, size, size), and "sigma" (n,); of pairs the deviation of their difference.
        """
        crops = self.crops(numbers)
        if self.paired:
            clean, noisy = crops.chunk(2, dim=1)
            return {"noisy": noisy, "clean": clean, "sigma": (noisy - clean).flatten(1).std(dim=1)}
        low, high = self.levels
        seeds = numbers + self.crops.seed * _SEEDS
        share = uniform(seeds, torch.full_like(numbers, _LEVEL), (1,), dtype=torch.float32)[:, 0]
        sigma = low + (high - low) * share
        noise = normal(seeds, torch.full_like(numbers, _NOISE), tuple(crops.shape[1:]), dtype=torch.float32)
        return {"noisy": crops + sigma[:, None, None, None] * noise, "clean": crops, "sigma": sigma}


def denoising(loss: ItemLoss) -> Callable[[nn.Module, dict[str, Tensor]], tuple[Tensor, dict[str, Tensor]]]:
    """The objective of a denoiser.

    Args:
        loss: Comparison of output and original.

    Returns:
        A function of network and batch that gives the loss, and its parts where it is a mix.
    """

    def objective(network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        value = loss(network(batch["noisy"], batch["sigma"]), batch["clean"])
        parts = loss.parts if isinstance(loss, Weighted) and len(loss.weights) > 1 else {}
        return value, parts

    return objective


def measuring(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """The objective of a network that measures noise: mean of |log σ̂ - log σ|.

    Args:
        network: Maps images to one noise level each.
        batch: Examples.
    """
    return (network(batch["noisy"]).log() - batch["sigma"].log()).abs().mean()


@dataclass(frozen=True)
class Validation:
    """The same noisy pictures every time.

    Attributes:
        clean: Pictures of one size (n, c, h, w).
        noisy: The same with the noise of each level (levels, n, c, h, w).
        levels: Noise levels in image units.
    """

    clean: Float[Tensor, "n c h w"]
    noisy: Float[Tensor, "levels n c h w"]
    levels: tuple[float, ...]

    @classmethod
    def of(cls, pictures: Sequence[Tensor], *, levels: Sequence[float], size: int, seed: int = 0) -> "Validation":
        """Take the middle of each picture, and add noise.

        Args:
            pictures: Pictures (c, h, w), no side below `size`.
            levels: Noise levels in image units.
            size: Side of the pieces.
            seed: Seed of the noise.
        """
        clean = torch.stack([_middle(picture, size) for picture in pictures]).float()
        count = len(levels) * len(clean)
        numbers = torch.arange(count) + (seed + 1) * _SEEDS
        noise = normal(numbers, torch.full((count,), _JUDGED), tuple(clean.shape[1:]), dtype=torch.float32)
        scale = torch.tensor(list(levels))[:, None, None, None, None]
        return cls(clean, clean + scale * noise.reshape(len(levels), *clean.shape), tuple(levels))

    @classmethod
    def of_pairs(cls, clean: Sequence[Tensor], noisy: Sequence[Tensor], *, size: int) -> "Validation":
        """Take the middle of each pair; its noise level is the deviation of the difference, over all pairs.

        Args:
            clean: Pictures (c, h, w), no side below `size`.
            noisy: Their noisy partners.
            size: Side of the pieces.
        """
        wanted, given = (torch.stack([_middle(one, size) for one in some]).float() for some in (clean, noisy))
        return cls(wanted, given[None], (float((given - wanted).std()),))

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> tuple[float, dict[str, float]]:
        """Judge a network.

        Args:
            network: Maps noisy images and their level to clean ones.

        Returns:
            The negative mean PSNR over pictures and levels, and the mean PSNR of each level by its grey levels.
        """
        device = next(network.parameters()).device
        clean, decibels = self.clean.to(device), {}
        for level, noisy in zip(self.levels, self.noisy, strict=True):
            sigma = torch.tensor([level], device=device)
            errors = [
                (network(one[None].to(device), sigma).clamp(0, 1) - truth).square().mean()
                for one, truth in zip(noisy, clean, strict=True)
            ]
            decibels[f"PSNR at {255 * level:.0f}"] = float(-10 * torch.stack(errors).log10().mean())
        return -sum(decibels.values()) / len(decibels), decibels


def _middle(picture: Tensor, size: int) -> Tensor:
    top, left = ((side - size) // 2 for side in picture.shape[1:])
    return picture[:, top : top + size, left : left + size]
