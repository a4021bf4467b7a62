"""Laplacian variances against OpenCV and SciPy, slanted edges against the closed form of their MTF."""

import math

import cv2
import numpy as np
import pytest
import scipy.ndimage
import scipy.optimize
import scipy.special
import torch

from undula.errors import RangeError, ShapeError
from undula.metrics import edge_mtf50, laplacian_variance_ratio


def pair(shape, *, batch=(3,), dtype=torch.float64):
    chance = torch.Generator().manual_seed(0)
    return tuple(torch.rand(*batch, *shape, dtype=dtype, generator=chance) for _ in range(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(8, 8), (9, 14), (4, 3)])
def test_laplacian_is_opencvs(shape, dtype, close):
    x, y = pair(shape, dtype=dtype)
    variances = [[cv2.Laplacian(item, -1, ksize=1)[1:-1, 1:-1].var() for item in v.numpy()] for v in (x, y)]
    close(laplacian_variance_ratio(x, y), np.divide(*variances), times=10)


@pytest.mark.parametrize("shape", [(9,), (5, 7), (5, 6, 7)])
def test_laplacian_is_scipys(shape, close):
    x, y = pair(shape)
    inside = (slice(1, -1),) * len(shape)
    variances = [[scipy.ndimage.laplace(item)[inside].var() for item in v.numpy()] for v in (x, y)]
    close(laplacian_variance_ratio(x, y, dims=len(shape)), np.divide(*variances), times=10)


def test_laplacian_of_a_gain_and_a_ramp(close):
    """Second differences know no brightness and no shading; a gain comes squared."""
    x, _ = pair((20, 20))
    ramp = torch.arange(20, dtype=torch.float64)
    close(laplacian_variance_ratio(3 * x + 2 * ramp + 7 * ramp[:, None], x), torch.full((3,), 9.0), times=100)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_laplacian_of_constants_and_ramps_is_nothing(dtype):
    rough, _ = pair((17, 19), batch=(), dtype=dtype)
    for flat in (torch.full_like(rough, 0.3), 0.1 * torch.arange(19, dtype=dtype).expand(17, 19) + 0.7):
        assert laplacian_variance_ratio(flat, rough) == 0
        assert laplacian_variance_ratio(rough, flat) == math.inf
        assert laplacian_variance_ratio(flat, flat).isnan()
    assert laplacian_variance_ratio(rough[:3, :3], rough[:3, :3]).isnan()  # a single value has no variance


# Slanted edges: Φ(distance / σ) integrated over every pixel by a product rule, brightness 0.2 to 0.8.


def edge(shape, *, blur, degrees, at=0.0):
    nodes, weights = np.polynomial.legendre.leggauss(12)
    row = (np.arange(shape[0]) - (shape[0] - 1) / 2)[:, None, None, None] + nodes[:, None] / 2
    column = (np.arange(shape[1]) - (shape[1] - 1) / 2 - at)[:, None, None] + nodes / 2
    angle = math.radians(degrees)
    level = scipy.special.ndtr((column * math.cos(angle) - row * math.sin(angle)) / blur)
    return torch.as_tensor(0.2 + 0.6 * np.einsum("rcij,i,j->rc", level, weights / 2, weights / 2))


def mtf(frequency, *, blur, degrees):
    """The blur's exp(-2π²σ²f²) times the pixel's transfer function across the edge, sinc(f) but for the angle."""
    angle = math.radians(degrees)
    pixel = np.sinc(frequency * math.cos(angle)) * np.sinc(frequency * math.sin(angle))
    return np.exp(-2 * (math.pi * blur * frequency) ** 2) * pixel


def half_contrast(transfer):
    return scipy.optimize.brentq(lambda frequency: transfer(frequency) - 0.5, 1e-3, 0.95)


@pytest.mark.parametrize("degrees", [2, 5, 8, 14, 20])
@pytest.mark.parametrize("blur", [0.5, 0.8, 1.5, 3.0])
def test_mtf50_is_the_closed_form(blur, degrees):
    want = half_contrast(lambda f: mtf(f, blur=blur, degrees=degrees))
    got = edge_mtf50(edge((64, 70), blur=blur, degrees=degrees, at=3.3))
    # 14 degrees is a slant of 1/4: pixels fill quarters of a pixel at one end.
    assert float(got) == pytest.approx(want, rel=0.01 if degrees == 14 else 0.003)
    # The pixel is square: at 5 degrees the formula with sinc(f) alone is the same to half a percent.
    if degrees == 5:
        plain = half_contrast(lambda f: mtf(f, blur=blur, degrees=0))
        assert float(got) == pytest.approx(plain, rel=0.02)


