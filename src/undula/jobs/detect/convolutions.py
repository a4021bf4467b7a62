"""A convolutional network on crops: mirrored, shifted and corrupted while it learns."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from undula.data.corruptions import Corruptions
from undula.data.draws import uniform
from undula.fit import Plan, train
from undula.fit.plan import Precision
from undula.jobs.detect.learning import Learned, deal_out, mean_logits
from undula.jobs.detect.order import Order
from undula.nets import PacketCNN

_BATCH = 128
_LEAST = 200  # steps: a few pictures are seen more often
_SHIFT = 4  # pixels, a packet of level 2


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a convolutional network is trained.

    Attributes:
        epochs: How often every picture is seen, at least 200 batches.
        rate: Highest learning rate.
        weight_decay: Decay of the weights.
        smoothing: Probability that is wanted of all classes together instead of the true one.
        share: Share of the pictures that are corrupted; 0 for none.
    """

    epochs: int | float = 20
    rate: float = 4e-3
    weight_decay: float = 0.05
    smoothing: float = 0.02
    share: float = 0.6


def learn_crops(
    crops: UInt8[Tensor, "n crops 3 side side"],
    labels: Int[Tensor, " n"],
    *,
    network: Callable[[int], PacketCNN],
    training: Training,
    seed: int,
    callback: Callable[[int], object] | None = None,
) -> Learned:
    """Train one network, and hold some pictures out.

    Args:
        crops: Crops of pictures.
        labels: Their classes.
        network: Maps a number of classes to a new network.
        training: How.
        seed: Seed of the first weights and of all else.
        callback: Called with the number of networks that are ready: one.

    Returns:
        The network, and what it says of a twentieth of the pictures, or of a third where these are few.
    """
    held = deal_out(labels, max(3, min(20, len(labels) // 50)), seed) == 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = network(int(labels.max()) + 1)
    fit_crops(made, crops[~held], labels[~held], training=training, seed=seed)
    logits = mean_logits([made], _floats(mirrored(crops[held])))
    if callback is not None:
        callback(1)
    return Learned([made], logits, labels[held])


def fit_crops(
    network: PacketCNN,
    crops: UInt8[Tensor, "n crops 3 side side"],
    labels: Int[Tensor, " n"],
    *,
    training: Training,
    seed: int,
    progress: Callable[[int, nn.Module], object] | None = None,
) -> PacketCNN:
    """Train a network.

    Args:
        network: The network.
        crops: Crops of pictures, of which every step takes one by chance.
        labels: Classes of the pictures.
        training: How.
        seed: Seed of the order and of what happens to the crops.
        progress: Called with the steps done and the network, in training, after every step.

    Returns:
        The network with averaged weights, ready to be used.
    """
    batch = min(_BATCH, max(16, len(crops) // 16))
    steps = max(_LEAST, int(training.epochs * len(crops) / batch))
    plan = Plan(
        steps=steps, batch=batch, rate=training.rate, warmup=steps // 20, weight_decay=training.weight_decay, ema=0.995,
        precision=_precision(), check_every=500, validate_every=steps, save_every=steps, seed=seed,
    )  # fmt: skip
    order, corrupt = Order(len(crops), seed=seed), Corruptions(share=training.share, seed=seed)

    def examples(numbers: Tensor) -> tuple[Tensor, Tensor]:
        places = order(numbers)
        drawn = uniform(numbers, torch.full_like(numbers, seed), (4,), dtype=torch.float32)
        some = crops[places, (drawn[:, 0] * crops.shape[1]).long()]
        some = torch.where((drawn[:, 1] < 0.5)[:, None, None, None], some.flip(-1), some)
        return _floats(corrupt(_shifted(some, drawn[:, 2:]), numbers)), labels[places]

    def objective(module: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
        return functional.cross_entropy(module(examples[0]), examples[1], label_smoothing=training.smoothing)

    train(
        network, examples, objective, plan=plan,
        callback=None if progress is None else lambda step, _: progress(step, network),
    )  # fmt: skip
    return network.eval()


def mirrored(crops: Tensor) -> Tensor:
    """Crops of every picture, and each of them from left to right.

    Args:
        crops: Crops (n, crops, 3, h, w).
    """
    return torch.cat([crops, crops.flip(-1)], dim=1)


def _shifted(crops: UInt8[Tensor, "n 3 h w"], drawn: Float[Tensor, "n 2"]) -> UInt8[Tensor, "n 3 h w"]:
    """By four pixels or not, up or down and to a side, what is missing mirrored."""
    steps = (drawn * 3).long() * _SHIFT - _SHIFT
    rows, columns = (
        _reflected(torch.arange(side) + step[:, None], side)
        for side, step in zip(crops.shape[-2:], steps.T, strict=True)
    )
    count, channels = crops.shape[:2]
    first, second = torch.arange(count)[:, None, None, None], torch.arange(channels)[None, :, None, None]
    return crops[first, second, rows[:, None, :, None], columns[:, None, None, :]]


def _reflected(places: Tensor, side: int) -> Int[Tensor, "n side"]:
    inside = places.abs()
    return torch.where(inside < side, inside, 2 * (side - 1) - inside)


def _floats(crops: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    return crops.float() / 255


def _precision() -> Precision:
    """Half precision where the processor has it: a step takes 0.84 ms instead of 1.1 for each crop of 32 × 32."""
    return "bfloat16" if getattr(torch.cpu, "_is_avx512_bf16_supported", bool)() else "float32"
