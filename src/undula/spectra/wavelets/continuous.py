"""The continuous wavelet transform with the names and numbers of PyWavelets, batched by FFT, and an inverse."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from operator import index
from typing import Any, Literal

import numpy as np
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.arrays import Array, as_array, concat, constant, is_complex, is_jax, move_axis, namespace, zeros
from undula.spectra.wavelets.reading import read_axes

# Bytes of a temporary: 16 signals of 4096 samples at 64 scales took 22 ms in chunks of this size on a CPU, 64 ms with all
# scales at once. Other devices want few large steps.
_CPU_CHUNK, _DEVICE_CHUNK = 2**22, 2**29

# Weights s^-1.5 and the floor ε of the inverse: of s^-1 … s^-3 and floors 1e-2 … 3e-5 the pair with the least worst error,
# over five wavelets and chirps of 2048 … 16384 samples, the scales spanning factors of 40 … 900.
_FALL, _FLOOR = -1.5, 1e-3


def cwt(
    data: Any,
    scales: Any,
    wavelet: Any,
    sampling_period: float | int = 1.0,
    method: Literal["conv", "fft"] = "conv",
    axis: int = -1,
    *,
    precision: int = 12,
) -> tuple[Array, Array]:
    """Continuous wavelet transform, C(s, t) = s^-1/2 Σ_u x(u) ψ̄((u - t) / s), with ψ sampled as PyWavelets samples it.

    Args:
        data: Real or complex array (…, n, …). Values that are not finite reach all coefficients of their signal.
        scales: Numbers above 0, in samples: an array or a sequence; inside `torch.compile` a list of numbers.
        wavelet: "morl", "mexh", "gaus1" …, "cgau1" …, "cmorB-C", "shanB-C", "fbspM-B-C", an orthogonal discrete wavelet
            ("db4"), or an object of `pywt`; inside `torch.compile` a name.
        sampling_period: Time between samples; the frequencies depend on it, the coefficients do not.
        method: "conv" or "fft", as in PyWavelets, where they differ by rounding. Both run by FFT here.
        axis: Axis of the signal.
        precision: The wavelet is tabulated at 2^precision points.

    Returns:
        Coefficients (scales, *shape of data), complex if the data or the wavelet are, and the frequency of each scale.

    Raises:
        RangeError: A scale that is not above 0 or too small for the wavelet; tensors of integers.
        ShapeError: An axis that is not there or empty; no scales, or scales of more than one axis.
        OptionError: An unknown wavelet, a biorthogonal one, or an unknown method.

    Example:
        >>> coefs, frequencies = cwt([0.0, 1.0, 0.0, -1.0] * 4, [2, 4, 8], "mexh")
        >>> coefs.shape, frequencies
        ((3, 16), array([0.125  , 0.0625 , 0.03125]))
    """
    if method not in ("conv", "fft"):
        raise OptionError(f"got method={method!r}, expected 'conv' or 'fft', which give the same numbers")
    given = as_array(data)
    (place,) = read_axes(given, axis, count=1)
    x = _calculable(move_axis(given, place, -1))
    filters, frequencies = _read_filters(wavelet, _read_scales(scales), precision, x)
    return move_axis(_as_given(_filtered(x, filters), given), -1, place), frequencies / sampling_period


def icwt(
    coefs: Any,
    scales: Any,
    wavelet: Any,
    sampling_period: float | int = 1.0,
    axis: int = -1,
    *,
    precision: int = 12,
    mean: Any = None,
    real: bool | None = None,
    iterations: int = 0,
) -> Array:
    """Inverse of `cwt` by least squares: x̂(f) = Σ_s w_s Ψ̄_s(f) Ĉ_s(f) / (Σ_s w_s |Ψ_s(f)|² + ε), w_s = s^-3/2.

    Frequencies that no scale covers are lost, the mean among them, and samples within the longest wavelet's reach of an end
    are approximate. Steps of conjugate gradients mend both: they seek the signal whose coefficients inside are these ones.
    A chirp from 0.01 to 0.2 cycles per sample, 2048 samples, 64 scales from 0.004 to 0.45 cycles: the middle half errs by
    0.3 % (morl, cmor1.5-1.0) to 0.6 % (mexh), all by 4 % to 6 %, after 40 steps all by 0.007 % at most. The sum over scales
    of Torrence and Compo (1998, formula 11), with its best factor, errs by 4 % to 7 % in the middle half. Steps also raise
    what belongs to no signal: of 1 % of noise in the coefficients 0.4 % stayed after 20 steps, 16 % after 40 (morl).

    Args:
        coefs: Coefficients (scales, *shape of the signal).
        scales: As in `cwt`.
        wavelet: As in `cwt`.
        sampling_period: As in `cwt`; the coefficients do not depend on it.
        axis: Axis of the signal, counted without the axis of scales, as in `cwt`.
        precision: As in `cwt`.
        mean: Mean that the signal is known to have, a number or an array (…, 1, …): its coefficients are set aside first.
        real: Whether the signal is real; None: unless the coefficients are complex and the wavelet is not.
        iterations: Steps of conjugate gradients behind the formula; each costs a transform and an inverse.

    Returns:
        The signal. Of coefficients that belong to no signal, the one whose own are near them.

    Raises:
        RangeError: A scale that is not above 0 or too small for the wavelet; tensors of integers.
        ShapeError: Coefficients of another number of scales; an axis that is not there or empty.
        OptionError: An unknown wavelet, or a biorthogonal one.

    Example:
        >>> signal, scales = np.sin(0.3 * np.arange(1024.0)), np.geomspace(1.5, 60.0, 40)
        >>> again = icwt(cwt(signal, scales, "morl")[0], scales, "morl")
        >>> bool(abs(again - signal)[256:768].max() < 0.01)
        True
    """
    given = as_array(coefs, name="coefs")
    numbers = _read_scales(scales)
    if given.ndim < 2 or given.shape[0] != len(numbers):
        raise ShapeError(f"got coefficients of shape {tuple(given.shape)}, expected ({len(numbers)} scales, …, n)")
    (place,) = read_axes(given[0], axis, count=1)
    c = _calculable(move_axis(given, place, -1))
    filters, _ = _read_filters(wavelet, numbers, precision, c[0])
    narrow = (not is_complex(c) or is_complex(filters.taps)) if real is None else real
    if mean is None:
        return move_axis(_as_given(_inverted(c, filters, narrow, iterations), given), -1, place)
    level = zeros(c, c.shape[1:]) + (move_axis(mean, place, -1) if getattr(mean, "ndim", 0) else mean)
    signal = _inverted(c - _filtered(level, filters), filters, narrow, iterations)
    return move_axis(_as_given(signal + (level.real if narrow else level), given), -1, place)


@dataclass(frozen=True)
class _Filters:
    """The wavelet at all scales as filters of signals of n samples, and how they are calculated."""

    taps: Array  # (scales, 2 reach + 1), the middle one for the shift 0
    scales: tuple[float, ...]
    n: int
    size: int  # of the FFT
    chunk: int  # scales at once
    half: bool  # signal and wavelet are real: half a spectrum is enough

    def spectrum(self, x: Array) -> Array:
        fft = namespace(x).fft
        return fft.rfft(x, self.size) if self.half else fft.fft(x, self.size)

    def signal(self, spectrum: Array) -> Array:
        fft = namespace(spectrum).fft
        return (fft.irfft(spectrum, self.size) if self.half else fft.ifft(spectrum, self.size))[..., : self.n]

    def response(self, start: int, axes: int) -> Array:
        """Transfer functions of a chunk of scales, for signals of so many axes."""
        taps = self.taps[start : start + self.chunk]
        count, width = taps.shape
        ring = concat([taps[:, width // 2 :], zeros(taps, (count, self.size - width)), taps[:, : width // 2]], axis=-1)
        response = self.spectrum(ring)
        return response.reshape([count, *[1] * (axes - 1), response.shape[-1]])


def _read_filters(wavelet: Any, scales: tuple[float, ...], precision: int, signal: Array) -> tuple[_Filters, Array]:
    """The filters for signals (…, n) of a kind, and the frequency of each scale in cycles per sample."""
    n = index(signal.shape[-1])  # no symbol, where a compiler would make it one
    taps, frequencies = _tabulated(wavelet, scales, precision, n, like=signal)
    size = _fast_length(n + taps.shape[-1] // 2)
    room = _CPU_CHUNK if not isinstance(signal, torch.Tensor) or signal.device.type == "cpu" else _DEVICE_CHUNK
    width = max(signal.dtype.itemsize, taps.dtype.itemsize)
    chunk = index(max(1, room * n // max(1, width * size * math.prod(signal.shape))))
    return _Filters(taps, scales, n, size, chunk, not (is_complex(signal) or is_complex(taps))), frequencies


def _read_scales(scales: Any) -> tuple[float, ...]:
    listed = scales.tolist() if hasattr(scales, "tolist") else scales
    listed = [listed] if isinstance(listed, float | int) else list(listed)
    if not listed or any(not isinstance(each, float | int) and getattr(each, "ndim", 1) for each in listed):
        raise ShapeError(f"got scales of shape {np.shape(listed)}, expected a number or one axis of numbers above 0")
    numbers = tuple(float(each) for each in listed)
    if not all(0.0 < each < math.inf for each in numbers):
        raise RangeError(f"got scales from {min(numbers):g} to {max(numbers):g}, expected finite numbers above 0")
    return numbers


def _filtered(x: Array, filters: _Filters) -> Array:
    """Coefficients (scales, …, n) of signals (…, n)."""
    spectrum, starts = filters.spectrum(x), range(0, len(filters.scales), filters.chunk)
    chunks = (filters.signal(spectrum * filters.response(start, x.ndim)) for start in starts)
    if (x.requires_grad or torch.compiler.is_compiling()) if isinstance(x, torch.Tensor) else is_jax(x):
        return concat(list(chunks), axis=0)
    whole = None  # written where it belongs, not gathered: 1.3 to 2 times as fast
    for start, chunk in zip(starts, chunks, strict=True):
        if whole is None:
            shape = (len(filters.scales), *chunk.shape[1:])
            whole = np.empty(shape, chunk.dtype) if isinstance(chunk, np.ndarray) else chunk.new_empty(shape)
        whole[start : start + filters.chunk] = chunk
    return whole


def _gathered(c: Array, filters: _Filters) -> tuple[Array, Array]:
    """Σ_s w_s Ψ̄_s Ĉ_s (…, frequencies) of coefficients (scales, …, n), and the density Σ_s w_s |Ψ_s|² of the filters."""
    total, density = 0.0, 0.0
    for start in range(0, len(filters.scales), filters.chunk):
        response = filters.response(start, c.ndim - 1)
        chunk = slice(start, start + filters.chunk)
        weights = constant([each**_FALL for each in filters.scales[chunk]], like=c).reshape([-1, *[1] * (c.ndim - 1)])
        dual = namespace(c).conj(response) * weights
        total = total + (filters.spectrum(c[chunk]) * dual).sum(0)
        density = density + (response * dual).real.sum(0)
    return total, density


def _inverted(c: Array, filters: _Filters, narrow: bool, iterations: int) -> Array:
    """Signals (…, n) of coefficients (scales, …, n); real ones if narrow. Conjugate gradients for each on its own."""
    total, density = _gathered(c, filters)
    if narrow and not filters.half:  # f and -f of a real signal are one unknown
        density = (density + namespace(c).roll(namespace(c).flip(density, (-1,)), 1, -1)) / 2
    density = density + _FLOOR * density.max()

    def signal(spectrum: Array) -> Array:
        found = filters.signal(spectrum)
        return found.real if narrow and not filters.half else found

    def normal(signals: Array) -> Array:
        return signal(_gathered(_filtered(signals, filters), filters)[0])

    x = signal(total / density)
    residual = signal(total) - normal(x) if iterations else x
    direction, energy = 0.0 * x, _inner(x, x)
    for _ in range(iterations):
        better = signal(filters.spectrum(residual) / density)
        before, energy = energy, _inner(residual, better)
        direction = better + _ratio(energy, before) * direction
        curved = normal(direction)
        step = _ratio(energy, _inner(direction, curved))
        x, residual = x + step * direction, residual - step * curved
    return x


def _inner(a: Array, b: Array) -> Array:
    return (namespace(a).conj(a) * b).real.sum(-1)[..., None]


def _ratio(above: Array, below: Array) -> Array:
    """The quotient, 0 where a signal is solved already."""
    where = namespace(above).where
    return where(below > 0, above, 0.0 * above) / where(below > 0, below, 0.0 * below + 1.0)


def _tabulated(wavelet: Any, scales: tuple[float, ...], precision: int, n: int, *, like: Array) -> tuple[Array, Array]:
    """Taps (scales, 2 reach + 1), complex for complex wavelets, and frequencies; those of NumPy are float64, as in pywt."""
    if isinstance(like, torch.Tensor):
        make = _taps_in_graph if torch.compiler.is_compiling() else _taps_of_torch
        return make(wavelet, scales, precision, n, like.real.dtype, like.device)
    taps, frequencies = _taps(wavelet, scales, precision, n, str(like.real.dtype) == "float32")
    return _as_given(taps, like), frequencies if isinstance(like, np.ndarray) else _as_given(frequencies, like)


def _taps_of_torch(wavelet: Any, scales: Any, precision: int, n: int, dtype: torch.dtype, device: torch.device) -> Any:
    taps, frequencies = _taps(wavelet, tuple(map(float, scales)), precision, n, dtype == torch.float32)
    kind = dtype.to_complex() if np.iscomplexobj(taps) else dtype
    return torch.from_numpy(taps).to(device, kind), torch.from_numpy(frequencies).to(device, dtype)


# One step to torch.compile, which cannot look into pywt.
_TYPES = "(str wavelet, float[] scales, int precision, int n, ScalarType dtype, Device device) -> (Tensor, Tensor)"
_taps_in_graph = torch.library.custom_op("undula::wavelet_taps", _taps_of_torch, mutates_args=(), schema=_TYPES)
_taps_in_graph.register_fake(_taps_of_torch)


def _taps(wavelet: Any, scales: Sequence[float], precision: int, n: int, single: bool) -> tuple[np.ndarray, np.ndarray]:
    """Filters as rows around the shift 0, without taps that no two of n samples are apart; and frequencies."""
    kept = isinstance(wavelet, str)  # objects of pywt may change between calls
    table = (_kept_table if kept else _read_table)(wavelet, precision, single)
    reach = min(n - 1, (table.samples(max(scales)) + 1) // 2)
    rows = np.zeros((len(scales), 2 * reach + 1), dtype=table.integral.dtype)
    for row, scale in zip(rows, scales, strict=True):
        own = min(reach, (table.samples(scale) + 1) // 2)
        make = _kept_taps if kept and own < 4096 else _Table.taps  # 64 KB at most
        row[reach - own : reach + own + 1] = make(table, scale, own)
    return rows, table.frequency / np.asarray(scales)


@dataclass(frozen=True, eq=False)
class _Table:
    """The integral of a wavelet at equal steps over an extent, and the cycles of ψ per unit of length."""

    integral: np.ndarray  # conjugate, of a complex one
    extent: float
    step: float
    frequency: float

    def samples(self, scale: float) -> int:
        """Samples L of the stretched wavelet."""
        count = math.ceil(scale * self.extent + 1)
        while int((count - 1) / (scale * self.step)) >= len(self.integral):
            count -= 1
        if count < 2:
            raise RangeError(f"got scale {scale:g}, too small for this wavelet: expected {1 / self.extent:.3g} or more")
        return count

    def taps(self, scale: float, reach: int) -> np.ndarray:
        """-√s (I[k] - I[k - 1]) from k = L // 2 - reach on, of the samples I[0 … L - 1] of the integral, last first."""
        count = self.samples(scale)
        first = count // 2 - reach - 1
        backwards = count - 1 - np.arange(first, first + 2 * reach + 2)
        inside = (backwards >= 0) & (backwards < count)
        places = (np.where(inside, backwards, 0) / (scale * self.step)).astype(np.int64)
        return -math.sqrt(scale) * np.diff(np.where(inside, self.integral[places], 0.0))


