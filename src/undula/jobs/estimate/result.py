"""What `estimate` returns."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from undula.data import OutputFolder
from undula.errors import RangeError
from undula.jobs.estimate.advice import LEAST_CHANCE, advise
from undula.jobs.estimate.ends import ends_of
from undula.jobs.estimate.figures import draw_modes
from undula.jobs.estimate.measured import Measured, errors
from undula.jobs.estimate.order import Fit
from undula.jobs.estimate.reading import Given
from undula.jobs.estimate.scan import draw_starts, named, scanned
from undula.jobs.estimate.waves import waveform
from undula.jobs.estimate.written import as_array, describe, write_modes


@dataclass(frozen=True)
class Modes:
    """Damped waves found in signals, the strongest first. Fields are tensors, or arrays where arrays came in.

    The model is y(t) = Σ A e^(-γ(t - start)) cos(2πf(t - start) + φ), or with e^(i…) for complex signals. With
    `components="auto"` modes beyond an item's count are NaN. With `shared` channels stand before components in amplitude
    and phase.

    Attributes:
        frequency: f in Hz (…, P).
        decay_time: τ in seconds, negative for growing modes (…, P). The reciprocal of an uncertain rate is too long on
            average, by a share of σ²/γ²: this is γ / (γ² + σ²), without that bias, and 1/γ where σ is small.
        decay_rate: γ in 1/s, of greatest likelihood (…, P).
        amplitude: A at `start`, in the signal's units (…, P).
        phase: φ in radians at `start` (…, P).
        quality_factor: Q = π f τ (…, P).
        offset: Fitted offset (…), or None.
        trend: Fitted change per second (…), or None.
        bound: Standard deviations by the Cramér-Rao bound at the estimate, a dictionary of the names above.
        quantiles: With `intervals="likelihood"`, those of frequency and decay rate by name, at the scores -4, -3.9, … 4 of the
            standard normal distribution (…, P, 81); else None.
        covariance: The whole bound, per mode A, f, τ, φ, mode after mode (…, 4P, 4P); with `shared`, A and φ of every
            channel.
        condition: Condition number of the Fisher information scaled to unit diagonal (…).
        count: Number of modes (…).
        evidence: Per order tried, twice the log-likelihood less the penalty (…, orders); None for a given number.
        orders: The orders tried.
        waveform: The fitted signal (…, T).
        residual: Signal minus fit, NaN in gaps (…, T).
        white_waveform: Fit after the noise was whitened, in its deviations (…, T); None where the noise is white.
        white_residual: Residual after whitening (…, T), 0 in gaps; None where the noise is white.
        noise: Standard deviation of the noise of a sample, stated or measured (…).
        whiteness: Chance that white noise is as correlated with itself as the residual (…), see `accepted`.
        accepted: Whether the residual is white and as small as the stated noise (each p > 0.001), and every mode three
            times its error (…).
        advice: Per item, what to know or to try, else an empty text; nested like the leading axes.
        times: Seconds of the samples since `start` (T,); of several starts, since each (starts, T).
        start: The moment to which amplitude and phase belong, in seconds; of several, all of them, the first axis of every
            field (starts,).
        seconds: Wall time of the call.
        arguments: What `estimate` was called with, in plain values.
    """

    frequency: Any
    decay_time: Any
    decay_rate: Any
    amplitude: Any
    phase: Any
    quality_factor: Any
    offset: Any
    trend: Any
    bound: dict[str, Any]
    quantiles: dict[str, Any] | None
    covariance: Any
    condition: Any
    count: Any
    evidence: Any
    orders: tuple[int, ...]
    waveform: Any
    residual: Any
    white_waveform: Any
    white_residual: Any
    noise: Any
    whiteness: Any
    accepted: Any
    advice: Any
    times: Any
    start: Any
    seconds: float
    arguments: Any = None

    def items(self) -> Iterator["Modes"]:
        """The items of the batch one by one, as NumPy arrays without leading axes."""
        batched = {name: as_array(getattr(self, name)) for name in _BATCHED}
        bound = {name: as_array(value) for name, value in self.bound.items()}
        for index in np.ndindex(*batched["count"].shape):
            own: dict[str, Any] = {name: None if each is None else each[index] for name, each in batched.items()}
            advice = self.advice
            for place in index:
                advice = advice[place]
            sigma = {name: each[index] for name, each in bound.items()}
            places = None if self.quantiles is None else {k: as_array(v)[index] for k, v in self.quantiles.items()}
            times, start = as_array(self.times), self.start
            if times.ndim == 2:
                times, start = times[index[0]], float(start[index[0]])
            yield replace(self, **own, advice=advice, bound=sigma, quantiles=places, times=times, start=start)

    def figure(self, item: int = 0, *, title: str = "") -> "Image.Image":
        """Draw the signal, the fit, the residual, and the spectrum with the modes and their 90 % intervals.

        Args:
            item: Which item of the batch, counted through all leading axes.
            title: Line above the figure.

        Returns:
            A picture, 1440 pixels wide.

        Raises:
            RangeError: There is no such item.
        """
        for number, one in enumerate(self.items()):
            if number == item:
                return draw_modes(one, title=title)
        raise RangeError(f"got item={item}, expected 0 … {int(np.prod(np.shape(self.count))) - 1}, one of the batch")

    def starts_figure(
        self,
        *,
        names: Sequence[str] = (),
        beside: Mapping[str, "Modes"] | None = None,
        origin: float = 0.0,
        expected: Mapping[str, tuple[float, float]] | None = None,
        title: str = "",
    ) -> "Image.Image":
        """Draw frequency and decay time of the strongest mode against the start, with 90 % intervals.

        Args:
            names: Of the items, through all axes behind that of the starts.
            beside: Further scans of one item, by name; they come first.
            origin: Moment that the starts are counted from.
            expected: Value and what it may be off by, of "frequency" and "decay_time", drawn as lines.
            title: Line above the figure.

        Returns:
            A picture, 1440 pixels wide.

        Raises:
            RangeError: There was one start only.
        """
        series = {name: scanned(other)[0] for name, other in (beside or {}).items()} | named(names, scanned(self))
        return draw_starts(series, origin=origin, expected=expected, title=title)

    def save(self, folder: str | Path) -> Path:
        """Write modes as JSON and CSV, signal and fit as NPZ, a figure of every item, and `run.json`.

        Args:
            folder: Created if it does not exist.

        Returns:
            The folder.

        Raises:
            DataError: The folder or a file cannot be written.
        """
        out = OutputFolder(folder, arguments=self.arguments or {})
        for number, one in enumerate(self.items()):
            name = f"signal-{number:05d}"
            out.finish(name, describe(one), write_modes(out, name, one))
        out.write_run({"items": [record["item"] for record in out.records()], "seconds": self.seconds})
        return out.folder

    def interval(self, level: float = 0.9) -> dict[str, tuple[Any, Any]]:
        """Confidence intervals: estimate ± z σ, that of the decay time through the rate, on which its errors are symmetric.

        With `intervals="likelihood"` those of frequency, rate and decay time hold equal shares beyond either end.

        Args:
            level: Share of such intervals that hold the truth, between 0 and 1.

        Returns:
            Lower and upper ends by name; an infinite upper end where the rate may be zero.

        Raises:
            RangeError: The level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise RangeError(f"got level={level}, expected a share between 0 and 1, such as 0.9")
        return ends_of(self, level)


