"""Gradient descent on the misfit of the magnitudes, the experiment that this job grew from.

Joseph Van Name (2023) minimizes Σ (|F sigmoid(X)|² - |F a|²)² over X: `GradientDescent.as_published()`. What made it
reliable is in the defaults: a parametrization that does not saturate, the amplitude loss, and noise that is annealed in
cycles.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from undula.data import normal
from undula.errors import OptionError
from undula.jobs.recover.problem import Problem

Bound = Literal["squared-sine", "sine", "sigmoid"]


@dataclass(frozen=True)
class GradientDescent:
    """How the method "gradient" walks; the defaults are the best that were measured.

    Attributes:
        bound: How a free number X becomes a pixel between the bounds: the sine and its square let a pixel that touches
            a bound come back, the sigmoid's slope dies there. Without bounds the pixel is X itself.
        loss: "amplitude" ½ Σ (|F x| - A)², or "intensity" ¼ Σ (|F x|² - A²)² / Σ A⁴.
        optimizer: "adam", "momentum" (heavy ball, 0.9) or "plain" (fixed steps).
        rate: Step length.
        noise: Deviation of the normal noise added to X after every step, annealed to zero over the first 80 % of a
            cycle.
        steps: Steps of one start.
        cycles: Equal parts of a start; each begins with full noise again, unless the residual is below the tolerance.
        center: Mean of the normal numbers at which X begins.
        spread: Their deviation.
    """

    bound: Bound = "squared-sine"
    loss: Literal["amplitude", "intensity"] = "amplitude"
    optimizer: Literal["adam", "momentum", "plain"] = "adam"
    rate: float = 1.0
    noise: float = 0.5
    steps: int = 5000
    cycles: int = 5
    center: float = -1.0
    spread: float = 0.5

    def __post_init__(self) -> None:
        if self.steps < 1 or self.cycles < 1 or self.steps % self.cycles:
            raise OptionError(
                f"got steps={self.steps} in cycles={self.cycles}, expected a positive multiple: 5000 in 5, say"
            )
        if not (self.rate > 0 and self.noise >= 0):
            raise OptionError(f"got rate={self.rate} and noise={self.noise}, expected rate > 0 and noise ≥ 0")

    @classmethod
    def as_published(cls, *, optimizer: Literal["adam", "momentum", "plain"] = "plain") -> "GradientDescent":
        """The seed to the letter: sigmoid, squared moduli, no noise, one long descent from normal logits."""
        rate = {"plain": 40.0, "momentum": 40.0, "adam": 0.1}[optimizer]
        return cls("sigmoid", "intensity", optimizer, rate, noise=0.0, cycles=1, center=0.0, spread=1.0)


@dataclass(frozen=True)
class Descent:
    """`GradientDescent` in the shared loop; a look comes after every cycle."""

    options: GradientDescent
    probe: None = None
    step_transforms: int = 2
    estimate_transforms: int = 0
    alone: int = 1
    volley: int = 1

    @property
    def block(self) -> int:
        """Steps of a cycle."""
        return self.options.steps // self.options.cycles

    def length(self, start: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Every start has the same number of steps."""
        return torch.full_like(start, self.options.steps)

    def block_transforms(self, problem: Problem) -> int:
        """None."""
        return 0

    def begin(self, problem: Problem, seeds: Tensor, start: Tensor, image: Tensor | None) -> dict[str, Tensor]:
        """Normal numbers, or those that stand for the image given."""
        draw = start * 2**24
        if image is not None:
            free = _unbound(self.options.bound, image, problem)
        else:
            free = normal(seeds, draw, problem.shape, dtype=problem.moduli.dtype)
            free = free * self.options.spread + self.options.center
        if not problem.real and not free.is_complex():
            free = torch.complex(free, normal(seeds, draw + 1, problem.shape, dtype=free.dtype))
        return {"x": free, "m": torch.zeros_like(free), "v": torch.zeros_like(free.real), "draw": draw + 2}

    def begin_transforms(self, problem: Problem) -> int:
        """None."""
        return 0

    def first_blur(self, problem: Problem) -> Tensor | None:
        """No blur is fitted."""
        return None

    def view(self, problem: Problem, state: dict[str, Tensor]) -> Problem:
        """The problem itself."""
        return problem

    def step(
        self, problem: Problem, state: dict[str, Tensor], *, mask: Tensor | None, age: Tensor, seeds: Tensor
    ) -> None:
        """One step of the optimizer, then the noise of that step."""
        options, free = self.options, state["x"]
        image, slope = bounded(options.bound, free, problem)
        image = image if mask is None else image * mask
        gradient = gradient_of(options.loss, problem, image).mul_(slope)
        if mask is not None:
            gradient.mul_(mask)
        place = age.to(problem.moduli.dtype).reshape(-1, *[1] * problem.dims) % self.block
        _walk(options, state, gradient, place, place / self.block)
        deviation = options.noise * (1 - place / self.block / 0.8).clamp_min(0)
        if options.noise > 0 and not image.is_complex():
            state["draw"] += 1
            free.add_(normal(seeds, state["draw"], problem.shape, dtype=free.dtype).mul_(deviation))

    def estimate(self, problem: Problem, state: dict[str, Tensor], *, mask: Tensor | None) -> Tensor:
        """The pixels that the free numbers stand for."""
        image, _ = bounded(self.options.bound, state["x"], problem)
        return image if mask is None else image * mask


