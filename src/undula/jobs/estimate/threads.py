"""Parts of a batch side by side, a thread for each that torch may use: the tables are too small for torch's own."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

LEAST = 512
"""Signals of one wave in a part: with fewer, the calls take longer than the numbers."""

Part = TypeVar("Part")
Found = TypeVar("Found")


def side_by_side(work: Callable[[Part], Found], parts: Iterable[Part], *, like: Tensor) -> list[Found]:
    """What the work gives for every part, in their order.

    Args:
        work: From a part to what is found in it; it must not ask for gradients.
        parts: Any number.
        like: A tensor of the batch: only those of the central processor are worked on side by side.
    """
    each, threads = list(parts), torch.get_num_threads()
    if threads == 1 or len(each) == 1 or like.device.type != "cpu":
        return [work(part) for part in each]

    def alone(part: Part) -> Found:
        with torch.no_grad():
            return work(part)

    # torch.set_num_threads holds for the thread that calls it; the last call also for threads that begin later.
    with ThreadPoolExecutor(min(threads, len(each)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            return list(pool.map(alone, each))
        finally:
            torch.set_num_threads(threads)


def shares(number: int, *, most: int, like: Tensor) -> tuple[Tensor, ...]:
    """Numbers of the signals in parts for the threads there are, of `LEAST` to `most` signals.

    Args:
        number: How many signals.
        most: Signals of the largest part.
        like: A tensor of the batch.
    """
    threads = torch.get_num_threads() if like.device.type == "cpu" else 1
    size = min(most, max(LEAST, -(-number // threads)))
    return torch.split(torch.arange(number, device=like.device), size)
