"""Band energies, correlations and the spectrum distance against NumPy's full plane and closed forms."""

import itertools
import math

import numpy as np
import pytest
import scipy.signal
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.metrics import (
    band_comparison,
    band_correlation,
    band_energy_ratio,
    correlation,
    octave_edges,
    spectrum_distance,
)
from undula.spectra import gaussian_blur

SHAPES = [(64,), (75,), (32, 48), (33, 40), (40, 33), (35, 37), (12, 13, 14)]
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]
HIGH_AND_TOP = [(0.25, 0.5), (0.375, 0.71)]


def pair(shape, *, batch=(3,), dtype=torch.float64, seed=0):
    chance = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(*batch, *shape, dtype=dtype, generator=chance) for _ in range(2))
    return 0.3 + gaussian_blur(x, deviation=0.5, dims=len(shape)) + 0.3 * noise, 0.4 + x


def periodic(length, period, *, phase=0.0):
    """A cosine that repeats bit for bit, so that rounding too lies at multiples of its frequency."""
    return torch.cos(2 * math.pi * (torch.arange(length, dtype=torch.float64) % period) / period + phase)


def planes(x, y, shape):
    """Both spectra in double precision on the full plane, and the frequencies, rounded where edges lie."""
    axes = tuple(range(-len(shape), 0))
    grids = np.meshgrid(*[np.fft.fftfreq(n) for n in shape], indexing="ij")
    distance = np.round(np.sqrt(sum(grid**2 for grid in grids)), 9)
    return *(np.fft.fftn(v.numpy().astype(complex), axes=axes).reshape(-1, *shape) for v in (x, y)), distance


@pytest.mark.parametrize("bands", ["octaves", [0.0, 0.1, 0.3, 0.5], HIGH_AND_TOP])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_bands_are_numpys_masks_on_the_full_plane(shape, dtype, bands, close):
    x, y = pair(shape, dtype=dtype)
    got = band_comparison(x, y, dims=len(shape), bands=bands)
    edges = octave_edges(dims=len(shape)) if bands == "octaves" else bands
    pairs = edges if bands is HIGH_AND_TOP else list(itertools.pairwise(edges))
    assert got.edges == tuple(pairs)
    assert got.ratio.dtype == got.correlation.dtype == x.real.dtype
    mine, theirs, distance = planes(x, y, shape)
    for number, (low, high) in enumerate(pairs):
        band = (distance > round(low, 9)) & (distance <= round(high, 9))
        a, b = mine[:, band], theirs[:, band]
        energies = (abs(a) ** 2).sum(1), (abs(b) ** 2).sum(1)
        if not band.any():
            assert bool(torch.isnan(got.ratio[:, number]).all() and torch.isnan(got.correlation[:, number]).all())
            continue
        # A ratio divides sums of a few coefficients, each as exact as the whole transform only.
        close(got.ratio[:, number], energies[0] / energies[1], times=10)
        close(got.correlation[:, number], (a * b.conj()).real.sum(1) / np.sqrt(energies[0] * energies[1]), times=10)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_octaves_hold_all_but_the_mean(dims, close):
    """One band from 0 to the corner compares the whole; the octaves part it."""
    shape = (24, 26, 28)[:dims]
    x, y = pair(shape)
    whole = band_comparison(x, y, dims=dims, bands=[0.0, octave_edges(dims=dims)[-1]])
    axes = tuple(range(-dims, 0))
    x, y = (v - v.mean(dim=axes, keepdim=True) for v in (x, y))
    close(whole.ratio[:, 0], x.square().sum(axes) / y.square().sum(axes), times=10)
    want = correlation(x, y, dims=dims)  # of positive correlations the modulus is the value
    close(whole.correlation[:, 0], want, times=10)


