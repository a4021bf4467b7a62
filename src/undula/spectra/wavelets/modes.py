"""Boundary modes: what stands beyond the ends of a signal, as sums of a few of its samples."""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, get_args

import torch

from undula.errors import OptionError

Mode = Literal[
    "zero",
    "constant",
    "symmetric",
    "periodic",
    "smooth",
    "periodization",
    "reflect",
    "antisymmetric",
    "antireflect",
    "boundary",
]
MODES: tuple[Mode, ...] = get_args(Mode)
PADDING_MODES: tuple[Mode, ...] = MODES[:-1]
_SHORT: dict[str, Mode] = {
    "zpd": "zero",
    "cpd": "constant",
    "sym": "symmetric",
    "ppd": "periodic",
    "sp1": "smooth",
    "per": "periodization",
    "asym": "antisymmetric",
    "asp": "antireflect",
}

# The order of the enumeration `pywt.Modes`.
_PYWT_ORDER: tuple[Mode, ...] = (
    "zero",
    "symmetric",
    "constant",
    "smooth",
    "periodic",
    "periodization",
    "reflect",
    "antisymmetric",
    "antireflect",
)

Sum = tuple[tuple[int, float], ...]
"""A sample beyond the ends: indices of samples and their weights; empty for zero."""


@dataclass(frozen=True)
class Extension:
    """How an axis of n samples is extended.

    Attributes:
        left: Samples before the first one.
        right: Samples behind the last one.
        sums: What each of them is, the left ones first, in the order of their places.
    """

    left: int
    right: int
    sums: tuple[Sum, ...]

    @property
    def zero(self) -> bool:
        """Whether there are zeros only."""
        return not any(self.sums)


def read_mode(mode: Any) -> Mode:
    """The mode of a name, a short name of PyWavelets ("per", "sym", …) or an entry of `pywt.Modes`.

    Raises:
        OptionError: No such mode; the nearest names are told.
    """
    if isinstance(mode, str):
        if mode in MODES:
            return mode
        if mode in _SHORT:
            return _SHORT[mode]
        near = get_close_matches(mode, MODES, n=3, cutoff=0.4)
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise OptionError(f"got mode {mode!r}, expected one of {', '.join(MODES)}{hint}")
    if isinstance(mode, int) and not isinstance(mode, bool) and 0 <= mode < len(_PYWT_ORDER):
        return _PYWT_ORDER[mode]
    raise OptionError(f"got mode {mode!r} of type {type(mode).__name__}, expected one of {', '.join(MODES)}")


def read_modes(mode: Any, *, axes: int) -> tuple[Mode, ...]:
    """One mode per axis, from one for all or a tuple of modes.

    Raises:
        OptionError: No such mode, or a tuple with another number of modes than axes.
    """
    if isinstance(mode, tuple | list):
        if len(mode) not in (1, axes):
            raise OptionError(f"got {len(mode)} modes for {axes} axes, expected one for all or one per axis")
        modes = tuple(read_mode(each) for each in mode)
        return modes * axes if len(modes) == 1 else modes
    return (read_mode(mode),) * axes


def extension(n: int, left: int, right: int, mode: Mode) -> Extension:
    """Samples at -left … -1 and n … n + right - 1 of a signal of n samples, of any length.

    Args:
        n: Number of samples, at least 1.
        left: Samples wanted before the first one.
        right: Samples wanted behind the last one.
        mode: Any mode but "boundary", which does not extend.

    Returns:
        The extension; an odd signal in mode "periodization" repeats its last sample first, so that its period is even.
    """
    if torch.compiler.is_compiling():  # what is traced cannot be kept
        return _extension(n, left, right, mode)
    return _kept_extension(n, left, right, mode)


def _extension(n: int, left: int, right: int, mode: Mode) -> Extension:
    places = [*range(-left, 0), *range(n, n + right)]
    if mode == "boundary":
        mode = "zero"
    return Extension(left, right, tuple(_RULES[mode](place, n) for place in places))


_kept_extension = lru_cache(maxsize=4096)(_extension)


def _zero(t: int, n: int) -> Sum:
    return ()


def _constant(t: int, n: int) -> Sum:
    return ((min(max(t, 0), n - 1), 1.0),)


def _periodic(t: int, n: int) -> Sum:
    return ((t % n, 1.0),)


def _periodization(t: int, n: int) -> Sum:
    return ((min(t % (n + n % 2), n - 1), 1.0),)


def _symmetric(t: int, n: int) -> Sum:
    t %= 2 * n
    return ((min(t, 2 * n - 1 - t), 1.0),)


def _antisymmetric(t: int, n: int) -> Sum:
    return ((_symmetric(t, n)[0][0], -1.0 if (t // n) % 2 else 1.0),)


def _reflect(t: int, n: int) -> Sum:
    period = max(1, 2 * (n - 1))
    t %= period
    return ((min(t, period - t) if n > 1 else 0, 1.0),)


def _smooth(t: int, n: int) -> Sum:
    """The straight line through the two samples at that end; a level one where there is one sample."""
    if n == 1:
        return ((0, 1.0),)
    if t < 0:
        return ((0, 1.0 - t), (1, float(t)))
    beyond = t - (n - 1)
    return ((n - 1, 1.0 + beyond), (n - 2, -float(beyond)))


def _antireflect(t: int, n: int) -> Sum:
    """Odd about either end sample: after two lengths the signal is the same but for twice its rise."""
    if n == 1:
        return ((0, 1.0),)
    period = 2 * (n - 1)
    turns, place = divmod(t, period)
    terms = {n - 1: 2.0 * turns, 0: -2.0 * turns}
    if place <= n - 1:
        terms[place] = terms.get(place, 0.0) + 1.0
    else:
        terms[n - 1] += 2.0
        terms[period - place] = terms.get(period - place, 0.0) - 1.0
    return tuple((index, weight) for index, weight in terms.items() if weight)


_RULES = {
    "zero": _zero,
    "constant": _constant,
    "symmetric": _symmetric,
    "periodic": _periodic,
    "smooth": _smooth,
    "periodization": _periodization,
    "reflect": _reflect,
    "antisymmetric": _antisymmetric,
    "antireflect": _antireflect,
}
