"""The projections are projections, and the rules are those of their papers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from undula.jobs.recover.projections import impose_moduli, impose_object
from undula.jobs.recover.rules import RULES

SHAPES = [(6,), (7,), (4, 5), (5, 4), (3, 2, 4)]


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", SHAPES)
def test_modulus_projection_is_numpys(shape, dtype, hidden, problem_of, drawn, pairs, close):
    """Keep the phases of the full plane, replace the measured moduli."""
    x, y, axes = (
        drawn((3, *shape), dtype=dtype),
        drawn((3, *shape), dtype=dtype, seed=1),
        tuple(range(1, len(shape) + 1)),
    )
    mask = pairs(shape, share=0.4) if hidden else None
    spectrum = np.fft.fftn(y.numpy(), axes=axes)
    moduli = np.abs(np.fft.fftn(x.numpy(), axes=axes))
    changed = moduli * np.exp(1j * np.angle(spectrum))
    changed = changed if mask is None else np.where(mask.numpy(), changed, spectrum)
    want = np.fft.ifftn(changed, axes=axes)
    problem = problem_of(x, measured=mask)
    got = impose_moduli(problem, y)
    close(got, want if dtype.is_complex else want.real, times=10)
    close(impose_moduli(problem, got), got, times=10)
    assert problem.residual(got).max() < 1e-13


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_modulus_projection_is_the_nearest_point(dtype, problem_of, drawn):
    """Brute force: no other choice of phases lies nearer to where one came from."""
    x, y = drawn((1, 2, 3), dtype=dtype), drawn((1, 2, 3), dtype=dtype, seed=1)
    problem = problem_of(x)
    distance = torch.linalg.vector_norm(impose_moduli(problem, y) - y)
    chance = torch.Generator().manual_seed(0)
    noise = torch.randn(20000, 2, 3, dtype=dtype, generator=chance)
    others = torch.cat([noise, y + 0.3 * noise])
    rivals = impose_moduli(problem.take(torch.zeros(len(others), dtype=torch.long)), others)
    nearest = torch.linalg.vector_norm((rivals - y).flatten(1), dim=1).min()
    assert nearest >= distance - 1e-12
    assert nearest < 1.2 * distance  # the rivals come near: the comparison means something


def test_a_zero_coefficient_stays_zero(problem_of, drawn):
    problem = problem_of(drawn((2, 4, 5)))
    assert not impose_moduli(problem, torch.zeros(2, 4, 5, dtype=torch.float64)).any()


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-0.5, None), (None, 0.3), (None, None)])
def test_object_projection_is_the_nearest_point(bounds, problem_of, drawn):
    """Brute force on a grid of values, pixel by pixel; and it is idempotent."""
    problem = replace(problem_of(drawn((2, 3, 4))), bounds=bounds)
    y = 2 * drawn((2, 3, 4), seed=3, dtype=torch.complex128).real
    mask = (torch.rand(1, 3, 4, generator=torch.Generator().manual_seed(0)) > 0.4).double()
    got = impose_object(problem, y, mask)
    low, high = (-10.0 if bounds[0] is None else bounds[0]), (10.0 if bounds[1] is None else bounds[1])
    grid = torch.linspace(low, high, 20001, dtype=torch.float64)
    best = grid[(y[..., None] - grid).abs().argmin(dim=-1)] * mask
    assert (got - best).abs().max() <= 1.01 * (high - low) / 20000 / 2
    assert torch.equal(impose_object(problem, got, mask), got)


def test_bounds_do_not_bind_complex_objects(problem_of, drawn):
    x = drawn((2, 4, 4), dtype=torch.complex128)
    assert torch.equal(impose_object(problem_of(x), 5 * x, None), 5 * x)


@pytest.fixture
def steps(problem_of, drawn):
    problem, x = problem_of(drawn((3, 6, 5))), drawn((3, 6, 5), seed=4, dtype=torch.complex128).real

    def project(y):
        return impose_object(problem, y, None)

    def impose(y):
        return impose_moduli(problem, y)

    return x, project, impose


def test_rules_are_those_of_their_papers(steps, close):
    x, project, impose = steps
    made = {name: rule(x.clone(), project, impose, 0.6) for name, (rule, _, _) in RULES.items()}
    # Elser, Lan, Bendory 2018, eq. 1.3 with A the object and B the moduli.
    close(made["rrr"], x + 0.6 * (impose(2 * project(x) - x) - project(x)), times=10)
    # Luke 2005, eq. 20.
    reflect = 2 * impose(x) - x
    close(made["raar"], 0.6 / 2 * (2 * project(reflect) - reflect + x) + 0.4 * impose(x), times=10)
    # Fienup 1982, eq. 44, pixel by pixel, with a bound as the violation.
    moved = impose(x)
    good = (moved >= 0) & (moved <= 1)
    close(made["hio"], torch.where(good, moved, x - 0.6 * (moved - moved.clamp(0, 1))), times=10)
    close(made["er"], project(impose(x)), times=10)


def test_rrr_with_beta_one_is_douglas_rachford(steps, close):
    x, project, impose = steps
    want = (x + (2 * impose(2 * project(x) - x) - (2 * project(x) - x))) / 2
    close(RULES["rrr"][0](x, project, impose, 1.0), want, times=10)


def test_rules_leave_their_argument_alone(steps):
    x, project, impose = steps
    before = x.clone()
    for rule, beta, _ in RULES.values():
        rule(x, project, impose, beta)
        assert torch.equal(x, before)
