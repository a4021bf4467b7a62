"""Filling with the least total variation."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_STEPS = 300


@torch.no_grad()
def least_variation(
    image: Float[Tensor, "b *space"],
    missing: Bool[Tensor, "b *space"],
    *,
    start: Float[Tensor, "b *space"],
    steps: int = _STEPS,
) -> Float[Tensor, "b *space"]:
    """Fill missing pixels with the picture of least total variation.

    min Σ |∇x| over the missing pixels, |∇x| the length of the forward differences along all axes, by the primal-dual method.

    Args:
        image: Images (b, space), one to three axes; what stands at missing pixels is ignored.
        missing: True where a pixel is not known.
        start: Filled images to begin with.
        steps: Steps; the total variation settles slowly.

    Returns:
        Images that agree with the known pixels exactly.

    When it fails: where few pixels are known it makes islands around each of them.

    References: Rudin, Osher, Fatemi, Nonlinear total variation, 1992. Chambolle, Pock, A first-order primal-dual algorithm,
    2011.
    """
    axes = range(1, image.ndim)
    x = torch.where(missing, start, image)
    ahead, dual = x, [torch.zeros_like(x) for _ in axes]
    primal_step = dual_step = 0.99 / (4 * len(axes)) ** 0.5  # their product below 1 / ‖∇‖²
    for _ in range(steps):
        raised = [flow + dual_step * _rise(ahead, axis) for flow, axis in zip(dual, axes, strict=True)]
        length = torch.stack(raised).square().sum(0).sqrt().clamp(min=1)
        dual = [flow / length for flow in raised]
        moved = torch.where(missing, x + primal_step * _outflow(dual), x)
        ahead, x = 2 * moved - x, moved
    return x


def total_variation(image: Float[Tensor, "b *space"]) -> Float[Tensor, " b"]:
    """Σ |∇x| over the pixels of each image, |∇x| the length of the forward differences.

    Args:
        image: Images (b, space).

    Example:
        >>> total_variation(torch.tensor([[[0.0, 1.0], [0.0, 1.0]]]))
        tensor([2.])
    """
    rises = torch.stack([_rise(image, axis) for axis in range(1, image.ndim)])
    return rises.square().sum(0).sqrt().flatten(1).sum(1)


def _rise(image: Tensor, axis: int) -> Tensor:
    """Differences to the next pixel, 0 at the end."""
    last = image.narrow(axis, image.shape[axis] - 1, 1)
    return image.diff(dim=axis, append=last)


def _outflow(dual: list[Tensor]) -> Tensor:
    """The negative adjoint of the differences."""
    total = torch.zeros_like(dual[0])
    for axis, flow in enumerate(dual, start=1):
        inner = flow.narrow(axis, 0, flow.shape[axis] - 1)
        zero = torch.zeros_like(flow.narrow(axis, 0, 1))
        total += torch.cat([inner, zero], dim=axis) - torch.cat([zero, inner], dim=axis)
    return total
