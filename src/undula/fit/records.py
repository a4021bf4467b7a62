"""What a training tells: a look now and then, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """One look at a training.

    Attributes:
        step: Steps done.
        loss: Mean loss of the steps since the last look.
        parts: Means of what the loss named besides.
        rate: Learning rate of the last of these steps.
        gradient_norm: Mean norm of the gradient before clipping; None where float16 overflowed in every step.
        seconds: Time spent so far, earlier runs included.
        examples_per_second: Examples of all processes per second since the last look.
        validation: Value of a validation at this step, smaller is better; None without one.
        validation_parts: What the validation named besides.
    """

    step: int
    loss: float
    parts: Mapping[str, float | None]
    rate: float
    gradient_norm: float | None
    seconds: float
    examples_per_second: float
    validation: float | None = None
    validation_parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """What a callback is told after every step.

    Attributes:
        step: Steps done.
        steps: Steps of the plan.
        loss: Mean loss at the last look; None before the first one.
        rate: Learning rate of this step.
        examples_per_second: Examples of all processes per second since training was begun or taken up again.
        seconds_left: What the rest will take at that pace.
        check: The look at this step; None where there was none.
    """

    step: int
    steps: int
    loss: float | None
    rate: float
    examples_per_second: float
    seconds_left: float
    check: Check | None
