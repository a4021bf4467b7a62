"""The rings of the dial against NumPy, Parseval, and the algebra that its prices rest on."""

import itertools
import math

import numpy as np
import pytest
import torch

from undula.errors import RangeError, ShapeError
from undula.jobs.denoise.sharpness.ring_energies import RingEnergies, measure
from undula.jobs.denoise.sharpness.rings import OCTAVES, RINGS, Tents, octave_spans, ring_centers, sharpened
from undula.metrics import octave_edges
from undula.spectra import fourier, gaussian_blur, periodic_plus_smooth

SHAPES = [(1, 1), (1, 6), (5, 1), (16, 16), (15, 22), (33, 17), (40, 64)]


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.rand(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def radius(shape):
    return np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])


def full_power(image):
    """|X|² over the full plane, and |f|."""
    power = np.abs(np.fft.fft2(image, norm="ortho")) ** 2
    return power, np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])[None])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rings_hold_all_energy_but_that_of_the_mean(shape):
    """Oracle: Parseval."""
    image = draw(*shape)
    sums = Tents.of(shape, like=image).sums(fourier(image).abs().square())
    assert math.isclose(float(sums.sum()), float((image - image.mean()).square().sum()), abs_tol=1e-12)


@pytest.mark.parametrize("shape", SHAPES[3:])
def test_each_ring_is_a_tent_on_the_full_plane(shape, close):
    """Oracle: tents by NumPy's interpolation of unit vectors."""
    image = draw(*shape)
    tents = Tents.of(shape, like=image)
    power, distance = full_power(image.numpy())
    power[0, 0] = 0
    phi = [np.interp(distance, ring_centers().numpy(), unit) for unit in np.eye(RINGS)]
    close(tents.sums(fourier(image).abs().square()), np.array([(one * power).sum() for one in phi]), times=10)
    near = [(one * other * power).sum() for one, other in itertools.pairwise(phi)]
    close(tents.neighbor_sums(fourier(image).abs().square()), np.array(near), times=10)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_gain_is_linear_between_rings_and_zero_at_the_mean(shape, close):
    gain = draw(RINGS)
    want = np.interp(radius(shape), ring_centers().numpy(), gain.numpy())
    want[0, 0] = 0
    close(Tents.of(shape, like=gain).plane(gain), want, times=10)


def test_octaves_are_whole_rings():
    assert [low for low, _ in octave_spans()] == list(octave_edges())[:-1]
    assert octave_spans()[-1][1] == octave_edges()[-1]
    assert [ring for low, high in OCTAVES for ring in range(low, high)] == list(range(RINGS))


def test_a_filter_without_gain_returns_the_picture_bit_for_bit():
    image = draw(3, 17, 20, dtype=torch.float32)
    assert torch.equal(sharpened(image, torch.zeros(RINGS), sharpness=1.0), image)
    assert torch.equal(sharpened(image, torch.ones(RINGS), sharpness=0.0), image)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 8), (3, 21, 16)])
def test_the_same_gain_everywhere_scales_the_periodic_part_about_its_mean(shape, close):
    """Oracle: the closed form o + a (g - 1) (p - mean)."""
    image = draw(*shape)
    periodic = periodic_plus_smooth(image)[0]
    want = image + 0.4 * 1.5 * (periodic - periodic.mean(dim=(1, 2), keepdim=True))
    close(sharpened(image, torch.full((RINGS,), 1.5, dtype=torch.float64), sharpness=0.4), want, times=10)


def measured(shape=(1, 40, 33), sigma=0.1, denoiser=lambda y: gaussian_blur(y, deviation=0.8), seed=0, truth=True):
    clean = draw(*shape, seed=seed)
    noise = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 50))
    noisy = clean + sigma * noise
    chance = torch.Generator().manual_seed(seed + 90)
    return clean, noisy, measure(denoiser, noisy, sigma=sigma, truth=clean if truth else None, generator=chance)


@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 31, 48), (3, 20, 27), (1, 4, 5)])
def test_the_price_of_any_gain_is_algebra(shape):
    """Oracle: the error of the picture that was filtered."""
    clean, noisy, energies = measured(shape)
    output = gaussian_blur(noisy, deviation=0.8)
    for seed in range(3):
        extra = 3 * draw(RINGS, seed=seed)
        cross, squared = energies.price(extra)
        for a in (0.1, 0.5, 1.0):
            turned = float((sharpened(output, extra, sharpness=a) - clean).square().mean())
            before = float((output - clean).square().mean())
            assert math.isclose(turned / before, 1 + 2 * a * cross + a**2 * squared, rel_tol=1e-10)


