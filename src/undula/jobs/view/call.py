"""`undula.view`: from what the user brings to a `View`."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.plain import plain
from undula.errors import OptionError
from undula.jobs.view.magnitudes import Compared, compare, image_spectrum, signal_spectrum
from undula.jobs.view.mosaic import packet_bands, pyramid_mosaic
from undula.jobs.view.planes import packet_plane, scalogram
from undula.jobs.view.reading import check_pair, checked_rate, chosen_level, chosen_scales, chosen_wavelet, read_data
from undula.jobs.view.result import View
from undula.spectra import periodic_plus_smooth
from undula.spectra.fourier import Norm
from undula.spectra.wavelets import Mode
from undula.spectra.wavelets.banks import read_bank
from undula.spectra.wavelets.catalog import central_frequency


def view(
    data: Any,
    *,
    other: Any = None,
    dims: Literal[1, 2] | None = None,
    rate: float | int | None = None,
    wavelet: str | None = None,
    continuous: str = "cmor1.5-1.0",
    level: int | None = None,
    mode: Mode = "symmetric",
    scales: int | Sequence[float] | None = None,
    periodic: bool = False,
    norm: Norm = "backward",
) -> View:
    """Calculate the spectra of images or signals: Fourier magnitudes, radial profile, wavelet pyramid, scalogram, packets.

    Images have magnitudes, a radial profile, a pyramid and packets; signals have magnitudes, a scalogram and packets.
    With `other` the magnitudes of both are compared too, mean | |F a| - |F b| |.

    Args:
        data: Real floats: images (…, H, W) or signals (…, T); leading axes are independent items. A tensor, or a NumPy
            array (then the results are arrays).
        other: Another one of the same shape, to compare with.
        dims: 1 for signals, 2 for images. None takes one axis, or a given rate, for signals, all else for images.
        rate: Samples of a signal in a second; None is 1, with frequencies in cycles per sample.
        wavelet: Discrete wavelet of pyramid and packets; None is "sym16" for signals and "db4" for images.
        continuous: Continuous wavelet of the scalogram.
        level: Levels of pyramid and packets; None is 3 for images, for signals such that there are about as many bands as
            times, and less where the filters are too long.
        mode: Boundary mode of the wavelets, as in PyWavelets.
        scales: How many scales the scalogram has, or the scales in samples; None is twelve in an octave, from half the rate
            down to four periods in the signal.
        periodic: Take the periodic part of the data before the Fourier transform, so that borders leave no cross.
        norm: Normalization of the Fourier transform, as in torch.fft and numpy.fft.

    Returns:
        The spectra, ready to be drawn or saved.

    Raises:
        ShapeError: The data have too few axes or none of one, or `other` has another shape.
        RangeError: Integers, complex numbers, NaN or infinities; a rate that is not positive.
        OptionError: A rate for images, an unknown wavelet or mode, a level with more bands than samples.

    When it misleads: every value has its own scale; the pictures of two views compare only where their bars agree.

    Reference: Mallat, A Wavelet Tour of Signal Processing, 1999.

    Example:
        >>> from undula.data import ring_pair
        >>> sharp, blurred = ring_pair()
        >>> round(float(view(sharp, other=blurred).distance), 4)
        14.8913
    """
    began = time.perf_counter()
    arguments = {name: value for name, value in locals().items() if name not in ("data", "other", "began")}
    values, space = read_data(data, dims=dims, rate=rate)
    others = None if other is None else read_data(other, dims=space, rate=rate, name="other data")[0]
    if others is not None:
        check_pair(values, others)
    # Results are ordinary tensors in a host's inference mode too.
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        # Small images would have no pyramid at all below the level from which borders reach everywhere.
        warnings.filterwarnings("ignore", message="Level value")
        pair = (values.clone(), None if others is None else others.to(values).clone())
        options = _Options(
            rate=checked_rate(rate), wavelet=chosen_wavelet(wavelet, space), continuous=continuous, level=level, mode=mode,
            scales=scales, periodic=periodic, norm=norm,
        )  # fmt: skip
        fields = (_view_signal if space == 1 else _view_image)(*pair, options)
    ready = {name: _returned(value, arrays=not isinstance(data, Tensor)) for name, value in fields.items()}
    return View(
        kind="signal" if space == 1 else "image",
        data=data,
        other=other,
        rate=options.rate,
        wavelet=options.wavelet,
        arguments=plain(arguments),
        seconds=time.perf_counter() - began,
        **ready,
    )


@dataclass(frozen=True)
class _Options:
    rate: float
    wavelet: str
    continuous: str
    level: int | None
    mode: Mode
    scales: int | Sequence[float] | None
    periodic: bool
    norm: Norm


def _view_image(
    image: Float[Tensor, "*batch h w"], other: Float[Tensor, "*batch h w"] | None, options: _Options
) -> dict[str, Any]:
    taps = _taps(options.wavelet)
    level = chosen_level(options.level, tuple(image.shape[-2:]), options.wavelet)
    magnitude, profile, frequencies = image_spectrum(_bordered(image, 2, options), norm=options.norm)
    known: dict[str, Any] = {"magnitude": magnitude, "profile": profile, "frequencies": frequencies, "level": level}
    if other is not None:
        theirs, their_profile, _ = image_spectrum(_bordered(other, 2, options), norm=options.norm)
        known |= _comparison(compare(magnitude, theirs, dims=2)) | {"other_profile": their_profile}
    return known | {
        "pyramid": pyramid_mosaic(image, options.wavelet, level=level, mode=options.mode, taps=taps),
        "packets": packet_bands(image, options.wavelet, level=level, mode=options.mode, taps=taps),
        "packet_frequencies": (torch.arange(2**level, dtype=torch.float64) + 0.5) / 2 ** (level + 1),
    }


def _view_signal(
    signal: Float[Tensor, "*batch time"], other: Float[Tensor, "*batch time"] | None, options: _Options
) -> dict[str, Any]:
    length, taps = signal.shape[-1], _taps(options.wavelet)
    level = chosen_level(options.level, (length,), options.wavelet)
    scales = chosen_scales(options.scales, length, _central(options.continuous))
    whole, magnitude, frequencies = signal_spectrum(_bordered(signal, 1, options), norm=options.norm, rate=options.rate)
    known: dict[str, Any] = {"magnitude": magnitude, "frequencies": frequencies, "level": level}
    if other is not None:
        their_whole, _, _ = signal_spectrum(_bordered(other, 1, options), norm=options.norm, rate=options.rate)
        known |= _comparison(compare(whole, their_whole, dims=1))
    rows, row_frequencies = scalogram(signal, scales, options.continuous, rate=options.rate)
    packets, middle, times = packet_plane(
        signal, options.wavelet, level=level, mode=options.mode, rate=options.rate, taps=taps
    )
    return known | {
        "scalogram": rows,
        "scalogram_frequencies": row_frequencies,
        "packets": packets,
        "packet_frequencies": middle,
        "packet_times": times,
    }


def _comparison(found: Compared) -> dict[str, Any]:
    return {
        "other_magnitude": found.other,
        "difference": found.difference,
        "distance": found.distance,
        "ring_distance": found.rings,
    }


def _bordered(values: Tensor, dims: int, options: _Options) -> Tensor:
    return periodic_plus_smooth(values, dims=dims)[0] if options.periodic else values


def _taps(wavelet: str) -> int:
    return int(read_bank(wavelet).length)


def _central(wavelet: str) -> float:
    try:
        return float(central_frequency(wavelet))
    except OptionError as error:
        raise OptionError(f"{error} (for the scalogram: cmor1.5-1.0, morl, mexh, …)") from error


def _returned(value: Any, *, arrays: bool) -> Any:
    return value.cpu().numpy() if arrays and isinstance(value, Tensor) else value
