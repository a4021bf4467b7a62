"""The options of `undula restore`, checked together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from undula.errors import OptionError
from undula.jobs.restore.call import TILE, Method

Format = Literal["png", "jpeg", "webp", "bmp", "tiff", "npy"]
GREY_LEVELS = 255


@dataclass(frozen=True)
class Settings:
    """How pictures are repaired; the names are those of the options.

    Attributes:
        missing: Mask of what is missing, or a folder of masks; None to find it.
        method: How it is filled.
        noise: Noise of the known pixels in grey levels of 255, None where they are exact.
        corrupt: Share of the pixels that are damaged first, None for inputs that are damaged already.
        downsample: Every so many pixels one is kept, before they are damaged.
        find: Whether pixels that were damaged here must be found.
        format: Format of the files, None for that of the inputs.
        tile: Side of the tiles of large pictures.
        seed: Seed of the damage.
    """

    missing: Path | None = None
    method: Method = "best"
    noise: float | None = None
    corrupt: float | None = None
    downsample: int = 1
    find: bool = False
    format: Format | None = None
    tile: int = TILE
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_damage()
        if self.noise is not None and not 0 < self.noise <= GREY_LEVELS:
            raise OptionError(f"got --noise {self.noise:g}, expected grey levels of 255, above 0 to 255: --noise 10")
        if self.noise is not None and self.method != "best":
            raise OptionError(
                f"got --noise with --method {self.method}, expected --method best, which alone changes known pixels"
            )
        if self.tile < 64:
            raise OptionError(f"got --tile {self.tile}, expected at least 64 pixels: --tile {TILE}")

    def _check_damage(self) -> None:
        if self.corrupt is not None and not 0 < self.corrupt < 1:
            raise OptionError(f"got --corrupt {self.corrupt:g}, expected a share between 0 and 1: --corrupt 0.9")
        if self.missing is not None and (self.corrupt is not None or self.find):
            other = "--corrupt" if self.corrupt is not None else "--find"
            raise OptionError(f"got --missing and {other}, expected one of them: leave one out")
        if self.downsample < 1:
            raise OptionError(f"got --downsample {self.downsample}, expected at least 1: --downsample 4")
        if self.downsample > 1 and self.corrupt is None:
            raise OptionError("got --downsample without --corrupt, expected both, as an experiment: add --corrupt 0.9")

    @property
    def level(self) -> float | None:
        """Noise of the known pixels in image units."""
        return None if self.noise is None else self.noise / GREY_LEVELS

    def arguments(self) -> dict[str, Any]:
        """What decides the results, as JSON can hold it; masks are known by the stamps of their items."""
        experiment = {"corrupt": self.corrupt, "downsample": self.downsample, "find": self.find, "seed": self.seed}
        return {
            "missing": self.missing and str(self.missing), "method": self.method, "noise": self.noise,
            "format": self.format, **(experiment if self.corrupt is not None else {}),
        }  # fmt: skip
