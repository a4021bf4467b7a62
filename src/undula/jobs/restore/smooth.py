"""Filling by smoothness: of all pictures that have the known pixels, the one of least fractional Sobolev norm."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import avg_pool1d, avg_pool2d, avg_pool3d, interpolate

from undula.spectra import dct, idct
from undula.spectra.symmetric import CosineFilter, deal, gather

_POOL = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}
_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
_NEIGHBORHOOD = 8
_AT_ONCE = 2**20  # values transformed together; of larger pictures some lines at a time, which takes less memory
_TRUST = 0.05  # weight of the coarser level beside what is known at a level; 0.02 and 0.1 fill no better


@torch.no_grad()
def smooth(
    image: Float[Tensor, "b *space"],
    missing: Bool[Tensor, "b *space"],
    *,
    exponent: float = 3.0,
    steps: int = 8,
    half_steps: int = 4,
) -> Float[Tensor, "b *space"]:
    """Fill missing pixels with the smoothest picture.

    Minimizes Σ_k (Σ_axes |ω|)^p |X_k|² over the missing pixels, with X the cosine transform and ω its frequencies in radians
    per pixel, by preconditioned conjugate gradients, which begin with the picture of half the size, filled the same way, and
    there with `pyramid`. Two transforms of the picture per matrix, two matrices per step; memory is linear in pixels.

    The sum of the axes' frequencies instead of their length lets edges lie along the axes, as they do in photographs: on 6
    photographs with 90 % missing 26.46 dB, against 26.42 of the length and 26.39 of the discrete Laplacian, each at its best
    exponent (p = 3 here).

    Args:
        image: Images (b, space), one to three axes; what stands at missing pixels is ignored.
        missing: True where a pixel is not known.
        exponent: p, the order of smoothness times two: 2 is a membrane, 4 a plate.
        steps: Conjugate gradient steps.
        half_steps: Such steps at half the size, before; 0 begins with `pyramid` at once.

    Returns:
        Images that agree with the known pixels exactly; other values may leave the range of the known ones. An image
        without any known pixel becomes zero.

    When it fails: fine texture, and edges between known pixels, are blurred; gaps much wider than `8` pixels converge slowly.

    References: Bertalmio et al., Image inpainting, 2000, for the problem. Duchon, Splines minimizing rotation-invariant
    semi-norms in Sobolev spaces, 1977.

    Example:
        >>> ramp = torch.linspace(0, 1, 9).expand(1, 9, 9)
        >>> filled = smooth(ramp, torch.rand(1, 9, 9) < 0.5, exponent=4.0, steps=40)
        >>> bool((filled - ramp).abs().max() < 0.1)
        True
    """
    known = ~missing
    start = _from_half(image, known, exponent, half_steps) if half_steps else pyramid(image, known)
    shape, apart = image.shape[1:], _spacing(known).to(image.dtype).reshape(-1, *[1] * (image.ndim - 1))
    if len(shape) > 1 and image.numel() > _AT_ONCE:
        rate = _rate(shape, image.dtype, image.device)
        penalty, inverse = (rate**exponent)[None], _inverse(rate, apart, exponent)
        return _conjugate_gradients(
            start, missing, lambda v: _filtered(v, penalty), lambda v: _filtered(v, inverse), steps=steps
        )
    rate, penalize = _kept(shape, exponent, image.dtype, image.device)
    precondition = CosineFilter(_inverse(rate, apart, exponent), dims=len(shape))
    filled = _conjugate_gradients(
        deal(start, dims=len(shape)), deal(missing, dims=len(shape)), penalize, precondition, steps=steps
    )
    return gather(filled, dims=len(shape))


def _from_half(image: Tensor, known: Tensor, exponent: float, steps: int) -> Tensor:
    """What is missing from the picture of half the size, filled."""
    dims, pool = image.ndim - 1, [min(2, side) for side in image.shape[1:]]
    weight = _POOL[dims](known.to(image.dtype)[:, None], pool, ceil_mode=True)[:, 0]
    value = _POOL[dims](torch.where(known, image, 0)[:, None], pool, ceil_mode=True)[:, 0] / weight.clamp(min=1e-12)
    filled = smooth(value, weight == 0, exponent=exponent, steps=steps, half_steps=0)
    return torch.where(known, image, interpolate(filled[:, None], size=image.shape[1:], mode=_LINEAR[dims])[:, 0])


def pyramid(image: Float[Tensor, "b *space"], known: Bool[Tensor, "b *space"]) -> Float[Tensor, "b *space"]:
    """Fill missing pixels from means over ever larger squares.

    Args:
        image: Images (b, space).
        known: True where a pixel is known.

    Returns:
        Images that agree with the known pixels exactly.

    References: Gortler, Grzeszczuk, Szeliski, Cohen, The lumigraph (push and pull), 1996.
    """
    dims = image.ndim - 1
    weights = [known.to(image.dtype)[:, None]]
    values = [torch.where(known, image, 0)[:, None]]
    while max(values[-1].shape[2:]) > 1:
        pool = [min(2, side) for side in values[-1].shape[2:]]
        values.append(_POOL[dims](values[-1], pool, ceil_mode=True))
        weights.append(_POOL[dims](weights[-1], pool, ceil_mode=True))
    filled = values.pop() / weights.pop().clamp(min=1e-12)
    while values:
        value, weight = values.pop(), weights.pop()
        filled = interpolate(filled, size=value.shape[2:], mode=_LINEAR[dims])
        trust = _TRUST if values else 0.0
        filled = torch.where(weight > 0, (value + trust * filled) / (weight + trust), filled)
    return filled[:, 0]


def _conjugate_gradients(
    x: Tensor,
    missing: Tensor,
    penalty: Callable[[Tensor], Tensor],
    precondition: Callable[[Tensor], Tensor],
    *,
    steps: int,
) -> Tensor:
    """Minimize ⟨x, penalty x⟩ over the missing pixels; `precondition` comes near the inverse."""

    def inner(a: Tensor, b: Tensor) -> Tensor:
        return torch.linalg.vecdot(a.flatten(1), b.flatten(1)).reshape(-1, *[1] * (x.ndim - 1))

    free = missing.to(x.dtype)
    residual = penalty(x).neg_().mul_(free)
    direction, before = torch.zeros_like(x), torch.ones_like(inner(x, x))
    for _ in range(steps):
        ahead = precondition(residual).mul_(free)
        size = inner(residual, ahead)
        direction = ahead.addcmul_(_ratio(size, before), direction)
        curved = penalty(direction).mul_(free)
        length = _ratio(size, inner(direction, curved))
        x.addcmul_(length, direction)
        residual.addcmul_(length, curved, value=-1)
        before = size
    return x


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """The ratio a / b, and 0 where the search has arrived."""
    return torch.where(b > 0, a / b, 0)


def _rate(shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Sum of the axes' frequencies in radians per pixel, in the order of `dct`."""
    rate = torch.zeros((), device=device, dtype=dtype)
    for axis, length in enumerate(shape):
        along = math.pi / length * torch.arange(length, device=device, dtype=dtype)
        rate = rate + along.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    return rate


