"""What is seen of sound: the power of every band of its wavelet packets."""

from jaxtyping import Float
from torch import Tensor

from undula.errors import ShapeError
from undula.spectra.wavelets import wpdec

_STEP = 2.0**-15  # of 16-bit samples


def band_powers(
    clips: Float[Tensor, "n time"],
    *,
    level: int = 8,
    wavelet: str = "sym5",
    mode: str = "symmetric",
    step: float = _STEP,
) -> Float[Tensor, "n bands"]:
    """Mean over time of ln(packet² + step²), for every band of one level.

    The deviations over time, which help with pictures, are left out: alone they named the maker of 47 % of the clips of
    sentences not heard, the means 86 %, both together 78 % (five recorded and five vocoded sentences).

    Args:
        clips: Sound in [-1, 1].
        level: Level of the packets; 2^level bands of equal width.
        wavelet: The wavelet.
        mode: Boundary mode.
        step: What is added, squared, before the logarithm; one step of 16-bit samples, below which there is only rounding.

    Returns:
        One row per clip, by rising frequency.

    Raises:
        ShapeError: Clips of fewer than 2^(level + 1) samples.

    When it fails: on what a codec or another sampling rate took away, which looks like the trace of a generator.

    Reference: Gasenzer, Wolter, Towards generalizing deep-audio fake detection networks, 2024.

    Example:
        >>> import torch
        >>> band_powers(torch.rand(3, 1000) - 0.5, level=4).shape
        torch.Size([3, 16])
    """
    if clips.shape[-1] < 2 ** (level + 1):
        raise ShapeError(
            f"got clips of {clips.shape[-1]} samples, expected at least {2 ** (level + 1)} for packets of level {level}: take "
            "fewer levels or longer clips"
        )
    packets = wpdec(clips, wavelet, mode, maxlevel=level, order="freq")
    powers: Tensor = (packets.square() + step**2).log().mean(dim=-1)
    return powers
