"""Radial profiles, Hann windows and periodic-plus-smooth against loops, SciPy and dense solves."""

import math

import numpy as np
import pytest
import scipy.signal
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra import fourier, hann_window, periodic_plus_smooth, radial_profile, ring_frequencies, windowed

SHAPES = [(1,), (2,), (7,), (8,), (1, 1), (1, 6), (5, 1), (2, 3), (6, 8), (5, 7), (7, 6), (4, 5, 6), (3, 3, 2, 2)]
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]


def draw(shape, *, batch=(3,), dtype=torch.float64, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(*batch, *shape, dtype=dtype, generator=chance)


def spaces(shape):
    return tuple(range(-len(shape), 0))


def distances(shape):
    """Frequencies of the full plane in cycles per sample."""
    grids = np.meshgrid(*[np.fft.fftfreq(n) for n in shape], indexing="ij")
    return np.sqrt(sum(grid**2 for grid in grids))


@pytest.fixture
def plain(unchecked):
    """Without the checks of shapes, the transforms that it stands on included."""
    module, ground = unchecked("undula.spectra.profiles"), unchecked("undula.spectra.fourier")
    for name in ("fourier", "frequencies", "half_plane_weights", "inverse_fourier", "radial_bands"):
        setattr(module, name, getattr(ground, name))
    return module


@pytest.mark.parametrize("power", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_profile_is_numpys_loop_over_the_full_plane(shape, dtype, power, close):
    x = draw(shape, dtype=dtype)
    plane = np.abs(np.fft.fftn(x.numpy().astype(complex), axes=spaces(shape), norm="ortho")) ** (2 if power else 1)
    ring = np.rint(np.round(distances(shape) * max(shape), 9)).astype(int)
    got = radial_profile(x, dims=len(shape), power=power)
    assert got.shape == (3, ring.max() + 1) and got.dtype == x.real.dtype
    assert ring_frequencies(shape).tolist() == pytest.approx(np.arange(ring.max() + 1) / max(shape))
    for number in range(ring.max() + 1):
        if (ring == number).any():
            close(got[:, number], plane[:, ring == number].mean(1), times=3)
        else:
            assert bool(torch.isnan(got[:, number]).all())


@pytest.mark.parametrize("bins", [1, 3, 40])
@pytest.mark.parametrize("shape", [(9,), (6, 8), (5, 7), (4, 5, 6)])
def test_bins_are_numpys_histogram(shape, bins, close):
    x, distance = draw(shape), distances(shape)
    plane = np.abs(np.fft.fftn(x.numpy(), axes=spaces(shape), norm="ortho"))
    edges = np.linspace(0, distance.max(), bins + 1)
    count, _ = np.histogram(distance, edges)
    total = np.stack([np.histogram(distance, edges, weights=item)[0] for item in plane])
    filled = count > 0
    got = radial_profile(x, dims=len(shape), bins=bins)
    assert bool(torch.isnan(got[:, ~filled]).all())
    close(got[:, filled], total[:, filled] / count[filled], times=3)
    close(ring_frequencies(shape, bins=bins), (edges[1:] + edges[:-1]) / 2)


def test_a_shape_whose_corner_lies_between_two_rings():
    """(20/42)² + (1/2)² = (29/42)²: with 21 as the longest side the corner lies at ring 14.5 exactly."""
    assert radial_profile(draw((21, 20))).shape[-1] == len(ring_frequencies((21, 20)))
    assert bool(torch.isfinite(radial_profile(draw((21, 20)))).all())


def test_a_single_pixel_has_one_ring_at_zero():
    assert radial_profile(torch.full((1, 1), 2.0)).tolist() == [2.0]
    assert radial_profile(torch.full((1, 1), 2.0), bins=2)[0] == 2
    assert ring_frequencies((1, 1)).tolist() == [0]


def test_white_noise_has_the_flat_profile_that_is_promised():
    x = draw((512, 512), batch=())
    assert radial_profile(x, power=True)[5:].mean() == pytest.approx(1, rel=0.02)
    assert radial_profile(x)[5:].mean() == pytest.approx(math.sqrt(math.pi) / 2, rel=0.02)


def test_logarithms_are_common_ones(close):
    x = draw((6, 8))
    close(radial_profile(x, log=True), np.log10(radial_profile(x).numpy()))
    assert bool(torch.isinf(radial_profile(torch.zeros(4, 4), log=True)).all())


def test_batches_of_any_shape_and_layout(close):
    x = draw((6, 8), batch=(2, 3))
    close(radial_profile(x)[1, 2], radial_profile(x[1, 2]))
    turned = draw((8, 6), batch=(4,)).transpose(1, 2)[::2]
    close(radial_profile(turned), radial_profile(turned.contiguous()))
    for got, want in zip(periodic_plus_smooth(turned), periodic_plus_smooth(turned.contiguous()), strict=True):
        close(got, want)


@pytest.mark.parametrize("shape", [(1,), (2,), (8,), (5, 6), (3, 4, 5)])
def test_hann_is_scipys_periodic_window(shape, close):
    want = np.ones(())
    for length in shape:
        want = np.multiply.outer(want, scipy.signal.windows.hann(length, sym=False))
    window = hann_window(shape, like=torch.ones((), dtype=torch.complex128))
    close(window, want)
    x = draw(shape, dtype=torch.complex64)
    close(windowed(x, dims=len(shape)), x.numpy() * want)
    if min(shape) > 2:
        close(window.square().mean(), 0.375 ** len(shape))


def test_hann_leaks_to_the_neighbors_only(close):
    wave = torch.cos(2 * math.pi * 5 * torch.arange(32, dtype=torch.float64) / 32)
    spectrum = fourier(windowed(wave, dims=1), dims=1).abs() / math.sqrt(32)
    want = torch.zeros(17, dtype=torch.float64)
    want[4:7] = torch.tensor([0.125, 0.25, 0.125])
    close(spectrum, want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_smooth_part_solves_poissons_equation(shape, dtype, close):
    """A dense solve of Δs = v with mean zero; both written out sample by sample."""
    x = draw(shape, dtype=dtype)
    periodic, smooth = periodic_plus_smooth(x, dims=len(shape))
    assert periodic.dtype == smooth.dtype == dtype
    wide = x.numpy().astype(complex if dtype.is_complex else float).reshape(3, -1)
    laplacian, jumps = poisson(shape)
    want = np.linalg.lstsq(np.vstack([laplacian, np.ones(wide.shape[1])]), np.vstack([jumps @ wide.T, np.zeros(3)]))[0]
    close(smooth, want.T.reshape(x.shape), times=10)
    close(periodic + smooth, x)
    close(smooth.sum(spaces(shape)), torch.zeros(3, dtype=dtype), times=10)


def poisson(shape):
    """The Laplacian of the torus, and what takes x to its jumps across the border: that of the box less that."""
    number = np.arange(math.prod(shape)).reshape(shape)
    torus, box = np.zeros((2, number.size, number.size))
    for axis, length in enumerate(shape):
        for step in (1, -1):
            for place in np.ndindex(shape):
                there = list(place)
                there[axis] = (place[axis] + step) % length
                one, other = number[place], number[tuple(there)]
                torus[one, other] += 1
                torus[one, one] -= 1
                if 0 <= place[axis] + step < length:
                    box[one, other] += 1
                    box[one, one] -= 1
    return torus, torus - box


def test_a_periodic_ramp_is_split_in_closed_form(close):
    """In one dimension p is x about its mean divided by N: N steps of 1/N meet at the border."""
    ramp = 3 * torch.arange(11, dtype=torch.float64) - 4
    periodic, smooth = periodic_plus_smooth(ramp, dims=1)
    close(periodic, ramp.mean() + (ramp - ramp.mean()) / 11, times=10)
    close(smooth, (ramp - ramp.mean()) * 10 / 11, times=10)


def test_images_whose_borders_meet_stay_as_they_are(close):
    x = draw((6, 7))
    x[:, -1], x[:, :, -1] = x[:, 0], x[:, :, 0]
    periodic, smooth = periodic_plus_smooth(x)
    close(periodic, x)
    close(smooth, torch.zeros_like(x))


def test_the_cross_leaves_the_spectrum():
    """A slanted plane: its energy on the two axes of frequency drops by more than a thousand."""
    plane = torch.arange(64.0)[:, None] + 2 * torch.arange(64.0)
    cross = [fourier(image)[0, 1:].abs().square().sum() for image in (plane, periodic_plus_smooth(plane)[0])]
    assert cross[1] < 1e-3 * cross[0]


@pytest.mark.parametrize("call", ["radial_profile", "windowed", "periodic_plus_smooth"])
def test_errors(call, plain):
    function = getattr(plain, call)
    with pytest.raises(ShapeError, match=r"got shape \(4,\) with dims=2, expected at least 2 axes"):
        function(torch.ones(4))
    with pytest.raises(ShapeError, match=r"got shape \(3, 0\) with dims=2.*not empty"):
        function(torch.ones(3, 0))
    with pytest.raises(ShapeError, match=r"got shape .* with dims=0, .* dims from 1 on"):
        function(torch.ones(3, 3), dims=0)
    with pytest.raises(RangeError, match=r"got values of type torch.int64, .* take x.float\(\)"):
        function(torch.ones(3, 3, dtype=torch.int64))


def test_errors_of_bins(plain):
    with pytest.raises(OptionError, match=r"got bins=0, expected at least 1"):
        plain.radial_profile(torch.ones(3, 3), bins=0)
    with pytest.raises(OptionError, match=r"got bins=-1, expected at least 1"):
        plain.ring_frequencies((3, 3), bins=-1)


OPERATIONS = {
    "radial_profile": lambda m, x: m.radial_profile(x),
    "power in bins": lambda m, x: m.radial_profile(x, bins=3, power=True, log=True),
    "profile of a complex array": lambda m, x: m.radial_profile(torch.complex(x, x.flip(-1)), dims=1),
    "windowed": lambda m, x: m.windowed(x),
    "periodic_plus_smooth": lambda m, x: torch.cat(m.periodic_plus_smooth(x)),
    "periodic_plus_smooth of a complex array": lambda m, x: torch.view_as_real(
        torch.cat(m.periodic_plus_smooth(torch.complex(x, x.flip(-1)), dims=1))
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients(name, plain):
    x = draw((4, 5), batch=(2,)).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: OPERATIONS[name](plain, a), x)
    assert torch.autograd.gradgradcheck(lambda a: OPERATIONS[name](plain, a), x)


@pytest.mark.parametrize("name", OPERATIONS)
def test_compiles_in_one_graph(name, plain, close):
    x = draw((4, 5))
    compiled = torch.compile(lambda a: OPERATIONS[name](plain, a), fullgraph=True, backend="aot_eager")
    close(compiled(x), OPERATIONS[name](plain, x))
    torch._dynamo.reset()


@pytest.mark.parametrize("name", OPERATIONS)
def test_maps_over_a_further_axis(name, plain, close):
    x = draw((4, 5), batch=(2, 3))
    close(torch.vmap(lambda a: OPERATIONS[name](plain, a))(x), torch.stack([OPERATIONS[name](plain, a) for a in x]))
