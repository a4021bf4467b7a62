"""Distances of Fourier magnitudes, which see no phases: of whole images, or of rolling windows."""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import OptionError
from undula.losses.frames import check_fits, framed, overlapped, read_window, taper
from undula.losses.halfplane import ADJOINT, half_plane, half_weight, in_eager_mode, kept, plane_mean
from undula.losses.pairs import ItemLoss, Reduction, check_choice, compared
from undula.spectra import fourier, inverse_fourier
from undula.spectra.fourier import Norm

# Samples of the windows that are held at once. With windows of 32 in 192 planes of 128 × 128, 2¹⁸ was fastest of
# 2¹⁵ … 2²⁰, by 14 to 23 %.
_CHUNK = 2**18


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
            return _distance(o, t, high_frequency_weight, norm, dims).mean(1)
        check_fits(o.shape[-dims:], cut[0])
        return _windowed(o, t, _Windows(*cut, high_frequency_weight, norm, dims))

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


def _distance(o: Tensor, t: Tensor, high_frequency_weight: float, norm: Norm, dims: int) -> Tensor:
    """One value per plane (…)."""
    magnitudes = [half_plane(x, dims=dims, norm=norm).abs() for x in (o, t)]
    difference = (magnitudes[0] - magnitudes[1]).abs()
    return plane_mean(difference, shape=o.shape[-dims:], high_frequency_weight=high_frequency_weight)


class _Windows(NamedTuple):
    window: int
    step: int
    high_frequency_weight: float
    norm: Norm
    dims: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.window,) * self.dims

    def cut(self, x: Tensor) -> Tensor:
        return framed(x, window=self.window, step=self.step, dims=self.dims) * kept(taper, self.shape, like=x)


def _windowed(o: Tensor, t: Tensor, how: _Windows) -> Tensor:
    """One value per item, the mean over its channels and windows."""
    if o.device.type == "cpu" and in_eager_mode() and type(o) in (Tensor, nn.Parameter) and not t.requires_grad:
        return _WindowByWindow.apply(o, t, how)  # type: ignore[no-untyped-call]
    return _at_once(o, t, how)


def _at_once(o: Tensor, t: Tensor, how: _Windows) -> Tensor:
    return _distance(how.cut(o), how.cut(t), how.high_frequency_weight, how.norm, how.dims).flatten(1).mean(1)


class _WindowByWindow(torch.autograd.Function):
    """`_at_once` for the CPU: a few planes at a time, with their gradient, stay in its cache.

    Of 48 planes of 256 × 256 in windows of 32 (8), forward and backward took 0.23 (0.36) of the time of `_at_once`.
    """

    @staticmethod
    def forward(ctx: Any, o: Tensor, t: Tensor, how: _Windows) -> Tensor:
        planes = [x.flatten(0, 1) for x in (o, t)]
        gradient = torch.empty_like(planes[0]) if ctx.needs_input_grad[0] else None
        count = math.prod((n - how.window) // how.step + 1 for n in o.shape[2:]) * how.window**how.dims
        size = max(1, _CHUNK // count)
        values = []
        for start in range(0, len(planes[0]), size):
            part = slice(start, start + size)
            value, slope = _value_and_gradient(planes[0][part], planes[1][part], how, gradient is not None)
            values.append(value)
            if gradient is not None and slope is not None:
                gradient[part] = slope
        ctx.how = how
        ctx.save_for_backward(o, t, None if gradient is None else gradient.view_as(o).div_(o.shape[1]))
        return torch.cat(values).view(o.shape[:2]).mean(1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        o, t, gradient = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody differentiates the gradient again
            with torch.autocast(o.device.type, enabled=False):
                (twice,) = torch.autograd.grad(_at_once(o, t, ctx.how), o, slope, create_graph=True)
            return twice, None, None
        return gradient * slope.reshape(-1, *[1] * (gradient.ndim - 1)), None, None


def _value_and_gradient(o: Tensor, t: Tensor, how: _Windows, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """Per plane the mean over its windows, and its gradient, in place where that is possible."""
    spectra = [fourier(how.cut(x), dims=how.dims, norm=how.norm) for x in (o, t)]
    magnitudes = [_modulus(spectrum) for spectrum in spectra]
    difference = magnitudes[0] - magnitudes[1]
    means = plane_mean(difference.abs(), shape=how.shape, high_frequency_weight=how.high_frequency_weight)
    value = means.flatten(1).mean(1)
    if not wanted:
        return value, None
    # What counts twice in the half plane counts twice in the inverse transform too, so the weight is that of once.
    # The squares of what is smaller than √tiny are lost, its phase with them: such a coefficient pulls with less than 1.
    slope = difference.sign_().div_(magnitudes[0].clamp_min_(math.sqrt(torch.finfo(o.dtype).tiny)))
    if how.high_frequency_weight:
        slope.mul_(kept(half_weight, how.shape, how.high_frequency_weight, like=o))
    back = inverse_fourier(spectra[0].mul_(slope), shape=how.shape, real=True, norm=ADJOINT[how.norm])
    gradient = overlapped(back.mul_(kept(taper, how.shape, like=o)), shape=o.shape[1:], step=how.step)
    return value, gradient.div_(means[0].numel() * math.prod(how.shape))


def _modulus(spectrum: Tensor) -> Tensor:
    """|z| from squares; `Tensor.abs`, which guards against overflow, took 3.5 times as long on the windows of a plane."""
    squares = torch.view_as_real(spectrum).square()
    return (squares[..., 0] + squares[..., 1]).sqrt_()


def _check_weight(weight: float) -> None:
    if not -1 <= weight < math.inf:
        raise OptionError(f"got high_frequency_weight={weight}, expected a number from -1 on: 2 triples the corner")
