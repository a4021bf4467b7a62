"""What networks and losses leave behind in a picture: lattices (the checkerboard) and tints (the discoloration)."""

import itertools
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from undula.errors import OptionError, ShapeError
from undula.metrics.pairs import check_images, check_pair, quotient, rounding
from undula.spectra import fourier, frequencies, half_plane_weights, windowed
from undula.spectra.comparing import in_full_precision


@in_full_precision
def lattice_peak_index(
    image: Float[Tensor, "*batch h w"], reference: Float[Tensor, "*batch h w"] | None = None, *, period: int = 8
) -> Float[Tensor, "*batch"]:
    """How far the spectrum stands above its surroundings at the frequencies of a lattice of that period: 1 is no peak.

    What repeats every `period` pixels along both axes has its energy at the frequencies (a, b) / period alone: the
    checkerboard of a transposed convolution, the seams of windows or tiles. The index is the mean over these
    frequencies (all but zero) of P / B, P the power of the difference image - reference under a Hann window and B the
    median of the power around it over ln 2, which is the mean power where there is nothing but noise. A checkerboard
    of amplitude A on white noise of deviation σ gives about 1 + 4 A² h w / (9 σ² (period² - 1)).

    Args:
        image: Images (…, h, w), each side at least 4 periods; rows and columns beyond the last whole period are cut.
        reference: Images of the same shape, which take their own spectrum out of the comparison. Without them textures
            and straight edges along the axes count as peaks where they repeat.
        period: Longest period in pixels; its divisors are part of it: 8 covers 2 and 4.

    Returns:
        One value from 0 on per image (…). White noise scatters about 1, by 0.2 at period 8. 1 where there is nothing
        at all (equal or constant images), infinite for a lattice on nothing.

    Raises:
        ShapeError: The shapes differ, are empty, or a side is shorter than 4 periods.
        RangeError: The images hold integers.
        OptionError: `period` is below 2.

    Example:
        >>> noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
        >>> board = torch.ones(64, 64)
        >>> board[::2, ::2] = board[1::2, 1::2] = -1
        >>> lattice_peak_index(noise) < 1.5, lattice_peak_index(noise + board) > 20
        (tensor(True), tensor(True))
    """
    check_images(image, dims=2)
    if reference is not None:
        check_pair(image, reference, dims=2)
        image = image - reference
    if period < 2:
        raise OptionError(f"got period={period}, expected at least 2 pixels: 8 covers the periods 2 and 4 too")
    h, w = (side // period * period for side in image.shape[-2:])
    if min(h, w) < 4 * period:
        raise ShapeError(
            f"got images of {tuple(image.shape[-2:])} pixels, expected at least {4 * period} × {4 * period} for "
            f"period={period}: take a smaller period"
        )
    power = _windowed_power(image[..., :h, :w])
    row, column = _lattice((h, w), period, device=image.device)
    peak = _at(power, row, column, width=w)
    around = _at(power, *_surroundings(row, column, spacing=min(h, w) // period), width=w)
    return quotient(peak, _median(around) / math.log(2), nothing=1.0).mean(dim=-1)


@in_full_precision
def color_bias(
    image: Float[Tensor, "*batch 3 h w"], reference: Float[Tensor, "*batch 3 h w"], *, cutoff: float = 1 / 16
) -> Float[Tensor, "*batch"]:
    """Root mean square of the slow difference in chroma between two color images: discoloration, not grain.

    Chroma is ((R - B) / √2, (R - 2G + B) / √6), orthonormal to brightness (R + G + B) / √3, so that a shift of all three
    channels counts nothing. Slow are the frequencies |f| ≤ cutoff, the mean included. A tint of one channel by t gives
    t √(2/3).

    Args:
        image: Images (…, 3, h, w), red, green, blue.
        reference: Images of the same shape.
        cutoff: Highest frequency that counts, in cycles per pixel; 0 compares the mean colors.

    Returns:
        One value from 0 on per image (…), in units of the image; gradient 0 where there is no bias. White noise of
        deviation σ in all channels leaves √(2 π) · cutoff · σ, 0.16 σ.

    Raises:
        ShapeError: The shapes differ, are empty, or the third axis from the end is not 3 long.
        RangeError: The images hold integers.
        OptionError: `cutoff` is negative.

    Example:
        >>> grey = torch.full((3, 32, 32), 0.5)
        >>> tint = torch.tensor([0.1, 0.0, 0.0])[:, None, None]
        >>> color_bias(grey + tint, grey).round(decimals=4)
        tensor(0.0816)
    """
    check_pair(image, reference, dims=3)
    if image.shape[-3] != 3:
        raise ShapeError(f"got images of shape {tuple(image.shape)}, expected (…, 3, h, w): red, green, blue")
    if not cutoff >= 0:
        raise OptionError(f"got cutoff={cutoff}, expected 0 or more cycles per pixel, mostly 1/16")
    red, green, blue = (image - reference).unbind(-3)
    chroma = torch.stack([(red - blue) / math.sqrt(2), (red - 2 * green + blue) / math.sqrt(6)], dim=-3)
    shape = chroma.shape[-2:]
    vertical, horizontal = frequencies(shape, real=True, like=chroma)
    slow = torch.sqrt(vertical**2 + horizontal**2) <= cutoff * (1 + 1e-6)
    weights = half_plane_weights(shape, real=True, like=chroma) * slow
    # By Parseval the sum over the slow coefficients is the sum over the pixels of what passes the filter.
    return torch.linalg.vector_norm(fourier(chroma) * weights.sqrt(), dim=(-3, -2, -1)) / math.sqrt(math.prod(shape))


def _windowed_power(x: Float[Tensor, "*batch h w"]) -> Float[Tensor, "*batch h half"]:
    """Power under a Hann window, whose leakage ends at the next coefficients; 0 where it is rounding."""
    x = x - x[..., :1, :1]
    spectrum = fourier(windowed(x - x.mean(dim=(-2, -1), keepdim=True)))
    power = spectrum.real**2 + spectrum.imag**2
    highest = power.amax(dim=(-2, -1), keepdim=True)
    return torch.where(power <= rounding(power.dtype) * highest, 0.0, power)


def _lattice(
    shape: tuple[int, int], period: int, *, device: torch.device
) -> tuple[Int[Tensor, " points"], Int[Tensor, " points"]]:
    """Rows and columns of the full plane where multiples of 1/period lie, without zero frequency."""
    row, column = (torch.arange(period, device=device) * (side // period) for side in shape)
    grid = torch.cartesian_prod(row, column)[1:]
    return grid[:, 0], grid[:, 1]


def _surroundings(
    row: Int[Tensor, " points"], column: Int[Tensor, " points"], *, spacing: int
) -> tuple[Int[Tensor, "points around"], Int[Tensor, "points around"]]:
    """Up to 4 coefficients away, beyond the leakage of this peak and before that of the next."""
    reach = min(4, spacing - 2)
    offsets = itertools.product(range(-reach, reach + 1), repeat=2)
    far = torch.tensor([pair for pair in offsets if max(map(abs, pair)) > 1], device=row.device)
    return row[:, None] + far[:, 0], column[:, None] + far[:, 1]


def _at(
    power: Float[Tensor, "*batch h half"], row: Int[Tensor, "..."], column: Int[Tensor, "..."], *, width: int
) -> Float[Tensor, "..."]:
    """Values of the full plane, of which there is one half: the other one is its mirror."""
    column = column % width
    mirrored = column > width // 2
    row = torch.where(mirrored, -row, row) % power.shape[-2]
    return power[..., row, torch.where(mirrored, width - column, column)]


def _median(x: Tensor) -> Tensor:
    """Mean of the two middle values of an even number (torch's own median is the lower one)."""
    middle = x.shape[-1] // 2
    return x.sort(dim=-1).values[..., middle - 1 : middle + 1].mean(dim=-1)
