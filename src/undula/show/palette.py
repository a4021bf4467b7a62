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
BAND = "#f7dcdc"

_LIGHTNESS, _CHROMA = 0.74, 0.125  # the strongest circle of this lightness that fits into sRGB
# Share, chroma and hue in degrees along the sequential map.
_RAMP = ((0.0, 0.03, 285.0), (0.25, 0.14, 298.0), (0.5, 0.2, 352.0), (0.75, 0.165, 410.0), (1.0, 0.07, 462.0))
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
    return _from_oklab(np.full(angle.shape, _LIGHTNESS), np.full(angle.shape, _CHROMA), angle)


def sequential_colors(share: int | float | NDArray[Any]) -> NDArray[np.float64]:
    """Give every share of a range a color from near black over violet and orange to pale yellow.

    The lightness in the Oklab space rises evenly, so that equal steps look equal, in gray too.

    Args:
        share: Values of any shape; below 0 and above 1 they are clipped, NaN becomes white.

    Returns:
        sRGB colors in [0, 1] of shape `(*share.shape, 3)`.

    Example:
        >>> bool(sequential_colors(1.0).mean() > sequential_colors(0.5).mean() > sequential_colors(0.0).mean())
        True
    """
    given = np.asarray(share, dtype=np.float64)
    place = np.clip(np.nan_to_num(given), 0.0, 1.0)
    at, chroma, hue = np.array(_RAMP).T
    colors = _from_oklab(0.13 + 0.84 * place, np.interp(place, at, chroma), np.deg2rad(np.interp(place, at, hue)))
    return np.where(np.isnan(given)[..., None], 1.0, colors)


def diverging_colors(share: int | float | NDArray[Any]) -> NDArray[np.float64]:
    """Give every share of a range with a middle a color: blue for -1, nearly white for 0, red for 1.

    Both sides darken alike in the Oklab space.

    Args:
        share: Values of any shape; beyond ±1 they are clipped, NaN becomes white.

    Returns:
        sRGB colors in [0, 1] of shape `(*share.shape, 3)`.

    Example:
        >>> blue, red = diverging_colors(-1.0), diverging_colors(1.0)
        >>> bool(blue[2] > blue[0] and red[0] > red[2])
        True
    """
    given = np.asarray(share, dtype=np.float64)
    place = np.clip(np.nan_to_num(given), -1.0, 1.0)
    size = np.abs(place)
    hue = np.deg2rad(np.where(place < 0, 262.0, 26.0))
    colors = _from_oklab(0.98 - 0.46 * size, 0.19 * size**0.8, hue)
    return np.where(np.isnan(given)[..., None], 1.0, colors)


_Numbers = NDArray[np.float64] | np.float64


def _from_oklab(lightness: _Numbers, chroma: _Numbers, angle: _Numbers) -> NDArray[np.float64]:
    lab = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=-1)
    linear = np.clip((lab @ _OKLAB_TO_CONES.T) ** 3 @ _CONES_TO_SRGB.T, 0.0, 1.0)
    colors: NDArray[np.float64] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return colors
