"""What must hold exactly: invariance, fixed points, descent, seeds, batches (all in float64 unless said otherwise)."""

import math

import numpy as np
import pytest
import torch

from undula import Gaussian, GradientDescent, align, recover
from undula.data import drawn_digits
from undula.jobs.recover.gradient import Descent, bounded, loss_of
from undula.jobs.recover.iterations import Projections
from undula.jobs.recover.problem import relative
from undula.spectra import circular_shift, reverse

RULES = ["rrr", "raar", "hio", "er"]
METHODS = [*RULES, "gradient", GradientDescent.as_published()]


def words(method):
    return method if isinstance(method, str) else "as_published"


def moduli(x, dims=2):
    return torch.fft.fftn(x, dim=tuple(range(-dims, 0))).abs()


def seeds(count):
    return torch.arange(count) + 100


def iterate(method, problem, state, mask, steps):
    """The bare iteration, without looks."""
    for age in range(steps):
        ages = torch.full((len(problem.moduli),), age)
        method.step(problem, state, mask=mask, age=ages, seeds=seeds(len(problem.moduli)))
        yield state


def begin(method, problem, image=None):
    start = torch.zeros(len(problem.moduli), dtype=torch.long)
    return method.begin(problem, seeds(len(start)), start, image)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("shape", [(7,), (6, 7), (8, 6), (3, 4, 5)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_residual_does_not_know_shift_turn_and_phase(dtype, shape, hidden, problem_of, drawn, pairs, generator):
    other = drawn((3, *shape), dtype=dtype, seed=1)
    problem = problem_of(drawn((3, *shape), dtype=dtype), measured=pairs(shape) if hidden else None)
    shift = torch.randint(0, 9, (3, len(shape)), generator=generator)
    turned = reverse(other, dims=len(shape)).conj().resolve_conj()
    want = problem.residual(other)
    assert torch.allclose(problem.residual(circular_shift(other, shift)), want, rtol=1e-12)
    assert torch.allclose(problem.residual(circular_shift(turned, shift)), want, rtol=1e-12)
    if dtype.is_complex:
        assert torch.allclose(problem.residual(other * np.exp(1j)), want, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(1,), (6,), (7,), (6, 7), (7, 6), (3, 4, 5)])
def test_residual_is_the_sum_over_the_full_plane(shape, dtype, problem_of, drawn, pairs, close):
    """The half plane of real items with its weights stands for the full plane, mask and all."""
    x, y, mask = drawn((3, *shape), dtype=dtype), drawn((3, *shape), dtype=dtype, seed=1), pairs(shape, share=0.3)
    for measured in (None, mask):
        chosen = torch.ones_like(mask) if measured is None else mask
        a, b = moduli(x, len(shape)), moduli(y, len(shape))
        axes = tuple(range(1, x.ndim))
        want = (((a - b) ** 2 * chosen).sum(dim=axes) / (a**2 * chosen).sum(dim=axes)).sqrt()
        close(problem_of(x, measured=measured).residual(y), want, times=10)


def test_residual_of_nothing_is_zero():
    zero = torch.zeros(2, dtype=torch.float64)
    assert relative(zero, zero).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", METHODS, ids=words)
def test_a_start_that_fits_stays_bit_for_bit(method, dtype, drawn):
    x = drawn((3, 9, 8), dtype=dtype)
    result = recover(moduli(x), start=x, method=method, starts=1, max_transforms=100)
    assert torch.equal(result.image, x)
    assert result.accepted.all() and result.residual.max() < 1e-5
    assert result.transforms.max() <= 1


@pytest.mark.parametrize("method", METHODS, ids=words)
def test_a_complex_start_that_fits_stays_bit_for_bit(method, drawn):
    support = torch.zeros(9, 8, dtype=torch.bool)
    support[:4, :5] = True
    x = drawn((2, 9, 8), dtype=torch.complex64) * support
    result = recover(moduli(x), start=x, method=method, field="complex", support=support)
    assert torch.equal(result.image, x) and result.accepted.all()


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shape", [(9,), (8, 9), (5, 6, 4)])
def test_the_truth_is_a_fixed_point(shape, name, framed, hidden, problem_of, drawn, pairs):
    """Real items with pixels at both bounds, with and without a support, with and without unmeasured magnitudes."""
    mask = torch.ones(1, *shape, dtype=torch.float64)
    if framed:
        mask[(0, *[slice(n // 2, None) for n in shape])] = 0
    x = drawn((3, *shape)) * mask
    assert (x == 0).any() and (x == 1).any()
    problem = problem_of(x, measured=pairs(shape) if hidden else None)
    method = Projections(name)
    *_, state = iterate(method, problem, begin(method, problem, x), mask if framed else None, 1)
    assert (state["x"] - x).abs().max() < 1e-12
    assert (method.estimate(problem, state, mask=mask if framed else None) - x).abs().max() < 1e-12


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_the_complex_truth_is_a_fixed_point(name, hidden, problem_of, drawn, pairs):
    mask = torch.zeros(1, 8, 9, dtype=torch.float64)
    mask[0, 1:5, 2:6] = 1
    x = drawn((3, 8, 9), dtype=torch.complex128) * mask
    problem = problem_of(x, measured=pairs((8, 9)) if hidden else None)
    method = Projections(name)
    *_, state = iterate(method, problem, begin(method, problem, x), mask, 1)
    assert (state["x"] - x).abs().max() < 1e-12


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_error_reduction_never_goes_uphill(dtype, hidden, problem_of, drawn, pairs):
    """Fienup 1982: of alternating projections the distance between the two sets never grows."""
    mask = torch.zeros(1, 12, 11, dtype=torch.float64)
    mask[0, :7, :6] = 1
    problem = problem_of(drawn((4, 12, 11), dtype=dtype) * mask, measured=pairs((12, 11)) if hidden else None)
    method = Projections("er")
    before = torch.full((4,), math.inf, dtype=torch.float64)
    for state in iterate(method, problem, begin(method, problem), mask, 150):
        misfit = problem.misfit(problem.forward(state["x"]).abs())
        assert (misfit <= before * (1 + 1e-12) + 1e-24).all()
        before = misfit
    assert (before < 0.9 * problem.energy).all()


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("loss", ["amplitude", "intensity"])
@pytest.mark.parametrize("bound", ["sigmoid", "sine", "squared-sine"])
def test_short_fixed_steps_never_go_uphill(bound, loss, hidden, problem_of, drawn, pairs):
    """The slope is the gradient, so short enough steps descend; 0.2 is below 1/L of the amplitude loss of bounded pixels."""
    problem = problem_of(drawn((4, 8, 9)), measured=pairs((8, 9)) if hidden else None)
    options = GradientDescent(bound, loss, "plain", rate=0.2, noise=0.0, steps=200, cycles=1)
    method = Descent(options)
    state, before = begin(method, problem), torch.full((4,), math.inf, dtype=torch.float64)
    first = loss_of(loss, problem, bounded(bound, state["x"], problem)[0])
    for now in iterate(method, problem, state, None, 200):
        value = loss_of(loss, problem, bounded(bound, now["x"], problem)[0])
        assert (value <= before * (1 + 1e-12)).all()
        before = value
    assert (before < first).all()


@pytest.mark.parametrize("name", [*RULES, "gradient"])
def test_a_batch_equals_its_single_runs_over_fifty_iterations(name, problem_of, drawn):
    x = drawn((4, 10, 9))
    problem, image = problem_of(x), drawn((4, 10, 9), seed=7)
    method = Descent(GradientDescent(steps=50, cycles=1)) if name == "gradient" else Projections(name)
    *_, together = iterate(method, problem, begin(method, problem, image), None, 50)
    for row in range(4):
        one = problem.take(torch.tensor([row]))
        state = begin(method, one, image[row : row + 1])
        if "draw" in state:
            state["draw"] = together["draw"][row : row + 1] - 50
        for age in range(50):
            method.step(one, state, mask=None, age=torch.tensor([age]), seeds=seeds(4)[row : row + 1])
        assert (state["x"][0] - together["x"][row]).abs().max() < 1e-9


@pytest.mark.parametrize("method", [*RULES, GradientDescent(steps=50, cycles=1)], ids=words)
def test_a_recovered_batch_equals_its_single_recoveries(method, drawn):
    x, start = drawn((3, 10, 9)), drawn((3, 10, 9), seed=7)
    own = torch.tensor([3, 1, 4])
    options = {"method": method, "starts": 1, "max_transforms": 100}
    together = recover(moduli(x), start=start, generator=own, **options)
    for row in range(3):
        one = recover(moduli(x[row]), start=start[row], generator=own[row : row + 1], **options)
        assert (one.image - together.image[row]).abs().max() < 1e-9
        assert int(one.transforms) == int(together.transforms[row])


def test_results_do_not_depend_on_the_order_of_the_batch():
    digits = drawn_digits(6).double()
    own, order = torch.arange(6) * 17 + 5, torch.tensor([4, 0, 5, 2, 1, 3])
    one = recover(moduli(digits), generator=own)
    other = recover(moduli(digits[order]), generator=own[order])
    assert torch.equal(other.starts, one.starts[order])
    assert torch.equal(other.transforms, one.transforms[order])
    assert (other.image - one.image[order]).abs().max() < 1e-6  # hundreds of iterations amplify rounding
    alone = recover(moduli(digits[3]), generator=own[3:4])
    assert int(alone.transforms) == int(one.transforms[3])


@pytest.mark.parametrize("method", ["rrr", "hio", GradientDescent(steps=60, cycles=1)], ids=words)
def test_one_seed_gives_one_result_bit_for_bit(method, drawn):
    magnitudes = moduli(drawn((3, 10, 9), dtype=torch.float32))
    one, two, other = (
        recover(
            magnitudes,
            method=method,
            runs=2,
            starts=2,
            max_transforms=300,
            generator=torch.Generator().manual_seed(seed),
        )
        for seed in (5, 5, 6)
    )
    for part in ("image", "residual", "transforms", "starts", "run_residual", "history"):
        assert torch.equal(getattr(one, part), getattr(two, part)), part
    assert not torch.equal(one.history, other.history)


def test_a_digit_is_recovered_inside_inference_mode():
    digits = drawn_digits(2)
    with torch.inference_mode():
        magnitudes = moduli(digits)
        found = {name: recover(magnitudes, method=name, starts=1, max_transforms=200) for name in ("rrr", "raar")}
        steps = recover(magnitudes, method=GradientDescent(steps=20, cycles=1), starts=1)
        complex_ = recover(magnitudes, field="complex", support=14, starts=1, max_transforms=200, runs=2)
        mask = torch.ones(28, 28, dtype=torch.bool)
        own = {"support": mask.clone(), "measured": mask.clone(), "start": digits + 0.1, "generator": torch.arange(2)}
        with_all = recover(magnitudes, runs=2, starts=2, max_transforms=200, noise=Gaussian(torch.ones(2)), **own)
    for result in (*found.values(), steps, complex_, with_all):
        assert torch.isfinite(result.residual).all()
        assert not result.image.is_inference()


def test_gradients_of_the_caller_are_left_alone():
    digits = drawn_digits(1)
    magnitudes = moduli(digits).requires_grad_()
    result = recover(magnitudes, generator=torch.tensor([0]))
    assert not result.image.requires_grad and magnitudes.grad is None
    assert align(result.image, digits).image.shape == digits.shape
