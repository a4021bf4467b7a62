"""What a filler learns from: crops with missing pixels, each decided by its number alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from undula.data import normal, uniform
from undula.data.crops import Crops
from undula.jobs.restore.smooth import smooth

_GREY, _NOISE, _LEVEL, _PIXELS, _SHARE, _STROKES = range(1, 7)  # counters of what is drawn for a number; crops take 0
_SEEDS = 2**40
_STEPS = 8
_STROKE_COUNT = 12
_COVERAGE = 0.9


@dataclass(frozen=True)
class Examples:
    """Filled crops, which pixels were missing, and the originals, by number.

    Of eight crops seven miss pixels at random, between 45 and 99.2 % of them, evenly in the logarithm of what is left;
    one has scratches and blocks cut out. Every sixth has noise on its known pixels. Color becomes grey by weights that are
    drawn; of ten crops one is a difference of colors, as the planes of color are.

    Attributes:
        crops: Where the crops come from, three channels.
        noise: Largest standard deviation of the noise of known pixels.
    """

    crops: Crops
    noise: float = 30 / 255

    def __call__(self, numbers: Int[Tensor, " n"]) -> dict[str, Tensor]:
        """Return the examples of these numbers.

        Args:
            numbers: Numbers (n,).

        Returns:
            "filled", "clean" and "missing" (n, 1, size, size), and "sigma" (n,).
        """
        seeds = numbers + self.crops.seed * _SEEDS
        clean = drawn_plane(self.crops(numbers), seeds)
        chances = _drawn(seeds, _SHARE, 3)
        size = self.crops.size
        missing = torch.where(
            (chances[:, 0] < 1 / 8)[:, None, None],
            strokes(_drawn(seeds, _STROKES, _STROKE_COUNT * 6), size=size),
            scattered(seeds, chances[:, 1], size=size),
        )
        level = _drawn(seeds, _LEVEL, 2)
        sigma = torch.where(level[:, 0] < 1 / 6, level[:, 1] * self.noise, 0)
        noise = normal(seeds, torch.full_like(numbers, _NOISE), (size, size), dtype=torch.float32)
        filled = smooth(clean + sigma[:, None, None] * noise, missing, steps=_STEPS, half_steps=0)
        return {"filled": filled[:, None], "clean": clean[:, None], "missing": missing[:, None], "sigma": sigma}


def scattered(seeds: Int[Tensor, " n"], share: Float[Tensor, " n"], *, size: int) -> Bool[Tensor, "n size size"]:
    """Pixels that are missing at random, from 45 to 99.2 % of them.

    Args:
        seeds: One for each item.
        share: Where in that range, 0…1, evenly in the logarithm of what is left.
        size: Side.
    """
    known = 0.55 * (0.008 / 0.55) ** share
    field = uniform(seeds, torch.full_like(seeds, _PIXELS), (size, size), dtype=torch.float32)
    return field >= known[:, None, None]


def strokes(drawn: Float[Tensor, "n numbers"], *, size: int) -> Bool[Tensor, "n size size"]:
    """Scratches and blocks: segments of random length and width, from a single block to a dozen scratches.

    Args:
        drawn: Numbers in (0, 1), six for each of up to twelve segments.
        size: Side.
    """
    x, y, angle, long, thick, there = drawn.reshape(len(drawn), -1, 6, 1, 1).unbind(2)
    place = torch.arange(size) + 0.5
    right, down = place - size * x, place[:, None] - size * y
    cos, sin = (torch.pi * angle).cos(), (torch.pi * angle).sin()
    along, across = right * cos + down * sin, down * cos - right * sin
    blocky = there < 0.25
    length = torch.where(blocky, 4 + 0.12 * size * long, 0.1 * size + size * long)
    width = torch.where(blocky, 4 + 0.12 * size * thick, 0.5 + 2.5 * thick)
    inside = (along.abs() < length) & (across.abs() < width)
    shown = there < there[:, :1] + 0.1  # the first always, of the others as many as its number says
    covered = (inside & shown).any(1)
    return covered & (covered.float().mean((1, 2), keepdim=True) < _COVERAGE)


def filling(network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """The objective: mean decibels by which the error stays above that of the smooth filling, and the intervals' loss.

    The first is the logarithm of the mean squared error of each item, whatever its contrast and share of missing pixels;
    the second the quantile loss of the errors' size at 90 % (Koenker and Bassett 1978), over the item's own error, which
    does not reach the picture.

    Args:
        network: A `Filler`.
        batch: Examples.
    """
    squared, before, quantile = _errors(network, batch)
    gained = (squared / before).log()
    return (gained + 0.1 * quantile).mean(), {"gained": gained.mean(), "intervals": quantile.mean()}


def finishing(network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """The objective of the end of training: as `filling`, but items count as the root of their error when filled smoothly.

    The error of a whole picture is that of its hard parts, which the mean of logarithms leaves as important as a clear sky.

    Args:
        network: A `Filler`.
        batch: Examples.
    """
    squared, before, quantile = _errors(network, batch)
    kept = (squared / before.sqrt()).mean() / before.sqrt().mean()
    return kept + 0.1 * quantile.mean(), {"kept": kept, "intervals": quantile.mean()}


def _errors(network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Of every item the mean squared error, that of the smooth filling, and the intervals' loss over the former's root."""
    image, width = network(batch["filled"], batch["missing"], batch["sigma"])
    error = image - batch["clean"]
    squared, before = (each.square().mean((1, 2, 3)) + _FLOOR for each in (error, batch["filled"] - batch["clean"]))
    over = error.detach().abs() - width
    quantile = torch.maximum(0.9 * over, -0.1 * over).mean((1, 2, 3)) / squared.detach().sqrt()
    return squared, before, quantile


