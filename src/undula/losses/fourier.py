"""Distances of complex Fourier coefficients: absolute, and squared with more weight on the worst."""

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError
from undula.losses.halfplane import half_plane, plane_mean
from undula.losses.pairs import ItemLoss, Reduction, check_choice, compared
from undula.spectra.fourier import Norm


def fourier_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    norm: Norm = "ortho",
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean over the full plane of the modulus of the complex difference, |F(output) - F(target)|.

    It sees phases: a distance, which does not sharpen. Its minimizer is a median of what the target may be.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        norm: Normalization of the transform; "ortho" does not depend on the size.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, or have another number of axes than `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: Another normalization, `dims` or reduction.

    Example:
        >>> fourier_loss(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        tensor(0.2500)

    Reference:
        Cho, Ji, Hong, Jung and Ko, Rethinking coarse-to-fine approach in single image deblurring, 2021 (there the sum
        of the moduli of real and imaginary parts).
    """
    check_choice("norm", norm, Norm)

    def items(o: Tensor, t: Tensor) -> Tensor:
        distance = half_plane(o - t, dims=dims, norm=norm).abs()
        return plane_mean(distance, shape=o.shape[-dims:]).mean(1)

    return compared(items, output, target, dims=dims, reduction=reduction)


def focal_frequency_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    alpha: float = 1.0,
    log: bool = False,
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean over the full plane of w |d|² with d = F(output) - F(target), unitary, and w = |d|^α / max |d|^α.

    The maximum is that of each item and channel, and no gradient flows through w. A distance: it hardly sharpens.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        alpha: α, from 0 on; 0 gives the mean squared error.
        log: Take log(1 + |d|^α) in place of |d|^α.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, or have another number of axes than `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: A negative α, another `dims` or reduction.

    Example:
        >>> focal_frequency_loss(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        tensor(1.)

    Reference:
        Jiang, Dai, Wu and Loy, Focal frequency loss for image reconstruction and synthesis, 2021.
    """
    _check_alpha(alpha)

    def items(o: Tensor, t: Tensor) -> Tensor:
        power = torch.view_as_real(half_plane(o - t, dims=dims, norm="ortho")).square().sum(-1)
        weight = power.detach() ** (alpha / 2)
        if log:
            weight = weight.log1p()
        highest = weight.flatten(2).amax(2).clamp_min(torch.finfo(weight.dtype).tiny)  # equal items: 0 / 0 is 0
        return (plane_mean(weight * power, shape=o.shape[-dims:]) / highest).mean(1)

    return compared(items, output, target, dims=dims, reduction=reduction)


class FourierLoss(ItemLoss):
    """The module of `fourier_loss`, whose arguments it takes.

    Args:
        norm: Normalization of the transform.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: An unknown normalization.

    Example:
        >>> FourierLoss()(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        tensor(0.2500)
    """

    def __init__(self, *, norm: Norm = "ortho", dims: int = 2, reduction: Reduction = "mean") -> None:
        super().__init__(dims=dims, reduction=reduction)
        check_choice("norm", norm, Norm)
        self.norm = norm

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return fourier_loss(output, target, norm=self.norm, dims=self.dims, reduction="none")


class FocalFrequencyLoss(ItemLoss):
    """The module of `focal_frequency_loss`, whose arguments it takes; the numbers of the package of that name.

    Args:
        alpha: α, from 0 on.
        log: Take log(1 + |d|^α) in place of |d|^α.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: A negative α.

    Example:
        >>> FocalFrequencyLoss()(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        tensor(1.)
    """

    def __init__(self, *, alpha: float = 1.0, log: bool = False, dims: int = 2, reduction: Reduction = "mean") -> None:
        super().__init__(dims=dims, reduction=reduction)
        _check_alpha(alpha)
        self.alpha, self.log = alpha, log

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return focal_frequency_loss(output, target, alpha=self.alpha, log=self.log, dims=self.dims, reduction="none")


def _check_alpha(alpha: float) -> None:
    if not alpha >= 0:
        raise OptionError(f"got alpha={alpha}, expected a number from 0 on: 1 is what was published")
