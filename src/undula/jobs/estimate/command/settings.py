"""The options of `undula estimate`, checked together."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from undula.errors import OptionError
from undula.jobs.estimate.starts import Method

_WORDS = (
    "rate",
    "components",
    "method",
    "weights",
    "noise",
    "start",
    "duration",
    "passband",
    "band",
    "shared",
    "delay",
    "offset",
    "trend",
)


@dataclass(frozen=True)
class Settings:
    """How inputs are read and fitted; the names are those of the options.

    Attributes:
        rate: Samples in a second; None for what the file says.
        components: Number of modes, or "auto".
        method: Where starts come from.
        weights: Folder of an autoencoder, None for those that come with Undula.
        noise: As typed: a deviation, a stretch FROM:TO, or a file; None if not known.
        start: Moment of amplitude and phase on the file's clock, or several; None for the first sample.
        duration: Seconds behind the start that are used, None for all.
        part: First and last second of the file's clock that are used, None for all.
        band: Lowest and highest frequency in hertz.
        passband: Lowest and highest frequency in hertz that are kept of the record.
        offset: Whether a constant is fitted along.
        trend: Whether a constant and a linear change are.
        shared: Whether channels share frequency and decay.
        joint: Whether all inputs are channels of one signal.
        delay: Seconds by which each input hears later than the first.
        intervals: What the intervals of frequency and decay come from.
    """

    rate: float | None = None
    components: int | Literal["auto"] = "auto"
    method: Method = "auto"
    weights: Path | None = None
    noise: str | None = None
    start: float | tuple[float, ...] | None = None
    duration: float | None = None
    part: tuple[float, float] | None = None
    band: tuple[float, float] | None = None
    passband: tuple[float, float] | None = None
    offset: bool = False
    trend: bool = False
    shared: bool = False
    joint: bool = False
    delay: tuple[float, ...] | None = None
    intervals: Literal["bound", "likelihood"] = "bound"

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise OptionError(
                f"got --rate {self.rate:g}, expected a positive number of samples in a second: correct it"
            )
        if self.part is not None and not -math.inf < self.part[0] < self.part[1] < math.inf:
            low, high = self.part
            raise OptionError(
                f"got --part {low:g} {high:g}, expected two moments in seconds, the earlier first: --part 0 1"
            )
        if self.band is not None and not 0 <= self.band[0] < self.band[1] < math.inf:
            low, high = self.band
            raise OptionError(
                f"got --band {low:g} {high:g}, expected two frequencies in Hz, the lower first: --band 20 300"
            )

        if self.delay is not None and not self.joint:
            raise OptionError("got --delay without --joint, expected both: delays are those of INPUTs fitted together")
        if self.part is not None and self.duration is not None:
            raise OptionError("got --part and --duration, expected one of them: say --start and --duration")
        if self.intervals == "likelihood" and self.components != 1:
            raise OptionError(
                f"got --intervals likelihood with --components {self.components}, expected --components 1: the likelihood is "
                "looked at over one frequency and one decay"
            )

    @property
    def several(self) -> bool:
        """Whether starts are scanned."""
        return isinstance(self.start, tuple)

    @property
    def together(self) -> bool:
        """Whether channels of an item share their modes."""
        return self.shared or self.joint

    def arguments(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return dict(vars(self)) | {"weights": self.weights and str(self.weights)}


def read_components(text: str) -> int | Literal["auto"]:
    """Read `--components`.

    Args:
        text: As typed.

    Returns:
        A number, or "auto".

    Raises:
        OptionError: Neither 1 … 5 nor auto.
    """
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 5):
        raise OptionError(f"got --components {text}, expected 1 … 5, or auto: correct it")
    return int(text)


def in_words_of_the_command(text: str) -> str:
    """Name options as they are typed: `rate=9` becomes `--rate 9`."""
    for name in _WORDS:
        text = text.replace(f"{name}=", f"--{name} ")
    return text