@lru_cache(maxsize=2)
def _kept(
    shape: Sequence[int], exponent: float, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, CosineFilter]:
    """Frequencies and the matrix of the norm, kept, for pictures often have the size of the one before."""
    rate = _rate(shape, dtype, device)
    return rate, CosineFilter(rate**exponent, dims=len(shape))


def _inverse(rate: Tensor, apart: Tensor, exponent: float) -> Tensor:
    """Near the inverse of the norm's matrix for frequencies above those that the known pixels hold."""
    return (rate.square() + apart).rsqrt_() ** exponent


def _filtered(x: Tensor, gain: Tensor) -> Tensor:
    """The cosine transform times a gain, transformed back, some lines of the picture at a time."""
    dims = x.ndim - 1
    out = torch.empty_like(x)
    for given, made in zip(_parts(x, 1, x.numel()), _parts(out, 1, x.numel()), strict=True):
        made.copy_(dct(given, dims=dims - 1))
    for some, factor in zip(_parts(out, -1, x.numel()), _parts(gain, -1, x.numel()), strict=True):
        turned = dct(some.movedim(1, -1), dims=1).mul_(factor.movedim(1, -1))
        some.copy_(idct(turned, dims=1).movedim(-1, 1))
    for some in _parts(out, 1, x.numel()):
        some.copy_(idct(some, dims=dims - 1))
    return out


def _parts(values: Tensor, axis: int, count: int) -> tuple[Tensor, ...]:
    """Views along an axis, of a picture of so many values `_AT_ONCE` of them in each."""
    return torch.split(values, max(1, _AT_ONCE * values.shape[axis] // count), dim=axis)


def _spacing(known: Tensor) -> Tensor:
    """Square of the frequency up to which known pixels hold a picture: 6 times their share around missing ones.

    Of 1.5 to 15 times the share, 6 gives the fewest steps at 50, 90 and 99 % missing.
    """
    dims = known.ndim - 1
    pool = [min(_NEIGHBORHOOD, side) for side in known.shape[1:]]
    share = _POOL[dims](known.to(torch.float32)[:, None], pool, ceil_mode=True).flatten(1)
    around = ((1 - share) * share).sum(1) / (1 - share).sum(1).clamp(min=1e-12)
    return 6 * around.clamp(min=1e-4)
