"""The options of `undula denoise`, checked together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from undula.data.entries import file_stamp
from undula.errors import OptionError

GREY_LEVELS = 255


@dataclass(frozen=True)
class Settings:
    """How pictures are denoised; the names are those of the options.

    Attributes:
        sigma: Noise level in grey levels of 255, None to measure it.
        sharpness: How far the sharpness dial is turned.
        model: Folder of a model, None for the one that comes with Undula.
        tile: Side of the tiles of large pictures.
    """

    sigma: float | None = None
    sharpness: float = 0.0
    model: Path | None = None
    tile: int = 512

    def __post_init__(self) -> None:
        if self.sigma is not None and not 0 <= self.sigma <= GREY_LEVELS:
            raise OptionError(f"got --sigma {self.sigma:g}, expected grey levels of 255, from 0 to 255: --sigma 25")
        if not 0 <= self.sharpness <= 1:
            raise OptionError(f"got --sharpness {self.sharpness:g}, expected 0 (as it is) to 1: --sharpness 0.3")
        if self.tile < 32:
            raise OptionError(f"got --tile {self.tile}, expected at least 32 pixels: --tile 512")

    @property
    def level(self) -> float | None:
        """Noise level in image units."""
        return None if self.sigma is None else self.sigma / GREY_LEVELS

    def arguments(self) -> dict[str, Any]:
        """What decides the results, as JSON can hold it; a model is known by its file, which may be trained again."""
        weights = None if self.model is None else file_stamp(str(self.model / "model.safetensors"))
        return {
            "sigma": self.sigma, "sharpness": self.sharpness, "model": self.model and str(self.model), "weights": weights,
        }  # fmt: skip
