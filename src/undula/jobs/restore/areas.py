"""Areas that are black or white themselves, told from pixels that were made so, by a small network."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from undula.data import uniform
from undula.data.crops import Crops
from undula.jobs.restore.examples import drawn_plane
from undula.nets.tiles import in_tiles
from undula.nets.unet import UNet

_PIXELS, _VALUES, _SHARE, _EXPOSURE, _KIND = range(11, 16)  # counters of what is drawn for a number
_SEEDS = 2**40
_LEVELS = 255


def chances(
    network: UNet, planes: Float[Tensor, "n h w"], low: Bool[Tensor, "n h w"], high: Bool[Tensor, "n h w"], *, tile: int
) -> Float[Tensor, "n h w"]:
    """How likely a black or white pixel was so before.

    Args:
        network: The network.
        planes: Images in [0, 1].
        low: True for black pixels.
        high: True for white pixels.
        tile: Side of the tiles that larger images are cut into.

    Returns:
        Probabilities; 0 at pixels that are neither black nor white.
    """
    share = (low | high).to(planes.dtype).mean((1, 2))
    seen = _seen(planes, low, high)
    logits = in_tiles(
        lambda some: _logits(network, some, share), seen, tile=tile, reach=network.reach, multiple=network.multiple
    )
    return torch.where(low, logits[:, 0], logits[:, 1]).sigmoid() * (low | high)


@dataclass(frozen=True)
class Corrupted:
    """Crops of which pixels were made black and white, by number, and which of them were so before.

    In half of the crops as many pixels become black as white, in a quarter all of them black, in a quarter white. Half have
    their contrast raised up to four times first, about a level that is drawn: few photographs have as much pure black and
    white as those that are exposed too long or too briefly.

    Attributes:
        crops: Where the crops come from, three channels.
    """

    crops: Crops

    def __call__(self, numbers: Int[Tensor, " n"]) -> dict[str, Tensor]:
        """Return the examples of these numbers.

        Args:
            numbers: Numbers (n,).

        Returns:
            "image" (n, h, w) as corrupted, "before" (n, h, w).
        """
        seeds = numbers + self.crops.seed * _SEEDS
        plane = drawn_plane(self.crops(numbers), seeds)
        before = (_exposed(plane, seeds) * _LEVELS).round() / _LEVELS
        share = uniform(seeds, torch.full_like(seeds, _SHARE), (1,), dtype=torch.float32)[:, 0]
        shape = tuple(before.shape[1:])
        field, value = (
            uniform(seeds, torch.full_like(seeds, one), shape, dtype=torch.float32) for one in (_PIXELS, _VALUES)
        )
        lost = field < (1 - 0.9 * (0.02 / 0.9) ** share)[:, None, None]  # from a tenth to all but two of a hundred
        kind = uniform(seeds, torch.full_like(seeds, _KIND), (1,), dtype=torch.float32)[:, 0]
        white = torch.where(kind < 0.5, 0.5, (kind < 0.75).float())[:, None, None]
        return {"image": torch.where(lost, (value < white).float(), before), "before": before}


def _exposed(plane: Tensor, seeds: Tensor) -> Tensor:
    chance, power, place = uniform(seeds, torch.full_like(seeds, _EXPOSURE), (3,), dtype=torch.float32).unbind(1)
    gain = torch.where(chance < 0.5, 4**power, 1)[:, None, None]
    return (0.5 + gain * (plane - 0.5) + (gain - 1).clamp(max=1) * (place - 0.5)[:, None, None] * gain).clamp(0, 1)


def telling(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """The objective: cross entropy over the black and white pixels.

    Args:
        network: A `UNet` of three channels.
        batch: Examples.
    """
    image, before = batch["image"], batch["before"]
    low, high = image == 0, image == 1
    share = (low | high).float().mean((1, 2))
    logits = _logits(network, _seen(image, low, high), share)
    entropy = [
        (binary_cross_entropy_with_logits(logits[:, place], (before == place).float(), reduction="none") * those).sum()
        for place, those in enumerate((low, high))
    ]
    return (entropy[0] + entropy[1]) / (low | high).sum().clamp(min=1)


def _seen(planes: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Three planes: the values that are neither black nor white, about their middle; black; white."""
    plain = torch.where(low | high, 0, planes + 0.5)
    return torch.stack([plain, low.to(planes.dtype), high.to(planes.dtype)], dim=1)


def _logits(network: nn.Module, seen: Tensor, share: Tensor) -> Tensor:
    """Two planes of logits, and a third that means nothing."""
    return 10 * (seen - network(seen, share))
