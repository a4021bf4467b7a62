"""Targets of one band of the output's spectrum: their values, and so their signed maps, add up over the bands."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pywt
import torch
from jaxtyping import Float
from torch import Tensor

from undula.attribution.targets import check_space, like_output
from undula.errors import OptionError, ShapeError
from undula.spectra import fourier, frequencies, half_plane_weights
from undula.spectra.wavelets import dwt, dwt2

Of = Literal["output", "cross", "error"]

_WORDS = {"output": "energy", "cross": "product with the truth", "error": "squared error"}

# Upper ends of the octaves in cycles per sample; what is above (the corners of an image) is one band more.
_OCTAVES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)


@dataclass(frozen=True)
class Energy:
    """Sum of squares of the output, Σ x²; what the bands below add up to.

    Attributes:
        of: "output" Σ x², "cross" Σ x·truth, "error" Σ (x - truth)².
        truth: What the output should be; for "cross" and "error".
    """

    of: Of = "output"
    truth: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuse a truth that is missing or not asked for."""
        _check_truth(self.of, self.truth)

    def __call__(self, output: Float[Tensor, "b *rest"]) -> Float[Tensor, "b"]:
        """One value per item."""
        first, second = _pair(output, self.of, self.truth)
        return (first * second).flatten(1).sum(dim=1)

    def __str__(self) -> str:
        """The target in words."""
        return f"{_WORDS[self.of]} of the output"


