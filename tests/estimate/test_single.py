"""One wave found at once: where it says that it is sure it ends where the whole search ends."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from undula.jobs.estimate import estimate
from undula.jobs.estimate.measured import measure
from undula.jobs.estimate.projection import project
from undula.jobs.estimate.reading import read_given
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


def test_a_start_between_samples_takes_the_short_road_too():
    given = read_given(
        torch.randn(3, 64, dtype=torch.float64), rate=2.0, times=None, noise=None, start=(1.2, 3.0), duration=None,
        passband=None, shared=False, degree=0, components=1,
    )  # fmt: skip
    assert applies(given.record)
    assert given.record.late is not None
    off = given.record.late * given.record.span - torch.tensor([0.3, 0.3, 0.3, 0.0, 0.0, 0.0], dtype=torch.float64)
    assert off.abs().max() < 1e-12


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("degree", [0, 2])
@pytest.mark.parametrize("components", [1, 2])
def test_turned_amplitudes_are_those_of_waves_that_begin_late(ringing, real, degree, components):
    drawn = ringing(6, components, decibels=15.0, real=real)
    late = torch.linspace(0.0, 0.9, 6, dtype=torch.float64) * drawn.record.step
    turned = replace(drawn.record, degree=degree, late=late)
    # The same samples at times that begin between 0 and a step: sums over all of them, and no turn of what they give.
    whole = replace(drawn.record, degree=degree, times=drawn.record.times + late[:, None], aligned=False)
    count, scale = torch.full((6,), components), torch.ones(6, dtype=torch.float64)
    got, want = (measure(record, drawn.poles, count, scale=scale) for record in (turned, whole))
    # The condition number also looks at the base line, whose trend is counted from the first sample.
    for name in ("covariance", "inflation", "variance", "base", "left", *(["condition"] if degree == 0 else [])):
        a, b = getattr(got, name), getattr(want, name)
        assert (a - b).abs().max() <= 1e-10 * b.abs().max() if b.numel() else a.shape == b.shape, name
    for name in ("amplitude", "frequency", "decay_rate", "phase"):
        a, b = getattr(got.waves, name), getattr(want.waves, name)
        assert (torch.exp(1j * a) - torch.exp(1j * b)).abs().max() < 1e-10, name
