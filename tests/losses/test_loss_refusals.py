"""Wrong input: every message says what was got, what was expected, and what to do next."""

import re

import numpy as np
import pytest
import torch

from undula.errors import OptionError, RangeError, ShapeError

IMAGES = (2, 3, 16, 16)

PAIRS = [
    ((3, 16, 16), (3, 16, 16), 2, "expected 4 with dims=2, (batch, channel, height, width): take x.unsqueeze(0)"),
    ((3, 16, 16), (3, 16, 16), 2, "x.unsqueeze(1) of a batch without channels"),
    ((16, 16), (16, 16), 1, "expected 3 with dims=1, (batch, channel, time): take x.unsqueeze(0)"),
    (IMAGES, IMAGES, 1, "got 4 axes (2, 3, 16, 16), expected 3 with dims=1"),
    ((1, *IMAGES), (1, *IMAGES), 2, "got 5 axes (1, 2, 3, 16, 16), expected 4 with dims=2"),
    (IMAGES, (2, 1, 16, 16), 2, "a target of shape (2, 1, 16, 16), expected the same: nothing is broadcast here"),
    ((0, 3, 16, 16), (0, 3, 16, 16), 2, "got an empty batch of shape (0, 3, 16, 16), expected at least one item"),
    ((2, 3, 0, 16), (2, 3, 0, 16), 2, "got an empty batch"),
]


@pytest.mark.parametrize(("output", "target", "dims", "told"), PAIRS)
def test_shapes(plain, make, output, target, dims, told):
    with pytest.raises(ShapeError, match=re.escape(told)):
        make(room=plain, dims=dims)(torch.zeros(output), torch.zeros(target))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.complex64])
def test_types(plain, make, dtype):
    given, floats = torch.zeros(IMAGES).to(dtype), torch.zeros(IMAGES)
    with pytest.raises(RangeError, match=f"got an output of type {dtype}, expected a tensor of floats"):
        make(room=plain)(given, floats)
    with pytest.raises(RangeError, match=f"got a target of type {dtype}, expected a tensor of floats"):
        make(room=plain)(floats, given)


def test_arrays(plain, make):
    with pytest.raises(RangeError, match="got a target of type ndarray, expected a tensor"):
        make(room=plain)(torch.zeros(IMAGES), np.zeros(IMAGES, dtype=np.float32))


