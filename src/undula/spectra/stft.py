"""The short-time Fourier transform and its inverse, with windows by name, as tensors, or learned.

Written on frames (`Tensor.unfold`) in place of `torch.stft` and `torch.istft`, whose numbers it gives: `torch.vmap` has
no rule for them (it warns and loops), and they take one batch axis at most.
"""

import math
from typing import Literal, get_args

import torch
from jaxtyping import Complex, Float, Shaped
from torch import Tensor, nn

from undula.errors import OptionError, RangeError, ShapeError

WindowName = Literal["hann", "hamming", "blackman", "bartlett", "rectangular"]
Padding = Literal["reflect", "constant"]

_LEAST_COVER = 1e-10  # of the window's largest square, the tolerance of scipy.signal.check_NOLA
_DTYPES = (torch.float32, torch.float64, torch.complex64, torch.complex128)


class GaussianWindow(nn.Module):
    """A Gaussian window whose width is learned, w(n) ∝ exp(-½ ((n - N/2) / σ)²), scaled to Σ w² = 1.

    The scale keeps the width a matter of shape: white noise has the same power in the spectrum at any σ, so that
    a loss on coefficients cannot fall by narrowing the window alone. The center N/2 is that of the periodic windows
    of `stft`.

    Args:
        length: N, samples of a frame.
        width: σ in samples at the start of training, above 0; its logarithm `log_width` is the parameter.

    Raises:
        RangeError: `length` is below 1, or `width` is not a positive number.

    Example:
        >>> window = GaussianWindow(64, width=8.0)
        >>> stft(torch.zeros(3, 1000), window=window, hop=16).shape
        torch.Size([3, 33, 63])

    Reference:
        Wolter, Gall and Yao, Sequence prediction using spectral RNNs, 2020.
    """

    def __init__(self, length: int, *, width: float) -> None:
        super().__init__()
        if length < 1 or not 0 < width < math.inf:
            raise RangeError(
                f"got length={length} and width={width}, expected a length from 1 on and a positive width in samples: "
                "correct them"
            )
        self.length = length
        self.log_width = nn.Parameter(torch.tensor(math.log(width)))

    @property
    def width(self) -> Float[Tensor, ""]:
        """The present σ in samples."""
        return torch.exp(self.log_width)

    def forward(self) -> Float[Tensor, "length"]:
        """The window (N,), Σ w² = 1, differentiable with respect to `log_width`."""
        place = torch.arange(self.length, device=self.log_width.device, dtype=self.log_width.dtype) - self.length / 2
        # The logarithm of w² as a log-softmax: no 0/0 where every sample is many widths away from the center.
        return torch.exp(0.5 * torch.log_softmax(-((place / self.width) ** 2), dim=0))


def stft(
    x: Shaped[Tensor, "*batch time"],
    *,
    window: WindowName | Tensor | nn.Module,
    hop: int,
    frame: int | None = None,
    centered: bool = True,
    padding: Padding = "reflect",
) -> Complex[Tensor, "*batch frequencies frames"]:
    """Unitary Fourier transform of every windowed frame, X(k, m) = N^-½ Σₙ w(n) x(m·hop + n - ⌊N/2⌋) exp(-2πi k n / N).

    That is `torch.stft(…, normalized=True)` for any batch: the phase counts from the start of the frame, N^-½ is the
    only normalization, and the window is taken as it is. Over all N frequencies Σ |X|² = Σₙ |x(n)|² e(n) with the
    envelope e(n) = Σₘ w(n - m·hop)² (and the samples added at the ends): unitary where e = 1, as for a Hann window
    times √(8/3 · hop/N), N/hop a whole number above 2.

    Args:
        x: Real or complex signals (…, T).
        window: A name, whose periodic window of `frame` samples is taken as in `torch.hann_window`; a real tensor
            (N,); or a module such as `GaussianWindow` that gives one when it is called.
        hop: Samples from one frame to the next, 1 or more.
        frame: N, needed with a name only.
        centered: Center frame m on sample m·hop, with ⌊N/2⌋ samples added at both ends; False starts it there.
        padding: What is added: the signal mirrored without its end sample ("reflect") or zeros ("constant").

    Returns:
        Coefficients (…, frequencies, frames): ⌊N/2⌋ + 1 frequencies of real signals, N of complex ones, zero
        frequency first; 1 + ⌊T/hop⌋ frames if centered (of T - 1 samples if N is odd), else 1 + ⌊(T - N)/hop⌋.

    Raises:
        ShapeError: The signal is too short for a frame or for the padding, or the window is not (N,).
        RangeError: `hop` is below 1, or the type is not float32, float64, complex64 or complex128.
        OptionError: The name of the window or of the padding is unknown, or a name comes without `frame`.

    Example:
        >>> stft(torch.zeros(2, 5, 1000), window="hann", frame=64, hop=16).shape
        torch.Size([2, 5, 33, 63])
    """
    _check(x, hop)
    weights = _window(window, frame, like=x)
    frames = _framed(x, len(weights), hop, centered, padding) * weights
    transform = torch.fft.fft if x.is_complex() else torch.fft.rfft
    return transform(frames, norm="ortho").mT


