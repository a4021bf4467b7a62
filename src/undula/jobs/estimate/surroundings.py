"""Noise learned from what surrounds a ringing, and records limited to a band before it is cut out."""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.errors import OptionError, RangeError
from undula.spectra.whitening import median_bias, welch

SHARE = 16  # segments side by side that a record is cut into for its density
LEAST = 4  # segments without gaps that must lie outside the ringing
_SLOPE = 0.2  # of an edge, over which the gain falls to nothing outside the band
_EDGE = 5  # bins inside an edge whose median the density keeps beyond it


def surrounding_density(
    rows: Shaped[Tensor, "n c t"], *, used: tuple[int, int], length: int, rate: float
) -> tuple[Float[Tensor, " f"], Float[Tensor, "n c f"]]:
    """Density of the noise around the samples in use: median of overlapping segments, so that a glitch in one moves nothing.

    Args:
        rows: The whole records, NaN in gaps.
        used: First sample and end of what is fitted; segments that touch it are left out, and those with a gap.
        length: Samples of the longest fit: a segment has four times as many, or 1/16 of the record.
        rate: Samples per second.

    Returns:
        Frequencies in Hz, and the density of every channel of every item.

    Raises:
        RangeError: Too little is left.

    Reference: Welch, The use of fast Fourier transform for the estimation of power spectra, 1967.
    """
    samples = rows.shape[-1]
    segment = max(4 * length, samples // SHARE)
    if segment * 2 > samples:
        raise _too_little(samples, segment, rate)
    pieces = rows.unfold(-1, segment, segment // 2)
    first = torch.arange(pieces.shape[-2]) * (segment // 2)
    apart = ((first + segment <= used[0]) | (first >= used[1])).to(rows.device)
    densities = []
    for row in pieces.flatten(0, 1):
        kept = row[apart & ~row.isnan().any(dim=1)]
        if len(kept) < LEAST:
            raise _too_little(samples, segment, rate)
        frequency, power = welch(kept, rate=rate, segment=segment)
        densities.append(torch.quantile(power, 0.5, dim=0) / median_bias(len(power)))
    return frequency, torch.stack(densities).reshape(*rows.shape[:2], -1)


def limited(rows: Shaped[Tensor, "*b t"], *, passband: tuple[float, float], rate: float) -> Shaped[Tensor, "*b t"]:
    """Records without what lies outside a band: gain 1 inside it, falling to 0 over a fifth of each edge, no delay.

    The ends are continued by their turned images, gaps bridged by straight lines, and are gaps again afterwards.

    Args:
        rows: Whole records, NaN in gaps.
        passband: Lowest and highest frequency in Hz.
        rate: Samples per second.

    Raises:
        RangeError: The band is empty, or reaches beyond half the sampling rate.
    """
    low, high = passband
    if not 0 <= low < high <= 0.5 * rate * (1 + 1e-9):
        raise RangeError(
            f"got passband=({low:g}, {high:g}), expected two frequencies in Hz up to half the sampling rate, {0.5 * rate:g}, "
            "the lower first"
        )
    holes, samples = rows.isnan(), rows.shape[-1]
    filled = _bridged(rows, holes) if bool(holes.any()) else rows
    wing = min(samples - 1, math.ceil(8 * rate / max(low, 8 * rate / samples)))
    before = 2 * filled[..., :1] - filled[..., 1 : wing + 1].flip(-1)
    after = 2 * filled[..., -1:] - filled[..., -wing - 1 : -1].flip(-1)
    longer = torch.cat([before, filled, after], dim=-1)
    cycles = torch.fft.fftfreq(longer.shape[-1], d=1 / rate, dtype=torch.float64, device=rows.device).abs()
    below = ((low - cycles) / (_SLOPE * low)).clamp(0, 1) if low > 0 else torch.zeros_like(cycles)
    above = ((cycles - high) / (_SLOPE * high)).clamp(0, 1)
    gain = 0.25 * (1 + torch.cos(math.pi * below)) * (1 + torch.cos(math.pi * above))
    passed = torch.fft.ifft(torch.fft.fft(longer) * gain)
    passed = passed if rows.is_complex() else passed.real
    return torch.where(holes, torch.nan, passed[..., wing : wing + samples])


def leveled(
    frequency: Float[Tensor, " f"], density: Float[Tensor, "*b f"], *, passband: tuple[float, float]
) -> Float[Tensor, "*b f"]:
    """A density that stays beyond the edges of a band as it is there: nothing is concluded from frequencies taken away.

    Args:
        frequency: In Hz.
        density: By frequency.
        passband: The band.

    Raises:
        RangeError: The density says nothing inside the band.
    """
    size = frequency.abs()
    inside = ((size >= passband[0]) & (size <= passband[1])).nonzero()[:, 0]
    if len(inside) == 0:
        raise RangeError(f"got passband={passband}, expected one with frequencies of the density inside: widen it")
    order = inside[size[inside].argsort()]
    low, high = (density[..., part].median(dim=-1, keepdim=True).values for part in (order[:_EDGE], order[-_EDGE:]))
    return torch.where(size < passband[0], low, torch.where(size > passband[1], high, density))


def read_passband(passband: object, noise: object) -> tuple[float, float] | None:
    """The band as two numbers.

    Raises:
        OptionError: A band, and noise that is taken for white.
    """
    if passband is None:
        return None
    low, high = (float(each) for each in passband)  # type: ignore[attr-defined]
    if not isinstance(noise, str | tuple) and (noise is None or getattr(noise, "ndim", 0) == 0):
        raise OptionError(
            f'got passband=({low:g}, {high:g}) and noise={noise!r}, expected a density, a stretch of noise or "surrounding": '
            "what is limited to a band is no longer white"
        )
    return low, high


def _bridged(rows: Tensor, holes: Tensor) -> Tensor:
    """Gaps filled by straight lines between their neighbors."""
    place = torch.arange(rows.shape[-1], dtype=torch.float64, device=rows.device)
    filled = rows.clone()
    for row, hole in zip(filled.flatten(0, -2), holes.flatten(0, -2), strict=True):
        known = (~hole).nonzero()[:, 0]
        if len(known) == 0:
            row.zero_()
            continue
        right = torch.searchsorted(known, hole.nonzero()[:, 0]).clamp(max=len(known) - 1)
        left = (right - 1).clamp_min(0)
        at = hole.nonzero()[:, 0]
        a, b = known[left], known[right]
        share = ((place[at] - place[a]) / (place[b] - place[a]).clamp_min(1)).clamp(0, 1)
        row[hole] = row[a] + (row[b] - row[a]) * share
    return filled


def _too_little(samples: int, segment: int, rate: float) -> RangeError:
    return RangeError(
        f"got {samples / rate:g} s of signal, expected at least {LEAST} segments of {segment / rate:g} s without gaps outside "
        "the ringing: give a longer record, or the noise itself (noise=…)"
    )
