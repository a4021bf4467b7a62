"""The exponential moving average of the weights."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from undula.fit.plan import Plan
from undula.fit.schedule import average_decay


class Averages:
    """Moving averages a ← d a + (1 - d) w of the trained weights; of buffers the newest values are taken.

    Args:
        parameters: The weights w by name; their present values begin the averages.
        plan: Its decay d; 0 keeps no averages.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], *, plan: Plan) -> None:
        self._plan = plan
        self._weights = [value.detach() for value in parameters.values()] if plan.ema else []
        self.tensors: dict[str, Tensor] = {}
        if plan.ema:
            self.tensors = {name: value.detach().clone() for name, value in parameters.items()}

    def update(self, step: int) -> None:
        """Take the weights in.

        Args:
            step: Steps done before the one that made these weights.
        """
        if self.tensors:
            keep = average_decay(self._plan, step)
            average = get_ema_multi_avg_fn(keep)  # type: ignore[no-untyped-call]
            average(list(self.tensors.values()), self._weights, step)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the averages into the network while the block runs, and the weights into their place."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for average, weight in zip(self.tensors.values(), self._weights, strict=True):
            kept = weight.clone()
            weight.copy_(average)
            average.copy_(kept)
