"""Subspace methods and the sweep on signals whose modes are known."""

import pytest
import torch

from undula.jobs.estimate.subspace import longest_stretch, subspace_poles
from undula.jobs.estimate.sweep import explained, strongest


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("method", ["esprit", "matrix-pencil"])
@pytest.mark.parametrize("components", [1, 3])
def test_without_noise_they_are_exact(ringing, components, method, real):
    drawn = ringing(5, components, decibels=None, real=real)
    order = components * (2 if real else 1)
    got = subspace_poles(drawn.record, components=components, orders=(order, order + 2), method=method)
    assert got.shape == (5, 2, components)
    want = torch.sort(drawn.poles.imag, dim=1).values
    for place in range(2):
        assert torch.allclose(torch.sort(got[:, place].imag, dim=1).values, want, rtol=1e-8)


def test_the_longest_stretch_without_a_gap(ringing):
    record = ringing(1, 1, samples=20).record
    holes = torch.ones(1, 20, dtype=torch.float64)
    holes[0, [3, 4, 15]] = 0
    record = type(record)(**{**record.__dict__, "weights": holes})
    assert longest_stretch(record) == slice(5, 15)


@pytest.mark.parametrize("real", [True, False])
def test_the_sweep_explains_what_a_projection_explains(ringing, real):
    """One wave on the grid, far from zero frequency: the energy of the sweep is that of the wave."""
    drawn = ringing(4, 1, decibels=None, real=real, samples=400)
    energy, omega = explained(drawn.record, drawn.record.values)
    best = energy.amax(dim=(1, 2)) / drawn.record.energy
    assert (best > 0.85).all() and (best < 1.06).all()  # above 1: its mirror image is neglected
    pole = strongest(energy, omega, count=2)[:, 0]
    assert ((pole.imag - drawn.poles.imag[:, 0]).abs() < 2.0).all()
