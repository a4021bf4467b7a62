"""The colors of every picture: dark ink on white, one accent, an even circle of hues for phases."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

INK = "#1b1f24"
SOFT = "#5c6570"
FAINT = "#dfe3e8"
PAPER = "#ffffff"
ACCENT = "#2f5bd7"
GOOD = "#17875a"
BAD = "#d03a3a"

_LIGHTNESS, _CHROMA = 0.74, 0.125  # the strongest circle of this lightness that fits into sRGB
_OKLAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_SRGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def phase_colors(phase: int | float | NDArray[Any]) -> NDArray[np.float64]:
    """Give every phase a hue of equal lightness, so that no phase looks brighter than another.

    The colors lie on a circle of constant lightness and chroma in the Oklab space (Ottosson, 2020);
    `hsv` and other rainbow maps show edges where the data have none.

    Args:
        phase: Angles in radians, any shape; the map is cyclic.

    Returns:
        sRGB colors in [0, 1] of shape `(*phase.shape, 3)`.

    Example:
        >>> bool(np.allclose(phase_colors(0.0), phase_colors(2 * np.pi)))
        True
    """
    angle = np.asarray(phase, dtype=np.float64) + np.deg2rad(30.0)
    lab = np.stack([np.full(angle.shape, _LIGHTNESS), _CHROMA * np.cos(angle), _CHROMA * np.sin(angle)], axis=-1)
    linear = np.clip((lab @ _OKLAB_TO_CONES.T) ** 3 @ _CONES_TO_SRGB.T, 0.0, 1.0)
    colors: NDArray[np.float64] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return colors
