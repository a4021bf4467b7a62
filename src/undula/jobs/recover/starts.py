"""Random starts that belong to an item, not to the batch it happens to lie in.

torch has one generator for a whole tensor, so an item's numbers would depend on its neighbors, on the shard and on who
was solved first. Here every number is a hash of (seed of the item, counter, pixel), the whole batch at once.
Source of the hash: Steele, Lea, Flood, Fast splittable pseudorandom number generators (splitmix64), 2014.
"""

import math

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from undula.errors import ShapeError
from undula.jobs.recover.problem import Problem

# splitmix64's constants, written as the signed 64-bit integers that torch has.
_STEP, _MIX_1, _MIX_2 = -7046029254386353131, -4658895280553007687, -7723592293110705685


def item_seeds(
    count: int, *, generator: torch.Generator | Int[Tensor, " n"] | None, device: torch.device
) -> Int[Tensor, " n"]:
    """One 64-bit seed per item: the tensor of seeds that was given, or numbers drawn from the generator.

    Raises:
        ShapeError: A tensor of seeds has not one seed per item.
    """
    if isinstance(generator, Tensor):
        if generator.numel() != count:
            raise ShapeError(f"got {generator.numel()} seeds for {count} items, expected one seed per item")
        return generator.reshape(-1).to(device=device, dtype=torch.int64)
    where = generator.device if generator is not None else "cpu"
    return torch.randint(2**62, (count,), generator=generator, device=where).to(device)


def uniform(
    seeds: Int[Tensor, " n"], counter: Int[Tensor, " n"], shape: tuple[int, ...], *, dtype: torch.dtype
) -> Float[Tensor, "n *shape"]:
    """Uniform numbers in (0, 1), one independent field per (seed, counter).

    Args:
        seeds: Seed of every item.
        counter: Number of the draw within the item.
        shape: Shape of one field.
        dtype: float32 or float64.
    """
    return _share(_bits(seeds, counter, shape), dtype=dtype)


def normal(
    seeds: Int[Tensor, " n"], counter: Int[Tensor, " n"], shape: tuple[int, ...], *, dtype: torch.dtype
) -> Float[Tensor, "n *shape"]:
    """Standard normal numbers (Box and Muller 1958), one independent field per (seed, counter)."""
    bits = _bits(seeds, counter, shape)
    radius = _share(bits, dtype=dtype).log_().mul_(-2).sqrt_()
    return radius.mul_(_share(bits << 24, dtype=dtype).mul_(2 * math.pi).cos_())


def random_phases(problem: Problem, seeds: Int[Tensor, " n"], counter: Int[Tensor, " n"]) -> Shaped[Tensor, "n *space"]:
    """Items with the given moduli and random phases; two transforms each for real items, one for complex ones.

    Unmeasured coefficients start at zero.
    """
    moduli = problem.moduli
    if problem.real:
        noise = problem.forward(normal(seeds, counter, problem.shape, dtype=moduli.dtype))
        return problem.inverse(moduli * noise / noise.abs().clamp_min(torch.finfo(moduli.dtype).tiny))
    angle = uniform(seeds, counter, problem.shape, dtype=moduli.dtype).mul_(2 * math.pi)
    return problem.inverse(torch.polar(moduli, angle))


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
