"""What every loss begins and ends with: a checked pair in full precision, one value per item, a reduction."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.comparing import called_in_full_precision, check_same_shape

Reduction = Literal["mean", "sum", "none"]

_AXES = {1: "(batch, channel, time)", 2: "(batch, channel, height, width)"}


class ItemLoss(nn.Module):
    """A loss with one value per item of the batch; a call reduces them.

    Args:
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: `dims` is neither 1 nor 2, or an unknown reduction.
    """

    def __init__(self, *, dims: int = 2, reduction: Reduction = "mean") -> None:
        super().__init__()
        check_dims(dims)
        check_choice("reduction", reduction, Reduction)
        self.dims, self.reduction = dims, reduction

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} has no items")

    def forward(self, output: Tensor, target: Tensor) -> Float[Tensor, "..."]:
        """The reduced values.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return reduced(self.items(output, target), self.reduction)

    def extra_repr(self) -> str:
        """What print shows."""
        hidden = ("training",)
        return ", ".join(
            f"{name}={value!r}" for name, value in vars(self).items() if name[0] != "_" and name not in hidden
        )


def compared(
    items: Callable[[Tensor, Tensor], Tensor], output: Tensor, target: Tensor, *, dims: int, reduction: Reduction
) -> Float[Tensor, "..."]:
    """Check a pair, compare it in float32 or float64 whatever autocast says, and reduce the values of its items.

    Args:
        items: Gives one value per item, (batch,), for a pair of float32 or float64.
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        dims: How many of the last axes are space.
        reduction: "mean", "sum" or "none".

    Returns:
        The values, float32, or float64 if one of the two is.

    Raises:
        ShapeError: The shapes differ, are empty, or have another number of axes than `dims` + 2.
        RangeError: One of the two is no tensor of real floats.
        OptionError: `dims` is neither 1 nor 2, or an unknown reduction.
    """
    check_dims(dims)
    check_choice("reduction", reduction, Reduction)
    _check_pair(output, target, dims)
    kind = torch.promote_types(output.dtype, target.dtype)
    return reduced(called_in_full_precision(items, output.to(kind), target.to(kind)), reduction)


def reduced(values: Float[Tensor, "batch"], reduction: Reduction) -> Float[Tensor, "..."]:
    """The mean or the sum over the items, or the values as they are.

    Args:
        values: One value per item (batch,).
        reduction: "mean", "sum" or "none".
    """
    if reduction == "none":
        return values
    return values.mean() if reduction == "mean" else values.sum()


def check_dims(dims: int) -> None:
    """Refuse anything but images and signals.

    Args:
        dims: How many axes are space.

    Raises:
        OptionError: Neither 1 nor 2.
    """
    if dims not in _AXES:
        raise OptionError(f"got dims={dims!r}, expected 2 for images or 1 for signals")


def check_choice(name: str, value: Any, choices: Any) -> None:
    """Refuse a word that is none of the choices, and tell the nearest one.

    Args:
        name: What the argument is called.
        value: What was got.
        choices: The `Literal` of what was expected.

    Raises:
        OptionError: Another value.
    """
    words = get_args(choices)
    if value not in words:
        near = get_close_matches(str(value), words, n=1, cutoff=0.4)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise OptionError(f"got {name}={value!r}, expected one of {', '.join(map(repr, words))}{hint}")


def _check_pair(output: Tensor, target: Tensor, dims: int) -> None:
    for name, value in (("an output", output), ("a target", target)):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise RangeError(
                f"got {name} of type {kind}, expected a tensor of floats: bytes become ones by x.float() / 255"
            )
    shape = tuple(output.shape)
    expected = "the same: nothing is broadcast here, crop or expand one of them"
    check_same_shape(output, target, names=("an output", "a target"), expected=expected)
    if len(shape) == dims + 1:
        raise ShapeError(
            f"got {len(shape)} axes {shape}, expected {dims + 2} with dims={dims}, {_AXES[dims]}: take x.unsqueeze(0) "
            "of a single item, x.unsqueeze(1) of a batch without channels"
        )
    if len(shape) != dims + 2:
        raise ShapeError(
            f"got {len(shape)} axes {shape}, expected {dims + 2} with dims={dims}, {_AXES[dims]}: correct dims or reshape"
        )
    if 0 in shape:
        raise ShapeError(f"got an empty batch of shape {shape}, expected at least one item, channel and sample")
