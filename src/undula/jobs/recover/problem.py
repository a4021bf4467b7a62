"""What is known of every item: unitary moduli, which of them were measured, the bounds; and the residual."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra import fourier, half_plane_weights, inverse_fourier, reverse
from undula.spectra.fourier import Norm

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Problem:
    """A batch of items to recover, as the solvers see it.

    Attributes:
        moduli: Unitary magnitudes (n, frequency); the half plane of real items.
        weights: Weight of every coefficient in the residual (n or 1, frequency): its multiplicity, 0 if not measured.
        measured: Mask of measured coefficients (n or 1, frequency), or None when all are.
        shape: Lengths of the space axes.
        real: Whether the items are real.
        bounds: Least and greatest value of real items.
        unit: Factor that took the magnitudes as given to the unitary moduli.
        asymmetry: Per item, the part of the magnitudes that no real image has, relative to their norm (n,).
        blur: Per item and axis, the outer taps w of the blur (w, 1 - 2w, w) that partial coherence and the detector
            laid over the intensities (n, dims); None for none.
    """

    moduli: Float[Tensor, "n *frequency"]
    weights: Float[Tensor, "m *frequency"]
    measured: Bool[Tensor, "m *frequency"] | None
    shape: tuple[int, ...]
    real: bool
    bounds: Bounds
    unit: float
    asymmetry: Float[Tensor, " n"]
    blur: Float[Tensor, "n dims"] | None = None

    @property
    def dims(self) -> int:
        """Number of space axes."""
        return len(self.shape)

    @property
    def energy(self) -> Float[Tensor, " n"]:
        """Sum of the squared measured moduli over the full plane of every item."""
        return (self.weights * self.moduli.square()).sum(dim=self.axes)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of one item, frequency or space."""
        return tuple(range(-self.dims, 0))

    def take(self, index: Int[Tensor, " k"]) -> "Problem":
        """The problem of some of the items, in the order given (items may repeat)."""

        def pick(x: Tensor) -> Tensor:
            return x[index] if len(x) == len(self.moduli) else x

        measured = None if self.measured is None else pick(self.measured)
        return Problem(
            self.moduli[index], pick(self.weights), measured, self.shape, self.real, self.bounds, self.unit,
            self.asymmetry[index], None if self.blur is None else self.blur[index],
        )  # fmt: skip

    def forward(self, x: Shaped[Tensor, "n *space"], *, norm: Norm = "ortho") -> Shaped[Tensor, "n *frequency"]:
        """Spectra of items: one transform each."""
        return fourier(x, dims=self.dims, norm=norm)

    def inverse(self, spectrum: Shaped[Tensor, "n *frequency"], *, norm: Norm = "ortho") -> Shaped[Tensor, "n *space"]:
        """Items of spectra: one transform each."""
        return inverse_fourier(spectrum, shape=self.shape, real=self.real, norm=norm)

    def residual(self, x: Shaped[Tensor, "n *space"]) -> Float[Tensor, " n"]:
        """Relative amplitude residual √(Σ (|F x| - A)² / Σ A²) over the measured coefficients; one transform each."""
        return relative(self.misfit(self.moduli_of(self.forward(x))), self.energy)

    def moduli_of(self, spectrum: Shaped[Tensor, "n *frequency"]) -> Float[Tensor, "n *frequency"]:
        """What would be measured of a spectrum: its moduli, the intensities blurred if there is a blur.

        The root of the squares takes a third of the time of the complex `abs`; its gradient at zero is not finite.
        """
        parts = torch.view_as_real(spectrum).square()
        squares = parts[..., 0] + parts[..., 1]
        return squares.sqrt_() if self.blur is None else blurred(squares, self.blur).sqrt_()

    def misfit(self, moduli: Float[Tensor, "n *frequency"]) -> Float[Tensor, " n"]:
        """Σ (|F x| - A)² over the measured coefficients, from the moduli |F x|."""
        return (self.weights * (moduli - self.moduli).square()).sum(dim=self.axes)


def zero_frequency(problem: Problem) -> tuple[slice | int, ...]:
    """Index of the zero frequency of every item."""
    return (slice(None), *(0 for _ in problem.shape))