@dataclass(frozen=True)
class FourierBand:
    """Energy of the output in a ring of frequency, Σ |F x|² over low ≤ |f| < high, the unitary transform, all channels.

    Attributes:
        low: Lower end in cycles per sample, inside.
        high: Upper end, outside; None for no end. The highest frequency of an image is 0.7071, in its corners.
        of: "output", or "cross" Σ Re(F x)* F truth, or "error" Σ |F (x - truth)|².
        truth: What the output should be; for "cross" and "error".
    """

    low: float = 0.0
    high: float | None = None
    of: Of = "output"
    truth: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuse an empty band, and a truth that is missing or not asked for."""
        _check_truth(self.of, self.truth)
        if not 0 <= self.low < (math.inf if self.high is None else self.high):
            raise OptionError(f"got the band {self.low} … {self.high}, expected 0 ≤ low < high in cycles per sample")

    def __call__(self, output: Float[Tensor, "b c *space"]) -> Float[Tensor, "b"]:
        """One value per item.

        Raises:
            ShapeError: The output has no axis of space.
        """
        check_space(output)
        dims, shape = output.ndim - 2, tuple(output.shape[2:])
        first, second = _pair(output, self.of, self.truth)
        spectrum = fourier(first, dims=dims)
        other = spectrum if second is first else fourier(second, dims=dims)
        product = spectrum.real * other.real + spectrum.imag * other.imag
        return (product * self._weights(shape, like=output)).flatten(1).sum(dim=1)

    def _weights(self, shape: tuple[int, ...], *, like: Tensor) -> Tensor:
        exact = like.new_zeros((), dtype=torch.float64)
        grids = frequencies(shape, real=True, like=exact)
        radius = sum((grid.square() for grid in grids), torch.zeros_like(exact)).sqrt()
        inside = (radius >= self.low) & (radius < (math.inf if self.high is None else self.high))
        return inside * half_plane_weights(shape, real=True, like=like)

    def __str__(self) -> str:
        """The target in words."""
        end = f"above {self.low:.4g}" if self.high is None else f"between {self.low:.4g} and {self.high:.4g}"
        return f"{_WORDS[self.of]} of the output {end} cycles per sample"


@dataclass(frozen=True)
class PacketBand:
    """Energy of the output in one wavelet packet: the sum of squares of its coefficients, all channels.

    Orthonormal, at boundary mode "periodization": over the packets of a level, or of any whole set of leaves, the
    energies add up to that of the output.

    Attributes:
        path: One letter per level: a, h, v, d for images (h is high along the rows' axis), a and d for signals.
        wavelet: Name of an orthogonal wavelet.
        of: "output", or "cross" for the product with the truth's packet, or "error".
        truth: What the output should be; for "cross" and "error".
    """

    path: str
    wavelet: str = "db4"
    of: Of = "output"
    truth: Tensor | None = None

    def __post_init__(self) -> None:
        """Refuse a wavelet without energies that add up, and a truth that is missing or not asked for."""
        _check_truth(self.of, self.truth)
        if self.wavelet not in pywt.wavelist(kind="discrete") or not pywt.Wavelet(self.wavelet).orthogonal:
            raise OptionError(
                f"got wavelet {self.wavelet!r}, expected an orthogonal one: 'haar', 'db4', 'sym8', 'coif3'"
            )
        if not self.path or not set(self.path) <= set("ahvd"):
            raise OptionError(f"got the path {self.path!r}, expected one letter per level: a, h, v or d ('ah', 'ddd')")

    def __call__(self, output: Float[Tensor, "b c *space"]) -> Float[Tensor, "b"]:
        """One value per item.

        Raises:
            ShapeError: An axis that 2^level does not divide, or neither signals nor images.
            OptionError: A path with h or v of signals.
        """
        first, second = _pair(output, self.of, self.truth)
        packet = self._packet(first)
        other = packet if second is first else self._packet(second)
        return (packet * other).flatten(1).sum(dim=1)

    def _packet(self, x: Tensor) -> Tensor:
        dims, step = x.ndim - 2, 2 ** len(self.path)
        if dims not in (1, 2) or any(length % step for length in x.shape[2:]):
            raise ShapeError(
                f"got an output of shape {tuple(x.shape)}, expected (b, c, t) or (b, c, h, w) with lengths that {step} "
                "divides, so that energies add up: crop the images or take a shorter path"
            )
        if dims == 1 and not set(self.path) <= set("ad"):
            raise OptionError(f"got the path {self.path!r} for signals, expected letters a and d only")
        for letter in self.path:
            if dims == 1:
                x = dwt(x, self.wavelet, "periodization")["ad".index(letter)]
            else:
                approximation, details = dwt2(x, self.wavelet, "periodization")
                x = approximation if letter == "a" else details["hvd".index(letter)]
        return x

    def __str__(self) -> str:
        """The target in words."""
        return f"{_WORDS[self.of]} of the output in packet {self.path!r} of {self.wavelet}"


def fourier_bands(
    edges: Sequence[float] = _OCTAVES, *, of: Of = "output", truth: Tensor | None = None
) -> list[FourierBand]:
    """Rings that share all frequencies among themselves: below the first edge, between edges, above the last.

    Args:
        edges: Frequencies in cycles per sample, rising; by default octaves up to the Nyquist frequency.
        of: As in `FourierBand`.
        truth: As in `FourierBand`.

    Returns:
        One target more than edges, whose values add up to those of `Energy`.

    Raises:
        OptionError: Edges that do not rise from above 0.

    Example:
        >>> [str(band) for band in fourier_bands([0.25])]  # doctest: +NORMALIZE_WHITESPACE
        ['energy of the output between 0 and 0.25 cycles per sample',
         'energy of the output above 0.25 cycles per sample']
    """
    ends = [0.0, *(float(edge) for edge in edges), None]
    return [FourierBand(low or 0.0, high, of, truth) for low, high in itertools.pairwise(ends)]


def packet_bands(
    level: int, wavelet: str = "db4", *, dims: int = 2, of: Of = "output", truth: Tensor | None = None
) -> list[PacketBand]:
    """All packets of one level.

    Args:
        level: The level, at least 1.
        wavelet: As in `PacketBand`.
        dims: 1 for signals, 2 for images.
        of: As in `PacketBand`.
        truth: As in `PacketBand`.

    Returns:
        2^level or 4^level targets by path, whose values add up to those of `Energy`.

    Raises:
        OptionError: A level below 1, or neither signals nor images.

    Example:
        >>> [band.path for band in packet_bands(1)]
        ['a', 'h', 'v', 'd']
    """
    if level < 1 or dims not in (1, 2):
        raise OptionError(f"got level={level} and dims={dims}, expected a level from 1 on and 1 or 2 axes")
    letters = "ad" if dims == 1 else "ahvd"
    return [PacketBand("".join(path), wavelet, of, truth) for path in itertools.product(letters, repeat=level)]


def _pair(output: Tensor, of: Of, truth: Tensor | None) -> tuple[Tensor, Tensor]:
    """The two factors of the product that a band adds up; the same object twice for an energy."""
    if truth is None:
        return output, output
    truth = like_output(truth, output)
    if of == "cross":
        return output, truth
    return (error := output - truth), error


def _check_truth(of: Of, truth: Tensor | None) -> None:
    if of not in _WORDS:
        raise OptionError(f"got of={of!r}, expected 'output', 'cross' or 'error'")
    if (of == "output") != (truth is None):
        wanted = "no truth" if of == "output" else "the truth as truth="
        raise OptionError(f"got of={of!r} {'without' if truth is None else 'with'} a truth, expected {wanted}")
