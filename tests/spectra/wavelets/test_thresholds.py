"""threshold and threshold_firm against PyWavelets and its documentation, with gradients where magnitudes vanish."""

import warnings
from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError
from undula.spectra.wavelets.thresholds import threshold, threshold_firm

MODES = ["soft", "hard", "garrote", "garotte", "greater", "less"]
RAMP = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]

# The example of pywt.threshold, as its documentation prints it.
PRINTED = {
    "soft": [0.0, 0.0, 0.0, 0.5, 1.0, 1.5, 2.0],
    "hard": [0.0, 0.0, 2.0, 2.5, 3.0, 3.5, 4.0],
    "garrote": [0.0, 0.0, 0.0, 0.9, 1.66666667, 2.35714286, 3.0],
    "greater": [0.0, 0.0, 2.0, 2.5, 3.0, 3.5, 4.0],
    "less": [1.0, 1.5, 2.0, 0.0, 0.0, 0.0, 0.0],
}


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """No checks of types at run time, so that users' errors are seen."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def draw(*shape, seed=0, dtype=np.float64):
    chance = np.random.default_rng(seed)
    real = chance.standard_normal(shape)
    made = (real + 1j * chance.standard_normal(shape)) if np.dtype(dtype).kind == "c" else real
    made.flat[0], made.flat[1] = 0, 0.5  # on the zero, and on the threshold
    return made.astype(dtype)


def theirs(function, *given):
    """What PyWavelets says; it divides zero by zero on its way."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        return function(*given)


def agree(got, want, tolerance=1e-13):
    assert tuple(got.shape) == np.shape(want)
    assert np.abs(np.asarray(got) - want).max() <= tolerance


@pytest.mark.parametrize("mode", PRINTED)
def test_the_examples_of_pywavelets(mode):
    assert np.abs(threshold(RAMP, 2, mode) - PRINTED[mode]).max() < 5e-9
    assert np.abs(threshold(torch.tensor(RAMP), 2, mode).numpy() - PRINTED[mode]).max() < 1e-6


@pytest.mark.parametrize(
    ("mode", "dtype"), [*product(MODES, [np.float32, np.float64]), *product(MODES[:-2], [np.complex64, np.complex128])]
)
def test_numbers_are_pywts(mode, dtype):
    x = draw(3, 40, dtype=dtype)
    tolerance = 1e-13 if dtype in (np.float64, np.complex128) else 2e-6
    for value, substitute in ((0.5, 0), (0.5, 7.5), (0.9, -1), (0.3, np.nan)):
        want = theirs(pywt.threshold, x, value, mode, substitute)
        for got in (threshold(x, value, mode, substitute), threshold(torch.from_numpy(x), value, mode, substitute)):
            assert str(got.dtype).removeprefix("torch.") == np.dtype(dtype).name
            missing = np.isnan(want)
            assert np.array_equal(np.isnan(np.asarray(got)), missing)
            agree(np.where(missing, 0, got), np.where(missing, 0, want), tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_firm_is_pywts(dtype):
    x = draw(3, 40, dtype=dtype)
    for low, high in ((0.5, 1.5), (0.0, 1.0), (0.4, 0.5)):
        want = np.where(x == 0, 0, theirs(pywt.threshold_firm, x, low, high))
        for got in (threshold_firm(x, low, high), threshold(torch.from_numpy(x), (low, high), "firm")):
            agree(got, want)
        arrays = torch.tensor([low, high], dtype=torch.float64)
        agree(threshold_firm(torch.from_numpy(x), *arrays), want)
    beneath = np.abs(x) < 0.5
    agree(threshold(x, (0.5, 1.5), "firm", 9), np.where(beneath, 9, threshold_firm(x, 0.5, 1.5)))


def test_firm_lies_between_hard_and_soft():
    """What the documentation of PyWavelets says of equal and infinite thresholds, where its own code gives NaN."""
    x = draw(200)
    for same in (0.0, 0.5):
        agree(threshold_firm(x, same, same), np.where(np.abs(x) <= same, 0, x))
        agree(threshold_firm(x, np.array(same), same), np.where(np.abs(x) <= same, 0, x))
    agree(threshold_firm(x, 0.5, np.inf), threshold(x, 0.5))
    agree(threshold_firm(x, 0.5, np.array(np.inf)), threshold(x, 0.5))


def test_what_is_no_number_stays_and_zero_stays_zero():
    x = torch.tensor([np.nan, np.inf, -np.inf, 0.0])
    for mode, value in (
        ("soft", 0.0),
        ("soft", 1.0),
        ("hard", 1.0),
        ("garrote", 1.0),
        ("firm", (0.0, 0.0)),
        ("firm", (1, 2)),
    ):
        assert torch.equal(threshold(x, value, mode).nan_to_num(), x.nan_to_num()), mode
        assert threshold(x, value, mode).isnan().tolist() == [True, False, False, False]


def test_types_stay():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.complex64):
        x = torch.ones(3).to(dtype)
        for mode in ("soft", "hard", "garrote"):
            assert threshold(x, np.float64(0.5), mode, 1.5).dtype == dtype
        assert threshold(x, (0.5, torch.tensor(2.0).to(dtype).real), "firm").dtype == dtype
    assert threshold([1, 2, 3], 2).dtype == np.float64
    assert threshold(np.ones(3, np.float32), [0.5, 0.1, 0.2]).dtype == np.float32
    assert threshold(3.0, 1.0) == 2.0


