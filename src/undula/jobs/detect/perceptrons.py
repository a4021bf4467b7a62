"""Perceptrons on features, each trained on another part of the examples, and what each says of the part it did not see."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from undula.fit import Plan, train
from undula.jobs.detect.order import Order
from undula.nets import Perceptron

_BATCH = 256
_LEAST = 300  # steps: a few pictures are seen more often


@dataclass(frozen=True, kw_only=True)
class Schooling:
    """How a perceptron is trained.

    Attributes:
        widths: Widths of the hidden layers.
        dropout: Share of hidden values left out.
        epochs: How often every example is seen, at least 300 batches.
        rate: Highest learning rate.
        weight_decay: Decay of the weights.
        blend: How far two examples and their labels are blended (mixup), the parameter of a beta distribution; 0 never.
    """

    widths: tuple[int, ...] = (256,)
    dropout: float = 0.5
    epochs: int = 20
    rate: float = 2e-3
    weight_decay: float = 0.05
    blend: float = 0.2


def fit_perceptron(
    features: Float[Tensor, "n d"], labels: Int[Tensor, " n"], *, classes: int, schooling: Schooling, seed: int
) -> Perceptron:
    """Train a perceptron.

    Args:
        features: Examples.
        labels: Their classes, 0 … classes - 1.
        classes: Number of classes.
        schooling: How.
        seed: Seed of the first weights, the order, the blends and the dropout.

    Returns:
        A classifier that standardizes by itself.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Perceptron(features.shape[1], classes, widths=schooling.widths, dropout=schooling.dropout)
    made.standardize(features)
    inputs = made.standard(features)
    batch = min(_BATCH, max(16, len(inputs) // 16))
    steps = max(_LEAST, schooling.epochs * len(inputs) // batch)
    plan = Plan(
        steps=steps, batch=batch, rate=schooling.rate, warmup=min(50, steps // 10), weight_decay=schooling.weight_decay,
        ema=0.99, check_every=500, validate_every=steps, save_every=steps, seed=seed,
    )  # fmt: skip
    order, targets = Order(len(inputs), seed=seed), functional.one_hot(labels, classes).float()
    beta = torch.distributions.Beta(schooling.blend, schooling.blend) if schooling.blend else None

    def examples(numbers: Tensor) -> tuple[Tensor, Tensor]:
        places = order(numbers)
        return inputs[places], targets[places]

    def objective(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        some, wanted = batch
        if beta is not None:
            share, other = beta.sample((len(some), 1)).to(some), torch.randperm(len(some), device=some.device)
            some, wanted = torch.lerp(some[other], some, share), torch.lerp(wanted[other], wanted, share)
        return functional.cross_entropy(network(some), wanted)

    train(made.layers, examples, objective, plan=plan)
    return made.eval()
