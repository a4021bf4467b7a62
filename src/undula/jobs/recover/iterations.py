"""The projection methods as the shared loop sees them: one array as state, one rule as step."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from undula.jobs.recover.method import Probe
from undula.jobs.recover.problem import Problem
from undula.jobs.recover.projections import impose_moduli, impose_object
from undula.jobs.recover.rules import RULES, ProjectionMethod
from undula.jobs.recover.starts import random_phases

DEFAULT_PROBE = Probe()


@dataclass(frozen=True)
class Projections:
    """RRR, RAAR, HIO or ER in the shared loop.

    Attributes:
        name: Which rule.
        block: Iterations between two looks.
        probe: How a look polishes a copy of the estimate; None for the bare iteration.
        first_length: Iterations of the first two starts.
        growth: Factor by which every second start is longer than the last.
        alone: Starts made one after the other before several are made at once.
        volley: Starts made at once thereafter.
        pull: Factor on an unmeasured zero frequency in every iteration.
    """

    name: ProjectionMethod
    block: int = 50
    probe: Probe | None = DEFAULT_PROBE
    first_length: int = 150
    growth: float = 1.3
    pull: float = 1.0
    step_transforms: int = 2
    alone: int = 1
    volley: int = 6

    @property
    def estimate_transforms(self) -> int:
        """None where the estimate is P_S x, two where it is P_S P_M x."""
        return 2 if RULES[self.name][2] else 0

    def first_blur(self, problem: Problem) -> Tensor | None:
        """No blur is fitted."""
        return None

    def view(self, problem: Problem, state: dict[str, Tensor]) -> Problem:
        """The problem itself."""
        return problem

    def length(self, start: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Iterations of start number 0, 1, …, a multiple of the block."""
        blocks = self.first_length / self.block * self.growth ** torch.div(start, 2, rounding_mode="floor")
        return blocks.round().long() * self.block

    def block_transforms(self, problem: Problem) -> int:
        """None."""
        return 0

    def begin(self, problem: Problem, seeds: Tensor, start: Tensor, image: Tensor | None) -> dict[str, Tensor]:
        """The image given, or random phases."""
        return {"x": random_phases(problem, seeds, start) if image is None else image.clone()}

    def begin_transforms(self, problem: Problem) -> int:
        """Two for the random phases of real items, one for complex ones."""
        return 2 if problem.real else 1

    def step(
        self, problem: Problem, state: dict[str, Tensor], *, mask: Tensor | None, age: Tensor, seeds: Tensor
    ) -> None:
        """One application of the rule."""
        rule, beta, _ = RULES[self.name]
        state["x"] = rule(
            state["x"],
            lambda x: impose_object(problem, x, mask),
            lambda x: impose_moduli(problem, x, pull=self.pull),
            beta,
        )

    def estimate(self, problem: Problem, state: dict[str, Tensor], *, mask: Tensor | None) -> Tensor:
        """P_S x, or P_S P_M x for the rules whose iterate is not an image."""
        x = impose_moduli(problem, state["x"]) if RULES[self.name][2] else state["x"]
        return impose_object(problem, x, mask)
