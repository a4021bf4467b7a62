"""Random numbers that belong to a sample, not to the batch it happens to lie in.

torch has one generator for a whole tensor, so a sample's numbers would depend on its neighbors, on the shard, on the
process and on where a run was resumed. Here every number is a hash of (seed, counter, place), the whole batch at once.
Source of the hash: Steele, Lea, Flood, Fast splittable pseudorandom number generators (splitmix64), 2014.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

# splitmix64's constants, written as the signed 64-bit integers that torch has.
_STEP, _MIX_1, _MIX_2 = -7046029254386353131, -4658895280553007687, -7723592293110705685


def uniform(
    seeds: Int[Tensor, " n"], counter: Int[Tensor, " n"], shape: tuple[int, ...], *, dtype: torch.dtype
) -> Float[Tensor, "n *shape"]:
    """Uniform numbers in (0, 1), one independent field per (seed, counter).

    Args:
        seeds: Seed of every sample.
        counter: Number of the draw within the sample.
        shape: Shape of one field.
        dtype: float32 or float64.

    Returns:
        Numbers (n, shape) with 24 random bits each; a sample has the same ones in every batch.

    Example:
        >>> seed = torch.tensor([3, 5])
        >>> together = uniform(seed, torch.zeros_like(seed), (4,), dtype=torch.float32)
        >>> torch.equal(uniform(seed[1:], torch.zeros(1, dtype=torch.long), (4,), dtype=torch.float32), together[1:])
        True
    """
    return _share(_bits(seeds, counter, shape), dtype=dtype)


def normal(
    seeds: Int[Tensor, " n"], counter: Int[Tensor, " n"], shape: tuple[int, ...], *, dtype: torch.dtype
) -> Float[Tensor, "n *shape"]:
    """Standard normal numbers (Box and Muller 1958), one independent field per (seed, counter).

    Args:
        seeds: Seed of every sample.
        counter: Number of the draw within the sample.
        shape: Shape of one field.
        dtype: float32 or float64.

    Returns:
        Numbers (n, shape), none beyond 5.9; a sample has the same ones in every batch.

    Example:
        >>> normal(torch.tensor([3]), torch.tensor([0]), (100, 100), dtype=torch.float64).std().round(decimals=1)
        tensor(1., dtype=torch.float64)
    """
    bits = _bits(seeds, counter, shape)
    radius = _share(bits, dtype=dtype).log_().mul_(-2).sqrt_()
    return radius.mul_(_share(bits << 24, dtype=dtype).mul_(2 * math.pi).cos_())


def _bits(seeds: Tensor, counter: Tensor, shape: tuple[int, ...]) -> Int[Tensor, "n *shape"]:
    pixel = torch.arange(math.prod(shape), device=seeds.device)
    stream = _mix(_mix(seeds) + counter * _STEP)
    return _mix(stream[:, None] + pixel * _STEP).reshape(len(seeds), *shape)


def _share(bits: Tensor, *, dtype: torch.dtype) -> Tensor:
    # 24 bits: every value, moved to the middle of its cell, is exact in float32 and never 0 or 1.
    return ((bits >> 40) & 0xFFFFFF).to(dtype).add_(0.5).mul_(2.0**-24)


def _mix(z: Tensor) -> Tensor:
    z = (z ^ ((z >> 30) & 0x3FFFFFFFF)) * _MIX_1
    z = (z ^ ((z >> 27) & 0x1FFFFFFFFF)) * _MIX_2
    return z ^ ((z >> 31) & 0x1FFFFFFFF)