def gradient_of(loss: str, problem: Problem, image: Shaped[Tensor, "n *space"]) -> Shaped[Tensor, "n *space"]:
    """Gradient of the loss of every item in its pixels, in closed form: two transforms.

    Args:
        loss: "amplitude" or "intensity", see `GradientDescent`.
        problem: Problem of the items.
        image: Where.

    Returns:
        dL/dx; for complex items the direction of steepest ascent, 2 ∂L/∂x*.
    """
    spectrum = problem.forward(image)
    squared = spectrum.real.square() + spectrum.imag.square()
    if loss == "amplitude":
        modulus = squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt_()
        factor = 1 - problem.moduli / modulus
    else:
        power = problem.moduli.square()
        size = (problem.weights * power.square()).sum(dim=problem.axes, keepdim=True)
        factor = (squared - power) / size.clamp_min(torch.finfo(size.dtype).tiny)
    if problem.measured is not None:
        factor = factor * problem.measured
    return problem.inverse(spectrum * factor)


def loss_of(loss: str, problem: Problem, image: Shaped[Tensor, "n *space"]) -> Float[Tensor, " n"]:
    """The loss whose gradient is `gradient_of`, for every item."""
    modulus = problem.forward(image).abs()
    if loss == "amplitude":
        return problem.misfit(modulus) / 2
    power = problem.moduli.square()
    size = (problem.weights * power.square()).sum(dim=problem.axes)
    return (problem.weights * (modulus.square() - power).square()).sum(dim=problem.axes) / size / 4


def bounded(bound: Bound, free: Tensor, problem: Problem) -> tuple[Tensor, Tensor]:
    """Pixels and their slope in the free numbers."""
    low, high = problem.bounds
    if not problem.real or low is None or high is None:
        return free, torch.ones_like(free.real)
    width = high - low
    if bound == "sigmoid":
        share = torch.sigmoid(free)
        return low + width * share, width * share * (1 - share)
    half = 0.5 + 0.5 * torch.sin(free)
    if bound == "sine":
        return low + width * half, 0.5 * width * torch.cos(free)
    return low + width * half.square(), width * half * torch.cos(free)


def _unbound(bound: Bound, image: Tensor, problem: Problem) -> Tensor:
    low, high = problem.bounds
    if not problem.real or low is None or high is None:
        return image.clone()
    share = ((image - low) / (high - low)).clamp(1e-6, 1 - 1e-6)
    if bound == "sigmoid":
        return torch.logit(share)
    return torch.asin(2 * (share if bound == "sine" else share.sqrt()) - 1)


def _walk(options: GradientDescent, state: dict[str, Tensor], gradient: Tensor, place: Tensor, part: Tensor) -> None:
    """Move X; `place` counts the steps of a cycle, `part` is the share of the cycle that is over."""
    free, mean, square = state["x"], state["m"], state["v"]
    # The last fifth of a cycle walks without noise and ends with a twentieth of the rate: it reaches the floor.
    cooled = 1 - 0.95 * ((part - 0.8) / 0.2).clamp_min(0) if options.noise > 0 else torch.ones_like(part)
    if options.optimizer == "plain":
        free.sub_(gradient * options.rate)
        return
    fresh = place == 0
    mean.masked_fill_(fresh, 0)
    if options.optimizer == "momentum":
        mean.mul_(0.9).add_(gradient)
        free.sub_(mean * options.rate)
        return
    decay, decay_square = (0.8, 0.95) if options.noise > 0 else (0.9, 0.999)
    square.masked_fill_(fresh, 0)
    mean.lerp_(gradient, 1 - decay)
    square.mul_(decay_square).add_((gradient * gradient.conj()).real, alpha=1 - decay_square)
    scale = (square / (1 - decay_square ** (place + 1))).sqrt_().add_(1e-8)
    free.sub_(mean / scale * (options.rate * cooled / (1 - decay ** (place + 1))))
