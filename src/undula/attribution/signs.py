"""Which end of an eigenvector is the bright one: an eigenvector has no sign, a heat map needs one."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Sign = Literal["activation", "maxabs", "raw"]

SIGNS: dict[str, str] = {
    "activation": "positive where the centered activations are large",
    "maxabs": "the larger extreme is positive",
    "raw": "as the published method has it: arbitrary, or the larger extreme (kpca, seg-eigen)",
}
"""The rules, in words."""

# Below this correlation the activations do not decide: rounding alone reaches 1e-16 √N.
_TIE = 1e-6


def oriented(
    projection: Float[Tensor, "b n"], rows: Float[Tensor, "b c n"], *, sign: Sign = "activation"
) -> Float[Tensor, "b n"]:
    """Turn every projection on a component to the side that a rule calls positive.

    Where both ends are as bright (a correlation near zero) a small change of the activations may turn the map over:
    read the signed map, not the positive half.

    Args:
        projection: One value per position, of any sign (b, n).
        rows: The centered activations that were projected (b, c, n).
        sign: "activation" makes the correlation with the norm over channels positive; where that is zero, and for
            "maxabs", the larger absolute extreme becomes positive; "raw" leaves everything as it is.

    Returns:
        The projections, each times 1 or -1.

    Example:
        >>> rows = torch.tensor([[[-3.0, 1.0, 1.0, 1.0]]])
        >>> oriented(rows[:, 0], rows)
        tensor([[ 3., -1., -1., -1.]])
    """
    if sign == "raw":
        return projection
    flip = -projection.amin(dim=1) > projection.amax(dim=1)
    if sign == "activation":
        # The norm, because no rotation of the channels changes it: of 1000 random ones none turned a map over, while
        # the mean absolute value turned 0 to 125 (features of random networks, noise).
        strength = rows.square().sum(dim=1).sqrt()  # norm(dim=1) took 2.6 times as long
        strength = strength - strength.mean(dim=1, keepdim=True)
        norms = strength.norm(dim=1) * projection.norm(dim=1)
        correlation = (strength * projection).sum(dim=1)
        flip = torch.where(correlation.abs() <= _TIE * norms, flip, correlation < 0)
    return torch.where(flip[:, None], -projection, projection)


def as_lapack_has_it(projection: Float[Tensor, "b n"], rows: Float[Tensor, "b c n"]) -> Float[Tensor, "b n"]:
    """Give projections on the first singular vector the sign that NumPy's singular value decomposition gives them.

    EigenCAM as published takes this sign; it means nothing and changes from one LAPACK to the next.

    Args:
        projection: One value per position, of any sign (b, n).
        rows: The centered activations that were projected (b, c, n).

    Returns:
        The projections, each times 1 or -1.
    """
    matrices = rows.detach().cpu().mT.numpy()
    first = torch.as_tensor(np.linalg.svd(matrices, full_matrices=False)[2][:, 0], device=rows.device)
    own = torch.einsum("bn,bcn->bc", projection, rows)
    return torch.where((own * first).sum(dim=1, keepdim=True) < 0, -projection, projection)
