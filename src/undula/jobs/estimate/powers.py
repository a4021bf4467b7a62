"""Inner products of damped waves on even samples, without a table of the waves.

With rows of B samples, n = aB + b, a wave is a product of two short tables, zⁿ = z^(aB) z^b. So is the product of two waves,
and sums over all samples are products of sums over a and b: √T numbers per wave in place of T.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Complex, Float, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Even samples in rows.

    Attributes:
        samples: T.
        early: Times within a row (B,).
        late: Times at which rows begin (A,).
        inside: Powers 0, 1, 2 of the times within a row, then those of the last row if it is not full, else zeros (B, 6).
        outside: Powers 0, 1, 2 of the beginnings of full rows, zero for the other (A, 3).
    """

    samples: int
    early: Float[Tensor, " b"]
    late: Float[Tensor, " a"]
    inside: Float[Tensor, "b 6"]
    outside: Float[Tensor, "a 3"]

    def sums(self, short: Shaped[Tensor, "*n b"], long: Shaped[Tensor, "*n a"]) -> tuple[Tensor, Tensor, Tensor]:
        """Sums over all samples of t^k times a product, for k = 0, 1, 2.

        Args:
            short: Its factor within a row.
            long: Its factor at the beginnings of rows.
        """
        x = (short @ self.inside.to(short.dtype)).unbind(-1)
        u, last = (long @ self.outside.to(long.dtype)).unbind(-1), long[..., -1]
        return (
            u[0] * x[0] + last * x[3],
            u[1] * x[0] + u[0] * x[1] + last * x[4],
            u[2] * x[0] + 2 * u[1] * x[1] + u[0] * x[2] + last * x[5],
        )

    def rows(self, signal: Shaped[Tensor, "n c t"]) -> Shaped[Tensor, "n c a b"]:
        """A signal in rows, the last filled up with zeros.

        Args:
            signal: The samples.
        """
        size = len(self.late), len(self.early)
        padded = torch.nn.functional.pad(signal, (0, size[0] * size[1] - self.samples))
        return torch.unflatten(padded, 2, size)


@lru_cache(maxsize=16)
def grid(samples: int, step: float, dtype: torch.dtype, device: torch.device) -> Grid:
    """Rows of about √T samples.

    Args:
        samples: T.
        step: Time between two.
        dtype: Real type of the tables.
        device: Where they lie.
    """
    width = math.ceil(math.sqrt(samples))
    length, full, rest = math.ceil(samples / width), samples // width, samples % width
    place = torch.arange(max(width, length), dtype=torch.float64)
    early, late = place[:width] * step, place[:length] * (width * step)
    inside = torch.cat([_powers(early), _powers(early + full * width * step) * (place[:width, None] < rest)], dim=1)
    outside = _powers(late) * (place[:length, None] < full)
    return Grid(samples, *(each.to(device, dtype) for each in (early, late, inside, outside)))


@dataclass(frozen=True)
class Waves:
    """Short tables of e^(st), growing ones scaled to 1 at time 1.

    Attributes:
        grid: The samples.
        short: z^b (n, P, B).
        long: z^(aB) (n, P, A).
    """

    grid: Grid
    short: Complex[Tensor, "n p b"]
    long: Complex[Tensor, "n p a"]

    def gram(self, *, real: bool) -> Float[Tensor, "n g g"]:
        """Inner products of Re z, -Im z, t Re z, -t Im z, of complex signals those of their real and imaginary rows.

        Args:
            real: Whether the signals are real.
        """
        apart = self._moments(self.short.conj(), self.long.conj())
        if real:
            joint = self._moments(self.short, self.long)
            both, half = 0.5 * (apart + joint), 0.5 * (apart - joint)
            blocks = both.real, half.imag, -both.imag, half.real
        else:
            blocks = apart.real, apart.imag, -apart.imag, apart.real
        first, mixed, turned, last = blocks
        parts = torch.cat([torch.cat([first, mixed], dim=3), torch.cat([turned, last], dim=3)], dim=2)
        still, once, twice = parts.unbind(1)
        return torch.cat([torch.cat([still, once], dim=2), torch.cat([once, twice], dim=2)], dim=1)

    def products(self, rows: Shaped[Tensor, "n c a b"]) -> tuple[Tensor, Tensor]:
        """Inner products of signals in rows with Re z and -Im z, then with t Re z and -t Im z, each (n, C, 2P).

        Args:
            rows: From `Grid.rows`.
        """
        count = self.short.shape[1]
        tables = torch.cat([self.short, self.grid.early * self.short], dim=1).mT
        if rows.is_complex():
            found = rows.conj() @ tables[:, None]
        else:
            flat = rows @ torch.view_as_real(tables.contiguous()).flatten(2)[:, None]
            found = torch.view_as_complex(torch.unflatten(flat, 3, (2 * count, 2)))
        late = self.long.mT[:, None]
        first, second = found[..., :count] * late, found[..., count:] * late
        second = (second + self.grid.late[:, None] * first).sum(dim=2)
        first = first.sum(dim=2)
        return torch.cat([first.real, -first.imag], dim=2), torch.cat([second.real, -second.imag], dim=2)

    def sum(self, linear: Float[Tensor, "n c q"], *, real: bool) -> Shaped[Tensor, "n c a b"]:
        """The waves with coefficients of Re z and -Im z, in rows.

        Args:
            linear: Coefficients (n, C, 2P).
            real: Whether the signals are real.
        """
        size = torch.complex(*linear.chunk(2, dim=2))
        late = size[..., None] * self.long[:, None]
        if late.shape[2] == 1 and real:  # by elements: products of so small matrices take thrice as long
            late, early = late.mT, self.short[:, None]
            first, second = late.real.contiguous(), late.imag.contiguous()
            return torch.addcmul(first * early.real.contiguous(), second, early.imag.contiguous(), value=-1)
        late = late.mT
        if not real:
            return late @ self.short[:, None]
        parts = torch.cat([self.short.real, -self.short.imag], dim=1)
        return torch.cat([late.real, late.imag], dim=3) @ parts[:, None]

    def _moments(self, short: Tensor, long: Tensor) -> Complex[Tensor, "n 3 p p"]:
        """Sums over all samples of t^k z_p z_q for the waves and those given."""
        inside, outside = self.short[:, :, None] * short[:, None], self.long[:, :, None] * long[:, None]
        return torch.stack(self.grid.sums(inside, outside), dim=1)


def powers(grid: Grid, poles: Complex[Tensor, "n p"]) -> Waves:
    """The tables of some poles.

    Args:
        grid: The samples.
        poles: s, in the unit of the grid's times.
    """
    growth = poles.real.clamp_min(0)
    return Waves(grid, _turned(poles, grid.early, 0 * growth), _turned(poles, grid.late, growth))


def _turned(poles: Tensor, times: Tensor, less: Tensor) -> Tensor:
    """e^(st - less)."""
    size = torch.exp(poles.real[..., None] * times - less[..., None])
    angle = poles.imag[..., None] * times
    return torch.complex(size * torch.cos(angle), size * torch.sin(angle))


def _powers(times: Tensor) -> Tensor:
    return torch.stack([torch.ones_like(times), times, times.square()], dim=1)
