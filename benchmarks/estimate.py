"""Figures of docs/estimate.md: python benchmarks/estimate.py [bound] [orders] [bars] [speed] [tables], each with `--signals N`.

The prior of all sections: 128 samples, A ~ U(0.5, 1), f ~ U(0.05, 0.45) cycles per sample, τ ~ U(10, 60) samples, phase
uniform, frequencies apart by 2/128 (five components: 4/128); dB is mean power over the window to variance of the noise. Errors
are counted in Cramér-Rao deviations at the truth; an outlier is off by more than five of them in any parameter.
"""

import argparse
import itertools
import math
import os
import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import torch
from measuring import RESULTS, ROOT, record, results, rewrite, table

import undula.jobs.estimate as room
from undula.jobs.estimate.bound import Waves, cramer_rao
from undula.jobs.estimate.polish import polish
from undula.jobs.estimate.projection import amplitudes, project
from undula.jobs.estimate.record import Record
from undula.jobs.estimate.waves import waveform
from undula.jobs.estimate.whitener import Dense, Whitener

TWO = "undula, two threads"
NAMES = ("amplitude", "frequency", "decay_time", "phase")
POINTS = [(1, 0), (1, 5), (1, 10), (1, 20), (2, 0), (2, 5), (2, 10), (2, 20), (5, 20)]
SAMPLES, NEXT = 128, 0.8  # NEXT: correlation of neighbors in the autoregressive noise of `bars`


@dataclass(frozen=True)
class Drawn:
    """Modes (n, P, 4) in the order of NAMES, signals (n, T), and the bound's deviations (n, P, 4)."""

    truth: torch.Tensor
    signal: torch.Tensor
    deviation: torch.Tensor
    bound: torch.Tensor
    record: Record


def draw(number: int, components: int, decibels: float, *, seed: int, kind: str = "white") -> Drawn:
    """Signals of the prior in white, colored (first-order autoregressive) or complex white noise."""
    chance, real = torch.Generator().manual_seed(seed), kind != "complex"

    def between(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=chance, dtype=torch.float64)

    shape = (number, components)
    amplitude, decay, phase = between(0.5, 1, *shape), between(10, 60, *shape), between(-math.pi, math.pi, *shape)
    frequency, apart = between(0.05, 0.45, *shape), (4 if components > 2 else 2) / SAMPLES
    while components > 1:
        near = frequency.sort(dim=1).values.diff(dim=1).amin(dim=1) < apart
        if not near.any():
            break
        frequency[near] = between(0.05, 0.45, int(near.sum()), components)
    times = torch.arange(SAMPLES, dtype=torch.float64)
    clean = waveform(times, amplitude=amplitude, frequency=frequency, decay_rate=1 / decay, phase=phase, real=real)
    deviation = (clean.abs().square().mean(dim=1) * 10 ** (-decibels / 10)).sqrt()
    noise = torch.randn(number, SAMPLES + 200 * (kind == "colored"), generator=chance, dtype=clean.dtype)
    whitener = None
    if kind == "colored":
        noise = _autoregressive(noise)[:, -SAMPLES:]
        lag = torch.arange(SAMPLES)
        factor = torch.linalg.cholesky(NEXT ** (lag[:, None] - lag).abs().double())
        inverse = torch.linalg.inv(factor)
        whitener = Whitener((Dense(inverse, inverse[-1]),), torch.zeros(1, 1, dtype=torch.long))
    span = SAMPLES - 1.0
    signal = clean + deviation[:, None] * noise
    rows = signal if real else torch.cat([signal.real, signal.imag], dim=1)
    made = Record(rows[:, None], times[None] / span, None, whitener, real, 0, 1 / span, span, False)
    waves = Waves(amplitude[:, None], frequency, 1 / decay, phase[:, None])
    variance = deviation.square() * (1.0 if real else 0.5)
    spread = cramer_rao(made, waves, variance=variance).covariance.diagonal(dim1=1, dim2=2).sqrt()
    bound = spread.unflatten(1, (components, 4))
    bound[:, :, 2] *= decay.square()
    return Drawn(torch.stack([amplitude, frequency, decay, phase], dim=2), signal, deviation, bound, made)


