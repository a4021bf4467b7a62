"""How soon packets are learned, and how soon pixels: the same linear classifier on both, with as many weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from undula.errors import DataError
from undula.fit import Plan, train
from undula.jobs.detect.features import Features
from undula.jobs.detect.order import Order
from undula.nets import Perceptron

LEAST = 30
"""Pictures of a class below which a curve says nothing: ten are looked at."""

_EVERY, _STEPS, _BATCH = 10, 150, 64
_RATE = 1e-3  # of Adam, as in the paper; it stays


@dataclass(frozen=True)
class Convergence:
    """Balanced accuracies on pictures that were not learned.

    Attributes:
        steps: Steps of training after which was looked.
        packets: A row for every seed.
        pixels: The same of pixels.
        weights: Of each classifier.
    """

    steps: list[int]
    packets: Float[Tensor, "seeds looks"]
    pixels: Float[Tensor, "seeds looks"]
    weights: int


def convergence(
    classes: Sequence[Float[Tensor, "_ 3 h w"]], *, level: int = 3, wavelet: str = "haar", seeds: int = 3
) -> Convergence:
    """Learn linear classifiers step by step.

    Args:
        classes: Pictures of both classes in [0, 1], of one size; a third of each is looked at, the others are learned.
        level: Level of the packets.
        wavelet: Their wavelet.
        seeds: How often, with another order and other first weights.

    Returns:
        The accuracies.

    Raises:
        DataError: Fewer than 30 pictures of a class.

    Reference: Wolter, Blanke, Heese, Garcke, Wavelet-packets for deepfake image analysis and detection, 2022.

    Example:
        >>> some = torch.rand(2, 30, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> found = convergence([some[0], some[1] ** 2], level=2, seeds=1)
        >>> found.packets.shape, found.weights
        (torch.Size([1, 15]), 1538)
    """
    fewest = min(map(len, classes))
    if fewest < LEAST:
        raise DataError(f"got {fewest} pictures of a class, expected at least {LEAST} to learn from: add some")
    learned = [torch.arange(len(one)) % 3 != 0 for one in classes]
    curves = {}
    weights = 0
    for kind in ("packets", "pixels"):
        features = Features(kind=kind, level=level, wavelet=wavelet, mode="periodization")
        rows = [features.rows(one) for one in classes]
        weights = 2 * (rows[0].shape[1] + 1)
        taught, asked = (
            _stacked([one[chosen == part] for one, chosen in zip(rows, learned, strict=True)]) for part in (True, False)
        )
        curves[kind] = torch.tensor([_curve(taught, asked, seed) for seed in range(seeds)])
    return Convergence(list(range(_EVERY, _STEPS + 1, _EVERY)), curves["packets"], curves["pixels"], weights)


def _stacked(rows: Sequence[Tensor]) -> tuple[Tensor, Int[Tensor, " n"]]:
    return torch.cat(list(rows)), torch.cat([torch.full((len(one),), place) for place, one in enumerate(rows)])


def _curve(taught: tuple[Tensor, Tensor], asked: tuple[Tensor, Tensor], seed: int) -> list[float]:
    rows, labels = taught
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Perceptron(rows.shape[1], 2).standardize(rows)
    rows, others, order = made.standard(rows), made.standard(asked[0]), Order(len(rows), seed=seed)
    found: list[float] = []

    def look(step: int, _: object) -> None:
        if step % _EVERY == 0:
            with torch.no_grad():
                right = (made.layers(others).argmax(dim=1) == asked[1]).float()
            found.append(float(torch.stack([right[asked[1] == place].mean() for place in (0, 1)]).mean()))

    train(
        made.layers, lambda numbers: (rows[order(numbers)], labels[order(numbers)]),
        lambda network, batch: functional.cross_entropy(network(batch[0]), batch[1]),
        plan=Plan(steps=_STEPS, batch=_BATCH, rate=_RATE, final_rate=1.0, optimizer="adam", seed=seed), callback=look,
    )  # fmt: skip
    return found
