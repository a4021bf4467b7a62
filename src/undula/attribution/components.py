"""The first principal component of activations, linear and of the sigmoid kernel, batched."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from undula.attribution.kernel import Kernel, leading_pair, linear_start, nystrom_start


class Component(NamedTuple):
    """What the first component of a kernel makes of every position.

    Attributes:
        projection: One value per position (b, n), of any sign.
        residual: ‖K u - λ u‖ / λ of the eigenpair (b,); how far it is from one.
    """

    projection: Tensor
    residual: Tensor


# Vectors that multiply the kernel at once, and the most times: features of four kinds at 40² settle after two to four
# times, noise after 13.
_BLOCK, _PASSES = 8, 20

# Positions from which on it pays to begin with those of 512 positions: 0.05 s an item, and in two of the four kinds one
# multiplication less.
_LARGE = 4096


def centered(x: Float[Tensor, "b c *grid"]) -> Float[Tensor, "b c n"]:
    """Activations in float64 as rows, without their means over the positions.

    Args:
        x: Activations (b, c, *grid).

    Returns:
        The rows (b, c, n), a copy.
    """
    rows = x.flatten(2).to(torch.float64, copy=True)
    return rows.sub_(rows.mean(dim=2, keepdim=True))


def principal_projection(rows: Float[Tensor, "b c n"]) -> Float[Tensor, "b n"]:
    """Projection of every position on the first principal axis, p = vᵀX with v the first eigenvector of X Xᵀ.

    The smaller of X Xᵀ and Xᵀ X is taken apart; the n × n left singular vectors of the usual way are never formed.

    Args:
        rows: Centered activations (b, c, n), float64.

    Returns:
        Projections (b, n), of any sign.

    Example:
        >>> rows = centered(torch.tensor([[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]]))
        >>> principal_projection(rows).abs()
        tensor([[2.2361, 0.0000, 2.2361]], dtype=torch.float64)
    """
    wide = rows.shape[2] < rows.shape[1]
    values, vectors = torch.linalg.eigh(rows.mT @ rows if wide else rows @ rows.mT)
    first = vectors[..., -1]
    return values[:, -1:].clamp(min=0).sqrt() * first if wide else (first[:, None] @ rows)[:, 0]


def kernel_component(rows: Float[Tensor, "b c n"], *, tolerance: float = 3e-6, passes: int = _PASSES) -> Component:
    """Projection of every position on the first component of the sigmoid kernel, u √λ of K = tanh(Xᵀ X / c + 1).

    (λ, u) is the top eigenpair of the doubly centered K, which is formed for at most 160 positions. Beyond, tiles of it
    multiply blocks of vectors, a block Krylov space with Rayleigh and Ritz; the last product is kept as one more power
    step.

    Args:
        rows: Centered activations (b, c, n), float64.
        tolerance: Estimated error of the unit eigenvector at which the passes end.
        passes: Most passes over the kernel, at most 20.

    Returns:
        Projections (b, n) and residuals (b,); where no component stands out from the next, the residual may stay large.
    """
    kernel = Kernel(rows)
    if rows.shape[2] <= _BLOCK * _PASSES:  # the space would have as many dimensions as there are positions
        values, vectors = torch.linalg.eigh(kernel.dense())
        return Component(values[:, -1:].clamp(min=0).sqrt() * vectors[..., -1], torch.zeros_like(values[:, 0]))
    start = (linear_start if rows.shape[2] < _LARGE else nystrom_start)(rows, count=_BLOCK)
    pair = leading_pair(kernel, start, tolerance=tolerance, passes=passes)
    return Component(pair.value.clamp(min=0).sqrt()[:, None] * pair.vector, pair.residual)
