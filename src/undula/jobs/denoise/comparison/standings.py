"""Verdicts over losses: the rule by which sharpness was first judged, and the dial at equal energy."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from undula.jobs.denoise.comparison.examination import Measures, deviation, high_energy, mean
from undula.metrics import psnr


@dataclass(frozen=True)
class Row:
    """One contestant with one seed.

    Attributes:
        name: Its name.
        loss: The loss as text.
        seed: Which of the repetitions, from 0.
        measures: What was measured.
        sharpness: Setting of the dial at which the control of this seed has the same high-frequency energy; 0 where it has
            no less of it as it is, None where the dial does not reach it.
        dial: What was measured of the control at that setting.
    """

    name: str
    loss: str
    seed: int
    measures: Measures
    sharpness: float | None
    dial: Measures | None

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Row":
        """Read what `asdict` gave.

        Args:
            facts: Plain values.
        """
        dial = None if facts["dial"] is None else _measures(facts["dial"])
        return cls(**{**facts, "measures": _measures(facts["measures"]), "dial": dial})


@dataclass(frozen=True)
class CurvePoint:
    """The dial on the control's network.

    Attributes:
        sharpness: Its setting.
        psnr: Mean peak signal-to-noise ratio in decibels.
        energy: Mean high-frequency energy over that of the truth.
    """

    sharpness: float
    psnr: float
    energy: float

    @classmethod
    def of(cls, sharpness: float, turned: Sequence[Tensor], truth: Sequence[Tensor]) -> "CurvePoint":
        """Measure pictures.

        Args:
            sharpness: The setting.
            turned: Pictures at that setting.
            truth: Their originals.
        """
        pairs = list(zip(turned, truth, strict=True))
        decibels = mean([float(psnr(one, clean, dims=3)) for one, clean in pairs])
        return cls(sharpness, decibels, mean([high_energy(one, clean) for one, clean in pairs]))

    @classmethod
    def mean(cls, several: Sequence["CurvePoint"]) -> "CurvePoint":
        """The mean of the same setting over seeds.

        Args:
            several: Points.
        """
        return cls(several[0].sharpness, mean([one.psnr for one in several]), mean([one.energy for one in several]))


@dataclass(frozen=True)
class Standing:
    """One contestant over all seeds.

    Attributes:
        name: Its name.
        loss: The loss as text.
        mean: Mean of every measure over the seeds.
        deviation: Standard deviation of every measure over the seeds; NaN of one seed.
        change: PSNR less that of the control, in decibels, the mean.
        sharper: Whether high-frequency energy and Laplacian variance are both nearer to those of the truth than the
            control's, by more than the spread of seeds (`beyond`).
        accepted: The rule of the first comparison: an error no greater than the control's, and sharper.
        sharpness: Setting of the dial at equal energy, the mean; None where none is needed or the dial does not reach it.
        dial: Measures of the dial there, the mean.
        over_dial: PSNR less that of the dial at equal energy, in decibels, the mean.
        over_deviation: Its standard deviation over the seeds; None of one seed.
        beats_dial: Whether that is more than the spread of seeds (`beyond`).
    """

    name: str
    loss: str
    mean: Measures
    deviation: Measures
    change: float
    sharper: bool
    accepted: bool
    sharpness: float | None
    dial: Measures | None
    over_dial: float | None
    over_deviation: float | None
    beats_dial: bool


def beyond(differences: Sequence[float]) -> bool:
    """Whether a difference is more than the spread of seeds: its mean exceeds its range, greatest less least.

    Of one seed nothing is beyond its spread. Where nothing but chance makes the differences, and they are normal, one of 25 is
    beyond the spread of three seeds.

    Args:
        differences: One per seed; positive ones count.

    Example:
        >>> beyond([0.10, 0.12, 0.08]), beyond([0.10, 0.30, 0.02]), beyond([0.5])
        (True, False, False)
    """
    if len(differences) < 2:
        return False
    return sum(differences) / len(differences) > max(differences) - min(differences)


def standings(rows: Sequence[Row]) -> tuple[Standing, ...]:
    """Sum up every contestant over the seeds, in pairs with the control of the same seed.

    Args:
        rows: All rows, those of the control first in every seed.

    Returns:
        The contestants in their order.
    """
    names = list(dict.fromkeys(row.name for row in rows))
    by_name = {name: [row for row in rows if row.name == name] for name in names}
    control = by_name[names[0]]
    return tuple(_standing(mine, control) for mine in by_name.values())


def _standing(mine: Sequence[Row], control: Sequence[Row]) -> Standing:
    pairs = [(row.measures, other.measures) for row, other in zip(mine, control, strict=True)]
    change = mean([one.psnr - other.psnr for one, other in pairs])
    sharper = all(beyond(_nearer(pairs, get)) for get in (lambda m: m.energy, lambda m: m.laplacian))
    summary = Measures.mean([one for one, _ in pairs])
    dials = [row.dial for row in mine if row.dial is not None]
    sharpened = mine is not control and summary.energy > Measures.mean([other for _, other in pairs]).energy
    reached = sharpened and len(dials) == len(mine)
    over = [row.measures.psnr - dial.psnr for row, dial in zip(mine, dials, strict=True)] if reached else []
    return Standing(
        name=mine[0].name,
        loss=mine[0].loss,
        mean=summary,
        deviation=Measures.deviation([one for one, _ in pairs]),
        change=change,
        sharper=sharper,
        accepted=sharper and change >= 0,
        sharpness=mean([row.sharpness for row in mine if row.sharpness is not None]) if reached else None,
        dial=Measures.mean(dials) if reached else None,
        over_dial=mean(over) if reached else None,
        over_deviation=deviation(over) if len(over) > 1 else None,
        beats_dial=beyond(over),
    )


def _nearer(pairs: Sequence[tuple[Measures, Measures]], get: Callable[[Measures], float]) -> list[float]:
    """By how much each seed is nearer to 1 than its control."""
    return [abs(1 - get(other)) - abs(1 - get(one)) for one, other in pairs]


def _measures(facts: Mapping[str, Any]) -> Measures:
    return Measures(**{name: math.nan if value is None and name != "color" else value for name, value in facts.items()})
