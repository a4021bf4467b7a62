"""How sure a classifier may be: temperature, thresholds for a wanted rate of false alarms, calibration error."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

_HOTTEST = 20.0


def temperature(logits: Float[Tensor, "n k"], labels: Int[Tensor, " n"]) -> float:
    """The T for which softmax(logits / T) has the smallest cross-entropy.

    A class of n pictures is wanted with probability (n + 1) / (n + k), not 1 (Platt): where no picture is taken for another's,
    the few that were seen do not make all others certain.

    Args:
        logits: Of pictures that the classifier did not learn from.
        labels: Their classes.

    Returns:
        T in 0.05 … 20; above 1 for a classifier that is too sure of itself.

    Reference: Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks, 2017; Platt, Probabilistic outputs for
    support vector machines, 1999.

    Example:
        >>> logits = torch.tensor([[0.0, 8.0]] * 4000)
        >>> round(temperature(logits, torch.tensor([1, 1, 1, 0] * 1000)), 2)  # three of four: 8 / T = ln 3
        7.28
    """
    wide = logits.double()
    classes = wide.shape[1]
    counts = torch.bincount(labels, minlength=classes).double()[labels][:, None]
    wanted = (torch.nn.functional.one_hot(labels, classes) * counts + 1) / (counts + classes)
    right = (wanted * wide).sum(dim=1).mean()
    low, high = 1 / _HOTTEST, _HOTTEST  # of 1 / T, in which the cross-entropy is convex
    for _ in range(40):
        middle = math.sqrt(low * high)
        slope = ((wide * middle).softmax(dim=1) * wide).sum(dim=1).mean() - right
        low, high = (low, middle) if slope > 0 else (middle, high)
    return 1 / middle


def thresholds(scores: Float[Tensor, " n"], generated: Int[Tensor, " n"], *, rate: float) -> tuple[float, float]:
    """Scores below which a picture is called real, and above which it is called generated.

    Of real pictures a share of at most `rate` lies above the upper one, of generated ones below the lower one; what lies
    between them is unsure.

    Args:
        scores: Log-odds of being generated, of pictures that the classifier did not learn from.
        generated: 1 for generated pictures, 0 for real ones.
        rate: Wanted rate of false alarms, and of misses.

    Returns:
        The lower and the upper threshold.

    Example:
        >>> thresholds(torch.tensor([-2.0, -1, 1, 0, 2, 3]), torch.tensor([0, 0, 0, 1, 1, 1]), rate=0.01)
        (0.0, 1.0)
    """
    real, made = scores[generated == 0].sort().values, scores[generated == 1].sort().values
    above = float(real[len(real) - 1 - int(rate * len(real))]) if len(real) else 0.0
    below = float(made[int(rate * len(made))]) if len(made) else 0.0
    return min(above, below), max(above, below)


def calibration_error(probabilities: Float[Tensor, "n k"], labels: Int[Tensor, " n"], *, bins: int = 10) -> float:
    """Expected calibration error: |share of right answers - mean confidence| over bins of confidence, weighted.

    Args:
        probabilities: Probabilities of the classes.
        labels: The true classes.
        bins: Bins of equal width in 0 … 1.

    Returns:
        0 for a classifier that is right as often as it says.

    Reference: Naeini, Cooper, Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, 2015.

    Example:
        >>> round(calibration_error(torch.tensor([[0.25, 0.75]] * 4), torch.tensor([1, 1, 1, 0])), 6)
        0.0
    """
    sure, chosen = probabilities.double().max(dim=1)
    right = (chosen == labels).double()
    place = (sure * bins).ceil().long().clamp(1, bins) - 1
    return float(torch.bincount(place, right - sure, minlength=bins).abs().sum() / len(labels))


def ranking(scores: Float[Tensor, " n"], generated: Int[Tensor, " n"]) -> float:
    """Area under the ROC curve: how often a generated picture scores higher than a real one, ties a half.

    Args:
        scores: Log-odds of being generated.
        generated: 1 for generated pictures, 0 for real ones.
    """
    real, made = scores[generated == 0].sort().values, scores[generated == 1]
    below = torch.searchsorted(real, made, right=False) + torch.searchsorted(real, made, right=True)
    return float(below.double().mean() / (2 * len(real)))
