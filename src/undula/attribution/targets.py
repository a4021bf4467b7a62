"""What a map is about when a network has no classes: one number per item of the output, to be differentiated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from undula.attribution.watching import ordinary
from undula.errors import OptionError, RangeError, ShapeError

Target: TypeAlias = Callable[[Tensor], Tensor]
"""Any function of the model's output (b, …) that gives one value per item (b,)."""


@dataclass(frozen=True)
class Mean:
    """Mean of the output of an item: what raises the output anywhere.

    Attributes:
        head: Tokens at the beginning that are left out: 1 for the class token of a vision transformer.
    """

    head: int = 0

    def __call__(self, output: Float[Tensor, "b *rest"]) -> Float[Tensor, "b"]:
        """One value per item."""
        return _without_head(output, self.head).flatten(1).mean(dim=1)

    def __str__(self) -> str:
        """The target in words."""
        return "mean of the output" + _headless(self.head)


@dataclass(frozen=True)
class Norm:
    """Euclidean norm of the output of an item, or the mean norm of its tokens: what makes the output strong.

    Attributes:
        head: Tokens at the beginning that are left out.
        tokens: Take the norm of every token over its features (the last axis), and the mean over tokens.
    """

    head: int = 0
    tokens: bool = False

    def __call__(self, output: Float[Tensor, "b *rest"]) -> Float[Tensor, "b"]:
        """One value per item."""
        kept = _without_head(output, self.head)
        return kept.norm(dim=-1).flatten(1).mean(dim=1) if self.tokens else kept.flatten(1).norm(dim=1)

    def __str__(self) -> str:
        """The target in words."""
        of = "mean norm of the tokens" if self.tokens else "norm of the output"
        return of + _headless(self.head)


@dataclass(frozen=True)
class Class:
    """Score of one class, the mean over positions where the output has some (segmentation).

    Attributes:
        index: Number of the class, or one per item (b,); None for the highest of every item.
    """

    index: int | Tensor | None = None

    def __call__(self, output: Float[Tensor, "b classes *space"]) -> Float[Tensor, "b"]:
        """One value per item.

        Raises:
            ShapeError: The output has no axis of classes.
            OptionError: The class does not exist.
        """
        index = self.settled(output).index
        scores = _scores(output)
        chosen = torch.as_tensor(index, device=output.device).expand(len(output))
        if not bool(((chosen >= 0) & (chosen < scores.shape[1])).all()):
            raise OptionError(f"got class {self.index}, expected 0 … {scores.shape[1] - 1}")
        return scores.gather(1, chosen[:, None])[:, 0]

    def settled(self, output: Float[Tensor, "b classes *space"]) -> "Class":
        """The same target with the classes that are highest in this output, where none was named.

        Args:
            output: Output for the images themselves.

        Returns:
            A target that asks for the same classes of any output.
        """
        return Class(_scores(output).detach().argmax(dim=1)) if self.index is None else self

    def __str__(self) -> str:
        """The target in words."""
        if isinstance(self.index, int):
            return f"class {self.index}"
        if self.index is None or self.index.ndim == 0:
            return "highest class of every item" if self.index is None else f"class {int(self.index)}"
        return f"classes {self.index.tolist()}"


@dataclass(frozen=True)
class Region:
    """Mean of the output over a region.

    Attributes:
        where: A mask, True inside, of the output's space or with an axis of items before it; or one slice per axis of
            space, e.g. `np.s_[10:20, 0:5]`.
    """

    where: Tensor | tuple[slice, ...]

    def __call__(self, output: Float[Tensor, "b c *space"]) -> Float[Tensor, "b"]:
        """One value per item.

        Raises:
            ShapeError: The mask does not fit the output, or this has no axis of space.
            RangeError: The region is empty.
        """
        check_space(output)
        mask = self._mask(output)
        count = mask.flatten(1).sum(dim=1)
        if not bool((count > 0).all()):
            raise RangeError(f"got a region without a position in an output of {tuple(output.shape[2:])}, expected one")
        inside = output.flatten(2).mean(dim=1) * mask.flatten(1)
        return inside.sum(dim=1) / count

    def _mask(self, output: Tensor) -> Tensor:
        space = tuple(output.shape[2:])
        if isinstance(self.where, tuple):
            mask = torch.zeros(space, dtype=torch.bool, device=output.device)
            mask[self.where] = True
        else:
            mask = self.where.to(output.device) > 0
        if tuple(mask.shape) not in (space, (len(output), *space)):
            raise ShapeError(f"got a mask of shape {tuple(mask.shape)}, expected {space} or {(len(output), *space)}")
        return mask.expand(len(output), *space)

    def __str__(self) -> str:
        """The target in words."""
        if not isinstance(self.where, tuple):
            return "mean of the output inside a mask"
        ends = ("" if end is None else str(end) for each in self.where for end in (each.start, each.stop))
        pairs = [f"{start}:{stop}" for start, stop in zip(*[iter(ends)] * 2, strict=True)]
        return f"mean of the output in [{', '.join(pairs)}]"


