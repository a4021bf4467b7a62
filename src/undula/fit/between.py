"""What happens between two steps: a look at the numbers, a validation, a checkpoint, a word to the caller, an end."""

import math
import signal
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from undula.errors import TrainingError
from undula.fit.folder import RunFolder
from undula.fit.gauges import LOSS, NORM, mean_of_finite, refuse_infinite
from undula.fit.interruption import Interruption
from undula.fit.journal import Journal, read_history
from undula.fit.records import Check, Progress
from undula.fit.run import Run
from undula.fit.schedule import learning_rate
from undula.fit.step import split
from undula.fit.stopwatch import Stopwatch


class Between:
    """Looks after a run.

    Args:
        run: The run.
        folder: Where it is kept; None keeps nothing.
        validate: Maps the network to a value (and its named parts), smaller is better.
        callback: Told `(step, progress)` after every step, in the first process only.
        interruption: Signals that were held back.
    """

    def __init__(
        self,
        run: Run,
        *,
        folder: RunFolder | None,
        validate: Callable[[nn.Module], Any] | None,
        callback: Callable[[int, Progress], object] | None,
        interruption: Interruption,
    ) -> None:
        self._run, self._interruption = run, interruption
        self._validate, self._callback = validate, callback
        seconds = folder.resume() if folder else 0.0
        self.watch = Stopwatch(seconds=seconds, step=run.step)
        self.history = read_history(folder.path, until=run.step) if folder else []
        run.processes.agree_on(run.step)  # and all have read what was there before the first one writes
        self._folder = folder if run.processes.leads and not run.finished else None
        self._journal: Journal | None = None

    def __enter__(self) -> "Between":
        if self._folder:
            self._folder.clear_remains()
            if self._run.step == 0:  # what chance made of the first weights must be the same after a kill
                self._save()
            self._journal = Journal(self._folder.path, history=self.history)
        return self

    def __exit__(self, *_: object) -> None:
        if self._journal:
            self._journal.close()

    def after_step(self) -> None:
        """Do what is due.

        Raises:
            TrainingError: A loss, a gradient or a validation is NaN or infinite.
            DataError: A file cannot be written.
            KeyboardInterrupt: Ctrl-C was pressed; a checkpoint was written.
            SystemExit: SIGTERM came; a checkpoint was written.
        """
        run, check = self._run, None
        if run.plan.checks_after(run.step):
            check = self._look()
            if run.plan.saves_after(run.step) or run.stopped:
                self._save()
        number = self._agreed() if check else self._alone()
        try:
            self._tell(check)
            self._interruption.end(number)
        except (KeyboardInterrupt, SystemExit):
            self._refuse_infinite(run.gauges.table())  # only this process may be here: nothing to share
            self._save()
            if number is not None:
                run.processes.wait()
            raise

    def give_up(self) -> None:
        """Put the weights of the last good look into the network and the folder."""
        self._run.hand_out(self._run.good)
        if self._folder:
            self._folder.write_weights(self._run.good, step=self._run.good_step)

    def _save(self) -> None:
        if self._folder:
            self._folder.save(seconds=self.watch.seconds())

    def _agreed(self) -> int | None:
        """The signal that any of the processes got: all end after the same step."""
        mine = self._interruption.pending
        share = float(self._run.processes.mean(torch.tensor(float(mine is not None))))
        return mine or (signal.SIGTERM if share else None)

    def _alone(self) -> int | None:
        return self._interruption.pending if self._run.processes.count == 1 else None

    def _tell(self, check: Check | None) -> None:
        run = self._run
        if self._callback is None or not run.processes.leads:
            return
        pace = self.watch.pace(run.step)
        progress = Progress(
            step=run.step,
            steps=run.plan.steps,
            loss=self.history[-1].loss if self.history else None,
            rate=learning_rate(run.plan, run.step - 1),
            examples_per_second=pace * run.examples,
            seconds_left=(run.plan.steps - run.step) / pace,
            check=check,
        )
        self._callback(run.step, progress)

    def _look(self) -> Check:
        run = self._run
        table = run.processes.mean(run.gauges.table()).cpu()
        self._refuse_infinite(table)
        run.gauges.clear()
        run.keep_good()
        value, parts = self._validated()
        check = Check(
            step=run.step,
            loss=float(table[:, LOSS].double().mean()),
            parts=dict(zip(run.gauges.parts or (), map(mean_of_finite, table[:, NORM + 1 :].T), strict=True)),
            rate=learning_rate(run.plan, run.step - 1),
            gradient_norm=mean_of_finite(table[:, NORM]),
            seconds=self.watch.seconds(),
            examples_per_second=self.watch.lap(run.step) * run.examples,
            validation=value,
            validation_parts=parts,
        )
        self.history.append(check)
        if self._journal:
            self._journal.write(check)
        return check

    def _refuse_infinite(self, table: torch.Tensor) -> None:
        run = self._run
        scaled = run.plan.precision == "float16"
        refuse_infinite(table, first=run.step - len(table) + 1, kept=run.good_step, scaled=scaled)

    def _validated(self) -> tuple[float | None, Mapping[str, float]]:
        run = self._run
        if self._validate is None or not run.plan.validates_after(run.step):
            return None, {}
        run.network.eval()
        with run.averages.in_place(), torch.no_grad():
            value, parts = split(self._validate(run.network))
        run.network.train()
        numbers = torch.tensor([float(number) for number in (value, *parts.values())], dtype=torch.float64)
        mean, *means = run.processes.mean(numbers).tolist()
        if not math.isfinite(mean):
            raise TrainingError(
                f"got the validation {mean} at step {run.step}, expected a finite number: look at the examples it takes",
                step=run.step,
            )
        run.judge(mean)
        return mean, dict(zip(parts, means, strict=True))
