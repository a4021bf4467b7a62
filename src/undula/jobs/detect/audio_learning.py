"""Classifiers of clips, each trained without some sentences, and what each says of these."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from undula.errors import DataError
from undula.jobs.detect.learning import Learned
from undula.jobs.detect.linear import fit_logistic


@dataclass(frozen=True)
class Clips:
    """Clips to learn from.

    Attributes:
        rows: Their features.
        labels: Their classes.
        sentences: What is said in each.
    """

    rows: Float[Tensor, "n d"]
    labels: Int[Tensor, " n"]
    sentences: Sequence[str]


def learn_sentences(
    clips: Clips, *, folds: int, penalty: float, seed: int, callback: Callable[[int], object] | None = None
) -> Learned:
    """Train one linear classifier per fold on the sentences of all other folds.

    Clips of one sentence are alike whoever made them; dealt out one by one they would let a classifier know the sentence.

    Args:
        clips: The clips.
        folds: Number of folds, at most as many as there are sentences.
        penalty: Of the logistic regression.
        seed: Seed of the folds.
        callback: Called with the number of classifiers that are ready.

    Returns:
        The classifiers, and what each says of the sentences that it did not hear.

    Raises:
        DataError: Without the sentences of a fold a class is empty.
    """
    classes = int(clips.labels.max()) + 1
    place = _folds(clips.sentences, folds, seed)
    members: list[nn.Module] = []
    logits = clips.rows.new_zeros(len(clips.rows), classes)
    for fold in range(int(place.max()) + 1):
        others = place != fold
        if len(set(clips.labels[others].tolist())) < classes:
            raise DataError(
                "got a class whose sentences are all in one fold, expected several different sentences: add some"
            )
        made = fit_logistic(clips.rows[others], clips.labels[others], classes=classes, penalty=penalty)
        with torch.no_grad():
            logits[~others] = made(clips.rows[~others])
        members.append(made)
        if callback is not None:
            callback(fold + 1)
    return Learned(members, logits, clips.labels)


def _folds(sentences: Sequence[str], folds: int, seed: int) -> Int[Tensor, " n"]:
    different = sorted(set(sentences))
    order = torch.randperm(len(different), generator=torch.Generator().manual_seed(seed)).tolist()
    fold = {different[number]: place % folds for place, number in enumerate(order)}
    return torch.tensor([fold[sentence] for sentence in sentences])
