"""Rolling windows of images and signals: cut, tapered, and added up again."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, ShapeError
from undula.spectra import hann_window


def read_window(window: int | None, step: int | None) -> tuple[int, int] | None:
    """Window and step as numbers, or None for the whole image.

    Args:
        window: Samples of a window along each axis, or None.
        step: Samples from one window to the next; None is half a window.

    Raises:
        OptionError: A window of fewer than 4 samples, a step outside 1…window, or a step without a window.
    """
    if window is None:
        if step is not None:
            raise OptionError(f"got step={step} without a window, expected both: window={2 * step}, or no step")
        return None
    if window < 4:
        raise OptionError(f"got window={window}, expected at least 4 samples: a window has to hold some frequencies")
    step = window // 2 if step is None else step
    if not 1 <= step <= window:
        raise OptionError(f"got step={step} with window={window}, expected 1…{window}: {window // 2} is usual")
    return window, step


def check_fits(shape: Sequence[int], window: int) -> None:
    """Refuse images that are smaller than a window.

    Args:
        shape: Lengths of the space axes.
        window: Samples of a window along each axis.

    Raises:
        ShapeError: An axis is shorter than the window.
    """
    if min(shape) < window:
        raise ShapeError(
            f"got {' × '.join(map(str, shape))} samples, expected at least the window of {window} along each axis: "
            "take a smaller window or larger crops"
        )


def framed(x: Float[Tensor, "*batch_and_space"], *, window: int, step: int, dims: int) -> Float[Tensor, "*frames"]:
    """A view of all windows that lie inside; samples behind the last one are in none.

    Args:
        x: Array (…, space).
        window: Samples of a window along each axis.
        step: Samples from one window to the next.
        dims: How many of the last axes are space.

    Returns:
        Windows (…, windows along each axis, samples along each axis).
    """
    first = x.ndim - dims
    for axis in range(dims):
        x = x.unfold(first + axis, window, step)
    return x


def overlapped(
    frames: Float[Tensor, "*frames"], *, shape: Sequence[int], step: int
) -> Float[Tensor, "*batch_and_space"]:
    """The adjoint of `framed`: every window is added where it was cut.

    Whole blocks of `step` samples at a time, one axis after the other: on the CPU the gradient of `Tensor.unfold` took
    3 to 5 times as long.

    Args:
        frames: Windows (…, windows along each axis, samples along each axis).
        shape: Lengths of the space axes.
        step: Samples from one window to the next.

    Returns:
        The array (…, space).
    """
    dims = len(shape)
    for axis in reversed(range(dims)):
        done = dims - 1 - axis
        beside = frames.movedim(-(done + axis + 2), -(done + 2))  # the axis of windows before that of their samples
        frames = _added(beside, -(done + 2), length=shape[axis], step=step)
    return frames


def taper(shape: tuple[int, ...], *, like: Tensor) -> Float[Tensor, "*space"]:
    """A Hann window whose mean square is one, so that white noise keeps its magnitude."""
    window = hann_window(shape, like=like)
    return window / window.square().mean().sqrt()


def _added(x: Tensor, place: int, *, length: int, step: int) -> Tensor:
    """Windows along `place` and their samples behind it become one axis of `length`."""
    count, window = x.shape[place], x.shape[place + 1]
    blocks = max(count - 1 + math.ceil(window / step), math.ceil(length / step))
    out = x.new_zeros(*x.shape[:place], blocks, step, *x.shape[x.ndim + place + 2 :])
    for number, begin in enumerate(range(0, window, step)):
        width = min(step, window - begin)
        out.narrow(place, number, count).narrow(place + 1, 0, width).add_(x.narrow(place + 1, begin, width))
    return out.flatten(place, place + 1).narrow(place + 1, 0, length)
