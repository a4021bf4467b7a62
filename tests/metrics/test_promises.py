"""What every measure promises: items that do not know each other, float32 for halves, gradients, one graph."""

import math
import sys

import pytest
import torch

from undula import metrics
from undula.errors import RangeError, ShapeError
from undula.spectra import gaussian_blur

SIZES = {"multiscale_ssim": (161, 164), "ssim": (12, 13), "color_bias": (3, 24, 25), "lattice_peak_index": (33, 40)}
PAIRS = [
    "mean_squared_error",
    "psnr",
    "relative_error",
    "correlation",
    "ssim",
    "multiscale_ssim",
    "band_energy_ratio",
    "band_correlation",
    "spectrum_distance",
    "laplacian_variance_ratio",
    "lattice_peak_index",
    "color_bias",
]
ALL = [*PAIRS, "edge_mtf50"]


def images(name, *, batch=(3,), dtype=torch.float64):
    """An image and its reference, or slanted edges: items that every measure has a finite value for."""
    chance = torch.Generator().manual_seed(0)
    if name == "edge_mtf50":
        row, column = torch.arange(24, dtype=torch.float64)[:, None], torch.arange(25, dtype=torch.float64)
        at = 12 + torch.rand(*batch, 1, 1, dtype=torch.float64, generator=chance)
        return (torch.sigmoid(2 * (column - at - (row - 12) / 9)).to(dtype),)
    x, y = (torch.rand(*batch, *SIZES.get(name, (33, 36)), dtype=torch.float64, generator=chance) for _ in range(2))
    return tuple(v.to(dtype) for v in (gaussian_blur(x, deviation=0.5) + 0.1 * y, x))


@pytest.fixture
def plain(unhooked, monkeypatch):
    """Measures as users have them, in place of those whose types pytest checks."""
    for name, module in unhooked.items():
        monkeypatch.setitem(sys.modules, name, module)
    return lambda name: getattr(unhooked["undula.metrics"], name)


@pytest.mark.parametrize("name", ALL)
def test_items_do_not_know_each_other(name, close):
    x = images(name, batch=(2, 3))
    measure = getattr(metrics, name)
    together = measure(*x)
    assert together.shape[:2] == (2, 3)
    close(together[1, 2], measure(*(v[1, 2] for v in x)), times=100)  # decibels of equal sums in another order
    strided = [torch.stack([v, v], dim=-1)[..., 0] for v in x]
    close(measure(*strided), together, times=100)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("name", ALL)
def test_nan_stays_with_its_item(name, bad, close):
    x = images(name)
    measure = getattr(metrics, name)
    want = measure(*x)
    for broken in range(len(x)):
        spoiled = [v.clone() for v in x]
        spoiled[broken][1, ..., 4, 5] = bad
        got = measure(*spoiled)
        close(got[::2], want[::2], times=100)
        if math.isnan(bad):
            assert bool(got[1].isnan().all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ALL)
def test_halves_are_measured_in_float32(name, dtype):
    x = images(name, dtype=dtype)
    got, want = getattr(metrics, name)(*x), getattr(metrics, name)(*(v.float() for v in x))
    assert got.dtype == torch.float32
    assert torch.equal(got, want) and bool(torch.isfinite(got).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ALL)
def test_autocast_changes_nothing(name, dtype):
    x = images(name, dtype=dtype)
    want = getattr(metrics, name)(*x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = getattr(metrics, name)(*x)
    assert got.dtype == dtype and torch.equal(got, want)


@pytest.mark.parametrize("name", ALL)
def test_float32_is_close_to_float64(name):
    got, want = (getattr(metrics, name)(*images(name, dtype=dtype)) for dtype in (torch.float32, torch.float64))
    assert torch.allclose(got.double(), want, rtol=1e-3 if name == "edge_mtf50" else 1e-4)


# All but edge_mtf50, which looks for a crossing.
@pytest.mark.parametrize("name", PAIRS)
def test_gradients(name):
    x = [v.requires_grad_() for v in images(name, batch=(1,))]
    # Bands that a small image does not have are NaN.
    assert torch.autograd.gradcheck(lambda *v: torch.nan_to_num(getattr(metrics, name)(*v)), x, fast_mode=True)


@pytest.mark.parametrize(
    "name", ["band_energy_ratio", "band_correlation", "spectrum_distance", "laplacian_variance_ratio"]
)
def test_gradients_are_finite_where_bands_are_empty(name):
    """A small image has no coefficient in some band and a wave none but one: no NaN reaches the others."""
    wave = torch.cos(2 * math.pi * torch.arange(24) / 6).expand(24, 24)
    for x, y in [(torch.rand(9, 9), torch.rand(9, 9)), (2 * wave, wave), (torch.rand(24, 24), torch.zeros(24, 24))]:
        x = x.clone().requires_grad_()
        value = getattr(metrics, name)(x, y)
        torch.where(value.isfinite(), value, 0.0).sum().backward()
        assert x.grad is not None and bool(torch.isfinite(x.grad).all())


# Graphs that are parts of others are left out.
@pytest.mark.parametrize("name", sorted({*ALL} - {"mean_squared_error", "relative_error", "ssim", "band_energy_ratio"}))
def test_compiles_in_one_graph(name, plain, close):
    x = images(name)
    try:
        compiled = torch.compile(plain(name), fullgraph=True, backend="aot_eager")
        close(compiled(*x), getattr(metrics, name)(*x), times=100)
    finally:
        torch._dynamo.reset()


@pytest.mark.parametrize("name", ALL)
def test_maps_over_a_further_axis(name, plain, close):
    x = images(name, batch=(2, 3))
    close(torch.vmap(plain(name))(*x), getattr(metrics, name)(*x), times=100)


@pytest.mark.parametrize("name", PAIRS)
def test_shapes_and_types_are_checked_first(name, plain):
    measure, x = plain(name), torch.zeros(SIZES.get(name, (33, 36)))
    with pytest.raises(ShapeError, match=r"expected the same shape: broadcast or crop one of them first$"):
        measure(x, x[..., 1:])
    with pytest.raises(ShapeError, match=r"^got an empty image of shape"):
        measure(x[None][:0], x[None][:0])
    with pytest.raises(RangeError, match=r"^got values of type torch.int64, expected floats in \[0, 1\]"):
        measure(x.long(), x.long())
    with pytest.raises(
        ShapeError, match=r"expected at least \d axes and dims from 1 on: correct dims, or add an axis$"
    ):
        measure(x[0, 0] if x.ndim == 3 else x[0], x[0, 0] if x.ndim == 3 else x[0])
