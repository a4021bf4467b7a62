"""The projection against automatic differentiation and least squares, the polish against SciPy's curve_fit."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import torch

from undula.jobs.estimate.polish import polish
from undula.jobs.estimate.projection import amplitudes, project


@pytest.mark.parametrize("real", [True, False])
def test_the_gradient_is_half_of_minus_the_derivative_of_the_cost(ringing, real):
    drawn = ringing(3, 2, real=real)
    record = replace(drawn.record, degree=1)
    poles = torch.view_as_real(drawn.poles * 1.02).clone().requires_grad_()
    state = project(record, torch.view_as_complex(poles))
    (slope,) = torch.autograd.grad(state.cost.sum(), poles)
    want = -0.5 * torch.cat([slope[..., 0], slope[..., 1]], dim=1)
    assert torch.allclose(state.gradient, want, rtol=1e-8, atol=1e-8 * float(want.abs().max()))


def test_the_coefficients_are_those_of_linear_least_squares(ringing, close):
    drawn = ringing(2, 2)
    state = project(drawn.record, drawn.poles)
    columns = drawn.record.columns(drawn.poles)[:, :4]
    want = torch.linalg.lstsq(columns.mT, drawn.signal[..., None])
    close(state.linear[:, 0], want.solution[..., 0], times=1000)  # from the Gram matrix: its condition squares
    close(state.cost, want.residuals[:, 0] if want.residuals.numel() else state.cost, times=1000)


def test_it_ends_where_scipys_curve_fit_ends(ringing):
    drawn = ringing(4, 1, decibels=5.0)
    found = polish(drawn.record, drawn.poles)
    size = amplitudes(project(drawn.record, found.poles), found.poles)[:, 0, 0]
    times = drawn.times.numpy()

    def model(t, a, f, g, p):
        return a * np.exp(-g * t) * np.cos(2 * np.pi * f * t + p)

    for item in range(4):
        truth = [float(x[item, 0]) for x in (drawn.amplitude, drawn.frequency, 1 / drawn.decay_time, drawn.phase)]
        want, _ = scipy.optimize.curve_fit(model, times, drawn.signal[item].numpy(), p0=truth, xtol=1e-12, ftol=1e-12)
        pole = found.poles[item, 0] / drawn.record.span
        got = [float(size[item].abs()), float(pole.imag) / (2 * np.pi), -float(pole.real)]
        assert got == pytest.approx(want[:3].tolist(), rel=1e-4)


def test_a_batch_gives_what_each_signal_gives_alone(ringing):
    drawn = ringing(70, 2, decibels=3.0)  # more than LEAST_WORK: converged ones are dropped on the way
    together = polish(drawn.record, drawn.poles).cost
    alone = torch.cat([polish(drawn.record.of(torch.tensor([k])), drawn.poles[k : k + 1]).cost for k in (0, 33, 69)])
    assert torch.allclose(together[[0, 33, 69]], alone, rtol=1e-6)
