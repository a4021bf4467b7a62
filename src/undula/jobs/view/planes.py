"""Time and frequency at once: the scalogram of a signal, its packets, and which time each of these belongs to."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from undula.spectra.wavelets.continuous import cwt
from undula.spectra.wavelets.packets import wpdec

_AT_ONCE = 2**22  # coefficients: complex ones of double precision take 64 MiB


def scalogram(
    x: Float[Tensor, "*batch time"], scales: Float[np.ndarray, " scales"], wavelet: Any, *, rate: float
) -> tuple[Float[Tensor, "*batch scales time"], Float[Tensor, " scales"]]:
    """Magnitude of the continuous wavelet transform over √scale, S(s, t) = |C(s, t)| / √s.

    The mean is taken away first: the ends of a signal that is not zero there would outshine all else. Divided so, a wave of
    amplitude a reads a / 2 · sinc(f) with a complex Morlet wavelet, f in cycles per sample: nearly the same at all
    frequencies, for PyWavelets' samples of a wavelet are means over a sample.

    Args:
        x: Signals.
        scales: Scales in samples, rising.
        wavelet: A continuous wavelet.
        rate: Samples in a second.

    Returns:
        The magnitudes, frequencies falling, and the frequencies in hertz.
    """
    group = max(1, _AT_ONCE // x.numel())
    parts, known = [], []
    moving = x - x.mean(dim=-1, keepdim=True)
    for start in range(0, len(scales), group):
        some = scales[start : start + group]
        coefficients, frequencies = cwt(moving, some, wavelet, 1.0 / rate)
        root = torch.as_tensor(some, dtype=x.dtype, device=x.device).sqrt()
        parts.append(coefficients.abs().movedim(0, -2) / root[:, None])
        known.append(torch.as_tensor(frequencies, dtype=torch.float64))
    return torch.cat(parts, dim=-2), torch.cat(known)


def packet_plane(
    x: Float[Tensor, "*batch time"], wavelet: Any, *, level: int, mode: str, rate: float, taps: int
) -> tuple[Float[Tensor, "*batch bands n"], Float[Tensor, " bands"], Float[Tensor, " n"]]:
    """Wavelet packets of one level in the order of frequency.

    Args:
        x: Signals.
        wavelet: A discrete wavelet.
        level: The level L.
        mode: Boundary mode.
        rate: Samples in a second.
        taps: Length of the wavelet's filters.

    Returns:
        Coefficients of 2^L bands, the middle frequency of each in hertz, and the time in seconds that each coefficient of
        a band belongs to: some lie before and behind the signal, in its continuation.
    """
    packets = wpdec(x, wavelet, mode, level, -1, "freq")
    bands, count = packets.shape[-2:]
    middle = (torch.arange(bands, dtype=torch.float64) + 0.5) * rate / (2 * bands)
    times = torch.as_tensor(packet_times(count, level=level, taps=taps, mode=mode)) / rate
    return packets, middle, times


def packet_times(count: int, *, level: int, taps: int, mode: str) -> Float[np.ndarray, " n"]:
    """Middle of every coefficient of level L, in samples: t(k) = 2^L k - (2^L - 1) (F - 3) / 2 for filters of F taps.

    Coefficient o of one level is Σ h(j) x(2o + 1 - j), whose middle is 2o + 1 - (F - 1) / 2. Modes that keep the length
    shift their filters: there t(k) = 2^L k + (2^L - 1) / 2.

    Args:
        count: Coefficients.
        level: The level.
        taps: Length of the filters.
        mode: Boundary mode.

    Returns:
        Times in samples.

    Example:
        >>> packet_times(3, level=1, taps=2, mode="symmetric").tolist()
        [0.5, 2.5, 4.5]
    """
    step = 2**level
    tight = mode in ("periodization", "boundary")
    first = (step - 1) / 2 if tight else -(step - 1) * (taps - 3) / 2
    return first + step * np.arange(count, dtype=np.float64)
