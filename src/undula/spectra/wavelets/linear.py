"""The compiled step as differentiable functions: all of them are linear, and the adjoint of one is another."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from undula.spectra.wavelets import native
from undula.spectra.wavelets.banks import Bank
from undula.spectra.wavelets.modes import Extension, Mode, extension
from undula.spectra.wavelets.step import plan_down, plan_up

Shape = tuple[int, ...]

# Natural rank among siblings of low-low, low-high, high-low and high-high: in paths a, h, v, d the high rows come first.
_NATURAL = (0, 2, 1, 3)


@dataclass(frozen=True, eq=False)
class Step:
    """One axis of a step, prepared: kept by the functions below, so that a call prepares nothing.

    Attributes:
        axis: What the kernel reads.
        n: Samples along the axis.
        extended: Samples with those beyond the ends.
        start: First sample that a synthesis keeps.
        length: Samples that it keeps; of an analysis the coefficients of a band.
    """

    axis: native.Axis
    n: int
    extended: int
    start: int
    length: int


@lru_cache(maxsize=1024)
def analysis_step(bank: Bank, n: int, mode: Mode) -> Step:
    """The step that takes n samples apart."""
    how = plan_down(n, bank.length, mode)
    count = (how.left + n + how.right - bank.length) // 2 + 1
    return _step(tuple(reversed(bank.dec_lo)), tuple(reversed(bank.dec_hi)), how, n, 0, count)


@lru_cache(maxsize=1024)
def synthesis_step(bank: Bank, count: int, mode: Mode, keep: int | None = None) -> Step:
    """The step that puts bands of so many coefficients together, without the last sample if so many are wanted."""
    how, start, length = plan_up(count, bank.length, mode)
    length -= keep == length - 1
    return _step(tuple(bank.rec_lo), tuple(bank.rec_hi), how, count, start, length)


def down(x: Tensor, step: Step, axis: int) -> tuple[Tensor, Tensor]:
    """Both bands along a negative axis."""
    low, high = _down(x, (step,), (axis,))
    return low, high


def up(low: Tensor | None, high: Tensor | None, step: Step, axis: int) -> Tensor:
    """The signal of two bands along a negative axis; None counts as zeros."""
    return _up((step,), (axis,), low, high)


def down2(x: Tensor, steps: tuple[Step, Step]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four bands of the last two axes: low-low, low-high, high-low, high-high."""
    ll, lh, hl, hh = _down(x, steps, (-2, -1))
    return ll, lh, hl, hh


def up2(bands: Sequence[Tensor | None], steps: tuple[Step, Step]) -> Tensor:
    """The image of four bands of the last two axes; None counts as zeros."""
    return _up(steps, (-2, -1), *bands)


def packets2(x: Tensor, levels: tuple[tuple[Step, Step], ...], slots: tuple[int, ...]) -> Tensor:
    """All packets of the last two axes, written where they belong: no level is put together and none is re-ordered.

    Args:
        x: Images (…, H, W).
        levels: The two steps of every level.
        slots: Place of every packet, by its natural rank: low-low, high-low, low-high, high-high of every level.

    Returns:
        Packets (…, 4^L, h, w).
    """
    return _apply(_Packets, x, levels, slots) if _watched(x) else _Packets.forward(x, levels, slots)


def _down(x: Tensor, steps: tuple[Step, ...], axes: tuple[int, ...]) -> tuple[Tensor, ...]:
    return _apply(_Down, x, steps, axes) if _watched(x) else _Down.forward(x, steps, axes)


def _up(steps: tuple[Step, ...], axes: tuple[int, ...], *bands: Tensor | None) -> Tensor:
    return _apply(_Up, steps, axes, *bands) if _watched(*bands) else _Up.forward(steps, axes, *bands)


def _apply(function: type[torch.autograd.Function], *arguments: Any) -> Any:
    """`apply` is not typed."""
    return function.apply(*arguments)  # type: ignore[no-untyped-call]


def _watched(*tensors: Tensor | None) -> bool:
    """Whether anybody differentiates or maps over these; autograd for nothing took two fifths of a small call."""
    if torch.is_grad_enabled() and any(each is not None and each.requires_grad for each in tensors):
        return True
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


