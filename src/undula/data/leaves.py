"""Leaves on a table that Undula draws itself: edges, fine lines and shades, for pictures without terms."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from undula.data.draws import uniform
from undula.errors import OptionError

_APART = 0x9E3779B97F4A7C15  # odd, so that no two seeds begin at the same number
_SMALLEST = 32
_FINER = 2  # points across a pixel
_TABLE, _LEAVES, _WAVES = 500, 501, 502  # numbers of the draws of a picture
_PLACES = ((0.74, 0.76, 0.40), (0.36, 0.80, 0.46), (0.68, 0.30, 0.56))  # stem (down, right) and length, of the height
_LIGHT = (0.030, 0.022)  # how far a shadow falls down and right, in heights
_LUMINANCE = (0.299, 0.587, 0.114)


def drawn_leaves(
    count: int = 1, *, height: int = 256, width: int = 384, color: bool = True, seed: int = 0
) -> Float[Tensor, "n c h w"]:
    """Draw ginkgo leaves that lie on a wooden table.

    Three leaves with veins that fork, their stems and shadows, on planks with grain. Sizes are shares of the height, so that a
    larger picture shows the same more finely.

    Args:
        count: How many pictures.
        height: Height in pixels, at least 32.
        width: Width in pixels, at least 32.
        color: Three channels; False gives the luminance of the same pictures.
        seed: Another seed gives other pictures. Picture k of a seed is the same, whatever the count.

    Returns:
        Pictures (n, 3 or 1, h, w), float32 in [0, 1] in steps of 1/255; no value is 0 or 1.

    Raises:
        OptionError: No pictures, or a side below 32 pixels.

    Example:
        >>> drawn_leaves(2, height=48, width=64).shape
        torch.Size([2, 3, 48, 64])
    """
    if count < 1 or min(height, width) < _SMALLEST:
        raise OptionError(
            f"got count={count} pictures of {height} × {width} pixels, expected at least 1 of {_SMALLEST} × {_SMALLEST}: "
            "ask for more"
        )
    numbers = torch.arange(count) + seed * _APART % 2**62
    pictures = torch.stack([_drawn(number[None], height, width) for number in numbers])
    if not color:
        pictures = (pictures * torch.tensor(_LUMINANCE, dtype=torch.float64)[:, None, None]).sum(1, keepdim=True)
    return ((pictures.clamp(0.02, 0.98) * 255).round() / 255).float()


def _drawn(number: Int[Tensor, " 1"], height: int, width: int) -> Float[Tensor, "3 h w"]:
    rows = (torch.arange(height * _FINER, dtype=torch.float64) + 0.5) / (height * _FINER)
    columns = (torch.arange(width * _FINER, dtype=torch.float64) + 0.5) / (height * _FINER)
    down, right = torch.meshgrid(rows, columns, indexing="ij")
    picture = _table(down, right, _chances(number, _TABLE, 12))
    poses = _chances(number, _LEAVES, 8 * len(_PLACES)).reshape(-1, 8)
    waves = _chances(number, _WAVES, 8 * len(_PLACES)).reshape(-1, 8)
    for (base, across, length), pose, wave in zip(_PLACES, poses, waves, strict=True):
        stem = (base + 0.08 * (pose[0] - 0.5), across * width / height + 0.08 * (pose[1] - 0.5))
        leaf = _Leaf(stem, length * (0.9 + 0.2 * float(pose[2])), 2.2 * float(pose[3] - 0.5), pose[4], wave)
        picture = leaf.laid(picture, down, right)
    fine = picture.reshape(3, height, _FINER, width, _FINER)
    return fine.mean((2, 4))


@dataclass(frozen=True)
class _Leaf:
    """One leaf: where its blade begins, how long it is, how it is turned, and what chance gave it."""

    stem: tuple[Tensor, Tensor]
    length: float
    turn: float
    ripeness: Tensor
    wave: Tensor

    def laid(self, picture: Tensor, down: Tensor, right: Tensor) -> Tensor:
        """The picture with the leaf's shadow and the leaf on it."""
        shade = self._cover(down - _LIGHT[0], right - _LIGHT[1], soft=0.03)
        picture = picture * (1 - 0.55 * shade)
        cover = self._cover(down, right, soft=0.004)
        return picture * (1 - cover) + self._colors(down, right) * cover

    def _polar(self, down: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """Distance from where the blade begins in lengths, and angle from its axis."""
        y, x = (self.stem[0] - down) / self.length, (right - self.stem[1]) / self.length
        sin, cos = math.sin(self.turn), math.cos(self.turn)
        along, across = y * cos + x * sin, x * cos - y * sin
        return torch.hypot(along, across), torch.atan2(across, along)

    def _cover(self, down: Tensor, right: Tensor, *, soft: float) -> Tensor:
        """The share of each point that blade or stem covers; `soft` is the width of their edges."""
        radius, angle = self._polar(down, right)
        edge = 0.94 + 0.03 * torch.sin(5 * angle + 6 * self.wave[0]) + 0.015 * torch.sin(23 * angle + 6 * self.wave[1])
        edge = edge - (0.2 + 0.25 * self.wave[2]) * torch.exp(-((angle / 0.07) ** 2))
        widest = 1.05 + 0.35 * radius.clamp(max=1)
        blade = torch.minimum(edge - radius, radius.clamp(max=1) * (widest - angle.abs()))
        bend = 0.35 * (self.wave[3] - 0.5) * radius**2
        behind = torch.pi - (angle + bend).abs()
        stem = torch.minimum(0.011 + 0.004 * radius - radius * behind, 0.62 - radius)
        stem = torch.where(angle.abs() > 2, stem, -1.0)
        return (torch.maximum(blade, stem) * self.length / soft + 0.5).clamp(0, 1)

    def _colors(self, down: Tensor, right: Tensor) -> Tensor:
        """Yellow, greener to the stem, lighter folds, darker veins."""
        radius, angle = self._polar(down, right)
        folds = torch.cos(4 * angle + 6 * self.wave[4]) * (radius - 0.2) + 0.4 * torch.sin(2.5 * angle)
        light = 0.86 + 0.11 * folds - 0.14 * self._veins(radius, angle) + 0.08 * (0.6 - down)
        light = light - 0.16 * (radius - 0.86).clamp(min=0) / 0.1
        ripe = (radius * 0.9 + 0.25 * self.ripeness).clamp(0, 1)
        near, far = (torch.tensor(each, dtype=torch.float64)[:, None, None] for each in (_NEAR, _FAR))
        return (near + (far - near) * ripe) * light

    def _veins(self, radius: Tensor, angle: Tensor) -> Tensor:
        """Veins fan out and fork three times."""
        depth = torch.zeros_like(radius)
        for level, begin in enumerate((0.05, 0.3, 0.52, 0.7)):
            step = 0.26 / 2**level
            whole = step if level == 0 else 2 * step
            away = torch.remainder(angle + (0.0 if level == 0 else step), whole)
            away = torch.minimum(away, whole - away) * radius
            there = ((radius - begin) / 0.06).clamp(0, 1)
            depth = torch.maximum(depth, there * torch.exp(-((away / 0.0065) ** 2)))
        return depth


_NEAR, _FAR = (0.62, 0.68, 0.22), (0.93, 0.76, 0.20)  # colors at the stem and at the edge


def _table(down: Tensor, right: Tensor, chance: Tensor) -> Tensor:
    """Planks, a little askew, with grain along them and gaps between."""
    turn = 0.25 * (chance[0] - 0.5)
    across = down * torch.cos(turn) + right * torch.sin(turn) + chance[1]
    along = right * torch.cos(turn) - down * torch.sin(turn)
    plank = torch.floor(across / 0.37)
    inside = across / 0.37 - plank
    gap = torch.minimum(inside, 1 - inside) * 0.37
    bend = 0.02 * torch.sin(2.2 * along + 5 * plank + 6 * chance[2]) + 0.008 * torch.sin(5.3 * along + 6 * chance[3])
    rings = torch.sin(55 * (inside * 0.37 + bend) + 3 * torch.sin(9 * inside + 2 * plank))
    tone = 0.36 + 0.035 * torch.sin(2.3 * plank + 6 * chance[4]) + 0.022 * rings
    light = tone * (1.1 - 0.25 * down - 0.08 * right) * (1 - 0.75 * torch.exp(-((gap / 0.006) ** 2)))
    wood = torch.tensor((1.16, 0.94, 0.78), dtype=torch.float64)[:, None, None]
    return light * wood


def _chances(number: Tensor, counter: int, count: int) -> Tensor:
    return uniform(number, torch.full_like(number, counter), (count,), dtype=torch.float64)[0]
