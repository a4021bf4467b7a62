"""What a denoiser did, ring by ring: measured against the truth, or by Stein's estimate without any."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import RangeError, ShapeError
from undula.jobs.denoise.sharpness.rings import Tents
from undula.jobs.denoise.sharpness.self_calibration import fitted_signal
from undula.spectra import fourier, periodic_plus_smooth

Apply = Callable[[Tensor], Any]
# Of the noise: how far a probe moves the picture. From 0.003 to 0.03 the estimates agree, at 0.1 the bends of a network shift
# them; a second probe changes little, the chance is in the noise of the picture.
_STEP = 0.03


@dataclass(frozen=True)
class RingEnergies:
    """Energies per pixel of one picture, or their mean over several, in rings (`Tents`). All float64.

    Attributes:
        output: Σ φ_r |P|² of the denoised picture's periodic part (rings).
        neighbors: Σ φ_r φ_{r+1} |P|² (rings - 1).
        truth: Σ φ_r |X|² of the clean picture's periodic part, or its estimate (rings).
        error: Σ φ_r Re P E* with the error E of the output, or Stein's estimate of it (rings).
        shared: Σ φ_r Re P X*, or Stein's estimate of it (rings).
        share: Share of the coefficients (rings); white noise has the energies σ² · share.
        mse: Mean squared error of the output, or Stein's estimate of it ().
    """

    output: Float[Tensor, " rings"]
    neighbors: Float[Tensor, " gaps"]
    truth: Float[Tensor, " rings"]
    error: Float[Tensor, " rings"]
    shared: Float[Tensor, " rings"]
    share: Float[Tensor, " rings"]
    mse: Float[Tensor, ""]

    def products(self) -> Float[Tensor, "rings rings"]:
        """Q with hᵀ Q h the energy per pixel of the output after the gain h, zero frequency left out."""
        near = self.neighbors
        own = self.output.clone()
        own[:-1] -= near
        own[1:] -= near
        return torch.diag(own) + torch.diag(near, 1) + torch.diag(near, -1)

    def price(self, extra: Float[Tensor, " rings"]) -> tuple[float, float]:
        """Numbers c and s: the gain 1 + a (g - 1) multiplies the mean squared error by 1 + 2 a c + a² s.

        c = ⟨K p, e⟩ / |e|² and s = |K p|² / |e|² with K the filter g - 1. By Cauchy and Schwarz c² ≤ s, which an estimate of
        c is held to.

        Args:
            extra: g - 1 of each ring.
        """
        squared = float(extra @ self.products() @ extra / self.mse)
        cross = float(extra @ self.error / self.mse)
        most = max(squared, 0.0) ** 0.5
        return max(-most, min(most, cross)), squared

    @classmethod
    def mean(cls, several: Sequence["RingEnergies"]) -> "RingEnergies":
        """The mean over pictures, each counted once.

        Args:
            several: Pictures.
        """
        return cls(
            **{one.name: torch.stack([getattr(each, one.name) for each in several]).mean(0) for one in fields(cls)}
        )


def measure(
    apply: Apply,
    noisy: Float[Tensor, "c h w"],
    *,
    sigma: float,
    truth: Float[Tensor, "c h w"] | None = None,
    output: Float[Tensor, "c h w"] | None = None,
    generator: torch.Generator | None = None,
) -> RingEnergies:
    """Denoise one picture, and measure its rings.

    Without the truth by Stein's identity: for white Gaussian noise n of deviation σ, E⟨φ_r o, n⟩ = σ² div(φ_r o), so that
    ⟨φ_r o, o - x⟩ ≈ ⟨φ_r o, o - y⟩ + σ² ⟨φ_r (o(y + ε b) - o(y)) / ε, b⟩ with signs b = ±1 drawn for every value; and the mean
    squared error ≈ |o - y|² / N - σ² + 2 σ² div(o) / N. One more call of the denoiser, no clean picture.

    Args:
        apply: The denoiser, (1, c, h, w) → (1, c, h, w).
        noisy: y.
        sigma: σ, above 0.
        truth: x.
        output: o, if it is known already.
        generator: Source of the signs.

    Returns:
        The energies per pixel.

    Raises:
        ShapeError: The denoiser returns something of another shape.
        RangeError: The denoiser returns NaN or infinite values.

    References: Stein, Estimation of the mean of a multivariate normal distribution, 1981. Ramani, Blu, Unser, Monte-Carlo
    SURE, 2008.
    """
    observed = noisy.double()
    tents = Tents.of(noisy.shape[-2:], like=observed)
    output = denoised(apply, noisy) if output is None else output.double()
    spectrum = _periodic(output)
    power = _product(spectrum, spectrum)
    energies, share = tents.sums(power), tents.sums(torch.ones_like(power)) * len(noisy)
    if truth is None:
        seen = _periodic(observed)
        noise = tents.sums(_product(seen, seen))
        signal = fitted_signal(energies, noise, share, sigma=sigma)
        error, shared, mse = _stein(apply, noisy, output, tents, sigma=sigma, generator=generator)
    else:
        clean = truth.double()
        known = _periodic(clean)
        signal, shared = tents.sums(_product(known, known)), tents.sums(_product(spectrum, known))
        error, mse = tents.sums(_product(spectrum, fourier(output - clean))), (output - clean).square().mean()
    pixels = observed.numel()
    return RingEnergies(
        output=energies / pixels,
        neighbors=tents.neighbor_sums(power) / pixels,
        truth=signal / pixels,
        error=error / pixels,
        shared=shared / pixels,
        share=share / pixels,
        mse=mse,
    )


def denoised(apply: Apply, noisy: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    """What the denoiser makes of one picture, float64.

    Args:
        apply: The denoiser, (1, c, h, w) → (1, c, h, w), tensor or NumPy array.
        noisy: The picture.

    Raises:
        ShapeError: It returns something of another shape.
        RangeError: It returns NaN or infinite values.
    """
    with torch.no_grad():
        output = torch.as_tensor(apply(noisy[None])).detach()
    if output.shape != (1, *noisy.shape):
        raise ShapeError(
            f"got {tuple(output.shape)} from the denoiser, expected the shape {(1, *noisy.shape)} that it was given: wrap it"
        )
    if not bool(output.isfinite().all()):
        raise RangeError("got NaN or infinite values from the denoiser, expected numbers: look at its output first")
    return output[0].to(noisy.device).double()


def _stein(
    apply: Apply, noisy: Tensor, output: Tensor, tents: Tents, *, sigma: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Estimates of Σ φ_r Re P E*, Σ φ_r Re P X* and of the mean squared error."""
    device = torch.device("cpu") if generator is None else generator.device
    signs = torch.randint(0, 2, noisy.shape, generator=generator, device=device).to(output) * 2 - 1
    step = _STEP * sigma
    slope = (denoised(apply, noisy + step * signs.to(noisy.dtype)) - output) / step
    residual = output - noisy.double()
    spectrum, moved = _periodic(output), _periodic(slope)
    error = tents.sums(_product(spectrum, fourier(residual))) + sigma**2 * tents.sums(_product(moved, fourier(signs)))
    seen = tents.sums(_product(spectrum, _periodic(noisy.double())))
    shared = seen - sigma**2 * tents.sums(_product(moved, _periodic(signs)))
    mse = residual.square().mean() - sigma**2 + 2 * sigma**2 * (slope * signs).mean()
    # Its standard error is about σ² √(2 / N): an estimate below that says no more than "small".
    return error, shared, mse.clamp(min=sigma**2 * (2 / output.numel()) ** 0.5)


def _periodic(image: Tensor) -> Tensor:
    return fourier(periodic_plus_smooth(image)[0])


def _product(first: Tensor, second: Tensor) -> Tensor:
    return (first.real * second.real + first.imag * second.imag).sum(0)
