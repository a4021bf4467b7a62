"""Ctrl-C and SIGTERM end a training between two steps, when everything that is kept belongs to one step."""

import signal
import threading
from types import FrameType
from typing import Any


class Interruption:
    """Holds signals back while a `with` block runs; a second one is let through at once.

    Outside the main thread nothing is held back: signals do not arrive there.

    Args:
        together: Whether several processes must end at the same step: then no signal is let through before `end`.
    """

    def __init__(self, *, together: bool = False) -> None:
        self.pending: int | None = None
        self._together = together
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.getsignal(number)
                if before not in (None, signal.SIG_IGN):  # a process that ignores a signal goes on ignoring it
                    self._before[number] = before
                    signal.signal(number, self._hold)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        if kind is None:
            self.end(self.pending)  # it came too late to end anything, but not too late to be heard

    def end(self, number: int | None) -> None:
        """Let a signal take effect as if it came now.

        Args:
            number: The signal; None does nothing.

        Raises:
            KeyboardInterrupt: For Ctrl-C, unless the host handles that itself.
            SystemExit: With status 143 for SIGTERM, unless the host handles that itself.
        """
        if number is not None:
            self.pending = None
            self._pass_on(number, None)

    def _hold(self, number: int, frame: FrameType | None) -> None:
        if self.pending is None or self._together:
            self.pending = number
        else:
            self._pass_on(number, frame)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        before = self._before.get(number, signal.SIG_DFL)
        if callable(before):
            before(number, frame)
        elif number == signal.SIGTERM:
            raise SystemExit(128 + number)
        else:
            raise KeyboardInterrupt
