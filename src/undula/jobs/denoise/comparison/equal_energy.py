"""The sharpness dial as a rival of losses: turned until it has the high-frequency energy that they have."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from undula.jobs.denoise.comparison.examination import high_energy, mean
from undula.jobs.denoise.sharpness.rings import sharpened

MOST = 3.0  # sharpness: 1 is the energy of clean pictures, and where the dial of the command ends
_ROUNDS, _NEAR = 4, 1e-3


class TurnedDial:
    """Denoised pictures and the detail that the dial adds to them: o + a d, clipped, for any a without another transform.

    Args:
        outputs: Denoised pictures (c, h, w), not clipped.
        truth: Their originals.
        gain: Gain of each ring at a = 1.
    """

    def __init__(self, outputs: Sequence[Tensor], truth: Sequence[Tensor], *, gain: Float[Tensor, " rings"]) -> None:
        self._outputs, self._truth = outputs, truth
        self._details = [sharpened(one, gain.to(one) - 1, sharpness=1.0) - one for one in outputs]
        start, end, both = (
            mean([high_energy(one, clean) for one, clean in zip(some, truth, strict=True)])
            for some in (outputs, self._details, self.at(1.0, clipped=False))
        )
        self._start, self._slope, self._square = start, both - start - end, end

    def at(self, sharpness: float, *, clipped: bool = True) -> list[Tensor]:
        """The pictures at a setting.

        Args:
            sharpness: a, from 0 on.
            clipped: Whether values are clipped to [0, 1].
        """
        turned = [one + sharpness * detail for one, detail in zip(self._outputs, self._details, strict=True)]
        return [one.clamp(0, 1) for one in turned] if clipped else turned

    def energy(self, sharpness: float) -> float:
        """High-frequency energy of the clipped pictures over that of the truth, the mean over pictures.

        Args:
            sharpness: a.
        """
        turned = self.at(sharpness)
        return mean([high_energy(one, clean) for one, clean in zip(turned, self._truth, strict=True)])

    def reaching(self, energy: float) -> float | None:
        """The setting at which the pictures have this energy: 0 where they have it as they are.

        Without clipping the energy is a parabola in a, which is solved; what clipping takes away is measured, and added to
        what is asked for, until both agree within a thousandth.

        Args:
            energy: High-frequency energy over that of the truth.

        Returns:
            a; None if it would be above 3, or if the dial has nothing to add.
        """
        if energy <= self.energy(0.0):
            return 0.0
        wanted = energy
        for _ in range(_ROUNDS):
            setting = self._solved(wanted)
            if setting is None or setting > MOST:
                return None
            missing = energy - self.energy(setting)
            if abs(missing) <= _NEAR * energy:
                break
            wanted += missing
        return setting

    def _solved(self, energy: float) -> float | None:
        """The positive root of start + slope a + square a² = energy."""
        missing = energy - self._start
        if missing <= 0:
            return 0.0
        root = self._slope**2 + 4 * self._square * missing
        bottom = self._slope + math.sqrt(root)
        return 2 * missing / bottom if bottom > 0 else None
