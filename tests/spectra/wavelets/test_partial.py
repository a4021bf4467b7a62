"""Single bands against PyWavelets."""

from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import idwt, wavedec
from undula.spectra.wavelets.partial import downcoef, upcoef


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def agree(got, want, tolerance=1e-13):
    assert tuple(got.shape) == want.shape
    assert np.abs(np.asarray(got) - want).max() <= tolerance * max(1.0, np.abs(want).max())


@pytest.mark.parametrize("name", ["haar", "db2", "bior2.4"])
def test_the_bands_are_pywts(name):
    for mode, level, part in product(pywt.Modes.modes, [1, 2], "ad"):
        for n, framework in ((2, np.asarray), (9, torch.from_numpy)):
            if "reflect" in mode and n < 8:  # pywt.downcoef of a single sample does not return in these modes
                continue
            x = draw(n, seed=n)
            agree(downcoef(part, framework(x), name, mode, level), pywt.downcoef(part, x, name, mode, level))
    agree(downcoef("d", x, name), pywt.downcoef("d", x, name))


@pytest.mark.parametrize("name", ["haar", "db2", "bior2.4", "dmey"])
def test_the_signals_are_pywts(name):
    for level, take, part in product([1, 3], [0, 1, 2, 7, 10_000], "ad"):
        for n, framework in ((1, np.asarray), (6, torch.from_numpy)):
            band = draw(n, seed=n)
            agree(upcoef(part, framework(band), name, level, take), pywt.upcoef(part, band, name, level, take))
    agree(upcoef("d", band, name, 2), pywt.upcoef("d", band, name, 2))


def test_bands_of_a_batch_are_those_of_wavedec():
    """PyWavelets takes one signal; a batch gives what `wavedec` gives of its last axis."""
    x = torch.from_numpy(draw(2, 3, 40))
    low, high, *_ = wavedec(x, "db3", "smooth", 2)
    assert torch.equal(downcoef("a", x, "db3", "smooth", 2), low)
    assert torch.equal(downcoef("d", x, "db3", "smooth", 2), high)
    want = np.stack([[pywt.upcoef("d", row, "db3", 2, 40) for row in rows] for rows in high.numpy()])
    agree(upcoef("d", high, "db3", 2, 40), want)


def test_both_bands_together_are_the_signal():
    """The inner samples of both reconstructions sum up to what idwt gives of both bands."""
    x = draw(20)
    a, d = pywt.dwt(x, "db4", "antireflect")
    agree(upcoef("a", a, "db4", take=20) + upcoef("d", d, "db4", take=20), idwt(a, d, "db4", "antireflect")[:20])
    agree(upcoef("a", a, "db4", take=20) + upcoef("d", d, "db4", take=20), x, tolerance=1e-11)


def test_types_stay():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.complex64, torch.complex128):
        x = torch.from_numpy(draw(12)).to(dtype)
        assert downcoef("a", x, "db2").dtype == upcoef("a", x, "db2", 2).dtype == dtype
    z = draw(12) + 1j * draw(12, seed=1)
    agree(downcoef("d", torch.from_numpy(z), "db2", "per"), pywt.downcoef("d", z, "db2", "periodization"))
    agree(upcoef("d", torch.from_numpy(z), "db2"), pywt.upcoef("d", z, "db2"))
    agree(downcoef("a", [1, 2, 3, 4], "haar"), pywt.downcoef("a", [1, 2, 3, 4], "haar"))
    assert isinstance(upcoef("a", [1, 2], "haar"), np.ndarray)


def test_wrong_calls_say_what_to_do(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x = torch.zeros(8)
    for call, error, text in [
        (
            lambda: downcoef("ad", x, "db2"),
            OptionError,
            r"got part 'ad', expected 'a' \(approximation\) or 'd' \(detail\)",
        ),
        (lambda: upcoef("", x, "db2"), OptionError, "got part '', expected 'a'"),
        (lambda: downcoef("a", x, "db2", level=0), RangeError, "got level=0, expected 1, 2, 3"),
        (lambda: upcoef("a", x, "db2", level=1.5), RangeError, r"got level=1\.5, expected 1, 2, 3"),
        (lambda: downcoef("a", x[:0], "db2"), ShapeError, "expected at least one sample along axis -1"),
        (lambda: upcoef("a", x.long(), "db2"), RangeError, "got coeffs of type torch.int64, expected floats"),
        (lambda: downcoef("a", x, "db2", "same"), OptionError, "got mode 'same', expected one of zero"),
        (lambda: upcoef("a", x, "mexh"), OptionError, "got the continuous wavelet 'mexh', expected a discrete one"),
    ]:
        with pytest.raises(error, match=text):
            call()


@pytest.mark.parametrize("part", ["a", "d"])
def test_gradients(part, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x = torch.from_numpy(draw(6)).requires_grad_()
    taps = [torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in pywt.Wavelet("db2").filter_bank]
    for run in (
        lambda x, *bank: downcoef(part, x, bank or "db2", "reflect", 2),
        lambda x, *bank: upcoef(part, x, bank or "db2", 2, 9),
    ):
        for inputs in ((x,), (x, *taps)):
            assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
            assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


def test_adjoint_is_the_transpose_of_pywts_matrix():
    columns = np.stack([pywt.upcoef("d", unit, "db2", 2, 11) for unit in np.eye(5)], axis=1)
    v = draw(11)
    _, pull = torch.func.vjp(lambda x: upcoef("d", x, "db2", 2, 11), torch.from_numpy(draw(5)))
    agree(pull(torch.from_numpy(v))[0], columns.T @ v)
    columns = np.stack([pywt.downcoef("d", unit, "db2", "smooth", 2) for unit in np.eye(9)], axis=1)
    v = draw(columns.shape[0])
    _, pull = torch.func.vjp(lambda x: downcoef("d", x, "db2", "smooth", 2), torch.from_numpy(draw(9)))
    agree(pull(torch.from_numpy(v))[0], columns.T @ v)


def test_jax_compiles_and_differentiates():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = draw(10)

    def energy(x):
        return (upcoef("d", downcoef("d", x, "db2", level=2), "db2", level=2, take=10) ** 2).sum()

    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    agree(jax.jit(jax.grad(energy))(x), u.grad.numpy())
    agree(downcoef("a", jax.numpy.asarray(x), "db2"), pywt.downcoef("a", x, "db2"))