def test_products_give_the_energy_after_a_gain():
    _, noisy, energies = measured((2, 24, 35))
    gain = 1 + draw(RINGS)
    spectrum = fourier(periodic_plus_smooth(gaussian_blur(noisy, deviation=0.8))[0])
    tents = Tents.of((24, 35), like=gain)
    after = tents.sums((spectrum * tents.plane(gain)).abs().square().sum(0)).sum() / noisy.numel()
    assert math.isclose(float(gain @ energies.products() @ gain), float(after), rel_tol=1e-12)


def test_energies_with_truth_are_those_of_their_definitions(close):
    clean, noisy, energies = measured((2, 24, 35))
    tents = Tents.of((24, 35), like=clean)
    output = gaussian_blur(noisy, deviation=0.8)
    p, x, e = (
        fourier(one) for one in (periodic_plus_smooth(output)[0], periodic_plus_smooth(clean)[0], output - clean)
    )
    for got, want in (
        (energies.truth, x.abs().square()),
        (energies.output, p.abs().square()),
        (energies.error, (p * e.conj()).real),
        (energies.shared, (p * x.conj()).real),
        (energies.share, torch.ones_like(x.real)),
    ):
        close(got, tents.sums(want.sum(0)) / clean.numel(), times=10)
    assert math.isclose(float(energies.share.sum()), 1 - 1 / (24 * 35), rel_tol=1e-12)


def test_steins_estimate_is_right_on_average():
    """Oracle: the same against the truth; the mean difference over 40 draws within 4.5 standard errors of 0."""
    names = ("error", "shared", "mse")
    pairs = [(measured(seed=seed)[2], measured(seed=seed, truth=False)[2]) for seed in range(40)]
    for name in names:
        difference = torch.stack([getattr(guess, name) - getattr(true, name) for true, guess in pairs])
        known = difference.std(0) > 0
        ratio = difference.mean(0)[known] / (difference.std(0)[known] / 40**0.5)
        assert known.any() and float(ratio.abs().max()) < 4.5, name


def test_steins_error_of_a_linear_filter_has_a_closed_form():
    """A circular filter H has the divergence Σ H; a probe bᵀ A b strays by √(2 Σ a²) off the diagonal."""
    sigma, deviation = 0.1, 0.8
    _, noisy, energies = measured((1, 64, 64), truth=False)
    output = gaussian_blur(noisy, deviation=deviation)
    impulse = torch.zeros(64, 64, dtype=torch.float64)
    impulse[0, 0] = 1
    kernel = gaussian_blur(impulse, deviation=deviation)
    want = float((output - noisy).square().mean()) - sigma**2 + 2 * sigma**2 * float(kernel[0, 0])
    stray = 2 * sigma**2 * math.sqrt(2 * float(kernel.square().sum() - kernel[0, 0] ** 2) / 64**2)
    assert abs(float(energies.mse) - want) < 4 * stray


def test_the_identity_leaves_all_the_noise():
    """Oracle: o = y, so that Stein's error of the whole is σ² whatever the probe."""
    _, _, energies = measured((1, 32, 32), denoiser=lambda y: y, truth=False)
    assert math.isclose(float(energies.mse), 0.01, rel_tol=1e-6)


def test_an_estimate_of_the_cross_term_obeys_cauchy_and_schwarz():
    flat = torch.ones(RINGS, dtype=torch.float64)
    wild = RingEnergies(flat, 0 * flat[1:], flat, -9 * flat, flat, flat / RINGS, torch.tensor(1.0, dtype=torch.float64))
    cross, squared = wild.price(flat)
    assert (cross, squared) == (-math.sqrt(RINGS), RINGS)


def test_denoisers_that_answer_wrongly_are_named():
    noisy = draw(1, 8, 8)
    with pytest.raises(ShapeError, match=r"got \(1, 1, 4, 4\) from the denoiser, expected the shape \(1, 1, 8, 8\)"):
        measure(lambda y: y[..., :4, :4], noisy, sigma=0.1)
    with pytest.raises(RangeError, match="got NaN or infinite values from the denoiser"):
        measure(lambda y: y / 0, noisy, sigma=0.1)
