"""Mode smooth in extended precision: who errs where PyWavelets and Undula differ."""

from typing import Any

import numpy as np
import pywt

Bands = dict[str, np.ndarray]


def wavedecn_smooth(x: np.ndarray, name: str, level: int) -> list[Any]:
    """The coefficients of PyWavelets' wavedecn, every step in numpy's longest floats, by the definition."""
    approximation, details = x.astype(np.longdouble), []
    for _ in range(level):
        bands: Bands = {"": approximation}
        for axis in range(x.ndim):
            bands = {key + k: band for key, each in bands.items() for k, band in _level(each, name, axis).items()}
        approximation = bands.pop("a" * x.ndim)
        details.append(bands)
    return [approximation, *details[::-1]]


def _level(x: np.ndarray, name: str, axis: int) -> Bands:
    wavelet = pywt.Wavelet(name)
    x = np.moveaxis(x, axis, -1)
    n, taps = x.shape[-1], wavelet.dec_len
    count = (n + taps - 1) // 2
    first, last = x[..., :1], x[..., -1:]
    rise, fall = (0 * first, 0 * first) if n == 1 else (x[..., 1:2] - first, last - x[..., -2:-1])
    before, behind = np.arange(2 - taps, 0), np.arange(1, 2 * count - n + 1)
    extended = np.concatenate([first + before * rise, x, last + behind * fall], axis=-1)
    both = {}
    for key, filters in (("a", wavelet.dec_lo), ("d", wavelet.dec_hi)):
        weights = np.array(filters, dtype=np.longdouble)[::-1]
        total = sum(weight * extended[..., m : m + 2 * count - 1 : 2] for m, weight in enumerate(weights))
        both[key] = np.moveaxis(np.asarray(total), -1, axis)
    return both
