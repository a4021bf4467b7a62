"""The fully separable transform against PyWavelets, and its result."""

import dataclasses
from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets.separable import FswavedecnResult, fswavedecn, fswaverecn

pytestmark = pytest.mark.filterwarnings("ignore:Level value of")

CASES = [
    ((16, 20), "db2", "symmetric", None, None),
    ((13, 7), ("haar", "bior2.2"), ("zero", "periodization"), (2, 1), (1, 0)),
    ((5, 6, 9), ("sym3",), ("smooth",), 1, None),
    ((5, 6, 9), ("db2", "haar", "coif1"), "reflect", (0, None, 1), (-1, 1, 0)),
    ((4, 9), "db3", "antisymmetric", 1, (1,)),
    ((33,), "dmey", "periodic", 1, None),
    ((6, 8), "haar", "periodization", None, ()),
]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def agree(got, want, tolerance=1e-13):
    assert tuple(got.shape) == want.shape
    assert np.abs(np.asarray(got) - want).max() <= tolerance * max(1.0, np.abs(want).max())


@pytest.mark.parametrize(("shape", "wavelet", "mode", "levels", "axes"), CASES)
def test_numbers_and_slices_are_pywts(shape, wavelet, mode, levels, axes):
    x = draw(*shape)
    want = pywt.fswavedecn(x, wavelet, mode, levels, axes)
    for data in (x, torch.from_numpy(x)):
        got = fswavedecn(data, wavelet, mode, levels, axes)
        assert type(got.coeffs) is type(data)
        agree(got.coeffs, want.coeffs)
        assert got.coeff_slices == want.coeff_slices
        assert got.axes == want.axes
        for name in ("levels", "modes", "wavelet_names", "ndim", "ndim_transform"):
            assert getattr(got, name) == getattr(want, name)
        assert got.detail_keys() == want.detail_keys()
        agree(got.approx, want.approx)
        for key in want.detail_keys():
            agree(got[key], want[key])
        back = fswaverecn(got)
        agree(back, pywt.fswaverecn(want))
        if wavelet != "dmey":  # off by 5e-3 in pywt too
            agree(back[tuple(slice(n) for n in shape)], x, tolerance=1e-9)  # sym3 is not exact in pywt either


@pytest.mark.parametrize("mode", pywt.Modes.modes)
def test_every_mode(mode):
    x = draw(3, 11, 14)
    want = pywt.fswavedecn(x, "db2", mode, (1, 2), (1, 2))
    got = fswavedecn(torch.from_numpy(x), "db2", mode, (1, 2), (1, 2))
    agree(got.coeffs, want.coeffs)
    agree(fswaverecn(got), pywt.fswaverecn(want))


def test_other_coefficients_take_the_place_of_the_first():
    """Twice the coefficients are twice the data, and a bank of tensors stays one."""
    x = torch.from_numpy(draw(8, 12))
    taps = [torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in pywt.Wavelet("db2").filter_bank]
    result = fswavedecn(x, tuple(taps), levels=1)
    assert result.wavelet_names == ["filter bank", "filter bank"]
    agree(fswaverecn(dataclasses.replace(result, coeffs=2 * result.coeffs)).detach(), 2 * x.numpy(), tolerance=1e-11)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.coeffs = x
    with pytest.raises(
        ShapeError, match=r"got coefficients of shape \(8, 12\), expected these lengths .* \{0: 10, 1: 14\}"
    ):
        dataclasses.replace(result, coeffs=x)


def test_types_stay():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.complex64, torch.complex128):
        x = torch.from_numpy(draw(6, 7)).to(dtype)
        result = fswavedecn(x, "db2", levels=1)
        assert result.coeffs.dtype == fswaverecn(result).dtype == dtype
        wide = x.to(torch.complex128 if dtype.is_complex else torch.float64)
        error = {torch.float16: 4e-3, torch.bfloat16: 4e-2, torch.complex128: 1e-13}.get(dtype, 3e-6)
        agree(result.coeffs.to(wide.dtype), pywt.fswavedecn(wide.numpy(), "db2", levels=1).coeffs, tolerance=error)
    assert fswavedecn([[1, 2], [3, 4]], "haar").coeffs.dtype == np.float64