OPTIONS = [
    ("MeanSquaredError", {"dims": 3}, "got dims=3, expected 2 for images or 1 for signals"),
    (
        "MeanSquaredError",
        {"reduction": "men"},
        "got reduction='men', expected one of 'mean', 'sum', 'none': did you mean",
    ),
    ("Charbonnier", {"eps": 0.0}, "got eps=0.0, expected a positive number"),
    (
        "FourierMagnitudeLoss",
        {"norm": "orto"},
        "got norm='orto', expected one of 'backward', 'ortho', 'forward': did you",
    ),
    ("FourierMagnitudeLoss", {"window": 3}, "got window=3, expected at least 4 samples"),
    ("FourierMagnitudeLoss", {"window": 8, "step": 9}, "got step=9 with window=8, expected 1…8: 4 is usual"),
    ("FourierMagnitudeLoss", {"window": 8, "step": 0}, "got step=0 with window=8"),
    ("FourierMagnitudeLoss", {"step": 4}, "got step=4 without a window, expected both: window=8, or no step"),
    (
        "FourierMagnitudeLoss",
        {"high_frequency_weight": -2.0},
        "got high_frequency_weight=-2.0, expected a number from -1",
    ),
    ("FourierMagnitudeLoss", {"high_frequency_weight": float("nan")}, "got high_frequency_weight=nan"),
    ("FourierLoss", {"norm": "none"}, "got norm='none'"),
    ("FocalFrequencyLoss", {"alpha": -1.0}, "got alpha=-1.0, expected a number from 0 on"),
    ("BandEnergyLoss", {"bands": 0}, "got bands=0 and eps=0.0001, expected at least 1 and a positive number"),
    ("BandEnergyLoss", {"eps": 0.0}, "got bands=12 and eps=0.0"),
    ("RegionalSharpnessLoss", {"window": 1}, "got window=1 and step=4, expected at least 2 and 1"),
    ("RegionalSharpnessLoss", {"step": 0}, "got window=8 and step=0"),
    (
        "RegionalSharpnessLoss",
        {"order": "sort"},
        "got order='sort', expected one of 'sorted', 'placed': did you mean 'sorted'",
    ),
    ("WaveletLoss", {"wavelet": "harr"}, "got wavelet 'harr', expected a name of PyWavelets: did you mean haar"),
    ("WaveletLoss", {"mode": "symetric"}, "got mode 'symetric', expected one of"),
    (
        "WaveletLoss",
        {"transform": "packet"},
        "got transform='packet', expected one of 'pyramid', 'packets': did you mean",
    ),
    ("WaveletLoss", {"distance": "energies"}, "got distance='energies', expected one of 'coefficients', 'energy'"),
    ("WaveletLoss", {"level": 0}, "got level=0, expected at least 1: level 0 has no details"),
    ("WaveletLoss", {"cell": 0}, "got cell=0, expected at least 1 coefficient"),
    (
        "WaveletLoss",
        {"weights": (1.0,)},
        "got 1 weights (1.0,) for pyramid of level 2, expected 6 or 2, not all of them 0",
    ),
    ("WaveletLoss", {"weights": (1.0,), "dims": 1}, "for pyramid of level 2, expected 2, not all of them 0"),
    ("WaveletLoss", {"weights": (0.0, 0.0)}, "not all of them 0"),
    ("WaveletLoss", {"weights": (1.0,) * 6, "transform": "packets"}, "for packets of level 2, expected 16, not all of"),
]


@pytest.mark.parametrize(("name", "options", "told"), OPTIONS)
def test_options_are_refused_when_the_loss_is_made(plain, name, options, told):
    with pytest.raises(OptionError, match=re.escape(told)):
        getattr(plain, name)(**options)


FUNCTIONS = {
    "Charbonnier": "charbonnier_loss",
    "MeanSquaredError": "mean_squared_error_loss",
    "FourierMagnitudeLoss": "fourier_magnitude_loss",
    "FourierLoss": "fourier_loss",
    "FocalFrequencyLoss": "focal_frequency_loss",
    "BandEnergyLoss": "band_energy_loss",
    "RegionalSharpnessLoss": "regional_sharpness_loss",
    "WaveletLoss": "wavelet_loss",
}


@pytest.mark.parametrize(("name", "options", "told"), OPTIONS)
def test_options_are_refused_by_the_functions(plain, name, options, told):
    signals = torch.zeros(2, 3, 16) if options.get("dims") == 1 else torch.zeros(IMAGES)
    with pytest.raises(OptionError, match=re.escape(told)):
        getattr(plain, FUNCTIONS[name])(signals, signals, **options)


SMALL = [
    ("FourierMagnitudeLoss", {"window": 17}, "got 16 × 20 samples, expected at least the window of 17 along each axis"),
    (
        "RegionalSharpnessLoss",
        {"window": 17},
        "expected at least the window of 17 along each axis: take a smaller window",
    ),
    ("WaveletLoss", {"level": 5}, "got 16 × 20 samples, which have 4 levels of this wavelet, expected 5: take fewer"),
    ("WaveletLoss", {"wavelet": "db9"}, "which have 0 levels of this wavelet, expected 2"),
]


@pytest.mark.parametrize(("name", "options", "told"), SMALL)
def test_images_that_are_too_small(plain, name, options, told):
    with pytest.raises(ShapeError, match=re.escape(told)):
        getattr(plain, name)(**options)(torch.zeros(1, 1, 16, 20), torch.zeros(1, 1, 16, 20))