def _autoregressive(steps: torch.Tensor) -> torch.Tensor:
    """Noise of variance 1 whose neighbors are correlated by NEXT."""
    noise = steps.clone()
    for k in range(1, steps.shape[1]):
        noise[:, k] = NEXT * noise[:, k - 1] + math.sqrt(1 - NEXT**2) * steps[:, k]
    return noise


def off(drawn: Drawn, found: torch.Tensor) -> torch.Tensor:
    """Errors in deviations (n, P, 4), modes matched by the assignment whose largest error is least."""
    number, components = drawn.truth.shape[:2]
    best, errors = torch.full((number,), torch.inf).double(), torch.zeros_like(drawn.truth)
    for order in itertools.permutations(range(components)):
        error = found[:, list(order)] - drawn.truth
        error[..., 3] = torch.remainder(error[..., 3] + math.pi, 2 * math.pi) - math.pi
        error = error / drawn.bound
        worst = torch.nan_to_num(error.abs(), nan=1e9).flatten(1).amax(dim=1)
        errors = torch.where((worst < best)[:, None, None], error, errors)
        best = torch.minimum(best, worst)
    return errors


def summary(errors: torch.Tensor) -> dict[str, Any]:
    """Outliers, and over the others the root mean square error per parameter."""
    out = ~(errors.abs().flatten(1).amax(dim=1) <= 5)
    ratio = errors[~out].square().mean(dim=(0, 1)).sqrt()
    return {
        "outliers": f"{float(out.double().mean()):.2%}",
        **{n: round(float(r), 3) for n, r in zip(NAMES, ratio, strict=True)},
    }


def table_of(modes: Any) -> torch.Tensor:
    """Modes as (n, P, 4)."""
    return torch.stack([getattr(modes, name) for name in NAMES], dim=2)


def bound(signals: int) -> None:
    """Error over the bound, and outliers; beside them those of the polish started from the truth."""
    figures: dict[str, Any] = {}
    for components, decibels in POINTS:
        drawn = draw(signals, components, decibels, seed=100 * components + decibels)
        began = time.process_time()
        ours = summary(off(drawn, table_of(room.estimate(drawn.signal, components=components))))
        spent = time.process_time() - began
        poles = torch.complex(
            -drawn.record.span / drawn.truth[..., 2], 2 * math.pi * drawn.record.span * drawn.truth[..., 1]
        )
        near = polish(drawn.record, poles).poles
        size = amplitudes(project(drawn.record, near), near)[:, 0]
        unit = drawn.record.span
        found = [size.abs(), near.imag / (2 * math.pi * unit), -unit / near.real, size.angle()]
        truth = summary(off(drawn, torch.stack(found, dim=2)))
        key = f"{components} components, {decibels} dB"
        figures[key] = {"undula": ours, "from the truth, 1/γ": truth, "signals per CPU second": round(signals / spent)}
        print(key, figures[key], flush=True)
    clean = {}
    for components in (1, 2, 3):
        drawn = draw(200, components, 600.0, seed=components)
        error = off(drawn, table_of(room.estimate(drawn.signal, components=components))) * drawn.bound
        error[..., :3] /= drawn.truth[..., :3]
        clean[f"{components} components"] = f"{float(error.abs().max()):.1e}"
    record("estimate", "bound", {"signals": signals, **figures, "largest error without noise": clean})


