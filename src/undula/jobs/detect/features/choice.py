"""Which features a detector sees, and with what options."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, ShapeError
from undula.jobs.detect.features.packets import GREY_LEVELS
from undula.jobs.detect.features.pieces import Pieces
from undula.jobs.detect.features.planes import log_cosines, log_fourier, log_packets
from undula.jobs.detect.features.radial import RADIAL_COUNT, radial_profiles
from undula.jobs.detect.features.statistics import packet_statistics
from undula.spectra.wavelets.banks import read_bank

FeatureWord = Literal["packet-statistics", "radial", "spectra", "packets", "dct", "fourier", "pixels"]
WORDS: tuple[FeatureWord, ...] = get_args(FeatureWord)


@dataclass(frozen=True, kw_only=True)
class Features:
    """A map from pictures to rows of numbers, differentiable.

    Attributes:
        kind: "packet-statistics", "radial", and "spectra", which is both one after the other, for pictures of any size;
            "packets", "dct", "fourier" and "pixels" have a number per place and need pictures of one size.
        wavelet: Of packets: a name.
        level: Of packets: the last level, or the only one.
        mode: Of packets: boundary mode.
        offset: Added before the logarithm, in the units of the picture.

    Raises:
        OptionError: An option makes no sense.

    Example:
        >>> Features(kind="packets", level=2)(torch.rand(4, 3, 16, 16)).shape
        torch.Size([4, 768])
    """

    kind: FeatureWord = "packet-statistics"
    wavelet: str = "haar"
    level: int = 3
    mode: str = "symmetric"
    offset: float = 1 / 255

    def __post_init__(self) -> None:
        if self.kind not in WORDS:
            raise OptionError(f"got features={self.kind!r}, expected one of {', '.join(WORDS)}")
        if not isinstance(self.wavelet, str):
            raise OptionError(
                f"got a wavelet of type {type(self.wavelet).__name__}, expected a name, which can be kept"
            )
        read_bank(self.wavelet)
        if self.level not in range(1, 7):
            raise OptionError(f"got level={self.level!r}, expected 1 to 6: 3 is usual")
        if not 0 < self.offset <= 1:
            raise OptionError(
                f"got offset={self.offset!r}, expected a number above 0 and not above 1: 1/255 is a grey level"
            )

    @property
    def any_size(self) -> bool:
        """Whether pictures of different sizes have as many numbers."""
        return self.kind in ("packet-statistics", "radial", "spectra")

    @property
    def views(self) -> tuple[slice, ...]:
        """Columns that a classifier sees; of several views each has classifiers of its own, whose logits are averaged."""
        return (slice(0, RADIAL_COUNT), slice(RADIAL_COUNT, None)) if self.kind == "spectra" else (slice(None),)

    @property
    def least(self) -> int:
        """The shortest side of a picture of which features can be made."""
        packets = 2 ** (self.level + 1) if "packet" in self.kind or self.kind == "spectra" else 8
        return max(packets, 16) if self.kind in ("radial", "spectra") else packets

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
        """Make features.

        Args:
            images: Pictures in [0, 1].

        Returns:
            One row per picture.

        Raises:
            ShapeError: Pictures are too small, or have no three channels where these are needed.
        """
        offset = self.offset * GREY_LEVELS
        packets: dict[str, Any] = {"level": self.level, "wavelet": self.wavelet, "mode": self.mode, "offset": offset}
        if self.any_size:
            if images.shape[1] != 3:
                raise ShapeError(f"got pictures with {images.shape[1]} channels, expected 3: repeat grey ones")
            found = [radial_profiles(images, offset=offset)] if self.kind != "packet-statistics" else []
            found += [packet_statistics(images, **packets)] if self.kind != "radial" else []
            return torch.cat(found, dim=1)
        if self.kind == "packets":
            return log_packets(images, **packets).flatten(1)
        if self.kind == "dct":
            return log_cosines(images, offset=offset).flatten(1)
        return (log_fourier(images, offset=offset) if self.kind == "fourier" else images).flatten(1)

    def facts(self) -> dict[str, Any]:
        """The options as plain values; `Features(**facts)` is the same map."""
        return asdict(self)

    @torch.no_grad()
    def rows(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
        """Features without gradients, small pictures in pieces that stay in the processor's cache.

        Args:
            images: Pictures in [0, 1].

        Returns:
            One row per picture.
        """
        group = max(1, 2**16 // (images.shape[-1] * images.shape[-2]))
        return torch.cat([self(some) for some in torch.split(images, group)])


Seen = Features | Pieces


def read_features(facts: dict[str, Any]) -> Seen:
    """The map of these options.

    Args:
        facts: What its `facts()` returned.
    """
    return Pieces(**facts) if "side" in facts else Features(**facts)
