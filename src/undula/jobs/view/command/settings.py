"""The options of `undula view`, checked together."""

from dataclasses import dataclass
from typing import Any, Literal

from undula.errors import OptionError
from undula.spectra.fourier import Norm
from undula.spectra.wavelets import Mode

Dims = Literal[1, 2]
Example = Literal["chirp", "rings"]


@dataclass(frozen=True)
class Settings:
    """How inputs are read and what is calculated; the names are those of the options.

    Attributes:
        dims: 1 for signals, 2 for images, None to see from the file.
        rate: Samples of a signal in a second; None for what the file says.
        part: First and last second of signals, None for all.
        wavelet: Discrete wavelet, None for the default of signals or images.
        continuous: Continuous wavelet of the scalogram.
        level: Levels of pyramid and packets.
        mode: Boundary mode.
        scales: How many scales the scalogram has.
        periodic: Whether the periodic part goes into the Fourier transform.
        norm: Normalization of the Fourier transform.
    """

    dims: Dims | None = None
    rate: float | None = None
    part: tuple[float, float] | None = None
    wavelet: str | None = None
    continuous: str = "cmor1.5-1.0"
    level: int | None = None
    mode: Mode = "symmetric"
    scales: int | None = None
    periodic: bool = False
    norm: Norm = "backward"

    def __post_init__(self) -> None:
        if self.dims == 2 and self.rate is not None:
            raise OptionError("got --rate and --dims 2, expected one of them: images have no sampling rate")
        if self.rate is not None and not 0 < self.rate < float("inf"):
            raise OptionError(f"got --rate {self.rate}, expected a positive number of samples in a second: correct it")
        if self.part is not None and not 0 <= self.part[0] < self.part[1] < float("inf"):
            low, high = self.part
            raise OptionError(f"got --part {low:g} {high:g}, expected the first second and a later one: --part 0 10")

    def arguments(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return dict(vars(self))


def in_words_of_the_command(text: str) -> str:
    """Name options as they are typed: `level=9` becomes `--level 9`."""
    for name in ("level", "scales", "rate", "mode", "wavelet", "dims"):
        text = text.replace(f"{name}=", f"--{name} ")
    return text
