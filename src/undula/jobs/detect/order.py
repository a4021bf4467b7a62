"""Which example has which number: every run through all of them in an order of its own."""

import torch
from jaxtyping import Int
from torch import Tensor


class Order:
    """Maps numbers 0, 1, 2, … to examples, so that every `count` of them are all examples once.

    Args:
        count: Number of examples.
        seed: Another seed makes other orders.

    Example:
        >>> sorted(Order(4, seed=0)(torch.arange(4, 8)).tolist())
        [0, 1, 2, 3]
    """

    def __init__(self, count: int, *, seed: int) -> None:
        self._count, self._seed = count, seed
        self._round, self._order = -1, torch.empty(0, dtype=torch.long)

    def __call__(self, numbers: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Return the examples of rising numbers.

        Args:
            numbers: Numbers from 0 on.
        """
        rounds, places = numbers // self._count, numbers % self._count
        found = [self._orders(one)[places[rounds == one]] for one in sorted(set(rounds.tolist()))]
        return torch.cat(found)

    def _orders(self, number: int) -> Tensor:
        if number != self._round:
            generator = torch.Generator().manual_seed(self._seed * 100_003 + number)
            self._round, self._order = number, torch.randperm(self._count, generator=generator)
        return self._order
