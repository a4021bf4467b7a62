"""What `train` returns."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from undula.fit.records import Check


@dataclass(frozen=True)
class Training:
    """A trained network.

    Attributes:
        network: The network that was given, in evaluation mode, with the weights of the best validation, or the last
            ones where nothing was validated; averaged, where the plan has `ema`.
        steps: Steps done.
        history: All looks at the training, those of earlier runs in the same folder included.
        best_value: Value of the best validation; None without one.
        best_step: Steps done when the network had the weights that it holds.
        stopped_early: Whether validations stopped improving before the last step.
        folder: Where the files are; None where none were asked for.
        seconds: Time spent, earlier runs included.
    """

    network: nn.Module
    steps: int
    history: tuple[Check, ...]
    best_value: float | None
    best_step: int
    stopped_early: bool
    folder: Path | None
    seconds: float
