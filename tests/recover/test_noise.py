"""Noise: its deviation against simulation, and that knowing it helps."""

import math

import numpy as np
import pytest
import torch

from undula import Gaussian, Poisson, align, recover
from undula.data import drawn_digits
from undula.errors import RangeError, ShapeError
from undula.jobs.recover.noise import amplitude_deviation
from undula.metrics import psnr
from undula.spectra import reverse


def noisy(magnitudes, deviation, generator):
    """Independent noise on the magnitudes that are independent: mirrors stay equal, zero stays the bottom."""
    noise = deviation * torch.randn(magnitudes.shape, generator=generator, dtype=magnitudes.dtype)
    mirrored = reverse(noise)
    own = torch.arange(noise[0].numel()).reshape(noise.shape[1:]) <= reverse(
        torch.arange(noise[0].numel()).reshape(1, *noise.shape[1:])
    )
    return (magnitudes + torch.where(own, noise, mirrored)).clamp_min(0)


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_gaussian_deviation_is_that_of_unitary_magnitudes(norm, generator):
    """Simulated: noise of deviation 3 on magnitudes of any normalization, divided as NumPy normalizes."""
    pixels = 48 * 50
    unit = {"backward": pixels**-0.5, "ortho": 1.0, "forward": pixels**0.5}[norm]
    energy = torch.ones(2, dtype=torch.float64)
    got = amplitude_deviation(Gaussian(3.0), energy=energy, unit=unit)
    spectrum = 3.0 * np.random.default_rng(0).standard_normal((48, 50)) + 100
    image = np.fft.ifft2(spectrum, norm=norm)
    unitary = np.fft.fft2(image, norm="ortho")
    assert abs(float(got[0]) / unitary.real.std() - 1) < 0.03
    each = amplitude_deviation(Gaussian([1.0, 2.0]), energy=energy, unit=unit)
    assert torch.allclose(each, torch.tensor([1.0, 2.0], dtype=torch.float64) * unit)


@pytest.mark.parametrize("given", ["counts", "scaled"])
def test_poisson_deviation_is_simulated(given):
    """Roots of Poisson counts, in the photons' own unit and in that of a scaled image."""
    chance = np.random.default_rng(0)
    intensity = 50 + 400 * chance.random((64, 64))
    roots = np.sqrt(chance.poisson(intensity, (50, 64, 64)))
    simulated = math.sqrt(((roots - np.sqrt(intensity)) ** 2).mean())
    total = float(intensity.sum())
    if given == "counts":
        got = amplitude_deviation(Poisson(), energy=torch.tensor([total / 4096]), unit=1 / 64)
        assert abs(float(got) * 64 / simulated - 1) < 0.03
    else:
        energy = torch.tensor([7.3])
        got = amplitude_deviation(Poisson(total), energy=energy, unit=0.1)
        assert abs(float(got) / (simulated * math.sqrt(7.3 / total)) - 1) < 0.03


@pytest.mark.slow
def test_knowing_gaussian_noise_helps(generator):
    """30 dB on six drawn digits, against the same call without noise=."""
    digits = drawn_digits(6)
    magnitudes = torch.fft.fft2(digits).abs()
    deviation = magnitudes.square().mean(dim=(1, 2), keepdim=True).sqrt() * 10 ** (-30 / 20)
    given = noisy(magnitudes, deviation, generator)
    with_noise = recover(given, noise=Gaussian(deviation.reshape(-1)), generator=torch.arange(6))
    without = recover(given, max_transforms=2000, generator=torch.arange(6))
    assert with_noise.accepted.all() and not without.accepted.any()
    assert all("noise=" in advice for advice in without.advice)
    better = psnr(align(with_noise.image, digits).image, digits)
    worse = psnr(align(without.image, digits).image, digits)
    assert better.median() > worse.median() + 1 and better.median() > 33
    assert with_noise.transforms.sum() < without.transforms.sum()


@pytest.mark.slow
@pytest.mark.parametrize("counted", [False, True])
def test_poisson_counts_are_recovered(counted):
    """1e5 photons an image; every pixel of the pattern counts for itself, so mirrors differ: the mean of both is taken.

    Single runs end near the truth or in a twin overlap (20-30 dB), so the median is of two dozen.
    """
    digits = drawn_digits(24)
    power = torch.fft.fft2(digits).abs().square()
    scale = 1e5 / power.sum(dim=(1, 2), keepdim=True)
    counts = torch.from_numpy(np.random.default_rng(0).poisson((power * scale).numpy()))
    options = {"intensities": True, "generator": torch.arange(24)}
    if counted:  # the photons themselves: the object has their unit, and the brightest's bound is loose for the others
        top = float(scale.max().sqrt())
        result = recover(counts, noise=Poisson(), bounds=(0.0, 1.0 * top), **options)
        image = result.image / scale.sqrt()
    else:
        result = recover((counts / scale).float(), noise=Poisson(1e5), **options)
        image = result.image
    assert result.accepted.sum() >= 23
    assert psnr(align(image.float(), digits).image, digits).median() > (26 if counted else 34)


def test_noise_that_means_nothing():
    for value in (0.0, -1.0, math.nan, math.inf, [1.0, 0.0]):
        with pytest.raises(
            RangeError, match=r"^got deviation=.*, expected positive numbers: leave noise=None for exact"
        ):
            Gaussian(value)
    with pytest.raises(RangeError, match=r"^got counts=0, expected positive numbers"):
        Poisson(0)
    with pytest.raises(ShapeError, match=r"^got 2 values of deviation for 3 items, expected one, or one per item$"):
        recover(torch.fft.fft2(torch.rand(3, 4, 4)).abs(), noise=Gaussian([1.0, 2.0]))