@dataclass(frozen=True)
class Pixel:
    """The output at one position.

    Attributes:
        position: Index along every axis of space.
        channel: Number of the channel; None for their mean.
    """

    position: tuple[int, ...]
    channel: int | None = None

    def __call__(self, output: Float[Tensor, "b c *space"]) -> Float[Tensor, "b"]:
        """One value per item.

        Raises:
            OptionError: There is no such position or channel.
        """
        channels = slice(None) if self.channel is None else slice(self.channel, self.channel + 1)
        places: tuple[Any, ...] = (slice(None), channels, *self.position)
        inside = all(0 <= place < length for place, length in zip(self.position, output.shape[2:], strict=False))
        if not inside or len(places) != output.ndim or not output[:, channels].numel():
            raise OptionError(f"got {self}, expected a place in an output of shape {tuple(output.shape)}")
        return output[places].mean(dim=1)

    def __str__(self) -> str:
        """The target in words."""
        place = ", ".join(str(each) for each in self.position)
        return f"output at ({place})" + ("" if self.channel is None else f", channel {self.channel}")


@dataclass(frozen=True)
class Error:
    """Mean squared error of the output against the truth: what makes it wrong.

    Attributes:
        truth: What the output should be.
    """

    truth: Tensor

    def __call__(self, output: Float[Tensor, "b *rest"]) -> Float[Tensor, "b"]:
        """One value per item.

        Raises:
            ShapeError: The truth has another shape.
        """
        return (output - like_output(self.truth, output)).flatten(1).square().mean(dim=1)

    def __str__(self) -> str:
        """The target in words."""
        return "mean squared error against the truth"


def values_of(target: Target, output: Tensor) -> Float[Tensor, "b"]:
    """One value per item, checked.

    Args:
        target: The target.
        output: The model's output (b, …); half precision becomes float32 first.

    Returns:
        The values.

    Raises:
        ShapeError: The target gives something else.
    """
    values = target(output if output.dtype == torch.float64 else output.float())
    if not isinstance(values, Tensor) or values.shape != output.shape[:1]:
        got = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ShapeError(f"got {got} from the target, expected one value per item, of shape {tuple(output.shape[:1])}")
    return values


def settled(target: Target | None, output: Tensor) -> Target:
    """The target that is meant by None, or by the highest class, for the output of the images themselves.

    Args:
        target: A target; None for the highest class where the output has only classes, else the mean.
        output: Output for the images.

    Returns:
        A target that asks for the same of any output.
    """
    if target is None:
        target = Class() if output.ndim == 2 else Mean()
    return target.settled(output) if isinstance(target, Class) else target


def in_words(target: Any) -> str:
    """A target as a reader wants it named.

    Args:
        target: A target of this room, or any function.

    Returns:
        Its words, or the name of the function.
    """
    named = getattr(target, "__name__", None)
    return str(named) if named else str(target)


def check_space(output: Tensor) -> None:
    """Refuse an output without positions.

    Args:
        output: The output.

    Raises:
        ShapeError: It has less than three axes.
    """
    if output.ndim < 3:
        raise ShapeError(
            f"got an output of shape {tuple(output.shape)}, expected images (b, c, h, w) or signals (b, c, t): "
            "take Class or Mean"
        )


def like_output(truth: Tensor, output: Tensor) -> Tensor:
    """The truth on the device and in the type of the output.

    Args:
        truth: What the output should be.
        output: The output.

    Returns:
        The truth.

    Raises:
        ShapeError: The shapes differ.
    """
    if truth.shape != output.shape:
        raise ShapeError(f"got a truth of shape {tuple(truth.shape)}, expected the output's, {tuple(output.shape)}")
    return ordinary(truth).to(output)


def _headless(head: int) -> str:
    return f" without the first {head} tokens" if head > 1 else " without the first token" if head else ""


def _without_head(output: Tensor, head: int) -> Tensor:
    if head and (output.ndim != 3 or output.shape[1] <= head):
        raise ShapeError(
            f"got head={head} for an output of shape {tuple(output.shape)}, expected tokens (b, t, d) with more than "
            f"{head} of them: leave head out"
        )
    return output[:, head:] if head else output


def _scores(output: Tensor) -> Tensor:
    if output.ndim < 2:
        raise ShapeError(f"got an output of shape {tuple(output.shape)}, expected (b, classes): take Mean()")
    return output.flatten(2).mean(dim=2) if output.ndim > 2 else output
