"""What makes colored noise white: a matrix for short records, a filter that looks back a while for long ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

ORDER = 1024
"""Samples that the filter looks back."""
_GRID = 8192  # frequencies at which the gain of a filter is known


@dataclass(frozen=True)
class Dense:
    """L⁻¹ of the covariance L Lᴴ of all samples: exact.

    Attributes:
        matrix: Lower triangular; of complex signals the real and imaginary rows as blocks (r, r).
        taps: Its last row, the longest prediction filter, the newest sample last (k,).
    """

    matrix: Float[Tensor, "r r"]
    taps: Shaped[Tensor, " k"]

    def forward(self, rows: Float[Tensor, "*k r"]) -> Float[Tensor, "*k r"]:
        """W y."""
        return rows @ self.matrix.mT

    def backward(self, rows: Float[Tensor, "*k r"]) -> Float[Tensor, "*k r"]:
        """Wᵀ y."""
        return rows @ self.matrix

    def to(self, dtype: torch.dtype) -> "Dense":
        """In another precision."""
        return replace(self, matrix=self.matrix.to(dtype))


@dataclass(frozen=True)
class Banded:
    """Every sample less its best prediction from at most `ORDER` before it: rows of L⁻¹ cut to a band.

    Exact for autoregressive noise of that order. After a gap the prediction begins anew: what the noise before the gap says of
    that behind it is not used.

    Attributes:
        head: L⁻¹ of the first samples of a stretch; its last row is the filter (k, k).
        stretches: First sample and end of every run without a gap.
        real: Whether the signals are real; rows of complex ones hold real parts, then imaginary parts.
    """

    head: Shaped[Tensor, "k k"]
    stretches: tuple[tuple[int, int], ...]
    real: bool

    @property
    def taps(self) -> Shaped[Tensor, " k"]:
        """The filter, the newest sample last."""
        return self.head[-1]

    def forward(self, rows: Float[Tensor, "*k r"]) -> Float[Tensor, "*k r"]:
        """W y."""
        given = self._read(rows)
        out, back = torch.zeros_like(given), len(self.head) - 1
        for first, last in self.stretches:
            part, size = given[..., first:last], min(back, last - first)
            out[..., first : first + size] = part[..., :size] @ self.head[:size, :size].mT
            if last - first > back:
                out[..., first + back : last] = _convolved(part, self.taps.flip(0))[..., back : last - first]
        return self._written(out)

    def backward(self, rows: Float[Tensor, "*k r"]) -> Float[Tensor, "*k r"]:
        """Wᵀ y."""
        given = self._read(rows)
        out, back = torch.zeros_like(given), len(self.head) - 1
        for first, last in self.stretches:
            part, size = given[..., first:last], min(back, last - first)
            out[..., first : first + size] += part[..., :size] @ self.head[:size, :size].conj()
            if last - first > back:
                out[..., first:last] += _convolved(part[..., back:], self.taps.conj())
        return self._written(out)

    def to(self, dtype: torch.dtype) -> "Banded":
        """In another precision."""
        return replace(self, head=self.head.to(dtype if self.real else torch.promote_types(dtype, torch.complex64)))

    def _read(self, rows: Tensor) -> Tensor:
        return rows if self.real else torch.complex(*rows.chunk(2, dim=-1))

    def _written(self, rows: Tensor) -> Tensor:
        return rows if self.real else torch.cat([rows.real, rows.imag], dim=-1)


@dataclass(frozen=True)
class Whitener:
    """Which table makes which row white.

    Attributes:
        tables: What they are.
        which: Number of the table of every item and channel, one column where channels agree (1 or n, 1 or C).
    """

    tables: tuple[Dense | Banded, ...]
    which: Int[Tensor, "m c"]

    def of(self, index: Int[Tensor, " k"] | Bool[Tensor, " n"]) -> "Whitener":
        """That of some items."""
        return self if len(self.which) == 1 else replace(self, which=self.which[index])

    def to(self, dtype: torch.dtype) -> "Whitener":
        """In another precision."""
        return replace(self, tables=tuple(table.to(dtype) for table in self.tables))

    def folded(self, number: int, channels: int) -> "Whitener":
        """That of a record whose channels are items of their own."""
        return replace(self, which=self.which.expand(number, channels).reshape(-1, 1))

    def forward(self, rows: Float[Tensor, "n k r"]) -> Float[Tensor, "n k r"]:
        """Whitened rows; where channels differ, the second axis must be that of the channels."""
        return self._each(rows, lambda table, part: table.forward(part))

    def backward(self, rows: Float[Tensor, "n k r"]) -> Float[Tensor, "n k r"]:
        """The transposed map."""
        return self._each(rows, lambda table, part: table.backward(part))

    def gain(self, cycles: Float[Tensor, " f"], rates: Float[Tensor, " d"]) -> Float[Tensor, "m c d f"]:
        """Energy of a whitened damped wave relative to the wave itself, by the longest prediction filter.

        A wave of rate γ sees the filter's power through a Lorentzian of that width: its autocorrelation falls as e^(-γ|k|).

        Args:
            cycles: Frequencies in cycles per sample.
            rates: γ per sample.
        """
        place = torch.remainder(torch.round(cycles * _GRID).long(), _GRID)
        lag = torch.arange(_GRID, dtype=rates.dtype, device=rates.device)
        fall = torch.exp(-rates[:, None] * torch.minimum(lag, _GRID - lag))
        known = []
        for table in self.tables:
            power = torch.fft.fft(table.taps.flip(0), n=_fine(len(table.taps))).abs().square()
            correlation = torch.fft.ifft(power)[torch.cat([lag[: _GRID // 2], lag[_GRID // 2 :] - _GRID]).long()]
            known.append(torch.fft.fft(correlation * fall).real[:, place])
        return torch.stack(known)[self.which]

    def _each(self, rows: Tensor, work: Callable[["Dense | Banded", Tensor], Tensor]) -> Tensor:
        if len(self.tables) == 1:
            return work(self.tables[0], rows)
        which = self.which.expand(rows.shape[:2])
        out = torch.empty_like(rows)
        for number, table in enumerate(self.tables):
            mine = which == number
            if bool(mine.any()):
                out[mine] = work(table, rows[mine])
        return out


def dense_whitener(covariance: Shaped[Tensor, " t"], present: Bool[Tensor, " t"], *, real: bool) -> Dense:
    """L⁻¹ of the covariance of the samples that are there, in their places.

    Args:
        covariance: r(k) of lags from 0 on.
        present: Where samples are not missing.
        real: Whether the signals are real; of complex ones both parts get variance 1.
    """
    kept = present.nonzero()[:, 0]
    inverse = _inverse(covariance, kept)
    if len(kept) == len(present):
        whole = inverse
    else:
        whole = inverse.new_zeros(len(present), len(present))
        whole[kept[:, None], kept] = inverse
    if real:
        return Dense(whole, inverse[-1])
    whole = 2**0.5 * torch.cat([torch.cat([whole.real, -whole.imag], 1), torch.cat([whole.imag, whole.real], 1)])
    return Dense(whole, 2**0.5 * inverse[-1])


def banded_whitener(covariance: Shaped[Tensor, " k"], present: Bool[Tensor, " t"], *, real: bool) -> Banded:
    """The same for long records, looking back as far as the covariance is given.

    Args:
        covariance: r(k) of lags from 0 to the order.
        present: Where samples are not missing.
        real: Whether the signals are real.
    """
    edges = torch.nn.functional.pad(present.long(), (1, 1)).diff().nonzero()[:, 0].tolist()
    stretches = tuple((a, b) for number, (a, b) in enumerate(pairwise(edges)) if number % 2 == 0)
    head = _inverse(covariance, torch.arange(len(covariance)))
    return Banded(head if real else 2**0.5 * head, stretches, real)


def _inverse(covariance: Tensor, kept: Tensor) -> Tensor:
    lag = kept[:, None] - kept
    matrix = covariance[lag.abs()]
    matrix = torch.where(lag >= 0, matrix, matrix.conj())
    eye = torch.eye(len(kept), dtype=matrix.dtype)
    factor = torch.linalg.cholesky(matrix + 1e-12 * covariance[0].real * eye)
    return torch.linalg.solve_triangular(factor, eye, upper=False)


def _convolved(rows: Tensor, taps: Tensor) -> Tensor:
    """All of rows * taps, as long as both together less one."""
    length = rows.shape[-1] + len(taps) - 1
    size = _fine(length)
    if rows.is_complex():
        return torch.fft.ifft(torch.fft.fft(rows, n=size) * torch.fft.fft(taps, n=size))[..., :length]
    return torch.fft.irfft(torch.fft.rfft(rows, n=size) * torch.fft.rfft(taps, n=size), n=size)[..., :length]


def _fine(length: int) -> int:
    """The power of two from there on, at least `_GRID`."""
    return max(_GRID, 2 ** (length - 1).bit_length())
