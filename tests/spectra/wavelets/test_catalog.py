"""Lists, frequencies and filters against PyWavelets."""

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import dwt
from undula.spectra.wavelets.catalog import (
    central_frequency,
    families,
    frequency2scale,
    integrate_wavelet,
    orthogonal_filter_bank,
    qmf,
    scale2frequency,
    wavelist,
)


def test_lists_are_pywts():
    assert families() == pywt.families() and families(short=False) == pywt.families(short=False)
    for kind in ("all", "continuous", "discrete"):
        assert wavelist(kind=kind) == pywt.wavelist(kind=kind)
    for family in pywt.families():
        assert wavelist(family) == pywt.wavelist(family)
    families().clear()
    assert families()


WAVELETS = [
    "haar",
    "db4",
    "sym8",
    "bior2.4",
    "dmey",
    "mexh",
    "morl",
    "gaus3",
    "cgau2",
    "cmor1.5-1.0",
    "fbsp2-1-1.5",
    "shan1.5-1",
]


@pytest.mark.parametrize("name", WAVELETS)
def test_frequencies_and_integrals_are_pywts(name):
    for given in (name, pywt.DiscreteContinuousWavelet(name)):
        assert central_frequency(given) == pywt.central_frequency(name)
        assert central_frequency(given, precision=10) == pywt.central_frequency(name, precision=10)
        assert scale2frequency(given, 2.5) == pywt.scale2frequency(name, 2.5)
        assert frequency2scale(given, 0.1, 9) == pywt.frequency2scale(name, 0.1, 9)
        got, want = integrate_wavelet(given, 6), pywt.integrate_wavelet(name, 6)
        assert len(got) == len(want) and all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))
    assert isinstance(central_frequency(name), float)


def test_four_filters_are_a_wavelet_too():
    bank = pywt.Wavelet("db4").filter_bank
    own = pywt.Wavelet("own", filter_bank=bank)
    for given in (bank, [torch.tensor(taps, dtype=torch.float64, requires_grad=True) for taps in bank]):
        assert central_frequency(given) == pywt.central_frequency(own)
        assert all(
            np.array_equal(a, b) for a, b in zip(integrate_wavelet(given), pywt.integrate_wavelet(own), strict=True)
        )


def test_scales_may_be_arrays():
    scales = [1, 2, 3, 4]
    want = pywt.scale2frequency("morl", np.array(scales))
    assert np.array_equal(scale2frequency("morl", scales), want)
    assert np.array_equal(scale2frequency("morl", np.array(scales)), want)
    x = torch.tensor(scales, dtype=torch.float64, requires_grad=True)
    assert np.allclose(scale2frequency("morl", x).detach(), want, rtol=1e-15)
    (gradient,) = torch.autograd.grad(scale2frequency("morl", x).sum(), x)
    assert np.allclose(gradient, -want / np.array(scales), rtol=1e-14)  # d(c / s)/ds = -c / s²
    assert frequency2scale("morl", scale2frequency("morl", 7.0)) == pytest.approx(7.0, rel=1e-15)
    assert scale2frequency("morl", np.float32(2)) == pytest.approx(pywt.scale2frequency("morl", 2), rel=1e-6)


def test_filters_are_pywts():
    taps = np.random.default_rng(0).standard_normal(8) + 1
    for given in (taps, list(taps), torch.from_numpy(taps)):
        assert np.array_equal(np.asarray(qmf(given)), pywt.qmf(taps))
        for got, want in zip(orthogonal_filter_bank(given), pywt.orthogonal_filter_bank(taps), strict=True):
            assert np.abs(np.asarray(got) - want).max() <= 1e-14 * np.abs(want).max()
    assert np.array_equal(qmf([1, 2, 3]), pywt.qmf([1, 2, 3]))


def test_one_filter_makes_the_bank_of_a_wavelet():
    """db3's own scaling filter, of any scale, gives db3's transform, and gradients flow to it."""
    scaling = torch.tensor(pywt.Wavelet("db3").rec_lo, dtype=torch.float64, requires_grad=True)
    x = np.random.default_rng(1).standard_normal(20)
    low, high = dwt(torch.from_numpy(x), orthogonal_filter_bank(3 * scaling))
    for got, want in zip((low, high), pywt.dwt(x, "db3"), strict=True):
        assert np.abs(got.detach().numpy() - want).max() < 1e-11  # the table's filter sums to √2 within 1e-12
    assert torch.autograd.gradcheck(lambda taps: torch.cat(orthogonal_filter_bank(taps)), (scaling,))
    assert torch.autograd.gradgradcheck(lambda taps: torch.cat(orthogonal_filter_bank(taps)), (scaling,))
    assert orthogonal_filter_bank(torch.ones(2, dtype=torch.float16))[0].dtype == torch.float16


def test_filters_of_jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    taps = np.random.default_rng(0).standard_normal(6) + 1
    bank = jax.jit(orthogonal_filter_bank)(taps)
    for got, want in zip(bank, pywt.orthogonal_filter_bank(taps), strict=True):
        assert isinstance(got, jax.Array) and np.abs(np.asarray(got) - want).max() <= 1e-14 * np.abs(want).max()
    u = torch.from_numpy(taps).requires_grad_()
    (orthogonal_filter_bank(u)[1] ** 3).sum().backward()
    assert np.allclose(jax.grad(lambda t: (orthogonal_filter_bank(t)[1] ** 3).sum())(taps), u.grad, atol=1e-13)


def test_wrong_calls_say_what_to_do(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    for call, error, text in [
        (lambda: wavelist("symm"), OptionError, "got family 'symm', expected one of haar, db, .*: did you mean sym"),
        (lambda: wavelist(kind="dyadic"), OptionError, "got kind 'dyadic', expected one of all, continuous, discrete"),
        (
            lambda: central_frequency("mor1"),
            OptionError,
            "got wavelet 'mor1', expected a name of PyWavelets: did you mean morl",
        ),
        (
            lambda: integrate_wavelet("##"),
            OptionError,
            r"got wavelet '##', expected a name of PyWavelets: wavelist\(\) has",
        ),
        (lambda: central_frequency(3), OptionError, "got a wavelet of type int, expected a name"),
        (lambda: scale2frequency("morl", 0), RangeError, "got scale=0, expected a number above 0"),
        (lambda: frequency2scale("morl", float("nan")), RangeError, "got freq=nan, expected a number above 0"),
        (
            lambda: scale2frequency("morl", torch.arange(3)),
            RangeError,
            "got scale of type torch.int64, expected floats",
        ),
        (lambda: qmf(np.ones((2, 2))), ShapeError, r"got filt of shape \(2, 2\), expected one axis of taps"),
        (
            lambda: orthogonal_filter_bank([]),
            ShapeError,
            r"got scaling_filter of shape \(0,\), expected one axis of taps",
        ),
        (
            lambda: orthogonal_filter_bank([1, 2, 3]),
            ShapeError,
            "got scaling_filter of 3 taps, expected an even number",
        ),
    ]:
        with pytest.raises(error, match=text):
            call()
