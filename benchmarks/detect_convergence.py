"""Packets against pixels while they are learned: python benchmarks/detect_convergence.py [run] [tables].

The seed's figure: the same small network, with as many weights, on packets and on blocks of pixels; and a linear classifier on
each. Trained on the 10,000 + 10,000 pictures of CIFAKE as they are, tested on 500 + 500 after every 25 steps of 128 pictures.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from measuring import ROOT, record, results, rewrite, table
from torch import Tensor, nn

from undula.data import cifake
from undula.fit import Plan, train
from undula.jobs.detect.convolutions import Training, fit_crops
from undula.jobs.detect.degradations import as_bytes
from undula.jobs.detect.features import Features
from undula.jobs.detect.order import Order
from undula.nets import PacketCNN, Perceptron

SEEDS, BATCH, STEPS, EVERY, TESTED = 5, 128, 200, 25, 500
WIDTHS = (8, 16, 8)
INPUTS = ("packets", "pixels")


def pictures(split: str, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Bytes (n, 3, 32, 32) and labels of both sides."""
    sides = [cifake(split, side, 0, count)[0] for side in ("real", "generated")]  # type: ignore[arg-type,call-overload]
    labels = torch.cat([torch.full((len(one),), place) for place, one in enumerate(sides)])
    return as_bytes(torch.cat(sides)), labels


def convolved(inputs: str, seed: int, data: tuple[Tensor, Tensor], tests: tuple[Tensor, Tensor]) -> list[float]:
    """Accuracies of a small network on the way."""
    torch.manual_seed(seed)
    network = PacketCNN(2, inputs=inputs, widths=WIDTHS, dropout=0.0)  # type: ignore[arg-type]
    found: list[float] = []
    look = _looking(tests[1], found, lambda module: module(tests[0].float() / 255))
    epochs = STEPS * BATCH / len(data[0])
    training = Training(epochs=epochs, share=0.0, smoothing=0.0)
    fit_crops(network, data[0][:, None], data[1], training=training, seed=seed, progress=look)
    return found


def linear(inputs: str, seed: int, data: tuple[Tensor, Tensor], tests: tuple[Tensor, Tensor]) -> list[float]:
    """Accuracies of a linear classifier on the way; the rate stays, as in the paper."""
    features = Features(kind=inputs)  # type: ignore[arg-type]
    rows, others = (features.rows(some.float() / 255) for some in (data[0], tests[0]))
    torch.manual_seed(seed)
    made = Perceptron(rows.shape[1], 2).standardize(rows)
    rows, others, order = made.standard(rows), made.standard(others), Order(len(rows), seed=seed)
    found: list[float] = []
    look = _looking(tests[1], found, lambda module: module(others))
    train(
        made.layers, lambda numbers: (rows[order(numbers)], data[1][order(numbers)]),
        lambda network, batch: nn.functional.cross_entropy(network(batch[0]), batch[1]),
        plan=Plan(steps=STEPS, batch=BATCH, rate=1e-3, final_rate=1.0, optimizer="adam", seed=seed),
        callback=lambda step, _: look(step, made.layers),
    )  # fmt: skip
    return found


def _looking(
    labels: Tensor, found: list[float], classify: Callable[[nn.Module], Tensor]
) -> Callable[[int, nn.Module], None]:
    def look(step: int, module: nn.Module) -> None:
        if step % EVERY:
            return
        module.eval()
        with torch.no_grad():
            found.append(100 * float((classify(module).argmax(1) == labels).float().mean()))
        module.train()

    return look


def run() -> None:
    """Five seeds of each."""
    data, tests = pictures("train"), pictures("test", TESTED)
    figures: dict[str, Any] = {
        "steps": list(range(EVERY, STEPS + 1, EVERY)),
        "batch": BATCH,
        "pictures tested": 2 * TESTED,
    }
    began = time.process_time()
    for name, learn in (("linear", linear), ("convolutions", convolved)):
        for inputs in INPUTS:
            figures[f"{name}, {inputs}"] = [learn(inputs, seed, data, tests) for seed in range(SEEDS)]
            print(name, inputs, figures[f"{name}, {inputs}"], round(time.process_time() - began), flush=True)
    network = PacketCNN(2, widths=WIDTHS)
    figures["weights"] = {
        "convolutions": sum(value.numel() for value in network.parameters()),
        "linear": 2 * 3 * 32 * 32 + 2,
    }
    record("detect", "convergence", figures)


def tables() -> None:
    """Write the figures that were recorded into docs/detect.md."""
    figures = results("detect")["convergence"]
    lines = []
    for name in ("linear", "convolutions"):
        weights = figures["weights"][name]
        for inputs in INPUTS:
            runs = figures[f"{name}, {inputs}"]
            cells = [f"{statistics.mean(some):.1f} ± {statistics.stdev(some):.1f}" for some in zip(*runs, strict=True)]
            lines.append([f"{name} on {inputs}, {weights:,} weights", *cells])
    header = ["accuracy, %, after steps", *map(str, figures["steps"])]
    ahead = [_ahead(figures, name) for name in ("linear", "convolutions")]
    told = (
        f"{len(figures['linear, packets'])} seeds, batches of {figures['batch']}. Packets are ahead of pixels, seed by seed, "
        f"at {ahead[0]} of the checkpoints of the linear classifier and at {ahead[1]} of those of the network."
    )
    rewrite(ROOT / "docs" / "detect.md", {"convergence": table(header, lines) + "\n\n" + told})


def _ahead(figures: dict[str, Any], name: str) -> str:
    pairs = [
        one > other
        for runs in zip(figures[f"{name}, packets"], figures[f"{name}, pixels"], strict=True)
        for one, other in zip(*runs, strict=True)
    ]
    return f"{sum(pairs)} of {len(pairs)}"


if __name__ == "__main__":
    for section in sys.argv[1:] or ("run", "tables"):
        {"run": run, "tables": tables}[section]()
