"""Alignment up to what Fourier magnitudes cannot know: circular shift, 180-degree turn, global phase."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra import (
    circular_shift,
    cross_correlation,
    fourier,
    frequencies,
    half_plane_weights,
    reverse,
    translate,
)


@dataclass(frozen=True)
class Alignment:
    """An aligned image and what was done to it: first turned, then moved, then multiplied by a phase.

    Attributes:
        image: The aligned items, shape and kind of the input.
        shift: Samples by which each item was moved towards higher indices (…, dims), whole numbers unless `subpixel`.
        flipped: Whether each item was turned by 180 degrees (and conjugated if complex) first (…).
        phase: Angle in radians by which each complex item was turned last (…); 0 for real ones.
    """

    image: Any
    shift: Any
    flipped: Any
    phase: Any


def align(
    image: Any,
    reference: Any,
    *,
    dims: int = 2,
    flip: bool = True,
    subpixel: bool = False,
) -> Alignment:
    """Move, turn and (if complex) rephase each image so that it lies on its reference as well as it can.

    Fourier magnitudes do not change under x(n) → x(n - s), x(n) → x*(-n) and x → e^{iφ} x; this undoes all three by
    maximizing the real part (complex: the modulus) of the circular cross-correlation.

    Args:
        image: Images (…, space), a tensor or a NumPy array, real or complex.
        reference: The images to lie on, of the same shape.
        dims: How many of the last axes are space.
        flip: Whether the 180-degree turn (complex: with conjugation) is tried as well.
        subpixel: Whether the shift may be fractional: Newton steps on the correlation from its highest sample.

    Returns:
        The aligned images and what was applied.

    Raises:
        ShapeError: The shapes differ, are empty, or have fewer than `dims` axes.
        OptionError: `dims` is not 1, 2 or 3.
        RangeError: A value is NaN or infinite.

    When the image is not alike at all, the alignment means nothing: look at `undula.metrics.correlation` afterwards.

    Reference: Guizar-Sicairos, Thurman, Fienup, Efficient subpixel image registration algorithms, 2008 (the criterion).

    Example:
        >>> a = torch.rand(8, 8)
        >>> torch.equal(align(a.roll((2, 3), (0, 1)), a).image, a)
        True
    """
    if not isinstance(image, Tensor):
        aligned = align(_tensor(image), _tensor(reference), dims=dims, flip=flip, subpixel=subpixel)
        return Alignment(*(part.numpy() for part in vars(aligned).values()))
    _check(image, reference, dims=dims)
    batch, space = image.shape[:-dims], image.shape[-dims:]
    turned, shift, flipped = _best_whole_shift(image.reshape(-1, *space), reference.reshape(-1, *space), flip=flip)
    targets = reference.reshape(-1, *space)
    if subpixel:
        shift = _refine(turned, targets, shift.to(turned.real.dtype))
        moved = translate(turned, shift)
    else:
        moved = circular_shift(turned, shift)
    phase = _phase(moved, targets)
    if image.is_complex():
        moved = moved * torch.polar(torch.ones_like(phase), phase).reshape(-1, *[1] * dims)
    return Alignment(
        image=moved.reshape(image.shape),
        shift=shift.reshape(*batch, dims),
        flipped=flipped.reshape(batch),
        phase=phase.reshape(batch),
    )


def _best_whole_shift(
    image: Shaped[Tensor, "n *space"], reference: Shaped[Tensor, "n *space"], *, flip: bool
) -> tuple[Tensor, Tensor, Bool[Tensor, " n"]]:
    """Turned images, whole shifts and whether each was turned, by the highest correlation."""
    dims = image.ndim - 1
    candidates = [image, reverse(image, dims=dims).conj().resolve_conj()] if flip else [image]
    peaks = []
    for candidate in candidates:
        score = cross_correlation(candidate, reference, dims=dims)
        peaks.append((score.abs() if score.is_complex() else score).reshape(len(image), -1).max(dim=1))
    flipped = torch.zeros(len(image), dtype=torch.bool, device=image.device)
    turned, place = image, peaks[0].indices
    if flip:
        flipped = peaks[1].values > peaks[0].values
        place = torch.where(flipped, peaks[1].indices, place)
        turned = torch.where(flipped.reshape(-1, *[1] * dims), candidates[1], image)
    lengths = torch.tensor(image.shape[1:], device=image.device)
    strides = lengths.flip(0).cumprod(0).flip(0) // lengths
    shift = place[:, None] // strides % lengths
    return turned, torch.where(shift > lengths // 2, shift - lengths, shift), flipped


def _refine(
    image: Shaped[Tensor, "n *space"], reference: Shaped[Tensor, "n *space"], shift: Float[Tensor, "n dims"]
) -> Float[Tensor, "n dims"]:
    """Newton steps on f(s) = Re c(s), or |c(s)|² for complex items, with c(s) = Σₖ G(k) e^{2πi k·s}."""
    dims = image.ndim - 1
    real = not image.is_complex()
    product = fourier(image, dims=dims).conj() * fourier(reference, dims=dims)
    product = product * half_plane_weights(image.shape[1:], real=real, like=image)
    grids = [2 * math.pi * grid for grid in frequencies(image.shape[1:], real=real, like=image)]
    axes = tuple(range(1, dims + 1))
    start = shift
    for _ in range(8):
        angle = torch.zeros_like(product.real)
        for axis, grid in enumerate(grids):
            angle = angle + grid * shift[:, axis].reshape(-1, *[1] * dims)
        terms = product * torch.polar(torch.ones_like(angle), angle)
        value = terms.sum(dim=axes)
        first = torch.stack([(1j * g * terms).sum(dim=axes) for g in grids], dim=-1)
        second = torch.stack([torch.stack([-(g * h * terms).sum(dim=axes) for h in grids], -1) for g in grids], -1)
        if real:
            gradient, hessian = first.real, second.real
        else:
            gradient = (value.conj()[:, None] * first).real
            outer = first.conj()[:, :, None] * first[:, None, :]
            hessian = (outer + value.conj()[:, None, None] * second).real
        step = -torch.linalg.lstsq(hessian, gradient[..., None]).solution[..., 0]
        # The true peak lies within a sample of the highest one; further away Newton has left the hill.
        shift = torch.maximum(torch.minimum(shift + step.clamp(-0.5, 0.5), start + 1), start - 1)
    return shift


def _phase(moved: Tensor, reference: Tensor) -> Float[Tensor, " n"]:
    axes = tuple(range(1, moved.ndim))
    if not moved.is_complex():
        return torch.zeros(len(moved), dtype=moved.dtype, device=moved.device)
    return torch.angle((moved.conj() * reference).sum(dim=axes))


def _check(image: Tensor, reference: Tensor, *, dims: int) -> None:
    if dims not in (1, 2, 3):
        raise OptionError(f"got dims={dims}, expected 1, 2 or 3: the number of space axes")
    if image.shape != reference.shape or image.ndim < dims or image.numel() == 0:
        raise ShapeError(
            f"got an image of shape {tuple(image.shape)} and a reference of shape {tuple(reference.shape)}, "
            f"expected the same, not empty, with at least {dims} axes: crop or pad one of them first"
        )
    if image.is_complex() != reference.is_complex() or not (image.is_complex() or image.is_floating_point()):
        raise RangeError(
            f"got {image.dtype} and {reference.dtype}, expected both real floats or both complex: convert one"
        )
    if not (torch.isfinite(image).all() and torch.isfinite(reference).all()):
        raise RangeError("got NaN or infinite values, expected finite images: replace them first")


def _tensor(array: Any) -> Tensor:
    return array.detach().cpu() if isinstance(array, Tensor) else torch.as_tensor(array)
