"""Trains in children that are killed, and again until each is through; called with a folder to fill.

Children are forked, so that torch is loaded once. Every kill has a subfolder of its own.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from small import UNEVEN, denoiser, error, error_of_others, pictures

from undula.fit import train

Hook = Callable[[], None]


def training(folder: Path, callback: Callable[[int, object], None] | None = None) -> None:
    """The training that is killed."""
    train(denoiser(), pictures, error, plan=UNEVEN, folder=folder, validate=error_of_others, callback=callback)


def child(work: Callable[[], object]) -> int:
    """Do something in a child and return how it ended: 0, or the signal below zero."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, of which there are none yet
    number = os.fork()
    if number == 0:
        try:
            work()
        except BaseException as problem:
            print(repr(problem), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def die() -> None:
    """The end that no program hears."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at_write(folder: Path, count: int, *, named: bool) -> Hook:
    """Train until the `count`-th file is written, and die before or after it gets its name."""

    def work() -> None:
        left, replace = [count], Path.replace

        def counted(self: Path, target: Path) -> Path:
            left[0] -= 1
            if left[0] == 0:
                if named:
                    replace(self, target)
                die()
            return replace(self, target)

        Path.replace = counted
        training(folder)

    return work


def dying_in_a_line(folder: Path) -> None:
    """Die with half a line of metrics on the disk."""

    def callback(step: int, _: object) -> None:
        if step == 19:
            with (folder / "metrics.jsonl").open("a") as file:
                file.write('{"step": 20, "lo')
            die()

    training(folder, callback)


def dying_at_step(folder: Path, last: int) -> Hook:
    """Train until a step is done."""
    return lambda: training(folder, lambda step, _: die() if step == last else None)


def kills(place: Path) -> dict[Path, list[Hook]]:
    """Folders and what happens in them one after the other."""
    plans: dict[Path, list[Hook]] = {}
    # The first checkpoint and journal, a save without new best weights, and one with them: seven files.
    for count, named in [*((count, False) for count in range(1, 8)), (7, True)]:
        folder = place / f"write-{count}-{named}"
        plans[folder] = [dying_at_write(folder, count, named=named)]
    plans[place / "line"] = [lambda: dying_in_a_line(place / "line")]
    twice = place / "twice"
    plans[twice] = [
        dying_at_step(twice, 3),
        dying_at_step(twice, 5),
        dying_at_write(twice, 3, named=False),
        dying_at_step(twice, 39),
    ]
    return plans


if __name__ == "__main__":
    training(Path(sys.argv[1]) / "first")  # what torch loads on the way is there before the forks
    for folder, hooks in kills(Path(sys.argv[1])).items():
        for hook in hooks:
            ended = child(hook)
            assert ended == -signal.SIGKILL, f"{folder.name} ended with {ended}, expected a kill"
        assert child(lambda folder=folder: training(folder)) == 0, folder.name
