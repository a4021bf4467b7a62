"""What the sharpness dial costs and brings, told beforehand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from undula.jobs.denoise.sharpness.calibration import Calibration
from undula.jobs.denoise.sharpness.ring_energies import RingEnergies
from undula.jobs.denoise.sharpness.rings import OCTAVES, octave_spans, ring_centers

SHARPNESS = (0.15, 0.3, 0.6, 1.0)
FAINT = 0.1  # of the noise: below it the signal is not seen in the noisy spectrum


@dataclass(frozen=True)
class DialReport:
    """Forecast of the sharpness dial. Bands are octaves made of whole rings, which overlap by half a ring (1/64).

    Attributes:
        sigma: Noise level in image units; of pictures of several levels, their geometric mean.
        exact: Whether the energies and errors of the pictures reported on were measured against clean ones; estimated
            else. Then prices are exact before values are clipped.
        sharpness: Settings of the dial (s).
        change: Change of the PSNR in decibels, mean over the pictures (s); negative is a price.
        change_per_picture: The same of every picture (n, s).
        edges: Edges of the bands in cycles per pixel (bands).
        energy_before: Energy of the denoised pictures over that of clean ones (bands).
        energy: The same at every setting (s, bands).
        correlation: Correlation of the denoised pictures with clean ones (bands).
        shared: Share of the energy of the added detail that correlates with clean pictures: the squared correlation of
            each ring, weighted by the energy added there (bands); NaN where nothing is added.
        reliable: Whether gain and energies can be trusted: clean pictures were known, or the signal is above a tenth of the
            noise (bands).
        frequencies: Centers of the rings in cycles per pixel (rings).
        gain: g of the rings (rings).
        slopes: Regression of clean pictures on denoised ones (rings): 1 for a denoiser of least squared error, below 1
            where it returns more than it should; NaN where it returns nothing.
        ring_reliable: As `reliable`, of the rings (rings).
        correction: What the best gain of every ring would add to the PSNR in decibels: near 0 for a converged network.
        within: Whether the noise level lies within those of the calibration.
    """

    sigma: float
    exact: bool
    sharpness: tuple[float, ...]
    change: Float[Tensor, " s"]
    change_per_picture: Float[Tensor, "n s"]
    edges: tuple[tuple[float, float], ...]
    energy_before: Float[Tensor, " bands"]
    energy: Float[Tensor, "s bands"]
    correlation: Float[Tensor, " bands"]
    shared: Float[Tensor, " bands"]
    reliable: Bool[Tensor, " bands"]
    frequencies: Float[Tensor, " rings"]
    gain: Float[Tensor, " rings"]
    slopes: Float[Tensor, " rings"]
    ring_reliable: Bool[Tensor, " rings"]
    correction: float
    within: bool

    @classmethod
    def of(
        cls,
        calibration: Calibration,
        energies: RingEnergies,
        prices: Sequence[tuple[float, float]],
        *,
        sharpness: Sequence[float],
        level: float,
        span: tuple[float, float],
        exact: bool | None = None,
    ) -> "DialReport":
        """Tell about pictures.

        Args:
            calibration: The gain, at the noise level.
            energies: Mean energies of the pictures.
            prices: c and s of each (`RingEnergies.price`).
            sharpness: Settings.
            level: Noise level.
            span: Lowest and highest noise level of the dial.
            exact: Whether the energies are those of known clean pictures; as in the calibration if None.
        """
        gain = torch.tensor(calibration.gain, dtype=torch.float64)
        bands = _Bands(energies, gain - 1)
        known = calibration.exact if exact is None else exact
        # The gain was fitted from clean pictures or not; the energies told here belong to these pictures.
        seen = energies.truth > FAINT * level**2 * energies.share
        trusted = seen | known
        changes = decibels(prices, sharpness)
        return cls(
            sigma=level,
            exact=known,
            sharpness=tuple(sharpness),
            change=changes.mean(0),
            change_per_picture=changes,
            edges=octave_spans(),
            energy_before=bands.energy(0.0),
            energy=torch.stack([bands.energy(setting) for setting in sharpness]),
            correlation=bands.correlation(),
            shared=bands.shared(),
            reliable=torch.stack([(trusted | (energies.share == 0))[low:high].all() for low, high in OCTAVES]),
            frequencies=ring_centers(),
            gain=gain,
            slopes=1 - energies.error / energies.output,
            ring_reliable=trusted,
            correction=correction(energies),
            within=span[0] * (1 - 1e-6) <= level <= span[1] * (1 + 1e-6),
        )

    @property
    def advice(self) -> str:
        """What to do with it, in sentences."""
        added = ", ".join(
            f"sharpness {setting:g} changes the PSNR by {float(change):+.2f} dB"
            for setting, change in zip(self.sharpness, self.change, strict=True)
        )
        fine = float(self.shared[4])
        what = f"{fine:.0%} of its energy" if math.isfinite(fine) else "nothing, since nothing is added there,"
        said = [f"{added}; of the detail added from 1/4 to 1/2 cycles per pixel {what} correlates with the truth"]
        if not bool(self.reliable.all()):
            low = min(edge[0] for edge, good in zip(self.edges, self.reliable.tolist(), strict=True) if not good)
            said.append(
                f"from {low:g} cycles per pixel on the signal falls below a tenth of the noise, and the energies told there "
                "are guesses: clean pictures (truth=…) would tell"
            )
        if self.exact and self.correction > 0.1:
            said.append(
                f"the denoiser is not fully trained: the right gain of every ring would add {self.correction:.2f} dB; train "
                "it longer"
            )
        if not self.within:
            said.append(
                "the noise level lies outside the calibration, the gain of its nearest level is used: fit one there"
            )
        return ". ".join(said) + "."

    def rows(self) -> list[dict[str, Any]]:
        """One row of plain values per setting: what the dial costs, and the energy of each band."""
        return [
            {
                "sharpness": setting,
                "change of PSNR [dB]": float(change),
                "lowest of the pictures [dB]": float(each.min()),
                "highest of the pictures [dB]": float(each.max()),
                **{f"energy {_name(edge)}": _number(value) for edge, value in zip(self.edges, energy, strict=True)},
            }
            for setting, change, each, energy in zip(
                self.sharpness, self.change, self.change_per_picture.T, self.energy, strict=True
            )
        ]

    def band_rows(self) -> list[dict[str, Any]]:
        """One row of plain values per band: before the dial, and what it adds; None where there is nothing."""
        return [
            {
                "band [cycles per pixel]": _name(edge),
                "energy before": _number(self.energy_before[band]),
                "correlation": _number(self.correlation[band]),
                "share of the added energy that correlates": _number(self.shared[band]),
                "reliable": bool(self.reliable[band]),
            }
            for band, edge in enumerate(self.edges)
        ]


def decibels(prices: Sequence[tuple[float, float]], sharpness: Sequence[float]) -> Float[Tensor, "n s"]:
    """Change of the PSNR, -10 log₁₀(1 + 2 a c + a² s).

    Args:
        prices: c and s of each picture.
        sharpness: Settings a.
    """
    settings = torch.tensor([float(one) for one in sharpness], dtype=torch.float64)
    cross, squared = torch.tensor(prices, dtype=torch.float64).reshape(-1, 2, 1).unbind(1)
    return -10 * torch.log10((1 + 2 * settings * cross + settings**2 * squared).clamp(min=1e-12))


def correction(energies: RingEnergies) -> float:
    """Decibels that the gain of least squared error would add, -10 log₁₀(1 - bᵀ Q⁻¹ b / mse) with b the errors of the rings.

    Args:
        energies: Energies of the rings.
    """
    products, error = energies.products(), energies.error
    known = energies.output > 1e-12 * energies.output.sum()
    if not bool(known.any()):
        return 0.0
    best = torch.linalg.lstsq(products[known][:, known], error[known, None]).solution[:, 0]
    left = 1 - float(best @ error[known] / energies.mse)
    return float(-10 * torch.log10(torch.tensor(max(left, 1e-12), dtype=torch.float64)))


class _Bands:
    """Sums over the rings of each octave."""

    def __init__(self, energies: RingEnergies, extra: Tensor) -> None:
        self.products, self.extra = energies.products(), extra
        self.output, self.truth, self.shared_energy = energies.output, energies.truth, energies.shared

    def energy(self, sharpness: float) -> Tensor:
        gain = 1 + sharpness * self.extra
        return _octaves(gain * (self.products @ gain)) / _octaves(self.truth)

    def correlation(self) -> Tensor:
        energy = _octaves(self.output) * _octaves(self.truth)
        return (_octaves(self.shared_energy) / energy.sqrt()).clamp(-1, 1)  # an estimate may leave [-1, 1]

    def shared(self) -> Tensor:
        squared = self.shared_energy.square() / (self.output * self.truth)
        added = self.extra.square() * self.output
        return _octaves((squared.clamp(0, 1) * added).nan_to_num(0.0)) / _octaves(added)


def _octaves(values: Tensor) -> Tensor:
    return torch.stack([values[low:high].sum() for low, high in OCTAVES])


def _name(edge: tuple[float, float]) -> str:
    return f"{edge[0]:.3g}…{edge[1]:.3g}"


def _number(value: Tensor) -> float | None:
    return float(value) if bool(value.isfinite()) else None
