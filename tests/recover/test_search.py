"""The pool: every trial ends as it would alone, its costs add up, and limits are kept."""

from dataclasses import replace

import pytest
import torch

from undula.data import drawn_digits
from undula.jobs.recover import pool as room
from undula.jobs.recover.gradient import Descent, GradientDescent
from undula.jobs.recover.iterations import Projections
from undula.jobs.recover.search import search
from undula.jobs.recover.supports import FixedMask, FloatingBox

NONE = FixedMask(None)


def run(problem, method=None, support=NONE, *, target=2e-4, starts=3, most=600, seeds=None, **options):
    count = len(problem.moduli)
    return search(
        problem,
        method or Projections("rrr"),
        support,
        target=torch.full((count,), target, dtype=problem.moduli.dtype),
        seeds=torch.arange(count) + 11 if seeds is None else seeds,
        starts=starts,
        max_transforms=most,
        **options,
    )


@pytest.fixture(scope="module")
def digits(problem_of):
    return problem_of(drawn_digits(6).double())


def test_a_small_pool_finds_what_a_large_one_finds(digits, monkeypatch):
    """Trials wait and take the places of others: 6 items through a pool of 2 and of all."""
    large = run(digits)
    monkeypatch.setattr(room, "POOL_NUMBERS", 2 * digits.moduli[0].numel() * 2)
    small = run(digits)
    assert torch.equal(large.starts, small.starts) and torch.equal(large.transforms, small.transforms)
    assert torch.equal(large.accepted, small.accepted)
    assert (large.image - small.image).abs().max() < 1e-6


@pytest.mark.parametrize("support", [NONE, FloatingBox(((20, 20), (28, 28)), binding=False)], ids=["none", "box"])
def test_residuals_are_those_of_the_images(digits, support):
    found = run(digits, support=support)
    assert torch.allclose(digits.residual(found.image), found.residual, rtol=1e-9)
    assert torch.equal(found.accepted, found.residual < 2e-4)
    assert found.image.min() >= 0 and found.image.max() <= 1


def test_history_is_the_course_of_every_trial(digits):
    found = run(digits)
    rows = torch.cat(found.history)
    for trial in range(6):
        own = rows[rows[:, 0] == trial]
        assert (own[1:, 1] > own[:-1, 1]).all()  # one row a look, of several starts the best
        assert int(own[-1, 1]) == int(found.transforms[trial])
        assert float(own[:, 2].min()) == float(found.residual[trial])


def test_starts_are_limited(digits):
    found = run(digits, Projections("rrr", probe=None), target=1e-300, starts=2, most=10**9)
    assert found.starts.tolist() == [2] * 6
    lengths = Projections("rrr", probe=None).length(torch.arange(2))
    assert found.transforms.tolist() == [int(2 * lengths.sum()) + 2 * 2 + sum(int(n) // 50 for n in lengths)] * 6


def test_transforms_are_limited(digits):
    for most in (1, 100, 101, 333):
        found = run(digits, Projections("rrr", probe=None), target=1e-300, starts=99, most=most)
        # One block more of each of six starts at the most: a trial ends at its next look.
        assert (found.transforms >= most).all() and (found.transforms <= most + 6 * 105).all()
        assert torch.isfinite(found.residual).all()


def test_callback_counts_every_iteration(digits):
    seen = []

    def note(step, progress):
        images = progress.estimate()
        assert images.shape == (len(progress.trials), 28, 28)
        assert images.min() >= 0 and images.max() <= 1
        assert 0 <= progress.done <= progress.total == 6 and progress.solved <= progress.total
        seen.append(step)

    found = run(digits, starts=1, most=10**9, callback=note)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= int(Projections("rrr").length(torch.tensor([0]))) or found.accepted.all()


def test_an_interrupt_passes_through(digits):
    def stop(step, progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(digits, callback=stop)


def test_starts_grow_but_never_shrink():
    for growth in (1.0, 1.3, 2.0):
        method = replace(Projections("rrr"), growth=growth)
        lengths = method.length(torch.arange(12))
        assert (lengths % method.block == 0).all() and (lengths > 0).all()
        assert (lengths[1:] >= lengths[:-1]).all()


def test_gradient_starts_have_the_steps_asked_for(digits):
    options = GradientDescent(steps=20, cycles=2)
    found = run(digits, Descent(options), target=1e-300, starts=3, most=2**62)
    assert found.starts.tolist() == [3] * 6
    assert found.transforms.tolist() == [3 * (2 * 20 + 2)] * 6  # two a step, one for each of two looks


def test_an_empty_item_is_solved_at_once(problem_of, drawn):
    x = drawn((2, 8, 8))
    x[0] = 0
    found = run(problem_of(x), starts=1, most=200)
    assert bool(found.accepted[0]) and not found.image[0].any() and float(found.residual[0]) == 0
