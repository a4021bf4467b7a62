"""Contrast of windows, the loss that the spectral ones grew from: sums of differences between neighbors."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError
from undula.losses.frames import check_fits
from undula.losses.pairs import ItemLoss, Reduction, check_choice, compared

Order = Literal["sorted", "placed"]


def regional_sharpness_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    window: int = 8,
    step: int = 4,
    order: Order = "sorted",
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean over the windows of the absolute difference of their `sharpness_scores`, sorted by size or in place.

    Sorted, it matches how contrasts are distributed, and never where they are: the windows may change places, so that
    checkerboards and changed colors may cost nothing. Both orders see how much neighbors differ, not how: they raise
    contrast wherever that is cheapest, and cost PSNR. The scores grow with the square of the window.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        window: Samples of a window along each axis, at least 2.
        step: Samples from one window to the next. Windows lie inside the image: samples behind the last one do not
            count.
        order: "sorted" compares the largest score with the largest, and so on, as first published; "placed" compares
            each window with itself.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, smaller than the window, or have another number of axes than
            `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: A window below 2, a step below 1, another order, `dims` or reduction.

    Example:
        >>> x = torch.zeros(1, 1, 16, 16).index_fill(3, torch.tensor([2]), 1.0)
        >>> [regional_sharpness_loss(x.roll(8, 3), x, step=8, order=order) for order in ("sorted", "placed")]
        [tensor(0.), tensor(44.)]
    """
    check_regions(window, step)
    check_choice("order", order, Order)

    def items(o: Tensor, t: Tensor) -> Tensor:
        scores = [sharpness_scores(x, window=window, step=step, dims=dims).flatten(1) for x in (o, t)]
        if order == "sorted":
            scores = [each.sort(dim=1, descending=True).values for each in scores]
        return (scores[0] - scores[1]).abs().mean(1)

    return compared(items, output, target, dims=dims, reduction=reduction)


def sharpness_scores(
    image: Float[Tensor, "batch channel *space"], *, window: int = 8, step: int = 4, dims: int = 2
) -> Float[Tensor, "batch *windows"]:
    """Contrast of each window: the sum of |x - y| over all neighbors x, y inside it, averaged over the channels.

    Neighbors are those to the right, below, and on both diagonals; of signals the next ones. Sums over windows are
    those of `avg_pool`, of the differences summed over the channels: no window is cut out.

    Args:
        image: Images or signals (batch, channel, space).
        window: Samples of a window along each axis, at least 2.
        step: Samples from one window to the next.
        dims: 2 for images, 1 for signals.

    Returns:
        One score per window that lies inside (batch, windows along each axis).

    Raises:
        ShapeError: An image that is smaller than the window.
        OptionError: A window below 2, a step below 1.

    Example:
        >>> sharpness_scores(torch.eye(4)[None, None], window=2, step=2)
        tensor([[[4., 0.],
                 [0., 4.]]])
    """
    check_regions(window, step)
    check_fits(image.shape[-dims:], window)
    if dims == 1:
        return _window_sums(_steps(image, (1,)).unsqueeze(1), (1, window - 1), step).squeeze(1) / image.shape[1]
    right = _window_sums(_steps(image, (0, 1)), (window, window - 1), step)
    below = _window_sums(_steps(image, (1, 0)), (window - 1, window), step)
    across = _steps(image, (1, 1)) + _steps(image, (1, -1))
    return (right + below + _window_sums(across, (window - 1, window - 1), step)) / image.shape[1]


class RegionalSharpnessLoss(ItemLoss):
    """The module of `regional_sharpness_loss`, whose arguments it takes.

    Args:
        window: Samples of a window along each axis.
        step: Samples from one window to the next.
        order: "sorted" or "placed".
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: As `regional_sharpness_loss`.

    Example:
        >>> RegionalSharpnessLoss(window=8, step=4)(torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16))
        tensor(0.)
    """

    def __init__(
        self, window: int = 8, step: int = 4, *, order: Order = "sorted", dims: int = 2, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(dims=dims, reduction=reduction)
        check_regions(window, step)
        check_choice("order", order, Order)
        self.window, self.step, self.order = window, step, order

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return regional_sharpness_loss(
            output, target, window=self.window, step=self.step, order=self.order, dims=self.dims, reduction="none"
        )


def check_regions(window: int, step: int) -> None:
    """Refuse windows without neighbors.

    Args:
        window: Samples of a window along each axis.
        step: Samples from one window to the next.

    Raises:
        OptionError: A window below 2, a step below 1.
    """
    if window < 2 or step < 1:
        raise OptionError(f"got window={window} and step={step}, expected at least 2 and 1: 8 and 4 are usual")


def _steps(image: Tensor, by: tuple[int, ...]) -> Tensor:
    """|x - y| for neighbors that lie `by` apart, summed over the channels."""
    one = other = image
    for axis, steps in zip(range(2, image.ndim), by, strict=True):
        length = image.shape[axis] - abs(steps)
        one = one.narrow(axis, max(0, -steps), length)
        other = other.narrow(axis, max(0, steps), length)
    return (one - other).abs().sum(1)


def _window_sums(values: Tensor, window: tuple[int, int], step: int) -> Tensor:
    """Sums over windows of the last two axes."""
    return torch.nn.functional.avg_pool2d(values.unsqueeze(1), window, step, divisor_override=1).squeeze(1)
