"""The plan of a training: every number that decides its result, apart from the network, the data and the loss."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from undula.errors import OptionError

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a network is trained.

    Attributes:
        steps: Steps of the optimizer.
        batch: Examples per step and process; n processes share out n times as many.
        rate: Highest learning rate.
        warmup: Steps over which the rate rises to it in a straight line.
        final_rate: The rate that the cosine falls to, as a share of `rate` (0…1); 1 keeps it constant.
        optimizer: "adamw" takes the weight decay off the weights, "adam" adds it to the gradient.
        betas: How much the optimizer remembers of the gradient and of its square.
        weight_decay: Decay of all weights alike, biases included.
        clip: Largest norm of the gradient over all weights; 0 does not clip.
        ema: Decay of the exponential moving average of the weights, which is what `train` hands out; it rises to this
            as (1 + t) / (10 + t); 0 takes the weights as they are.
        precision: "bfloat16" and "float16" run the network under `torch.autocast`, float16 with a scaled loss.
        check_every: Steps between two looks at loss and gradient, which are not read from the device in between.
        validate_every: Steps between two validations; one more follows the last step.
        save_every: Steps between two checkpoints; one more follows the last step.
        patience: Validations without improvement after which training stops; None never stops early.
        seed: Seed of what chance decides inside the network and the loss, such as dropout.

    Raises:
        OptionError: A number has no meaning.

    Example:
        >>> Plan(steps=1000, batch=16, rate=1e-3, warmup=100, clip=1.0, ema=0.999).steps
        1000
    """

    steps: int
    batch: int
    rate: float
    warmup: int = 0
    final_rate: float = 0.0
    optimizer: Literal["adamw", "adam"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float = 0.0
    ema: float = 0.0
    precision: Precision = "float32"
    check_every: int = 50
    validate_every: int = 500
    save_every: int = 500
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "check_every", "validate_every", "save_every"):
            _expect(name, getattr(self, name), "at least 1", getattr(self, name) >= 1)
        _expect("patience", self.patience, "at least 1, or None", self.patience is None or self.patience >= 1)
        _expect("rate", self.rate, "a positive number", 0 < self.rate < math.inf)
        _expect("warmup", self.warmup, f"0 to {self.steps} steps", 0 <= self.warmup <= self.steps)
        _expect("final_rate", self.final_rate, "a share of the rate from 0 to 1", 0 <= self.final_rate <= 1)
        _expect("betas", self.betas, "two numbers in [0, 1)", len(self.betas) == 2 and _shares(*self.betas))
        _expect("weight_decay", self.weight_decay, "0 or more", 0 <= self.weight_decay < math.inf)
        _expect("clip", self.clip, "0 or more", 0 <= self.clip < math.inf)
        _expect("ema", self.ema, "a number in [0, 1)", _shares(self.ema))
        _among("precision", self.precision, ("float32", "bfloat16", "float16"))
        _among("optimizer", self.optimizer, ("adamw", "adam"))

    def validates_after(self, step: int) -> bool:
        """Whether a validation follows this step.

        Args:
            step: Steps done.
        """
        return step % self.validate_every == 0 or step == self.steps

    def saves_after(self, step: int) -> bool:
        """Whether a checkpoint follows this step.

        Args:
            step: Steps done.
        """
        return step % self.save_every == 0 or step == self.steps

    def checks_after(self, step: int) -> bool:
        """Whether loss and gradient are read after this step; always before they could spoil what is kept.

        Args:
            step: Steps done.
        """
        return step % self.check_every == 0 or self.validates_after(step) or self.saves_after(step)

    def facts(self, *, processes: int) -> dict[str, Any]:
        """What must be equal where a checkpoint is taken up again, in plain values.

        Args:
            processes: How many processes share a step.

        Returns:
            The fields that decide the weights; "batch" counts the examples of a step over all processes, so that a
            run may go on with another number of processes.
        """
        facts: dict[str, Any] = {key: value for key, value in asdict(self).items() if key not in _FREE}
        return facts | {"betas": list(self.betas), "batch": self.batch * processes}


# They decide when something is written, not what.
_FREE = ("check_every", "save_every")


def _shares(*values: float) -> bool:
    return all(0 <= value < 1 for value in values)


def _expect(name: str, value: object, expected: str, holds: bool) -> None:
    if not holds:
        raise OptionError(f"got {name}={value!r}, expected {expected}: change the plan")


def _among(name: str, value: str, words: tuple[str, ...]) -> None:
    _expect(name, value, f"one of {', '.join(words)}", value in words)