@pytest.mark.parametrize("shape", [(16, 16), (20, 33), (33, 20), (48, 24)])
def test_mtf50_of_small_crops(shape):
    """Within 2 % where the sides are 4 deviations of the blur away, as the docstring promises."""
    for degrees in (4, 7):
        reach = (shape[1] - 1) / 2 - (shape[0] - 1) / 2 * math.tan(math.radians(degrees))
        for blur in (0.5, reach / 4.2):
            want = half_contrast(lambda f, blur=blur, degrees=degrees: mtf(f, blur=blur, degrees=degrees))
            assert float(edge_mtf50(edge(shape, blur=blur, degrees=degrees))) == pytest.approx(want, rel=0.02)


def test_mtf50_knows_no_side_no_turn_and_no_brightness(close):
    crop = edge((40, 52), blur=0.9, degrees=6, at=-2.0)
    one = edge_mtf50(crop)
    seen = [crop.mT, crop.flip(0), crop.flip(1), 1 - crop, 0.01 * crop, crop.rot90()]
    for other in seen:
        close(edge_mtf50(other), one, times=1e4)  # where samples fall on the border of a bin rounding decides
    batch = torch.stack([crop, crop.flip(1), 1 - crop]).reshape(3, 1, 40, 52)
    close(edge_mtf50(batch), one.expand(3, 1), times=1e4)
    assert edge_mtf50(crop.float()).dtype == torch.float32
    assert float(edge_mtf50(crop.float())) == pytest.approx(float(one), rel=1e-3)


def test_mtf50_of_a_sharpened_edge():
    """e + 0.6 (e - wider e): the contrast rises above 1 first."""
    narrow, wide = (edge((64, 64), blur=blur, degrees=7) for blur in (0.8, 1.6))
    want = half_contrast(lambda f: 1.6 * mtf(f, blur=0.8, degrees=7) - 0.6 * mtf(f, blur=1.6, degrees=7))
    got = edge_mtf50(1.6 * narrow - 0.6 * wide)
    assert float(got) == pytest.approx(want, rel=0.003)
    assert float(got) > 1.2 * float(edge_mtf50(narrow))


def test_mtf50_in_noise_scatters_and_keeps_its_mean(generator):
    crop = edge((64, 64), blur=1.0, degrees=5)
    noisy = crop + 0.03 * torch.randn(64, 64, 64, dtype=torch.float64, generator=generator)
    got = edge_mtf50(noisy)
    want = half_contrast(lambda f: mtf(f, blur=1.0, degrees=5))
    assert float(got.mean()) == pytest.approx(want, rel=0.02)
    assert float(got.std()) < 0.07 * want
    assert float(edge_mtf50(noisy.mean(dim=0))) == pytest.approx(want, rel=0.02)


def test_without_an_edge_it_is_nan(generator):
    row, column = torch.arange(48.0)[:, None] - 24, torch.arange(48.0) - 24
    angle = math.radians(5)
    across = column * math.cos(angle) - row * math.sin(angle)
    crops = {
        "constant": torch.full((48, 48), 0.5),
        "noise": torch.rand(48, 48, generator=generator),
        "stripes": torch.sin(across),
        "line": torch.exp(-(across**2)),
        "disk": torch.sigmoid(2 * (torch.hypot(row, column) - 12)),
        "no slant": torch.sigmoid(2 * column).expand(48, 48),
        "45 degrees": torch.sigmoid(column - row),
        "at the side": torch.sigmoid(2 * (across + 20)),
        "staircase": (across > 0).float(),
        "ramp": (column + 0.1 * row).expand(48, 48),
        "too blurred": torch.sigmoid(across / 8),
        "NaN": torch.full((48, 48), math.nan),
        "one NaN": torch.sigmoid(2 * across).index_put((torch.tensor(3), torch.tensor(4)), torch.tensor(math.nan)),
    }
    got = edge_mtf50(torch.stack([*crops.values(), torch.sigmoid(2 * across)]))
    assert {name: math.isnan(value) for name, value in zip(crops, got.tolist(), strict=False)} == dict.fromkeys(
        crops, True
    )
    assert 0 < float(got[-1]) < 0.5


def test_errors_say_what_to_do(unchecked):
    module = unchecked("undula.metrics.sharpness")
    x = torch.zeros(15, 40)
    with pytest.raises(
        ShapeError, match=r"^got crops of \(15, 40\) pixels, expected at least 16 × 16: take a larger crop"
    ):
        module.edge_mtf50(x)
    with pytest.raises(ShapeError, match=r"^got shape \(40,\) with dims=2, expected at least 2 axes"):
        module.edge_mtf50(x[0])
    with pytest.raises(RangeError, match=r"^got values of type torch.uint8, expected floats in \[0, 1\]: divide"):
        module.edge_mtf50(torch.zeros(16, 16, dtype=torch.uint8))
    with pytest.raises(ShapeError, match=r"^got items of \(2, 40\) samples, expected at least 3 along each axis"):
        module.laplacian_variance_ratio(x[:2], x[:2])
    with pytest.raises(ShapeError, match=r"shape \(15, 40\) and a reference of shape \(40, 15\), expected the same"):
        module.laplacian_variance_ratio(x, x.T)
