"""A batch of signals in the one form that all estimators read: real rows, gaps weighed out, noise made white."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Complex, Float, Int
from torch import Tensor

from undula.jobs.estimate.whitener import Whitener


@dataclass(frozen=True)
class Record:
    """Signals whose noise is white with deviation 1 or unknown, and the model's columns on the same rows.

    A complex signal is held as 2T real rows, real parts first. Times are in units of `span`, from 0 to 1, so that decay and
    frequency are numbers near 1 whatever the sampling rate: a pole s = -γ + 2πif is held as s · span.

    Attributes:
        values: The rows that are fitted, zero in gaps, whitened (n, C, R).
        times: Times of the samples (1 or n, T).
        weights: 1 where a sample is used, 0 in gaps (1 or n, T); None without gaps.
        whitener: What makes the noise white; None for white noise.
        real: Whether the signals are real.
        degree: Columns of the base line: 0, 1 (offset), 2 (offset and trend).
        step: Time between samples in units of `span`, 0.0 for uneven sampling.
        span: Seconds of one unit.
        known: Whether the rows are in units of the noise's deviation.
        passband: Lowest and highest frequency that the rows hold, in cycles per sample; None for all.
        aligned: Whether evenly spaced samples lie at 0, step, 2 step … to rounding.
        late: Time from the start, to which amplitude and phase belong, to time 0, in units of `span` (1 or n,); None for 0.
    """

    values: Float[Tensor, "n c r"]
    times: Float[Tensor, "m t"]
    weights: Float[Tensor, "w t"] | None
    whitener: Whitener | None
    real: bool
    degree: int
    step: float
    span: float
    known: bool
    passband: tuple[float, float] | None = None
    aligned: bool = True
    late: Float[Tensor, " l"] | None = None

    @property
    def count(self) -> Int[Tensor, " n"]:
        """Rows that hold data, over all channels (n,)."""
        number, channels, rows = self.values.shape
        if self.weights is None:
            return torch.full((number,), channels * rows, device=self.values.device)
        used = self.weights.sum(dim=1).long().expand(number)
        return used * channels * (1 if self.real else 2)

    @property
    def even(self) -> bool:
        """Whether samples are evenly spaced from 0 on, in white noise, without gaps, base line and passband.

        Sums over waves are short then.
        """
        whole = self.weights is None and self.whitener is None and self.passband is None
        return self.step > 0 and self.aligned and whole and self.degree == 0

    @property
    def energy(self) -> Float[Tensor, " n"]:
        """Sum of squares of the rows (n,)."""
        return self.values.square().sum(dim=(1, 2))

    def of(self, index: Int[Tensor, " k"] | Bool[Tensor, " n"]) -> "Record":
        """Some of the signals; one may be asked for twice.

        Args:
            index: Their numbers, or a mask.
        """

        def pick(table: Tensor | None) -> Tensor | None:
            return table if table is None or len(table) == 1 else table[index]

        times = pick(self.times)
        assert times is not None
        whitener = None if self.whitener is None else self.whitener.of(index)
        return replace(
            self,
            values=self.values[index],
            times=times,
            weights=pick(self.weights),
            whitener=whitener,
            late=pick(self.late),
        )

    def to(self, dtype: torch.dtype) -> "Record":
        """The same numbers in another precision.

        Args:
            dtype: float32 or float64.
        """
        weights = None if self.weights is None else self.weights.to(dtype)
        whitener = None if self.whitener is None else self.whitener.to(dtype)
        return replace(
            self, values=self.values.to(dtype), times=self.times.to(dtype), weights=weights, whitener=whitener
        )

    @property
    def apart(self) -> bool:
        """Whether channels have noise of their own kinds, so that a wave is not the same row in each."""
        return self.whitener is not None and self.whitener.which.shape[1] > 1

    def folded(self) -> "Record":
        """The same with every channel as an item."""
        number, channels, rows = self.values.shape

        def spread(table: Tensor) -> Tensor:
            return table if len(table) == 1 else table.repeat_interleave(channels, 0)

        return replace(
            self, values=self.values.reshape(-1, 1, rows), times=spread(self.times),
            weights=None if self.weights is None else spread(self.weights),
            whitener=None if self.whitener is None else self.whitener.folded(number, channels),
            late=None if self.late is None else spread(self.late),
        )  # fmt: skip

    def weighed(self, rows: Float[Tensor, "n k r"]) -> Float[Tensor, "n k r"]:
        """Rows of a model as the data were treated: gaps to zero, then whitened.

        Args:
            rows: Model waveforms, or derivatives.
        """
        if self.weights is not None:
            rows = rows * (self.weights if self.real else self.weights.repeat(1, 2))[:, None]
        return rows if self.whitener is None else self.whitener.forward(rows)

    def columns(self, poles: Complex[Tensor, "n p"], *, slopes: bool = True) -> Float[Tensor, "n k r"]:
        """What the model is linear in, and what its derivatives are: Re z, -Im z, base line, t Re z, -t Im z with z = e^(st).

        A growing wave is scaled to 1 at the end of the record, so that nothing overflows.

        Args:
            poles: s in units of 1 / span.
            slopes: Whether the last two kinds, of the derivatives, are wanted.

        Returns:
            4P rows, or 2P, and those of the base line, weighed.
        """
        t = self.times[:, None]
        rate = poles.real[..., None]
        size = torch.exp(rate * t - rate.clamp_min(0))
        angle = poles.imag[..., None] * t
        cosine, sine = size * torch.cos(angle), size * torch.sin(angle)
        base = self.base(len(cosine))
        if self.real:
            first, second = cosine, -sine
        else:
            first, second = torch.cat([cosine, sine], dim=2), torch.cat([-sine, cosine], dim=2)
            t = t.repeat(1, 1, 2)
        rows = [first, second, base]
        if slopes:
            rows += [first * t, second * t]
        return self.weighed(torch.cat(rows, dim=1))

    def base(self, number: int) -> Float[Tensor, "n q r"]:
        """Rows of offset and trend, of the real and of the imaginary part, neither weighed nor whitened.

        Args:
            number: How many signals.
        """
        powers = [torch.ones_like(self.times), self.times][: self.degree]
        zero = torch.zeros_like(self.times)
        rows = powers if self.real else [torch.cat(pair, 1) for p in powers for pair in ((p, zero), (zero, p))]
        length = self.values.shape[2]
        if not rows:
            return self.times.new_zeros(number, 0, length)
        return torch.stack(rows, dim=1).expand(number, -1, -1)