def test_squared_error_of_a_band_follows_from_both(close):
    x, y = pair((40, 41))
    bands = [(0.1, 0.25), (0.25, 0.71)]
    got = band_comparison(x, y, bands=bands)
    mine, theirs, distance = planes(x, y, (40, 41))
    for number, (low, high) in enumerate(bands):
        band = (distance > low) & (distance <= high)
        error = (abs(mine - theirs)[:, band] ** 2).sum(1) / (abs(theirs)[:, band] ** 2).sum(1)
        close(1 + got.ratio[:, number] - 2 * got.correlation[:, number] * got.ratio[:, number].sqrt(), error, times=10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_wave_lies_in_its_octave_alone(dtype, close):
    """a cos(2π f n + φ) against cos(2π f n): ratio a², correlation cos φ; NaN where there is rounding only."""
    for number, period in enumerate([48, 24, 12, 6, 3]):
        wave, moved = (periodic(96, period, phase=phase).expand(64, 96).to(dtype) for phase in (0.0, 0.7))
        got = band_comparison(0.3 + 2.5 * moved, wave)
        close(got.ratio[number], 6.25, times=10)
        close(got.correlation[number], np.cos(np.float64(0.7)), times=10)
        others = [band for band in range(6) if band != number]
        assert bool(torch.isnan(got.ratio[others]).all() and torch.isnan(got.correlation[others]).all())


def test_a_band_holds_its_upper_edge(close):
    """Nyquist's frequency belongs to the octave below it, and 1/4 to (1/8, 1/4]."""
    for period, number in [(2, 4), (4, 3), (8, 2), (16, 1), (32, 0)]:
        wave = periodic(64, period)
        ratio = band_energy_ratio(3 * wave, wave, dims=1)
        assert ratio.isnan().tolist() == [band != number for band in range(5)]
        close(ratio[number], 9.0, times=10)


@pytest.mark.parametrize("length", [30, 60, 90, 7 * 30])
def test_edges_that_are_no_binary_fractions(length, close):
    """3 · (1/30) is not 1/10 in floating point; the wave of period 10 still lies below the edge 1/10."""
    wave = periodic(length, 10)
    ratio = band_energy_ratio(2 * wave, wave, dims=1, bands=[0.05, 0.1, 0.2])
    close(ratio[0], 4.0, times=10)
    assert bool(ratio[1].isnan())


def test_gain_is_amplification_and_noise_is_not_recovery(close):
    """A gain per band moves the ratio, not the correlation; noise of equal energy lowers it to 1/√2."""
    _, y = pair((256, 256), batch=(4,))
    noise = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(9))
    got = band_comparison(y + noise, y, bands=[(0.25, 0.5)])
    assert got.ratio.mean() == pytest.approx(2, rel=0.02)
    assert got.correlation.mean() == pytest.approx(math.sqrt(0.5), rel=0.02)
    close(band_correlation(3 * (y + noise), y, bands=[(0.25, 0.5)]), got.correlation, times=10)
    close(band_energy_ratio(3 * (y + noise), y, bands=[(0.25, 0.5)]), 9 * got.ratio, times=10)
    close(band_correlation(-y, y), -torch.ones(4, 6, dtype=torch.float64), times=10)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(23, 29), (64, 64)])
def test_constant_images(shape, dtype, value, generator):
    """0.3 has no exact mean in floating point; nothing is left of it all the same."""
    flat = torch.full(shape, value, dtype=dtype)
    rough = torch.rand(shape, dtype=dtype, generator=generator)
    filled = [not (number == 0 and shape == (23, 29)) for number in range(6)]
    got = band_comparison(flat, rough)
    assert [value == 0 for value in got.ratio.tolist()] == filled
    assert bool(got.correlation.isnan().all())
    got = band_comparison(rough, flat)
    assert got.ratio.isinf().tolist() == filled
    assert bool(got.correlation.isnan().all())
    got = band_comparison(flat, flat)
    assert bool(got.ratio.isnan().all() and got.correlation.isnan().all())
    assert spectrum_distance(flat, flat) == 0
    assert spectrum_distance(rough, flat) == spectrum_distance(flat, rough) == math.inf


