"""Losses and gradient norms, kept on the device until somebody looks: reading a number stops a GPU."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, TrainingError

LOSS, NORM = 0, 1  # columns; the parts of the loss follow


class Gauges:
    """One row per step: loss, gradient norm, parts of the loss."""

    def __init__(self) -> None:
        self.parts: tuple[str, ...] | None = None
        self._rows: list[Tensor] = []

    def add(self, loss: Tensor, norm: Tensor, parts: Mapping[str, Tensor]) -> None:
        """Keep the numbers of a step.

        Args:
            loss: Its loss.
            norm: Norm of its gradient.
            parts: Further numbers by name, the same names in every step.

        Raises:
            OptionError: The names differ from those of the step before.
        """
        if self.parts is None:
            self.parts = tuple(parts)
        if self.parts != tuple(parts):
            raise OptionError(
                f"got the parts {', '.join(parts)} of the loss, expected {', '.join(self.parts)} "
                "as before: name the same parts in every step"
            )
        self._rows.append(torch.stack([value.detach().float() for value in (loss, norm, *parts.values())]))

    def table(self) -> Float[Tensor, "steps gauges"]:
        """All rows since the last `clear`, on their device."""
        return torch.stack(self._rows) if self._rows else torch.zeros(0, 2)

    def restore(self, table: Tensor, parts: Sequence[str] | None) -> None:
        """Go on from what `table` returned.

        Args:
            table: The rows.
            parts: Names of the parts, None where no step was done.
        """
        self._rows = list(table.unbind())
        self.parts = None if parts is None else tuple(parts)

    def clear(self) -> None:
        """Forget the rows."""
        self._rows = []


def refuse_infinite(table: Float[Tensor, "steps gauges"], *, first: int, kept: int, scaled: bool) -> None:
    """Stop where a loss or a gradient is NaN or infinite.

    Args:
        table: Rows of `Gauges`.
        first: Number of the step in the first row, from 1.
        kept: Step whose weights are kept, which the message names.
        scaled: Whether the loss was scaled (float16): then a gradient may overflow, and the step is skipped.

    Raises:
        TrainingError: It names the first such step.
    """
    columns = table[:, : LOSS + 1] if scaled else table[:, : NORM + 1]
    bad = (~columns.isfinite()).nonzero().tolist()
    if bad:
        row, column = bad[0]
        what = "loss" if column == LOSS else "gradient norm"
        raise TrainingError(
            f"got the {what} {float(table[row, column])} at step {first + row}, expected finite numbers: "
            "lower the rate, warm up longer, clip the gradient, or look at the examples of that step; the network "
            f"holds the weights of step {kept}",
            step=first + row,
        )


def mean_of_finite(column: Float[Tensor, " steps"]) -> float | None:
    """Mean over the finite values, None where there is none.

    Args:
        column: Values of the steps.

    Returns:
        The mean.

    Example:
        >>> mean_of_finite(torch.tensor([1.0, float("inf"), 3.0]))
        2.0
    """
    finite = column[column.isfinite()].double()
    return float(finite.mean()) if len(finite) else None
