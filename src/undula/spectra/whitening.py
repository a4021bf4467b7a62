"""The power spectral density of noise, and signals made white by it."""

import math
from typing import Any, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError


def welch(
    noise: Shaped[Tensor, "*batch t"],
    *,
    rate: float = 1.0,
    segment: int | None = None,
    average: Literal["mean", "median"] = "mean",
) -> tuple[Float[Tensor, " f"], Float[Tensor, "*batch f"]]:
    """Power spectral density S(f) from overlapping Hann-windowed segments (Welch).

    S integrates to the variance: over 0…rate/2 for real noise (one-sided), over -rate/2…rate/2 for complex noise. The mean
    of each segment is removed.

    Args:
        noise: Stretches of noise (…, T).
        rate: Samples per second.
        segment: Samples of a segment, half of which the next one shares; None is T/8, at least 16.
        average: "mean" of the segments, or their "median" (corrected for its bias), which a glitch in one does not move.

    Returns:
        Frequencies in Hz, ascending, and the density (…, F).

    Raises:
        ShapeError: Fewer samples than a segment.
        RangeError: The rate is not positive, or the noise is not finite.
        OptionError: The average is unknown.

    Example:
        >>> frequency, density = welch(torch.randn(10_000, generator=torch.Generator().manual_seed(0)), segment=100)
        >>> round(float(density.mean() / 2), 1)
        1.0

    Reference: Welch, The use of fast Fourier transform for the estimation of power spectra, 1967.
    """
    samples = noise.shape[-1]
    length = min(samples, max(16, samples // 8)) if segment is None else segment
    _check(noise, rate=rate, length=length, average=average)
    pieces = noise.unfold(-1, length, max(1, length // 2))
    pieces = pieces - pieces.mean(dim=-1, keepdim=True)
    window = torch.hann_window(length, dtype=noise.real.dtype, device=noise.device)
    scale = 1.0 / (rate * window.square().sum())
    if noise.is_complex():
        power = torch.fft.fftshift(torch.fft.fft(pieces * window), dim=-1).abs().square() * scale
        cycles = torch.fft.fftshift(torch.fft.fftfreq(length, d=1 / rate, device=noise.device))
    else:
        power = torch.fft.rfft(pieces * window).abs().square() * scale
        power[..., 1 : (length + 1) // 2] *= 2
        cycles = torch.fft.rfftfreq(length, d=1 / rate, device=noise.device)
    if average == "mean":
        return cycles.to(power.dtype), power.mean(dim=-2)
    return cycles.to(power.dtype), torch.quantile(power, 0.5, dim=-2) / median_bias(power.shape[-2])


def autocovariance(
    frequency: Float[Tensor, " f"], density: Float[Tensor, "*batch f"], *, rate: float, count: int, real: bool = True
) -> Shaped[Tensor, "*batch k"]:
    """Covariance of noise with itself k samples later, r(k) = ∫ S(f) e^(2πi f k / rate) df, for k = 0…count - 1.

    Args:
        frequency: Frequencies of the density in Hz, ascending; in between it is a straight line, beyond it keeps its ends.
        density: S(f), one-sided for real noise, two-sided for complex noise.
        rate: Samples per second.
        count: Number of lags.
        real: Whether the noise is real.

    Returns:
        The covariance (…, count).
    """
    size = 2 ** math.ceil(math.log2(max(4 * count, 2 * len(frequency), 64)))
    grid = torch.fft.rfftfreq(size, d=1 / rate) if real else torch.fft.fftfreq(size, d=1 / rate)
    on_grid = _interpolated(frequency, density, grid.to(frequency))
    if real:
        return torch.fft.irfft(on_grid.to(torch.complex128) / 2, n=size)[..., :count] * rate
    return torch.fft.ifft(on_grid.to(torch.complex128), n=size)[..., :count] * rate


def whiten(
    signal: Shaped[Tensor, "*batch t"],
    *,
    frequency: Float[Tensor, " f"],
    density: Float[Tensor, "*#batch f"],
    rate: float = 1.0,
    band: tuple[float, float] | None = None,
) -> Shaped[Tensor, "*batch t"]:
    """Divide a signal's spectrum by the noise's amplitude: noise of this density becomes white with variance 1.

    The record is taken as periodic: what lies within the correlation time of its ends is not to be trusted, so whiten a longer
    record and cut it afterwards.

    Args:
        signal: Signals (…, T).
        frequency: Frequencies of the density in Hz, ascending.
        density: S(f), one-sided for real signals, two-sided for complex ones, see `welch`.
        rate: Samples per second.
        band: Lowest and highest frequency in Hz that are kept; the others become zero.

    Returns:
        The whitened signals (…, T).

    Raises:
        RangeError: The rate or a density is not positive, or the band is empty.

    Example:
        >>> flat = torch.full((2,), 2.0)
        >>> whiten(torch.tensor([3.0, -1.0]), frequency=torch.tensor([0.0, 0.5]), density=flat)
        tensor([ 3., -1.])
    """
    if not rate > 0 or not bool((density > 0).all()):
        raise RangeError(f"got rate={rate} and densities from {float(density.min()):g}, expected positive numbers")
    if band is not None and not 0 <= band[0] < band[1]:
        raise RangeError(f"got band={band}, expected two frequencies in Hz, the lower first")
    samples = signal.shape[-1]
    half = 2.0 if not signal.is_complex() else 1.0
    if signal.is_complex():
        spectrum, grid = torch.fft.fft(signal), torch.fft.fftfreq(samples, d=1 / rate, device=signal.device)
    else:
        spectrum, grid = torch.fft.rfft(signal), torch.fft.rfftfreq(samples, d=1 / rate, device=signal.device)
    amplitude = (_interpolated(frequency, density, grid.to(frequency)) * rate / half).sqrt()
    spectrum = spectrum / amplitude.to(spectrum.real.dtype)
    if band is not None:
        spectrum = spectrum * ((grid.abs() >= band[0]) & (grid.abs() <= band[1]))
    return torch.fft.ifft(spectrum) if signal.is_complex() else torch.fft.irfft(spectrum, n=samples)


def _interpolated(frequency: Tensor, density: Tensor, grid: Tensor) -> Tensor:
    """Straight lines between the given frequencies, the end values beyond."""
    if len(frequency) == 1:
        return density.expand(*density.shape[:-1], len(grid))
    right = torch.searchsorted(frequency.contiguous(), grid.contiguous()).clamp(1, len(frequency) - 1)
    low, high = frequency[right - 1], frequency[right]
    share = ((grid - low) / (high - low)).clamp(0, 1)
    return density[..., right - 1] * (1 - share) + density[..., right] * share


def median_bias(count: int) -> float:
    """Median of the mean of an exponential variable over `count` draws, relative to its mean (Allen et al. 2012)."""
    odd = (count - 1) // 2
    return 1.0 + sum(1.0 / (2 * i + 1) - 1.0 / (2 * i) for i in range(1, odd + 1))


def _check(noise: Any, *, rate: float, length: int, average: str) -> None:
    samples = noise.shape[-1]
    if not 2 <= length <= samples:
        raise ShapeError(f"got segments of {length} samples of noise with {samples}, expected 2 … {samples}")
    if not rate > 0:
        raise RangeError(f"got rate={rate}, expected samples per second, above 0")
    if average not in ("mean", "median"):
        raise OptionError(f'got average={average!r}, expected "mean" or "median"')
    if not bool(torch.isfinite(torch.view_as_real(noise) if noise.is_complex() else noise).all()):
        raise RangeError("got NaN or infinite values in the noise, expected numbers: cut out a stretch without gaps")