def blurred(
    intensity: Float[Tensor, "n *frequency"], taps: Float[Tensor, "n dims"], *, skip: int | None = None
) -> Float[Tensor, "n *frequency"]:
    """Circular blur with (w, 1 - 2w, w) along every axis but `skip`; with 0 ≤ w ≤ 1/4 nothing becomes negative."""
    for axis in range(taps.shape[1]):
        if axis != skip:
            weight = taps[:, axis].reshape(-1, *[1] * taps.shape[1])
            intensity = torch.addcmul(intensity, weight, second_difference(intensity, axis))
    return intensity


def second_difference(values: Float[Tensor, "n *frequency"], axis: int) -> Float[Tensor, "n *frequency"]:
    """v(k - 1) - 2 v(k) + v(k + 1), circular, along one space axis."""
    return values.roll(1, 1 + axis).add_(values.roll(-1, 1 + axis)).sub_(values, alpha=2)


def relative(misfit: Float[Tensor, " n"], energy: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """√(misfit / energy), with 0/0 read as 0: an item without magnitudes is fitted by zero."""
    return torch.where(misfit == 0, misfit, (misfit / energy).sqrt())


def read_problem(
    magnitudes: Float[Tensor, "n *space"],
    *,
    intensities: bool,
    centered: bool,
    norm: str,
    real: bool,
    bounds: Bounds,
    measured: Bool[Tensor, "m *space"] | None,
    symmetrize: bool = False,
) -> Problem:
    """Check what the user brings and turn it into unitary, uncentered moduli.

    Args:
        magnitudes: Non-negative full planes (n, space).
        intensities: Whether they are squares of magnitudes.
        centered: Whether zero frequency lies in the middle (fftshift) instead of at the first index.
        norm: "backward" (torch's and NumPy's default, unnormalized forward transform), "ortho" or "forward".
        real: Whether the object is real: its magnitudes are symmetric, |F(-k)| = |F(k)|.
        bounds: Least and greatest value, for real objects.
        measured: Mask of what was measured, or None.
        symmetrize: Whether asymmetric magnitudes of a real object are averaged (they carry noise) or refused.

    Returns:
        The problem.

    Raises:
        RangeError: Negative, NaN or infinite measured magnitudes; magnitudes that no real image has; extreme scale.
        ShapeError: `measured` does not fit.
        OptionError: `norm` is unknown, or a bound lies above the other.
    """
    shape = tuple(magnitudes.shape[1:])
    _check_bounds(bounds)
    if measured is not None:
        if tuple(measured.shape[1:]) != shape or len(measured) not in (1, len(magnitudes)):
            raise ShapeError(
                f"got a mask of measured magnitudes of shape {tuple(measured.shape)} for magnitudes of shape "
                f"{tuple(magnitudes.shape)}, expected the same shape or that of one item: crop it the same way"
            )
        if not measured.flatten(1).any(dim=1).all():
            raise RangeError("got a mask without a single measured magnitude, expected some True: is it inverted?")
        magnitudes = torch.where(measured, magnitudes, 0.0)
    _check_values(magnitudes)
    if centered:
        axes = tuple(range(-len(shape), 0))
        magnitudes = torch.fft.ifftshift(magnitudes, dim=axes)
        measured = None if measured is None else torch.fft.ifftshift(measured, dim=axes)
    asymmetry = torch.zeros(len(magnitudes), dtype=magnitudes.dtype, device=magnitudes.device)
    if real:
        magnitudes, measured, asymmetry = _symmetric(magnitudes, measured, symmetrize=symmetrize)
    unit = _unit(norm, math.prod(shape))
    moduli = (magnitudes.sqrt() if intensities else magnitudes) * unit
    weights = half_plane_weights(shape, real=real, like=moduli)[None]
    if real:
        moduli = _half(moduli)
        measured = None if measured is None else _half(measured)
    if measured is not None:
        weights = weights * measured
    if real:
        _check_sum(moduli, measured, bounds, pixels=math.prod(shape), slack=1.5 if symmetrize else 1.001)
    return Problem(moduli.contiguous(), weights, measured, shape, real, bounds, unit, asymmetry)


def _check_bounds(bounds: Bounds) -> None:
    low, high = bounds
    if any(value is not None and math.isnan(value) for value in bounds) or (
        low is not None and high is not None and not low < high
    ):
        raise OptionError(f"got bounds={bounds}, expected (least, greatest) with least < greatest, or None for either")


def _check_values(magnitudes: Tensor) -> None:
    if not torch.isfinite(magnitudes).all():
        count = int((~torch.isfinite(magnitudes)).sum())
        raise RangeError(
            f"got {count} NaN or infinite magnitudes, expected finite ones: mark them as not measured (measured=…)"
        )
    if (magnitudes < 0).any():
        raise RangeError(
            f"got negative magnitudes (least {float(magnitudes.min()):.3g}), expected |F| ≥ 0: "
            "take the modulus of the spectrum, or mark them as not measured (measured=…)"
        )
    largest = float(magnitudes.max())
    if largest > 1e15 or 0 < largest < 1e-15:
        raise RangeError(f"got magnitudes up to {largest:.3g}, expected 1e-15…1e15: rescale them")


def _check_sum(moduli: Tensor, measured: Tensor | None, bounds: Bounds, *, pixels: int, slack: float) -> None:
    """Refuse what no image within the bounds can have: the zero frequency is the sum of its pixels."""
    low, high = bounds
    zero: tuple[slice | int, ...] = (slice(None), *(0 for _ in moduli.shape[1:]))
    total = moduli[zero] if measured is None else torch.where(measured[zero], moduli[zero], torch.inf)
    if low is not None and low >= 0 and bool((moduli.flatten(1).amax(dim=1) > slack * total).any()):
        raise RangeError(
            f"got magnitudes that are larger elsewhere than at zero frequency, expected those of an image of values ≥ {low:g}: "
            "say centered=True if zero frequency lies in the middle, or bounds=None"
        )
    mean = torch.where(total.isinf(), 0.0, total).amax() / math.sqrt(pixels)
    if high is not None and high > 0 and (low is None or low >= -high) and float(mean) > slack * high:
        raise RangeError(
            f"got magnitudes of an image with mean value {float(mean):.3g}, expected at most {high:g}: check norm=… and "
            "intensities=…, or open the upper bound, bounds=(0, None)"
        )


def _symmetric(
    magnitudes: Tensor, measured: Tensor | None, *, symmetrize: bool
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Average every magnitude with its mirror at -k (over the measured ones of the two), and how far they differed."""
    dims = magnitudes.ndim - 1
    axes = tuple(range(1, dims + 1))
    mirror = reverse(magnitudes, dims=dims)
    if measured is None:
        mean, both = (magnitudes + mirror) / 2, torch.ones_like(magnitudes, dtype=torch.bool)
    else:
        turned = reverse(measured, dims=dims)
        count = (measured.to(magnitudes.dtype) + turned.to(magnitudes.dtype)).clamp_min(1)
        mean, both = (magnitudes + mirror) / count, measured & turned
        measured = measured | turned
    difference = torch.where(both, (magnitudes - mirror) / 2, 0.0).square().sum(dim=axes).sqrt()
    size = mean.square().sum(dim=axes).sqrt()
    asymmetry = torch.where(size > 0, difference / size.clamp_min(torch.finfo(size.dtype).tiny), 0.0)
    # 1e-4 is far above rounding (1e-7), and below half of the default tolerance of the residual (2e-4).
    worst = float(asymmetry.max()) if len(asymmetry) else 0.0
    if worst > 1e-4 and not symmetrize:
        raise RangeError(
            f"got magnitudes with |F(k)| ≠ |F(-k)| (relative difference {worst:.2g}), expected the symmetric ones that a "
            "real image has: say noise=… to average both, centered=True if the zero frequency lies in the middle, "
            'or field="complex"'
        )
    return mean, measured, asymmetry


def _half(plane: Tensor) -> Tensor:
    return plane[..., : plane.shape[-1] // 2 + 1]


def _unit(norm: str, pixels: int) -> float:
    factors = {"backward": 1 / math.sqrt(pixels), "ortho": 1.0, "forward": math.sqrt(pixels)}
    if norm not in factors:
        raise OptionError(f"got norm={norm!r}, expected one of {', '.join(factors)}: as given to torch.fft")
    return factors[norm]


def as_bounds(bounds: Sequence[float | None] | None) -> Bounds:
    """(least, greatest) from what the user gave; None means any value."""
    if bounds is None:
        return (None, None)
    if len(bounds) != 2:
        raise OptionError(f"got bounds={bounds!r}, expected two values (least, greatest) or None: give None for either")
    return (bounds[0], bounds[1])
