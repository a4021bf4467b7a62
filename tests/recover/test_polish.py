"""Accelerated error reduction: same limit as plain error reduction, sooner; honest residuals and costs."""

import pytest
import torch

from undula.jobs.recover.polish import polish
from undula.jobs.recover.projections import impose_moduli, impose_object


@pytest.fixture
def near(problem_of, drawn):
    """Objects in a support of a quarter of the frame, and estimates not far away."""
    mask = torch.zeros(1, 16, 15, dtype=torch.float64)
    mask[0, :8, :7] = 1
    x = drawn((6, 16, 15)) * mask
    noise = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return problem_of(x), (x + 0.05 * noise).clamp(0, 1) * mask, mask


def target(value, count=6):
    return torch.full((count,), value, dtype=torch.float64)


def test_walks_to_the_floor_sooner_than_error_reduction(near):
    problem, x, mask = near
    plain = x
    for _ in range(100):
        plain = impose_object(problem, impose_moduli(problem, plain), mask)
    polished = polish(problem, x, mask=mask, target=target(1e-300), steps=100, patient=True)
    assert (polished.residual <= problem.residual(plain)).all()
    assert polished.residual.median() < 0.5 * problem.residual(plain).median()


@pytest.mark.parametrize("patient", [False, True])
def test_says_what_it_reached_and_what_it_cost(near, patient):
    problem, x, mask = near
    polished = polish(problem, x, mask=mask, target=target(1e-6), steps=60, patient=patient)
    assert torch.allclose(problem.residual(polished.image), polished.residual, rtol=1e-12)
    assert torch.equal(impose_object(problem, polished.image, mask), polished.image)
    # Two transforms a step, one for every residual looked at.
    assert (polished.transforms > 0).all() and polished.transforms.max() <= 60 * 2 + 60
    unfinished = polished.residual >= 1e-6
    if patient:
        assert (polished.transforms[unfinished] >= 2 * 60).all()


def test_items_leave_when_they_are_done(near):
    problem, x, mask = near
    goals = torch.tensor([1.0, 1e-300, 1.0, 1e-300, 1.0, 1e-300], dtype=torch.float64)
    polished = polish(problem, x, mask=mask, target=goals, steps=60, patient=True)
    assert (polished.transforms[::2] < polished.transforms[1::2]).all()
    assert (polished.residual[::2] < 1).all()


def test_an_item_walks_alike_alone_and_in_company(near):
    problem, x, mask = near
    together = polish(problem, x, mask=mask, target=target(1e-4))
    for row in range(6):
        alone = polish(problem.take(torch.tensor([row])), x[row : row + 1], mask=mask, target=target(1e-4, 1))
        assert (alone.image[0] - together.image[row]).abs().max() < 1e-9
        assert int(alone.transforms) == int(together.transforms[row])


def test_the_argument_is_left_alone(near):
    problem, x, mask = near
    before, moduli = x.clone(), problem.moduli.clone()
    polish(problem, x, mask=mask, target=target(1e-4), steps=12)
    assert torch.equal(x, before) and torch.equal(problem.moduli, moduli)


def test_the_truth_stays(problem_of, drawn):
    x = drawn((3, 9, 8))
    polished = polish(problem_of(x), x, mask=None, target=target(1e-300, 3), steps=30, patient=True)
    assert (polished.image - x).abs().max() < 1e-12
