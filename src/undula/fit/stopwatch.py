"""Time and pace of a training."""

import time
from collections.abc import Callable


class Stopwatch:
    """Time and pace.

    Args:
        seconds: Seconds of earlier runs.
        step: Steps done in them.
        clock: Gives seconds.
    """

    def __init__(self, *, seconds: float, step: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._earlier, self._begin = clock, seconds, clock()
        self._first, self._last = step, (step, self._begin)

    def seconds(self) -> float:
        """Return the time spent, earlier runs included."""
        return self._earlier + self._clock() - self._begin

    def pace(self, step: int) -> float:
        """Return steps per second since the beginning of this run.

        Args:
            step: Steps done.
        """
        return (step - self._first) / max(self._clock() - self._begin, 1e-9)

    def lap(self, step: int) -> float:
        """Return steps per second since the last lap.

        Args:
            step: Steps done.
        """
        (before, then), now = self._last, self._clock()
        self._last = (step, now)
        return (step - before) / max(now - then, 1e-9)
