"""The surface of a volume as a lit solid, seen from two sides."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from undula.errors import MissingExtra, OptionError
from undula.show.crop import Volume, object_box, to_volume
from undula.show.figure import new_figure, plain_axes, save_figure
from undula.show.palette import SOFT, phase_colors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VIEWS = ((25.0, -60.0, "from the front"), (25.0, 120.0, "from behind"))  # elevation, azimuth in degrees
_BLUR = 0.65  # voxels: takes the stairs from slanted facets and leaves edges sharp
_FINEST = 72  # voxels along the object beyond which only every second, third, … is used: 1 s per view
_STEEL = (0.62, 0.70, 0.84)
_LIGHTS = (
    ((-0.5, 0.65, 0.57), 0.54),
    ((0.9, -0.1, 0.4), 0.22),
)  # toward the light (right, up, front), strength
_EYE = np.array([0.0, 0.0, 1.0])
_AMBIENT, _GLOSS = 0.5, 0.14


def isosurface(path: str | Path, volume: Volume, *, level: float = 0.5, title: str = "") -> None:
    """Draw the surface where the modulus crosses `level` times its greatest value, as a PNG with two views.

    Complex volumes are colored by the phase at the surface, in hues of equal lightness, so that brightness
    speaks of shape alone. The modulus is smoothed with a Gaussian of 0.65 voxels first, and of objects longer
    than 72 voxels only every second, third, … voxel is used: a picture to look at, not to measure.

    Args:
        path: PNG file to write.
        volume: Real or complex `(d, h, w)`, axes z (up), y (away), x (right).
        level: Height of the surface as a share of the greatest modulus, between 0 and 1.
        title: Line above the pictures.

    Raises:
        ShapeError: If the volume has not three dimensions.
        RangeError: If it holds NaN, infinity or only zeros.
        OptionError: If `level` is not between 0 and 1.
        MissingExtra: If matplotlib or scikit-image is not installed.
        DataError: If the file cannot be written.
    """
    if not 0 < level < 1:
        raise OptionError(f"got level={level}, expected a share of the maximum between 0 and 1: try level=0.5")
    array = to_volume(volume)
    figure, free = new_figure(8.6 + 0.6 * np.iscomplexobj(array), 4.5, title=title)
    solid = _solid(array, level)
    for column, (elevation, azimuth, name) in enumerate(_VIEWS):
        _draw_view(figure, free, column, solid, _camera(elevation, azimuth))
        x = (2.2 + 4.2 * column) / figure.get_size_inches()[0]
        figure.text(x, 0.05 * free, name, size=9, color=SOFT, ha="center")
    if np.iscomplexobj(array):
        _phase_bar(figure, free)
    save_figure(figure, path)


@dataclass(frozen=True)
class _Solid:
    corners: NDArray[np.float64]  # (triangles, 3, xyz), inside the unit ball
    normals: NDArray[np.float64]  # (triangles, xyz), outward
    colors: NDArray[np.float64]  # (triangles, rgb)


def _solid(array: NDArray[Any], level: float) -> _Solid:
    try:
        from scipy.ndimage import gaussian_filter, map_coordinates, zoom
        from skimage.measure import marching_cubes
    except ImportError as error:
        raise MissingExtra("scikit-image", extra="science") from error
    box = object_box(np.abs(array), margin=0.0)
    longest = max(part.stop - part.start for part in box)
    step, finer = -(-longest // _FINEST), 2 if 2 * longest <= _FINEST else 1
    cropped = np.pad(array[box], 4 * step)
    fine = zoom(np.abs(cropped), finer, order=1)
    modulus = gaussian_filter(fine, _BLUR * finer * step)[::step, ::step, ::step]
    find_surface: Any = marching_cubes  # scikit-image has no types
    points, faces, normals, _ = find_surface(modulus / modulus.max(), level)
    normal = normals[faces].mean(axis=1, dtype=np.float64)[:, ::-1]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    colors = np.broadcast_to(_STEEL, normal.shape)
    if np.iscomplexobj(array):
        pitch = step * (np.array(cropped.shape) - 1) / (np.array(fine.shape) - 1)
        middles = (points[faces].mean(axis=1) * pitch).T
        parts = [map_coordinates(part, middles, order=1) for part in (cropped.real, cropped.imag)]
        colors = phase_colors(np.arctan2(parts[1], parts[0]))
    points = points.astype(np.float64)
    centered = points - (points.max(axis=0) + points.min(axis=0)) / 2
    centered /= np.linalg.norm(centered, axis=1).max()
    return _Solid(centered[faces][..., ::-1], normal, colors)


def _camera(elevation: float, azimuth: float) -> NDArray[np.float64]:
    """Rows: right, up and toward the eye, as unit vectors of x, y, z."""
    tilt, turn = np.deg2rad(elevation), np.deg2rad(azimuth)
    toward = np.array([np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)])
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    return np.stack([right, np.cross(toward, right), toward])


def _draw_view(figure: "Figure", free: float, column: int, solid: _Solid, camera: NDArray[np.float64]) -> None:
    """Draw the triangles that face the eye, far ones first (painter's algorithm), in parallel projection."""
    from matplotlib.collections import PolyCollection

    corners, normals = solid.corners @ camera.T, solid.normals @ camera.T
    seen = np.flatnonzero(normals[:, 2] > -0.1)
    order = seen[np.argsort(corners[seen, :, 2].mean(axis=1))]
    width, height = figure.get_size_inches()
    axes = figure.add_axes(((0.2 + 4.2 * column) / width, 0.35 / height, 4.0 / width, 4.0 / height))
    colors = _lit(solid.colors[order], normals[order])
    axes.add_collection(
        PolyCollection(list(corners[order, :, :2]), facecolors=colors, edgecolors=colors, linewidths=0.3)
    )
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
    axes.set_axis_off()


def _lit(colors: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shade by Lambert's law with two lights, and add a little gloss (Blinn-Phong)."""
    brightness = np.full(len(normals), _AMBIENT)
    gloss = np.zeros(len(normals))
    for direction, strength in _LIGHTS:
        light = np.array(direction) / np.linalg.norm(direction)
        between = light + _EYE
        between /= np.linalg.norm(between)
        brightness += strength * np.clip(normals @ light, 0, None)
        gloss += strength * np.clip(normals @ between, 0, None) ** 24
    lit: NDArray[np.float64] = np.clip(colors * brightness[:, None] + _GLOSS * gloss[:, None], 0, 1)
    return lit


def _phase_bar(figure: "Figure", free: float) -> None:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((1 - 0.75 / width, 1.2 / height, 0.12 / width, 2.2 / height))
    colors = phase_colors(np.linspace(-np.pi, np.pi, 256)[:, None])
    axes.imshow(colors, origin="lower", extent=(0, 1, -np.pi, np.pi), aspect="auto")
    plain_axes(axes)
    axes.set_xticks([])
    axes.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    axes.set_title("phase", size=9, color=SOFT, pad=6, loc="left")
    axes.yaxis.tick_right()
    for spine in axes.spines.values():
        spine.set_visible(False)
