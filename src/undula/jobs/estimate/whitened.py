"""`undula.whiten`: a record divided by the amplitude of its noise."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from undula.errors import RangeError, ShapeError
from undula.jobs.estimate.noise import read_density
from undula.spectra import whiten as divided


def whiten(signal: Any, noise: Any, *, rate: float = 1.0, band: tuple[float, float] | None = None) -> Any:
    """Make the noise of a record white with variance 1: its spectrum is divided by √(S(f) · rate / 2).

    Whiten a long record and cut the ringing out afterwards: what lies within the correlation time of the ends is not to be
    trusted, for the record is taken as periodic. A ringing that is whitened is no longer a sum of damped waves near its
    start; where it is short, give `estimate` the noise instead.

    Args:
        signal: Real or complex (…, T), a tensor or an array, without gaps.
        noise: A pair (frequencies in Hz, power spectral density), one-sided for real signals, or a stretch of noise alone,
            sampled alike (T',).
        rate: Samples per second.
        band: Lowest and highest frequency in Hz that are kept; the others become zero.

    Returns:
        The whitened signals, as they came.

    Raises:
        RangeError: NaN or infinite values; a rate, a band or a density that mean nothing.
        ShapeError: An empty signal, or a density of unequal lengths.

    Example:
        >>> noise = torch.randn(4096, generator=torch.Generator().manual_seed(0))
        >>> round(float(whiten(5 * noise, 5 * noise).std()), 1)
        1.0
    """
    given = signal.detach() if isinstance(signal, Tensor) else torch.from_numpy(np.ascontiguousarray(signal))
    if given.ndim < 1 or given.numel() == 0:
        raise ShapeError(f"got a signal of shape {tuple(given.shape)}, expected (…, samples) with at least one sample")
    values = given if given.is_floating_point() or given.is_complex() else given.double()
    if not bool(torch.isfinite(torch.view_as_real(values) if values.is_complex() else values).all()):
        raise RangeError("got NaN or infinite values in the signal, expected numbers: cut out a stretch without gaps")
    if not (np.ndim(rate) == 0 and np.isfinite(rate) and rate > 0):
        raise RangeError(f"got rate={rate}, expected samples per second, above 0")
    frequency, density = read_density(noise, rate=rate)
    white = divided(
        values, frequency=frequency.to(values.device), density=density.to(values.device), rate=rate, band=band
    )
    return white if isinstance(signal, Tensor) else white.numpy()
