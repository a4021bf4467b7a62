"""Distances of Fourier magnitudes in rolling windows: all at once, or a few planes at a time with their gradient."""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.losses.frames import framed, overlapped, taper
from undula.losses.halfplane import ADJOINT, half_weight, in_eager_mode, kept, magnitude_distance, plane_mean
from undula.losses.matrices import single_weights, tapered_transform
from undula.spectra import fourier, inverse_fourier
from undula.spectra.fourier import Norm

# Samples of the windows that are held at once. With windows of 32 in 192 planes of 128 × 128, 2¹⁸ was fastest of
# 2¹⁵ … 2²⁰, by 14 to 23 %; with windows of 8 in 768 planes of 64 × 64, 2¹⁶ … 2¹⁹ differed by 4 %.
_CHUNK = 2**18

# Windows up to this are transformed by a matrix: in 48 planes of 256 × 256, forward and backward took 0.23 (4), 0.54 (8),
# 0.66 (10) and 0.98 (12) of the time of the FFT in float32, 0.89 (8) and 1.02 (10) in float64; in signals 0.71 (8), 0.68
# (10) and 1.15 (16).
_SMALL = 10


class Windows(NamedTuple):
    """What is compared in which windows.

    Attributes:
        window: Samples of a window along each axis.
        step: Samples from one window to the next.
        high_frequency_weight: As in `radial_weight`.
        norm: Normalization, as in `torch.fft`.
        dims: How many of the last axes are space.
    """

    window: int
    step: int
    high_frequency_weight: float
    norm: Norm
    dims: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples of a window along each axis."""
        return (self.window,) * self.dims

    def cut(self, x: Float[Tensor, "*batch_and_space"]) -> Float[Tensor, "*frames"]:
        """Every window that lies inside, as a view.

        Args:
            x: Array (…, space).
        """
        return framed(x, window=self.window, step=self.step, dims=self.dims)

    def cut_inside(self, x: Float[Tensor, "*batch_and_space"]) -> Float[Tensor, "*frames"]:
        """The same without the first samples of every window along each axis, where a Hann window is 0.

        Args:
            x: Array (…, space).
        """
        for axis in range(-self.dims, 0):
            x = x.narrow(axis, 1, x.shape[axis] - 1)
        return framed(x, window=self.window - 1, step=self.step, dims=self.dims)

    def tapered(self, x: Float[Tensor, "*batch_and_space"]) -> Float[Tensor, "*frames"]:
        """Every window that lies inside, times a Hann window.

        Args:
            x: Array (…, space).
        """
        return self.cut(x) * kept(taper, self.shape, like=x)


def rolling_distance(
    output: Float[Tensor, "batch channel *space"], target: Float[Tensor, "batch channel *space"], how: Windows
) -> Float[Tensor, "batch"]:
    """One value per item, the mean over its channels and windows of `magnitude_distance`.

    Args:
        output: What a network made.
        target: What it should have made, the same shape.
        how: Windows that fit into the space.
    """
    eager = in_eager_mode() and type(output) in (Tensor, nn.Parameter)
    if output.device.type == "cpu" and eager and not target.requires_grad:
        return _PlaneByPlane.apply(output, target, how)  # type: ignore[no-untyped-call]
    return _at_once(output, target, how)


def _at_once(o: Tensor, t: Tensor, how: Windows) -> Tensor:
    distance = magnitude_distance(
        how.tapered(o),
        how.tapered(t),
        high_frequency_weight=how.high_frequency_weight,
        norm=how.norm,
        dims=how.dims,
    )
    return distance.flatten(1).mean(1)


class _PlaneByPlane(torch.autograd.Function):
    """`_at_once` for the CPU: a few planes at a time, with their gradient, stay in its cache.

    Of 48 planes of 256 × 256 in windows of 32, forward and backward took 0.23 of the time of `_at_once`.
    """

    @staticmethod
    def forward(ctx: Any, o: Tensor, t: Tensor, how: Windows) -> Tensor:
        planes = [x.flatten(0, 1) for x in (o, t)]
        gradient = torch.empty_like(planes[0]) if ctx.needs_input_grad[0] else None
        count = math.prod((n - how.window) // how.step + 1 for n in o.shape[2:]) * how.window**how.dims
        size = max(1, _CHUNK // count)
        calculate = _by_matrix if how.window <= _SMALL else _by_transform
        values = []
        for start in range(0, len(planes[0]), size):
            part = slice(start, start + size)
            value, slope = calculate(planes[0][part], planes[1][part], how, gradient is not None)
            values.append(value)
            if gradient is not None and slope is not None:
                torch.div(slope, o.shape[1], out=gradient[part])
        ctx.how = how
        ctx.save_for_backward(o, t, None if gradient is None else gradient.view_as(o))
        return torch.cat(values).view(o.shape[:2]).mean(1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        o, t, gradient = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody differentiates the gradient again
            with torch.autocast(o.device.type, enabled=False):
                (twice,) = torch.autograd.grad(_at_once(o, t, ctx.how), o, slope, create_graph=True)
            return twice, None, None
        return gradient * slope.reshape(-1, *[1] * (gradient.ndim - 1)), None, None


def _by_transform(o: Tensor, t: Tensor, how: Windows, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """Per plane the mean over its windows, and its gradient, in place where that is possible."""
    spectra = [fourier(how.tapered(x), dims=how.dims, norm=how.norm) for x in (o, t)]
    magnitudes = [_modulus(spectrum) for spectrum in spectra]
    difference = magnitudes[0] - magnitudes[1]
    means = plane_mean(difference.abs(), shape=how.shape, high_frequency_weight=how.high_frequency_weight)
    value = means.flatten(1).mean(1)
    if not wanted:
        return value, None
    # What counts twice in the half plane counts twice in the inverse transform too, so the weight is that of once.
    slope = _pull(difference, magnitudes[0])
    if how.high_frequency_weight:
        slope.mul_(kept(half_weight, how.shape, how.high_frequency_weight, like=o))
    back = inverse_fourier(spectra[0].mul_(slope), shape=how.shape, real=True, norm=ADJOINT[how.norm])
    gradient = overlapped(back.mul_(kept(taper, how.shape, like=o)), shape=o.shape[1:], step=how.step)
    return value, gradient.div_(means[0].numel() * math.prod(how.shape))


def _by_matrix(o: Tensor, t: Tensor, how: Windows, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """The same for small windows: one product with a matrix of samples by windows, and one with its transpose."""
    matrix = kept(tapered_transform, how.shape, how.norm, like=o)
    weights = kept(single_weights, how.shape, how.high_frequency_weight, like=o)
    axes = range(2 * how.dims + 1)
    cuts = [how.cut_inside(x).permute(*axes[-how.dims :], *axes[: -how.dims]) for x in (o, t)]  # samples first
    spectra = [(matrix @ cut.reshape(matrix.shape[1], -1)).view(2, len(weights), -1) for cut in cuts]
    magnitudes = [spectrum[0].square().addcmul_(spectrum[1], spectrum[1]).sqrt_() for spectrum in spectra]
    difference = magnitudes[0] - magnitudes[1]
    value = (weights @ difference.abs()).view(len(o), -1).mean(1)
    value = value + 0 * (o + t).flatten(1).sum(1)  # NaN and infinite values that the windows leave out count as well
    if not wanted:
        return value, None
    slope = _pull(difference, magnitudes[0]).mul_(weights[:, None] * (len(o) / difference.shape[1]))
    back = (matrix.mT @ spectra[0].mul_(slope).flatten(0, 1)).view(cuts[0].shape)
    frames = back.permute(*axes[how.dims :], *axes[: how.dims])
    inside = overlapped(frames, shape=[n - 1 for n in o.shape[1:]], step=how.step)
    return value, nn.functional.pad(inside, (1, 0) * how.dims)


def _modulus(spectrum: Tensor) -> Tensor:
    """|z| from squares; `Tensor.abs`, which guards against overflow, took 3.5 times as long on the windows of a plane."""
    squares = torch.view_as_real(spectrum).square()
    return (squares[..., 0] + squares[..., 1]).sqrt_()


def _pull(difference: Tensor, magnitude: Tensor) -> Tensor:
    """The sign of a difference over the magnitude, in place: times the coefficient, it is the gradient.

    The squares of what is smaller than √tiny are lost, its phase with them: such a coefficient pulls with less than 1.
    """
    return difference.sign_().div_(magnitude.clamp_min_(math.sqrt(torch.finfo(magnitude.dtype).tiny)))
