"""Three orthogonal cuts through a volume: its modulus and, where it is complex, its phase."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from undula.errors import RangeError
from undula.show.crop import Volume, center_of_mass, object_box, to_volume
from undula.show.figure import new_figure, plain_axes, save_figure
from undula.show.palette import INK, SOFT, phase_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AXES = "zyx"
_SIDE, _LEFT, _BELOW, _GAP, _BAR = 2.3, 0.65, 0.6, 0.75, 0.95  # inches: one cut, and what surrounds it
_FADE = (0.05, 0.3)  # of the greatest modulus: below the first no phase is shown, above the second all of it


def orthogonal_slices(
    path: str | Path,
    volume: Volume,
    *,
    center: Sequence[int] | None = None,
    voxel: int | float | Sequence[int | float] | None = None,
    title: str = "",
) -> None:
    """Draw the three cuts through the middle of the object as a PNG, cropped to it, all at one scale.

    The upper row shows the modulus; a complex volume gets a second row with the phase in colors of equal
    lightness, faded to white where the modulus falls from 30 % to 5 % of the greatest. Real volumes are shown
    by their modulus too.

    Args:
        path: PNG file to write.
        volume: Real or complex `(d, h, w)`, axes z, y, x.
        center: Voxel `(z, y, x)` that the cuts go through; `None` takes the center of mass.
        voxel: Edge of a voxel in nanometers, or one for each of z, y, x; `None` counts voxels.
        title: Line above the pictures.

    Raises:
        ShapeError: If the volume has not three dimensions.
        RangeError: If it holds NaN, infinity or only zeros, if `center` lies outside, or if `voxel`
            is not positive.
        MissingExtra: If matplotlib is not installed.
        DataError: If the file cannot be written.
    """
    array = to_volume(volume)
    modulus: NDArray[np.float64] = np.abs(array)
    middle = _middle(center, modulus)
    edges, unit = _edges(voxel)
    box = _including(object_box(modulus, margin=0.15), middle)
    rows = 2 if np.iscomplexobj(array) else 1
    figure, free = new_figure(
        _LEFT + 3 * _SIDE + 2 * _GAP + _BAR, rows * (_SIDE + _BELOW) + 0.35, title=title
    )  # the pictures are squares of one scale, so the layout is plain arithmetic
    span = max((part.stop - part.start) * edge for part, edge in zip(box, edges, strict=True))
    for axis in range(3):
        for row in range(rows):
            axes = _place(figure, free, axis, row, rows)
            cut = array[box].take(middle[axis] - box[axis].start, axis=axis)
            picture = np.abs(cut) / modulus.max() if row == 0 else _phase_picture(cut, modulus.max())
            _draw_cut(axes, picture, axis, box, edges, span, unit)
            if row == 0:
                axes.set_title(f"{_AXES[axis]} = {middle[axis] * edges[axis]:.4g}{unit}", size=10, color=INK, pad=6)
    for row in range(rows):
        _color_bar(figure, free, row, rows, float(modulus.max()))
    save_figure(figure, path)


def _place(figure: "Figure", free: float, column: int | float, row: int, rows: int, width: float = _SIDE) -> "Axes":
    total_width, total_height = figure.get_size_inches()
    left = _LEFT + column * (_SIDE + _GAP)
    bottom = free * total_height - 0.35 - _SIDE - row * (_SIDE + _BELOW)
    return figure.add_axes((left / total_width, bottom / total_height, width / total_width, _SIDE / total_height))


def _draw_cut(
    axes: "Axes",
    picture: NDArray[np.float64],
    axis: int,
    box: tuple[slice, slice, slice],
    edges: tuple[float, float, float],
    span: float,
    unit: str,
) -> None:
    down, right = (k for k in range(3) if k != axis)
    low, high = (
        [(box[k].start - 0.5) * edges[k] for k in range(3)],
        [(box[k].stop - 0.5) * edges[k] for k in range(3)],
    )
    extent = (low[right], high[right], high[down], low[down])
    axes.imshow(picture, extent=extent, cmap="magma", vmin=0, vmax=1, interpolation="nearest", aspect="equal")
    for set_limits, k in ((axes.set_xlim, right), (axes.set_ylim, down)):
        middle = (low[k] + high[k]) / 2
        set_limits(middle - span / 2, middle + span / 2)
    axes.invert_yaxis()
    plain_axes(axes)
    if picture.ndim == 2:
        axes.set_facecolor("black")
    axes.locator_params(nbins=5)
    axes.set_xlabel(_AXES[right] + unit.replace(" ", " in "), size=9, color=SOFT, labelpad=2)
    axes.set_ylabel(_AXES[down] + unit.replace(" ", " in "), size=9, color=SOFT, labelpad=2)


def _phase_picture(cut: NDArray[Any], greatest: float) -> NDArray[np.float64]:
    low, high = _FADE
    weight = np.clip((np.abs(cut) / greatest - low) / (high - low), 0, 1)[..., None]
    picture: NDArray[np.float64] = weight * phase_colors(np.angle(cut)) + (1 - weight)
    return picture


def _color_bar(figure: "Figure", free: float, row: int, rows: int, greatest: float) -> None:
    axes = _place(figure, free, 3 - (_GAP - 0.25) / (_SIDE + _GAP), row, rows, width=0.12)
    ramp = np.linspace(0, 1, 256)[:, None]
    if row == 0:
        axes.imshow(ramp, origin="lower", extent=(0, 1, 0, greatest), cmap="magma", aspect="auto")
        axes.set_title("modulus", size=9, color=SOFT, pad=6, loc="left")
    else:
        colors = phase_colors(np.pi * (2 * ramp - 1))
        axes.imshow(colors, origin="lower", extent=(0, 1, -np.pi, np.pi), aspect="auto")
        axes.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
        axes.set_title("phase", size=9, color=SOFT, pad=6, loc="left")
    plain_axes(axes)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    for spine in axes.spines.values():
        spine.set_visible(False)


def _middle(center: Sequence[int] | None, modulus: NDArray[np.float64]) -> tuple[int, int, int]:
    if center is None:
        return center_of_mass(modulus)
    if len(center) != 3 or not all(0 <= at < size for at, size in zip(center, modulus.shape, strict=True)):
        raise RangeError(f"got center={tuple(center)}, expected a voxel inside {modulus.shape}: leave it out")
    z, y, x = center
    return int(z), int(y), int(x)


def _including(box: tuple[slice, slice, slice], middle: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(min(part.start, at), max(part.stop, at + 1)) for part, at in zip(box, middle, strict=True))
    return z, y, x


def _edges(voxel: int | float | Sequence[int | float] | None) -> tuple[tuple[float, float, float], str]:
    edges = (1.0, 1.0, 1.0) if voxel is None else (voxel,) * 3 if isinstance(voxel, (int, float)) else tuple(voxel)
    if len(edges) != 3 or not all(0 < edge < float("inf") for edge in edges):
        raise RangeError(f"got voxel={voxel}, expected one or three positive lengths in nanometers: leave it out")
    z, y, x = edges
    return (float(z), float(y), float(x)), "" if voxel is None else " nm"
