"""The gradient method: slopes against autograd, options, and the seed's letter."""

import pytest
import torch

from undula import GradientDescent
from undula.errors import OptionError
from undula.jobs.recover.gradient import Descent, bounded, gradient_of, loss_of

BOUNDS = ["sigmoid", "sine", "squared-sine"]
SHAPES = [(5,), (6,), (4, 5), (5, 4), (2, 3, 4)]


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("loss", ["amplitude", "intensity"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", SHAPES)
def test_closed_form_gradient_is_autograds(shape, dtype, loss, hidden, problem_of, drawn, pairs, close):
    problem = problem_of(drawn((3, *shape), dtype=dtype), measured=pairs(shape, share=0.4) if hidden else None)
    x = drawn((3, *shape), dtype=torch.complex128, seed=2)
    x = (x if dtype.is_complex else x.real.clone()).requires_grad_()
    (want,) = torch.autograd.grad(loss_of(loss, problem, x).sum(), x)
    close(gradient_of(loss, problem, x.detach()), want, times=100)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("loss", ["amplitude", "intensity"])
@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-0.5, 2.0)])
def test_gradcheck_through_the_bounds(bounds, bound, loss, hidden, problem_of, drawn, pairs):
    problem = problem_of(drawn((2, 4, 5)), bounds=bounds, measured=pairs((4, 5)) if hidden else None)
    free = drawn((2, 4, 5), dtype=torch.complex128, seed=2).real.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: loss_of(loss, problem, bounded(bound, v, problem)[0]), (free,))


@pytest.mark.parametrize("loss", ["amplitude", "intensity"])
def test_gradcheck_of_complex_items(loss, problem_of, drawn):
    problem = problem_of(drawn((2, 3, 4), dtype=torch.complex128))
    x = drawn((2, 3, 4), dtype=torch.complex128, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: loss_of(loss, problem, v), (x,))


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-0.5, 2.0), (0.0, None), (None, None)])
def test_pixels_lie_within_their_bounds_and_the_slope_is_theirs(bounds, bound, problem_of, drawn, close):
    problem = problem_of(drawn((2, 4, 5)), bounds=bounds)
    free = (4 * drawn((2, 4, 5), dtype=torch.complex128, seed=2).real).requires_grad_()
    image, slope = bounded(bound, free, problem)
    close(slope, torch.autograd.grad(image.sum(), free)[0])
    if None not in bounds:
        assert image.min() >= bounds[0] and image.max() <= bounds[1]


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_start_becomes_the_numbers_that_stand_for_it(bound, problem_of, drawn):
    x = drawn((2, 4, 5))
    problem, method = problem_of(x), Descent(GradientDescent(bound))
    start = torch.zeros(2, dtype=torch.long)
    state = method.begin(problem, start, start, x)
    # A pixel at its bound begins a millionth inside, where the slope is not zero.
    assert (method.estimate(problem, state, mask=None) - x).abs().max() < 1.1e-6
    assert bounded(bound, state["x"], problem)[1].abs().min() > 0


def test_one_plain_step_is_the_step_of_torch(problem_of, drawn, close):
    """The seed to the letter: torch.optim.SGD on Σ(|F σ(X)|² - A²)² / Σ A⁴ / 4."""
    problem, options = problem_of(drawn((3, 6, 7))), GradientDescent.as_published()
    method, start = Descent(options), torch.zeros(3, dtype=torch.long)
    state = method.begin(problem, start + 5, start, None)
    free = state["x"].clone().requires_grad_()
    rival = torch.optim.SGD([free], lr=options.rate)
    for age in range(5):
        method.step(problem, state, mask=None, age=start + age, seeds=start + 5)
        rival.zero_grad()
        power = torch.fft.fftn(torch.sigmoid(free), dim=(1, 2), norm="ortho").abs().square()
        truth = torch.fft.fftn(drawn((3, 6, 7)), dim=(1, 2), norm="ortho").abs().square()
        loss = ((power - truth) ** 2).sum(dim=(1, 2)) / (truth**2).sum(dim=(1, 2)) / 4
        loss.sum().backward()
        rival.step()
        close(state["x"], free, times=1000)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_noiseless_optimizers_are_those_of_torch(optimizer, problem_of, drawn, close):
    problem = problem_of(drawn((3, 6, 7)))
    options = GradientDescent("sine", "amplitude", optimizer, rate=0.05, noise=0.0, steps=20, cycles=1)
    method, start = Descent(options), torch.zeros(3, dtype=torch.long)
    state = method.begin(problem, start + 5, start, None)
    free = state["x"].clone().requires_grad_()
    makers = {
        "momentum": lambda: torch.optim.SGD([free], lr=0.05, momentum=0.9),
        "adam": lambda: torch.optim.Adam([free], lr=0.05),
    }
    rival = makers[optimizer]()
    for age in range(20):
        method.step(problem, state, mask=None, age=start + age, seeds=start + 5)
        rival.zero_grad()
        loss_of("amplitude", problem, bounded("sine", free, problem)[0]).sum().backward()
        rival.step()
    close(state["x"], free, times=1e4)


def test_noise_is_annealed_to_nothing(problem_of, drawn):
    """Two seeds walk alike over the last fifth of a cycle when nothing else moves."""
    x = drawn((2, 6, 7))
    problem, steps = problem_of(x), 20
    method = Descent(GradientDescent(optimizer="plain", rate=1e-12, steps=steps, cycles=1))
    start = torch.zeros(2, dtype=torch.long)
    state = method.begin(problem, start, start, x)
    moves = []
    for age in range(steps):
        before = state["x"].clone()
        method.step(problem, state, mask=None, age=start + age, seeds=start)
        moves.append(float((state["x"] - before).std()))
    assert moves[0] > 0.4 and moves[8] < moves[0]
    assert max(moves[16:]) < 1e-9


def test_options_that_mean_nothing():
    with pytest.raises(OptionError, match=r"^got steps=10 in cycles=3, expected a positive multiple: 5000 in 5, say$"):
        GradientDescent(steps=10, cycles=3)
    for steps, cycles in ((0, 1), (5, 0)):
        with pytest.raises(OptionError, match=r"expected a positive multiple"):
            GradientDescent(steps=steps, cycles=cycles)
    with pytest.raises(OptionError, match=r"^got rate=0.0 and noise=0.5, expected rate > 0 and noise ≥ 0$"):
        GradientDescent(rate=0.0)
    for options in ({"rate": float("nan")}, {"noise": -1.0}, {"noise": float("nan")}):
        with pytest.raises(OptionError, match=r"expected rate > 0 and noise ≥ 0"):
            GradientDescent(**options)