def _read_table(wavelet: Any, precision: int, single: bool) -> _Table:
    try:
        found = pywt.DiscreteContinuousWavelet(wavelet) if isinstance(wavelet, str) else wavelet
    except ValueError:
        names = pywt.wavelist(kind="continuous")
        near = " or ".join(
            get_close_matches(wavelet.lower(), [*names, *pywt.wavelist(kind="discrete")], cutoff=0.5) or names
        )
        raise OptionError(f"got wavelet {wavelet!r}, expected a continuous one: did you mean {near}?") from None
    if not isinstance(found, pywt.ContinuousWavelet | pywt.Wavelet):
        raise OptionError(f"got a wavelet of type {type(found).__name__}, expected a name (morl, cmor1.5-1.0, db4, …)")
    if isinstance(found, pywt.Wavelet) and not found.orthogonal:
        raise OptionError(f"got the biorthogonal wavelet {found.name!r}, expected morl, mexh, … or an orthogonal one")
    integral, x = pywt.integrate_wavelet(found, precision)
    x = x.astype(np.float32) if single else x  # as PyWavelets does for such signals
    return _Table(np.conj(integral), float(x[-1] - x[0]), float(x[1] - x[0]), pywt.central_frequency(found, precision))


_kept_table, _kept_taps = lru_cache(maxsize=16)(_read_table), lru_cache(maxsize=1024)(_Table.taps)


def _fast_length(n: int) -> int:
    """The least even number from n on with no factors but 2, 3 and 5: it divides a great power of 30."""
    return next(size for size in range(n + n % 2, 4 * n + 4, 2) if not 30**16 * 2**64 % size)


def _calculable(x: Array) -> Array:
    """Half precision as float32, long doubles as double: what the FFT takes everywhere."""
    if isinstance(x, torch.Tensor):
        return x.float() if x.dtype.itemsize == 2 else x
    wide = {"float16": "float32", "bfloat16": "float32", "longdouble": "float64", "clongdouble": "complex128"}
    return namespace(x).asarray(x, dtype=wide.get(np.dtype(x.dtype).name, x.dtype))


def _as_given(result: Array, given: Array) -> Array:
    """The result in the precision of what was given; complex numbers have none below complex64."""
    if isinstance(given, torch.Tensor):
        return result.to(given.dtype) if given.dtype.itemsize == 2 and not is_complex(result) else result
    words, kind = namespace(given), given.real.dtype
    return words.asarray(result, dtype=words.result_type(kind, np.complex64) if is_complex(result) else kind)
