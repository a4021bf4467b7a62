"""Fourier transforms over the last axes, and what follows from them: shifts, correlations, radial bands.

All transforms are unitary (`norm="ortho"`), so that sums of squares agree on both sides (Parseval). A real array has a
half plane of coefficients (`torch.fft.rfftn`), a complex one a full plane.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Complex, Float, Int, Shaped
from torch import Tensor

Norm = Literal["backward", "ortho", "forward"]


def fourier(
    x: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2, norm: Norm = "ortho"
) -> Complex[Tensor, "*batch_and_frequency"]:
    """Unitary Fourier transform of the last `dims` axes; the half plane of a real array, the full one of a complex one.

    Args:
        x: Real or complex array (…, space).
        dims: How many of the last axes are space.
        norm: Another normalization, as in `torch.fft`: "backward" is not divided by √N, which saves a pass.

    Returns:
        Coefficients (…, frequency), zero frequency first; the last axis has length ⌊W/2⌋ + 1 for real arrays.

    Example:
        >>> fourier(torch.ones(4, 6)).shape
        torch.Size([4, 4])
    """
    axes = tuple(range(-dims, 0))
    return torch.fft.fftn(x, dim=axes, norm=norm) if x.is_complex() else torch.fft.rfftn(x, dim=axes, norm=norm)


def inverse_fourier(
    coefficients: Complex[Tensor, "*batch_and_frequency"], *, shape: Sequence[int], real: bool, norm: Norm = "ortho"
) -> Shaped[Tensor, "*batch_and_space"]:
    """Inverse of `fourier`.

    Args:
        coefficients: What `fourier` returned (…, frequency).
        shape: Lengths of the space axes; an odd and an even last axis cannot be told apart from the half plane.
        real: Whether the array was real (half plane) or complex (full plane).
        norm: Another normalization, as in `torch.fft`: "forward" is not divided by √N.

    Returns:
        The array (…, *shape).

    Example:
        >>> x = torch.rand(3, 5, 7)
        >>> torch.allclose(inverse_fourier(fourier(x), shape=(5, 7), real=True), x, atol=1e-6)
        True
    """
    axes = tuple(range(-len(shape), 0))
    if real:
        return torch.fft.irfftn(coefficients, s=tuple(shape), dim=axes, norm=norm)
    return torch.fft.ifftn(coefficients, dim=axes, norm=norm)


def half_plane_weights(shape: Sequence[int], *, real: bool, like: Tensor) -> Float[Tensor, "*frequency"]:
    """How often each coefficient of `fourier` stands for itself in the full plane: once or, with its mirror, twice.

    Args:
        shape: Lengths of the space axes.
        real: Whether the coefficients are a half plane; a full plane has weights 1.
        like: A tensor whose device and (real) dtype the weights take.

    Returns:
        Weights that broadcast over the coefficients; they sum to the number of pixels.

    Example:
        >>> half_plane_weights((4, 6), real=True, like=torch.ones(()))[0]
        tensor([1., 2., 2., 1.])
    """
    dtype = like.real.dtype
    if not real:
        return torch.ones(tuple(shape), device=like.device, dtype=dtype)
    width = shape[-1]
    weights = torch.full((*shape[:-1], width // 2 + 1), 2.0, device=like.device, dtype=dtype)
    weights[..., 0] = 1.0
    if width % 2 == 0:
        weights[..., -1] = 1.0
    return weights


def frequencies(shape: Sequence[int], *, real: bool, like: Tensor) -> list[Float[Tensor, "..."]]:
    """Frequencies in cycles per sample, one open grid per axis, in the order of `fourier`.

    Args:
        shape: Lengths of the space axes.
        real: Whether the last axis is a half plane.
        like: A tensor whose device and (real) dtype the grids take.

    Returns:
        One tensor per axis, shaped so that they broadcast to the grid of coefficients; values in [-1/2, 1/2].

    Example:
        >>> [f.shape for f in frequencies((4, 6), real=True, like=torch.ones(()))]
        [torch.Size([4, 1]), torch.Size([1, 4])]
    """
    grids = []
    for axis, length in enumerate(shape):
        half = real and axis == len(shape) - 1
        make = torch.fft.rfftfreq if half else torch.fft.fftfreq
        grid = make(length, device=like.device, dtype=like.real.dtype)
        grids.append(grid.reshape([-1 if other == axis else 1 for other in range(len(shape))]))
    return grids


def gaussian_blur(
    x: Shaped[Tensor, "*batch_and_space"], *, deviation: float, dims: int = 2
) -> Shaped[Tensor, "*batch_and_space"]:
    """Circular blur with a Gaussian, by its transfer function exp(-2 π² σ² |f|²).

    Args:
        x: Real or complex array (…, space).
        deviation: σ in samples; 0 returns the array unchanged.
        dims: How many of the last axes are space.

    Returns:
        The blurred array, the same shape and dtype; its sum is unchanged.
    """
    if deviation == 0:
        return x
    real = not x.is_complex()
    shape = x.shape[-dims:]
    coefficients = fourier(x, dims=dims)
    for grid in frequencies(shape, real=real, like=x):
        coefficients = coefficients * torch.exp(-2 * (math.pi * deviation * grid) ** 2)
    return inverse_fourier(coefficients, shape=shape, real=real)


def reverse(x: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2) -> Shaped[Tensor, "*batch_and_space"]:
    """Turn by 180 degrees about the first sample, x(-n): the spectrum's mirror, whose moduli a real x shares.

    Args:
        x: Array (…, space).
        dims: How many of the last axes are space.

    Returns:
        The turned array; turning twice gives x back.

    Example:
        >>> reverse(torch.tensor([[0, 1, 2, 3]]), dims=1)
        tensor([[0, 3, 2, 1]])
    """
    axes = tuple(range(-dims, 0))
    return x.flip(axes).roll((1,) * dims, dims=axes)


def circular_shift(
    x: Shaped[Tensor, "items *space"], shift: Int[Tensor, "items dims"]
) -> Shaped[Tensor, "items *space"]:
    """Roll every item by its own whole number of samples.

    `torch.roll` knows one shift for the whole batch; this is one gather per axis for a batch of shifts.

    Args:
        x: Items (n, space).
        shift: Samples by which each item moves towards higher indices, (n, dims); dims is the number of space axes.

    Returns:
        The rolled items, bit for bit the values of x.

    Example:
        >>> circular_shift(torch.tensor([[1, 2, 3]]), torch.tensor([[1]]))
        tensor([[3, 1, 2]])
    """
    for axis in range(shift.shape[1]):
        length = x.shape[1 + axis]
        index = (torch.arange(length, device=x.device) - shift[:, axis : axis + 1]) % length
        view = index.reshape(len(x), *[length if other == axis else 1 for other in range(shift.shape[1])])
        x = x.gather(1 + axis, view.expand(x.shape))
    return x


def translate(x: Shaped[Tensor, "items *space"], shift: Float[Tensor, "items dims"]) -> Shaped[Tensor, "items *space"]:
    """Move every item by its own, possibly fractional, number of samples: a phase ramp on its spectrum.

    Args:
        x: Real or complex items (n, space).
        shift: Samples towards higher indices, (n, dims).

    Returns:
        The moved items. Whole shifts agree with `circular_shift`. Of a real array with an even side the Nyquist
        coefficient has no fractional shift; it is multiplied by cos(π·shift), the real part.
    """
    shape = x.shape[1:]
    coefficients = fourier(x, dims=len(shape))
    for axis, grid in enumerate(frequencies(shape, real=not x.is_complex(), like=x)):
        amount = shift[:, axis].to(grid.dtype).reshape(-1, *[1] * len(shape))
        ramp = torch.exp(-2j * math.pi * grid * amount)
        coefficients = coefficients * torch.where(grid.abs() == 0.5, ramp.real.to(ramp.dtype), ramp)
    return inverse_fourier(coefficients, shape=shape, real=not x.is_complex())


def cross_correlation(
    x: Shaped[Tensor, "*batch_and_space"], y: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2
) -> Shaped[Tensor, "*batch_and_space"]:
    """Circular cross-correlation c(s) = Σₙ x*(n) y(n + s): its peak is the shift that takes x to y.

    Args:
        x: Array (…, space), real or complex.
        y: Array of the same shape and kind.
        dims: How many of the last axes are space.

    Returns:
        c over all shifts (…, space), complex for complex arrays.
    """
    shape = x.shape[-dims:]
    product = fourier(x, dims=dims).conj() * fourier(y, dims=dims)
    return inverse_fourier(product, shape=shape, real=not x.is_complex()) * math.sqrt(math.prod(shape))


def radial_bands(shape: Sequence[int], *, real: bool = False, device: torch.device | None = None) -> Int[Tensor, "..."]:
    """Number of the ring (sphere) of one frequency step to which every coefficient of `fourier` belongs.

    Args:
        shape: Lengths of the space axes; a step is that of the longest axis.
        real: Whether the coefficients are a half plane.
        device: Device of the result.

    Returns:
        Ring numbers 0, 1, … on the grid of coefficients, zero frequency first.

    Example:
        >>> radial_bands((1, 6), real=True)
        tensor([[0, 1, 2, 3]])
    """
    like = torch.ones((), dtype=torch.float64, device=device)
    squared = sum((grid**2 for grid in frequencies(shape, real=real, like=like)), torch.zeros_like(like))
    return torch.round(torch.sqrt(squared) * max(shape)).long()


def radial_mean(
    values: Float[Tensor, "*batch_and_frequency"], bands: Int[Tensor, "*frequency"], *, weights: Tensor | None = None
) -> Float[Tensor, "*batch bands"]:
    """Weighted mean of a spectrum over every ring.

    Args:
        values: One value per coefficient (…, frequency).
        bands: Ring numbers as `radial_bands` gives them.
        weights: Weight per coefficient, broadcast over `values`; None is 1. Take `half_plane_weights` for a half plane.

    Returns:
        Means (…, bands); NaN where a ring has no weight.
    """
    count = int(bands.max()) + 1
    flat = values.reshape(*values.shape[: values.ndim - bands.ndim], -1)
    weight = torch.ones_like(values) if weights is None else weights.to(values.dtype).expand(values.shape)
    weight = weight.reshape(flat.shape)
    index = bands.reshape(-1)
    total = flat.new_zeros(*flat.shape[:-1], count).index_add_(-1, index, flat * weight)
    mass = flat.new_zeros(*flat.shape[:-1], count).index_add_(-1, index, weight)
    return total / mass
