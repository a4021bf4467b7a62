"""What the shared loop asks of a method: the state of a batch of trials, its step, and the image it stands for."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Int
from torch import Tensor

from undula.jobs.recover.problem import Problem


@dataclass(frozen=True)
class Probe:
    """How a look polishes: greatest number of steps, and whether it goes on when the residual stops falling."""

    steps: int = 400
    patient: bool = False


@runtime_checkable
class Method(Protocol):
    """What makes an iteration: the state of a batch of trials, its step, and the image it stands for."""

    @property
    def block(self) -> int:
        """Iterations between two looks at the residual."""

    @property
    def probe(self) -> Probe | None:
        """How a look polishes a copy of the estimate by accelerated error reduction; None for methods that may not."""

    @property
    def step_transforms(self) -> int:
        """Transforms of one item in one iteration."""

    @property
    def estimate_transforms(self) -> int:
        """Transforms of one item in `estimate`."""

    @property
    def alone(self) -> int:
        """Starts that a trial makes one after the other, before it makes several at once."""

    @property
    def volley(self) -> int:
        """Starts that a trial makes at once thereafter; 1 for never more than one."""

    def length(self, start: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Iterations of start number 0, 1, …; a multiple of `block`."""

    def block_transforms(self, problem: Problem) -> int:
        """Transforms of one item in a block beyond those of its steps."""

    def begin(self, problem: Problem, seeds: Tensor, start: Tensor, image: Tensor | None) -> dict[str, Tensor]:
        """State of new trials, from an image or at random."""

    def begin_transforms(self, problem: Problem) -> int:
        """Transforms of one item in a random `begin`."""

    def first_blur(self, problem: Problem) -> Tensor | None:
        """Zeros (n, dims) where a blur of the intensities will be fitted, or None."""

    def view(self, problem: Problem, state: dict[str, Tensor]) -> Problem:
        """The problem as the state sees it, with the blur that was fitted."""

    def step(
        self, problem: Problem, state: dict[str, Tensor], *, mask: Tensor | None, age: Tensor, seeds: Tensor
    ) -> None:
        """One iteration, in place of the entries of `state`."""

    def estimate(self, problem: Problem, state: dict[str, Tensor], *, mask: Tensor | None) -> Tensor:
        """Images within the object's constraints."""
