"""An orthonormal color space: brightness and two differences, in which white noise stays white."""

import torch
from jaxtyping import Float
from torch import Tensor

_ROWS = ((3**-0.5, 3**-0.5, 3**-0.5), (2**-0.5, 0.0, -(2**-0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))


def to_opponent(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Brightness √3 times the mean, red against blue, both against green.

    Args:
        images: Color images.
    """
    return torch.einsum("kc,bchw->bkhw", torch.tensor(_ROWS, dtype=images.dtype, device=images.device), images)


def from_opponent(planes: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """The inverse of `to_opponent`.

    Args:
        planes: Brightness and differences.
    """
    return torch.einsum("kc,bkhw->bchw", torch.tensor(_ROWS, dtype=planes.dtype, device=planes.device), planes)


def opponent_spread(spread: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Spread of colors whose opponent planes have these spreads, independent of each other: roots of sums of squares.

    Args:
        spread: Spreads of brightness and differences.
    """
    squares = torch.tensor(_ROWS, dtype=spread.dtype, device=spread.device).square()
    return torch.einsum("kc,bkhw->bchw", squares, spread.square()).sqrt()
