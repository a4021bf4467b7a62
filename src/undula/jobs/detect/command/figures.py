"""Curves and mosaics of detect: ROC, reliability, packets by frequency."""

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from undula.jobs.detect.card import HeldOut
from undula.jobs.detect.judging import log_odds
from undula.show import Axis, Lines, draw_panels

_POINTS = 400


def roc_points(scores: Float[Tensor, " n"], generated: Int[Tensor, " n"]) -> NDArray[np.float64]:
    """The ROC curve: share of real pictures called generated against that of generated ones, at every threshold.

    Args:
        scores: Log-odds of being generated.
        generated: 1 for generated pictures, 0 for real ones.

    Returns:
        Points (k, 2) from (0, 0) to (1, 1), both columns rising.

    Example:
        >>> roc_points(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0, 0, 1])).tolist()
        [[0.0, 0.0], [0.0, 1.0], [0.5, 1.0], [1.0, 1.0]]
    """
    values, order = scores.sort(descending=True)
    labels = generated[order].double()
    ends = torch.cat([values[1:] != values[:-1], torch.ones(1, dtype=torch.bool)])  # ties move together
    found = torch.stack([(1 - labels).cumsum(0) / (1 - labels).sum(), labels.cumsum(0) / labels.sum()], dim=1)[ends]
    points = torch.cat([found.new_zeros(1, 2), found]).numpy()
    if len(points) <= 2 * _POINTS:
        return np.asarray(points)
    return np.asarray(points[np.linspace(0, len(points) - 1, _POINTS).round().astype(int)])


def reliability_points(
    probabilities: Float[Tensor, " n"], generated: Int[Tensor, " n"], *, bins: int = 10
) -> NDArray[np.float64]:
    """How often pictures are generated for which the detector says so with some probability.

    Args:
        probabilities: Of being generated.
        generated: 1 for generated pictures, 0 for real ones.
        bins: Bins of equal width.

    Returns:
        Mean probability and share of generated pictures (k, 2) of every bin that holds a picture.

    Example:
        >>> reliability_points(torch.tensor([0.25, 0.25]), torch.tensor([1, 0])).tolist()
        [[0.25, 0.5]]
    """
    wide = probabilities.double()
    place = (wide * bins).long().clamp(0, bins - 1)
    count = torch.bincount(place, minlength=bins).double()
    sums = torch.stack([torch.bincount(place, one, minlength=bins) for one in (wide, generated.double())], dim=1)
    return np.asarray((sums[count > 0] / count[count > 0, None]).numpy())


def draw_curves(held_out: HeldOut) -> Image.Image:
    """ROC and reliability of pictures that were held out.

    Args:
        held_out: What the detector says of them.
    """
    generated = (held_out.labels > 0).long()
    scores = log_odds(held_out.logits)
    chance = np.array([[0.0, 0.0], [1.0, 1.0]])
    chances = reliability_points(torch.sigmoid(scores.double()), generated)
    roc = Lines(
        {"detector": roc_points(scores, generated), "chance": chance}, Axis(0, 1, "real pictures called generated"),
        Axis(0, 1, "generated pictures found"), "ROC", height=520,
    )  # fmt: skip
    reliability = Lines(
        {"detector": chances, "as it should be": chance}, Axis(0, 1, "probability as said"),
        Axis(0, 1, "share that is generated"), "Reliability", height=520,
    )  # fmt: skip
    return draw_panels([[roc, reliability]], title="Pictures that it did not learn from")
