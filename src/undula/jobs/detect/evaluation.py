"""How good a detector is on pictures whose makers are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from undula.jobs.detect.calibration import calibration_error, ranking
from undula.jobs.detect.judging import log_odds, verdict


@dataclass(frozen=True)
class Evaluation:
    """Figures of a detector.

    Attributes:
        accuracy: Mean over the classes of the share of pictures whose class has the highest probability.
        auc: How often a generated picture scores higher than a real one.
        calibration_error: Expected calibration error of the probabilities, in ten bins.
        false_alarms: Share of the real pictures called generated.
        detected: Share of the generated pictures called generated.
        unsure: Share of all pictures called unsure.
        confusion: Pictures of every class (rows) by the class of the highest probability.
        classes: Names of the classes.
        left_out: Pictures that could not be judged.
    """

    accuracy: float
    auc: float
    calibration_error: float
    false_alarms: float
    detected: float
    unsure: float
    confusion: list[list[int]]
    classes: tuple[str, ...]
    left_out: int

    @property
    def binary_accuracy(self) -> float:
        """Mean of the shares of real pictures and of generated ones, whoever made them, that are taken for what they are."""
        real, *others = self.confusion
        made = sum(map(sum, others))
        missed = sum(row[0] for row in others)
        return (real[0] / max(1, sum(real)) + (made - missed) / max(1, made)) / 2


def evaluated(
    logits: Float[Tensor, "n k"],
    labels: Int[Tensor, " n"],
    *,
    classes: Sequence[str],
    limits: tuple[float, float],
    left_out: int = 0,
) -> Evaluation:
    """Compare what a detector says with what is true.

    Args:
        logits: Calibrated logits of the classes, the first being real pictures.
        labels: The true classes; at least one picture of each.
        classes: Names of the classes.
        limits: Scores below which a picture is real, and above which it is generated.
        left_out: Pictures that could not be judged.

    Returns:
        The figures.
    """
    count = len(classes)
    confusion = torch.bincount(labels * count + logits.argmax(1), minlength=count * count).reshape(count, count)
    scores, generated = log_odds(logits), (labels > 0).long()
    words = [verdict(score, limits) for score in scores.tolist()]
    called = torch.tensor([word == "generated" for word in words])
    shares = confusion.diagonal() / confusion.sum(dim=1).clamp_min(1)
    return Evaluation(
        accuracy=float(shares[confusion.sum(dim=1) > 0].double().mean()),
        auc=ranking(scores, generated),
        calibration_error=calibration_error(logits.softmax(1), labels),
        false_alarms=float(called[generated == 0].double().mean()),
        detected=float(called[generated == 1].double().mean()),
        unsure=words.count("unsure") / len(words),
        confusion=confusion.tolist(),
        classes=tuple(classes),
        left_out=left_out,
    )
