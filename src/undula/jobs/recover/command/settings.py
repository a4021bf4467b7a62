"""What the user typed behind `undula recover`, checked and brought into the words of `undula.recover`."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from undula.data import read_array, read_image
from undula.errors import OptionError, RangeError
from undula.jobs.recover.noise import Gaussian, Poisson
from undula.spectra.fourier import Norm

Given = Literal["images", "magnitudes", "intensities"]
Dims = Literal[1, 2, 3]
Field = Literal["real", "complex"]
MethodName = Literal["rrr", "gradient", "hio", "raar", "er"]
Bounds = tuple[float | None, float | None]

_GREATEST = 0.5  # share held out: with less than half of the magnitudes nothing can be recovered


@dataclass(frozen=True)
class Settings:
    """All that decides the results of a command, apart from the items.

    Attributes:
        given: What the inputs hold; None for what a named set is known to hold.
        dims: How many axes are space; None is 2, or what a named set is known to have.
        crop: Side of the part around the brightest voxel that is used, or None.
        centered: Whether zero frequency lies in the middle; None is what the item is known to be.
        norm: Normalization of the transform.
        field: "real" or "complex".
        bounds: Least and greatest value, None for the default of the case.
        support: None, a box side, box sides, a mask, or "shrinkwrap".
        pad: Whether images are zero-padded to twice their sides.
        measured: Mask of measured magnitudes, or None.
        method: The algorithm.
        runs: Runs per item.
        starts: Starts per run, or None.
        tolerance: Residual below which an item is accepted.
        max_transforms: Transforms after which a run takes no new start, or None.
        noise: What is known of the noise, or None.
        hold_out: Share of the magnitudes that is not shown to the solver.
        seed: Seed of the command.
    """

    given: Given | None
    dims: Dims | None
    crop: int | None
    centered: bool | None
    norm: Norm
    field: Field
    bounds: Bounds | None
    support: Any
    pad: bool
    measured: Bool[Tensor, "..."] | None
    method: MethodName
    runs: int
    starts: int | None
    tolerance: float
    max_transforms: int | None
    noise: Gaussian | Poisson | None
    hold_out: float
    seed: int

    def __post_init__(self) -> None:
        if self.crop is not None and self.crop < 2:
            raise OptionError(f"got --crop {self.crop}, expected a side of at least 2 voxels: --crop 128")
        low, high = self.bounds or (None, None)
        if low is not None and high is not None and not low < high:
            raise OptionError(f"got --bounds {low:g} {high:g}, expected the least value first: --bounds 0 1, or none")
        if not 0 <= self.hold_out <= _GREATEST:
            raise OptionError(f"got --hold-out {self.hold_out}, expected a share of 0…{_GREATEST}: --hold-out 0.02")
        if self.pad and self.support is not None:
            raise OptionError("got --pad and --support, expected one of them: --pad knows the support itself")

    def check(self, givens: Collection[Given]) -> None:
        """Refuse options that mean nothing for what the inputs hold.

        Args:
            givens: What they hold.

        Raises:
            OptionError: With what to say instead.
        """
        measured = sorted(set(givens) - {"images"})
        if self.pad and measured:
            raise OptionError(f"got --pad for {measured[0]}, expected images: a pattern cannot be padded afterwards")
        if self.crop is not None and "images" in givens:
            raise OptionError("got --crop for images, expected a measured pattern: crop the pictures before")
        if self.centered is not None and "images" in givens:
            raise OptionError("got --centered for images, expected a measured pattern: leave it out")

    def arguments(self) -> dict[str, Any]:
        """Everything as JSON can hold it; masks by their checksum, so that another mask is another result."""
        return {key: _plain(value) for key, value in vars(self).items()}

    def limits(self, given: Given) -> Bounds | None:
        """Bounds of the objects: 0…1, or 0 and more where a shrink-wrapped pattern has a scale of its own."""
        if self.bounds is not None:
            return self.bounds
        return (0.0, None) if self.support == "shrinkwrap" and given != "images" else (0.0, 1.0)


def default_settings(seed: int) -> Settings:
    """What `undula recover` does without options."""
    return Settings(
        given=None, dims=None, crop=None, centered=None, norm="backward", field="real", bounds=None, support=None, pad=False,
        measured=None, method="rrr", runs=1, starts=None, tolerance=2e-4, max_transforms=None, noise=None, hold_out=0.0,
        seed=seed,
    )  # fmt: skip


def read_support_option(text: str | None) -> Any:
    """The support that the user typed: a word, a side, sides (20x24), or a mask file.

    Raises:
        OptionError: It is none of these.
        DataError: The mask cannot be read.
    """
    if text is None or text.lower() == "none":
        return None
    if text.lower() == "shrinkwrap":
        return "shrinkwrap"
    if re.fullmatch(r"\d+([x×]\d+)*", text):
        sides = [int(side) for side in re.split("[x×]", text)]
        return sides[0] if len(sides) == 1 else tuple(sides)
    if not Path(text).exists():
        raise OptionError(
            f"got --support {text}, expected none, shrinkwrap, a side (20), sides (20x24) or a mask file that exists: "
            "check the name"
        )
    return read_mask_file(text)


def read_mask_file(path: str | Path) -> Bool[Tensor, "..."]:
    """A mask from a picture (light is True) or from an array (True, or not zero).

    Raises:
        DataError: It cannot be read.
        RangeError: It is complex or holds NaN.
    """
    if Path(path).suffix.lower() in (".npy", ".npz", ".h5", ".hdf5", ".csv"):
        values = read_array(path)
        if values.dtype.kind == "c" or np.isnan(values).any():
            raise RangeError(f"got a mask {str(path)!r} with complex numbers or NaN, expected 0 and 1: convert it")
        return torch.from_numpy(np.ascontiguousarray(values != 0))
    return read_image(path)[:3].mean(dim=0) > 0.5


def read_noise_option(text: str | None) -> Gaussian | Poisson | None:
    """The noise that the user typed: gaussian:DEVIATION, poisson or poisson:COUNTS.

    Raises:
        OptionError: It is something else.
        RangeError: The number is not positive.
    """
    if text is None or text.lower() == "none":
        return None
    word, colon, number = text.lower().partition(":")
    try:
        if word == "gaussian":
            return Gaussian(float(number))
        if word == "poisson":
            return Poisson(float(number) if colon else None)
    except ValueError as error:
        if isinstance(error, RangeError):
            raise RangeError(f"got --noise {text}, expected a positive number: leave it out for exact data") from error
    raise OptionError(
        f"got --noise {text}, expected gaussian:DEVIATION (of the magnitudes), poisson (counts are given) or "
        "poisson:COUNTS (photons in the whole pattern): --noise gaussian:0.05"
    )


_OPTIONS = ("bounds", "centered", "dims", "field", "max_transforms", "measured", "method", "noise", "norm", "runs", "starts",
            "support", "tolerance")  # fmt: skip


_QUOTES = "\"'"


def in_words_of_the_command(text: str) -> str:
    """A sentence of the library as one who types reads it: `runs=8` becomes `--runs 8`.

    Example:
        >>> in_words_of_the_command('say noise=… to average both, centered=True, or field="complex"')
        'say --noise … to average both, --centered, or --field complex'
    """
    text = re.sub(r"\bintensities=(True|…)", "--given intensities", text).replace("measured=…", "--measured FILE")
    text = re.sub(
        r"\bbounds=\(([^,()]+), ([^,()]+)\)", lambda m: f"--bounds {m[1]} {m[2]}".replace("None", "none"), text
    )
    names = "|".join(_OPTIONS)
    text = re.sub(rf"\b({names})=True\b", lambda m: f"--{_dashed(m[1])}", text)
    return re.sub(
        rf"\b({names})=(\"[^\"]*\"|'[^']*'|[^\s,;:)]+)",
        lambda m: f"--{_dashed(m[1])} {m[2].strip(_QUOTES).replace('None', 'none')}",
        text,
    )


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        digest = hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()[:16]
        return {"mask": list(value.shape), "sha256": digest}
    if isinstance(value, Gaussian | Poisson):
        return {type(value).__name__.lower(): next(iter(vars(value).values()))}
    return list(value) if isinstance(value, tuple) else value
