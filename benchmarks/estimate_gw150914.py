"""Figures of docs/estimate.md on GW150914: python benchmarks/estimate_gw150914.py [scan] [elsewhere] [injected] [tables].

The data are looked for in the folder gw150914 of UNDULA_DATA; everything is done as examples/gw150914.py does it.
"""

import argparse
import importlib.util
import os
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from measuring import RESULTS, ROOT, record, results, rewrite, table

import undula
from undula.data import read_recording
from undula.jobs.estimate.surroundings import limited, surrounding_density
from undula.jobs.estimate.waves import waveform

WORD = "estimate_gw150914"
LATER = 3e-3  # seconds after the merger at which the fit is compared
PREDICTED = {"frequency": (251.0, 8.0), "decay_time": (4.0e-3, 0.3e-3)}  # of the whole signal's mass and spin, 90 %
TRUTH = {"frequency": PREDICTED["frequency"][0], "decay_rate": 1 / PREDICTED["decay_time"][0]}
HELD = ("90 % intervals that hold", "median width over that by the bound at the truth")
PLACES = 20


def example() -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("gw150914", ROOT / "examples" / "gw150914.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(one: ModuleType) -> tuple[np.ndarray, float, float, float, int]:
    """Strain on the clock of H1, rate, first moment, merger, and how many samples earlier L1 sees it."""
    folder = Path(os.environ["UNDULA_DATA"]) / "gw150914"
    recordings = [read_recording(folder / f"{name}:strain/Strain") for name in one.FILES]
    strain, rate = np.stack([each.samples[0].numpy() for each in recordings]), recordings[0].rate
    merger, lag = one.find_merger(strain, rate)
    strain[1] = np.roll(strain[1], lag)
    return strain, rate, recordings[0].begin, merger, lag


def loudness(modes: Any) -> np.ndarray:
    """Total signal-to-noise ratio of the fit, over the channels that share it."""
    return np.sqrt((modes.white_waveform**2).sum(axis=(-2, -1)))


def places(merger: float) -> np.ndarray:
    """Moments away from the merger, and from the ends."""
    grid = np.linspace(1.5, 30.5, PLACES + 2)
    return grid[np.abs(grid - merger) > 1.0][:PLACES]


def scan() -> None:
    """The event: intervals at every start, for each detector and for both."""
    one = example()
    strain, rate, begin, merger, lag = read(one)
    starts = merger + np.arange(0, 7.1e-3, 0.5e-3)
    began = time.process_time()
    alone, both = one.measure(strain, starts, rate)
    spent = time.process_time() - began
    rows = []
    for k, start in enumerate(starts):
        row: dict[str, Any] = {"after the merger, ms": round(1e3 * (start - merger), 2)}
        for name, modes, place in (("H1", alone, (k, 0, 0)), ("L1", alone, (k, 1, 0)), ("both", both, (k, 0))):
            ends = modes.interval(0.9)
            row[name] = {
                "Hz": [round(float(each[place]), 1) for each in ends["frequency"]],
                "ms": [round(1e3 * float(each[place]), 2) if each[place] < 1 else None for each in ends["decay_time"]],
                "accepted": bool(modes.accepted[place[:-1]]),
            }
        row["both"]["signal to noise"] = round(float(loudness(both)[k]), 2)
        rows.append(row)
    at = int(np.argmin(np.abs(starts - merger - LATER)))
    overlap = {}
    ends, bound = both.interval(0.9), replace(both, quantiles=None).interval(0.9)
    for name, (value, off) in PREDICTED.items():
        low, high = (float(each[at, 0]) for each in ends[name])
        overlap[name] = {"interval": [low, high], "overlaps": low <= value + off and high >= value - off}
        own = "decay_rate" if name == "decay_time" else name  # the rate's errors are symmetric
        wide, narrow = (float(each[own][1][at, 0] - each[own][0][at, 0]) for each in (ends, bound))
        overlap[name]["width over that by the bound"] = round(wide / narrow, 2)
    auto = undula.estimate(strain, rate=rate, start=starts, shared=True, components="auto", **one.KNOWN)
    figures = {
        "merger, GPS": round(begin + merger, 4), "L1 earlier, ms": round(1e3 * lag / rate, 2), "starts": rows,
        "at 3 ms": overlap, "modes by the criterion": auto.count.tolist(), "CPU seconds": round(spent, 2),
    }  # fmt: skip
    record(WORD, "scan", figures)


def elsewhere() -> None:
    """The same where nothing rings: how often is something accepted?"""
    one = example()
    strain, rate, _, merger, _ = read(one)
    offsets = np.arange(0, 7.1e-3, 0.5e-3)
    found: dict[str, list[Any]] = {"H1": [], "L1": [], "both": [], "signal to noise": [], "by the criterion": []}
    for place in places(merger):
        moments = place + offsets  # no intervals are asked for here
        alone = undula.estimate(strain, rate=rate, start=moments, **one.KNOWN)
        both = undula.estimate(strain, rate=rate, start=moments, shared=True, **one.KNOWN)
        auto = undula.estimate(strain, rate=rate, start=place + offsets, shared=True, components="auto", **one.KNOWN)
        found["H1"].append(alone.accepted[:, 0])
        found["L1"].append(alone.accepted[:, 1])
        found["both"].append(both.accepted)
        found["signal to noise"].append(loudness(both))
        found["by the criterion"].append(auto.count > 0)
    at = int(np.argmin(np.abs(offsets - LATER)))
    counts = {name: np.array(found[name]) for name in ("H1", "L1", "both", "by the criterion")}
    loud = np.array(found["signal to noise"])
    figures = {
        "stretches": len(loud),
        "accepted at 3 ms": {name: int(each[:, at].sum()) for name, each in counts.items()},
        "accepted at any of 15 starts": {name: int(each.any(axis=1).sum()) for name, each in counts.items()},
        "share of all fits accepted": {name: round(float(each.mean()), 3) for name, each in counts.items()},
        "greatest signal to noise at 3 ms": round(float(loud[:, at].max()), 2),
        "median signal to noise at 3 ms": round(float(np.median(loud[:, at])), 2),
        "greatest signal to noise anywhere": round(float(loud.max()), 2),
    }
    record(WORD, "elsewhere", figures)


def ringing(shape: tuple[int, int], place: float, rate: float, fit: Any) -> np.ndarray:
    """The predicted wave in both detectors, as strong and in the phase as fitted at 3 ms, from a moment on."""
    times = np.arange(shape[1]) / rate - place
    later = np.maximum(times, 0.0)
    waves = waveform(
        torch.from_numpy(later)[None], amplitude=torch.from_numpy(fit.amplitude), phase=torch.from_numpy(fit.phase),
        frequency=torch.full((2, 1), PREDICTED["frequency"][0]).double(),
        decay_rate=torch.full((2, 1), 1 / PREDICTED["decay_time"][0]).double(),
    ).numpy()  # fmt: skip
    return np.where(times >= 0, waves, 0.0)


def injected(number: int) -> None:
    """Waves as predicted, put into the noise elsewhere: errors in units of the bound, and how often intervals hold.

    The same in drawn Gaussian noise of the records' own density, which tells the fit's failures from the noise's.
    """
    one = example()
    strain, rate, _, merger, _ = read(one)
    fit = undula.estimate(strain, rate=rate, start=merger + LATER, shared=True, **one.KNOWN)
    # Without noise the fit is the truth, and its bound that at the truth.
    kept = torch.from_numpy(strain)[None]
    known = limited(kept, passband=one.KNOWN["passband"], rate=rate)
    used = (round(merger * rate), round((merger + 0.2) * rate))
    frequency, density = surrounding_density(known, used=used, length=round(0.1 * rate), rate=rate)
    clean = ringing(strain.shape, 16.0, rate, fit)
    options = {**one.KNOWN, "noise": (frequency.numpy(), density[0].numpy())}
    bound = undula.estimate(clean, rate=rate, start=16.0, shared=True, **options).bound
    least = np.array([float(bound[name][0]) for name in TRUTH])
    grid = np.linspace(1.0, 31.0, number + round(number / 12))
    moments = grid[np.abs(grid - merger) > 1.0][:number]
    figures = {"waves": number, "bound at the truth": _named(least)}
    for name, noise in (("in the records", strain), ("in drawn noise", drawn_noise(strain, rate, one))):
        figures[name] = _found(noise, moments, rate, fit, one, least)
        print(name, figures[name], flush=True)
    record(WORD, "injected", figures)


def drawn_noise(strain: np.ndarray, rate: float, one: ModuleType) -> np.ndarray:
    """Stationary Gaussian noise of the records' density (the median of their seconds)."""
    chance, rows = np.random.default_rng(0), []
    for row in strain:
        frequency, density = one.noise_of(row, rate)
        cycles = np.fft.rfftfreq(len(row), 1 / rate)
        size = np.sqrt(np.interp(cycles, frequency, density) * rate * len(row) / 4)
        size[0] = 0.0
        rows.append(np.fft.irfft(size * (chance.normal(size=len(size)) + 1j * chance.normal(size=len(size))), len(row)))
    return np.stack(rows)


def _found(
    noise: np.ndarray, moments: np.ndarray, rate: float, fit: Any, one: ModuleType, least: np.ndarray
) -> dict[str, Any]:
    """What fits of the predicted wave say, put into noise at each of several moments."""
    off, loud = [], []
    held: dict[str, list[Any]] = {"likelihood": [], "bound": []}
    width: dict[str, list[Any]] = {"likelihood": [], "bound": []}
    for place in moments.tolist():
        data = noise + ringing(noise.shape, place, rate, fit)
        modes = undula.estimate(data, rate=rate, start=place, shared=True, **one.KNOWN, **one.LOOKED_AT)
        off.append([float(getattr(modes, name)[0] - truth) for name, truth in TRUTH.items()])
        loud.append(float(loudness(modes)))
        for kind, each in (("likelihood", modes), ("bound", replace(modes, quantiles=None))):
            ends = {name: [float(end[0]) for end in each.interval(0.9)[name]] for name in TRUTH}
            held[kind].append([ends[name][0] <= truth <= ends[name][1] for name, truth in TRUTH.items()])
            width[kind].append([high - low for low, high in ends.values()])
    sigma = np.array(off) / least
    inside = np.abs(sigma).max(axis=1) <= 5
    return {
        "outliers": int((~inside).sum()), "median signal to noise": round(float(np.median(loud)), 2),
        "root mean square error over the bound": _named(np.sqrt((sigma[inside] ** 2).mean(axis=0))),
        "90 % intervals that hold": {kind: _named(np.mean(each, axis=0)) for kind, each in held.items()},
        "median width over that by the bound at the truth": {
            kind: _named(np.median(each, axis=0) / (2 * 1.6449 * least)) for kind, each in width.items()
        },
    }  # fmt: skip


def _named(values: np.ndarray) -> dict[str, float]:
    return dict(zip(TRUTH, values.round(3).tolist(), strict=True))


def _later(found: dict[str, Any]) -> str:
    rows = []
    for name, unit, factor in (("frequency", "Hz", 1.0), ("decay_time", "ms", 1e3)):
        low, high = (factor * end for end in found[name]["interval"])
        value, off = (factor * each for each in PREDICTED[name])
        meets = "yes" if found[name]["overlaps"] else "no"
        cells = [f"{low:.1f} … {high:.1f} {unit}", f"{value:g} ± {off:g} {unit}", meets]
        rows.append([name.replace("_", " "), *cells, found[name]["width over that by the bound"]])
    return table(["", "both, 90 %", "predicted", "overlap", "width over that by the bound"], rows)


def tables() -> None:
    """Bring the records into docs/estimate.md; a section without one keeps what stands there."""
    known, blocks = results(WORD), {}
    if "scan" in known:
        rows = []
        for row in known["scan"]["starts"]:
            cells = [row["after the merger, ms"]]
            for name in ("H1", "L1", "both"):
                low, high = row[name]["Hz"]
                short, long = row[name]["ms"]
                text = f"{low:.0f} … {high:.0f} Hz, {short} … {'∞' if long is None else long} ms"
                cells.append(text if row[name]["accepted"] else f"({text})")
            rows.append([*cells, row["both"]["signal to noise"]])
        rows = [row for row in rows if float(row[0]).is_integer()]
        found = known["scan"]
        blocks["gw-merger"] = table(
            ["found", ""],
            [["merger in H1, GPS seconds", found["merger, GPS"]], ["earlier in L1, ms", found["L1 earlier, ms"]]],
        )
        blocks["gw-later"] = _later(found["at 3 ms"])
        blocks["gw-scan"] = table(["ms after the merger", "H1", "L1", "both", "ρ of both"], rows)
    if "elsewhere" in known:
        found = known["elsewhere"]
        rows = []
        for key in ("accepted at 3 ms", "accepted at any of 15 starts"):
            rows.append([f"{key}, of {found['stretches']}", *found[key].values()])
        header = ["", *(name if name != "by the criterion" else "both, number by the criterion" for name in found[key])]
        blocks["gw-elsewhere"] = table(header, rows)
    if "injected" in known:
        rows, error = [], "root mean square error over the bound"
        for noise in ("in the records", "in drawn noise"):
            found = known["injected"][noise]
            kinds = [(f"{key}, by the {kind}", found[key][kind]) for key in HELD for kind in ("bound", "likelihood")]
            for key, each in [(error, found[error]), *kinds]:
                rows.append([f"{key}, {noise}", *(each[name] for name in TRUTH)])
        blocks["gw-injected"] = table([f"{known['injected']['waves']} waves", "frequency", "decay rate"], rows)
    rewrite(ROOT / "docs" / "estimate.md", blocks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", default=["scan", "elsewhere", "injected", "tables"])
    parser.add_argument("--waves", type=int, default=200)
    given = parser.parse_args()
    sections = {"scan": scan, "elsewhere": elsewhere, "injected": lambda: injected(given.waves), "tables": tables}
    torch.set_num_threads(1)
    for section in given.sections:
        sections[section]()
    if (RESULTS / f"{WORD}.json").exists():
        tables()
