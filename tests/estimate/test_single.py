"""One wave found at once: where it says that it is sure it ends where the whole search ends."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from undula.jobs.estimate import estimate
from undula.jobs.estimate.projection import project
from undula.jobs.estimate.single import applies, find_single
from undula.jobs.estimate.starts import best_of, find_starts


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("decibels", [0.0, 5.0, 30.0])
@pytest.mark.parametrize("samples", [61, 128])
def test_it_ends_where_the_whole_search_ends(ringing, real, decibels, samples):
    drawn = ringing(60, 1, decibels=decibels, real=real, samples=samples)
    poles, sure = find_single(drawn.record)
    assert sure.double().mean() >= 0.95
    whole = best_of(drawn.record, find_starts(drawn.record, components=1, method="auto"))
    state = project(drawn.record, whole)
    off = torch.view_as_real(poles - whole)[:, 0]
    in_deviations = (off[:, None] @ state.curvature @ off[:, :, None])[:, 0, 0] / (state.cost / (samples - 4))
    assert in_deviations[sure].max() < 0.01**2


def test_it_is_not_sure_of_two_waves_nor_of_growing_ones(ringing):
    drawn = ringing(20, 1, decibels=30.0)
    growing = replace(drawn.record, values=drawn.record.values.flip(2))
    assert not find_single(growing)[1].any()
    times = torch.arange(128, dtype=torch.float64)
    low = torch.cos(0.02 * times)[None, None]  # below one period per record: no peak of its own
    assert not find_single(replace(drawn.record, values=low))[1].any()


def test_where_it_applies(ringing):
    record = ringing(2, 1).record
    assert applies(record)
    assert not applies(replace(record, degree=1))
    assert not applies(replace(record, weights=torch.ones_like(record.times)))
    assert not applies(replace(record, aligned=False))
    assert not applies(replace(record, passband=(0.1, 0.2)))
    assert not applies(replace(record, step=0.0))
    assert not applies(replace(record, values=record.values.expand(-1, 2, -1)))


@pytest.mark.parametrize("start", [0.0, 20.0, 20.4, (3.0, 20.0), (3.0, 20.4)])
def test_amplitude_and_phase_belong_to_the_start_wherever_it_lies(start):
    times = np.arange(150.0)
    clean = 1.3 * np.exp(-times / 40) * np.cos(2 * np.pi * 0.11 * times + 0.5)
    modes = estimate(np.stack([clean, 2 * clean]), start=start)
    moments = np.atleast_1d(start)[:, None]
    amplitude = modes.amplitude.reshape(len(moments), 2) * np.exp(moments / 40)
    assert np.allclose(amplitude, [1.3, 2.6], rtol=1e-7)
    off = modes.phase.reshape(len(moments), 2) - 0.5 - 2 * np.pi * 0.11 * moments
    assert np.abs(np.angle(np.exp(1j * off))).max() < 1e-7
    assert np.abs(modes.residual).max() < 1e-7