_LOOKED_AT = ("frequency", "decay_rate")
_BATCHED = (
    "frequency", "decay_time", "decay_rate", "amplitude", "phase", "quality_factor", "offset", "trend", "covariance",
    "condition", "count", "evidence", "waveform", "residual", "white_waveform", "white_residual", "noise",
    "whiteness", "accepted",
)  # fmt: skip


def make_result(
    given: Given,
    fit: Fit,
    measured: Measured,
    *,
    quantiles: Tensor | None = None,
    orders: tuple[int, ...],
    seconds: float,
    arguments: dict[str, Any],
) -> Modes:
    """Bring modes into the user's shapes and kind of array.

    Args:
        given: What the user brought.
        fit: Poles, counts and evidence.
        measured: The modes in the user's units.
        quantiles: From `likelihood_quantiles`, if asked for.
        orders: Orders tried.
        seconds: Wall time.
        arguments: What the call was given, in plain values.

    Returns:
        The result.
    """
    waves, dead = measured.waves, given.dead
    channels = waves.amplitude.shape[1]
    deviation, covariance, decay_time = errors(measured, channels)
    count = torch.where(dead, 0, fit.count)
    fitted, offset, trend = _fitted(given, measured)
    white = _whitened(given, measured)
    ratio = (waves.amplitude / deviation["amplitude"]).amax(dim=1)
    some = ~(ratio < 3.0).any(dim=1)
    accepted = (measured.white > LEAST_CHANCE) & (measured.size > LEAST_CHANCE) & some & ~dead
    texts = advise(
        dead=dead, count=count, white=measured.white, size=measured.size, inflation=measured.inflation, ratio=ratio,
        decay_rate=waves.decay_rate, frequency=waves.frequency, uneven=given.record.step == 0,
    )  # fmt: skip

    def back(values: Tensor | None, *, single: bool = False) -> Any:
        if values is None:
            return None
        if bool(dead.any()) and (values.is_floating_point() or values.is_complex()):
            values = torch.where(dead.reshape(-1, *[1] * (values.ndim - 1)), torch.nan, values)
        return given.back(values[:, 0] if single and not given.shared else values)

    return Modes(
        frequency=back(waves.frequency),
        decay_time=back(decay_time),
        decay_rate=back(waves.decay_rate),
        amplitude=back(waves.amplitude, single=True),
        phase=back(waves.phase, single=True),
        quality_factor=back(math.pi * waves.frequency * decay_time),
        offset=back(offset, single=True),
        trend=back(trend, single=True),
        bound={name: back(each, single=each.ndim == 3) for name, each in deviation.items()},
        quantiles=None if quantiles is None else {n: back(quantiles[:, k : k + 1]) for k, n in enumerate(_LOOKED_AT)},
        covariance=back(covariance),
        condition=back(measured.condition),
        count=back(count),
        evidence=back(fit.evidence) if len(orders) > 1 else None,
        orders=orders,
        waveform=back(fitted, single=True),
        residual=back(given.signal - fitted, single=True),
        white_waveform=back(None if white is None else white[0], single=True),
        white_residual=back(None if white is None else white[1], single=True),
        noise=back(measured.variance.sqrt() * given.scale * (1.0 if given.record.real else 2**0.5)),
        whiteness=back(measured.white),
        accepted=back(accepted),
        advice=_nested(texts, given.batch),
        times=_times(given),
        start=_starts(given, arguments["start"]),
        seconds=seconds,
        arguments=arguments,
    )


