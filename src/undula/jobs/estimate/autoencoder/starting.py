"""Starts of `estimate` that an autoencoder finds: its frequencies and decay times; amplitudes follow by least squares."""

from collections.abc import Callable
from pathlib import Path

from jaxtyping import Complex
from torch import Tensor

from undula.errors import OptionError
from undula.jobs.estimate.autoencoder.examination import poles_of
from undula.jobs.estimate.autoencoder.model import DampedAutoencoder
from undula.jobs.estimate.record import Record

Starter = Callable[[Record, int], Tensor]


def learned_starts(
    weights: "DampedAutoencoder | str | Path | None", record: Record, orders: tuple[int, ...]
) -> Starter:
    """What proposes starts for these signals.

    Args:
        weights: An autoencoder, the folder of one, or None for those that come with Undula.
        record: The signals.
        orders: Numbers of components that will be asked for.

    Returns:
        A function of signals and a number of components that gives one set of poles per signal.

    Raises:
        OptionError: Signals or components that the autoencoder was not trained for.
        DataError: The folder holds no autoencoder.
    """
    known = DampedAutoencoder.load(weights) if isinstance(weights, str | Path) else weights
    asked = [order for order in orders if order > 0]
    chosen = {order: known or DampedAutoencoder.pretrained(order) for order in asked}
    for order, one in chosen.items():
        if one.prior.components != order:
            raise OptionError(
                f"got an autoencoder of {one.prior.components} components, expected one of {order}: say "
                f"components={one.prior.components}, or train another one"
            )
        _check(record, one.prior.samples)

    def starts(some: Record, components: int) -> Complex[Tensor, "n 1 p"]:
        found = chosen[components].encode(some.values[:, 0])
        return poles_of(found, some.times.shape[1] - 1.0)[:, None]

    return starts


def _check(record: Record, samples: int) -> None:
    kinds = {
        "complex signals": not record.real,
        "uneven sampling": not record.step,
        "gaps": record.weights is not None,
        "colored noise": record.whitener is not None,
        "shared modes": record.values.shape[1] > 1,
        f"{record.times.shape[1]} samples": record.times.shape[1] != samples,
    }
    for kind, is_so in kinds.items():
        if is_so:
            raise OptionError(
                f'got method="autoencoder" with {kind}, expected {samples} real samples in even steps without gaps, for which '
                'it was trained: take method="auto", or train another one'
            )
