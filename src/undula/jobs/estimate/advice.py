"""What tells whether to trust a fit, in numbers and in a sentence."""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from undula.jobs.estimate.record import Record

LEAST_CHANCE = 1e-3
SPOILED = 5.0  # factor by which one mode raises the error of another's frequency, from which the pair is named
LEAST_RATIO = 3.0  # amplitude over its error below which a mode is doubted


def whiteness(record: Record, left: Float[Tensor, "n c r"], *, parameters: int) -> Float[Tensor, " n"]:
    """Chance that white noise would be as correlated with itself as this residual: the test of Ljung and Box, calibrated.

    The sum of squared correlations follows χ² only in long records, and a fit takes noise away near its modes, which
    correlates what is left. So its chance is that of a gamma distribution with the mean, the variance and the skewness that
    simulated residuals have: of those with 0 to 5 modes in 32 to 4,096 samples 0.6 to 1.3 % fall below 0.01, and 0.08 to
    0.19 % below 0.001, where χ² puts up to 10 and 3 % (five modes in 128 samples).

    Args:
        record: The signals.
        left: Their whitened residuals.
        parameters: How many were fitted.

    Returns:
        One probability per signal, of the sum over channels; below 0.001 something is left that the model does not hold.

    Reference: Ljung and Box, On a measure of lack of fit in time series models, 1978.
    """
    rows = left if record.real else torch.unflatten(left, 2, (2, -1)).flatten(1, 2)
    used = None if record.weights is None else record.weights[:, None].expand(len(rows), 1, -1)
    if record.passband is not None:
        rows, used = _within(left, record), None
    length = rows.shape[2]
    lags = max(1, min(10, length // 5))
    power = rows.square().sum(dim=2).clamp_min(1e-300)
    total = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
    present = torch.full_like(power[:, :1], length) if used is None else used.sum(dim=2)
    for lag in range(1, lags + 1):
        pairs = present - lag if used is None else (used[:, :, lag:] * used[:, :, :-lag]).sum(dim=2)
        pairs = pairs.clamp_min(1)
        share = (rows[:, :, lag:] * rows[:, :, :-lag]).sum(dim=2) / power * present / pairs
        total = total + (share.square() * pairs * (present + 2) / present).sum(dim=1)
    taken = parameters / record.count.clamp_min(1).to(total)
    return _chance(total, present[:, 0].to(total), taken, rows=rows.shape[1], lags=lags)


def _within(left: Tensor, record: Record) -> Float[Tensor, "n k l"]:
    """What rows hold inside the passband, as complex samples just dense enough for it: noise that was white there is white."""
    assert record.passband is not None
    signal = left if record.real else torch.complex(*left.chunk(2, dim=2))
    samples = signal.shape[2]
    cycles = torch.fft.fftfreq(samples, dtype=torch.float64)
    inside = (cycles.abs() >= record.passband[0]) & (cycles.abs() <= record.passband[1])
    inside &= (cycles > 0) | torch.tensor(not record.real)
    narrow = torch.fft.ifft(torch.fft.fft(signal)[:, :, inside.to(left.device)])
    return torch.cat([narrow.real, narrow.imag], dim=1)


# Of 80,000 simulated white rows for each length (16,000 for 1024): variance and skewness of the sum over those of χ².
_LENGTHS = (16, 32, 64, 128, 256, 1024)
_VARIANCE = (1.03, 1.17, 1.21, 1.10, 1.07, 1.0)
_SKEWNESS = (1.15, 1.58, 1.60, 1.30, 1.18, 1.03)


def _chance(total: Tensor, length: Tensor, taken: Tensor, *, rows: int, lags: int) -> Float[Tensor, " n"]:
    """Upper tail of the gamma distribution with three moments of the sum, where a share `taken` of the numbers was fitted."""
    growth = 1 + 2.3 * taken + 3.5 * taken.square()
    mean = rows * lags * growth
    spread = (2 * rows * lags * _between(length, _VARIANCE) * growth**1.7).sqrt()
    skewness = math.sqrt(8 / (lags * rows)) * _between(length, _SKEWNESS)
    shape = 4 / skewness.square()
    return torch.special.gammaincc(shape, (shape + (total - mean) / spread * shape.sqrt()).clamp_min(0))


def _between(length: Tensor, values: tuple[float, ...]) -> Tensor:
    """A table by length, straight in the logarithm of the length, constant beyond its ends."""
    found = np.interp(np.log(length.detach().cpu().numpy()), np.log(_LENGTHS), values)
    return torch.as_tensor(found, dtype=torch.float64, device=length.device)


def excess(record: Record, cost: Float[Tensor, " n"], *, parameters: int) -> Float[Tensor, " n"]:
    """Chance that noise of the stated size would leave a residual as large as this one; 1 where no size was stated.

    Args:
        record: The signals.
        cost: Sum of squares of the whitened residual.
        parameters: How many were fitted.
    """
    if not record.known:
        return torch.ones_like(cost)
    low, high = record.passband or (0.0, 0.5)
    share = 2 * (min(high, 0.5) - low)
    degrees = (share * record.count - parameters).clamp_min(1).to(cost)
    return torch.special.gammaincc(degrees / 2, cost / 2)


def advise(
    *,
    dead: Bool[Tensor, " n"],
    count: Tensor,
    white: Tensor,
    size: Tensor,
    inflation: Tensor,
    ratio: Tensor,
    decay_rate: Tensor,
    frequency: Tensor,
    uneven: bool,
) -> list[str]:
    """One text per item, empty where there is nothing to say.

    Args:
        dead: Constant signals.
        count: Components.
        white: From `whiteness`.
        size: From `excess`.
        inflation: By how much one mode raises the error of another.
        ratio: Amplitude over its error (n, P).
        decay_rate: γ of every mode (n, P).
        frequency: f of every mode (n, P).
        uneven: Whether the sampling is uneven.

    Returns:
        The texts.
    """
    loud = dead | (count == 0) | ~(white >= LEAST_CHANCE) | ~(size >= LEAST_CHANCE) | uneven
    loud |= ((decay_rate < 0) | (ratio <= LEAST_RATIO)).any(dim=1) | (inflation > SPOILED).flatten(1).any(dim=1)
    loud |= (ratio.isnan() & (torch.arange(ratio.shape[1], device=count.device) < count[:, None])).any(dim=1)
    place = loud.nonzero()[:, 0]
    texts = [""] * len(count)
    plain = zip(
        place.tolist(),
        *(each[place].tolist() for each in (dead, count, white, size, frequency, decay_rate, ratio, inflation)),
        strict=True,
    )
    for item, constant, modes, p_white, p_size, *measured in plain:
        if constant:
            texts[item] = "the signal is constant: there is nothing to fit; check that the right array was read"
            continue
        said = [] if modes else ["no mode rises above the noise"]
        said += _of_modes(modes, *measured)
        if p_white < LEAST_CHANCE:
            said.append(
                f"the residual is not white (p = {p_white:.1g}): more components, an offset or a trend, or noise that is "
                "colored (noise=…)"
            )
        if p_size < LEAST_CHANCE:
            said.append(f"the residual is larger than the stated noise (p = {p_size:.1g})")
        if uneven:
            said.append("uneven sampling: starts come from the sweep alone, no subspace method was used")
        texts[item] = "; ".join(said)
    return texts


def _of_modes(
    modes: int, frequency: list[float], decay_rate: list[float], ratio: list[float], inflation: list[list[float]]
) -> list[str]:
    said = []
    for mode in range(modes):
        name = f"mode {mode} at {frequency[mode]:.4g} Hz"
        if decay_rate[mode] < 0:
            said.append(f"{name} grows (rate {decay_rate[mode]:.2g}/s)")
        if not ratio[mode] > LEAST_RATIO:
            said.append(f"{name} hardly rises above the noise")
        for other in range(mode + 1, modes):
            factor = max(inflation[mode][other], inflation[other][mode])
            if factor > SPOILED and math.isfinite(factor):
                said.append(
                    f"modes {mode} and {other} at {frequency[mode]:.4g} and {frequency[other]:.4g} Hz are an ill-conditioned "
                    f"pair: each makes the other's frequency {factor:.0f} times less certain"
                )
    return said
