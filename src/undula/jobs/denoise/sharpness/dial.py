"""The sharpness dial: a radial gain after any denoiser, with a price that is known beforehand."""

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.given import read_images, read_sigma
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.denoise.sharpness.calibration import Calibration
from undula.jobs.denoise.sharpness.report import SHARPNESS, DialReport
from undula.jobs.denoise.sharpness.ring_energies import RingEnergies, measure
from undula.jobs.denoise.sharpness.rings import sharpened

_FORMAT = 1


class SharpnessDial:
    """Give a denoised picture the energy back that denoising took from its fine detail.

    The best guess of a detail that is half lost is a faint one: a denoiser that makes the least squared error returns too
    little energy at high frequencies. The dial multiplies the spectrum by 1 + a (g(|f|) - 1), with
    g = √(E_clean / E_denoised) in 1…4, ring by ring, and a from 0 (as denoised) to 1 (the energy of clean pictures). It
    amplifies what is there, right and wrong alike; it finds nothing. `report` says what that costs.

    All channels of a color picture are given the same gain, found from the sum of their energies; other gains would change
    the hue of edges. The borders are left out of it (`sharpened`).

    Args:
        calibrations: What is known at each noise level; `fit` finds it.

    When it fails: on noise that is not white (the noise level then says nothing of the spectrum), and on pictures far from
    those of the calibration, where `report` on the picture itself tells the price but the gain stays.

    Example:
        >>> from undula.spectra import gaussian_blur
        >>> clean = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> dial = SharpnessDial().fit(lambda y: gaussian_blur(y, deviation=0.5), None, sigma=0.1, truth=clean)
        >>> dial.transform(clean[0], sharpness=0.3).shape
        torch.Size([1, 32, 32])
    """

    def __init__(self, calibrations: Sequence[Calibration] = ()) -> None:
        self.calibrations = tuple(sorted(calibrations, key=lambda one: one.sigma))
        self._denoiser: Any = None

    def fit(
        self, denoiser: Any, images: Any, *, sigma: Any, truth: Any = None, generator: torch.Generator | None = None
    ) -> "SharpnessDial":
        """Calibrate; what was known before is forgotten.

        Three ways: noisy `images` with their clean originals `truth`, which is exact; noisy `images` alone, whose clean
        spectra are estimated (`fitted_signal`) and whose errors Stein's identity gives (`measure`); or `images=None` and
        clean `truth`, to which white Gaussian noise of each level in `sigma` is added here.

        Args:
            denoiser: A `Denoiser`, or anything with `transform(images, sigma=…)`; or a function (1, c, h, w) → (1, c, h, w).
                A function is not told the noise level: calibrate it at one.
            images: Noisy images (h, w), (c, h, w) or (b, c, h, w), or a list of such of any sizes; or None.
            sigma: Their noise level in image units, one for all or one per image; with `images=None` one or several, each
                for all.
            truth: The clean originals, in the same layout.
            generator: Source of the noise, and of the signs of Stein's probes.

        Returns:
            The dial itself. It remembers the denoiser for `report`; `to_facts` does not keep it.

        Raises:
            ShapeError: Images and originals differ in number or shape, or the denoiser changes the shape.
            RangeError: Integers, 0…255, NaN, or a noise level that is not above 0.
            OptionError: Neither images nor truth.
        """
        apply = _with_sigma(denoiser)
        pictures: dict[float, list[RingEnergies]] = {}
        for level, noisy, clean in _examples(images, truth, sigma, generator):
            found = measure(apply(level), noisy, sigma=level, truth=clean, generator=generator)
            pictures.setdefault(level, []).append(found)
        exact = truth is not None
        made = [Calibration.of(several, sigma=level, exact=exact) for level, several in pictures.items()]
        self.calibrations = tuple(sorted(made, key=lambda one: one.sigma))
        self._denoiser = denoiser
        return self

    def transform(self, image: Any, *, sharpness: float, sigma: Any = None) -> Any:
        """Sharpen denoised images.

        Args:
            image: Denoised images (h, w), (c, h, w) or (b, c, h, w); a tensor or a NumPy array. Any size: it takes two
                transforms of the whole picture.
            sharpness: a, 0…1.
            sigma: Noise level that the picture had, one for all or one per item; may be left out where the dial knows one.

        Returns:
            Images of the same shape, type and kind; not clipped. With `sharpness=0`, or where no ring has a gain above 1,
            bit for bit the same.

        Raises:
            ShapeError: Another number of axes, or of levels.
            RangeError: Integers, 0…255, NaN, or a sharpness outside 0…1.
            OptionError: Not fitted yet, or several levels and no `sigma`.
        """
        check_sharpness(sharpness)
        given = read_images(image)
        levels = self._levels(sigma, count=len(given.images))
        if sharpness == 0:
            return given.back(given.images.clone())
        items = [
            sharpened(one, self.gain(level).to(one) - 1, sharpness=sharpness)
            for one, level in zip(given.images, levels, strict=True)
        ]
        return given.back(torch.stack(items))

    def report(
        self,
        images: Any = None,
        *,
        sigma: Any = None,
        truth: Any = None,
        denoiser: Any = None,
        denoised: Any = None,
        sharpness: Sequence[float] = SHARPNESS,
        generator: torch.Generator | None = None,
    ) -> DialReport:
        """Say what the dial costs, and what it brings: for these pictures, or for those of the calibration.

        For pictures, they are denoised here, twice where no truth is given (`measure`). That forecast was right within
        0.01 dB on average over the 68 pictures of BSD68, at sharpness 0.15 / 0.3 / 0.6 / 1 and σ 15 / 25 / 50 over 255; for
        nine pictures of ten within 0.04 / 0.06 / 0.10 dB at those levels. That of the calibration alone, 14 photographs, was
        wrong by up to 0.19 dB on average: ask for the pictures at hand. Values are not clipped here; clipping to [0, 1] makes
        the price of sharpness 1 smaller by 0.03 / 0.05 / 0.12 dB.

        Args:
            images: Noisy images, as in `fit`; None forecasts from the calibration alone.
            sigma: Their noise level, one for all or one per image; of the calibration, one level.
            truth: Clean originals: the forecast is then exact, before values are clipped.
            denoiser: As in `fit`; None takes the one that was fitted.
            denoised: What it made of the images, where that is known already.
            sharpness: Settings to tell about, each in 0…1.
            generator: Source of the signs of Stein's probes.

        Returns:
            The report.

        Raises:
            ShapeError: Images and originals differ in number or shape.
            RangeError: Values, levels or settings outside their range.
            OptionError: Not fitted yet, no denoiser for the images, or several levels and no `sigma`.
        """
        for one in sharpness:
            check_sharpness(one)
        if images is None:
            (level,) = self._levels(sigma, count=1)
            known = self.at(level)
            prices = list(zip(known.cross, known.squared, strict=True))
            return DialReport.of(known, known.energies(), prices, sharpness=sharpness, level=level, span=self._span())
        if denoiser is None and self._denoiser is None:
            raise OptionError("got images and no denoiser, expected the one that the dial is for: denoiser=…")
        apply = _with_sigma(self._denoiser if denoiser is None else denoiser)
        levels = self._known_levels(sigma)
        found = []
        examples = _examples(images, truth, levels, generator)
        outputs = [None] * len(examples) if denoised is None else _singles(denoised, name="denoised")
        for (level, noisy, clean), output in zip(examples, outputs, strict=True):
            measured = measure(apply(level), noisy, sigma=level, truth=clean, output=output, generator=generator)
            found.append((level, measured, measured.price(self.gain(level).to(measured.output) - 1)))
        middle = math.exp(sum(math.log(level) for level, _, _ in found) / len(found))
        return DialReport.of(
            self.at(middle),
            RingEnergies.mean([measured for _, measured, _ in found]),
            [price for _, _, price in found],
            sharpness=sharpness,
            level=middle,
            span=self._span(),
            exact=truth is not None,
        )

    def gain(self, sigma: float) -> Float[Tensor, " rings"]:
        """Gain of each ring at a noise level, float64, linear in log σ between levels; at the nearest one beyond them.

        Args:
            sigma: Noise level in image units.

        Raises:
            OptionError: Not fitted yet.
        """
        return torch.tensor(self.at(sigma).gain, dtype=torch.float64)

    def at(self, sigma: float) -> Calibration:
        """What is known at a noise level: between levels linear in log σ, beyond them that of the nearest.

        Args:
            sigma: Noise level in image units.

        Raises:
            OptionError: Not fitted yet.
        """
        known = self._fitted()
        place = bisect.bisect_left([one.sigma for one in known], sigma)
        if place == 0 or place == len(known):
            return known[min(place, len(known) - 1)]
        low, high = known[place - 1], known[place]
        return low.mixed(high, share=math.log(sigma / low.sigma) / math.log(high.sigma / low.sigma))

    def to_facts(self) -> dict[str, Any]:
        """Plain values for `config.json`: about five kilobytes and forty bytes per picture of the calibration, each level."""
        return {"format": _FORMAT, "levels": [one.to_facts() for one in self._fitted()]}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "SharpnessDial":
        """Read what `to_facts` gave.

        Args:
            facts: Plain values.

        Returns:
            The dial, without its denoiser.

        Raises:
            DataError: They are no dial, or of another version.
        """
        known = facts.get("format") if isinstance(facts, Mapping) else None
        levels = facts.get("levels") if known == _FORMAT else None
        if not isinstance(levels, list) or not levels:
            raise DataError(f"got a dial of format {known!r}, expected {_FORMAT} with its levels: fit it again")
        return cls([Calibration.from_facts(one) for one in levels])

    def _fitted(self) -> tuple[Calibration, ...]:
        if not self.calibrations:
            raise OptionError("got a dial that knows no noise level, expected a calibrated one: fit it first")
        return self.calibrations

    def _span(self) -> tuple[float, float]:
        known = self._fitted()
        return known[0].sigma, known[-1].sigma

    def _known_levels(self, sigma: Any) -> Any:
        known = self._fitted()
        if sigma is None and len(known) > 1:
            told = ", ".join(f"{255 * one.sigma:g}/255" for one in known)
            raise OptionError(f"got no sigma, and this dial knows several levels ({told}), expected one: sigma=25/255")
        return known[0].sigma if sigma is None else sigma

    def _levels(self, sigma: Any, *, count: int) -> list[float]:
        return [float(level) for level in read_sigma(self._known_levels(sigma), count=count)]


