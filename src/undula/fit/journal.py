"""What is written down about a training: a line of JSON per look, and TensorBoard where it is installed."""

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from undula.data.atomic import atomic_text
from undula.data.plain import plain
from undula.data.refusal import one_line, quoted, reading
from undula.errors import DataError
from undula.fit.records import Check

METRICS = "metrics.jsonl"


def read_history(folder: Path, *, until: int) -> list[Check]:
    """Read the looks of an earlier run.

    Args:
        folder: Its folder.
        until: Last step to read: what came after the checkpoint will come again.

    Returns:
        The looks; a line that was cut off is left out.
    """
    path = folder / METRICS
    history = []
    if path.is_file():
        with reading(path, "lines of JSON"):
            lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines:
            with suppress(ValueError, TypeError):
                history.append(Check(**json.loads(line)))
    return [check for check in history if check.step <= until]


class Journal:
    """Writes looks into a folder.

    Args:
        folder: The folder.
        history: Looks that are kept of what it holds.

    Raises:
        DataError: The folder cannot be written.
    """

    def __init__(self, folder: Path, *, history: list[Check]) -> None:
        self._path = folder / METRICS
        atomic_text(self._path, "".join(map(_line, history)))
        self._board = _open_board(folder / "tensorboard", after=history[-1].step if history else 0)
        self._file: IO[str] = self._path.open("a", encoding="utf-8")

    def write(self, check: Check) -> None:
        """Add a look.

        Args:
            check: The look.

        Raises:
            DataError: It cannot be written.
        """
        try:
            self._file.write(_line(check))
            self._file.flush()
            for name, value in _curves(check).items():
                if self._board is not None and value is not None:
                    self._board.add_scalar(name, value, check.step)
        except OSError as error:
            raise DataError(
                f"got {quoted(self._path)}, which cannot be written ({one_line(error)}), expected a folder with "
                "room: make room and start again, the last checkpoint is kept"
            ) from error

    def close(self) -> None:
        """Close the files."""
        with suppress(OSError):  # a full disk was reported by `write`
            self._file.close()
            if self._board is not None:
                self._board.close()


def _line(check: Check) -> str:
    return json.dumps(plain(asdict(check)), allow_nan=False) + "\n"


def _curves(check: Check) -> dict[str, float | None]:
    curves = {"loss": check.loss, "rate": check.rate, "gradient norm": check.gradient_norm}
    curves["examples per second"] = check.examples_per_second
    if check.validation is not None:
        curves["validation"] = check.validation
    curves |= {f"loss/{name}": value for name, value in check.parts.items()}
    return curves | {f"validation/{name}": value for name, value in check.validation_parts.items()}


def _open_board(folder: Path, *, after: int) -> Any:
    """TensorBoard's writer, or None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    # What an earlier run wrote beyond its checkpoint is hidden.
    return SummaryWriter(folder, purge_step=after + 1)
