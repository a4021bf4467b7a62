"""Wrong input: one line that holds what was got, what was expected, what to do next."""

import math
import re

import numpy as np
import pytest
import torch

from undula.errors import OptionError, RangeError, ShapeError, UndulaError

NAN, INF = math.nan, math.inf


def moduli(*shape, dtype=torch.float32):
    image = torch.rand(*shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return torch.fft.fft2(image).abs()


def changed(value, place=(1, 2)):
    magnitudes = moduli(8, 8)
    magnitudes[place] = value
    magnitudes[tuple(-p for p in place)] = value
    return magnitudes


def asymmetric():
    magnitudes = moduli(8, 8)
    magnitudes[1, 2] *= 1.5
    return magnitudes


@pytest.fixture
def refused(recover_unchecked):
    """Call `recover` without the run-time checks of types, as users do, and give the one line it raises."""

    def attempt(kind, magnitudes, **options):
        with pytest.raises(UndulaError) as raised:
            recover_unchecked(magnitudes, **options)
        assert type(raised.value) is kind
        text = str(raised.value)
        assert "\n" not in text and text.startswith("got ") and ", expected " in text
        return text

    return attempt


MAGNITUDES = {
    "negative": (
        RangeError,
        changed(-1.0),
        r"got negative magnitudes \(least -1\), expected \|F\| ≥ 0: take the modulus",
    ),
    "nan": (RangeError, changed(NAN), r"got 2 NaN or infinite magnitudes, expected finite ones: mark them as not meas"),
    "inf": (RangeError, changed(INF), r"got 2 NaN or infinite magnitudes"),
    "asymmetric": (
        RangeError,
        asymmetric(),
        r"\|F\(k\)\| ≠ \|F\(-k\)\| \(relative difference 0\.\d+\).*noise=….*centered=T",
    ),
    "empty": (
        ShapeError,
        torch.zeros(0, 8, 8),
        r"got magnitudes of shape \(0, 8, 8\), expected \(…, H, W\) with at least",
    ),
    "no pixels": (ShapeError, torch.zeros(8, 0), r"got magnitudes of shape \(8, 0\)"),
    "too few axes": (ShapeError, torch.zeros(8), r"got magnitudes of shape \(8,\).*check dims"),
    "scalar": (ShapeError, torch.tensor(1.0), r"got magnitudes of shape \(\)"),
    "complex": (
        RangeError,
        moduli(8, 8) + 0j,
        r"got complex numbers, expected magnitudes: take \.abs\(\) of the spectrum",
    ),
    "uint8": (RangeError, torch.ones(8, 8, dtype=torch.uint8), r"type uint8, expected floats: counts are intensities"),
    "bool": (RangeError, torch.ones(8, 8, dtype=torch.bool), r"type bool, expected floats"),
    "uint16": (
        RangeError,
        np.ones((8, 8), dtype=np.uint16),
        r"got magnitudes of type \w+, expected floats: counts are",
    ),
    "float16": (
        RangeError,
        moduli(8, 8).half(),
        r"type float16, expected float32 or float64: .*convert with \.float\(\)",
    ),
    "bfloat16": (RangeError, moduli(8, 8).bfloat16(), r"type bfloat16, expected float32 or float64"),
    "float16 array": (RangeError, np.ones((8, 8), dtype=np.float16), r"type float16, expected float32 or float64"),
    "words": (RangeError, np.array([["a", "b"]]), r"got an array of type <U1, expected numbers"),
    "objects": (RangeError, np.array([[None, 1]]), r"got an array of type object, expected numbers"),
    "huge": (RangeError, moduli(8, 8) * 1e20, r"got magnitudes up to .*e\+2\d, expected 1e-15…1e15: rescale them"),
    "tiny": (RangeError, moduli(8, 8) * 1e-20, r"got magnitudes up to .*e-\d+, expected 1e-15…1e15: rescale them"),
}


@pytest.mark.parametrize("name", MAGNITUDES)
def test_magnitudes(name, refused):
    kind, magnitudes, pattern = MAGNITUDES[name]
    assert re.search(pattern, refused(kind, magnitudes))


@pytest.mark.parametrize("side", [8, 9])
def test_zero_frequency_in_the_middle_is_noticed(side, refused):
    """Of even sides the shifted pattern has its symmetry still, of odd ones it has not; either way the remedy is named."""
    text = refused(RangeError, torch.fft.fftshift(moduli(side, side)))
    assert ("larger elsewhere than at zero frequency" if side == 8 else "≠") in text and "centered=True" in text


def test_a_mean_above_the_bound_is_noticed(refused):
    """The zero frequency is the sum of the pixels: intensities taken for magnitudes, or another normalization."""
    text = refused(RangeError, moduli(8, 8).square())
    assert re.search(
        r"with mean value \d+.*, expected at most 1: check norm=… and intensities=…, or open the upper", text
    )
    assert "mean value" in refused(RangeError, moduli(8, 8), norm="ortho")


OPTIONS = {
    "dims": (OptionError, {"dims": 4}, r"got dims=4, expected 1, 2 or 3"),
    "method": (
        OptionError,
        {"method": "magic"},
        r"got method='magic', expected one of rrr, .*gradient or a GradientDesc",
    ),
    "field": (OptionError, {"field": "quaternion"}, r"got field='quaternion', expected \"real\" or \"complex\""),
    "norm": (OptionError, {"norm": "unitary"}, r"got norm='unitary', expected one of backward, ortho, forward"),
    "support word": (
        OptionError,
        {"support": "tight"},
        r"got support='tight', expected None, sides, a boolean mask or",
    ),
    "support true": (OptionError, {"support": True}, r"got support=True, expected None, sides in pixels"),
    "support float": (OptionError, {"support": 3.5}, r"got support=3\.5, expected None, sides in pixels"),
    "box of zero": (OptionError, {"support": 0}, r"support box with sides \(0, 0\) in a frame of \(8, 8\)"),
    "box too large": (OptionError, {"support": (4, 9)}, r"support box with sides \(4, 9\).*1 … the frame's side"),
    "box of one side": (OptionError, {"support": (4,)}, r"support box with sides \(4,\).*expected one side per axis"),
    "box of words": (OptionError, {"support": ("a", "b")}, r"got (a )?support"),
    "box of fractions": (OptionError, {"support": (2.5, 3.0)}, r"got (a )?support"),
    "support shape": (
        ShapeError,
        {"support": torch.ones(8, 9) > 0},
        r"got support of shape \(8, 9\), expected \(8, 8\) for",
    ),
    "support numbers": (
        RangeError,
        {"support": torch.ones(8, 8)},
        r"got support of type float32, expected a boolean mask",
    ),
    "support of nothing": (
        RangeError,
        {"support": torch.zeros(8, 8) > 0, "max_transforms": 99},
        r"got .*support.*expected .*True",
    ),
    "mask shape": (
        ShapeError,
        {"measured": torch.ones(7, 8) > 0},
        r"got measured of shape \(7, 8\), expected \(8, 8\)",
    ),
    "mask numbers": (
        RangeError,
        {"measured": torch.ones(8, 8)},
        r"got measured of type float32, expected a boolean mask",
    ),
    "mask all false": (
        RangeError,
        {"measured": torch.zeros(8, 8) > 0},
        r"without a single measured .*is it inverted\?",
    ),
    "bounds reversed": (
        OptionError,
        {"bounds": (1.0, 0.0)},
        r"got bounds=\(1\.0, 0\.0\), expected \(least, greatest\) with",
    ),
    "bounds equal": (OptionError, {"bounds": (1.0, 1.0)}, r"got bounds=\(1\.0, 1\.0\), expected \(least, greatest\)"),
    "bounds nan": (OptionError, {"bounds": (NAN, 1.0)}, r"got bounds=\(nan, 1\.0\), expected \(least, greatest\)"),
    "bounds three": (OptionError, {"bounds": (0.0, 1.0, 2.0)}, r"got bounds=.*, expected two values"),
    "no restriction": (OptionError, {"bounds": None}, r"bounds=None and no support, expected something that restricts"),
    "complex without": (
        OptionError,
        {"field": "complex"},
        r"got field='complex', .*no support, expected something that",
    ),
    "starts": (OptionError, {"starts": 0}, r"got starts=0, expected at least 1"),
    "runs": (OptionError, {"runs": 0}, r"got runs=0, expected at least 1"),
    "max_transforms": (OptionError, {"max_transforms": 0}, r"got max_transforms=0, expected at least 1"),
    "start shape": (
        ShapeError,
        {"start": torch.zeros(8, 7)},
        r"got a start of shape \(8, 7\), expected that of the magn",
    ),
    "start nan": (RangeError, {"start": torch.full((8, 8), NAN)}, r"got NaN or infinite values in start"),
    "start complex": (RangeError, {"start": torch.zeros(8, 8) + 0j}, r"got a complex start for a real object.*field="),
    "tolerance zero": (
        OptionError,
        {"tolerance": 0.0},
        r"got tolerance=0\.0, expected a positive residual: 2e-4 is the",
    ),
    "tolerance negative": (OptionError, {"tolerance": -1e-3}, r"got tolerance=-0\.001, expected a positive residual"),
    "tolerance nan": (OptionError, {"tolerance": NAN}, r"got tolerance=nan, expected a positive residual"),
    "seeds": (ShapeError, {"generator": torch.arange(3)}, r"got 3 seeds for 1 items, expected one seed per item"),
}


@pytest.mark.parametrize("kind_of_array", ["tensor", "array"])
@pytest.mark.parametrize("name", OPTIONS)
def test_options(name, kind_of_array, refused):
    kind, options, pattern = OPTIONS[name]
    magnitudes = moduli(8, 8)
    if kind_of_array == "array":
        magnitudes = magnitudes.numpy()
        arrays = ("support", "measured", "start")
        options = {
            key: value.numpy() if key in arrays and isinstance(value, torch.Tensor) else value
            for key, value in options.items()
        }
    assert re.search(pattern, refused(kind, magnitudes, **options))


def test_nothing_at_all_measured_of_one_item(refused):
    """A mask for each item of which one is empty: nothing could be recovered of that item."""
    mask = torch.ones(2, 8, 8, dtype=torch.bool)
    mask[1] = False
    text = refused(RangeError, moduli(2, 8, 8), measured=mask)
    assert re.search(r"got a mask without a single measured magnitude", text)


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8)])
def test_nan_where_nothing_was_measured_is_fine(shape, recover_unchecked):
    magnitudes = moduli(*shape)
    mask = torch.ones(8, 8, dtype=torch.bool)
    mask[1, 2] = mask[-1, -2] = False
    magnitudes[..., 1, 2] = NAN
    result = recover_unchecked(magnitudes, measured=mask, starts=1, max_transforms=50)
    assert torch.isfinite(result.image).all() and torch.isfinite(result.residual).all()


@pytest.mark.parametrize("integer", [True, False])
def test_whole_numbers_are_numbers(integer, recover_unchecked):
    """bounds=(0, 1) and support=np.int64(4) are what users write."""
    options = {"bounds": (0, 1), "support": np.int64(4)} if integer else {"bounds": [0.0, 1.0], "support": [4, 4]}
    result = recover_unchecked(moduli(8, 8), starts=1, max_transforms=50, **options)
    assert result.image.shape == (8, 8)
