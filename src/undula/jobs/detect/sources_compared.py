"""How good a detector is, source by source: generators that it never saw count too."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from undula.jobs.detect.calibration import calibration_error, ranking
from undula.jobs.detect.degradations import Degradation
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.reading import Source


@dataclass
class Verdicts:
    """What a detector says of the pictures of one source.

    Attributes:
        name: The source.
        real: Whether its pictures are real.
        scores: Log-odds of being generated.
        words: How often each verdict was given.
        nearest: How often each class of the training was the nearest.
        failed: Pictures that could not be judged → why.
    """

    name: str
    real: bool
    scores: list[float] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    nearest: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)

    def share(self, word: str) -> float:
        """Share of the pictures with a verdict.

        Args:
            word: "real", "unsure" or "generated".
        """
        return self.words[word] / max(1, len(self.scores))

    @property
    def values(self) -> Float[Tensor, " n"]:
        """The scores as a tensor."""
        return torch.tensor(self.scores, dtype=torch.float64)


@dataclass(frozen=True)
class Figures:
    """How well real pictures and generated ones, whoever made them, are told apart.

    Attributes:
        accuracy: Mean of the shares of real and of generated pictures that are taken for what they are, at p = 1/2.
        auc: How often a generated picture scores higher than a real one.
        calibration_error: Of the probability, in ten bins.
        false_alarms: Share of the real pictures called generated.
        detected: Share of the generated ones called generated.
        unsure: Share of all called unsure.
        pictures: How many were judged.
    """

    accuracy: float
    auc: float
    calibration_error: float
    false_alarms: float
    detected: float
    unsure: float
    pictures: int


def ask(
    detector: Detector,
    sources: Mapping[str, Sequence[Source]],
    *,
    ensemble: bool = False,
    change: Degradation | None = None,
    callback: Callable[[str], object] | None = None,
) -> list[Verdicts]:
    """Judge the pictures of every source.

    Args:
        detector: The detector.
        sources: Pictures by their source; those of "real" are real.
        ensemble: Whether a verdict has to outlive degradations.
        change: A degradation of every picture before all else.
        callback: Called with the name of the source for every picture.

    Returns:
        What was said of each.
    """
    found = []
    for name, pictures in sources.items():
        one = Verdicts(name, name == "real")
        for row in detector.judge(pictures, ensemble=ensemble, change=change):
            if not row.probabilities:
                one.failed[row.path] = row.note
                continue
            one.scores.append(row.logit)
            one.words[row.verdict] += 1
            one.nearest[row.nearest_source] += 1
            if callback is not None:
                callback(name)
        found.append(one)
    return found


def figures(found: Sequence[Verdicts]) -> Figures:
    """Figures of all sources together.

    Args:
        found: What was said; pictures of both kinds.

    Returns:
        The figures.
    """
    scores = torch.cat([one.values for one in found])
    generated = torch.cat([torch.full((len(one.scores),), int(not one.real)) for one in found])
    logits = torch.stack([torch.zeros_like(scores), scores], dim=1)
    right = ((scores > 0).long() == generated).double()
    sides = [one for one in found if one.real], [one for one in found if not one.real]
    called = [sum(one.words["generated"] for one in side) / sum(len(one.scores) for one in side) for side in sides]
    return Figures(
        accuracy=float((right[generated == 0].mean() + right[generated == 1].mean()) / 2),
        auc=ranking(scores, generated),
        calibration_error=calibration_error(logits.softmax(1), generated),
        false_alarms=called[0],
        detected=called[1],
        unsure=sum(one.words["unsure"] for one in found) / len(scores),
        pictures=len(scores),
    )


def auc_against(real: Verdicts, other: Verdicts) -> float:
    """How often a picture of a source scores higher than a real one.

    Args:
        real: Real pictures.
        other: Those of the source.
    """
    scores = torch.cat([real.values, other.values])
    labels = torch.cat([torch.zeros(len(real.scores)), torch.ones(len(other.scores))]).long()
    return ranking(scores, labels)
