"""Distances of Fourier magnitudes, which see no phases: of whole images, or of rolling windows."""

import math

from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError
from undula.losses.frames import check_fits, read_window
from undula.losses.halfplane import magnitude_distance
from undula.losses.pairs import ItemLoss, Reduction, check_choice, compared
from undula.losses.rolling import Windows, rolling_distance
from undula.spectra.fourier import Norm


def fourier_magnitude_loss(
    output: Float[Tensor, "batch channel *space"],
    target: Float[Tensor, "batch channel *space"],
    *,
    high_frequency_weight: float = 0.0,
    norm: Norm = "ortho",
    window: int | None = None,
    step: int | None = None,
    dims: int = 2,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Mean over the full plane of w(k) ||F(output)| - |F(target)||, with the weight w of `radial_weight`.

    It sees no phases: energy that is missing is made up anywhere, right or wrong, so that training with it sharpens
    and costs PSNR. The borders of an image put a cross into its spectrum; the Hann windows of `window` do not.

    Args:
        output: What a network made (batch, channel, space).
        target: What it should have made, the same shape.
        high_frequency_weight: What the weight 1 at zero frequency grows by up to the corner; 0 weighs all alike.
        norm: Normalization of the transform. With "ortho" the loss does not depend on the size; "backward" and a
            division by 1000 is how it was first published.
        window: Compare windows of so many samples along each axis, each times a Hann window of mean square one; None
            compares whole images. Windows lie inside the image: samples behind the last one do not count, and those
            within half a window of the border count less than others.
        step: Samples from one window to the next; None is half a window.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none" for one value per item.

    Returns:
        One number, or one per item (batch,).

    Raises:
        ShapeError: Shapes that differ, are empty, smaller than the window, or have another number of axes than
            `dims` + 2.
        RangeError: Tensors that are no floats.
        OptionError: A window below 4, a step outside 1…window or without a window, a weight below -1, another
            normalization, `dims` or reduction.

    Example:
        >>> from undula.data import ring_pair
        >>> sharp, blurred = (ring[None, None] for ring in ring_pair())
        >>> fourier_magnitude_loss(blurred, sharp, norm="backward")
        tensor(14.8913)
    """
    check_choice("norm", norm, Norm)
    _check_weight(high_frequency_weight)
    cut = read_window(window, step)

    def items(o: Tensor, t: Tensor) -> Tensor:
        if cut is None:
            return magnitude_distance(o, t, high_frequency_weight=high_frequency_weight, norm=norm, dims=dims).mean(1)
        check_fits(o.shape[-dims:], cut[0])
        return rolling_distance(o, t, Windows(*cut, high_frequency_weight, norm, dims))

    return compared(items, output, target, dims=dims, reduction=reduction)


class FourierMagnitudeLoss(ItemLoss):
    """The module of `fourier_magnitude_loss`, whose arguments it takes.

    Args:
        high_frequency_weight: What the weight 1 at zero frequency grows by up to the corner.
        norm: Normalization of the transform.
        window: Samples of a window along each axis; None compares whole images.
        step: Samples from one window to the next; None is half a window.
        dims: 2 for images, 1 for signals.
        reduction: "mean" or "sum" over the items, or "none".

    Raises:
        OptionError: As `fourier_magnitude_loss`.

    Example:
        >>> import torch
        >>> x = torch.rand(2, 3, 50, 51)
        >>> FourierMagnitudeLoss(high_frequency_weight=2.0)(x, x.roll(9, 3)) < 1e-5  # only phases differ
        tensor(True)
    """

    def __init__(
        self,
        *,
        high_frequency_weight: float = 0.0,
        norm: Norm = "ortho",
        window: int | None = None,
        step: int | None = None,
        dims: int = 2,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(dims=dims, reduction=reduction)
        check_choice("norm", norm, Norm)
        _check_weight(high_frequency_weight)
        read_window(window, step)
        self.high_frequency_weight, self.norm = high_frequency_weight, norm
        self.window, self.step = window, step

    def items(self, output: Tensor, target: Tensor) -> Float[Tensor, "batch"]:
        """One value per item.

        Args:
            output: What a network made (batch, channel, space).
            target: What it should have made, the same shape.
        """
        return fourier_magnitude_loss(
            output,
            target,
            high_frequency_weight=self.high_frequency_weight,
            norm=self.norm,
            window=self.window,
            step=self.step,
            dims=self.dims,
            reduction="none",
        )


def _check_weight(weight: float) -> None:
    if not -1 <= weight < math.inf:
        raise OptionError(f"got high_frequency_weight={weight}, expected a number from -1 on: 2 triples the corner")
