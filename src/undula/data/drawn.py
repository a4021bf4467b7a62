"""Objects that Undula draws itself for diffraction: a facetted solid, a complex object on a polygon."""

import math

import torch
from jaxtyping import Bool, Complex, Float
from torch import Tensor

from undula.errors import OptionError

_FACES = 15  # an odd number: opposite faces cannot all pair up
_FILLED = 0.8  # of the box, along each axis

# Corners as (angle in turns, radius), before chance moves them; no turn by 180° brings this outline onto
# itself.
_CORNERS = ((0.02, 1.00), (0.20, 0.62), (0.36, 0.95), (0.60, 0.50), (0.80, 0.90))


def drawn_solid(size: int, *, generator: torch.Generator | None = None) -> Float[Tensor, "d h w"]:
    """Draw a convex crystal with flat faces and a density that varies smoothly inside.

    Args:
        size: Edge of the cube in voxels, at least 8.
        generator: Source of chance; a fresh one of seed 0 if not given.

    Returns:
        float32 of shape (size, size, size): 0 outside, 0.4…1 inside, less in voxels that a face cuts. The
        solid spans 80 % of the cube along each axis.

    Raises:
        OptionError: When the cube is too small to show faces.

    Example:
        >>> drawn_solid(16).shape
        torch.Size([16, 16, 16])
    """
    chance = _chance(size, generator)
    normals, offsets = _faces(chance)
    axis = _axis(size, chance)
    z, y, x = axis[:, None, None], axis[None, :, None], axis[None, None, :]
    inside = torch.full((size, size, size), math.inf, device=chance.device)
    for (nz, ny, nx), offset in zip(normals.to(axis), offsets.to(axis), strict=True):
        torch.minimum(inside, offset - nz * z - ny * y - nx * x, out=inside)
    covered = (inside * size / 2 + 0.5).clamp(0, 1)  # the share of a voxel inside, to first order
    return covered * (0.7 + 0.3 * _smooth(axis, 3, chance))


def drawn_polygon(
    size: int, *, generator: torch.Generator | None = None
) -> tuple[Complex[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """Draw a complex object, smooth in modulus and phase, on a polygon without a center of symmetry.

    Such an outline lets a phase retrieval tell the object from its twin, turned by 180° and conjugated.

    Args:
        size: Height and width in pixels, at least 8.
        generator: Source of chance; a fresh one of seed 0 if not given.

    Returns:
        The object, complex64 of shape (size, size) with modulus 0.4…1 on the polygon and 0 outside, and its
        support, True on the polygon, which spans 90 % of both axes.

    Raises:
        OptionError: When there are too few pixels to show the outline.

    Example:
        >>> image, support = drawn_polygon(16)
        >>> bool((image.abs() > 0).eq(support).all())
        True
    """
    chance = _chance(size, generator)
    axis = _axis(size, chance)
    support = _inside(axis, _outline(chance))
    modulus = 0.7 + 0.3 * _smooth(axis, 2, chance)
    phase = 1.5 * _smooth(axis, 2, chance)
    return torch.polar(modulus, phase) * support, support


def _chance(size: int, generator: torch.Generator | None) -> torch.Generator:
    if size < 8:
        raise OptionError(f"got size={size}, expected at least 8: ask for more pixels")
    return generator or torch.Generator().manual_seed(0)


def _axis(size: int, chance: torch.Generator) -> Tensor:
    """Centers of the pixels of an edge from -1 to 1."""
    return (torch.arange(size, device=chance.device) + 0.5) * 2 / size - 1


def _faces(chance: torch.Generator) -> tuple[Tensor, Tensor]:
    """Planes n·x ≤ d around a solid that spans ±0.8 along each axis."""
    turns = torch.arange(_FACES, dtype=torch.float64) * math.pi * (3 - math.sqrt(5))
    height = 1 - (2 * torch.arange(_FACES, dtype=torch.float64) + 1) / _FACES
    ring = (1 - height**2).sqrt()
    even = torch.stack([height, ring * turns.sin(), ring * turns.cos()], 1)  # spread evenly over all directions
    normals = torch.nn.functional.normalize(even + 0.2 * _normal((_FACES, 3), chance), dim=1)
    offsets = 1 + 0.25 * _normal((_FACES,), chance).clamp(-1.5, 1.5)
    low, high = _extent(normals, offsets)
    offsets = offsets - normals @ (low + high) / 2
    scaled = normals * (high - low) / (2 * _FILLED)
    length = scaled.norm(dim=1)
    return scaled / length[:, None], offsets / length


def _extent(normals: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """The corners of the solid, where three faces meet inside all others, bound it."""
    triples = torch.combinations(torch.arange(len(offsets)), 3)
    planes = normals[triples]
    meeting = torch.linalg.det(planes).abs() > 1e-6
    corners = torch.linalg.solve(planes[meeting], offsets[triples[meeting]])
    corners = corners[(corners @ normals.T <= offsets + 1e-9).all(1)]
    return corners.amin(0), corners.amax(0)


def _outline(chance: torch.Generator) -> Tensor:
    """Corners (y, x) of a polygon that spans ±0.9 along both axes."""
    corners = torch.tensor(_CORNERS, dtype=torch.float64)
    moved = corners + torch.tensor([0.02, 0.05]) * _normal((len(_CORNERS), 2), chance).clamp(-1.5, 1.5)
    angle = 2 * math.pi * (moved[:, 0] + _uniform((1,), chance))
    points = moved[:, 1:] * torch.stack([angle.sin(), angle.cos()], 1)
    low, high = points.amin(0), points.amax(0)
    return ((points - (low + high) / 2) * 1.8 / (high - low)).float().to(chance.device)


def _inside(axis: Tensor, corners: Tensor) -> Tensor:
    """Where a ray from the pixel crosses the outline an odd number of times."""
    y, x = axis[None, :, None], axis[None, None, :]
    begin, end = corners[:, :, None, None].unbind(1), corners.roll(-1, 0)[:, :, None, None].unbind(1)
    between = (begin[0] > y) != (end[0] > y)
    rise = end[0] - begin[0]
    crossing = begin[1] + (y - begin[0]) * (end[1] - begin[1]) / torch.where(rise == 0, 1.0, rise)
    return (between & (x < crossing)).sum(0) % 2 == 1


def _smooth(axis: Tensor, dimensions: int, chance: torch.Generator) -> Tensor:
    """A few slow waves along each axis, in [-1, 1]."""
    waves = _normal((5, dimensions), chance).to(axis)
    turns, weights = _uniform((5,), chance).to(axis), (0.3 + 0.7 * _uniform((5,), chance)).to(axis)
    total = torch.zeros([len(axis)] * dimensions, device=axis.device)
    for wave, turn, weight in zip(waves, turns, weights, strict=True):
        phase = 2 * math.pi * turn
        for place, frequency in enumerate(wave):
            shape = [1] * dimensions
            shape[place] = -1
            phase = phase + 1.6 * frequency * axis.reshape(shape)
        total += weight * torch.cos(phase)
    return total / weights.sum()


def _normal(shape: tuple[int, ...], chance: torch.Generator) -> Tensor:
    drawn: Tensor = torch.randn(shape, generator=chance, device=chance.device, dtype=torch.float64)
    return drawn.cpu()


def _uniform(shape: tuple[int, ...], chance: torch.Generator) -> Tensor:
    drawn: Tensor = torch.rand(shape, generator=chance, device=chance.device, dtype=torch.float64)
    return drawn.cpu()
