"""Levels, lengths and shapes against PyWavelets, and against what the transforms return."""

from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import MODES, dwt, wavedec, wavedec2, wavedecn
from undula.spectra.wavelets.shapes import (
    dwt_coeff_len,
    dwt_max_level,
    dwtn_max_level,
    wavedec_shapes,
    wavedecn_shapes,
    wavedecn_size,
)

pytestmark = pytest.mark.filterwarnings("ignore:Level value of")


@pytest.fixture
def unwatched(monkeypatch):
    """No checks of types at run time: they forestall the errors that users see."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def test_levels_are_pywts():
    for n, taps in product([0, 1, 2, 3, 7, 8, 9, 100, 1000, 2**31 - 1, 2**40], [2, 3, 6, 8, 76, 102]):
        assert dwt_max_level(n, taps) == pywt.dwt_max_level(n, taps)
    for name in pywt.wavelist(kind="discrete"):
        want = pywt.dwt_max_level(1000, name)
        bank = pywt.Wavelet(name).filter_bank
        assert want == dwt_max_level(1000, name) == dwt_max_level(1000, pywt.Wavelet(name)) == dwt_max_level(1000, bank)
    assert dwt_max_level(64, 8.0) == dwt_max_level(64, np.int64(8)) == pywt.dwt_max_level(64, 8.0)


def test_levels_of_many_axes_are_pywts():
    for shape, wavelet, axes in [
        ((64, 32), "db2", None),
        ((64, 32), ("db2", "haar"), None),
        ((64, 16), ("db8", "haar"), (0, 1)),
        ((64, 16, 5), "sym4", (0, -2)),
        ((64, 16, 5), ("haar",), 1),
        ((64, 16, 5), "haar", None),
    ]:
        assert dwtn_max_level(shape, wavelet, axes) == pywt.dwtn_max_level(shape, wavelet, axes)
    assert dwtn_max_level(torch.zeros(64, 32).shape, "db2") == 3


def test_lengths_are_pywts():
    for n, name, mode in product([1, 2, 7, 8, 100], ["haar", "db4", "bior2.2"], pywt.Modes.modes):
        taps = pywt.Wavelet(name).dec_len
        want = pywt.dwt_coeff_len(n, taps, mode)
        for wavelet in (taps, name, pywt.Wavelet(name)):
            assert dwt_coeff_len(n, wavelet, mode) == dwt_coeff_len(n, wavelet, getattr(pywt.Modes, mode)) == want
    assert dwt_coeff_len(9, 5, "symmetric") == pywt.dwt_coeff_len(9, 5, "symmetric")
    assert dwt_coeff_len(8, "sym3") == pywt.dwt_coeff_len(8, pywt.Wavelet("sym3"), "symmetric")


def test_lengths_are_those_of_the_transform():
    for n, mode in product([2, 7, 8], MODES):
        assert dwt(torch.zeros(n), "db2", mode)[0].shape[0] == dwt_coeff_len(n, "db2", mode)


@pytest.mark.parametrize("mode", MODES)
def test_shapes_are_those_of_the_transforms(mode):
    for shape, wavelet, level, axis in [((40,), "db3", None, -1), ((3, 21, 2), "haar", 3, 1), ((5, 9), "sym2", 0, 0)]:
        got = wavedec_shapes(shape, wavelet, mode, level, axis)
        assert got == [tuple(band.shape) for band in wavedec(torch.zeros(shape), wavelet, mode, level, axis)]
    assert wavedec_shapes(40, "db3", mode) == wavedec_shapes((40,), "db3", mode)
    for shape, wavelet, level, axes in [
        ((16, 11), "db2", 2, None),
        ((64, 16), ("db8", "haar"), None, None),
        ((6, 9, 7), ("haar", "db2"), 1, (2, -3)),
        ((8, 8), "haar", 0, None),
    ]:
        low, *details = wavedecn(torch.zeros(shape), wavelet, mode, level, axes)
        want = [tuple(low.shape), *({key: tuple(band.shape) for key, band in bands.items()} for bands in details)]
        assert wavedecn_shapes(shape, wavelet, mode, level, axes) == want


def test_shapes_are_pywts():
    for shape, wavelet, mode, level, axes in [
        ((64, 32), "db2", "symmetric", 3, (0,)),
        ((64, 32), "db2", ("periodization", "zero"), None, None),
        ((13, 8, 20), ("db2", "haar", "sym3"), "smooth", 2, (2, 0, 1)),
        ((5,), "db4", "reflect", None, 0),
    ]:
        assert wavedecn_shapes(shape, wavelet, mode, level, axes) == pywt.wavedecn_shapes(
            shape, wavelet, mode, level, axes
        )


def test_sizes_are_pywts_and_the_sum_of_the_bands():
    shapes = pywt.wavedecn_shapes((13, 8, 20), "db2", level=2)
    assert wavedecn_size(shapes) == pywt.wavedecn_size(shapes)
    x = np.zeros((64, 32))
    coeffs = pywt.wavedecn(x, "sym4")
    assert wavedecn_size(coeffs) == pywt.wavedecn_size(coeffs) == 3087
    assert wavedecn_size(wavedecn(torch.from_numpy(x), "sym4")) == wavedecn_size(wavedec2(x, "sym4")) == 3087
    lengths = [len(band) for band in pywt.wavedec(np.zeros(50), "db2")]
    assert wavedecn_size(wavedec_shapes(50, "db2")) == wavedecn_size(wavedec(np.zeros(50), "db2")) == sum(lengths)


def test_wrong_calls_say_what_to_do(unwatched):
    for call, error, text in [
        (lambda: dwt_max_level(100, 1), RangeError, "got filter_len=1, expected at least 2 taps: haar has two"),
        (lambda: dwt_max_level(100, 4.5), RangeError, r"got filter_len=4\.5, expected a whole number"),
        (lambda: dwt_max_level(-1, 4), RangeError, "got data_len=-1, expected a whole number of at least 0"),
        (
            lambda: dwt_max_level(100, "db99"),
            OptionError,
            "got wavelet 'db99', expected a name of PyWavelets: did you mean",
        ),
        (lambda: dwt_max_level(100, "morl"), OptionError, "got the continuous wavelet 'morl', expected a discrete one"),
        (lambda: dwt_coeff_len(0, 4), RangeError, "got data_len=0, expected a whole number of at least 1"),
        (lambda: dwt_coeff_len(4, 0), RangeError, "got filter_len=0, expected at least 1 tap"),
        (
            lambda: dwt_coeff_len(4, 2, "perio"),
            OptionError,
            "got mode 'perio', expected one of zero.* did you mean period",
        ),
        (lambda: dwtn_max_level((), "db2"), ShapeError, "got an empty shape, expected an array of at least one axis"),
        (lambda: dwtn_max_level((4, 4), "db2", 2), ShapeError, r"got axes 2 for an array of shape \(4, 4\)"),
        (lambda: dwtn_max_level((4, 4), ("db2",) * 3), ShapeError, "got 3 wavelets for 2 axes"),
        (
            lambda: wavedec_shapes((4, 0), "db2"),
            ShapeError,
            r"got an array of shape \(4, 0\), expected at least one sample",
        ),
        (lambda: wavedecn_shapes((4, 4), "db2", level=-1), RangeError, "got level=-1, expected 0, 1, 2"),
        (lambda: wavedecn_size([(2, 2), {"d": None}]), ShapeError, "got a band that is None, expected all bands"),
        (lambda: wavedecn_size([(2, 2), "d"]), ShapeError, "got a band of type str, expected an array, a shape"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_levels_that_are_too_deep_warn_as_in_pywt():
    for shapes in (wavedecn_shapes, pywt.wavedecn_shapes):
        with pytest.warns(UserWarning, match="Level value of 9 is too high: all coefficients will experience boundary"):
            shapes((16, 16), "db2", level=9)
    with pytest.warns(UserWarning, match="Level value of 9 is too high"):
        wavedec_shapes(16, "db2", level=9)
