"""Cracks as random walks with branches across a picture, and how far every pixel is from them."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from undula.data.draws import normal, uniform

_FAR = 3.0  # pixels beyond which nobody asks
_WIDEST = 3.5  # pixels from the middle of a crack to its edge, where chance makes it wide
_BOX = 7  # pixels on each side of a disc that it reaches: both of the above, and half a pixel of rounding
_STEP = 0.5  # pixels between two discs of a line, whose edges are then straight to 0.03 pixels
_CHANCES = (0.55, 0.35, 0.2)  # that a crack has a first, second and third branch
_POSES, _BENDS, _WIDTHS = 300, 301, 302  # numbers of the draws of a picture


def crack_distance(seeds: Int[Tensor, " n"], height: int, width: int) -> Float[Tensor, "n h w"]:
    """Walk one crack per picture from edge to edge, with up to three branches, and measure how far each pixel is from it.

    The direction of a walk is a sum of two Ornstein-Uhlenbeck processes: one turns the crack around stones of a few
    pixels, one bends it over tens of pixels. So does its width, 2 to 4 pixels; branches are thinner and taper off.

    Args:
        seeds: Seed of every picture.
        height: Height in pixels.
        width: Width in pixels.

    Returns:
        Distances (n, h, w) to the edge of the crack in pixels: negative inside, 3 where it is that far or farther.

    Example:
        >>> bool((crack_distance(torch.arange(3), 64, 80) < 0).any(dim=(1, 2)).all())
        True
    """
    count = 2 * math.ceil(1.1 * math.hypot(height, width) / _STEP)
    lines = (1 + len(_CHANCES), count)
    pose = uniform(seeds, torch.full_like(seeds, _POSES), (lines[0], 6), dtype=torch.float64)
    noise = normal(seeds, torch.full_like(seeds, _BENDS), lines, dtype=torch.float64)
    bends = 0.55 * _wandering(noise, 5) + 0.35 * _wandering(noise.flip(-1), 40)
    main, heading = _main_line(pose[:, 0], bends[:, 0], height, width)
    branches, lengths = _branches(pose[:, 1:], main, heading, bends[:, 1:])
    wander = 0.22 * _wandering(normal(seeds, torch.full_like(seeds, _WIDTHS), lines, dtype=torch.float64), 6)
    radii = (0.75 + 0.85 * pose[:, :1, 5:]) * wander.exp() * _taper(lengths, wander)
    return _nearest(torch.cat([main[:, None], branches], dim=1), radii.clamp_max(_WIDEST), height, width)


def _wandering(noise: Float[Tensor, "*batch t"], length: float | int) -> Float[Tensor, "*batch t"]:
    """White noise as an Ornstein-Uhlenbeck process of variance about 1 that forgets over `length` pixels."""
    frequency = torch.fft.rfftfreq(noise.shape[-1], _STEP, dtype=noise.dtype, device=noise.device)
    gain = math.sqrt(2 * length / _STEP) * torch.rsqrt(1 + (2 * math.pi * length * frequency) ** 2)
    return torch.fft.irfft(torch.fft.rfft(noise) * gain, n=noise.shape[-1])


def _walk(heading: Float[Tensor, "*batch t"]) -> Float[Tensor, "*batch t 2"]:
    return (_STEP * torch.stack([heading.sin(), heading.cos()], dim=-1)).cumsum(dim=-2)


def _main_line(
    pose: Float[Tensor, "n 6"], bends: Float[Tensor, "n t"], height: int, width: int
) -> tuple[Float[Tensor, "n t 2"], Float[Tensor, "n 1"]]:
    """Places (y, x) of a crack through the middle of the picture that leaves it on both sides, and its direction."""
    heading = 2 * math.pi * pose[:, :1]
    walk = _walk(heading + bends)
    middle = (0.25 + 0.5 * pose[:, 1:3]) * torch.tensor([height, width], device=pose.device)
    half = walk.shape[1] // 2
    return walk - walk[:, half : half + 1] + middle[:, None], heading


def _branches(
    pose: Float[Tensor, "n branches 6"],
    main: Float[Tensor, "n t 2"],
    heading: Float[Tensor, "n 1"],
    bends: Float[Tensor, "n branches t"],
) -> tuple[Float[Tensor, "n branches t 2"], Float[Tensor, "n branches"]]:
    """Lines that leave the main one at 30° to 70°, and how many discs each has: none where chance leaves it out."""
    count = main.shape[1]
    fork = ((0.35 + 0.3 * pose[..., 0]) * count).long()
    begin = torch.gather(main, 1, fork[..., None].expand(-1, -1, 2))
    side = torch.where(pose[..., 1] < 0.5, -1.0, 1.0) * (0.5 + 0.7 * pose[..., 2])
    walk = begin[:, :, None] + _walk((heading + side)[..., None] + bends)
    there = pose[..., 3] < torch.tensor(_CHANCES, device=pose.device)
    return walk, there * (0.06 + 0.24 * pose[..., 4]) * count


def _taper(lengths: Float[Tensor, "n branches"], like: Float[Tensor, "n lines t"]) -> Float[Tensor, "n lines t"]:
    place = torch.arange(like.shape[-1], dtype=like.dtype, device=like.device)
    left = (1 - place / lengths[..., None].clamp_min(0.5)).clamp_min(0)
    return torch.cat([torch.ones_like(like[:, :1]), 0.75 * left.sqrt()], dim=1)


def _nearest(
    places: Float[Tensor, "n lines t 2"], radii: Float[Tensor, "n lines t"], height: int, width: int
) -> Float[Tensor, "n h w"]:
    """Least distance to the edge of any disc; every disc reaches the box of pixels around it."""
    bounds = torch.tensor([height, width], device=places.device)
    seen = ((places > -_BOX) & (places < bounds + _BOX)).all(dim=-1) & (radii > 0.05)
    item = torch.nonzero(seen)[:, 0]
    places, radii = places[seen][:, :, None, None], radii[seen][:, None, None]
    box = torch.arange(-_BOX, _BOX + 1, device=places.device)
    rows, columns = places[:, 0].round().long() + box[:, None], places[:, 1].round().long() + box
    away = torch.hypot(rows - places[:, 0], columns - places[:, 1]) - radii
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    index = (item[:, None, None] * height + rows) * width + columns
    distance = away.new_full((len(seen) * height * width,), _FAR)
    distance.scatter_reduce_(0, index[inside], away[inside], "amin")
    return distance.reshape(len(seen), height, width)
