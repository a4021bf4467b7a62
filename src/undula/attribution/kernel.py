"""The doubly centered sigmoid kernel as an operator: positions² entries, of which one tile exists at a time."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

# Entries of a tile over the whole batch. One thread, 64 channels, 512²: multiplying 1.33 ns an entry, the sigmoid 0.41
# (tanh 2.5), eight vectors from both sides 0.6.
_TILE = 2**18
_TILE_ON_DEVICES = 2**24

# Largest |x|²/c below which differences of the kernel drown in float32's rounding of the kernel itself: at 0.3 the map
# is 2e-6 off, at 0.03 3e-5, at 1e-4 2e-3.
_SMALL = 0.3

# Entries of kernels (half of them in tiles, 128 MB) up to which the tiles are kept from one pass to the next: two items
# took 1.4 times as long without at 56², 2.2 times at 28².
_KEPT = 2**26

_LANDMARKS = 512


class Kernel:
    """H tanh(Xᵀ X / c + 1) H with H = 1 - 11ᵀ/n, applied to vectors.

    tanh(t + 1) = 1 - 2 σ(-2t - 2), and H takes away the 1; σ costs a sixth of tanh. For small activations the constant
    tanh(1) is taken away as well, without cancellation: σ(u - 2) - σ(-2) = q E / ((1 + q)(1 + q + q E)) … with
    E = exp(u) - 1, q = e⁻².

    Args:
        rows: Centered activations (b, c, n).
    """

    def __init__(self, rows: Float[Tensor, "b c n"]) -> None:
        channels = rows.shape[1]
        scaled = rows * math.sqrt(2 / channels)
        self.rows = rows
        self.small = bool((scaled.square().sum(dim=1).amax(dim=1) < 2 * _SMALL).any())
        one = torch.full_like(scaled[:, :1], math.sqrt(2))
        factor = scaled if self.small else torch.cat([scaled, one], dim=1)
        self.right = factor.float()
        self.left = -self.right.mT.contiguous()
        entries = _TILE if rows.device.type == "cpu" else _TILE_ON_DEVICES
        self.side = max(32, math.isqrt(entries // max(1, rows.shape[0])))
        self.keeps = rows.shape[0] * rows.shape[2] ** 2 <= _KEPT
        self.kept: dict[tuple[int, int], Tensor] = {}

    def __call__(self, vectors: Float[Tensor, "b m n"]) -> Float[Tensor, "b m n"]:
        """The kernel times vectors; tiles in float32, their sums in float64.

        Args:
            vectors: Vectors as rows, float64.

        Returns:
            Their images, float64.
        """
        vectors = _without_mean(vectors)
        single = vectors.float()
        total = torch.zeros_like(vectors)
        count, side = vectors.shape[2], self.side
        for top in range(0, count, side):
            down = slice(top, top + side)
            for left in range(top, count, side):
                across = slice(left, left + side)
                tile = self._tile(down, across)
                total[..., across] += single[..., down] @ tile
                if left > top:
                    total[..., down] += single[..., across] @ tile.mT
        return _without_mean(total).mul_(-2)

    def dense(self) -> Float[Tensor, "b n n"]:
        """The kernel whole, in float64, as its definition says."""
        kernel = torch.tanh(self.rows.mT @ self.rows / self.rows.shape[1] + 1)
        return _without_mean(_without_mean(kernel).mT)

    def _tile(self, down: slice, across: slice) -> Tensor:
        place = (down.start, across.start)
        if place in self.kept:
            return self.kept[place]
        tile = self._fresh_tile(down, across)
        if self.keeps:
            self.kept[place] = tile
        return tile

    def _fresh_tile(self, down: slice, across: slice) -> Tensor:
        tile = torch.bmm(self.left[:, down], self.right[..., across])
        if not self.small:
            return tile.sigmoid_()
        q = math.exp(-2)
        grown = tile.clamp_(max=80).expm1_()  # an item of large activations may stand beside one of small ones
        return grown / grown.mul(q).add_(1 + q).mul_((1 + q) / q)


class Pair(NamedTuple):
    """A top eigenpair of every item.

    Attributes:
        value: λ (b,).
        vector: u of norm 1 (b, n).
        residual: ‖K u - λ u‖ / λ before the last power step (b,).
    """

    value: Tensor
    vector: Tensor
    residual: Tensor


def leading_pair(kernel: Kernel, start: Float[Tensor, "b m n"], *, tolerance: float, passes: int) -> Pair:
    """The largest eigenvalue and its vector, by a block Krylov space with Rayleigh and Ritz.

    Args:
        kernel: What multiplies vectors.
        start: Vectors near the first eigenvectors, as rows.
        tolerance: The estimated error at which the passes end, ρ ‖r‖ / ((1 - ρ) λ) with ρ the share of the eigenvalues
            that the residual r consists of, taken from the middle of the block.
        passes: Most multiplications of a block.

    Returns:
        The pairs.
    """
    size = start.shape[1]
    block = _orthonormal(_without_mean(start))
    space, images = block[:, :0], block[:, :0]
    while True:
        space, images = torch.cat([space, block], dim=1), torch.cat([images, kernel(block)], dim=1)
        product = space @ images.mT
        values, weights = torch.linalg.eigh((product + product.mT) / 2)
        values, weights = values.flip(1)[:, :size], weights.flip(2)[..., :size].mT
        image = weights @ images
        errors = image - values[..., None] * (weights @ space)
        top = values[:, 0].clamp(min=torch.finfo(values.dtype).tiny)
        residual = errors[:, 0].norm(dim=1) / top
        share = (values[:, min(2, size - 1)].abs() / top).clamp(max=0.999)
        if space.shape[1] >= passes * size or bool((residual * share <= tolerance * (1 - share)).all()):
            vector = image[:, 0]
            norm = vector.norm(dim=1, keepdim=True).clamp(min=torch.finfo(values.dtype).tiny)
            return Pair(values[:, 0], vector / norm, residual)
        block = _orthonormal(errors, space)


def linear_start(rows: Float[Tensor, "b c n"], *, count: int) -> Float[Tensor, "b m n"]:
    """Vectors near the first principal projections: random ones, multiplied three times by Xᵀ X.

    Args:
        rows: Centered activations (b, c, n).
        count: How many vectors.

    Returns:
        Vectors as rows.
    """
    chance = torch.Generator().manual_seed(0)
    vectors = torch.randn(count, rows.shape[2], dtype=rows.dtype, generator=chance).to(rows.device)
    for _ in range(3):
        vectors = _orthonormal(vectors @ rows.mT @ rows)
    return vectors


def nystrom_start(rows: Float[Tensor, "b c n"], *, count: int) -> Float[Tensor, "b m n"]:
    """The first eigenvectors of the kernel of 512 of the positions, continued to all positions (Nyström).

    Args:
        rows: Centered activations (b, c, n).
        count: How many vectors.

    Returns:
        Vectors near the first eigenvectors of the whole kernel, as rows.
    """
    chance = torch.Generator().manual_seed(0)
    places = torch.randperm(rows.shape[2], generator=chance)[:_LANDMARKS].to(rows.device)
    few = rows[..., places] / math.sqrt(rows.shape[1])
    kernel = torch.tanh(few.mT @ few + 1)
    vectors = torch.linalg.eigh(_without_mean(_without_mean(kernel).mT))[1][..., -count:].mT
    scaled = few.float().mT / math.sqrt(rows.shape[1])
    vectors = _without_mean(vectors).float()
    parts = [vectors @ torch.tanh(scaled @ part.float() + 1) for part in torch.split(rows, 4096, dim=2)]
    return torch.cat(parts, dim=2).to(rows.dtype)


def _without_mean(vectors: Tensor) -> Tensor:
    return vectors - vectors.mean(dim=-1, keepdim=True)


def _orthonormal(vectors: Tensor, space: Tensor | None = None) -> Tensor:
    """Orthonormal rows, also to those of a space; a second round, because the first loses digits."""
    for _ in range(2):
        if space is not None:
            vectors = vectors - (vectors @ space.mT) @ space
        vectors = torch.linalg.qr(vectors.mT)[0].mT
    return vectors