def test_one_threshold_for_each_channel():
    x, values = draw(2, 3, 5), np.array([0.1, 0.5, 1.0])[:, None]
    for mode in ("soft", "hard", "garrote", "greater", "less"):
        want = np.stack([threshold(x[:, k], float(values[k, 0]), mode) for k in range(3)], axis=1)
        for given in (values, values.tolist(), torch.from_numpy(values)):
            agree(threshold(torch.from_numpy(x), given, mode), want)


# Derivatives.


@pytest.mark.parametrize(("mode", "value"), [("soft", 0.4), ("garrote", 0.4), ("hard", 0.4), ("firm", (0.2, 0.9))])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_gradients(mode, value, dtype):
    x = torch.from_numpy(draw(12, dtype=dtype)[1:]).requires_grad_()
    bounds = torch.tensor(value, dtype=torch.float64, requires_grad=True)

    def run(x, bounds):
        return threshold(x, (bounds[0], bounds[1]) if mode == "firm" else bounds, mode)

    assert torch.autograd.gradcheck(run, (x, bounds))
    assert torch.autograd.gradgradcheck(lambda x, bounds: run(x, bounds) * x, (x, bounds))


@pytest.mark.parametrize("value", [0.0, 0.5])
@pytest.mark.parametrize("mode", ["soft", "hard", "garrote", "firm"])
def test_gradients_at_zero_are_finite(mode, value):
    """Beneath the threshold nothing depends on the data: closed form 0, and 0/0 nowhere, twice differentiated too."""
    for dtype in (torch.float64, torch.complex128):
        x = torch.zeros(3, dtype=dtype, requires_grad=True)
        made = threshold(x, (value, value + 1) if mode == "firm" else value, mode)
        first = torch.autograd.grad((made * x).abs().square().sum() + made.real.sum(), x, create_graph=True)[0]
        assert first.abs().max() <= (1.0 if mode == "hard" and value == 0 else 0.0)
        if first.requires_grad:
            second = torch.autograd.grad(first.abs().square().sum(), x, allow_unused=True)[0]
            assert second is None or second.isfinite().all()


def test_the_gradient_of_soft_is_one_or_nothing():
    x = torch.tensor([-2.0, -0.3, 0.0, 0.4, 1.0], requires_grad=True)
    value = torch.tensor(0.5, requires_grad=True)
    threshold(x, value).sum().backward()
    assert x.grad.tolist() == [1, 0, 0, 0, 1]
    assert value.grad == 1 - 1  # - sign(x) where something is left


def test_jax_gives_the_same_numbers_and_gradients():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    for dtype in (np.float64, np.complex128):
        x = draw(20, dtype=dtype)
        for mode, value in (("soft", 0.4), ("garrote", 0.4), ("hard", 0.4), ("firm", (0.2, 0.9))):

            def energy(x, mode=mode, value=value):
                return (abs(threshold(x, value, mode, 1.0)) ** 3).sum()

            agree(threshold(jax.numpy.asarray(x), value, mode), threshold(x, value, mode))
            u = torch.from_numpy(x).requires_grad_()
            energy(u).backward()
            agree(jax.jit(jax.grad(energy))(x), u.grad.conj().resolve_conj().numpy())  # JAX gives the conjugate
    u = torch.from_numpy(draw(20))
    assert np.isclose(
        jax.grad(lambda v: threshold(jax.numpy.asarray(u.numpy()), v).sum())(0.3),
        torch.func.grad(lambda v: threshold(u, v).sum())(torch.tensor(0.3, dtype=torch.float64)),
    )
    assert threshold(jax.numpy.ones(3, "float16"), 0.5, "hard", 2).dtype == "float16"


CALLS = {
    "mode": (lambda x: threshold(x, 1, "sotf"), OptionError,
             "got mode 'sotf', expected one of soft, hard, garrote, garotte, greater, less, firm: did you mean soft"),
    "another mode": (lambda x: threshold(x, 1, "xyz"), OptionError, "less, firm$"),
    "complex": (lambda x: threshold(x * 1j, 1, "less"), OptionError, "got complex data for mode 'less', expected real data"),
    "negative": (lambda x: threshold(x, -1), RangeError, "got value=-1 for mode 'soft', expected at least 0"),
    "one of two": (lambda x: threshold(x, 1, "firm"), OptionError, r"got value=1 for mode 'firm', expected two: \(low, high\)"),
    "low": (lambda x: threshold_firm(x, -1, 1), RangeError, "got value_low=-1, expected at least 0"),
    "high": (lambda x: threshold_firm(x, 2, 1), RangeError, "got value_low=2 and value_high=1, expected value_high"),
    "integers": (lambda x: threshold(x.int(), 1), RangeError, "convert with"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_wrong_calls_say_what_to_do(name):
    call, error, text = CALLS[name]
    with pytest.raises(error, match=text):
        call(torch.zeros(4))


def test_thresholds_below_zero_order_real_data():
    agree(threshold([-3.0, -1.0, 1.0], -2, "greater"), [0, -1, 1])
    agree(threshold([-3.0, -1.0, 1.0], -2, "less"), [-3, 0, 0])
