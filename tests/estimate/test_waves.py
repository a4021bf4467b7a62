"""The model against its formula in plain numbers, its Jacobian against automatic differentiation."""

import cmath

import pytest
import torch
from torch.func import jacrev

from undula.jobs.estimate.waves import jacobian, waveform

PARAMETERS = torch.tensor(
    [[0.7, 0.11, 0.05, 0.4], [1.3, 0.31, -0.02, -2.0]], dtype=torch.float64
)  # the second one grows
TIMES = torch.tensor([0.0, 0.7, 1.0, 4.0, 9.5, 30.0], dtype=torch.float64)


def named(table):
    return dict(zip(("amplitude", "frequency", "decay_rate", "phase"), table.unbind(-1), strict=True))


@pytest.mark.parametrize("real", [True, False])
def test_it_is_the_formula(real, close):
    want = [
        sum(a * cmath.exp(complex(-g * t, 2 * cmath.pi * f * t + p)) for a, f, g, p in PARAMETERS.tolist())
        for t in TIMES.tolist()
    ]
    want = torch.tensor([w.real if real else w for w in want], dtype=torch.float64 if real else torch.complex128)
    close(waveform(TIMES, **named(PARAMETERS), real=real), want)


@pytest.mark.parametrize("real", [True, False])
def test_the_jacobian_is_that_of_forward_differentiation(real):
    def model(table):
        y = waveform(TIMES, **named(table), real=real)
        return y if real else torch.view_as_real(y)

    want = jacrev(model)(PARAMETERS)
    want = want.flatten(-2).mT if real else torch.view_as_complex(want.movedim(1, -1).contiguous()).flatten(1, 2).mT
    got = jacobian(TIMES, **named(PARAMETERS), real=real)
    assert got.shape == (8, len(TIMES))
    assert (got - want).abs().max() < 1e-10


def test_batches_are_independent(close):
    tables = torch.stack([PARAMETERS, PARAMETERS.flip(0) * 0.5])
    close(waveform(TIMES, **named(tables))[1], waveform(TIMES, **named(tables[1])))
    close(jacobian(TIMES, **named(tables))[1], jacobian(TIMES, **named(tables[1])))
