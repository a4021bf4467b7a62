"""What a detector is calibrated to, and what is to be known of it: the model card."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from undula.jobs.detect.calibration import temperature, thresholds
from undula.jobs.detect.evaluation import Evaluation, evaluated
from undula.jobs.detect.extraction import Extraction
from undula.jobs.detect.guard import BiasReport
from undula.jobs.detect.judging import log_odds


@dataclass(frozen=True)
class Calibration:
    """How logits become probabilities and verdicts.

    Attributes:
        temperature: What logits are divided by.
        limits: Log-odds below which a picture is real, and above which it is generated.
        figures: The calibrated classifier on the pictures that it was calibrated with, none of which it learned from.
    """

    temperature: float
    limits: tuple[float, float]
    figures: Evaluation


@dataclass(frozen=True)
class HeldOut:
    """What every member of a detector says of the pictures that it did not learn from.

    Attributes:
        logits: Calibrated logits.
        labels: The true classes.
    """

    logits: Float[Tensor, "n k"]
    labels: Int[Tensor, " n"]


def calibrate(
    logits: Float[Tensor, "n k"], labels: Int[Tensor, " n"], *, classes: tuple[str, ...], rate: float
) -> Calibration:
    """Find temperature and thresholds.

    Args:
        logits: Of pictures that the classifier did not learn from.
        labels: Their classes.
        classes: Names of the classes, "real" first.
        rate: Wanted rate of false alarms, and of misses.

    Returns:
        The calibration.
    """
    scale = temperature(logits, labels)
    limits = thresholds(log_odds(logits / scale), (labels > 0).long(), rate=rate)
    return Calibration(scale, limits, evaluated(logits / scale, labels, classes=classes, limits=limits))


def model_facts(
    found: Sequence[Extraction], kept: Sequence[Extraction], calibration: Calibration, report: BiasReport | None
) -> dict[str, Any]:
    """What is kept of a training beside the weights.

    Args:
        found: Features of every class.
        kept: Those without repeats, which were learned.
        calibration: Temperature, thresholds and figures.
        report: What the bias guard found.

    Returns:
        Plain values; "card" is for the reader.
    """
    figures = calibration.figures
    sizes = {one.size for one in kept}
    size = sizes.pop() if len(sizes) == 1 else None
    repeats = sum(len(one.rows) - len(other.rows) for one, other in zip(found, kept, strict=True))
    return {
        "classes": list(figures.classes),
        "size": list(size) if size else None,
        "temperature": calibration.temperature,
        "limits": list(calibration.limits),
        "card": {
            "pictures": {name: len(one.rows) for name, one in zip(figures.classes, kept, strict=True)},
            "repeats left out": repeats,
            "unreadable": sum(len(one.failed) for one in found),
            "held out accuracy": figures.accuracy,
            "held out auc": figures.auc,
            "held out calibration error": figures.calibration_error,
            "held out false alarms": figures.false_alarms,
            "held out detected": figures.detected,
            "held out unsure": figures.unsure,
            "confusion": figures.confusion,
            "bias": None if report is None else report.table(),
            "use": "A score is evidence, not proof: other generators, cameras and compressions were not learned.",
        },
    }