def _times(given: Given) -> Any:
    """Seconds since the start; since each of several, those of the first item."""
    times = given.times.cpu()
    times = times[0] if given.starts is None else times.reshape(len(given.starts), -1, times.shape[1])[:, 0]
    return times.numpy() if given.numpy else times


def _starts(given: Given, one: Any) -> Any:
    """The moment, or several in the caller's kind of array."""
    if given.starts is None:
        return one
    starts = torch.tensor(given.starts, dtype=torch.float64)
    return starts.numpy() if given.numpy else starts


def _fitted(given: Given, measured: Measured) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The model in the user's units, offset and trend."""
    waves, record = measured.waves, given.record
    offset = measured.base[:, :, 0] if record.degree > 0 else None
    trend = measured.base[:, :, 1] if record.degree > 1 else None
    if record.weights is None and record.whitener is None:
        left = measured.left * given.scale[:, None, None]
        return given.signal - (left if record.real else torch.complex(*left.chunk(2, dim=2))), offset, trend
    absent = waves.frequency.isnan()[:, None]
    fitted = waveform(
        given.times[:, None],
        amplitude=torch.where(absent, 0.0, waves.amplitude),
        frequency=torch.where(absent, 0.0, waves.frequency[:, None]),
        decay_rate=torch.where(absent, 0.0, waves.decay_rate[:, None]),
        phase=torch.where(absent, 0.0, waves.phase),
        real=record.real,
    )
    if offset is not None:
        fitted = fitted + offset[:, :, None]
    if trend is not None:
        fitted = fitted + trend[:, :, None] * given.times[:, None]
    return fitted, offset, trend


def _whitened(given: Given, measured: Measured) -> tuple[Tensor, Tensor] | None:
    """Fit and residual in deviations of the noise, where it is colored."""
    record = given.record
    if record.whitener is None:
        return None
    pair = record.values - measured.left, measured.left
    if record.real:
        return pair
    fit, left = (torch.complex(*each.chunk(2, dim=2)) / 2**0.5 for each in pair)
    return fit, left


def _nested(texts: list[str], batch: tuple[int, ...]) -> Any:
    if not batch:
        return texts[0]
    size = len(texts) // batch[0] if batch[0] else 0
    return [_nested(texts[row * size : (row + 1) * size], batch[1:]) for row in range(batch[0])]