class _Down(torch.autograd.Function):
    """Bands of extended samples; the adjoint puts gradients together and folds the ends back."""

    @staticmethod
    def forward(x: Tensor, steps: tuple[Step, ...], axes: tuple[int, ...]) -> tuple[Tensor, ...]:
        if len(axes) == 2:
            images = x.reshape(-1, *x.shape[-2:])
            bands = native.down2(images, steps[0].axis, steps[1].axis)
            return tuple(band.view(*x.shape[:-2], *band.shape[1:]) for band in bands)
        shape, axis = x.shape, axes[0]
        outer = x.reshape(-1, shape[axis], shape[axis + 1 :].numel() if axis < -1 else 1)
        made = native.down(outer, steps[0].axis)
        return tuple(band.view(_resized(shape, axis, band.shape[1])) for band in made)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _, ctx.steps, ctx.axes = inputs
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None, None]:
        if all(each is None for each in gradients):
            return None, None, None
        made = _apply(_Up, tuple(_adjoint_up(step) for step in ctx.steps), ctx.axes, *gradients)
        return _folded(made, ctx.steps, ctx.axes), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, *_: None) -> Any:
        return (None,) * 2 ** len(ctx.axes) if tangent is None else _apply(_Down, tangent, ctx.steps, ctx.axes)

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor, steps: Any, axes: Any) -> tuple[Any, Any]:
        return _apply(_Down, x.movedim(in_dims[0] or 0, 0), steps, axes), (0,) * 2 ** len(axes)


class _Up(torch.autograd.Function):
    """Samples of extended bands; the adjoint takes gradients apart and folds the ends back."""

    @staticmethod
    def forward(steps: tuple[Step, ...], axes: tuple[int, ...], *bands: Tensor | None) -> Tensor:
        shape = next(band.shape for band in bands if band is not None)
        if len(axes) == 2:
            ll, lh, hl, hh = (None if band is None else band.reshape(-1, *shape[-2:]) for band in bands)
            start, length = (steps[0].start, steps[1].start), (steps[0].length, steps[1].length)
            made = native.up2((ll, lh, hl, hh), steps[0].axis, steps[1].axis, start=start, length=length)
            return made.view(*shape[:-2], *made.shape[1:])
        axis, step = axes[0], steps[0]
        inner = shape[axis + 1 :].numel() if axis < -1 else 1
        low, high = (None if band is None else band.reshape(-1, shape[axis], inner) for band in bands)
        made = native.up(low, high, step.axis, start=step.start, length=step.length)
        return made.view(_resized(shape, axis, step.length))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.steps, ctx.axes = inputs[:2]
        ctx.there = [band is not None for band in inputs[2:]]
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Any, ...]:
        if gradient is None:
            return (None,) * (2 + len(ctx.there))
        bands = _apply(_Down, gradient, tuple(_adjoint_down(step) for step in ctx.steps), ctx.axes)
        folded = [
            _folded(band, ctx.steps, ctx.axes) if there else None for band, there in zip(bands, ctx.there, strict=True)
        ]
        return None, None, *folded

    @staticmethod
    def jvp(ctx: Any, _steps: None, _axes: None, *tangents: Tensor | None) -> Any:
        return None if all(each is None for each in tangents) else _apply(_Up, ctx.steps, ctx.axes, *tangents)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], steps: Any, axes: Any, *bands: Tensor | None) -> tuple[Any, Any]:
        batched = []
        for band, dim in zip(bands, in_dims[2:], strict=True):
            if band is not None:
                band = band.expand(info.batch_size, *band.shape) if dim is None else band.movedim(dim, 0)
            batched.append(band)
        return _apply(_Up, steps, axes, *batched), 0


