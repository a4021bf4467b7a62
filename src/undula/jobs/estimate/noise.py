"""What is known of the noise: nothing, a deviation, a power spectral density, or a stretch of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.estimate.whitener import ORDER, Whitener, banded_whitener, dense_whitener
from undula.spectra.whitening import autocovariance, welch

LONGEST = 4096
"""Samples of a record whose covariance matrix is inverted as a whole; of longer ones, a filter looks back `ORDER` samples."""


@dataclass(frozen=True)
class Density:
    """A power spectral density, one-sided for real noise.

    Attributes:
        frequency: In Hz, ascending.
        power: Of every item and channel, one where they agree (1 or n, 1 or C, F).
    """

    frequency: Float[Tensor, " f"]
    power: Float[Tensor, "m c f"]


def read_noise(
    noise: Any,
    *,
    size: Float[Tensor, " n"],
    holes: Bool[Tensor, "n t"],
    step: float,
    real: bool,
) -> tuple[Float[Tensor, " n"], Whitener | None]:
    """The unit of the rows, and what makes their noise white with variance 1.

    Args:
        noise: None; a number, or one per item; a density.
        size: Root mean square of every signal, its unit where nothing is known.
        holes: Where samples are missing.
        step: Seconds between samples, 0.0 where it varies.
        real: Whether the signals are real.

    Returns:
        Units (n,), and the whitener, or None for white noise.

    Raises:
        OptionError: Colored noise of an unevenly sampled signal.
        RangeError: A deviation that is not positive.
        ShapeError: Deviations of another number than items.
    """
    if noise is None:
        return size, None
    if not isinstance(noise, Density):
        return _deviations(noise, size, real=real), None
    if not step:
        raise OptionError(
            "got colored noise and samples unevenly spaced, expected even steps: give the deviation of the noise"
        )
    unit, whitener = _whitener(noise, holes.cpu(), rate=1.0 / step, real=real)
    return unit.to(size), whitener


def _whitener(noise: Density, holes: Bool[Tensor, "n t"], *, rate: float, real: bool) -> tuple[Tensor, Whitener]:
    """A table for every density, pattern of gaps and unit that occur together."""
    number, samples = holes.shape
    short = samples <= LONGEST
    count = samples if short else ORDER + 1
    covariance = autocovariance(noise.frequency, noise.power, rate=rate, count=count, real=real)
    unit = covariance[:, :, 0].real.mean(dim=1).sqrt()
    kinds, which = torch.unique(holes, dim=0, return_inverse=True)
    patterns = which.tolist()
    items, channels = covariance.shape[:2]
    # Starts are the outer axis, items the inner one: row k belongs to item k modulo their number.
    keys = [[(k % items, c, patterns[k]) for c in range(channels)] for k in range(number)]
    places = {key: place for place, key in enumerate(dict.fromkeys(key for row in keys for key in row))}
    make = dense_whitener if short else banded_whitener
    tables = tuple(
        make(covariance[item, channel] / unit[item].square(), ~kinds[kind], real=real) for item, channel, kind in places
    )
    table = torch.tensor([[places[key] for key in row] for row in keys])
    table = table[:1] if bool((table == table[:1]).all()) else table
    return unit[torch.arange(number) % items], Whitener(tables, table)


def _deviations(noise: Any, size: Tensor, *, real: bool) -> Float[Tensor, " n"]:
    levels = torch.as_tensor(np.asarray(noise, dtype=np.float64) if not isinstance(noise, Tensor) else noise).to(size)
    if levels.numel() not in (1, len(size)):
        raise ShapeError(
            f"got {levels.numel()} deviations of the noise for {len(size)} signals, expected one, or one each"
        )
    if not bool((levels > 0).all()) or not bool(levels.isfinite().all()):
        raise RangeError(f"got the noise {noise}, expected a standard deviation above 0, or None when it is not known")
    return levels.reshape(-1).expand(len(size)) * (1.0 if real else 0.5**0.5)


def per_channel(noise: Any, *, rate: float, items: int, channels: int) -> Density:
    """Density of a pair, or of a stretch of noise, for each item and channel.

    As many rows as channels, items, or both are taken as theirs; of any other number the mean.

    Args:
        noise: The pair, or the stretch.
        rate: Samples per second.
        items: n.
        channels: C.

    Raises:
        ShapeError: No pair of equal length.
        RangeError: A density that is not positive.
    """
    frequency, density = read_densities(noise, rate=rate)
    rows = density.reshape(-1, density.shape[-1])
    if len(rows) == items * channels:
        return Density(frequency, rows.reshape(items, channels, -1))
    if len(rows) == channels:
        return Density(frequency, rows[None])
    return Density(frequency, rows.mean(dim=0)[None, None])


def read_density(noise: Any, *, rate: float) -> tuple[Float[Tensor, " f"], Float[Tensor, " f"]]:
    """Frequencies in Hz and one density, the mean of several rows.

    Args:
        noise: The pair, or the stretch.
        rate: Samples per second.

    Raises:
        ShapeError: No pair of equal length.
        RangeError: A density that is not positive.
    """
    frequency, density = read_densities(noise, rate=rate)
    return frequency, density.reshape(-1, density.shape[-1]).mean(dim=0)


def read_densities(noise: Any, *, rate: float) -> tuple[Float[Tensor, " f"], Float[Tensor, "*b f"]]:
    """Frequencies in Hz and densities of a pair, or of stretches of noise.

    Args:
        noise: The pair, or the stretches.
        rate: Samples per second.

    Raises:
        ShapeError: No pair of equal length.
        RangeError: A density that is not positive.
    """
    if isinstance(noise, tuple):
        pair = [torch.as_tensor(np.asarray(each)).double() for each in noise]
        if len(pair) != 2 or pair[0].ndim != 1 or pair[0].shape != pair[1].shape[-1:]:
            raise ShapeError("got a density that is no pair of equal length, expected (frequencies in Hz, density)")
        if not bool((pair[0].diff() > 0).all()) or not bool((pair[1] > 0).all()):
            raise RangeError("got a density that is not positive, or frequencies that do not ascend, expected both")
        return pair[0], pair[1]
    stretch = torch.as_tensor(np.asarray(noise))
    wide = stretch.to(torch.promote_types(stretch.dtype, torch.float64))
    frequency, density = welch(wide, rate=rate)
    return frequency.double(), density
