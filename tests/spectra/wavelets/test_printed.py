"""The examples that PyWavelets' own documentation prints, with the numbers that it prints.

From the docstrings of the functions and from the pages "DWT and IDWT", "Signal extension modes", "Multilevel DWT, IDWT and
SWT", "The Wavelet object" and "Continuous wavelet transform". No number here is calculated by PyWavelets.
"""

import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, ShapeError
from undula.spectra.wavelets import (
    dwt,
    dwt2,
    idwt,
    idwt2,
    modes,
    wavedec,
    wavedec2,
    wavedecn,
    waverec,
    waverec2,
    waverecn,
)
from undula.spectra.wavelets.catalog import families, frequency2scale, integrate_wavelet, scale2frequency, wavelist
from undula.spectra.wavelets.packing import array_to_coeffs, coeffs_to_array, ravel_coeffs, unravel_coeffs
from undula.spectra.wavelets.partial import upcoef
from undula.spectra.wavelets.separable import fswavedecn, fswaverecn
from undula.spectra.wavelets.shapes import dwt_coeff_len, dwt_max_level, dwtn_max_level, wavedecn_shapes, wavedecn_size


def printed(got, want):
    """Equal to the eight decimals that are printed."""
    assert np.shape(got) == np.shape(want)
    assert np.abs(np.asarray(got) - np.asarray(want)).max() <= 0.5e-8 + 1e-12


@pytest.fixture(params=[list, np.array, lambda x: torch.tensor(x, dtype=torch.float64)], ids=["list", "numpy", "torch"])
def data(request):
    return request.param


def test_dwt(data):
    low, high = dwt(data([1, 2, 3, 4, 5, 6]), "db1")
    printed(low, [2.12132034, 4.94974747, 7.77817459])
    printed(high, [-0.70710678, -0.70710678, -0.70710678])


def test_idwt(data):
    low, high = dwt(data([1, 2, 3, 4, 5, 6]), "db2", "smooth")
    printed(idwt(low, high, "db2", "smooth"), [1, 2, 3, 4, 5, 6])
    printed(idwt(low, None, "db2", "smooth") + idwt(None, high, "db2", "smooth"), [1, 2, 3, 4, 5, 6])


def test_upcoef(data):
    low, high = dwt(data([1, 2, 3, 4, 5, 6]), "db2", "smooth")
    printed(
        upcoef("a", low, "db2") + upcoef("d", high, "db2"),
        [-0.25, -0.4330127, 1, 2, 3, 4, 5, 6, 1.78589838, -1.03108891],
    )
    printed(upcoef("a", low, "db2", take=6) + upcoef("d", high, "db2", take=6), [1, 2, 3, 4, 5, 6])


def test_wavedec_and_waverec(data):
    low, coarse, fine = coeffs = wavedec(data([1, 2, 3, 4, 5, 6, 7, 8]), "db1", level=2)
    printed(fine, [-0.70710678, -0.70710678, -0.70710678, -0.70710678])
    printed(coarse, [-2, -2])
    printed(low, [5, 13])
    printed(waverec(coeffs, "db1"), [1, 2, 3, 4, 5, 6, 7, 8])


def test_dwt2_and_idwt2():
    low, (_, vertical, _) = dwt2(np.ones((4, 4)), "haar")
    printed(low, [[2, 2], [2, 2]])
    printed(vertical, [[0, 0], [0, 0]])
    printed(idwt2(dwt2([[1, 2], [3, 4]], "haar"), "haar"), [[1, 2], [3, 4]])


def test_wavedec2_and_waverec2():
    coeffs = wavedec2(np.ones((4, 4)), "db1")
    assert len(coeffs) - 1 == 2
    printed(waverec2(coeffs, "db1"), np.ones((4, 4)))


def test_wavedecn_and_waverecn():
    coeffs = wavedecn(np.ones((4, 4, 4)), "db1")
    assert len(coeffs) - 1 == 2
    printed(waverecn(coeffs, "db1"), np.ones((4, 4, 4)))


def test_fswavedecn():
    result = fswavedecn(np.ones((32, 32)), "sym2", levels=(1, 3))
    assert result.detail_keys() == [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]
    printed(fswaverecn(result), np.ones((32, 32)))


