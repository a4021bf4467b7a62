"""What the user brings, checked and brought into one form: signals, times, gaps, noise."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.estimate.noise import Density, per_channel, read_noise
from undula.jobs.estimate.record import Record
from undula.jobs.estimate.surroundings import leveled, limited, read_passband, surrounding_density
from undula.jobs.estimate.windows import Windows, read_windows

EVEN = 1e-5  # largest departure from even sampling, in samples, that is taken for rounding of the times
ALIGNED = 1e-8  # farthest that a sample may lie from its place for short sums, in samples: an error of 3e-8 rad at most
MOST = 5  # components


@dataclass(frozen=True)
class Given:
    """Signals and how they came.

    Attributes:
        record: The signals as they are fitted, in units of `scale`.
        signal: The signals as they came, double precision, NaN in gaps, from `start` on (n, C, T).
        times: Seconds since the start of each (1 or n, T).
        starts: The moments, where several were asked for: the first axis of the batch.
        scale: What one unit of a row is in the user's units (n,).
        dead: Signals with nothing to fit: constant, or all zero (n,).
        batch: The leading axes of the result.
        dtype: Real type of the result.
        numpy: Whether arrays are given back.
        shared: Whether channels share their modes.
    """

    record: Record
    signal: Shaped[Tensor, "n c t"]
    times: Float[Tensor, "m t"]
    starts: tuple[float, ...] | None
    scale: Float[Tensor, " n"]
    dead: Bool[Tensor, " n"]
    batch: tuple[int, ...]
    dtype: torch.dtype
    numpy: bool
    shared: bool

    def back(self, values: Tensor) -> Any:
        """Values (n, …) with the leading axes, type and kind in which the signals came.

        Args:
            values: One row per item.
        """
        shaped = values.reshape((*self.batch, *values.shape[1:]))
        if values.is_floating_point() or values.is_complex():
            kind = torch.promote_types(self.dtype, torch.complex64) if values.is_complex() else self.dtype
            shaped = shaped.to(kind)
        return shaped.cpu().numpy() if self.numpy else shaped


def read_given(
    signal: Any,
    *,
    rate: float,
    times: Any,
    noise: Any,
    start: Any,
    duration: float | None,
    passband: Any,
    shared: bool,
    degree: int,
    components: int,
) -> Given:
    """Read signals (…, T), or (…, C, T) with `shared`.

    Raises:
        ShapeError: No samples, too few for the model, or times of another number.
        RangeError: Integers beyond counting, infinite values, a rate or times that mean nothing.
        OptionError: Colored noise, a band or several starts with uneven sampling.
    """
    values = _read_signal(signal, shared=shared)
    moments, step = _read_times(times, rate=rate, samples=values.shape[-1])
    windows = read_windows(start, duration, moments, step=step)
    wide = values.to(torch.promote_types(values.dtype, torch.float64))
    whole = wide.reshape(-1, *wide.shape[-2:]) if shared else wide.reshape(-1, 1, wide.shape[-1])
    whole, known = _noise_of(whole, noise, read_passband(passband, noise), windows, step=step)
    parts = [whole[..., first : first + windows.length] for first in windows.firsts]
    rows = torch.cat(parts) if len(parts) > 1 else parts[0]
    used = torch.stack(
        [moments[a : a + windows.length] - begin for a, begin in zip(windows.firsts, windows.starts, strict=True)]
    )
    used = (used if len(used) == 1 else used.repeat_interleave(len(whole), 0)).to(rows.device)
    holes = _holes(rows)
    _check_length(~holes, real=not rows.is_complex(), degree=degree, components=components)
    record, scale = _record(rows, used, holes, step=step, degree=degree, noise=known)
    if passband is not None:
        low, high = (float(each) * step for each in passband)
        record = replace(record, passband=(low, high))
    kind = values.real.dtype if values.real.dtype in (torch.float32, torch.float64) else torch.float32
    batch = tuple(values.shape[: -2 if shared else -1])
    starts = windows.starts if windows.several else None
    batch = batch if starts is None else (len(starts), *batch)
    numpy = not isinstance(signal, Tensor)
    return Given(record, rows, used, starts, scale, _dead(rows, holes), batch, kind, numpy, shared)


def _noise_of(
    whole: Tensor, noise: Any, passband: tuple[float, float] | None, windows: Windows, *, step: float
) -> tuple[Tensor, Any]:
    """The records limited to the band, and the noise as `read_noise` takes it."""
    if isinstance(noise, str) and noise != "surrounding":
        raise OptionError(f'got noise={noise!r}, expected numbers, or "surrounding": what lies outside the ringing')
    colored = isinstance(noise, str | tuple) or (noise is not None and np.ndim(noise) > 0 and np.shape(noise)[-1] > 1)
    if not colored:
        return whole, noise
    if not step:
        raise OptionError(
            "got colored noise of samples unevenly spaced, expected even steps: give the deviation of the noise"
        )
    rate = 1.0 / step
    if passband is not None:
        whole = limited(whole, passband=passband, rate=rate)
    if isinstance(noise, str):
        used = (min(windows.firsts), max(windows.firsts) + windows.length)
        density = Density(*surrounding_density(whole, used=used, length=windows.length, rate=rate))
    else:
        if passband is not None and not isinstance(noise, tuple):
            noise = limited(torch.as_tensor(np.asarray(noise)).to(whole), passband=passband, rate=rate)
        density = per_channel(noise, rate=rate, items=len(whole), channels=whole.shape[1])
    if passband is not None:
        density = replace(density, power=leveled(density.frequency, density.power, passband=passband))
    return whole, density


def _record(
    rows: Tensor, times: Tensor, holes: Tensor, *, step: float, degree: int, noise: Any
) -> tuple[Record, Float[Tensor, " n"]]:
    real = not rows.is_complex()
    late = times[:, 0]
    if step:  # even samples begin at time 0, where sums over them are short; `late` leads back to the start
        times = times - late[:, None]
    span, any_hole = float(times[0, -1]), bool(holes.any())
    filled = torch.where(holes[:, None], torch.zeros_like(rows), rows) if any_hole else rows
    weights = (~holes).double() if any_hole else None
    if weights is not None and bool((holes == holes[:1]).all()):
        weights = weights[:1]
    size = torch.linalg.vector_norm(filled, dim=(1, 2)) / ((~holes).sum(dim=1).clamp_min(1) * rows.shape[1]).sqrt()
    size = torch.where(size > 0, size, 1.0)
    scale, whitener = read_noise(noise, size=size, holes=holes, step=step, real=real)
    stacked = filled if real else torch.cat([filled.real, filled.imag], dim=2)
    values, known = stacked / scale[:, None, None], noise is not None
    if whitener is not None:
        values, known = whitener.forward(values), True
    even = step * torch.arange(times.shape[1], dtype=times.dtype, device=times.device)[None]
    aligned = step > 0 and bool((times - even).abs().max() <= ALIGNED * step)
    times = even if aligned else times
    between = late / span if step and bool((late != 0).any()) else None
    record = Record(
        values, times / span, weights, whitener, real, degree, step / span, span, known, aligned=aligned, late=between
    )  # fmt: skip
    return record, scale


def _read_signal(signal: Any, *, shared: bool) -> Shaped[Tensor, "*batch t"]:
    if isinstance(signal, Tensor):
        values = signal.detach()
    else:
        array = np.asarray(signal)
        if array.dtype.kind not in "biufc":
            raise RangeError(f"got a signal of type {array.dtype}, expected numbers: convert it with .astype(float)")
        kind = array.dtype.newbyteorder("=") if array.dtype.kind in "fc" and array.dtype.itemsize >= 4 else np.float64
        values = torch.from_numpy(np.ascontiguousarray(array.astype(kind)))
    least = 2 if shared else 1
    if values.ndim < least or values.numel() == 0:
        form = "(…, channels, samples)" if shared else "(…, samples)"
        raise ShapeError(f"got a signal of shape {tuple(values.shape)}, expected {form} with at least one sample")
    if not (values.is_floating_point() or values.is_complex()):
        values = values.double()
    parts = torch.view_as_real(values) if values.is_complex() else values
    if not _finite(values) and bool(parts.isinf().any()):
        raise RangeError("got infinite values in the signal, expected numbers, or NaN where there is a gap")
    return values


def _read_times(times: Any, *, rate: float, samples: int) -> tuple[Float[Tensor, " t"], float]:
    """Times in seconds, and the time between samples, 0.0 where it varies."""
    if not (np.ndim(rate) == 0 and np.isfinite(rate) and rate > 0):
        raise RangeError(f"got rate={rate}, expected samples per second, above 0")
    if times is None:
        return torch.arange(samples, dtype=torch.float64) / rate, 1.0 / rate
    moments = (
        torch.as_tensor(np.asarray(times, dtype=np.float64) if not isinstance(times, Tensor) else times).double().cpu()
    )
    if tuple(moments.shape) != (samples,):
        raise ShapeError(f"got times of shape {tuple(moments.shape)}, expected one per sample, ({samples},)")
    spacing = moments.diff()
    if not bool(moments.isfinite().all()) or bool((spacing <= 0).any()):
        raise RangeError(
            "got times that do not ascend, expected seconds in ascending order: sort signal and times together"
        )
    mean = float(spacing.mean()) if samples > 1 else 1.0
    even = samples < 3 or float((spacing - mean).abs().max()) <= EVEN * mean
    return moments, mean if even else 0.0


def _check_length(present: Tensor, *, real: bool, degree: int, components: int) -> None:
    need = 4 * components + degree + 1 if real else 2 * components + degree + 1
    least = int(present.sum(dim=1).min())
    if least < max(need, 4):
        words = "1 component" if components == 1 else f"{components} components"
        raise ShapeError(
            f"got {least} samples to use, expected at least {max(need, 4)} for {words}: give a longer signal, an earlier "
            "start, or fewer components"
        )


def _finite(values: Tensor) -> bool:
    """Whether the sum is finite: then all numbers are, at a tenth of the cost of looking at each."""
    return bool(torch.isfinite(torch.view_as_real(values).sum() if values.is_complex() else values.sum()))


def _holes(rows: Shaped[Tensor, "n c t"]) -> Bool[Tensor, "n t"]:
    if _finite(rows):
        return torch.zeros(len(rows), rows.shape[2], dtype=torch.bool, device=rows.device)
    return rows.isnan().any(dim=1)


def _dead(rows: Tensor, holes: Tensor) -> Bool[Tensor, " n"]:
    """Constant signals: each used sample equals the first used one."""
    if not bool(holes.any()) and not rows.is_complex():
        low, high = torch.aminmax(rows, dim=2)
        return ((high - low) <= 1e-13 * torch.maximum(high.abs(), low.abs()).amax(dim=1, keepdim=True)).all(dim=1)
    if not bool(holes.any()):
        return (rows - rows[:, :, :1]).abs().amax(dim=(1, 2)) <= 1e-13 * rows.abs().amax(dim=(1, 2))
    keep = ~holes[:, None]
    first = rows.gather(2, (~holes).long().argmax(dim=1)[:, None, None].expand(-1, rows.shape[1], 1))
    off = torch.where(keep, (rows - first).abs(), 0.0).amax(dim=(1, 2))
    return off <= 1e-13 * torch.where(keep, rows.abs(), 0.0).amax(dim=(1, 2))


def read_components(components: Any) -> tuple[int, ...]:
    """Numbers of components to try: one, or 0 to 5 for "auto".

    Raises:
        OptionError: Neither a number from 1 to 5 nor "auto".
    """
    if components == "auto":
        return tuple(range(MOST + 1))
    if isinstance(components, bool) or not isinstance(components, int | np.integer) or not 1 <= components <= MOST:
        raise OptionError(f'got components={components!r}, expected 1 … {MOST}, or "auto"')
    return (int(components),)


def read_band(band: Any, *, step: float, span: float) -> tuple[float, float] | None:
    """Angular frequencies in units of 1 / span.

    Raises:
        RangeError: The band is empty, or reaches beyond half the sampling rate.
    """
    if band is None:
        return None
    low, high = (float(each) for each in band)
    if not 0 <= low < high:
        raise RangeError(f"got band={band}, expected two frequencies in Hz, the lower first")
    if step and high > 0.5 / step * (1 + 1e-9):
        raise RangeError(
            f"got band={band}, expected frequencies up to half the sampling rate, {0.5 / step:g} Hz: above it they cannot be "
            "told from lower ones"
        )
    return 2 * np.pi * low * span, 2 * np.pi * high * span
