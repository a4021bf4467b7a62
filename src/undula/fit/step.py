"""One step: loss, gradient, clipping, optimizer, average; nothing here waits for the device."""

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from undula.errors import OptionError, ShapeError
from undula.fit.run import Run
from undula.fit.schedule import learning_rate

Objective = Callable[[nn.Module, Any], Any]

_TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def take_step(run: Run, batch: Any, objective: Objective) -> None:
    """Change a run by one step.

    Args:
        run: The run.
        batch: Examples of this process.
        objective: Maps network and batch to a loss, or to a loss and its named parts.

    Raises:
        ShapeError: The loss is not one number.
        OptionError: The loss does not depend on the weights.
    """
    plan = run.plan
    _seed_chance(run)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(plan, run.step)
    half = _TYPES.get(plan.precision)
    with torch.autocast(run.processes.device.type, dtype=half, enabled=half is not None):
        loss, parts = split(objective(run.shared, batch))
    _refuse_loss(loss, parts)
    run.optimizer.zero_grad(set_to_none=True)
    run.scaler.scale(loss).backward()
    run.scaler.unscale_(run.optimizer)
    norm = nn.utils.clip_grad_norm_(run.parameters.values(), plan.clip or math.inf)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    run.averages.update(run.step)
    run.gauges.add(loss, norm, parts)
    run.step += 1


def split(value: Any) -> tuple[Any, Mapping[str, Any]]:
    """Tell a value from its named parts.

    Args:
        value: What an objective or a validation returned: a value, or a value and a dictionary.

    Returns:
        The value and its parts.
    """
    return value if isinstance(value, tuple) else (value, {})


def _refuse_loss(loss: Any, parts: Mapping[str, Any]) -> None:
    for name, value in {"loss": loss, **{f"part {name!r} of the loss": value for name, value in parts.items()}}.items():
        if not isinstance(value, Tensor) or value.ndim:
            got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise ShapeError(
                f"got a {name} of {got}, expected a tensor with one number: return its mean over the batch"
            )
    if not loss.requires_grad:
        raise OptionError(
            "got a loss without a gradient, expected one that depends on the weights of the network: "
            "compute it with torch from what the network returns"
        )


def _seed_chance(run: Run) -> None:
    """Give every step chance of its own, so that nothing but its number must be kept."""
    text = f"{run.plan.seed}/{run.step}/{run.processes.rank}"
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    # Not `torch.manual_seed`: at every call it takes 0.7 ms to leave a note, for ever, to every GPU library not in use.
    torch.default_generator.manual_seed(seed)
    kind = run.processes.device.type
    if kind != "cpu":
        getattr(torch, kind).manual_seed(seed)
