"""The call: exact without noise, at the bound with noise, and unmoved by what does not matter."""

import math

import numpy as np
import pytest
import torch

from undula.jobs.estimate import estimate

NAMES = ("frequency", "decay_time", "amplitude")


def truth(drawn, order):
    return {name: getattr(drawn, name).gather(1, order) for name in (*NAMES, "phase")}


def assert_same(modes, drawn, *, tolerance):
    order = drawn.amplitude.argsort(dim=1, descending=True)
    for name, want in truth(drawn, order).items():
        off = getattr(modes, name) - want
        off = torch.remainder(off + math.pi, 2 * math.pi) - math.pi if name == "phase" else off / want
        assert off.abs().max() < tolerance, name


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("components", [1, 2, 3])
def test_without_noise_everything_is_exact(ringing, components, real):
    drawn = ringing(4, components, decibels=None, real=real)
    modes = estimate(drawn.signal, components=components)
    assert_same(modes, drawn, tolerance=1e-8)
    assert torch.allclose(modes.waveform, drawn.clean, atol=1e-10)


@pytest.mark.parametrize("method", ["sweep", "esprit", "matrix-pencil"])
def test_every_method_is_exact_without_noise(ringing, method):
    drawn = ringing(4, 2, decibels=None)
    assert_same(estimate(drawn.signal, components=2, method=method), drawn, tolerance=1e-8)


def test_errors_are_those_of_the_bound(ringing):
    drawn = ringing(250, 1, decibels=10.0)
    modes = estimate(drawn.signal)
    for name in ("frequency", "decay_time", "amplitude"):
        z = (getattr(modes, name) - getattr(drawn, name)) / modes.bound[name]
        assert 0.88 < float(z.square().mean().sqrt()) < 1.12, name  # 250 signals: 4.5 % of chance
    low, high = modes.interval(0.9)["decay_time"]
    assert 0.84 < float(((low < drawn.decay_time) & (drawn.decay_time < high)).double().mean()) < 0.95


def test_scale_rate_and_kind_do_not_matter(ringing):
    drawn = ringing(3, 2)
    plain = estimate(drawn.signal, components=2)
    scaled = estimate(1e-21 * drawn.signal.numpy(), rate=4096.0, components=2)
    assert isinstance(scaled.frequency, np.ndarray) and scaled.frequency.shape == (3, 2)
    assert scaled.frequency == pytest.approx(4096 * plain.frequency.numpy(), rel=1e-7)
    assert scaled.decay_time == pytest.approx(plain.decay_time.numpy() / 4096, rel=1e-5)
    assert scaled.amplitude == pytest.approx(1e-21 * plain.amplitude.numpy(), rel=1e-5)
    assert scaled.bound["frequency"] == pytest.approx(4096 * plain.bound["frequency"].numpy(), rel=1e-5)


def test_leading_axes_and_types_are_kept(ringing):
    drawn = ringing(4, 1)
    modes = estimate(drawn.signal.float().reshape(2, 2, 128))
    assert modes.frequency.shape == (2, 2, 1) and modes.waveform.shape == (2, 2, 128)
    assert modes.frequency.dtype == torch.float32 and modes.covariance.shape == (2, 2, 4, 4)
    assert estimate(drawn.signal[0]).accepted.shape == ()
    assert isinstance(estimate(drawn.signal[0]).advice, str)


def test_a_later_start_moves_amplitude_and_phase_only(ringing):
    drawn = ringing(2, 1, decibels=None)
    modes = estimate(drawn.signal, start=10.0)
    assert torch.allclose(modes.frequency, drawn.frequency, rtol=1e-8)
    assert torch.allclose(modes.amplitude, drawn.amplitude * torch.exp(-10 / drawn.decay_time), rtol=1e-8)
    turned = torch.remainder(modes.phase - drawn.phase - 20 * math.pi * drawn.frequency + 1, 2 * math.pi)
    assert torch.allclose(turned, torch.ones_like(turned), atol=1e-7)


