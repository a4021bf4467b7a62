"""The figure of an explanation: image, map and overlay, or the signed map of every band."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from undula.show import Axis, Plane, draw_panels
from undula.show.palette import sequential_colors

if TYPE_CHECKING:
    from undula.jobs.explain.result import Explanation

_ROWS = 8  # at most
_STRONGEST = 0.65  # share of the color of a map in the overlay, where it is 1


def draw_explanation(item: Explanation, *, title: str = "") -> Image.Image:
    """Draw one image with what a network looks at.

    Args:
        item: One of `Explanation.items`.
        title: Line above the figure.

    Returns:
        The figure, 1440 pixels wide.
    """
    rows = _band_rows(item) if item.bands else [_three(item)]
    return draw_panels(rows, title=title, subtitle=subtitle(item))


def subtitle(item: Explanation) -> str:
    """Method, layer, target and sign, on one line."""
    where = ", ".join(item.layers) if item.layers else "the input"
    parts = [f"{item.method} of {where}"]
    if len(item.targets) == 1 and item.targets[0]:
        parts.append(item.targets[0])
    kept = (item.arguments or {}).get("keep")
    if kept and not item.bands:
        parts.append(f"values {kept[0]:g} … {kept[1]:g} only")
    return "  ·  ".join([*parts, item.sign])


def overlaid(picture: NDArray[Any], heat: NDArray[Any]) -> NDArray[np.float64]:
    """Lay the colors of a heat map over an image, the more the hotter.

    Args:
        picture: Image in [0, 1] (h, w, 3).
        heat: Map in [0, 1] (h, w).

    Returns:
        The overlay (h, w, 3).
    """
    share = _STRONGEST * np.clip(heat, 0, 1)[..., None]
    mixed: NDArray[np.float64] = (1 - share) * np.clip(picture, 0, 1) + share * sequential_colors(0.35 + 0.6 * heat)
    return mixed


def in_colors(image: NDArray[Any]) -> NDArray[np.float64]:
    """An image (c, h, w) as colors (h, w, 3): one channel as gray, other numbers than three by their mean."""
    gray = image if len(image) == 3 else np.repeat(image.mean(axis=0, keepdims=True), 3, axis=0)
    return np.clip(np.moveaxis(np.asarray(gray, dtype=np.float64), 0, -1), 0, 1)


def signed_plane(raw: NDArray[Any], title: str) -> Plane:
    """A signed map, white at zero; the color of the one value in 200 that is largest is that of all beyond it."""
    size = np.abs(raw)
    reach = float(np.quantile(size, 0.995)) or float(size.max()) or 1.0
    return Plane(raw, *_axes(raw.shape), title, Axis(-reach, reach), "diverging", square=True)


def _three(item: Explanation) -> list[Plane]:
    picture, heat = in_colors(item.images), np.asarray(item.shown, dtype=np.float64)
    axes = _axes(heat.shape)
    return [
        Plane(picture, *axes, "Image", square=True),
        Plane(heat, *axes, "Map", Axis(0.0, 1.0), square=True),
        Plane(overlaid(picture, heat), *axes, "Overlay", square=True),
    ]


def _band_rows(item: Explanation) -> list[list[Plane]]:
    raw = np.asarray(item.raw, dtype=np.float64)
    known = np.abs(raw.sum(axis=(-2, -1)))
    whole = float(known.sum()) or 1.0
    picture = in_colors(item.images)
    panels = [Plane(picture, *_axes(picture.shape[:2]), "Image", square=True)]
    panels += [
        signed_plane(each, f"{name}: {share / whole:.1%}")
        for each, name, share in zip(raw, item.bands, known, strict=True)
    ]
    panels.append(signed_plane(raw.sum(axis=0), "All together"))
    across = _across(len(panels))
    return [panels[start : start + across] for start in range(0, len(panels), across)]


def _across(count: int) -> int:
    """Panels in a row, three or more, such that the last row is full or nearly so: the panels of a row share its width."""
    fewest = max(3, -(-count // _ROWS))
    return min(range(fewest, fewest + 4), key=lambda across: (-count % across, across))


def _axes(shape: tuple[int, ...]) -> tuple[Axis, Axis]:
    return Axis(0.0, float(shape[1]), ticked=False), Axis(float(shape[0]), 0.0, ticked=False)