def check_sharpness(sharpness: float) -> None:
    """Refuse a setting of the dial outside 0…1.

    Args:
        sharpness: The setting.

    Raises:
        RangeError: It is below 0, above 1, or NaN.
    """
    if not 0 <= sharpness <= 1:
        raise RangeError(f"got sharpness={sharpness}, expected 0 (as denoised) to 1 (the energy of clean pictures)")


def _with_sigma(denoiser: Any) -> Callable[[float], Callable[[Tensor], Any]]:
    """From a noise level to a function of the picture."""
    if hasattr(denoiser, "transform"):
        return lambda sigma: lambda image: denoiser.transform(image, sigma=sigma)
    if not callable(denoiser):
        raise OptionError(
            f"got a denoiser of type {type(denoiser).__name__}, expected a Denoiser or a function of an image (1, c, h, w)"
        )
    return lambda _: denoiser


def _examples(
    images: Any, truth: Any, sigma: Any, generator: torch.Generator | None
) -> list[tuple[float, Tensor, Tensor | None]]:
    """Level, noisy picture and clean picture or None, one picture after the other."""
    clean = [] if truth is None else _singles(truth, name="truth")
    if images is None:
        if not clean:
            raise OptionError("got neither images nor truth, expected noisy images, clean ones as truth, or both")
        levels = _checked(torch.as_tensor(sigma, dtype=torch.float32).numel(), sigma)
        return [(level, one + level * _noise(one, generator), one) for level in levels for one in clean]
    noisy = _singles(images, name="images")
    if truth is not None and [one.shape for one in noisy] != [one.shape for one in clean]:
        raise ShapeError(
            f"got images of shapes {_shapes(noisy)} and truth of shapes {_shapes(clean)}, expected the same number and shapes"
        )
    originals: Sequence[Tensor | None] = clean or [None] * len(noisy)
    return list(zip(_checked(len(noisy), sigma), noisy, originals, strict=True))


def _singles(images: Any, *, name: str) -> list[Tensor]:
    """Pictures (c, h, w), one by one."""
    several = list(images) if isinstance(images, list | tuple) else [images]
    if not several:
        raise ShapeError(f"got no {name}, expected at least one picture")
    return [one for each in several for one in read_images(each, name=name).images]


def _checked(count: int, sigma: Any) -> list[float]:
    levels = [float(level) for level in read_sigma(sigma, count=count)]
    if min(levels) <= 0:
        raise RangeError(
            f"got the noise level {sigma}, expected one above 0: without noise there is nothing to bring back"
        )
    return levels


def _noise(image: Tensor, generator: torch.Generator | None) -> Tensor:
    device = torch.device("cpu") if generator is None else generator.device
    return torch.randn(image.shape, generator=generator, device=device).to(image)


def _shapes(images: list[Tensor]) -> str:
    return ", ".join(str(tuple(one.shape)) for one in images[:3]) + (" …" if len(images) > 3 else "")
