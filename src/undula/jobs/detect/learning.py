"""Members of a detector: each learns from all folds but one, and its fold says how far it can be trusted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from undula.jobs.detect.linear import fit_logistic
from undula.jobs.detect.perceptrons import Schooling, fit_perceptron


@dataclass(frozen=True)
class Learned:
    """Classifiers, and what they say of pictures that they did not learn from.

    Attributes:
        members: The classifiers; their logits are averaged.
        logits: For examples that were held out, of the one member that did not learn from them (n, classes).
        labels: The classes of these examples.
    """

    members: list[nn.Module]
    logits: Float[Tensor, "n k"]
    labels: Int[Tensor, " n"]


def learn(
    rows: Float[Tensor, "n d"],
    labels: Int[Tensor, " n"],
    *,
    model: str,
    folds: int,
    penalty: float,
    schooling: Schooling,
    seed: int,
    copies: Float[Tensor, "n copies d"] | None = None,
    views: Sequence[slice] = (slice(None),),
    callback: Callable[[int], object] | None = None,
) -> Learned:
    """Train one classifier per fold, and view, on the other folds.

    Args:
        rows: Features.
        labels: Classes; in every fold each class has its share.
        model: "logistic" or "mlp".
        folds: Number of folds, and of classifiers.
        penalty: Of the logistic regression.
        schooling: Of the perceptrons.
        seed: Seed of the folds and of the perceptrons.
        copies: Features of degraded copies, which are learned too, in the fold of their picture; NaN for none.
        views: Columns that a classifier sees; each has one of its own.
        callback: Called with the number of folds that are ready.

    Returns:
        The classifiers, all of which take all columns.
    """
    classes = int(labels.max()) + 1
    place = deal_out(labels, folds, seed)
    members: list[nn.Module] = []
    logits = rows.new_zeros(len(rows), classes)
    for fold in range(folds):
        some, given = rows[place != fold], labels[place != fold]
        if copies is not None:
            some, given = _with_copies(some, given, copies[place != fold])
        for view in views:
            if model == "logistic":
                made = fit_logistic(some[:, view], given, classes=classes, penalty=penalty)
            else:
                made = fit_perceptron(
                    some[:, view], given, classes=classes, schooling=schooling, seed=seed * folds + fold
                )
            made = made.widened(rows.shape[1], start=view.start or 0)
            with torch.no_grad():
                logits[place == fold] += made(rows[place == fold]) / len(views)
            members.append(made)
        if callback is not None:
            callback(fold + 1)
    return Learned(members, logits, labels)


@torch.no_grad()
def mean_logits(members: Sequence[nn.Module], rows: Float[Tensor, "n *d"]) -> Float[Tensor, "n k"]:
    """The mean of what classifiers say.

    Args:
        members: The classifiers.
        rows: Features.
    """
    # Crops in pieces of a quarter of a million numbers: the maps of a network stay in the processor's cache.
    some = [rows] if rows.ndim == 2 else torch.split(rows, max(1, 2**18 // rows[0].numel()))
    return torch.stack([torch.cat([member(one) for one in some]) for member in members]).mean(dim=0)


def _with_copies(rows: Tensor, labels: Tensor, copies: Tensor) -> tuple[Tensor, Tensor]:
    more, theirs = copies.flatten(0, 1), labels.repeat_interleave(copies.shape[1])
    good = ~more.isnan().any(dim=1)
    return torch.cat([rows, more[good]]), torch.cat([labels, theirs[good]])


def deal_out(labels: Int[Tensor, " n"], folds: int, seed: int) -> Int[Tensor, " n"]:
    """A fold for every example; classes are dealt out one after the other.

    Args:
        labels: Classes.
        folds: Number of folds.
        seed: Another seed deals otherwise.
    """
    generator = torch.Generator().manual_seed(seed)
    place = torch.empty(len(labels), dtype=torch.long)
    for label in range(int(labels.max()) + 1):
        own = (labels == label).nonzero()[:, 0]
        place[own[torch.randperm(len(own), generator=generator)]] = torch.arange(len(own)) % folds
    return place
