"""Batches of entries: read, recovered, laid the right way round, scored."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from undula.data import Entry
from undula.errors import OptionError, UndulaError
from undula.jobs.recover.call import recover
from undula.jobs.recover.coherence import with_blur
from undula.jobs.recover.command.film import Film
from undula.jobs.recover.command.patterns import Pattern, in_frame, read_pattern
from undula.jobs.recover.command.settings import Settings, in_words_of_the_command
from undula.jobs.recover.found import Progress
from undula.jobs.recover.problem import read_problem
from undula.jobs.recover.result import Recovery
from undula.metrics import align, mean_squared_error, psnr
from undula.session import Bar, Session
from undula.spectra import circular_shift, reverse

_NUMBERS, _MOST = 2**20, 250  # pixels and items of a batch
_SMALL = 2**16  # pixels of an item
_CORRECT = 30.0  # decibels: a mean squared error of 1e-3 of an image in [0, 1]
_ANOTHER = (
    "its magnitudes are fitted by another image than the original, so they do not determine it: surround it with zeros "
    "(--pad), or say more of it (--support, --bounds)"
)


@dataclass(frozen=True)
class Outcome:
    """One recovered entry.

    Attributes:
        entry: Which.
        image: The image (space), laid onto the original where that is known, without padding.
        support: Where it may be non-zero, if the solver found that out.
        record: What is to be known of it.
    """

    entry: Entry
    image: Shaped[Tensor, "*space"]
    support: Bool[Tensor, "*space"] | None
    record: dict[str, Any]


def is_solved(record: Mapping[str, Any]) -> bool:
    """Whether an item was accepted and, where the original is known, is that image and no other that fits as well."""
    return bool(record["accepted"]) and record.get("correct") is not False


class Solver:
    """Recovers entries in batches of equal shape.

    Args:
        settings: The options.
        dims: Number of space axes.
        session: Device, notes, failures, bar.
        total: Entries there are to do.
    """

    def __init__(self, settings: Settings, dims: int, session: Session, *, total: int) -> None:
        self.settings, self.dims, self.session, self.total = settings, dims, session, total
        self.film: Film | None = None
        self.filmed: list[Shaped[Tensor, "*space"]] = []
        self._done = self._solved = 0

    def solve(self, entries: Sequence[Entry], bar: Bar) -> Iterator[Outcome]:
        """Recover all entries; those that cannot be read or used are named and left out.

        Args:
            entries: What to do.
            bar: Told how far it is.

        Yields:
            One outcome per entry that worked, as soon as its batch is done.

        Raises:
            OptionError: The options make no sense for any entry.
        """
        for batch in self._batches(entries):
            with self._few_threads(batch[0].values.numel()):
                outcomes = self._solve_batch(batch, bar)
            yield from outcomes

    def _batches(self, entries: Sequence[Entry]) -> Iterator[list[Pattern]]:
        waiting: dict[tuple[Any, ...], list[Pattern]] = {}
        for entry in entries:
            try:
                pattern = read_pattern(entry, self.settings, self.dims, self.session)
            except UndulaError as error:
                self._fail(entry, error)
                continue
            batch = waiting.setdefault(pattern.kind, [])
            batch.append(pattern)
            if len(batch) >= min(_MOST, max(1, _NUMBERS // pattern.values.numel())):
                yield waiting.pop(pattern.kind)
        yield from waiting.values()

    def _solve_batch(self, batch: list[Pattern], bar: Bar) -> list[Outcome]:
        began = time.perf_counter()
        film = Film(len(batch), self.settings.runs, batch[0].values.shape) if self.film is None else None
        try:
            result = self._recover(batch, self._follow(bar, len(batch), film))
        except OptionError as error:
            raise OptionError(in_words_of_the_command(str(error))) from error
        except UndulaError as error:
            if len(batch) > 1:  # one that cannot be used must not take the others along
                return [outcome for pattern in batch for outcome in self._solve_batch([pattern], bar)]
            self._fail(batch[0].entry, error)
            return []
        seconds = (time.perf_counter() - began) / len(batch)
        outcomes = self._outcomes(batch, result, seconds)
        if film is not None:
            self.film, self.filmed = (
                film,
                [self._framed(one, outcome) for one, outcome in zip(batch, outcomes, strict=True)],
            )
        self._done += len(batch)
        self._solved += sum(is_solved(outcome.record) for outcome in outcomes)
        return outcomes

    def _recover(self, batch: list[Pattern], callback: Callable[[int, Progress], object]) -> Recovery:
        settings, device = self.settings, self.session.device
        values = torch.stack([pattern.values for pattern in batch]).to(device)
        support = settings.support if batch[0].support is None else batch[0].support.to(device)
        return recover(
            values,
            dims=self.dims,
            intensities=batch[0].given == "intensities",
            centered=batch[0].centered,
            norm=settings.norm,
            field=settings.field,
            bounds=settings.limits(batch[0].given),
            support=support,
            measured=_stacked([pattern.measured for pattern in batch], device),
            method=settings.method,
            starts=settings.starts,
            runs=settings.runs,
            tolerance=settings.tolerance,
            max_transforms=settings.max_transforms,
            noise=settings.noise,
            generator=torch.tensor([pattern.seed for pattern in batch], dtype=torch.int64),
            callback=callback,
        )

    @contextmanager
    def _few_threads(self, pixels: int) -> Iterator[None]:
        """One thread for small items, unless the user chose: two wait for each other where a core is busy elsewhere.

        500 digits of 28 × 28 on two cores with other work: 2 s on one thread, 29 to 44 s on two.
        """
        before = torch.get_num_threads()
        if self.session.options.threads is None and pixels <= _SMALL:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _follow(self, bar: Bar, items: int, film: Film | None) -> Callable[[int, Progress], object]:
        runs, wrapped = self.settings.runs, self.settings.support == "shrinkwrap"

        def follow(step: int, progress: Progress) -> None:
            if film is not None:
                film.take(step, progress)
            if step % 5:
                return
            # Runs of one item count one by one, else a bar over a single crystal would not move.
            done = self._done + items * progress.done / max(1, progress.total)
            solved = "" if wrapped else f"{self._solved + progress.solved // runs} solved, "
            bar.update(done * self.per_entry, detail=f"{solved}iteration {step}")

        return follow

    @property
    def per_entry(self) -> int:
        """Steps of the bar per entry: its runs where there are few entries, else one."""
        return self.settings.runs if self.total < 10 else 1

    def _outcomes(self, batch: list[Pattern], result: Recovery, seconds: float) -> list[Outcome]:
        held = _held_out_residuals(batch, result, self.settings, self.dims)
        images, scores = self._laid(batch, result)
        outcomes = []
        for place, pattern in enumerate(batch):
            support = None
            if result.support is not None and self.settings.support == "shrinkwrap":
                support = _moved_mask(result.support[place].cpu(), scores[place])
            record = {
                "source": pattern.entry.source,
                "index": pattern.entry.index,
                "stamp": pattern.entry.stamp,
                "given": pattern.given,
                "seed": pattern.seed,
                "shape": list(images[place].shape),
                "seconds": round(seconds, 4),
                **_verdict(result, place),
                **scores[place],
                "held_out_residual": None if held is None else float(held[place]),
                "history": _history(result, place),
            }
            if record["accepted"] and not is_solved(record):
                record["advice"] = _ANOTHER
            outcomes.append(Outcome(pattern.entry, images[place], support, record))
        return outcomes

    def _laid(self, batch: list[Pattern], result: Recovery) -> tuple[list[Tensor], list[dict[str, Any]]]:
        """Images without padding the right way round, and what was done to them and how well they fit the truth."""
        image = result.image.detach().cpu()
        if batch[0].truth is None:
            fixed = self.settings.support is not None and not isinstance(self.settings.support, str | int | tuple)
            shifts = torch.zeros(len(batch), self.dims, dtype=torch.long) if fixed else _to_the_middle(image, self.dims)
            moved = circular_shift(image, shifts)
            return list(moved), [{"shift": shift.tolist(), "flipped": False} for shift in shifts]
        truths = torch.stack([pattern.truth for pattern in batch if pattern.truth is not None])
        frame = tuple(image.shape[1:])
        targets = torch.stack([in_frame(truth, frame) for truth in truths])
        laid = align(image, targets.to(image.dtype), dims=self.dims)
        inside = (slice(None), *(slice(0, side) for side in truths.shape[1:]))
        shown = laid.image[inside]
        wide = torch.complex128 if shown.is_complex() else torch.float64
        exact, truth = shown.to(wide), truths.to(wide)
        peak = max(1.0, float(truth.abs().max()))
        errors = mean_squared_error(exact, truth, dims=self.dims)
        decibels = psnr(exact, truth, dims=self.dims, peak=peak)
        scores = [
            {"shift": laid.shift[k].tolist(), "flipped": bool(laid.flipped[k]), "psnr": float(decibels[k]),
             "mse": float(errors[k]), "correct": bool(decibels[k] >= _CORRECT)}
            for k in range(len(batch))
        ]  # fmt: skip
        return list(shown), scores

    def _framed(self, pattern: Pattern, outcome: Outcome) -> Tensor:
        return in_frame(outcome.image, tuple(pattern.values.shape))

    def _fail(self, entry: Entry, error: UndulaError) -> None:
        self._done += 1
        self.session.fail(entry.name, _naming(entry, in_words_of_the_command(str(error))))


def _naming(entry: Entry, reason: str) -> str:
    return reason if entry.source in reason else f"{entry.source}: {reason}"


def _stacked(masks: Sequence[Tensor | None], device: torch.device) -> Tensor | None:
    known = [mask for mask in masks if mask is not None]
    return torch.stack(known).to(device) if known else None


def _verdict(result: Recovery, place: int) -> dict[str, Any]:
    runs = result.run_residual.shape[-1]
    known: dict[str, Any] = {
        "residual": float(result.residual[place]),
        "accepted": bool(result.accepted[place]),
        "transforms": int(result.transforms[place]),
        "starts": int(result.starts[place]),
        "advice": in_words_of_the_command(result.advice[place]),
        "support_voxels": None if result.support is None else int(result.support[place].sum()),
    }
    if runs > 1:
        ratio = [float(value) for value in result.prtf[place]]
        known |= {
            "run_residuals": [float(value) for value in result.run_residual[place]],
            "run_accepted": [bool(value) for value in result.run_accepted[place]],
            "agreement": float(result.agreement[place]),
            "prtf": ratio,
            "resolution": resolution(ratio, side=max(result.image.shape[1:])),
        }
    return known


def resolution(prtf: Sequence[float], *, side: int) -> float | None:
    """Full period, in pixels, at which the transfer function first falls below 1/e; None if it stays above to the edge.

    Args:
        prtf: One value per ring of one frequency step; NaN where nothing was measured.
        side: Longest side of the frame, which makes a ring's frequency ring / side cycles per pixel.

    Example:
        >>> resolution([1.0, 1.0, 0.7, 0.1], side=8) is not None
        True
    """
    limit = float(np.exp(-1))
    known = [(ring, value) for ring, value in enumerate(prtf[: side // 2 + 1]) if np.isfinite(value) and ring]
    for (ring, value), (after, lower) in pairwise(known):
        if value >= limit > lower:
            return float(side / (ring + (after - ring) * (value - limit) / (value - lower)))
    return None


def _history(result: Recovery, place: int) -> list[list[int | float]]:
    """Rows (run, transforms, residual) of one item, at most about 200 of a run."""
    table = result.history.cpu()
    rows = table[table[:, 0] == place]
    step = -(-len(rows) // (200 * result.run_residual.shape[-1])) if len(rows) else 1
    return [[int(run), int(spent), float(f"{residual:.4g}")] for _, run, spent, residual in rows[::step].tolist()]


def _held_out_residuals(
    batch: list[Pattern], result: Recovery, settings: Settings, dims: int
) -> Float[Tensor, " n"] | None:
    held = _stacked([pattern.held for pattern in batch], torch.device("cpu"))
    if held is None or not held.flatten(1).any(dim=1).all():
        return None
    problem = read_problem(
        torch.stack([pattern.values for pattern in batch]),
        intensities=batch[0].given == "intensities",
        centered=batch[0].centered,
        norm=settings.norm,
        real=settings.field == "real",
        bounds=(None, None),
        measured=held,
        symmetrize=True,
    )
    blur = None if result.blur is None else result.blur.cpu()
    return with_blur(problem, blur).residual(result.image.cpu())


def _moved_mask(mask: Bool[Tensor, "*space"], score: dict[str, Any]) -> Bool[Tensor, "*space"]:
    """A support moved and turned as its image was."""
    turned = reverse(mask, dims=mask.ndim) if score["flipped"] else mask
    return circular_shift(turned[None], torch.tensor(score["shift"])[None])[0]


def _to_the_middle(image: Shaped[Tensor, "n *space"], dims: int) -> Tensor:
    """Shifts that bring the (circular) center of mass of |image|² to the middle, for the place is arbitrary anyway."""
    weight = image.abs().double().square()
    shifts = []
    for axis, length in enumerate(image.shape[1:]):
        others = tuple(1 + other for other in range(dims) if other != axis)
        marginal = weight.sum(dim=others) if others else weight
        angle = torch.arange(length, dtype=torch.float64) * (2 * torch.pi / length)
        center = torch.angle((marginal * torch.exp(1j * angle)).sum(dim=1)) * length / (2 * torch.pi)
        shifts.append((length // 2 - center).round().long())
    return torch.stack(shifts, dim=1)
