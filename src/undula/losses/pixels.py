"""Distances of samples: squared, absolute, and the smooth one between them."""

from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError
from undula.losses.pairs import ItemLoss, Reduction, compared


def mean_squared_error_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean of (output - target)².

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, or have another number of axes than `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: Another `dims` or reduction.

    Example:
        >>> import torch
        >>> mean_squared_error_loss(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 3.0))
        tensor(9.)
    """
    return compared(lambda o, t: _mean((o - t).square()), output, target, dims=dims, reduction=reduction)


def mean_absolute_error_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean of |output - target|.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, or have another number of axes than `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: Another `dims` or reduction.

    Example:
        >>> import torch
        >>> mean_absolute_error_loss(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 3.0))
        tensor(3.)
    """
    return compared(lambda o, t: _mean((o - t).abs()), output, target, dims=dims, reduction=reduction)


def charbonnier_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    eps: float = 1e-3,
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean of √((output - target)² + ε²): the absolute error, with a gradient that is smooth at zero.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        eps: ε, above 0: errors below it count as squares.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,); ε where the two agree.

    Raises:
        ShapeError: Shapes that differ, are empty, or have another number of axes than `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: An ε that is not positive, another `dims` or reduction.

    Example:
        >>> import torch
        >>> charbonnier_loss(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 3.0), eps=4.0)
        tensor(5.)

    Reference:
        Charbonnier, Blanc-Féraud, Aubert and Barlaud, Two deterministic half-quadratic regularization algorithms for
        computed imaging, 1994.
    """
    _check_eps(eps)
    return compared(
        lambda o, t: _mean(((o - t).square() + eps**2).sqrt()), output, target, dims=dims, reduction=reduction
    )


class MeanSquaredError(ItemLoss):
    """The module of `mean_squared_error_loss`, whose arguments it takes.

    Args:
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Example:
        >>> import torch
        >>> MeanSquaredError()(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        tensor(1.)
    """

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return mean_squared_error_loss(output, target, dims=self.dims, reduction="none")


class MeanAbsoluteError(ItemLoss):
    """The module of `mean_absolute_error_loss`, whose arguments it takes.

    Args:
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Example:
        >>> import torch
        >>> MeanAbsoluteError()(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        tensor(1.)
    """

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return mean_absolute_error_loss(output, target, dims=self.dims, reduction="none")


class Charbonnier(ItemLoss):
    """The module of `charbonnier_loss`, whose arguments it takes.

    Args:
        eps: ε, above 0.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: An ε that is not positive.

    Example:
        >>> import torch
        >>> Charbonnier(4.0)(torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 3.0))
        tensor(5.)
    """

    def __init__(self, eps: float = 1e-3, *, dims: int = 2, reduction: Reduction = "mean") -> None:
        super().__init__(dims=dims, reduction=reduction)
        _check_eps(eps)
        self.eps = eps

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return charbonnier_loss(output, target, eps=self.eps, dims=self.dims, reduction="none")


def _mean(values: Tensor) -> Tensor:
    return values.flatten(1).mean(1)


def _check_eps(eps: float) -> None:
    if not eps > 0:
        raise OptionError(f"got eps={eps}, expected a positive number: 1e-3 for images in [0, 1]")
