"""Random starts that belong to an item, not to the batch it happens to lie in.

The numbers are hashes of (seed of the item, counter, pixel): they do not depend on the shard or on who was solved first.
"""

import math

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from undula.data import normal, uniform
from undula.errors import ShapeError
from undula.jobs.recover.problem import Problem


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
