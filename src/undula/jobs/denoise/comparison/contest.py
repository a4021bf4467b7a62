"""A contest of losses: one starting network, and for every loss and seed the same further steps with the same examples."""

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from undula.data import Pictures
from undula.data.crops import Crops
from undula.errors import OptionError, RangeError, ShapeError
from undula.fit import Plan, Progress, train
from undula.jobs.denoise.comparison.contestants import CONTROL, Contestant
from undula.jobs.denoise.examples import Examples, denoising
from undula.losses import loss_from_text
from undula.nets import UNet

Tell = Callable[[int, Progress], object]
_FROM_SCRATCH = 1e-3  # highest rate of the first steps where there are no weights to begin with


@dataclass(frozen=True, kw_only=True)
class Course:
    """How the contestants are trained.

    Attributes:
        sigma: Standard deviation of the noise in image units; None for 25/255, or for what pairs of pictures have.
        first: Steps with the squared error that all have in common.
        steps: Further steps of each contestant.
        seeds: How often the contestants are trained, each time with other crops and other noise.
        batch: Crops in a step.
        size: Side of the crops; smaller where a picture is.
        rate: Highest learning rate.
        precision: Precision of the network's arithmetic.
        seed: Seed of the first steps; the contestants have those that follow.

    Raises:
        RangeError: The noise makes no sense.
        OptionError: Another number makes no sense.
    """

    sigma: float | None = None
    first: int = 500
    steps: int = 300
    seeds: int = 3
    batch: int = 8
    size: int = 96
    rate: float = 3e-4
    precision: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sigma is not None and not 0 < self.sigma <= 1:
            raise RangeError(
                f"got the noise level {self.sigma:g}, expected a standard deviation in image units above 0 and not above 1: "
                "25/255"
            )
        for name, least in (("first", 0), ("steps", 1), ("seeds", 1), ("size", 16)):
            if getattr(self, name) < least:
                raise OptionError(f"got {name}={getattr(self, name)}, expected at least {least}")
        self.plan(1, rate=self.rate, seed=0)

    def plan(self, steps: int, *, rate: float, seed: int) -> Plan:
        """The plan of one training.

        Args:
            steps: Its steps.
            rate: Its highest learning rate.
            seed: Its seed.
        """
        return Plan(
            steps=steps, batch=self.batch, rate=rate, warmup=min(50, steps // 10), final_rate=0.001, betas=(0.9, 0.99),
            clip=1.0, ema=0.999, precision=self.precision, check_every=50, save_every=100, seed=seed,
        )  # fmt: skip


class Contest:
    """Trains every contestant from one starting network; what is trained is not trained again where there is a folder.

    Args:
        pictures: Clean pictures to learn from, or pairs.
        course: How.
        start: Network to begin with, called as network(images, sigma); None for a new `UNet`.
        folder: Where trainings are kept, one folder each; None keeps nothing.
        device: Where to train.

    Raises:
        OptionError: Pairs, and a noise level.
        ShapeError: A picture is smaller than 16 pixels.
    """

    def __init__(
        self,
        pictures: Pictures,
        course: Course,
        *,
        start: nn.Module | None = None,
        folder: str | Path | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.pictures, self.course, self.device = pictures, course, device
        self._folder = None if folder is None else Path(folder)
        self._first_rate = course.rate if start is not None else max(course.rate, _FROM_SCRATCH)
        self._start = start if start is not None else _new(pictures.clean[0].shape[0], course.seed)
        self._size = _crop_size(pictures.clean, course.size)
        self.sigma = _noise_level(pictures, course.sigma)
        self._first: nn.Module | None = None
        self._known: tuple[int, Crops] | None = None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What decides every training, in plain values."""
        course = {key: value for key, value in asdict(self.course).items() if key not in ("steps", "seeds")}
        weights = list(self._start.state_dict().values())
        return course | {
            "sigma": self.sigma,
            "size": self._size,
            "start": digest(weights),
            "pictures": digest(self.pictures.clean, self.pictures.noisy or ()),
        }

    def network(self, contestant: Contestant, seed: int, *, tell: Tell | None = None) -> nn.Module:
        """The network of a contestant, trained now or earlier.

        Args:
            contestant: The loss.
            seed: Which of the repetitions, from 0.
            tell: Told of every step.

        Returns:
            The network, in evaluation mode.

        Raises:
            DataError: Its folder holds another training.
            TrainingError: The loss became NaN or infinite.
        """
        chance = self.course.seed + 1 + seed
        plan = self.course.plan(self.course.steps, rate=self.course.rate, seed=chance)
        return self._train(self.common(), contestant.loss, plan, f"{contestant.file}-{seed}", tell=tell)

    def common(self, *, tell: Tell | None = None) -> nn.Module:
        """A copy of the network that all contestants begin with, trained now or earlier.

        Args:
            tell: Told of every step.
        """
        if self.course.first and self._first is None:
            plan = self.course.plan(self.course.first, rate=self._first_rate, seed=self.course.seed)
            self._first = self._train(copy.deepcopy(self._start), CONTROL, plan, "first", tell=tell)
        return copy.deepcopy(self._start if self._first is None else self._first)

    def _train(self, network: nn.Module, loss: str, plan: Plan, name: str, *, tell: Tell | None) -> nn.Module:
        examples = Examples(self._crops(plan.seed), (self.sigma, self.sigma), paired=self.pictures.noisy is not None)
        done = train(
            network.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
            examples, denoising(loss_from_text(loss)), plan=plan, callback=tell, device=self.device,
            folder=None if self._folder is None else self._folder / name, settings={**self.facts, "loss": loss},
        )  # fmt: skip
        return done.network.eval()

    def _crops(self, seed: int) -> Crops:
        """Those of the last seed are kept: all contestants of a seed follow each other."""
        if self._known is None or self._known[0] != seed:
            clean, noisy = self.pictures.clean, self.pictures.noisy
            stacks = clean if noisy is None else [torch.cat(pair) for pair in zip(clean, noisy, strict=True)]
            self._known = (seed, Crops(stacks, size=self._size, seed=seed))
        return self._known[1]


def digest(*several: Sequence[Tensor]) -> str:
    """A short text that tells tensors from others.

    Args:
        several: Tensors.

    Example:
        >>> digest([torch.zeros(2)]) == digest([torch.zeros(2)]), digest([torch.zeros(2)]) == digest([torch.ones(2)])
        (True, False)
    """
    found = hashlib.blake2b(digest_size=8)
    for tensor in (one for tensors in several for one in tensors):
        found.update(str(tuple(tensor.shape)).encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _new(channels: int, seed: int) -> UNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(channels)


def _crop_size(pictures: Sequence[Tensor], wanted: int) -> int:
    smallest = min(min(picture.shape[1:]) for picture in pictures)
    size = min(wanted, int(smallest)) // 8 * 8
    if size < 16:
        raise ShapeError(f"got a picture with a side of {smallest} pixels, expected at least 16: leave it out")
    return size


def _noise_level(pictures: Pictures, sigma: float | None) -> float:
    if pictures.noisy is None:
        return 25 / 255 if sigma is None else sigma
    if sigma is not None:
        raise OptionError(
            f"got the noise level {sigma:g} for pairs of clean and noisy pictures, which bring their own: leave it out"
        )
    noise = [(noisy - clean).std() for clean, noisy in zip(pictures.clean, pictures.noisy, strict=True)]
    return float(torch.stack(noise).mean())
