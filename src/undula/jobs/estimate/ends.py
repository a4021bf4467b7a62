"""Ends of confidence intervals, from the bound or from quantiles of the likelihood."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from undula.jobs.estimate.result import Modes

FIRST, STEP = -4.0, 0.1  # scores of the quantiles that are kept


def ends_of(modes: Modes, level: float) -> dict[str, tuple[Any, Any]]:
    """Lower and upper ends by name.

    Args:
        modes: The estimates.
        level: Share of such intervals that hold the truth.
    """
    z = math.sqrt(2) * float(torch.erfinv(torch.tensor(level, dtype=torch.float64)))
    names = ("amplitude", "frequency", "decay_rate", "phase")
    ends = {
        name: (getattr(modes, name) - z * modes.bound[name], getattr(modes, name) + z * modes.bound[name])
        for name in names
    }
    for name, table in (modes.quantiles or {}).items():
        ends[name] = _quantile(table, -z), _quantile(table, z)
    slow, fast = ends["decay_rate"]
    where = np.where if isinstance(slow, np.ndarray) else torch.where
    crossing = (slow <= 0) & (fast >= 0)
    ends["decay_time"] = (
        1 / fast,
        where(crossing, abs(fast) * 0 + math.inf, 1 / where(crossing, 1 + 0 * slow, slow)),
    )
    return ends


def _quantile(table: Any, score: float) -> Any:
    """The quantile of a score, straight between those kept."""
    place = min(max((score - FIRST) / STEP, 0.0), table.shape[-1] - 1.000001)
    left = int(place)
    return table[..., left] + (place - left) * (table[..., left + 1] - table[..., left])
