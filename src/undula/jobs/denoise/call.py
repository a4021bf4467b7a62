"""`denoise`: one call from a noisy image to a clean one."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch

from undula.data import write_image
from undula.data.atomic import atomic_text, make_folder
from undula.data.given import read_images
from undula.data.plain import json_text
from undula.errors import ShapeError
from undula.jobs.denoise.denoiser import TILE, Denoiser
from undula.jobs.denoise.sharpness.dial import check_sharpness
from undula.jobs.denoise.suspicion import suspicions


@dataclass(frozen=True)
class Denoising:
    """Denoised images, and how far they can be trusted.

    Attributes:
        image: The images, in the shape, type and kind in which they came; not clipped.
        sigma: Noise level of each item in image units, as said or as measured.
        measured: Whether the levels were measured.
        white: Whether the noise that was removed looks white and Gaussian, by item.
        price: What sharpening changes the PSNR of each item by, in decibels, as forecast (Stein's estimate); 0 without.
        advice: What to know of each item; empty where there is nothing.
    """

    image: Any
    sigma: Any
    measured: bool
    white: Any
    price: Any
    advice: tuple[str, ...]

    def save(self, folder: str | Path) -> Path:
        """Write the images as PNG files, and `run.json`.

        Args:
            folder: The folder; it is made if it is not there.

        Returns:
            The folder.

        Raises:
            DataError: It cannot be written.
        """
        path = make_folder(folder)
        images = read_images(self.image).images
        for place, image in enumerate(images):
            name = "denoised.png" if len(images) == 1 else f"denoised-{place:04d}.png"
            write_image(path / name, image.clamp(0, 1).float().cpu())
        known = {
            "sigma": [float(level) for level in self.sigma], "measured": self.measured,
            "white": [bool(each) for each in self.white], "price": [float(each) for each in self.price],
            "advice": list(self.advice),
        }  # fmt: skip
        atomic_text(path / "run.json", json_text(known))
        return path


def denoise(
    image: Any,
    *,
    sigma: Any = None,
    sharpness: float = 0.0,
    model: Denoiser | str | Path | None = None,
    tile: int = TILE,
) -> Denoising:
    """Remove noise from images.

    x̂ = y - f(y, σ), with a residual U-Net f that was trained for white Gaussian noise of 5/255 … 55/255.

    Args:
        image: Images (h, w), (c, h, w) or (b, c, h, w), grey or color, in [0, 1] but for their noise; a tensor or a NumPy
            array.
        sigma: Standard deviation of the noise in image units (25/255), one for all or one per item; measured if None.
        sharpness: How far the sharpness dial is turned, 0…1: more detail of high frequency, at a price in PSNR.
        model: A denoiser, or the folder of one; the one that comes with Undula if None.
        tile: Side of the tiles that larger pictures are cut into.

    Returns:
        The images, their noise levels, and whether the noise was of the kind that the network knows.

    Raises:
        ShapeError: The images are neither grey nor color, or channels come last.
        RangeError: Integers, 0…255, NaN, or a noise level that makes no sense.
        OptionError: An option makes no sense.
        DataError: The model cannot be read.

    When it fails: noise that is not white (JPEG, scans, enlarged pictures) is removed in part only, and `white` says so;
    detail weaker than the noise is lost.

    Example:
        >>> result = denoise(torch.rand(32, 32), sigma=0.2)
        >>> result.image.shape
        torch.Size([32, 32])
    """
    check_sharpness(sharpness)
    given = read_images(image)
    denoiser = _chosen(model, given.images.shape[1])
    levels = denoiser.levels_of(given.images, sigma)
    clean = denoiser.transform(given.images, sigma=levels, tile=tile)
    measure = None if denoiser.noise_level is None else denoiser.estimate
    advice = tuple(suspicions(given.images, clean, levels, measure=measure))
    price = torch.zeros(len(levels))
    if sharpness:
        dial = denoiser.dial_for(given.images, levels)
        report = dial.report(given.images, sigma=levels, denoiser=denoiser, denoised=clean, sharpness=[sharpness])
        price = report.change_per_picture.reshape(len(levels))
        clean = dial.transform(clean, sharpness=sharpness, sigma=levels)
    white = torch.tensor([not each for each in advice])
    numbers = [one.cpu().numpy() if given.numpy else one for one in (levels, white, price)]
    return Denoising(given.back(clean), numbers[0], sigma is None, numbers[1], numbers[2], advice)


def _chosen(model: Denoiser | str | Path | None, channels: int) -> Denoiser:
    if isinstance(model, Denoiser):
        return model
    if model is not None:
        return Denoiser.load(model)
    if channels not in (1, 3):
        raise ShapeError(f"got images with {channels} channels, expected 1 (grey) or 3 (color): take them one by one")
    return _shipped(1 if channels == 1 else 3)


@lru_cache(maxsize=2)
def _shipped(channels: Literal[1, 3]) -> Denoiser:
    return Denoiser.pretrained(channels)
