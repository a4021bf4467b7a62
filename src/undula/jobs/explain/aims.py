"""What a map is about, as text: `mean`, `class:3`, `band:0.25-0.5`, `octaves`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from undula.attribution import Class, FourierBand, Mean, Norm, PacketBand, Pixel, Region, fourier_bands, packet_bands
from undula.attribution.targets import Target, in_words
from undula.errors import OptionError

Aim: TypeAlias = Target | str | Sequence[Target | str] | None

WORDS = ("mean", "norm", "class:3", "pixel:10,20", "region:0,0,32,32", "band:0.25-0.5", "octaves", "packets:2")
"""The texts, by example."""


@dataclass(frozen=True)
class Aims:
    """The targets of one call.

    Attributes:
        targets: One target per map; None has one chosen.
        bands: Short names of the maps, where there are several; else empty.
    """

    targets: tuple[Target | None, ...]
    bands: tuple[str, ...] = ()


def read_aims(target: Aim) -> Aims:
    """Read what the caller wants explained.

    Args:
        target: A target, its text, several of them, or None.

    Returns:
        The targets, and their names where they are several.

    Raises:
        OptionError: A text that means nothing, or no target at all.

    Example:
        >>> read_aims("octaves").bands[:2]
        ('0 … 1/32', '1/32 … 1/16')
        >>> str(read_aims("region:0,0,8,16").targets[0])
        'mean of the output in [0:8, 0:16]'
    """
    if target is None:
        return Aims((None,))
    several = isinstance(target, Sequence) and not isinstance(target, str)
    given: list[Any] = list(target) if several else [target]  # type: ignore[arg-type]
    if not given:
        raise OptionError("got no targets, expected at least one: leave target out for the mean of the output")
    found = [one for each in given for one in _read(each)]
    if not several and len(found) == 1:
        return Aims((found[0],))
    return Aims(tuple(found), tuple(_short(each) for each in found))


def _read(target: Target | str) -> list[Target]:
    if not isinstance(target, str):
        return [target]
    word, _, rest = target.strip().partition(":")
    known = _READERS.get(word)
    if known is None:
        raise _unknown(target)
    try:
        return known(rest)
    except ValueError as error:
        if isinstance(error, OptionError):
            raise
        raise _unknown(target) from error


def _bare(make: Callable[[], list[Target]]) -> Callable[[str], list[Target]]:
    def read(rest: str) -> list[Target]:
        if rest:
            raise ValueError("nothing may follow")
        return make()

    return read


def _read_class(rest: str) -> list[Target]:
    return [Class(int(rest) if rest else None)]


def _read_pixel(rest: str) -> list[Target]:
    row, column = _numbers(rest, 2)
    return [Pixel((row, column))]


def _read_region(rest: str) -> list[Target]:
    top, left, bottom, right = _numbers(rest, 4)
    if top >= bottom or left >= right:
        raise OptionError(f"got the region {rest}, expected top,left,bottom,right with room inside: region:0,0,32,32")
    return [Region((slice(top, bottom), slice(left, right)))]


def _read_band(rest: str) -> list[Target]:
    low, dash, high = rest.partition("-")
    if not dash:
        raise ValueError("no range")
    return [FourierBand(float(low), float(high) if high else None)]


def _read_packets(rest: str) -> list[Target]:
    return list(packet_bands(int(rest)))


_READERS: dict[str, Callable[[str], list[Target]]] = {
    "mean": _bare(lambda: [Mean()]),
    "norm": _bare(lambda: [Norm()]),
    "class": _read_class,
    "pixel": _read_pixel,
    "region": _read_region,
    "band": _read_band,
    "octaves": _bare(lambda: list(fourier_bands())),
    "packets": _read_packets,
}


def _numbers(text: str, count: int) -> list[int]:
    numbers = [int(word) for word in text.split(",")]
    if len(numbers) != count or min(numbers) < 0:
        raise ValueError("another number of numbers")
    return numbers


def _unknown(text: str) -> OptionError:
    return OptionError(f"got target={text!r}, expected one like {', '.join(WORDS)}: correct it")


def _short(target: Any) -> str:
    if isinstance(target, FourierBand):
        low = _edge(target.low)
        return f"above {low}" if target.high is None else f"{low} … {_edge(target.high)}"
    return target.path if isinstance(target, PacketBand) else in_words(target)


def _edge(frequency: float) -> str:
    """1/8 for 0.125: octaves are known by such names, and tables have little room."""
    share = 1 / frequency if frequency > 0 else 0.0
    return f"1/{share:.0f}" if share > 1 and share == int(share) else f"{frequency:g}"
