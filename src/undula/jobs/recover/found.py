"""What a search has found, and what it shows of itself while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """What a callback sees after every iteration.

    Attributes:
        done: Trials that left the pool.
        total: All trials.
        solved: Trials that reached their target.
        trials: Numbers of the trials in the pool (k,).
        estimate: Gives the images of the trials in the pool (k, space) when called.
        found: What was found so far, for all trials.
    """

    done: int
    total: int
    solved: int
    trials: Int[Tensor, " k"]
    estimate: Callable[[], Tensor]
    found: "Found"


@dataclass(frozen=True)
class Found:
    """The best of every trial, chosen by its own residual.

    Attributes:
        image: (t, space).
        residual: (t,), infinite before the first look.
        accepted: Whether the residual is below the target (t,).
        transforms: Transforms spent (t,).
        starts: Starts used (t,).
        mask: Support at the end (t, space), or None.
        blur: Blur of the intensities that was fitted (t, dims), or None.
        history: (trial, transforms, residual) of every look, one row each.
    """

    image: Shaped[Tensor, "t *space"]
    residual: Float[Tensor, " t"]
    accepted: Bool[Tensor, " t"]
    transforms: Int[Tensor, " t"]
    starts: Int[Tensor, " t"]
    mask: Tensor | None
    blur: Tensor | None = None
    history: list[Tensor] = field(default_factory=list)
