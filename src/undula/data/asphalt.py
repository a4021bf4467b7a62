"""Cracked road surface that Undula draws itself, for training and for pictures without terms."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from undula.data.draws import uniform
from undula.data.fractures import crack_distance
from undula.data.stones import drawn_clouds, drawn_grain
from undula.errors import OptionError

_APART = 0x9E3779B97F4A7C15  # odd, so that no two seeds begin at the same number
_SMALLEST = 64  # pixels; in less there is more crack than picture: it covers 8 % already (median of 60)
_AT_ONCE = 1 << 20  # pixels drawn together, in a few dozen arrays of 8 MB
_SCENE, _MOTTLE, _TINTS = 400, 401, 402  # numbers of the draws of a picture


def drawn_asphalt(
    count: int = 8, *, height: int = 256, width: int = 256, color: bool = True, seed: int = 0
) -> tuple[Float[Tensor, "n c h w"], Bool[Tensor, "n h w"]]:
    """Draw photographs of cracked road surface, and where the cracks are.

    Grain, light, a faint tire mark, a stain on about half of the pictures, and a crack with up to three branches. They
    were made to agree with the 155 photographs of CrackForest (256 × 256 pixels of each; medians, drawn against
    photographed): the power spectrum falls as f^-1.16 against f^-1.11 from 0.03 to 0.25 cycles per pixel, and its level
    agrees within 15 % in eleven bands from 0.022 to 0.5; grey values spread by 0.045 about a blur of 8 pixels, as there,
    with a kurtosis of 5.3 against 5.5; across a crack the darkest pixel lies 3.5 spreads below against 3.4. Cracks
    covered 1.2 to 3.5 % of 155 drawn pictures of 256 × 256 pixels; smaller pictures more, 64 × 64 pixels 5 to 13 %.

    Args:
        count: How many pictures.
        height: Height in pixels, at least 64. Stones and cracks keep their size in pixels.
        width: Width in pixels, at least 64.
        color: Three channels; False gives the luminance of the same pictures.
        seed: Another seed gives other pictures. Picture k of a seed is the same, whatever the count.

    Returns:
        Pictures (n, 3 or 1, h, w), float32 in [0, 1] in steps of 1/255, and masks (n, h, w), True on the cracks.

    Raises:
        OptionError: No pictures, or a side below 64 pixels.

    Example:
        >>> images, masks = drawn_asphalt(2, height=64, width=80)
        >>> images.shape, masks.shape
        (torch.Size([2, 3, 64, 80]), torch.Size([2, 64, 80]))
    """
    if count < 1 or min(height, width) < _SMALLEST:
        raise OptionError(
            f"got count={count} pictures of {height} × {width} pixels, expected at least 1 of {_SMALLEST} × {_SMALLEST}: "
            "ask for more"
        )
    numbers = torch.arange(count) + seed * _APART % 2**62
    images = torch.empty(count, 3 if color else 1, height, width)
    masks = torch.empty(count, height, width, dtype=torch.bool)
    step = max(1, _AT_ONCE // (height * width))
    for start in range(0, count, step):
        part = slice(start, start + step)
        images[part], masks[part] = _drawn(numbers[part], height, width, color)
    return images, masks


def _drawn(
    seeds: Int[Tensor, " n"], height: int, width: int, color: bool
) -> tuple[Float[Tensor, "n c h w"], Bool[Tensor, "n h w"]]:
    scene = uniform(seeds, torch.full_like(seeds, _SCENE), (20,), dtype=torch.float64)
    grain = drawn_grain(seeds, scene[:, :6], height, width)
    mottle, ragged = drawn_clouds(seeds, _MOTTLE, (2, height, width), size=40, fall=4).unbind(dim=1)
    distance = crack_distance(seeds, height, width)
    left = 1 - _crack_depth(scene[:, 6], distance, grain, mottle)
    left = left * (1 - _spot_depth(scene[:, 7:11], ragged))
    images = ((_light(scene[:, 11:19], mottle) + grain) * left)[:, None]
    if color:
        images = images + _tints(seeds, scene[:, 19], height, width) * left[:, None]
    return ((images.clamp(0, 1) * 255).round() / 255).float(), distance <= 0.5


def _crack_depth(
    chance: Float[Tensor, " n"],
    distance: Float[Tensor, "n h w"],
    grain: Float[Tensor, "n h w"],
    mottle: Float[Tensor, "n h w"],
) -> Float[Tensor, "n h w"]:
    """Share of the light that a crack swallows: soft over two pixels, its edges ragged by the stones."""
    spread = grain.std(dim=(1, 2), keepdim=True)
    inside = ((0.75 - distance - 0.3 * grain / spread) / 2.2).clamp(0, 1)
    depth = (5 + 7 * chance[:, None, None]) * spread * (1 + 0.15 * mottle)
    return depth.clamp(0, 0.8) * inside**2 * (3 - 2 * inside)


def _spot_depth(chance: Float[Tensor, "n 4"], ragged: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Half of the pictures have a stain of oil or tar, which is no crack."""
    height, width = ragged.shape[1:]
    down, across, radius, depth = chance.T[:, :, None, None]
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    away = torch.hypot(rows - down * height, columns - across * width)
    inside = ((5 + 12 * radius + 3 * ragged - away) / 5).clamp(0, 1)
    return 0.6 * (depth - 0.5).clamp_min(0) * inside**2 * (3 - 2 * inside)


def _light(chance: Float[Tensor, "n 8"], mottle: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Mean grey, a slope of the light, a faint wide tire mark and wear."""
    height, width = mottle.shape[1:]
    mean, slope, toward, turn, place, mark, wide, wear = chance.T[:, :, None, None]
    rows = torch.linspace(-1, 1, height, dtype=torch.float64)[:, None]
    columns = torch.linspace(-1, 1, width, dtype=torch.float64)
    tilt = rows * torch.sin(2 * math.pi * toward) + columns * torch.cos(2 * math.pi * toward)
    across = (rows * height * torch.sin(math.pi * turn) + columns * width * torch.cos(math.pi * turn)) / 2
    across = (across - 0.8 * (place - 0.5) * min(height, width)) / (14 + 22 * wide)
    tire = 0.06 * (mark - 0.4).clamp_min(0) * torch.exp(-0.5 * across**4) * (1 + 0.3 * mottle)
    return 0.47 + 0.13 * mean**2 + 0.06 * slope**2 * tilt - tire + 0.018 * wear * mottle


def _tints(seeds: Int[Tensor, " n"], chance: Float[Tensor, " n"], height: int, width: int) -> Float[Tensor, "n 3 h w"]:
    """Color without luminance: bluish or warm as a whole, and in specks of tens of pixels."""
    first, second = drawn_clouds(seeds, _TINTS, (2, height, width), size=30, fall=3.6).unbind(dim=1)
    whole = (0.085 * chance**2 - 0.008)[:, None, None]
    blue = whole + 0.006 * first
    red = -0.64 * whole + 0.0038 * (0.78 * second - 0.62 * first)
    return torch.stack([red, -(0.299 * red + 0.114 * blue) / 0.587, blue], dim=1)
