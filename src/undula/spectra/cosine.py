"""Cosine transforms: the Fourier transform of an image that is mirrored at its borders, all numbers real."""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def dct(x: Float[Tensor, "*batch_and_space"], *, dims: int = 2) -> Float[Tensor, "*batch_and_frequency"]:
    """Orthonormal cosine transform of the last `dims` axes (type II).

    X_k = √((2 - δ_k) / N) Σ_n x_n cos(π k (n + ½) / N): the half sample on both sides mirrors the borders, so that nothing
    jumps there. PyTorch has none; this is one real Fourier transform of the same length per axis, batched, with gradients.

    Args:
        x: Real array (…, space), of any lengths.
        dims: How many of the last axes are space.

    Returns:
        Coefficients of the same shape, frequency 0 first; the sum of their squares is that of the array.

    References: Makhoul, A fast cosine transform in one and two dimensions, 1980.

    Example:
        >>> dct(torch.ones(4, 9))[0, 0]
        tensor(6.)
    """
    for axis in range(-dims, 0):
        x = _forward(x, axis)
    return x


def idct(coefficients: Float[Tensor, "*batch_and_frequency"], *, dims: int = 2) -> Float[Tensor, "*batch_and_space"]:
    """Inverse of `dct`, and its adjoint (type III).

    Args:
        coefficients: What `dct` returned (…, frequency).
        dims: How many of the last axes are frequency.

    Returns:
        The array.

    Example:
        >>> x = torch.rand(3, 5, 8)
        >>> torch.allclose(idct(dct(x)), x, atol=1e-6)
        True
    """
    for axis in range(-dims, 0):
        coefficients = _backward(coefficients, axis)
    return coefficients


def _forward(x: Tensor, axis: int) -> Tensor:
    n = x.shape[axis]
    rows = x.movedim(axis, -1)
    dealt = torch.cat([rows[..., ::2], rows[..., 1::2].flip(-1)], dim=-1)
    turned = torch.fft.rfft(dealt) * _turn(n, x)
    back = turned.imag[..., 1 : (n + 1) // 2].flip(-1)
    return torch.cat([turned.real, -back], dim=-1).movedim(-1, axis)


def _backward(coefficients: Tensor, axis: int) -> Tensor:
    n = coefficients.shape[axis]
    rows = coefficients.movedim(axis, -1)
    mirrored = torch.cat([torch.zeros_like(rows[..., :1]), rows[..., n - n // 2 :].flip(-1)], dim=-1)
    turned = torch.complex(rows[..., : n // 2 + 1], -mirrored) / _turn(n, coefficients)
    dealt = torch.fft.irfft(turned, n=n)
    half = (n + 1) // 2
    even, odd = dealt[..., :half], dealt[..., half:].flip(-1)
    if n % 2:
        odd = torch.cat([odd, odd.new_zeros(*odd.shape[:-1], 1)], dim=-1)
    return torch.stack([even, odd], dim=-1).flatten(-2)[..., :n].movedim(-1, axis)


def _turn(n: int, like: Tensor) -> Complex[Tensor, " half"]:
    """The half sample by which the mirrored array is off, and the scale of each frequency."""
    k = torch.arange(n // 2 + 1, device=like.device, dtype=torch.float64)
    scale = torch.full_like(k, math.sqrt(2 / n))
    scale[0] = math.sqrt(1 / n)
    return torch.polar(scale, -math.pi * k / (2 * n)).to(
        torch.complex128 if like.dtype == torch.float64 else torch.complex64
    )
