"""The grain of a road surface: stones in bitumen under oblique light, with the spectrum of photographs."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from undula.data.draws import normal, uniform
from undula.spectra import radial_profile
from undula.spectra.fourier import fourier, frequencies, inverse_fourier, radial_bands

_BORDER = 24  # pixels around a picture that are thrown away, so that opposite edges do not continue each other
_SIZES = {3: 1.0, 5: 0.7}  # of stones in pixels, and how much each adds
_GRIT, _STONES = 200, 210  # numbers of the draws of a picture


def drawn_grain(
    seeds: Int[Tensor, " n"], chance: Float[Tensor, "n 6"], height: int, width: int
) -> Float[Tensor, "n h w"]:
    """Draw stones and grit under oblique light, and give every picture the radial spectrum of a photograph.

    Stones are Voronoi cells with a tone of their own, domed; grit is single bright and dark pixels. Oblique light adds
    the slope of both along one direction. A radial gain then brings the mean power of every ring of frequency to
    P(f) = 10^level (f / 0.105)^-slope 10^(-lens f⁴), f in cycles per pixel.

    Args:
        seeds: Seed of every picture.
        chance: Uniform numbers that choose grit, direction and share of the slope, level, slope and lens.
        height: Height in pixels.
        width: Width in pixels.

    Returns:
        Fields (n, h, w) of mean zero, in grey values of [0, 1].

    Example:
        >>> drawn_grain(torch.arange(2), torch.rand(2, 6, dtype=torch.float64), 64, 80).shape
        torch.Size([2, 64, 80])
    """
    shape = (height + 2 * _BORDER, width + 2 * _BORDER)
    grit, angle, share, level, slope, lens = chance.T[:, :, None, None]
    pattern = (0.35 + 0.5 * grit) * _grit(seeds, shape)
    for size, weight in _SIZES.items():
        pattern = pattern + weight * _stones(seeds, size, shape)
    down, across, radius = _frequencies(shape)
    along = (down * torch.sin(2 * math.pi * angle) + across * torch.cos(2 * math.pi * angle)) / radius
    lit = fourier(pattern) * torch.complex(1 - 0.5 * share, 0.5 * share * along)
    power = radial_profile(inverse_fourier(lit, shape=shape, real=True), power=True)
    # Levels, slopes and lenses were chosen until drawn pictures with their cracks had the spectra of the photographs.
    wanted = 10 ** (level - 2.65 - (9 + 13 * lens) * radius**4) * (radius / 0.105) ** -(0.4 + 0.9 * slope)
    gain = torch.sqrt(wanted / power[:, radial_bands(shape, real=True)])
    gain[:, 0, 0] = 0
    return _cut(inverse_fourier(lit * gain, shape=shape, real=True))


def drawn_clouds(
    seeds: Int[Tensor, " n"], number: int, shape: tuple[int, int, int], *, size: float | int, fall: float | int
) -> Float[Tensor, "n count h w"]:
    """Draw Gaussian fields of variance about 1 whose power falls as 1 / (1 + (f size)^fall).

    Args:
        seeds: Seed of every picture.
        number: Number of the draw within a picture.
        shape: How many fields, their height and width in pixels.
        size: Pixels over which a field stays alike.
        fall: How fast finer detail vanishes.

    Returns:
        Fields (n, count, h, w).

    Example:
        >>> drawn_clouds(torch.arange(2), 0, (3, 64, 80), size=20, fall=4).shape
        torch.Size([2, 3, 64, 80])
    """
    count, space = shape[0], (shape[1] + 2 * _BORDER, shape[2] + 2 * _BORDER)
    noise = normal(seeds, torch.full_like(seeds, number), (count, *space), dtype=torch.float64)
    gain = torch.rsqrt(1 + (_frequencies(space)[2] * size) ** fall)
    gain = gain / gain.square().mean().sqrt()
    return _cut(inverse_fourier(fourier(noise) * gain, shape=space, real=True))


def _frequencies(shape: tuple[int, int]) -> tuple[Tensor, Tensor, Float[Tensor, "h half"]]:
    """Down, across and in all, the last never zero."""
    down, across = frequencies(shape, real=True, like=torch.ones((), dtype=torch.float64))
    return down, across, torch.hypot(down, across).clamp_min(0.5 / max(shape))


def _cut(field: Float[Tensor, "*batch h w"]) -> Float[Tensor, "*batch smaller_h smaller_w"]:
    return field[..., _BORDER:-_BORDER, _BORDER:-_BORDER]


def _grit(seeds: Int[Tensor, " n"], shape: tuple[int, int]) -> Float[Tensor, "n h w"]:
    """Noise with longer tails than Laplace's, the bright one twice as long.

    In the pictures 0.1 % then lie beyond -4.3 and 4.0 spreads, against -4.2 and 4.1 in photographs.
    """
    signed = 2 * uniform(seeds, torch.full_like(seeds, _GRIT), shape, dtype=torch.float64) - 1
    size = (-torch.log1p(-signed.abs())) ** 1.5
    return torch.where(signed > 0, 0.64 * size, -0.32 * size)


def _stones(seeds: Int[Tensor, " n"], size: int, shape: tuple[int, int]) -> Float[Tensor, "n h w"]:
    """Every pixel takes the tone of the nearest stone, one of which lies anywhere in each square of `size` pixels."""
    rows, columns = (math.ceil(edge / size) for edge in shape)
    chance = uniform(seeds, torch.full_like(seeds, _STONES + size), (3, rows + 2, columns + 2), dtype=torch.float32)
    place = (torch.arange(size) + 0.5) / size
    nearest = torch.full((len(seeds), rows, size, columns, size), math.inf)
    tone = torch.zeros_like(nearest)
    for row in range(3):
        for column in range(3):
            around = chance[:, :, row : row + rows, None, column : column + columns, None]
            y, x, own = around.unbind(dim=1)
            away = (place[:, None, None] + 1 - row - y) ** 2 + (place + 1 - column - x) ** 2
            tone = torch.where(away < nearest, own, tone)
            nearest = torch.minimum(nearest, away)
    domed = torch.atanh(0.999 * (2 * tone - 1)) - nearest
    return domed.flatten(1, 2).flatten(2)[:, : shape[0], : shape[1]].double()
