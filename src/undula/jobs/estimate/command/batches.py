"""Signals that are alike are fitted in one batch, as many at a time as memory holds whatever their number."""

from collections.abc import Callable, Sequence

import torch

from undula.errors import UndulaError
from undula.jobs.estimate.command.inputs import Loaded, Task
from undula.jobs.estimate.result import Modes

MOST, NUMBERS = 256, 2**22  # signals, and samples of all of them, in one batch
Fit = Callable[[Loaded], Modes]


class Batches:
    """Gives tasks with their modes, in the order in which they come, and reads ahead of them.

    A task that cannot be read or fitted raises when its own turn comes.
    """

    def __init__(self, tasks: Sequence[Task], fit: Fit, *, starts: bool, moved: bool) -> None:
        """Begin.

        Args:
            tasks: All that are to be done, in their order.
            fit: Fits a signal, or several of one form stacked in front.
            starts: Whether several starts are scanned: those are a batch of their own.
            moved: Whether the clock matters, so that only signals beginning alike go together.
        """
        self._places = {task.name: place for place, task in enumerate(tasks)}
        self._tasks, self._fit, self._starts, self._moved = list(tasks), fit, starts, moved
        self._found: dict[str, tuple[Loaded, Modes]] = {}
        self._ahead: dict[str, Loaded] = {}

    def take(self, task: Task) -> tuple[Loaded, Modes]:
        """One signal and its modes.

        Args:
            task: Whose turn it is.

        Raises:
            UndulaError: It cannot be read or fitted.
        """
        if task.name not in self._found:
            group = self._alike(task)
            try:
                self._found |= self._fitted(group)
            except UndulaError:
                if len(group) == 1:
                    raise
                self._found |= self._fitted(group[:1])
        return self._found.pop(task.name)

    def _alike(self, task: Task) -> list[tuple[Task, Loaded]]:
        """The task and those behind it that can be fitted along."""
        first = self._ahead.pop(task.name, None) or task.load()
        group = [(task, first)]
        most = 1 if self._starts else min(MOST, NUMBERS // first.samples.numel())
        for other in self._tasks[self._places[task.name] + 1 :][: most - 1]:
            try:
                loaded = other.load()
            except UndulaError:
                break
            if not self._goes_with(first, loaded):
                self._ahead = {other.name: loaded}
                break
            group.append((other, loaded))
        return group

    def _goes_with(self, first: Loaded, other: Loaded) -> bool:
        """Whether both have one form, one clock where it matters, and noise of which no more than a number is known."""
        same = (first.samples.shape, first.samples.dtype, first.rate) == (
            other.samples.shape,
            other.samples.dtype,
            other.rate,
        )
        same &= first.times is None and other.times is None
        same &= first.begin == other.begin or not self._moved
        same &= isinstance(first.noise, float | str | None) and isinstance(other.noise, float | str | None)
        return same and first.noise == other.noise and _whole(first) == _whole(other)

    def _fitted(self, group: list[tuple[Task, Loaded]]) -> dict[str, tuple[Loaded, Modes]]:
        (task, first), *others = group
        if not others:
            return {task.name: (first, self._fit(first))}
        stacked = torch.stack([loaded.samples for _, loaded in group])
        modes = self._fit(first.holding(stacked))
        return {task.name: (loaded, item) for (task, loaded), item in zip(group, modes.items(), strict=True)}


def _whole(loaded: Loaded) -> bool:
    return not bool(loaded.samples.isnan().any())
