"""Rivals of `undula.estimate` on the same signals, in one process: python benchmarks/estimate_rivals.py [--signals N].

`curve_fit` and lmfit start from the peaks of the spectrum, as a user without knowledge of the modes would; nmrglue offers
linear prediction, of which the Hankel singular values of order 4 P + 12 did best of twenty settings tried; spectrum a frequency
only, by MUSIC. Errors as in `estimate.py`.
"""

import argparse
import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import lmfit
import nmrglue
import numpy as np
import scipy.optimize
import spectrum
import torch
from measuring import record
from numpy.typing import NDArray

import undula.jobs.estimate as room
from estimate import NAMES, SAMPLES, Drawn, draw, off, table_of, tables

Values = NDArray[np.float64]
TIMES = np.arange(SAMPLES, dtype=float)
POINTS = ((1, 5.0), (1, 10.0), (2, 10.0))


def rivals(signals: int) -> None:
    """Errors over the bound, outliers and CPU time per signal, of every method that can tell all parameters."""
    _ours(draw(8, 1, 10.0, seed=0))
    figures: dict[str, Any] = {"signals": signals}
    for components, decibels in POINTS:
        drawn = draw(signals, components, decibels, seed=50 + components)
        rows: dict[str, Any] = {"undula": _measured(drawn, lambda drawn=drawn: _ours(drawn))}
        for name, method in METHODS.items():
            rows[name] = _measured(drawn, lambda method=method, drawn=drawn: _each(drawn, method))
        unit = rows["undula"]["microseconds of CPU"]
        for row in rows.values():
            row["times undula's CPU time"] = round(row["microseconds of CPU"] / unit, 1)
        figures[f"{components} components, {decibels:g} dB"] = rows
        print(components, decibels, rows, flush=True)
    record("estimate", "rivals", figures)


def _measured(drawn: Drawn, work: Callable[[], torch.Tensor]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.process_time()
        found = work()
    spent = time.process_time() - began
    known = [place for place in range(4) if not bool(found[..., place].isnan().all())]
    errors = off(drawn, _completed(drawn, found, known))
    out = ~(errors[..., known].abs().flatten(1).amax(dim=1) <= 5)
    ratio = errors[~out].square().mean(dim=(0, 1)).sqrt()
    shares = {name: round(float(ratio[place]), 3) if place in known else "" for place, name in enumerate(NAMES)}
    return {
        **shares,
        "outliers": f"{float(out.double().mean()):.1%}",
        "microseconds of CPU": round(1e6 * spent / len(drawn.truth)),
    }


def _completed(drawn: Drawn, found: torch.Tensor, known: list[int]) -> torch.Tensor:
    """What a method does not tell filled up from the truth, by the order of the frequencies, so that `off` can match modes."""
    if len(known) == 4:
        return found
    place = found[..., 1].argsort(dim=1)[..., None].expand_as(found)
    truth = drawn.truth.gather(1, drawn.truth[..., 1].argsort(dim=1)[..., None].expand_as(found))
    found = found.gather(1, place)
    return torch.stack([found[..., k] if k in known else truth[..., k] for k in range(4)], dim=2)


def _ours(drawn: Drawn) -> torch.Tensor:
    return table_of(room.estimate(drawn.signal, components=drawn.truth.shape[1]))


def _each(drawn: Drawn, method: Callable[[Values, int], Values]) -> torch.Tensor:
    """A method of single signals, NaN where it fails."""
    count, found = drawn.truth.shape[1], []
    for signal in drawn.signal.numpy():
        try:
            found.append(method(signal, count))
        except (RuntimeError, ValueError, IndexError, np.linalg.LinAlgError):
            found.append(np.full((count, 4), np.nan))
    return torch.from_numpy(np.stack(found))


def _start(signal: Values, count: int) -> Values:
    """The highest peaks of the spectrum, a quarter of the record as decay time (count, 4)."""
    transform = np.fft.rfft(signal, n=4 * SAMPLES)
    size, rows = np.abs(transform), []
    for _ in range(count):
        peak = int(size.argmax())
        rows.append(
            [2 * size[peak] / (SAMPLES / 4), peak / (4 * SAMPLES), SAMPLES / 4, float(np.angle(transform[peak]))]
        )
        size[max(0, peak - 8) : peak + 9] = 0.0
    return np.array(rows)


def _model(t: Values, *values: float) -> Values:
    total = np.zeros_like(t)
    for a, f, tau, p in np.reshape(values, (-1, 4)):
        total = total + a * np.exp(-t / tau) * np.cos(2 * np.pi * f * t + p)
    return total


def _curve_fit(signal: Values, count: int) -> Values:
    found, _ = scipy.optimize.curve_fit(_model, TIMES, signal, p0=_start(signal, count).ravel())
    return _positive(found.reshape(count, 4))


def _lmfit(signal: Values, count: int) -> Values:
    parameters = lmfit.Parameters()
    for mode, values in enumerate(_start(signal, count)):
        for name, value in zip("aftp", values, strict=True):
            parameters.add(f"{name}{mode}", value=value)
    names = [f"{name}{mode}" for mode in range(count) for name in "aftp"]

    def left(now: lmfit.Parameters) -> Values:
        return _model(TIMES, *(now[name].value for name in names)) - signal

    fit = lmfit.minimize(left, parameters)
    return _positive(np.array([fit.params[name].value for name in names]).reshape(count, 4))


def _nmrglue(signal: Values, count: int) -> Values:
    damp, frequency, amplitude, phase = nmrglue.process.proc_lp.lp_model(
        signal.astype(complex), order=4 * count + 12, mode="f", method="hsvd", full=True
    )
    table = np.array([2 * np.array(amplitude), frequency, 1 / (np.pi * np.array(damp)), phase]).T
    table = table[(table[:, 1] > 0) & np.isfinite(table).all(axis=1)]
    energy = table[:, 0] ** 2 * np.exp(-2 * TIMES[:, None] / table[:, 2]).sum(axis=0)
    return _filled(table[np.argsort(energy)[::-1][:count]], count)


def _music(signal: Values, count: int) -> Values:
    """MUSIC of spectrum: the frequencies of its highest peaks."""
    density, _ = spectrum.music(signal, 40, NSIG=2 * count, NFFT=16384)
    half = np.asarray(density)[: len(density) // 2][::-1]  # from minus half the rate upwards
    peaks = 1 + np.flatnonzero((half[1:-1] > half[:-2]) & (half[1:-1] >= half[2:]))
    best = peaks[np.argsort(half[peaks])[::-1][:count]]
    table = np.full((len(best), 4), np.nan)
    table[:, 1] = (best + 1) / 16384
    return _filled(table, count)


def _filled(table: Values, count: int) -> Values:
    """NaN for modes that were not found."""
    return np.concatenate([table, np.full((count - len(table), 4), np.nan)])


def _positive(table: Values) -> Values:
    """Amplitude and frequency above zero, the phase turned along."""
    a, f, tau, p = table.T
    p = np.where(f < 0, -p, p) + np.where(a < 0, math.pi, 0.0)
    return np.stack([np.abs(a), np.abs(f), tau, p], axis=1)


METHODS: dict[str, Callable[[Values, int], Values]] = {
    "scipy curve_fit": _curve_fit,
    "lmfit": _lmfit,
    "nmrglue, linear prediction (HSVD)": _nmrglue,
    "spectrum, MUSIC": _music,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=300)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rivals(given.signals)
    tables()
