"""What a spectrum needs before it is compared: borders that leave no cross, and one value per ring of frequency."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Complex, Float, Int, Shaped
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.fourier import fourier, frequencies, half_plane_weights, inverse_fourier, radial_bands


def radial_profile(
    x: Shaped[Tensor, "*batch_and_space"],
    *,
    dims: int = 2,
    bins: int | None = None,
    power: bool = False,
    log: bool = False,
) -> Float[Tensor, "*batch rings"]:
    """Mean magnitude of the unitary Fourier transform over every ring of frequency, P(r) = mean of |X(f)| over |f| ≈ r.

    The mean runs over the full plane: coefficients of the half plane of a real array that stand for two count twice.
    White noise of variance σ² has a flat profile at any size: power σ², magnitude σ √π/2 away from zero frequency.

    Args:
        x: Real or complex array (…, space).
        dims: How many of the last axes are space.
        bins: Number of rings of equal width from 0 to the highest frequency (that of the corner); None takes rings
            one frequency step of the longest axis apart, as `radial_bands` numbers them.
        power: Average |X|² in place of |X|.
        log: Return log₁₀ of the means.

    Returns:
        Means (…, rings) at the frequencies of `ring_frequencies`; NaN where a ring holds no coefficient (too many
        bins), -∞ where `log` meets an empty spectrum.

    Raises:
        ShapeError: The array has fewer axes than `dims`, or an empty one.
        RangeError: The array holds integers.
        OptionError: `bins` is below 1.

    Example:
        >>> n = torch.arange(64)
        >>> wave = torch.cos(2 * torch.pi * 5 * n / 64).expand(64, 64)
        >>> profile = radial_profile(wave)
        >>> float(ring_frequencies((64, 64))[profile.argmax()]) * 64
        5.0
    """
    shape, real = _space(x, dims), not x.is_complex()
    coefficients = fourier(x, dims=dims)
    values = _power(coefficients) if power else coefficients.abs()
    rings = _rings(shape, real=real, bins=bins, device=x.device)
    weights = half_plane_weights(shape, real=real, like=x).expand(rings.shape)
    means = _ring_means(values, rings, weights.to(values.dtype), count=_ring_count(shape, bins))
    return torch.log10(means) if log else means


def ring_frequencies(shape: Sequence[int], *, bins: int | None = None) -> Float[Tensor, "rings"]:
    """Centers of the rings of `radial_profile`.

    Args:
        shape: Lengths of the space axes.
        bins: As for `radial_profile`.

    Returns:
        Frequencies in cycles per sample (rings,), float64, rising from 0 (from the middle of the first bin).

    Raises:
        OptionError: `bins` is below 1.

    Example:
        >>> ring_frequencies((4, 4))
        tensor([0.0000, 0.2500, 0.5000, 0.7500], dtype=torch.float64)
    """
    count = _ring_count(shape, bins)
    number = torch.arange(count, dtype=torch.float64)
    return number / max(shape) if bins is None else (number + 0.5) * _highest(shape) / count


def hann_window(shape: Sequence[int], *, like: Tensor) -> Float[Tensor, "*space"]:
    """Separable Hann window w(n) = Π sin²(π n / N), one factor per axis, periodic.

    Periodic, not symmetric: its transform is three coefficients per axis exactly, so that a wave of a whole number of
    periods reaches its two neighbors and nothing else. The mean of w² is (3/8)^dims from 3 samples per axis on.

    Args:
        shape: Lengths of the axes.
        like: A tensor whose device and (real) dtype the window takes.

    Returns:
        The window of that shape, 0 at the first sample and 1 at the middle one; an axis of one sample has w = 1.

    Example:
        >>> hann_window((4,), like=torch.ones(()))
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    dtype = like.real.dtype
    window = torch.ones((), device=like.device, dtype=dtype)
    for length in shape:
        window = window.unsqueeze(-1) * torch.hann_window(length, periodic=True, device=like.device, dtype=dtype)
    return window


def windowed(x: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2) -> Shaped[Tensor, "*batch_and_space"]:
    """The array times `hann_window`, which takes its borders to zero: the cross of the borders leaves the spectrum.

    The mean is not subtracted: it leaks to the neighbors of zero frequency. Samples near the border count little;
    `periodic_plus_smooth` keeps them.

    Args:
        x: Real or complex array (…, space).
        dims: How many of the last axes are space.

    Returns:
        The weighted array (…, space).

    Raises:
        ShapeError: The array has fewer axes than `dims`, or an empty one.
        RangeError: The array holds integers.
    """
    return x * hann_window(_space(x, dims), like=x)


