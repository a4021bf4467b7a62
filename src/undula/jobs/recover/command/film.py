"""A film of the descent: estimates of a few items, taken while they are recovered."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.jobs.recover.found import Progress
from undula.metrics import align
from undula.spectra import circular_shift, reverse

ITEMS, FRAMES = 16, 60
_NUMBERS = 2**26  # 256 MB of single precision in all
_MOMENTS = 128  # so many are taken in 60,000 iterations
_PACE = 12  # first every iteration, later each a twelfth after the last: digits appear within thirty of some hundreds


@dataclass(frozen=True)
class Reel:
    """A finished film.

    Attributes:
        frames: Pictures (moments, items, h, w), the last moment being the answers.
        steps: Iteration of every moment.
        solved: How many of the items were solved by then.
    """

    frames: Float[Tensor, "moments items h w"]
    steps: list[int]
    solved: list[int]


class Film:
    """Takes pictures of the first run of the first items, from the callback of `undula.recover`.

    Args:
        items: Items of the batch.
        runs: Runs per item; their trials follow each other.
        shape: Shape of an item.
    """

    def __init__(self, items: int, runs: int, shape: Sequence[int]) -> None:
        pixels = math.prod(shape[-2:])
        self.count = min(items, ITEMS, max(1, _NUMBERS // (_MOMENTS * pixels)))
        self.runs, self._next = runs, 1
        self._moments: list[tuple[int, int, dict[int, Tensor]]] = []
        self._last: dict[int, Tensor] = {}
        self._gone: set[int] = set()

    def take(self, step: int, progress: Progress) -> None:
        """Take a picture if it is time.

        Args:
            step: Number of the iteration.
            progress: What the solver shows.
        """
        if step < self._next or len(self._gone) == self.count:
            return
        self._next = step + max(1, step // _PACE)
        rows = {
            trial // self.runs: row
            for row, trial in enumerate(progress.trials.tolist())
            if trial % self.runs == 0 and trial // self.runs < self.count
        }
        self._gone |= {item for item in self._last if item not in rows}
        if not rows:
            return
        estimate = progress.estimate()
        now = {item: shadow(estimate[row]).cpu() for item, row in rows.items()}
        self._last.update(now)
        self._moments.append((step, len(self._gone), now))

    def develop(self, answers: Sequence[Shaped[Tensor, "..."]]) -> Reel | None:
        """Lay every picture onto its answer and fill the gaps: nothing before an item's start, the answer after its end.

        Every item is moved and turned as a whole, as its last picture needs it, so that nothing jumps.

        Args:
            answers: Final images of the first items.

        Returns:
            The film, or None where nothing was taken.
        """
        if not self._moments or len(answers) < self.count:
            return None
        ends = torch.stack([shadow(answer).cpu() for answer in answers[: self.count]]).float()
        top = ends.flatten(1).amax(dim=1).clamp_min(torch.finfo(ends.dtype).tiny)
        scale = top.clamp_min(1)
        last = torch.stack([_resized(self._last.get(item, end), end) for item, end in enumerate(ends)])
        laid = align(last, ends)
        chosen = self._chosen()
        frames = []
        for _, _, pictures in chosen:
            raw = torch.stack(
                [_resized(pictures.get(item, torch.zeros_like(end)), end) for item, end in enumerate(ends)]
            )
            turned = torch.where(laid.flipped[:, None, None], reverse(raw), raw)
            moved = circular_shift(turned, laid.shift)
            over = [item in self._gone_by(pictures) for item in range(self.count)]
            frames.append(torch.where(torch.tensor(over)[:, None, None], ends, moved))
        down, right = window(ends.amax(dim=0))
        shown = torch.stack([*frames, ends])
        if not _bright(top):  # values have a scale of their own, another one in the coarse stage
            scale = shown.flatten(2).amax(dim=2).clamp_min(torch.finfo(ends.dtype).tiny)
        shown = shown[..., down, right] / scale[..., None, None]
        steps = [step for step, _, _ in chosen]
        return Reel(shown.clamp(0, 1), [*steps, steps[-1]], [*(gone for _, gone, _ in chosen), self.count])

    def _gone_by(self, pictures: dict[int, Tensor]) -> set[int]:
        """Items that had left when these pictures were taken; those that had not come yet are not among them."""
        first = {item: k for k, (_, _, seen) in reversed(list(enumerate(self._moments))) for item in seen}
        now = next(k for k, (_, _, seen) in enumerate(self._moments) if seen is pictures)
        return {item for item in range(self.count) if item not in pictures and first.get(item, now + 1) < now}

    def _chosen(self) -> list[tuple[int, int, dict[int, Tensor]]]:
        count = min(FRAMES - 1, len(self._moments))
        places = [round(k * (len(self._moments) - 1) / max(1, count - 1)) for k in range(count)]
        return [self._moments[place] for place in places]


def shadow(image: Shaped[Tensor, "*space"]) -> Float[Tensor, "h w"]:
    """What a film shows of one item: its modulus, of volumes the mean along the first axis, of signals a strip."""
    modulus = (image.abs() if image.is_complex() else image.clamp_min(0)).float()
    if modulus.ndim == 3:
        return modulus.mean(dim=0)
    return modulus if modulus.ndim == 2 else modulus.expand(max(1, modulus.shape[-1] // 8), -1)


def window(picture: Float[Tensor, "h w"]) -> tuple[slice, slice]:
    """The square around a small object, half as wide again, or the whole picture where that would gain little."""
    inside = picture > 0.1 * picture.max()
    spans = [torch.nonzero(inside.any(dim=1 - axis))[:, 0] for axis in (0, 1)]
    if not len(spans[0]):
        return slice(None), slice(None)
    side = int(1.5 * max(int(span[-1] - span[0]) + 1 for span in spans)) + 2
    if side > 0.8 * min(picture.shape):
        return slice(None), slice(None)
    firsts = [
        min(max(0, int(span[0] + span[-1] + 1) // 2 - side // 2), length - side)
        for span, length in zip(spans, picture.shape, strict=True)
    ]
    return slice(firsts[0], firsts[0] + side), slice(firsts[1], firsts[1] + side)


def _resized(picture: Tensor, like: Tensor) -> Tensor:
    if picture.shape == like.shape:
        return picture.float()
    # The coarse stage of a large volume has fewer pixels of the same field of view.
    fine = torch.nn.functional.interpolate(picture[None, None].float(), size=like.shape, mode="nearest")
    return fine[0, 0]


def _bright(top: Tensor) -> bool:
    """Whether the answers are pictures in [0, 1], which are shown as they are."""
    return bool((top > 0.3).all() and (top < 1.5).all())
