"""What every comparison of an image with its reference begins and ends with: checks, quotients, what is rounding."""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.errors import RangeError, ShapeError
from undula.spectra.comparing import check_same_shape


def check_pair(image: Shaped[Tensor, "..."], reference: Shaped[Tensor, "..."], *, dims: int) -> None:
    """Refuse what cannot be compared.

    Args:
        image: Images (…, space).
        reference: Images to compare with.
        dims: How many of the last axes make one item.

    Raises:
        ShapeError: The shapes differ, are empty, or have fewer axes than `dims`.
        RangeError: One of the two holds integers.
    """
    names, expected = ("an image", "a reference"), "the same shape: broadcast or crop one of them first"
    check_same_shape(image, reference, names=names, expected=expected)
    check_images(image, dims=dims)
    check_images(reference, dims=dims)


def check_images(image: Shaped[Tensor, "..."], *, dims: int) -> None:
    """Refuse what is no batch of images.

    Args:
        image: Images (…, space).
        dims: How many of the last axes make one item.

    Raises:
        ShapeError: The images are empty or have fewer axes than `dims`.
        RangeError: They hold integers.
    """
    if math.prod(image.shape) == 0:
        raise ShapeError(f"got an empty image of shape {tuple(image.shape)}, expected at least one pixel")
    if not 1 <= dims <= image.ndim:
        raise ShapeError(
            f"got shape {tuple(image.shape)} with dims={dims}, expected at least {max(dims, 1)} axes and dims from 1 on: "
            "correct dims, or add an axis"
        )
    if not (image.is_floating_point() or image.is_complex()):
        raise RangeError(f"got values of type {image.dtype}, expected floats in [0, 1]: divide integers by their peak")


def quotient(
    numerator: Float[Tensor, "..."], denominator: Float[Tensor, "..."], *, nothing: float = math.nan
) -> Float[Tensor, "..."]:
    """Numerator over denominator, where zeros have a stated meaning and finite gradients.

    Args:
        numerator: Values from 0 on.
        denominator: Values from 0 on, of the same shape.
        nothing: Value of 0/0.

    Returns:
        The quotients; `nothing` for 0/0, infinity for x/0, NaN where one of the two is NaN.
    """
    zero = denominator == 0
    value = numerator / torch.where(zero, 1.0, denominator)
    edge = torch.where(numerator == 0, nothing, math.inf).to(value.dtype)
    return torch.where(zero & ~numerator.isnan(), edge, value)


def rounding(dtype: torch.dtype) -> float:
    """Share of an image's energy below which a part of its spectrum is rounding: 16 ε², -126 dB in float32.

    Of a rounded cosine the transform leaves at most 7.9 ε² elsewhere in float32 (37 × 53 … 2048 × 2048, primes too).

    Args:
        dtype: Type in which the transform is calculated.

    Returns:
        The share.
    """
    return 16 * torch.finfo(dtype).eps ** 2
