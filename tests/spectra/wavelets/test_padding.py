"""Padding against PyWavelets, in all modes."""

from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import dwt
from undula.spectra.wavelets.padding import pad

MODES = pywt.Modes.modes


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def agree(got, want, tolerance=1e-13):
    assert tuple(got.shape) == want.shape
    assert np.abs(np.asarray(got) - want).max() <= tolerance * max(1.0, np.abs(want).max())


@pytest.mark.parametrize("mode", MODES)
def test_one_axis_is_pywts(mode):
    for n, before, after in product([1, 2, 3, 5, 8], [0, 1, 17], [0, 3, 11]):
        if (mode == "smooth" and (n == 1 or not after)) or (mode == "antisymmetric" and not after):
            continue  # pywt.pad raises, and takes one sample for a slope: see below
        x = draw(n)
        want = pywt.pad(x, (before, after), mode)
        agree(pad(torch.from_numpy(x), (before, after), mode), want)
        agree(pad(x, (before, after), mode), want)


@pytest.mark.parametrize("mode", MODES)
def test_axes_are_pywts(mode):
    x = draw(3, 4, 5)
    for widths in (
        2,
        (2,),
        (3, 1),
        ((3, 1),),
        ((1, 2), (3, 1), (7, 9)),
        np.array([[2, 1]] * 3),
        [[4, 4], [1, 1], [2, 2]],
        2.0,
    ):
        agree(pad(torch.from_numpy(x), widths, mode), pywt.pad(x, widths, mode))
    agree(pad(torch.from_numpy(x), ((2,), (1,), (3,)), mode), pywt.pad(x, ((2,), (1,), (3,)), mode))


@pytest.mark.parametrize("mode", MODES)
def test_one_end_and_one_sample(mode):
    """What pywt.pad cannot do: a part of what it does at both ends; a single sample as in its transforms."""
    x = draw(5)
    agree(pad(torch.from_numpy(x), (3, 0), mode), pywt.pad(x, (3, 2), mode)[:-2])
    agree(pad(torch.from_numpy(x), (0, 0), mode), x if mode != "periodization" else np.append(x, x[-1]))
    one = torch.full((1,), 2.0, dtype=torch.float64)
    if mode in ("smooth", "reflect", "antireflect", "constant", "symmetric", "periodic"):
        assert pad(one, (2, 3), mode).tolist() == [2.0] * 6


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "periodization"])
def test_a_padded_signal_needs_no_extension(mode):
    """The transform of the padded signal, its ends cut off, is the transform in that mode."""
    x = draw(12)
    low, _ = dwt(torch.from_numpy(x), "db3", mode)
    padded, _ = dwt(pad(torch.from_numpy(x), 6, mode), "db3", "zero")
    agree(padded[3 : 3 + len(low)], low.numpy())


def test_types_stay():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.complex64, torch.complex128):
        for mode in MODES:
            assert pad(torch.ones(3, 4, dtype=dtype), 5, mode).dtype == dtype
    assert pad(np.ones(3, np.float32), 2, "smooth").dtype == np.float32
    z = draw(4) + 1j * draw(4, seed=1)
    agree(pad(torch.from_numpy(z), 6, "antireflect"), pywt.pad(z, 6, "antireflect"))
    assert pad(np.float64(3.0), 2, "zero") == 3.0
    agree(pad([[1, 2], [3, 4]], 1, "sym"), pywt.pad(np.array([[1.0, 2], [3, 4]]), 1, "symmetric"))


def test_wrong_calls_say_what_to_do(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x = torch.zeros(3, 4)
    for call, error, text in [
        (lambda: pad(x, 2, "edge"), OptionError, "got mode 'edge', expected one of zero"),
        (
            lambda: pad(x, 2, "boundary"),
            OptionError,
            "got mode 'boundary', expected one of zero, .*: boundary filters need no",
        ),
        (
            lambda: pad(x, -1, "zero"),
            RangeError,
            "got pad_widths=-1, expected widths of at least 0: take a slice to shorten",
        ),
        (
            lambda: pad(x, ((1, 1), (1, -2)), "zero"),
            RangeError,
            r"got pad_widths=\(\(1, 1\), \(1, -2\)\), expected widths of",
        ),
        (lambda: pad(x, ((1, 1),) * 3, "zero"), ShapeError, "for 2 axes, expected one pair .* for all or one per axis"),
        (
            lambda: pad(x, (1, 2, 3), "zero"),
            ShapeError,
            r"got pad_widths=\(1, 2, 3\), expected a number, \(before, after\)",
        ),
        (lambda: pad(x, (1, (2, 3)), "zero"), ShapeError, r"got pad_widths=\(1, \(2, 3\)\), expected a number"),
        (lambda: pad(x[:0], 2, "zero"), ShapeError, r"got an array of shape \(0, 4\), expected at least one sample"),
        (lambda: pad(x.long(), 2, "zero"), RangeError, "got x of type torch.int64, expected floats"),
    ]:
        with pytest.raises(error, match=text):
            call()


@pytest.mark.parametrize("mode", MODES)
def test_the_gradient_is_the_transpose_of_pywts_matrix(mode, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    columns = np.stack([pywt.pad(unit, (4, 9), mode) for unit in np.eye(5)], axis=1)
    v = draw(columns.shape[0])
    _, pull = torch.func.vjp(lambda x: pad(x, (4, 9), mode), torch.from_numpy(draw(5)))
    agree(pull(torch.from_numpy(v))[0], columns.T @ v)
    x = torch.from_numpy(draw(2, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pad(x, ((1, 2), (3, 1)), mode), (x,), fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: pad(x, ((1, 2), (3, 1)), mode), (x,), fast_mode=True)


def test_jax_compiles_and_differentiates():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = draw(4, 5)
    for mode in ("symmetric", "smooth"):
        u = torch.from_numpy(x).requires_grad_()
        (pad(u, 6, mode) ** 3).sum().backward()
        found = jax.jit(jax.grad(lambda x, m=mode: (pad(x, 6, m) ** 3).sum()))(x)
        agree(found, u.grad.numpy())
    agree(pad(jax.numpy.asarray(x), 6, "antireflect"), pywt.pad(x, 6, "antireflect"))