def ring_loop(x, y, shape):
    mine, theirs, distance = planes(x, y, shape)
    rings = [(distance > k / 64) & (distance <= (k + 1) / 64) for k in range(1, 32)]
    levels = [
        10 * np.log10((abs(mine[:, r]) ** 2).mean(1) / (abs(theirs[:, r]) ** 2).mean(1)) for r in rings if r.any()
    ]
    return np.sqrt(np.mean(np.square(levels), axis=0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_spectrum_distance_is_numpys_loop_over_rings(shape, dtype, close):
    x, y = pair(shape, dtype=dtype)
    got = spectrum_distance(x, y, dims=len(shape))
    assert got.dtype == x.real.dtype
    close(got, ring_loop(x, y, shape), times=30)  # rings of a few coefficients, in decibels


def test_spectrum_distance_of_known_gains(close):
    x, y = pair((64, 65))
    close(spectrum_distance(4 * y, y), torch.full((3,), 20 * math.log10(4), dtype=torch.float64), times=30)
    close(spectrum_distance(y.roll((5, 7), (1, 2)) + 3, y), torch.zeros(3, dtype=torch.float64), times=1000)
    close(spectrum_distance(x, y), spectrum_distance(y, x), times=30)


def test_spectrum_distance_of_a_blur_is_its_transfer_function():
    """exp(-2π²σ²f²) in decibels, rms over rings of 1/64 at 256 × 256: mean over the ring against its middle."""
    _, y = pair((256, 256), batch=(8,))
    frequency = (np.arange(1, 32) + 0.5) / 64
    want = np.sqrt(np.mean((20 * np.log10(np.exp(-2 * (math.pi * 0.6 * frequency) ** 2))) ** 2))
    assert spectrum_distance(gaussian_blur(y, deviation=0.6), y).mean() == pytest.approx(want, rel=0.01)


def test_energy_ratio_is_welchs(close):
    """scipy.signal.periodogram sums the same energies."""
    x, y = pair((128,))
    frequency, power = scipy.signal.periodogram(x.numpy())
    band = (frequency > 0.125) & (frequency <= 0.25)
    other = scipy.signal.periodogram(y.numpy())[1]
    want = power[:, band].sum(1) / other[:, band].sum(1)
    close(band_energy_ratio(x, y, dims=1, bands=[(0.125, 0.25)])[:, 0], want, times=10)


def test_tiny_images(close):
    one = torch.ones(1, 1)
    assert bool(band_energy_ratio(one, one).isnan().all())
    assert bool(spectrum_distance(one, one).isnan())
    y = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    close(spectrum_distance(3 * y, y), 20 * np.log10(np.float64(3)), times=10)
    assert band_energy_ratio(3 * y, y).isnan().tolist() == [True, True, True, True, False, True]


def test_errors_say_what_to_do(unchecked):
    module = unchecked("undula.metrics.bands")
    x = torch.zeros(8, 8)
    for measure in (
        module.band_comparison,
        module.band_energy_ratio,
        module.band_correlation,
        module.spectrum_distance,
    ):
        with pytest.raises(ShapeError, match=r"shape \(8, 8\) and a reference of shape \(8, 7\), expected the same"):
            measure(x, x[:, :7])
        with pytest.raises(ShapeError, match=r"^got an empty image of shape \(0, 8\)"):
            measure(x[:0], x[:0])
        with pytest.raises(
            ShapeError, match=r"^got shape \(8, 8\) with dims=3, expected at least 3 axes and dims from"
        ):
            measure(x, x, dims=3)
        with pytest.raises(RangeError, match=r"^got values of type torch.uint8, expected floats in \[0, 1\]: divide"):
            measure(x.byte(), x.byte())
        with pytest.raises(
            RangeError, match=r"^got torch.complex64 and torch.float32, expected both real or both comp"
        ):
            measure(x + 0j, x)
    for bad in (
        "octave",
        [],
        [0.1],
        [0.2, 0.1],
        [0.1, 0.1],
        [-0.1, 0.2],
        [(0.3, 0.2)],
        [(0.1, 0.2, 0.3)],
        [math.nan, 1.0],
    ):
        with pytest.raises(OptionError, match=r"expected 'octaves', at least two edges that rise from 0 on, or pairs"):
            module.band_comparison(x, x, bands=bad)