@pytest.mark.parametrize("to", [np.asarray, torch.as_tensor])
def test_coefficients_as_one_array(to):
    camera = to(pywt.data.camera().astype(np.float64))
    coeffs = wavedecn(camera, "db2", level=3)
    back = waverecn(array_to_coeffs(*coeffs_to_array(coeffs), output_format="wavedecn"), "db2")
    assert abs(back - camera).max() < 1e-6  # six decimals are what the documentation asserts
    back = waverecn(unravel_coeffs(*ravel_coeffs(coeffs), output_format="wavedecn"), "db2")
    assert abs(back - camera).max() < 1e-6


def test_levels_shapes_and_sizes():
    wavelet = pywt.Wavelet("sym5")
    assert dwt_max_level(data_len=1000, filter_len=wavelet.dec_len) == 6
    assert dwt_max_level(1000, wavelet) == 6
    assert dwt_max_level(1000, "sym5") == 6
    assert dwtn_max_level((64, 32), "db2") == 3
    shapes = wavedecn_shapes((64, 32), wavelet="db2", level=3, axes=(0,))
    assert shapes == [(10, 32), {"d": (10, 32)}, {"d": (18, 32)}, {"d": (33, 32)}]
    assert wavedecn_size(wavedecn_shapes((64, 32), "db2", mode="periodization")) == 2048
    assert wavedecn_size(wavedecn(np.ones((64, 32)), "sym4", mode="symmetric")) == 3087


# "DWT and IDWT"

X = [3, 7, 1, 1, -2, 5, 4, 6]


def test_page_transform(data):
    low, high = dwt(data(X), "db2")
    printed(low, [5.65685425, 7.39923721, 0.22414387, 3.33677403, 7.77817459])
    printed(high, [-2.44948974, -1.60368225, -4.44140056, -0.41361256, 1.22474487])
    printed(idwt(low, high, "db2"), X)


def test_page_wavelet_and_mode(data):
    wavelet = pywt.Wavelet("sym3")
    low, high = dwt(data(X), wavelet=wavelet, mode="constant")
    printed(low, [4.38354585, 3.80302657, 7.31813271, -0.58565539, 4.09727044, 7.81994027])
    printed(high, [-1.33068221, -2.78795192, -3.16825651, -0.67715519, -0.09722957, -0.07045258])
    assert dwt_coeff_len(data_len=8, filter_len=wavelet.dec_len, mode="symmetric") == 6
    assert dwt_coeff_len(8, wavelet, "symmetric") == 6
    assert len(low) == 6


def test_page_lengths_of_all_modes():
    names = (
        "zero",
        "constant",
        "symmetric",
        "periodic",
        "smooth",
        "periodization",
        "reflect",
        "antisymmetric",
        "antireflect",
    )
    assert names == modes.PADDING_MODES
    assert [dwt_coeff_len(8, 6, mode) for mode in names] == [6, 6, 6, 6, 6, 4, 6, 6, 6]


def test_page_wrong_mode(data):
    wavelet = pywt.Wavelet("sym3")
    low, high = dwt(data(X), wavelet=wavelet, mode="periodization")
    printed(idwt(low, high, "sym3", "symmetric"), [1, 1, -2, 5])
    printed(idwt(low, high, "sym3", "periodization"), X)


def test_page_none(data):
    want = [1.19006969, 1.54362308, 0.44828774, -0.25881905, 0.48296291, 0.8365163]
    printed(idwt(data([1, 2, 0, 1]), None, "db2", "symmetric"), want)
    printed(idwt(data([1, 2, 0, 1]), data([0, 0, 0, 0]), "db2", "symmetric"), want)
    want = [0.57769726, -0.93125065, 1.67303261, -0.96592583, -0.12940952, -0.22414387]
    printed(idwt(None, data([1, 2, 0, 1]), "db2", "symmetric"), want)
    printed(idwt(data([0, 0, 0, 0]), data([1, 2, 0, 1]), "db2", "symmetric"), want)


def test_page_refusals(data):
    """The documentation prints ValueError; ours are ValueErrors too."""
    with pytest.raises(ValueError, match="expected at least one band"):
        idwt(None, None, "db2", "symmetric")
    with pytest.raises(ShapeError, match=r"got bands of different shapes \(a \(5,\), d \(4,\)\)"):
        idwt(data([1, 2, 3, 4, 5]), data([1, 2, 3, 4]), "db2", "symmetric")
    with pytest.raises(ShapeError, match=r"got bands of 3 coefficients along axis -1, expected at least 4 for db4"):
        idwt(data([1, 2, 4]), data([4, 1, 3]), "db4", "symmetric")
    assert dwt_coeff_len(1, pywt.Wavelet("db4").dec_len, "symmetric") == 4
    with pytest.raises(OptionError, match="got mode 'invalid', expected one of zero"):
        dwt(data([1, 2, 3, 4]), "db2", "invalid")
    assert issubclass(OptionError, ValueError) and issubclass(ShapeError, ValueError)


