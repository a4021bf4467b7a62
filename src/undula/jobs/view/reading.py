"""What `view` takes: real images or signals, alone or two of equal shape, and options that fit them."""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets.shapes import dwt_max_level

_SIGNAL_WAVELET, _IMAGE_WAVELET = "sym16", "db4"
_IMAGE_LEVEL = 3  # third-degree packets, as on the faces of the seed


def read_data(
    data: Any, *, dims: int | None, rate: float | None, name: str = "data"
) -> tuple[Float[Tensor, "..."], int]:
    """Check an array and find out what it is.

    Args:
        data: A tensor or an array of real floats.
        dims: 1 for signals, 2 for images, None to find out.
        rate: Given for signals only.
        name: What it is called in errors.

    Returns:
        The tensor, float32 or float64, and how many of its last axes are space.

    Raises:
        ShapeError: It has too few axes, or an empty one.
        RangeError: It holds integers, complex numbers, NaN or infinities.
        OptionError: `dims` is neither 1 nor 2, or a rate is given for images.
    """
    values = torch.as_tensor(data).detach()
    if dims not in (None, 1, 2):
        raise OptionError(f"got dims={dims}, expected 1 for signals or 2 for images: correct it")
    space = dims or (1 if values.ndim == 1 or rate is not None else 2)
    if space == 2 and rate is not None:
        raise OptionError(f"got rate={rate} for images, expected none: leave it out, or say dims=1 for signals")
    if values.ndim < space or not values.numel():
        shape = "(…, height, width)" if space == 2 else "(…, time)"
        raise ShapeError(f"got {name} of shape {tuple(values.shape)}, expected {shape}, none of them 0: reshape it")
    if not values.is_floating_point():
        raise RangeError(
            f"got {name} of type {values.dtype}, expected real floats: take .float(), or .abs() of complex ones"
        )
    wrong = ~torch.isfinite(values)
    if bool(wrong.any()):
        first = tuple(torch.nonzero(wrong)[0].tolist())
        raise RangeError(
            f"got {values[first]} at {first} in {name} ({int(wrong.sum())} such values), expected finite numbers: "
            "cut or fill them first"
        )
    return (values if values.dtype == torch.float64 else values.float()), space


def check_pair(values: Tensor, others: Tensor) -> None:
    """Refuse to compare what has not the same shape.

    Raises:
        ShapeError: The shapes differ.
    """
    if values.shape != others.shape:
        raise ShapeError(
            f"got shapes {tuple(values.shape)} and {tuple(others.shape)} to compare, expected equal ones: "
            "cut or scale one to the size of the other first"
        )


def checked_rate(rate: float | None) -> float:
    """The rate, or 1 where nobody said.

    Raises:
        RangeError: It is not positive.
    """
    if rate is not None and not 0 < rate < math.inf:
        raise RangeError(f"got rate={rate}, expected a positive number of samples in a second: correct it")
    return float(rate or 1.0)


def chosen_wavelet(wavelet: str | None, dims: int) -> str:
    """The wavelet, or the one that shows most: of long steep filters for signals, of short ones for images.

    On the chirp sym16 leaks less into other bands than db4, db8, sym8 and coif5.
    """
    return wavelet or (_SIGNAL_WAVELET if dims == 1 else _IMAGE_WAVELET)


def chosen_level(level: int | None, shape: tuple[int, ...], wavelet: Any) -> int:
    """The level of packets and pyramid: about as many bands as times for signals, three for images.

    Args:
        level: What the caller wants, or None.
        shape: Lengths of the space axes.
        wavelet: Its filters limit the level.

    Returns:
        The level, 0 for a single sample.

    Raises:
        OptionError: The level is negative, or there would be more bands than samples.
    """
    shortest = min(shape)
    most = int(math.log2(shortest))
    if level is not None:
        if not 0 <= level <= most:
            raise OptionError(
                f"got level={level} for the shape {shape}, expected 0…{most}: more bands than samples show nothing"
            )
        return level
    wanted = round(math.log2(shortest) / 2) if len(shape) == 1 else _IMAGE_LEVEL
    sensible = max(dwt_max_level(shortest, wavelet), min(2, most))
    return min(wanted, sensible, most)


def chosen_scales(scales: Any, length: int, central: float) -> Float[np.ndarray, " scales"]:
    """Scales of the scalogram: from half the rate down to four periods in the signal, twelve in an octave, 97 at most.

    Args:
        scales: None, how many, or the scales themselves in samples.
        length: Samples of the signal.
        central: Central frequency of the wavelet in periods per unit.

    Returns:
        The scales, rising.

    Raises:
        OptionError: None of them, or one that is not positive.
    """
    if scales is not None and not isinstance(scales, int):
        given = np.sort(np.asarray(scales, dtype=np.float64).reshape(-1))
        if not given.size or not np.isfinite(given).all() or given[0] <= 0:
            raise OptionError(f"got scales={scales!r}, expected positive numbers of samples: leave them out")
        return given
    least = 2 * central
    greatest = max(central * length / 4, least)
    count = scales if scales is not None else min(97, 1 + math.ceil(12 * math.log2(greatest / least)))
    if count < 1:
        raise OptionError(f"got scales={scales}, expected at least 1: leave it out")
    return np.geomspace(least, greatest, count) if greatest > least else np.array([least])
