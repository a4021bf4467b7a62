"""Modes as files and records: JSON, a table with units, arrays, a figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from undula.data import OutputFolder, atomic_text, write_arrays
from undula.data.plain import json_text
from undula.jobs.estimate.figures import draw_modes
from undula.show import save_picture

if TYPE_CHECKING:
    from undula.jobs.estimate.result import Modes

LEVEL = 0.9  # of the intervals
UNITS = {"frequency": "Hz", "decay_time": "s", "amplitude": "", "phase": "rad", "quality_factor": ""}


def describe(item: Modes) -> dict[str, Any]:
    """What is to be known of one item in a record, a table and a JSON file; None for numbers without an end.

    Args:
        item: One item of `Modes.items`.

    Returns:
        Plain values: per mode and name the value, its deviation by the bound, and the ends of its 90 % interval.
    """
    ends = item.interval(LEVEL)
    spread = [0] if item.amplitude.ndim == 1 else range(len(item.amplitude))
    modes = []
    for mode in range(int(item.count)):
        entry: dict[str, Any] = {}
        for name in UNITS:
            value, error = getattr(item, name), item.bound[name]
            low, high = ends.get(name, (value - _z() * error, value + _z() * error))
            sides = (value, error, low, high)
            if value.ndim == 2:  # channels before modes
                entry[name] = [_four([side[channel, mode] for side in sides]) for channel in spread]
            else:
                entry[name] = _four([side[mode] for side in sides])
        entry["grows"] = bool(item.decay_rate[mode] < 0)
        modes.append(entry)
    return {
        "samples": int(item.times.shape[0]),
        "count": int(item.count),
        "modes": modes,
        "noise": _finite(item.noise),
        "whiteness": _finite(item.whiteness),
        "condition": _finite(item.condition),
        "accepted": bool(item.accepted),
        "advice": item.advice,
        "offset": _numbers(item.offset),
        "trend": _numbers(item.trend),
        "evidence": None if item.evidence is None else _evidence(item),
        "start": item.start,
    }


def write_modes(
    out: OutputFolder, name: str, item: Modes, *, title: str = "", extra: Mapping[str, Any] | None = None
) -> list[str]:
    """Write the files of one item.

    Args:
        out: Where to.
        name: Stem of the files.
        item: One item of `Modes.items`.
        title: Line above the figure.
        extra: What else the JSON file shall say.

    Returns:
        Names of the files.
    """
    record = describe(item)
    atomic_text(out.path(f"{name}.json"), json_text({"item": name, **(extra or {}), **record}))
    atomic_text(out.path(f"{name}.csv"), modes_csv([{"item": name, **record}]))
    known = {
        "times": item.times,
        "signal": item.waveform + item.residual,
        "fit": item.waveform,
        "residual": item.residual,
    }
    if item.white_waveform is not None:
        known |= {"white_fit": item.white_waveform, "white_residual": item.white_residual}
    write_arrays(out.path(f"{name}.npz"), known)
    save_picture(out.path(f"{name}.png"), draw_modes(item, title=title or name))
    return [f"{name}.{suffix}" for suffix in ("json", "csv", "npz", "png")]


def modes_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """One line per mode, and per channel where channels share their modes; units in the header.

    Args:
        records: As from `describe`, with the name of the item.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = []
    for name, unit in UNITS.items():
        columns += [f"{name}{part}{f' [{unit}]' if unit else ''}" for part in ("", " error", " low", " high")]
    timed = any("start" in mode for record in records for mode in record["modes"])
    writer.writerow(["item", "mode", "channel", *["start [s]"] * timed, *columns, "accepted"])
    for record in records:
        for number, mode in enumerate(record["modes"]):
            channels = len(mode["amplitude"]) if isinstance(mode["amplitude"], list) else 1
            for channel in range(channels):
                row: list[Any] = [record["item"], number, channel]
                row += [f"{mode['start']:.16g}" if "start" in mode else ""] * timed
                for name in UNITS:
                    entry = mode[name][channel] if isinstance(mode[name], list) else mode[name]
                    row += [_cell(entry[key]) for key in ("value", "error", "low", "high")]
                writer.writerow([*row, int(mode.get("accepted", record["accepted"]))])
    return stream.getvalue()


def as_array(value: Any) -> Any:
    """A tensor as an array; None stays."""
    return None if value is None else np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _z() -> float:
    return 1.6448536269514722  # of a 90 % interval


def _four(values: Sequence[Any]) -> dict[str, float | None]:
    return dict(zip(("value", "error", "low", "high"), map(_finite, values), strict=True))


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _numbers(value: Any) -> Any:
    if value is None:
        return None
    if np.iscomplexobj(value):
        return {"real": _numbers(value.real), "imaginary": _numbers(value.imag)}
    return _finite(value) if np.ndim(value) == 0 else [_finite(each) for each in value]


def _evidence(item: Modes) -> dict[str, float | None]:
    return {str(order): _finite(each) for order, each in zip(item.orders, item.evidence, strict=True)}


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
