"""Where an object may be non-zero: everywhere, inside a mask, inside a box that finds its own place, shrink-wrapped."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from undula.errors import ShapeError
from undula.jobs.recover.problem import Problem


@runtime_checkable
class Support(Protocol):
    """How the mask of a trial begins and follows the estimate."""

    @property
    def every(self) -> int:
        """Iterations between two updates; 0 for a mask that never changes."""

    @property
    def update_transforms(self) -> int:
        """Transforms of one item in `update`."""

    @property
    def name(self) -> str:
        """What advice calls it: "none", "box", "mask" or "shrinkwrap"."""

    @property
    def binding(self) -> bool:
        """Whether the answer must lie inside the mask; a mere hypothesis guides the iterations only."""

    def of(self, index: Int[Tensor, " k"]) -> "Support":
        """The support of some of the items (items may repeat)."""

    def first(self, problem: Problem, start: Int[Tensor, " n"]) -> Tensor | None:
        """Masks (n, space) for new starts, of which `start` is the number; None for no restriction."""

    def update(self, mask: Tensor, estimate: Tensor, *, start: Int[Tensor, " n"], age: Int[Tensor, " n"]) -> Tensor:
        """Masks (n, space) after looking at the estimates of starts that are `age` iterations old."""


@dataclass(frozen=True)
class FixedMask:
    """A mask that the user knows, one for all items or one each; None restricts nothing."""

    mask: Bool[Tensor, "m *space"] | None
    every: int = 0
    binding: bool = True
    update_transforms: int = 0

    @property
    def name(self) -> str:
        """As in `Support`."""
        return "none" if self.mask is None else "mask"

    def of(self, index: Int[Tensor, " k"]) -> "FixedMask":
        """The masks of these items."""
        return self if self.mask is None or len(self.mask) == 1 else FixedMask(self.mask[index])

    def first(self, problem: Problem, start: Int[Tensor, " n"]) -> Tensor | None:
        """The mask as numbers."""
        if self.mask is None:
            return None
        return self.mask.to(problem.moduli.dtype).expand(len(start), *problem.shape)

    def update(self, mask: Tensor, estimate: Tensor, *, start: Int[Tensor, " n"], age: Int[Tensor, " n"]) -> Tensor:
        """Unchanged."""
        return mask


@dataclass(frozen=True)
class FloatingBox:
    """A box of known sides at an unknown place: it lies, cyclically, where each estimate has most of its mass.

    Attributes:
        sides: Sides in pixels, one row per hypothesis; start number i takes row i modulo the rows.
    """

    sides: tuple[tuple[int, ...], ...]
    binding: bool
    every: int = 10
    update_transforms: int = 0

    @property
    def name(self) -> str:
        """As in `Support`."""
        return "box" if self.binding else "none"

    def of(self, index: Int[Tensor, " k"]) -> "FloatingBox":
        """The same for all items."""
        return self

    def first(self, problem: Problem, start: Int[Tensor, " n"]) -> Tensor:
        """Ones: the box is placed by the first update."""
        return torch.ones(len(start), *problem.shape, dtype=problem.moduli.dtype, device=problem.moduli.device)

    def update(self, mask: Tensor, estimate: Tensor, *, start: Int[Tensor, " n"], age: Int[Tensor, " n"]) -> Tensor:
        """The box of most mass, axis by axis, from the marginals of |estimate|."""
        table = torch.tensor(self.sides, device=estimate.device)
        sides = table[start % len(table)]
        mass = estimate.abs() if estimate.is_complex() else estimate.clamp_min(0)
        dims = mass.ndim - 1
        box = torch.ones_like(mask)
        for axis in range(dims):
            others = tuple(1 + other for other in range(dims) if other != axis)
            inside = _heaviest_window(mass.sum(dim=others) if others else mass, sides[:, axis])
            box = box * inside.reshape(len(box), *[-1 if other == axis else 1 for other in range(dims)])
        return box


def _heaviest_window(marginal: Float[Tensor, "n length"], sides: Int[Tensor, " n"]) -> Float[Tensor, "n length"]:
    """1 inside the cyclic window of the given length with the greatest sum, 0 outside."""
    length = marginal.shape[1]
    sums = torch.nn.functional.pad(torch.cat([marginal, marginal], dim=1).cumsum(dim=1), (1, 0))
    place = torch.arange(length, device=marginal.device)
    weight = sums.gather(1, place + sides[:, None]) - sums[:, :length]
    first = weight.argmax(dim=1, keepdim=True)
    return ((place - first) % length < sides[:, None]).to(marginal.dtype)


def padded_support(object_shape: tuple[int, ...], frame_shape: tuple[int, ...]) -> Bool[Tensor, "*space"]:
    """Mask of an object in the first corner of a zero-padded frame, as `torch.nn.functional.pad` lays it.

    Args:
        object_shape: Sides of the object.
        frame_shape: Sides of the frame, none smaller than the object's; twice as large makes the magnitudes determine
            almost every object (no aliasing of its autocorrelation).

    Returns:
        True where the object may be.

    Raises:
        ShapeError: The shapes have different numbers of sides, or the object does not fit.

    Example:
        >>> padded_support((1, 2), (2, 3))
        tensor([[ True,  True, False],
                [False, False, False]])
    """
    if len(object_shape) != len(frame_shape) or any(o > f or o < 1 for o, f in zip(object_shape, frame_shape)):  # noqa: B905
        raise ShapeError(
            f"got an object of shape {tuple(object_shape)} in a frame of shape {tuple(frame_shape)}, expected as many "
            "sides and none longer than the frame's: swap the two or enlarge the frame"
        )
    mask = torch.zeros(tuple(frame_shape), dtype=torch.bool)
    corner: tuple[slice, ...] = tuple(slice(0, side) for side in object_shape)
    mask[corner] = True
    return mask


def unpad(image: Any, object_shape: tuple[int, ...]) -> Any:
    """Cut the object out of the first corner of its zero-padded frame: the inverse of padding.

    Args:
        image: Recovered frames (…, frame), a tensor or an array.
        object_shape: Sides of the object, the last axes.

    Returns:
        The object (…, *object_shape).

    Raises:
        ShapeError: The object is larger than the frame.

    Example:
        >>> unpad(torch.arange(6).reshape(2, 3), (1, 2))
        tensor([[0, 1]])
    """
    frame = tuple(image.shape[-len(object_shape) :])
    if len(frame) != len(object_shape) or any(o > f for o, f in zip(object_shape, frame)):  # noqa: B905
        raise ShapeError(
            f"got a frame of shape {frame}, expected sides of at least {tuple(object_shape)}: check the order of sides"
        )
    corner: tuple[Any, ...] = (..., *(slice(0, side) for side in object_shape))
    return image[corner]