def orders(signals: int) -> None:
    """Share of signals whose number of components is found, at 10 dB."""
    figures = {}
    for components in (0, 1, 2, 3):
        drawn = draw(signals, max(components, 1), 10.0, seed=7 + components)
        noise = torch.randn(signals, SAMPLES, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
        count = room.estimate(drawn.signal if components else noise, components="auto").count
        shares = torch.bincount(count, minlength=6).double() / signals
        figures[f"{components} components"] = [round(float(share), 4) for share in shares]
        print(components, figures[f"{components} components"], flush=True)
    record("estimate", "orders", {"signals": signals, "share found as 0 … 5": figures})


def bars(signals: int) -> None:
    """Share of 90 % intervals that hold the truth, over the inliers."""
    grid = torch.linspace(0, 0.5, 1025, dtype=torch.float64)
    density = 2 * (1 - NEXT**2) / (1 + NEXT**2 - 2 * NEXT * torch.cos(2 * math.pi * grid))
    figures = {}
    for kind, components, decibels in [
        ("white", 1, 5), ("white", 1, 10), ("white", 1, 20), ("white", 2, 10), ("white", 2, 20),
        ("colored", 1, 10), ("colored", 2, 15), ("complex", 1, 10), ("complex", 2, 15),
    ]:  # fmt: skip
        drawn = draw(signals, components, decibels, seed=components + decibels, kind=kind)
        level = float(drawn.deviation.mean())
        # Colored noise is told per unit of deviation: signals are brought to the same one.
        signal = drawn.signal * (level / drawn.deviation)[:, None] if kind == "colored" else drawn.signal
        noise = (grid.numpy(), (level**2 * density).numpy()) if kind == "colored" else None
        modes = room.estimate(signal, components=components, noise=noise)
        unit = (level / drawn.deviation)[:, None] if kind == "colored" else 1.0
        figures[f"{kind}, {components} components, {decibels} dB"] = _coverage(drawn, modes, unit)
        print(kind, components, decibels, figures[f"{kind}, {components} components, {decibels} dB"], flush=True)
    record("estimate", "bars", {"signals": signals, **figures})


def _coverage(drawn: Drawn, modes: Any, unit: Any) -> dict[str, Any]:
    ends = modes.interval(0.9)
    found = table_of(modes)
    found[..., 0] = found[..., 0] / unit
    order, best = torch.zeros_like(drawn.truth[..., 0]).long(), torch.full((len(found),), torch.inf).double()
    for trial in itertools.permutations(range(found.shape[1])):
        worst = ((found[:, list(trial)] - drawn.truth) / drawn.bound)[..., :3].abs().flatten(1).amax(dim=1)
        order[worst < best] = torch.tensor(trial)
        best = torch.minimum(best, worst)
    good, shares = best <= 5, {}
    for place, name in enumerate(NAMES):
        low, high = (end.gather(1, order) / (unit if name == "amplitude" else 1.0) for end in ends[name])
        truth = drawn.truth[..., place]
        if name == "phase":
            truth = low + torch.remainder(truth - low, 2 * math.pi)
        inside = (low <= truth) & (truth <= high)
        shares[name] = f"{float(inside[good].double().mean()):.1%}"
    white = float((modes.whiteness > 0.05).double().mean())
    share = float((~good).double().mean())
    return {**shares, "outliers": f"{share:.2%}", "white residual (p > 0.05)": f"{white:.1%}"}


def speed(signals: int) -> None:
    """Signals per second, one component at 10 dB, beside loops of curve_fit started from the truth.

    CPU time of one thread, which other work on the machine moves less than wall time; with `--threads 2` also wall time with
    two, which says something only where two cores are idle. The load of the machine is recorded beside it.
    """
    two = torch.get_num_threads() > 1
    drawn = draw(max(signals, 4096), 1, 10.0, seed=1)
    batch, few = drawn.signal[:4096], 200
    times = np.arange(SAMPLES, dtype=float)

    def model(t: np.ndarray, a: float, f: float, tau: float, p: float) -> np.ndarray:
        return a * np.exp(-t / tau) * np.cos(2 * np.pi * f * t + p)

    def slopes(t: np.ndarray, a: float, f: float, tau: float, p: float) -> np.ndarray:
        fade, angle = np.exp(-t / tau), 2 * np.pi * f * t + p
        cosine, sine = fade * np.cos(angle), fade * np.sin(angle)
        return np.stack([cosine, -2 * np.pi * t * a * sine, a * t / tau**2 * cosine, -a * sine], axis=1)

    def loop(jacobian: Any) -> None:
        for item in range(few):
            truth = drawn.truth[item, 0].numpy()
            scipy.optimize.curve_fit(model, times, drawn.signal[item].numpy(), p0=truth, jac=jacobian)

    works = {
        "undula": lambda: room.estimate(batch),
        **({TWO: lambda: room.estimate(batch)} if two else {}),
        "curve_fit from the truth": lambda: loop(None),
        "curve_fit from the truth, closed Jacobian": lambda: loop(slopes),
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for turn in range(8):
        for name, work in works.items():
            torch.set_num_threads(2 if name == TWO else 1)
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            if turn:
                spent[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    torch.set_num_threads(1)
    figures: dict[str, Any] = {"load": round(os.getloadavg()[0], 1), "cores": os.cpu_count()}
    for name, each in spent.items():
        size = len(batch) if name in ("undula", TWO) else few
        wall, cpu = (np.array(column) for column in zip(*each, strict=True))
        figures[name] = {
            "signals per second": round(size / float(np.median(wall))),
            "signals per CPU second": round(size / float(np.median(cpu))),
            "quartiles": [round(size / float(np.quantile(cpu, q))) for q in (0.75, 0.25)],
        }
    for kind, mine in (("CPU", "undula"), ("wall", TWO))[: 1 + two]:
        unit = "signals per CPU second" if kind == "CPU" else "signals per second"
        ratios = {name: round(figures[mine][unit] / figures[name][unit], 1) for name in works if "curve" in name}
        figures[f"ratio of {kind} times"] = ratios
    figures["undula's errors"] = summary(off(drawn, table_of(room.estimate(drawn.signal))))
    record("estimate", "speed", figures)


def _by_numbers(pair: tuple[str, Any]) -> tuple[bool, str, list[int]]:
    """Undula first, then words before numbers, and 5 dB before 10 dB."""
    return pair[0] != "undula", re.sub(r"\d", "", pair[0]), [int(number) for number in re.findall(r"\d+", pair[0])]


def _speed_blocks(found: dict[str, Any]) -> dict[str, str]:
    rows = []
    for name, each in found.items():
        if isinstance(each, dict) and "quartiles" in each:
            slower = [found[key].get(name, "") for key in ("ratio of CPU times", "ratio of wall times") if key in found]
            rows.append([name, each["signals per CPU second"], each["signals per second"], *slower])
    wide = ["than two threads, wall time"] if "ratio of wall times" in found else []
    header = ["", "signals per CPU second", "signals per second", "times slower, CPU time", *wide]
    load = f"Load of the {found['cores']} cores in that run: {found['load']} processes."
    return {"speed": table(header, rows), "speed-load": load}


def tables() -> None:
    """Bring the records into docs/estimate.md; a section without one keeps what stands there."""
    known, blocks = results("estimate"), {}
    known = {section: dict(sorted(each.items(), key=_by_numbers)) for section, each in known.items()}
    if "bound" in known:
        rows = []
        for key, found in known["bound"].items():
            if isinstance(found, dict) and "undula" in found:
                ours, truth = found["undula"], found["from the truth, 1/γ"]
                rows.append([key, *(ours[name] for name in NAMES), ours["outliers"], truth["outliers"]])
        header = ["", "amplitude", "frequency", "decay time", "phase", "outliers", "from the truth"]
        blocks["bound"] = table(header, rows)
        clean = known["bound"]["largest error without noise"]
        blocks["clean"] = table(["without noise", "largest relative error"], [list(pair) for pair in clean.items()])
    if "orders" in known:
        rows = [[key, *shares] for key, shares in known["orders"]["share found as 0 … 5"].items()]
        blocks["orders"] = table(["drawn with", *(f"found {count}" for count in range(6))], rows)
    if "bars" in known:
        found = {key: each for key, each in known["bars"].items() if isinstance(each, dict)}
        names = [*NAMES, "outliers", "white residual (p > 0.05)"]
        blocks["bars"] = table(["", *names], [[key, *(each[name] for name in names)] for key, each in found.items()])
    if "speed" in known:
        blocks |= _speed_blocks(known["speed"])
    if "rivals" in known:
        rows, names = [], [*NAMES, "outliers", "times undula's CPU time"]
        for key, methods in known["rivals"].items():
            if isinstance(methods, dict):
                own = sorted(methods.items(), key=_by_numbers)
                rows += [[key, method, *(each[name] for name in names)] for method, each in own]
        blocks["rivals"] = table(["", "method", *names], rows)
    rewrite(ROOT / "docs" / "estimate.md", blocks)


SECTIONS = {"bound": bound, "orders": orders, "bars": bars, "speed": speed}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), choices=[*SECTIONS, "tables", []])
    parser.add_argument("--signals", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for section in [each for each in given.sections if each != "tables"]:
        SECTIONS[section](given.signals)
    if (RESULTS / "estimate.json").exists():
        tables()
