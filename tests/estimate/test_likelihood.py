"""Quantiles of the likelihood over frequency and rate."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from undula import estimate
from undula.errors import OptionError
from undula.jobs.estimate.likelihood import SCORES, _inverted, _likelihood, _unbent
from undula.jobs.estimate.projection import project


@pytest.mark.parametrize("real", [True, False])
def test_far_from_the_noise_it_is_the_gaussian_of_the_bound(ringing, real):
    drawn = ringing(6, 1, decibels=40.0, real=real)
    modes = estimate(drawn.signal, intervals="likelihood")
    assert modes.quantiles is not None
    for name in ("frequency", "decay_rate"):
        score = (modes.quantiles[name] - getattr(modes, name)[..., None]) / modes.bound[name][..., None]
        assert (score[..., 20:61] - SCORES[20:61]).abs().max() < 0.1, name  # two deviations to either side
    wide = modes.interval(0.9)
    bound = replace(modes, quantiles=None).interval(0.9)
    for name in ("frequency", "decay_rate", "decay_time"):
        ratio = (wide[name][1] - wide[name][0]) / (bound[name][1] - bound[name][0])
        assert (ratio - 1).abs().max() < 0.05, name
    assert torch.equal(wide["phase"][0], bound["phase"][0])


def test_near_the_noise_it_holds_where_the_bound_does_not(ringing):
    drawn = ringing(300, 1, decibels=-5.0)
    modes = estimate(drawn.signal, noise=drawn.deviation[:, None], intervals="likelihood")
    held = []
    for each in (modes, replace(modes, quantiles=None)):
        low, high = each.interval(0.9)["frequency"]
        held.append(float(((low <= drawn.frequency) & (drawn.frequency <= high)).double().mean()))
    assert held[0] >= 0.86 > 0.82 > held[1], held


@pytest.mark.parametrize("degree", [0, 1])
def test_the_likelihood_is_that_of_the_fit_with_the_best_amplitudes(ringing, degree):
    drawn = ringing(3, 1, decibels=5.0)
    record = replace(drawn.record, known=True, degree=degree)
    tones, bent = torch.rand(3, 5, dtype=torch.float64) * 40 + 5, torch.rand(3, 5, dtype=torch.float64) * 4 - 1
    got = _likelihood(record, tones, bent)
    poles = torch.complex(-_unbent(bent), 2 * math.pi * tones)
    want = torch.stack([-0.5 * project(record, poles[:, k : k + 1]).cost for k in range(5)], dim=1)
    assert torch.allclose(got, want, rtol=1e-9)


def test_quantiles_of_a_density_on_a_grid_are_those_of_the_normal_distribution():
    axis = torch.linspace(-6, 6, 241, dtype=torch.float64)[None]
    found = _inverted(axis, torch.exp(-0.5 * axis.square()))
    assert (found[0, 10:71] - SCORES[10:71]).abs().max() < 2e-3


def test_channels_with_noise_of_their_own_share_one_likelihood():
    rng = np.random.default_rng(3)
    times = np.arange(300) / 1000
    clean = np.exp(-times / 0.03) * np.cos(2 * np.pi * 80 * times)
    density = (np.array([0.0, 500.0]), np.array([[1.0, 1.0], [4.0, 4.0]]) * 2e-5)
    signal = np.stack([clean, 2 * clean]) + rng.normal(size=(2, 300)) * np.array([[0.1], [0.2]])
    modes = estimate(signal, rate=1000.0, noise=density, shared=True, intervals="likelihood", band=(40.0, 200.0))
    low, high = modes.interval(0.9)["frequency"]
    assert low < 80 < high
    assert 0.9 < (high - low) / (3.29 * modes.bound["frequency"]) < 1.3
    alone = estimate(signal, rate=1000.0, noise=density, intervals="likelihood").interval(0.9)["frequency"]
    assert (alone[1] - alone[0] > high - low).all()


def test_several_components_are_refused():
    with pytest.raises(OptionError, match="expected components=1"):
        estimate(np.ones(50), components=2, intervals="likelihood")


def test_a_constant_signal_has_no_quantiles():
    modes = estimate(np.ones((2, 50)), intervals="likelihood")
    assert np.isnan(modes.quantiles["frequency"]).all()
