"""The folder of a training: what an earlier run left, and what this one writes."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from undula.data.atomic import make_folder
from undula.data.refusal import quoted, reading
from undula.errors import DataError
from undula.fit.checkpoints import BEST, CHECKPOINT, WEIGHTS, differences, read_tensors, write_tensors
from undula.fit.journal import METRICS
from undula.fit.run import Run
from undula.fit.weights import Weights


class RunFolder:
    """Keeps the checkpoint of a run and its weights in a folder.

    Args:
        path: The folder; it is made if it is not there.
        run: The run.
        settings: What decides the result besides the plan, compared with the checkpoint's.

    Raises:
        DataError: It cannot be made.
    """

    def __init__(self, path: str | Path, *, run: Run, settings: Mapping[str, Any]) -> None:
        self.path = make_folder(path)
        self._run = run
        self._identity = run.plan.facts(processes=run.processes.count)
        self._identity |= {f"setting {key}": value for key, value in settings.items()}
        self._best_written: int | None = None

    def resume(self) -> float:
        """Take up what an earlier run left.

        Returns:
            Seconds that it took so far; 0 where there is none.

        Raises:
            DataError: The folder holds a run of another plan or network, a damaged checkpoint, or other weights.
        """
        path = self.path / CHECKPOINT
        if not path.exists():
            self._refuse_others()
            return 0.0
        tensors, facts = read_tensors(path)
        with reading(path, "a checkpoint of this training"):
            found, seconds = dict(facts["identity"]), float(facts["seconds"])
        self._refuse_another(found)
        with reading(path, "a checkpoint of this training"):
            self._run.restore(tensors, facts)
        return seconds

    def save(self, *, seconds: float) -> None:
        """Write the weights, and last the checkpoint, with which they count.

        Args:
            seconds: Time spent so far.

        Raises:
            DataError: Something cannot be written; the checkpoint before stays.
        """
        run = self._run
        if run.step:
            self.write_weights(run.present(), step=run.step)
        if run.best.weights and self._best_written != run.best.step:
            best = {"step": run.best.step, "validation": run.best.value}
            write_tensors(self.path / BEST, run.whole(run.best.weights), best)
            self._best_written = run.best.step
        facts = {**run.facts(), "identity": self._identity, "seconds": seconds}
        write_tensors(self.path / CHECKPOINT, run.tensors(), facts)

    def write_weights(self, weights: Weights, *, step: int) -> None:
        """Write (averaged) weights as the last ones.

        Args:
            weights: What `Run.present` returned.
            step: Steps done then.

        Raises:
            DataError: They cannot be written.
        """
        write_tensors(self.path / WEIGHTS, self._run.whole(weights), {"step": step})

    def clear_remains(self) -> None:
        """Remove half-written files of a run that was killed."""
        for name in (CHECKPOINT, WEIGHTS, BEST, METRICS):
            for path in self.path.glob(f".{name}.*.part"):
                with suppress(OSError):
                    path.unlink()

    def _refuse_others(self) -> None:
        for name in (WEIGHTS, BEST, METRICS):
            if (self.path / name).exists():
                raise DataError(
                    f"got the folder {quoted(self.path)} with {name} and no checkpoint, expected an empty folder "
                    "or one of this training: choose another folder"
                )

    def _refuse_another(self, found: Mapping[str, Any]) -> None:
        unlike = differences(self._identity, found)
        if unlike:
            longer = " (the rate falls towards its last step, so a longer training is another one)"
            raise DataError(
                f"got a training with {'; '.join(unlike)} as in the checkpoint in {quoted(self.path)}, expected the "
                f"same{longer if 'steps=' in unlike[0] else ''}: choose another folder, or begin with its weights there"
            )