def test_wrong_calls_say_what_to_do(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x = torch.zeros(8, 9)
    result = fswavedecn(x, "db2", levels=(1, 2), axes=(0, 1))
    assert isinstance(result, FswavedecnResult)
    for call, error, text in [
        (
            lambda: fswavedecn(x, "db2", levels=(1, 2, 3)),
            ShapeError,
            "got 3 numbers of levels for 2 axes, expected one for all",
        ),
        (lambda: fswavedecn(x, "db2", levels=(1, -2)), RangeError, "got level=-2, expected 0, 1, 2"),
        (lambda: fswavedecn(x, "db2", axes=(0, 0)), ShapeError, "expected every axis once"),
        (lambda: fswavedecn(x, "db2", axes=(2,)), ShapeError, r"got axes \(2,\) for an array of shape \(8, 9\)"),
        (lambda: fswavedecn(x[:0], "db2"), ShapeError, "expected at least one sample along axis -2"),
        (lambda: fswavedecn(x.int(), "db2"), RangeError, "got data of type torch.int32, expected floats"),
        (lambda: fswavedecn(x, "dbb"), OptionError, "got wavelet 'dbb', expected a name of PyWavelets: did you mean"),
        (lambda: fswavedecn(x, "db2", "mirror"), OptionError, "got mode 'mirror', expected one of zero"),
        (lambda: result[1], ShapeError, "got index 1, expected one level for each of 2 axes"),
        (lambda: result[1, 1, 0], ShapeError, r"got index \(1, 1, 0\), expected one level for each of 2 axes"),
        (lambda: result[2, 0], RangeError, r"got levels \(2, 0\), expected whole numbers from 0 to \(1, 2\)"),
        (lambda: result[0, -1], RangeError, r"got levels \(0, -1\), expected whole numbers"),
        (lambda: result[0, 0.5], RangeError, r"got levels \(0, 0.5\), expected whole numbers"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_levels_that_are_too_deep_warn():
    with pytest.warns(UserWarning, match=r"Level value of 3 is too high.*lengths \(9,\) and db2 allow 1"):
        fswavedecn(torch.zeros(8, 9), "db2", levels=(1, 3))


def test_gradients(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x = torch.from_numpy(draw(5, 6)).requires_grad_()
    taps = [torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in pywt.Wavelet("db2").filter_bank]

    def there(x, *bank):
        return fswavedecn(x, bank or "db2", "symmetric", levels=1).coeffs

    def back(x, *bank):
        return fswaverecn(dataclasses.replace(result, coeffs=x, wavelets=read(bank)))

    def read(bank):
        return fswavedecn(torch.zeros(5, 6, dtype=torch.float64), tuple(bank) or "db2", levels=1).wavelets

    result = fswavedecn(x.detach(), "db2", "symmetric", levels=1)
    coeffs = torch.from_numpy(draw(*result.coeffs.shape)).requires_grad_()
    for run, given in ((there, x), (back, coeffs)):
        for inputs in ((given,), (given, *taps)):
            assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
            assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


def test_adjoint_is_the_transpose_of_pywts_matrix():
    """A separable transform of the unit images, one by one, is the matrix of the transform."""
    for mode in ("smooth", "periodization"):
        units = np.eye(20).reshape(20, 4, 5)
        columns = np.stack([pywt.fswavedecn(unit, "db2", mode, 1).coeffs.ravel() for unit in units], axis=1)
        shape = pywt.fswavedecn(units[0], "db2", mode, 1).coeffs.shape
        v = draw(*shape)
        _, pull = torch.func.vjp(
            lambda x, m=mode: fswavedecn(x, "db2", m, 1).coeffs, torch.from_numpy(draw(4, 5, seed=1))
        )
        agree(pull(torch.from_numpy(v))[0], (columns.T @ v.ravel()).reshape(4, 5))


def test_jax_compiles_and_differentiates():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = draw(8, 9)

    def energy(x):
        result = fswavedecn(x, ("db2", "haar"), "symmetric", levels=(1, 2))
        return (result.coeffs**3).sum() + (fswaverecn(result) ** 2).sum()

    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    agree(jax.jit(jax.grad(energy))(x), u.grad.numpy(), tolerance=1e-12)
    agree(fswavedecn(jax.numpy.asarray(x), "db3", "per").coeffs, pywt.fswavedecn(x, "db3", "periodization").coeffs)


def test_keys_are_all_combinations_of_levels():
    result = fswavedecn(torch.zeros(8, 8, 8), "haar", levels=(1, 0, 3))
    assert [(0, 0, 0), *result.detail_keys()] == sorted(product(range(2), range(1), range(4)))