def istft(
    coefficients: Complex[Tensor, "*batch frequencies frames"],
    *,
    window: WindowName | Tensor | nn.Module,
    hop: int,
    frame: int | None = None,
    real: bool = True,
    centered: bool = True,
    length: int | None = None,
) -> Shaped[Tensor, "*batch time"]:
    """Inverse of `stft` by weighted overlap-add, x(n) = Σₘ w(n - m·hop) yₘ(n - m·hop) / e(n): exact where e > 0.

    Of coefficients that no signal has (changed, or predicted by a network) it gives the signal whose `stft` is nearest
    to them in the mean square. e = Σₘ w(n - m·hop)² must not vanish anywhere ("nonzero overlap-add", NOLA). Samples
    behind the center of the last frame lie under its tail alone: a Hann window of 512 samples with hop 256 returns
    the very last of 1023 samples to 2e-3 in float32, with hop 128 to 1e-6. `torch.vmap` maps it over coefficients, not
    over windows.

    Args:
        coefficients: What `stft` returned (…, frequencies, frames).
        window: The window that it took.
        hop: The hop that it took.
        frame: N, needed with a name only.
        real: Whether the signal was real (half of the frequencies) or complex (all of them).
        centered: As it was in `stft`.
        length: T, the samples of the signal; None returns all between the centers of the first and the last frame, or
            all that the frames cover if not centered.

    Returns:
        The signals (…, T).

    Raises:
        ShapeError: The number of frequencies does not belong to the window, there is no frame, or `length` is beyond
            the last one.
        RangeError: A sample is covered by no frame, or by less than 1e-10 of the window's largest square (not checked
            under `torch.compile`, where that sample is lost in rounding, or NaN); `hop` is below 1.
        OptionError: As for `stft`.

    Example:
        >>> x = torch.rand(3, 1000)
        >>> there = stft(x, window="hann", frame=64, hop=16)
        >>> back = istft(there, window="hann", frame=64, hop=16, length=1000)
        >>> torch.allclose(back, x, atol=1e-6)
        True
    """
    _check(coefficients, hop)
    weights = _window(window, frame, like=coefficients)
    size = len(weights)
    _check_coefficients(coefficients, size, real)
    waves = coefficients.mT
    waves = torch.fft.irfft(waves, n=size, norm="ortho") if real else torch.fft.ifft(waves, norm="ortho")
    total = _overlap_add(waves * weights, hop)
    envelope = _overlap_add((weights**2).expand(waves.shape[-2:]), hop)
    start = size // 2 if centered else 0
    stop = total.shape[-1] - start if length is None else start + length
    _check_cover(envelope, weights, start, stop, hop)
    return total[..., start:stop] / envelope[start:stop]


def _check(x: Tensor, hop: int) -> None:
    if x.dtype not in _DTYPES:
        raise RangeError(
            f"got values of type {x.dtype}, expected float32, float64, complex64 or complex128: take x.float()"
        )
    if hop < 1:
        raise RangeError(f"got hop={hop}, expected at least 1 sample: correct it")


def _check_coefficients(coefficients: Tensor, size: int, real: bool) -> None:
    wanted = size // 2 + 1 if real else size
    if coefficients.ndim < 2 or coefficients.shape[-2] != wanted or coefficients.shape[-1] < 1:
        kind = "real" if real else "complex"
        raise ShapeError(
            f"got coefficients of shape {tuple(coefficients.shape)}, expected (…, {wanted}, frames) of a {kind} signal "
            f"and a window of {size} samples: correct the window or `real`"
        )