def test_gaps_and_uneven_times_are_exact_too(ringing):
    drawn = ringing(3, 2, decibels=None)
    holed = drawn.signal.clone()
    holed[0, 20:31] = torch.nan
    holed[1, :7] = torch.nan
    modes = estimate(holed, components=2)
    assert_same(modes, drawn, tolerance=1e-8)
    assert modes.residual[0, 20:31].isnan().all() and not modes.waveform.isnan().any()
    keep = torch.rand(128, generator=torch.Generator().manual_seed(0)) > 0.3
    keep[0] = True
    uneven = estimate(drawn.signal[:, keep], times=drawn.times[keep], components=2)
    assert_same(uneven, drawn, tolerance=1e-7)
    assert "uneven sampling" in uneven.advice[0]


def test_offset_and_trend(ringing):
    drawn = ringing(2, 1, decibels=None)
    modes = estimate(drawn.signal + 3.0 - 0.02 * drawn.times, trend=True)
    assert_same(modes, drawn, tolerance=1e-8)
    assert torch.allclose(modes.offset, torch.full((2,), 3.0).double()) and modes.trend.shape == (2,)
    assert torch.allclose(modes.trend, torch.full((2,), -0.02).double())


def test_channels_share_their_modes(ringing):
    drawn = ringing(2, 1, decibels=10.0)
    other = torch.roll(drawn.signal, 3, dims=1)
    alone = estimate(drawn.signal)
    modes = estimate(torch.stack([drawn.signal, other], dim=1), shared=True)
    assert modes.frequency.shape == (2, 1) and modes.amplitude.shape == (2, 2, 1) and modes.phase.shape == (2, 2, 1)
    assert (modes.bound["frequency"] < alone.bound["frequency"]).all()
    assert modes.covariance.shape == (2, 6, 6)


def test_a_growing_mode_is_reported_as_one():
    t = torch.arange(100, dtype=torch.float64)
    noise = torch.randn(100, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    modes = estimate(0.1 * torch.exp(t / 40) * torch.cos(t) + 0.01 * noise)
    assert float(modes.decay_time) == pytest.approx(-40, rel=0.05) and float(modes.decay_rate) < 0
    assert "grows" in modes.advice


def test_the_number_of_modes_is_found(ringing):
    noise = torch.randn(12, 128, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    signals = torch.cat([noise, ringing(6, 1, decibels=10.0).signal, ringing(6, 2, decibels=10.0).signal])
    modes = estimate(signals, components="auto")
    want = torch.tensor([0] * 12 + [1] * 6 + [2] * 6)
    assert (modes.count == want).double().mean() >= 0.95
    assert modes.frequency.shape == (24, 5) and modes.frequency[0].isnan().all()
    assert "no mode" in modes.advice[0] and modes.evidence.shape == (24, 6)


def test_colored_noise_is_whitened(ringing):
    """AR(1) noise of known density: the error of the frequency is the bound's, and the residual is white."""
    drawn, root = ringing(120, 1, decibels=None, seed=3), 0.9
    chance = torch.Generator().manual_seed(1)
    steps = 0.1 * torch.randn(120, 400, dtype=torch.float64, generator=chance)
    noise = torch.zeros_like(steps)
    for k in range(1, 400):
        noise[:, k] = root * noise[:, k - 1] + steps[:, k]
    f = torch.linspace(0, 0.5, 257, dtype=torch.float64)
    density = 2 * 0.01 / (1 + root**2 - 2 * root * torch.cos(2 * math.pi * f))
    modes = estimate(drawn.clean + noise[:, -128:], noise=(f.numpy(), density.numpy()))
    z = (modes.frequency - drawn.frequency) / modes.bound["frequency"]
    assert 0.8 < float(z.square().mean().sqrt()) < 1.2
    assert float((modes.whiteness > 0.05).double().mean()) > 0.85
    assert float(modes.white_residual.std()) == pytest.approx(1.0, abs=0.03)
    assert modes.white_waveform.shape == (120, 128) and modes.figure().width == 1440


def test_a_constant_signal_is_said_to_be_one(ringing):
    signals = torch.cat([ringing(1, 1).signal, torch.full((1, 128), 2.0).double(), torch.zeros(1, 128).double()])
    modes = estimate(signals)
    assert modes.frequency.isnan().tolist() == [[False], [True], [True]] and modes.count.tolist() == [1, 0, 0]
    assert "constant" in modes.advice[1] and not modes.accepted[1]