def periodic_plus_smooth(
    x: Shaped[Tensor, "*batch_and_space"], *, dims: int = 2
) -> tuple[Shaped[Tensor, "*batch_and_space"], Shaped[Tensor, "*batch_and_space"]]:
    """Split x = p + s into a part whose borders meet and a smooth one that carries their jumps.

    s has mean zero and solves Δs = v on the torus, Δ the sum of the second differences along the axes, v the jump
    x(last) - x(first) at the first sample of every axis and its negative at the last. In the Fourier domain that is
    one division by -4 Σ sin²(π f); v̂ takes transforms of one plane per axis only. The spectrum of p has no cross,
    and p differs from x by a slow function, where a window would drown the border.

    Args:
        x: Real or complex array (…, space).
        dims: How many of the last axes are space, 1 or more.

    Returns:
        The periodic part p, which has the mean of x, and the smooth part s, both of the shape and dtype of x.

    Raises:
        ShapeError: The array has fewer axes than `dims`, or an empty one.
        RangeError: The array holds integers.

    Example:
        >>> ramp = torch.arange(8.0)
        >>> periodic, smooth = periodic_plus_smooth(ramp, dims=1)
        >>> torch.allclose(periodic - ramp.mean(), (ramp - ramp.mean()) / 8, atol=1e-6)
        True

    Reference:
        Moisan, Periodic plus smooth image decomposition, 2011.
    """
    shape, real = _space(x, dims), not x.is_complex()
    jumps = [fourier(_jump(x, axis), dims=dims, norm="backward") for axis in range(-dims, 0)]
    shares = [jump * kernel for jump, kernel in zip(jumps, _jump_kernels(x, shape), strict=True)]
    spectrum = sum(shares[1:], start=shares[0])
    smooth = inverse_fourier(spectrum, shape=shape, real=real, norm="backward")
    return x - smooth, smooth


def _space(x: Tensor, dims: int) -> tuple[int, ...]:
    if not 1 <= dims <= x.ndim or 0 in x.shape[x.ndim - dims :]:
        raise ShapeError(
            f"got shape {tuple(x.shape)} with dims={dims}, expected at least {max(dims, 1)} axes, dims from 1 on and "
            "the last ones not empty: correct dims, or add an axis"
        )
    if not (x.is_floating_point() or x.is_complex()):
        raise RangeError(f"got values of type {x.dtype}, expected floats or complex numbers: take x.float()")
    return tuple(x.shape[x.ndim - dims :])


def _power(coefficients: Complex[Tensor, "..."]) -> Float[Tensor, "..."]:
    return coefficients.real**2 + coefficients.imag**2


def _jump(x: Tensor, axis: int) -> Tensor:
    return x.narrow(axis, x.shape[axis] - 1, 1) - x.narrow(axis, 0, 1)


def _jump_kernels(x: Tensor, shape: tuple[int, ...]) -> list[Complex[Tensor, "..."]]:
    """What turns the transform of the jumps along an axis into their share of the spectrum of s.

    Along its axis a jump is 1 at the first sample and -1 at the last, in frequency 1 - exp(2πi f).
    """
    grids = frequencies(shape, real=not x.is_complex(), like=x)
    laplacian = torch.zeros((), device=x.device, dtype=x.real.dtype)
    for grid in grids:
        laplacian = laplacian - 4 * torch.sin(math.pi * grid) ** 2
    # At zero frequency every jump has the factor 0, and so has the mean of s.
    divisor = torch.where(laplacian == 0, 1.0, laplacian)
    return [(1 - torch.exp(2j * math.pi * grid)) / divisor for grid in grids]


def _highest(shape: Sequence[int]) -> float:
    """Frequency of the corner."""
    return math.sqrt(sum((length // 2 / length) ** 2 for length in shape))


def _ring_count(shape: Sequence[int], bins: int | None) -> int:
    # In Python, not as the largest ring of a tensor: a shape must not be a value of the data under torch.compile.
    if bins is None:
        return round(_highest(shape) * max(shape)) + 1
    if bins < 1:
        raise OptionError(f"got bins={bins}, expected at least 1: ask for more rings, or leave it out")
    return bins


def _rings(shape: tuple[int, ...], *, real: bool, bins: int | None, device: torch.device) -> Int[Tensor, "..."]:
    count = _ring_count(shape, bins)
    if bins is None:
        return radial_bands(shape, real=real, device=device).clamp(max=count - 1)
    like = torch.ones((), dtype=torch.float64, device=device)
    squared = sum((grid**2 for grid in frequencies(shape, real=real, like=like)), torch.zeros_like(like))
    share = torch.sqrt(squared) / (_highest(shape) or 1.0)
    return (share * count).long().clamp(max=count - 1)


def _ring_means(
    values: Float[Tensor, "*batch_and_frequency"],
    rings: Int[Tensor, "*frequency"],
    weights: Float[Tensor, "*frequency"],
    *,
    count: int,
) -> Float[Tensor, "*batch rings"]:
    """`radial_mean` with a number of rings that is known, and new tensors only, for vmap."""
    index, mass = rings.reshape(-1), weights.reshape(-1)
    flat = values.flatten(values.ndim - rings.ndim) * mass
    total = flat.new_zeros(*flat.shape[:-1], count).index_add(-1, index, flat)
    return total / mass.new_zeros(count).index_add(0, index, mass)