class _Packets(torch.autograd.Function):
    """A tree of `down2`; the adjoint is the tree of its adjoints, from the leaves on."""

    @staticmethod
    def forward(x: Tensor, levels: tuple[tuple[Step, Step], ...], slots: tuple[int, ...]) -> Tensor:
        images = x.reshape(-1, *x.shape[-2:])
        out = x.new_empty(len(images), len(slots), levels[-1][0].length, levels[-1][1].length)

        def split(node: Tensor, level: int, rank: int) -> None:
            rows, columns = levels[level]
            ranks = [4 * rank + child for child in _NATURAL]
            if level + 1 == len(levels):
                ll, lh, hl, hh = (out[:, slots[each]] for each in ranks)
                native.down2(node, rows.axis, columns.axis, out=(ll, lh, hl, hh))
                return
            for each, child in zip(ranks, native.down2(node, rows.axis, columns.axis), strict=True):
                split(child, level + 1, each)

        split(images, 0, 0)
        return out.view(*x.shape[:-2], *out.shape[1:])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        _, ctx.levels, ctx.slots = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        leaves = gradient.unbind(dim=-3)

        def join(level: int, rank: int) -> Tensor:
            if level == len(ctx.levels):
                return leaves[ctx.slots[rank]]
            steps = ctx.levels[level]
            children = [join(level + 1, 4 * rank + child) for child in _NATURAL]
            return _folded(_up(tuple(_adjoint_up(step) for step in steps), (-2, -1), *children), steps, (-2, -1))

        return join(0, 0), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        return _apply(_Packets, tangent, ctx.levels, ctx.slots)

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor, levels: Any, slots: Any) -> tuple[Tensor, int]:
        return _apply(_Packets, x.movedim(in_dims[0] or 0, 0), levels, slots), 0


def _step(low: tuple[float, ...], high: tuple[float, ...], how: Extension, n: int, start: int, length: int) -> Step:
    axis = native.Axis(low=low, high=high, left=how.left, right=how.right, terms=how.sums)
    return Step(axis, n, how.left + n + how.right, start, length)


@lru_cache(maxsize=1024)
def _adjoint_up(step: Step) -> Step:
    """What puts the bands' gradients together to one of the extended signal: all overlaps, zeros beyond the ends."""
    margin = len(step.axis.low) // 2 - 1
    return _step(
        step.axis.low, step.axis.high, extension(step.length, margin, margin, "zero"), step.length, 0, step.extended
    )


@lru_cache(maxsize=1024)
def _adjoint_down(step: Step) -> Step:
    """What takes the signal's gradient apart to ones of the extended bands: zeros where nothing was kept."""
    taps = len(step.axis.low)
    left = taps - 2 + step.start
    right = 2 * step.extended + taps - 2 - left - step.length
    how = extension(step.length, left, right, "zero")
    return _step(step.axis.low, step.axis.high, how, step.length, 0, step.extended)


def _folded(x: Tensor, steps: tuple[Step, ...], axes: tuple[int, ...]) -> Tensor:
    """The adjoint of the extension: what stands beyond the ends is added to the samples that it was made of."""
    for step, axis in zip(steps, axes, strict=True):
        x = _folded_axis(x, step, axis)
    return x


def _folded_axis(x: Tensor, step: Step, axis: int) -> Tensor:
    left, n = step.axis.left, step.n
    inside = x.narrow(axis, left, n)
    source, target, weight = _terms(step)
    if not source:
        return inside
    index = torch.tensor(source, device=x.device)
    scale = torch.tensor(weight, dtype=x.dtype, device=x.device).reshape([-1, *[1] * (-1 - axis)])
    beyond = x.index_select(axis, index) * scale
    return inside.index_add(axis, torch.tensor(target, device=x.device), beyond)


@lru_cache(maxsize=1024)
def _terms(step: Step) -> tuple[list[int], list[int], list[float]]:
    """Places of the margins in the extended signal, the samples that they are made of, and the weights."""
    places = [*range(step.axis.left), *range(step.axis.left + step.n, step.extended)]
    flat = [(place, *term) for place, terms in zip(places, step.axis.terms, strict=True) for term in terms]
    return [each[0] for each in flat], [each[1] for each in flat], [each[2] for each in flat]


def _resized(shape: Sequence[int], axis: int, length: int) -> Shape:
    made = list(shape)
    made[axis] = length
    return tuple(made)
