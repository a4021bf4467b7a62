"""Wavelets that learn: four free filters with losses that make them a wavelet, and a lattice that is one at every angle."""

import math
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.errors import OptionError, ShapeError
from undula.spectra.wavelets.banks import Bank, read_bank

_LONGEST = 76  # taps of db38
_SAME = 1e-5  # of filters that were float32 once


class ProductFilter(nn.Module):
    """Four free filters, a wavelet as far as `wavelet_loss` is 0. Transforms take it where they take a name.

    Args:
        wavelet: Where learning starts: whatever the transforms take for a wavelet, or a number of taps F for db(F / 2).
        dtype: Type of the parameters; None for PyTorch's default.

    Attributes:
        dec_lo: Analysis low-pass filter (F,).
        dec_hi: Analysis high-pass filter (F,).
        rec_lo: Synthesis low-pass filter (F,).
        rec_hi: Synthesis high-pass filter (F,).

    Raises:
        OptionError: An unknown wavelet.
        ShapeError: Filters of different or odd lengths; taps that are odd or more than 76.

    Example:
        >>> bank = ProductFilter("bior2.4", dtype=torch.float64)
        >>> bool(bank.wavelet_loss() < 1e-20)
        True

    Reference:
        Wolter, Lin and Yao, "Neural network compression via learnable wavelet transforms", 2020.
    """

    def __init__(self, wavelet: Any, *, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        dec_lo, dec_hi, rec_lo, rec_hi = (torch.tensor(taps, dtype=dtype) for taps in _start(wavelet))
        self.dec_lo, self.dec_hi = nn.Parameter(dec_lo), nn.Parameter(dec_hi)
        self.rec_lo, self.rec_hi = nn.Parameter(rec_lo), nn.Parameter(rec_hi)

    def perfect_reconstruction_loss(self) -> Float[Tensor, ""]:
        """How far synthesis after analysis is from a delay, see the function of this name."""
        return perfect_reconstruction_loss(self)

    def alias_cancellation_loss(self, form: Literal["weak", "strong"] = "weak") -> Float[Tensor, ""]:
        """How far aliases are from cancelling, see the function of this name."""
        return alias_cancellation_loss(self, form)

    def wavelet_loss(self, form: Literal["weak", "strong"] = "weak") -> Float[Tensor, ""]:
        """The sum of the losses that are 0 for a wavelet, to be added to the loss of a task."""
        return self.perfect_reconstruction_loss() + self.alias_cancellation_loss(form)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"taps={len(self.dec_lo)}"


class SoftOrthogonal(ProductFilter):
    """`ProductFilter` with a further loss, which is 0 where the synthesis is the transpose of the analysis.

    Args:
        wavelet: As in `ProductFilter`.
        dtype: As in `ProductFilter`.

    Example:
        >>> bank = SoftOrthogonal("sym4", dtype=torch.float64)
        >>> bool(bank.orthogonality_loss() < 1e-20)
        True
    """

    def orthogonality_loss(self) -> Float[Tensor, ""]:
        """How far the synthesis is from the transpose of the analysis, see the function of this name."""
        return orthogonality_loss(self)

    def wavelet_loss(self, form: Literal["weak", "strong"] = "weak") -> Float[Tensor, ""]:
        """The sum of the losses that are 0 for an orthogonal wavelet."""
        return super().wavelet_loss(form) + self.orthogonality_loss()


class OrthogonalLattice(nn.Module):
    """An orthogonal wavelet at every value of its angles, so that reconstruction is perfect without a loss.

    The even and odd taps of the synthesis low-pass filter are a row of two polynomials, (e, o) = (cos θ₀, sin θ₀) · Π_k
    diag(1, z⁻¹) R(θ_k) with rotations R; the other filters follow by reversal and alternating signs. Every orthogonal
    wavelet has such angles. The sum of the low-pass filter is √2 cos(Σ_k θ_k - π/4), which makes it √2, and ψ of mean
    zero, where the angles add up to π/4. `bank()` is the four filters calculated once: best for several transforms of a step.

    Args:
        wavelet: Where learning starts: an orthogonal wavelet, four filters, or a number of taps F for db(F / 2).
        vanishing_moment: Whether θ₀ is π/4 less the other angles: F/2 - 1 free angles, none for haar. Otherwise F/2.
        dtype: Type of the angles; None for PyTorch's default. Filters in float32 reconstruct to float32's rounding.

    Attributes:
        angles: The free angles in radians, those behind θ₀ first to last, or all.

    Raises:
        OptionError: An unknown wavelet, one that is not orthogonal (dmey is 0.04 away), or one whose low-pass filter
            does not have the sum √2 although it should.
        ShapeError: Filters of different or odd lengths; taps that are odd or more than 76.

    Example:
        >>> bank = OrthogonalLattice("db4", dtype=torch.float64)
        >>> _ = torch.nn.init.normal_(bank.angles)
        >>> bool(perfect_reconstruction_loss(bank) < 1e-20), round(bank.rec_lo.sum().item() ** 2, 12)
        (True, 2.0)

    Reference:
        Vaidyanathan and Hoang, "Lattice structures for optimal design and robust implementation of two-channel
        perfect-reconstruction QMF banks", 1988.
    """

    def __init__(self, wavelet: Any, *, vanishing_moment: bool = True, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        wanted = torch.tensor(_start(wavelet), dtype=torch.float64)
        angles = _angles_of(wanted[2].numpy())
        self.vanishing_moment = vanishing_moment
        self.angles = nn.Parameter(torch.tensor(angles[1:] if vanishing_moment else angles, dtype=torch.float64))
        made = torch.stack([self.dec_lo, self.dec_hi, self.rec_lo, self.rec_hi])
        error = float((made.detach() - wanted).abs().max())
        if error > _SAME:
            total = ", with a low-pass filter of the sum √2 unless vanishing_moment=False" if vanishing_moment else ""
            raise OptionError(
                f"got filters {error:.2g} away from a lattice's, expected those of an orthogonal wavelet{total}"
            )
        self.to(dtype or torch.get_default_dtype())

    def forward(self) -> Bank:
        """The four filters, calculated once; the attributes calculate them at every access."""
        even, odd = self._polynomials()
        rec_lo, dec_hi = (torch.stack(pair, dim=-1).reshape(-1) for pair in ((even, odd), (-even, odd)))
        return Bank(rec_lo.flip(0), dec_hi, rec_lo, dec_hi.flip(0), name=type(self).__name__)

    @property
    def dec_lo(self) -> Float[Tensor, " taps"]:
        """Analysis low-pass filter."""
        return self().dec_lo

    @property
    def dec_hi(self) -> Float[Tensor, " taps"]:
        """Analysis high-pass filter."""
        return self().dec_hi

    @property
    def rec_lo(self) -> Float[Tensor, " taps"]:
        """Synthesis low-pass filter."""
        return self().rec_lo

    @property
    def rec_hi(self) -> Float[Tensor, " taps"]:
        """Synthesis high-pass filter."""
        return self().rec_hi

    def extra_repr(self) -> str:
        """What print shows."""
        return f"taps={2 * (len(self.angles) + self.vanishing_moment)}, vanishing_moment={self.vanishing_moment}"

    def _polynomials(self) -> Float[Tensor, "2 half_taps"]:
        """Even and odd taps of the synthesis low-pass filter."""
        angles: Tensor = self.angles
        if self.vanishing_moment:
            angles = torch.cat([math.pi / 4 - angles.sum().reshape(1), angles])
        cosine, sine = angles.cos(), angles.sin()
        turns = torch.stack([cosine, -sine, sine, cosine], dim=-1).reshape(-1, 2, 2, 1)
        rows = turns[0, :, 0]
        for turn in turns[1:]:
            delayed = nn.functional.pad(rows, (0, 2)).reshape(-1)[:-2].reshape(2, -1)  # the second row one step later
            rows = (turn * delayed).sum(dim=1)
        return rows


def perfect_reconstruction_loss(wavelet: Any) -> Float[Tensor, ""]:
    """Σ_k (p[k] - 2 δ[k = F - 1])² of the product filter P(z) = F₀(z) H₀(z) + F₁(z) H₁(z), H analysis, F synthesis.

    Args:
        wavelet: What the transforms take for a wavelet.

    Returns:
        The loss. 0, with aliases that cancel, means perfect reconstruction.

    Raises:
        OptionError: An unknown wavelet.
        ShapeError: Filters of different or odd lengths.

    Example:
        >>> bool(perfect_reconstruction_loss("bior4.4") < 1e-20)
        True
    """
    dec_lo, dec_hi, rec_lo, rec_hi = _tensors(wavelet)
    product = _convolved(rec_lo, dec_lo) + _convolved(rec_hi, dec_hi)
    reach = len(dec_lo) - 1
    delay = nn.functional.pad(product.new_full((1,), 2.0), (reach, reach))
    return (product - delay).square().sum()


def alias_cancellation_loss(wavelet: Any, form: Literal["weak", "strong"] = "weak") -> Float[Tensor, ""]:
    """How far aliases are from cancelling.

    Weak: Σ_k a[k]² of A(z) = F₀(z) H₀(-z) + F₁(z) H₁(-z). Strong: ‖f₀ - m h₁‖² + ‖f₁ + m h₀‖², m = …, -1, 1, -1, 1: signs
    that alternate, +1 at the last tap. The strong form implies the weak one and fixes the signs too: a bank whose two
    high-pass filters both change sign is as good a wavelet, but 8 away in the strong form if it is orthogonal. All banks of
    PyWavelets, orthogonal and biorthogonal, satisfy both.

    Args:
        wavelet: What the transforms take for a wavelet.
        form: "weak" or "strong".

    Returns:
        The loss.

    Raises:
        OptionError: An unknown wavelet or form.
        ShapeError: Filters of different or odd lengths.

    Example:
        >>> bool(alias_cancellation_loss("bior4.4", "strong") < 1e-20)
        True
    """
    if form not in ("weak", "strong"):
        raise OptionError(
            f"got form={form!r}, expected 'weak' (aliases cancel) or 'strong' (by the product filter's rule)"
        )
    dec_lo, dec_hi, rec_lo, rec_hi = _tensors(wavelet)
    mirrored_lo, mirrored_hi = _alternating(dec_lo), _alternating(dec_hi)
    if form == "weak":
        return (_convolved(rec_lo, mirrored_lo) + _convolved(rec_hi, mirrored_hi)).square().sum()
    return (rec_lo - mirrored_hi).square().sum() + (rec_hi + mirrored_lo).square().sum()


def orthogonality_loss(wavelet: Any) -> Float[Tensor, ""]:
    """‖h₀ - reversed f₀‖² + ‖h₁ - reversed f₁‖², 0 where the synthesis is the transpose of the analysis.

    Args:
        wavelet: What the transforms take for a wavelet.

    Returns:
        The loss. 0 together with perfect reconstruction means an orthogonal wavelet.

    Raises:
        OptionError: An unknown wavelet.
        ShapeError: Filters of different or odd lengths.

    Example:
        >>> bool(orthogonality_loss("db4") < 1e-20), bool(orthogonality_loss("bior4.4") < 1e-20)
        (True, False)
    """
    dec_lo, dec_hi, rec_lo, rec_hi = _tensors(wavelet)
    return (dec_lo - rec_lo.flip(0)).square().sum() + (dec_hi - rec_hi.flip(0)).square().sum()


def _tensors(wavelet: Any) -> list[Float[Tensor, " taps"]]:
    bank = read_bank(wavelet)
    filters = (bank.dec_lo, bank.dec_hi, bank.rec_lo, bank.rec_hi)
    return [taps if isinstance(taps, Tensor) else torch.tensor(taps, dtype=torch.float64) for taps in filters]


def _convolved(a: Float[Tensor, " taps"], b: Float[Tensor, " taps"]) -> Float[Tensor, " all_taps"]:
    """Coefficients of the product of two polynomials: rows of their outer product, each a step further right, are added."""
    count = len(a)
    rows = nn.functional.pad(a[:, None] * b, (0, count)).reshape(-1)[:-count]
    return rows.reshape(count, 2 * count - 1).sum(dim=0)


def _alternating(taps: Float[Tensor, " taps"]) -> Float[Tensor, " taps"]:
    """Every other tap with the other sign, the last one with its own."""
    return torch.stack([-taps[0::2], taps[1::2]], dim=-1).reshape(-1)


def _start(wavelet: Any) -> list[list[float]]:
    """Four filters as numbers."""
    if isinstance(wavelet, int):
        if wavelet % 2 or not 2 <= wavelet <= _LONGEST:
            raise ShapeError(f"got {wavelet} taps, expected an even number from 2 to {_LONGEST}, or four filters")
        wavelet = f"db{wavelet // 2}"
    bank = read_bank(wavelet)
    filters = (bank.dec_lo, bank.dec_hi, bank.rec_lo, bank.rec_hi)
    return [taps.detach().tolist() if isinstance(taps, Tensor) else [float(tap) for tap in taps] for taps in filters]


def _angles_of(rec_lo: np.ndarray) -> list[float]:
    """Angles of an orthogonal low-pass filter: rotations that shorten its polynomials, one after the other.

    The first row of coefficients (e, o) and the last one are perpendicular. Turned so that the first lies along e, the last
    lies along o, and o can step back. The longer of the two rows tells the angle.
    """
    rows, angles = rec_lo.reshape(-1, 2), []
    while len(rows) > 1:
        first, last = rows[0], rows[-1]
        along = first if first @ first >= last @ last else np.array([last[1], -last[0]])
        angles.append(math.atan2(along[1], along[0]))
        cosine, sine = math.cos(angles[-1]), math.sin(angles[-1])
        even, odd = rows @ [cosine, sine], rows @ [-sine, cosine]
        rows = np.stack([even[:-1], odd[1:]], axis=1)
    return [math.atan2(rows[0, 1], rows[0, 0]), *reversed(angles)]
