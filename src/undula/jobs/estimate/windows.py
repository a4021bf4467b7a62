"""Which samples are fitted: from one start on, or from each of several, as many of each."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, RangeError


@dataclass(frozen=True)
class Windows:
    """Stretches of one length.

    Attributes:
        starts: The moments in seconds.
        firsts: First sample of each.
        length: Samples of each.
        several: Whether several starts were asked for.
    """

    starts: tuple[float, ...]
    firsts: tuple[int, ...]
    length: int
    several: bool


def read_windows(start: Any, duration: Any, moments: Float[Tensor, " t"], *, step: float) -> Windows:
    """Find the samples behind every start.

    Args:
        start: Seconds, a number or several.
        duration: Seconds behind a start that are used, None for all.
        moments: Times of the samples.
        step: Seconds between samples, 0.0 where it varies.

    Raises:
        RangeError: A start or a duration that means nothing.
        OptionError: Several starts of uneven sampling.
    """
    several = np.ndim(start) > 0
    starts = tuple(float(each) for each in np.atleast_1d(np.asarray(start, dtype=np.float64)).ravel())
    first, last = float(moments[0]), float(moments[-1])
    wrong = [each for each in starts if not first - 1e-12 <= each < last]
    if wrong or not starts:
        raise RangeError(
            f"got start={wrong[0] if wrong else start}, expected a moment of the record, {first:g} … {last:g} s"
        )
    if duration is not None and not (np.ndim(duration) == 0 and 0 < duration < math.inf):
        raise RangeError(f"got duration={duration}, expected seconds above 0, or None for all that follows")
    if several and not step:
        raise OptionError(f"got {len(starts)} starts and uneven sampling, expected one start: call it for each")
    slack = 1e-9 * (last - first) if not step else 1e-3 * step
    firsts = tuple(int((moments < each - slack).sum()) for each in starts)
    end = math.inf if duration is None else duration - slack
    lengths = [int((moments[place:] < each + end).sum()) for place, each in zip(firsts, starts, strict=True)]
    return Windows(starts, firsts, min(lengths), several)