def _check_cover(envelope: Tensor, weights: Tensor, start: int, stop: int, hop: int) -> None:
    if not start < stop <= len(envelope):
        raise ShapeError(
            f"got length={stop - start}, expected 1…{len(envelope) - start}, what the frames cover: "
            "make the signal longer before stft, or the hop smaller"
        )
    if torch.compiler.is_compiling():  # a value of the data cannot decide there
        return
    inside = envelope.detach()[start:stop]
    least = int(inside.argmin())
    if not inside[least] > _LEAST_COVER * weights.detach().square().max():
        raise RangeError(
            f"got a window of {len(weights)} samples with hop={hop}, which gives sample {least} the weight "
            f"{float(inside[least]):.1e}, expected one that covers every sample (NOLA): take a smaller hop, "
            "a wider window, or centered=True in both directions"
        )


def _window(window: WindowName | Tensor | nn.Module, frame: int | None, *, like: Tensor) -> Float[Tensor, "n"]:
    """The window as a tensor of the (real) dtype and on the device of the data."""
    if isinstance(window, str):
        return _named(window, frame, like=like)
    weights = window() if isinstance(window, nn.Module) else window
    if weights.ndim != 1 or len(weights) < 1 or not weights.is_floating_point():
        raise ShapeError(
            f"got a window of shape {tuple(weights.shape)} and type {weights.dtype}, expected real numbers of shape "
            "(samples,): make one for a single frame"
        )
    if frame not in (None, len(weights)):
        raise ShapeError(f"got a window of {len(weights)} samples and frame={frame}, expected one length: leave it out")
    return weights.to(device=like.device, dtype=like.real.dtype)


def _named(name: str, frame: int | None, *, like: Tensor) -> Float[Tensor, "n"]:
    if name not in get_args(WindowName):
        raise OptionError(f"got window={name!r}, expected one of {', '.join(get_args(WindowName))}: or give a tensor")
    if frame is None or frame < 1:
        raise OptionError(f"got window={name!r} with frame={frame}, expected its samples: say frame=256, for example")
    if name == "rectangular":
        return torch.ones(frame, device=like.device, dtype=like.real.dtype)
    weights: Tensor = getattr(torch, f"{name}_window")(frame, periodic=True, device=like.device, dtype=like.real.dtype)
    return weights


def _framed(x: Tensor, size: int, hop: int, centered: bool, padding: Padding) -> Shaped[Tensor, "*batch frames n"]:
    if padding not in get_args(Padding):
        raise OptionError(f"got padding={padding!r}, expected one of {', '.join(get_args(Padding))}: correct it")
    margin = size // 2 if centered else 0
    least = size if not centered else margin + 1 if padding == "reflect" else 1
    if x.ndim < 1 or x.shape[-1] < least:
        raise ShapeError(
            f"got shape {tuple(x.shape)}, expected at least {least} samples for a window of {size}: take a shorter "
            f"window{', or padding=' + repr('constant') if centered else ', or centered=True'}"
        )
    if margin and padding == "reflect":
        x = torch.cat([x[..., 1 : margin + 1].flip(-1), x, x[..., -margin - 1 : -1].flip(-1)], -1)
    elif margin:
        x = nn.functional.pad(x, (margin, margin))
    return x.unfold(-1, size, hop)


def _overlap_add(waves: Shaped[Tensor, "*batch frames n"], hop: int) -> Shaped[Tensor, "*batch time"]:
    """Sum of frames, each `hop` samples behind the one before: one sum of slices for every hop that a frame spans."""
    frames, size = waves.shape[-2:]
    spans = math.ceil(size / hop)
    padded = nn.functional.pad(waves, (0, spans * hop - size))
    pieces = padded.reshape(*waves.shape[:-1], spans, hop)
    total = pieces.new_zeros(*pieces.shape[:-3], frames + spans - 1, hop)
    for span in range(spans):
        total[..., span : span + frames, :] += pieces[..., span, :]
    return total.flatten(-2)[..., : size + hop * (frames - 1)]
