"""What one of two processes does; called by torchrun with a folder to fill."""

import json
import math
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch
from small import SHARED, error, pictures, plain_denoiser
from torch import Tensor, nn

from undula.errors import TrainingError
from undula.fit import train

RANK = int(os.environ.get("RANK", "0"))
HALF = replace(SHARED, batch=SHARED.batch // 2)


def share_of_error(network: nn.Module) -> tuple[float, dict[str, float]]:
    """Half of the validation."""
    numbers = torch.arange(10_000 + 8 * RANK, 10_008 + 8 * RANK)
    loss, parts = error(network, pictures(numbers))
    return loss.item(), {"absolute": parts["absolute"].item()}


def curve(place: Path) -> str:
    """Train together."""
    heard: list[int] = []
    training = train(
        plain_denoiser(),
        pictures,
        error,
        plan=HALF,
        folder=place,
        validate=share_of_error,
        callback=lambda step, _: heard.append(step),
        device="cpu",
    )
    digest = sum(float(value.double().sum()) for value in training.network.state_dict().values())
    return f"{digest!r} {training.best_value!r} {len(heard)}"


def spoiled(place: Path) -> str:
    """One example of the second process is NaN."""

    def broken(numbers: Tensor) -> dict[str, Tensor]:
        batch = pictures(numbers)
        batch["clean"][numbers == 10 * SHARED.batch + HALF.batch] = math.nan  # step 11
        return batch

    try:
        train(plain_denoiser(), broken, error, plan=replace(HALF, check_every=4), folder=place)
    except TrainingError as problem:
        return str(problem.step)
    return "trained"


def interrupted(place: Path) -> str:
    """The second process alone gets a signal, in the middle of step 11."""
    calls: list[int] = []
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def struck(network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        calls.append(1)
        if RANK == 1 and len(calls) == 11:
            signal.raise_signal(signal.SIGTERM)
        return error(network, batch)

    try:
        train(plain_denoiser(), pictures, struck, plan=replace(HALF, check_every=4), folder=place)
    except SystemExit as end:
        return f"{end.code} after {len(calls)}"
    return "trained"


if __name__ == "__main__":
    out = Path(sys.argv[1])
    told = {work.__name__: work(out / work.__name__) for work in (curve, spoiled, interrupted)}
    (out / f"told-{RANK}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()