# "Signal extension modes"


def test_page_modes(data):
    x = [1, 2, 1, 5, -1, 8, 4, 6]
    for given in ({}, {"mode": "symmetric"}, {"mode": 1}):
        low, high = dwt(data(x), "db2", **given)
        printed(low, [1.76776695, 1.73309178, 3.40612438, 6.32928585, 7.77817459])
        printed(high, [-0.61237244, -2.15599552, -5.95034847, -1.21545369, 1.22474487])
        printed(idwt(low, high, "db2"), x)


def test_page_numbers_of_modes():
    numbers = {"zero": 0, "constant": 2, "symmetric": 1, "reflect": 6, "periodic": 4, "smooth": 3, "periodization": 5}
    for name, number in numbers.items():
        for got, want in zip(dwt(X, "db2", number), dwt(X, "db2", name), strict=True):
            assert np.array_equal(got, want)


# "Multilevel DWT, IDWT and SWT"


def test_page_multilevel(data):
    haar = pywt.Wavelet("db1")
    low, coarse, middle, fine = coeffs = wavedec(data(X), haar)
    printed(low, [8.83883476])
    printed(coarse, [-0.35355339])
    printed(middle, [4, -3.5])
    printed(fine, [-2.82842712, 0, -4.94974747, -1.41421356])
    assert dwt_max_level(len(X), haar) == 3
    assert len(wavedec(data(X), haar, mode="constant", level=2)) == 3
    printed(waverec(coeffs, haar), X)


# "The Wavelet object", the docstrings of the lists, "Other functions", and "Continuous wavelet transform"


def numbered(stem, *numbers):
    return [f"{stem}{number}" for number in numbers]


SPLINES = ("1.1", "1.3", "1.5", "2.2", "2.4", "2.6", "2.8", "3.1", "3.3", "3.5", "3.7", "3.9", "4.4", "5.5", "6.8")
FAMILIES = {
    "haar": ["haar"],
    "db": numbered("db", *range(1, 39)),
    "sym": numbered("sym", *range(2, 21)),
    "coif": numbered("coif", *range(1, 18)),
    "bior": numbered("bior", *SPLINES),
    "rbio": numbered("rbio", *SPLINES),
    "dmey": ["dmey"],
    "gaus": numbered("gaus", *range(1, 9)),
    "mexh": ["mexh"],
    "morl": ["morl"],
    "cgau": numbered("cgau", *range(1, 9)),
    "shan": ["shan"],
    "fbsp": ["fbsp"],
    "cmor": ["cmor"],
}


def test_page_wavelets():
    assert families() == list(FAMILIES)
    for family, names in FAMILIES.items():
        assert wavelist(family) == names
    assert families(short=False)[:6] == [
        "Haar",
        "Daubechies",
        "Symlets",
        "Coiflets",
        "Biorthogonal",
        "Reverse biorthogonal",
    ]
    assert wavelist(kind="continuous")[:7] == numbered("cgau", *range(1, 8))
    assert wavelist("coif")[:7] == numbered("coif", *range(1, 8))


def test_page_custom_wavelet():
    """The filters that the page gives for Haar, as a wavelet of PyWavelets and as they are."""
    c = 2**0.5 / 2
    bank = ([c, c], [-c, c], [c, c], [c, -c])
    for wavelet in (bank, pywt.Wavelet("My Haar Wavelet", filter_bank=bank)):
        low, high = dwt([1, 2, 3, 4, 5, 6], wavelet)
        printed(low, [2.12132034, 4.94974747, 7.77817459])
        printed(high, [-0.70710678, -0.70710678, -0.70710678])


def test_integrals_of_wavelets():
    assert len(integrate_wavelet(pywt.Wavelet("db2"), precision=5)) == 2
    assert len(integrate_wavelet(pywt.Wavelet("bior1.3"), precision=5)) == 3


def test_page_scales_and_frequencies():
    step = 0.01
    printed(scale2frequency("cmor1.5-1.0", [1, 2, 3, 4]) / step, [100, 50, 33.33333333, 25])
    printed(frequency2scale("cmor1.5-1.0", np.array([100, 50, 33.33333333, 25]) * step).round(8), [1, 2, 3, 4])
