"""The options of `undula explain`, checked together."""

from dataclasses import dataclass
from typing import Any, Literal

from undula.errors import OptionError
from undula.jobs.explain.aims import read_aims

Method = Literal[
    "eigen", "kpca", "grad", "grad++", "hirescam", "layercam", "xgrad", "eigengrad", "seg-eigen", "saliency", "integrated",
    "smooth",
]  # fmt: skip
Sign = Literal["activation", "maxabs", "raw"]
Channels = Literal[1, 3]


@dataclass(frozen=True)
class Settings:
    """What is asked, and how images are read; the names are those of the options.

    Attributes:
        layer: Names of layers, none to have one chosen.
        method: The method; None is hirescam where a target is named, else eigen.
        target: The target as text, or None.
        sign: Which end of a component is positive.
        sigma: Noise level in gray levels of 255.
        keep: Least and greatest value of the heat map that is shown.
        channels: Channels that the model wants; None for what it says, or what the file has.
        seed: Seed of the noise of `smooth`.
    """

    layer: tuple[str, ...] = ()
    method: Method | None = None
    target: str | None = None
    sign: Sign = "activation"
    sigma: float | None = None
    keep: tuple[float, float] | None = None
    channels: Channels | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sigma is not None and not 0 <= self.sigma <= 255:
            raise OptionError(f"got --sigma {self.sigma:g}, expected gray levels of 255, such as 25: correct it")
        if self.keep is not None and not 0 <= self.keep[0] < self.keep[1]:
            low, high = self.keep
            raise OptionError(f"got --keep {low:g} {high:g}, expected two rising shares of 1: --keep 0.4 0.9")
        if self.layer and self.asked in ("saliency", "integrated", "smooth"):
            raise OptionError(
                f"got --layer {self.layer[0]} and --method {self.asked}, which maps the input, expected one of them: "
                "leave --layer out"
            )
        try:
            read_aims(self.target)
        except OptionError as error:
            raise OptionError(in_words_of_the_command(str(error))) from error

    @property
    def asked(self) -> Method:
        """The method that is used."""
        return self.method or ("eigen" if self.target is None else "hirescam")

    def arguments(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return dict(vars(self)) | {"method": self.asked}


def in_words_of_the_command(text: str) -> str:
    """Name options as they are typed: `target='octave'` becomes `--target 'octave'`."""
    text = (
        text.replace("sigma=25/255", "--sigma 25")
        .replace("layers=", "--layer ")
        .replace("leave layers out", "leave --layer out")
    )
    for name in ("target", "method", "sign", "layer", "keep"):
        text = text.replace(f"{name}=", f"--{name} ")
    return text
