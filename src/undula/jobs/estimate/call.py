"""`undula.estimate`: from ringing signals to their modes."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from undula.errors import OptionError
from undula.jobs.estimate.autoencoder.model import DampedAutoencoder
from undula.jobs.estimate.autoencoder.starting import Starter, learned_starts
from undula.jobs.estimate.likelihood import likelihood_quantiles
from undula.jobs.estimate.measured import measure
from undula.jobs.estimate.order import fit_orders
from undula.jobs.estimate.reading import read_band, read_components, read_given
from undula.jobs.estimate.record import Record
from undula.jobs.estimate.result import Modes, make_result
from undula.jobs.estimate.starts import Method


def estimate(
    signal: Any,
    *,
    rate: float = 1.0,
    times: Any = None,
    components: int | Literal["auto"] = 1,
    method: Literal["auto", "sweep", "esprit", "matrix-pencil", "autoencoder"] = "auto",
    weights: DampedAutoencoder | str | Path | None = None,
    noise: Any = None,
    start: Any = 0.0,
    duration: float | None = None,
    shared: bool = False,
    offset: bool = False,
    trend: bool = False,
    band: Sequence[float] | None = None,
    passband: Sequence[float] | None = None,
    polish: bool = True,
    intervals: Literal["bound", "likelihood"] = "bound",
) -> Modes:
    r"""Estimate frequency, decay time, amplitude and phase of ringing signals, with error bars by the Cramér-Rao bound.

    The model is y(t) = Σ A e^(-(t - start)/τ) cos(2πf(t - start) + φ), with e^(i…) for complex signals. Many starts (ESPRIT
    at several orders, sweeps over frequency and decay that branch) are polished by least squares with the amplitudes
    eliminated; the greatest likelihood wins.

    Args:
        signal: Real or complex (…, T); leading axes are independent items. NaN marks gaps. A tensor, or an array (then
            the results are arrays).
        rate: Samples per second, where `times` are not given.
        times: Seconds of the samples (T,), ascending, evenly spaced or not.
        components: Number of modes, 1 to 5, or "auto": 0 to 5 by an information criterion.
        method: Where starts come from: "esprit", "matrix-pencil", "sweep", "autoencoder" (real signals of the
            128 samples that it was trained for), or "auto" for all that apply but the last.
        weights: For "autoencoder": a `DampedAutoencoder` or the folder of one, instead of those that come with Undula.
        noise: None; standard deviation of a sample, one number or one per item (…, 1); a pair (frequencies in Hz, power
            spectral density), one-sided for real signals; a stretch of noise alone, sampled alike (T',), where as
            many rows as channels or items are their own; or "surrounding": the density of each channel is measured in the
            record outside the samples that are fitted.
        start: Moment in seconds to which amplitude and phase belong; samples before it are not used. Several moments are
            a first axis of the result: see `Modes.starts_figure`.
        duration: Seconds behind the start that are used; None for all.
        shared: Signals are (…, C, T), whose channels share frequency and decay, each with an amplitude, a phase and, where
            it was told, a noise of its own.
        offset: Fit a constant along.
        trend: Fit a constant and a linear change along.
        band: Lowest and highest frequency in Hz that a mode may have.
        passband: Lowest and highest frequency in Hz of the record that are used: the rest is filtered out of the whole record,
            and nothing is concluded from it. Asks for a noise with a density.
        polish: Whether starts are polished; without it the likeliest start is returned.
        intervals: Where `Modes.interval` takes frequency and decay from: "bound", or, for one component, the "likelihood" over
            both, which is no parabola below a signal-to-noise ratio of about 15 (not of one sample, but of all: |y| / σ).

    Returns:
        The modes, with bounds, fit, residual and advice.

    Raises:
        ShapeError: Too few samples for the components, or shapes that do not fit.
        RangeError: Infinite values; a rate, a start, times, a noise or a band that mean nothing.
        OptionError: An unknown word, or a subspace method for unevenly sampled signals.

    When it fails: below a total signal-to-noise ratio of about 10 per mode the likeliest modes may be the noise's, and
    intervals by the bound are too narrow; two modes nearer than 1/T in opposite phase hardly differ from none, which the bound
    and `advice` say.

    Reference: Roy and Kailath, ESPRIT, 1989; Golub and Pereyra, Variable projection, 1973.

    Example:
        >>> t = torch.arange(200) / 100
        >>> modes = estimate(3 * torch.exp(-t / 0.5) * torch.cos(2 * torch.pi * 7 * t), rate=100.0)
        >>> round(float(modes.frequency[0]), 4), round(float(modes.decay_time[0]), 4)
        (7.0, 0.5)
    """
    began = time.perf_counter()
    if method not in get_args(Method):
        raise OptionError(f"got method={method!r}, expected one of {', '.join(get_args(Method))}")
    if intervals not in ("bound", "likelihood"):
        raise OptionError(f'got intervals={intervals!r}, expected "bound" or "likelihood"')
    orders = read_components(components)
    if intervals == "likelihood" and orders != (1,):
        raise OptionError(
            f'got intervals="likelihood" with components={components!r}, expected components=1: it is looked at over one '
            "frequency and one rate"
        )
    least = 1 if components == "auto" else orders[0]
    # A solver must work inside a host's inference mode too: everything made in here is an ordinary tensor.
    with torch.inference_mode(False), torch.no_grad():
        degree = 2 if trend else int(offset)
        given = read_given(
            signal, rate=rate, times=times, noise=noise, start=start, duration=duration, passband=passband, shared=shared,
            degree=degree, components=least,
        )  # fmt: skip
        record = given.record
        if method in ("esprit", "matrix-pencil") and (not record.step or record.whitener is not None):
            kind = "colored noise" if record.step else "uneven sampling"
            raise OptionError(f'got method={method!r} with {kind}, expected "sweep" or "auto": the shift needs neither')
        learned = _learned(method, weights, record, orders)
        limits = read_band(band, step=record.step * record.span, span=record.span)
        orders = _possible(orders, record.count.amin())
        fit = fit_orders(record, orders, method=method, polished=polish, band=limits, learned=learned)
        measured = measure(record, fit.poles, fit.count, scale=given.scale)
        arguments = {
            "rate": float(rate), "components": components, "method": method,
            "weights": _plain_weights(weights), "noise": _plain_noise(noise),
            "start": list(given.starts) if given.starts else float(np.atleast_1d(start)[0]), "duration": duration,
            "shared": shared, "offset": offset, "trend": trend, "band": _pair(band), "passband": _pair(passband),
            "polish": polish, "intervals": intervals,
        }  # fmt: skip
        quantiles = likelihood_quantiles(record, measured, band=limits) if intervals == "likelihood" else None
        seconds = time.perf_counter() - began
        return make_result(
            given, fit, measured, quantiles=quantiles, orders=orders, seconds=seconds, arguments=arguments
        )


def _pair(band: Sequence[float] | None) -> list[float] | None:
    return None if band is None else [float(each) for each in band]


def _learned(method: str, weights: Any, record: Record, orders: tuple[int, ...]) -> Starter | None:
    if method == "autoencoder":
        return learned_starts(weights, record, orders)
    if weights is not None:
        raise OptionError(f'got weights with method={method!r}, expected method="autoencoder"')
    return None


def _plain_weights(weights: Any) -> str | None:
    """A folder by its name, an autoencoder in memory by its kind."""
    return type(weights).__name__ if isinstance(weights, DampedAutoencoder) else weights and str(weights)


def _plain_noise(noise: Any) -> float | str | None:
    """A deviation as a number; what is longer by its kind."""
    if noise is None:
        return None
    if isinstance(noise, str):
        return noise
    if isinstance(noise, tuple):
        return "power spectral density"
    return float(noise) if np.ndim(noise) == 0 else f"array of shape {tuple(np.shape(noise))}"


def _possible(orders: tuple[int, ...], rows: torch.Tensor) -> tuple[int, ...]:
    """Orders that the shortest signal can hold."""
    return tuple(order for order in orders if 4 * order + 4 <= int(rows)) if len(orders) > 1 else orders