_FLOOR = 1e-6  # of the squared error: a crop of one color has nothing to be gained


@dataclass(frozen=True)
class Validation:
    """The same filled pictures every time.

    Attributes:
        clean: Pictures (n, 1, h, w).
        filled: Filled ones, by share of missing pixels.
        missing: Missing pixels, by share.
    """

    clean: Float[Tensor, "n 1 h w"]
    filled: dict[float, Tensor]
    missing: dict[float, Tensor]

    @classmethod
    def of(cls, pictures: Sequence[Tensor], *, shares: Sequence[float], size: int, seed: int = 0) -> "Validation":
        """Take the middle of each picture, and lose pixels.

        Args:
            pictures: Grey pictures (1, h, w), no side below `size`.
            shares: Shares of missing pixels.
            size: Side of the pieces.
            seed: Seed of the missing pixels.
        """
        clean = torch.stack([_middle(picture, size) for picture in pictures]).float()
        numbers = torch.arange(len(clean)) + (seed + 1) * _SEEDS
        field = uniform(numbers, torch.full_like(numbers, _PIXELS), (1, size, size), dtype=torch.float32)
        missing = {share: field < share for share in shares}
        filled = {
            share: smooth(clean[:, 0], gone[:, 0], steps=16, half_steps=0)[:, None] for share, gone in missing.items()
        }
        return cls(clean, filled, missing)

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> tuple[float, dict[str, float]]:
        """Judge a network.

        Args:
            network: A `Filler`.

        Returns:
            The negative mean gain over the smooth filling in decibels, and the gain of each share.
        """
        gains = {}
        for share, filled in self.filled.items():
            missing = self.missing[share]
            sigma = torch.zeros(len(filled))
            done = torch.cat(
                [network(a[None], b[None], c[None])[0] for a, b, c in zip(filled, missing, sigma, strict=True)]
            )
            errors = [
                (torch.where(missing, one, self.clean).clamp(0, 1) - self.clean).square().mean((1, 2, 3)).log10()
                for one in (filled, done)
            ]
            gains[f"gain at {100 * share:.0f} %"] = float(10 * (errors[0] - errors[1]).mean())
        return -sum(gains.values()) / len(gains), gains


def _drawn(seeds: Tensor, counter: int, count: int) -> Tensor:
    return uniform(seeds, torch.full_like(seeds, counter), (count,), dtype=torch.float32)


def drawn_plane(crops: Float[Tensor, "n 3 h w"], seeds: Int[Tensor, " n"]) -> Float[Tensor, "n h w"]:
    """Grey by weights that are drawn, negated in half of the cases; of ten one a difference of colors about 1/2.

    Args:
        crops: Crops in color.
        seeds: One for each.
    """
    drawn = _drawn(seeds, _GREY, 5)
    weights = drawn[:, :3] + 0.1
    grey = (crops * (weights / weights.sum(1, keepdim=True))[:, :, None, None]).sum(1)
    offset = weights - weights.mean(1, keepdim=True)
    other = 0.5 + (crops * (offset / offset.norm(dim=1, keepdim=True) / 2)[:, :, None, None]).sum(1)
    plane = torch.where((drawn[:, 3] < 0.1)[:, None, None], other, grey)
    return torch.where((drawn[:, 4] < 0.5)[:, None, None], plane, 1 - plane)


def _middle(picture: Tensor, size: int) -> Tensor:
    top, left = ((side - size) // 2 for side in picture.shape[1:])
    return picture[:, top : top + size, left : left + size]
