"""The transforms against NumPy, SciPy, and what Fourier analysis promises."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from undula.spectra import (
    circular_shift,
    cross_correlation,
    fourier,
    frequencies,
    gaussian_blur,
    half_plane_weights,
    inverse_fourier,
    radial_bands,
    radial_mean,
    reverse,
    translate,
)

SHAPES = [(1,), (7,), (8,), (1, 1), (1, 6), (5, 1), (6, 8), (5, 7), (6, 7), (7, 6), (4, 5, 6), (3, 4, 5)]
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]


def draw(shape, *, batch=3, dtype=torch.float64, seed=0, contiguous=True):
    """Normal items (batch, shape)."""
    chance = torch.Generator().manual_seed(seed)
    if contiguous:
        return torch.randn(batch, *shape, dtype=dtype, generator=chance)
    return torch.randn(*reversed(shape), 2 * batch, dtype=dtype, generator=chance)[..., ::2].permute(
        *reversed(range(len(shape) + 1))
    )


def spaces(shape):
    return tuple(range(-len(shape), 0))


def like(dtype):
    return torch.ones((), dtype=dtype)


@pytest.fixture
def plain(unchecked):
    return unchecked("undula.spectra.fourier")


@pytest.mark.parametrize(("batch", "contiguous"), [(1, True), (3, False)])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_fourier_is_numpys_unitary_transform(shape, dtype, batch, contiguous, close):
    x = draw(shape, batch=batch, dtype=dtype, contiguous=contiguous)
    transform = np.fft.fftn if dtype.is_complex else np.fft.rfftn
    got = fourier(x, dims=len(shape))
    close(got, transform(x.numpy(), axes=spaces(shape), norm="ortho"))
    back = inverse_fourier(got, shape=shape, real=not dtype.is_complex)
    assert back.dtype == dtype
    close(back, x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", SHAPES)
def test_half_plane_weights_make_parseval_hold(shape, dtype, close):
    x, real = draw(shape, dtype=dtype), not dtype.is_complex
    weights = half_plane_weights(shape, real=real, like=x)
    assert weights.dtype == torch.float64
    power = fourier(x, dims=len(shape)).abs().square()
    total = (weights * power).sum(dim=spaces(shape))
    close(total, x.abs().square().sum(dim=spaces(shape)), times=3)
    assert float(weights.expand(power.shape[1:]).sum()) == math.prod(shape)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_frequencies_are_numpys(shape, real, close):
    grids = frequencies(shape, real=real, like=like(torch.float64))
    wanted = [np.fft.fftfreq(n) for n in shape]
    if real:
        wanted[-1] = np.fft.rfftfreq(shape[-1])
    for got, want in zip(torch.broadcast_tensors(*grids), np.meshgrid(*wanted, indexing="ij"), strict=True):
        close(got, want)


@pytest.mark.parametrize("deviation", [0.4, 1.3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(8,), (7,), (6, 8), (5, 7), (1, 1), (4, 5, 6)])
def test_gaussian_blur_is_scipys(shape, dtype, deviation, close):
    x = draw(shape, dtype=dtype)
    want = np.stack([np.fft.ifftn(scipy.ndimage.fourier_gaussian(np.fft.fftn(item), deviation)) for item in x.numpy()])
    got = gaussian_blur(x, deviation=deviation, dims=len(shape))
    assert got.dtype == dtype
    close(got, want if dtype.is_complex else want.real)
    close(got.sum(dim=spaces(shape)), x.sum(dim=spaces(shape)), times=10)


def test_gaussian_blur_by_nothing_changes_nothing():
    x = draw((5, 6))
    assert torch.equal(gaussian_blur(x, deviation=0.0), x)


@pytest.mark.parametrize("shape", SHAPES)
def test_reverse_is_the_mirror_of_the_spectrum(shape, close):
    x = draw(shape, dtype=torch.complex128)
    index = np.ix_(*[(-np.arange(n)) % n for n in shape])
    turned = reverse(x, dims=len(shape))
    assert torch.equal(turned, torch.as_tensor(np.stack([item[index] for item in x.numpy()])))
    assert torch.equal(reverse(turned, dims=len(shape)), x)
    close(fourier(turned.conj(), dims=len(shape)), fourier(x, dims=len(shape)).conj())


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128, torch.bool, torch.int64])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_circular_shift_is_torch_roll_for_every_item(shape, batch, dtype, generator):
    x = draw(shape, batch=batch).mul(10).to(dtype)
    shift = torch.randint(-20, 20, (batch, len(shape)), generator=generator)
    want = torch.stack([item.roll(tuple(s), spaces(shape)) for item, s in zip(x, shift.tolist(), strict=True)])
    assert torch.equal(circular_shift(x, shift), want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_translate_by_whole_samples_is_circular_shift(shape, dtype, generator, close):
    x = draw(shape, dtype=dtype)
    shift = torch.randint(-9, 9, (3, len(shape)), generator=generator)
    # Phase ramps of up to nine turns: rounding of the angle adds to that of the transforms.
    close(translate(x, shift.to(x.real.dtype)), circular_shift(x, shift), times=10)


@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 5, 7)])
def test_translate_is_scipys_fourier_shift(shape, generator, close):
    """Odd sides only: on even ones the Nyquist coefficient has no fractional shift, and SciPy gives it a complex one."""
    x = draw(shape)
    shift = 6 * torch.rand(3, len(shape), generator=generator, dtype=torch.float64) - 3
    want = [
        np.fft.ifftn(scipy.ndimage.fourier_shift(np.fft.fftn(item), tuple(by))).real
        for item, by in zip(x.numpy(), shift.tolist(), strict=True)
    ]
    close(translate(x, shift), np.stack(want), times=10)


def test_translate_of_even_sides_follows_the_real_part(close):
    """cos(π n) moved by s is cos(π s) cos(π n): the closed form of the docstring."""
    n = torch.arange(6, dtype=torch.float64)
    wave = torch.cos(math.pi * n)[None]
    close(translate(wave, torch.tensor([[0.3]], dtype=torch.float64)), math.cos(0.3 * math.pi) * wave, times=10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(1,), (6,), (4, 5), (2, 3, 4)])
def test_cross_correlation_is_the_direct_sum(shape, dtype, close):
    x, y = draw(shape, dtype=dtype), draw(shape, dtype=dtype, seed=1)
    want = torch.zeros_like(x)
    for s in np.ndindex(shape):
        rolled = y.roll([-int(step) for step in s], spaces(shape))
        want[(slice(None), *s)] = (x.conj() * rolled).sum(dim=spaces(shape))
    close(cross_correlation(x, y, dims=len(shape)), want, times=10)


def test_cross_correlation_peaks_at_the_shift_that_takes_x_to_y():
    x = draw((8, 9), batch=1)
    peak = cross_correlation(x, x.roll((3, 5), (1, 2)))[0].argmax()
    assert divmod(int(peak), 9) == (3, 5)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_radial_bands_are_numpys_loop(shape, real):
    bands = radial_bands(shape, real=real)
    wanted = [np.fft.fftfreq(n) for n in shape]
    if real:
        wanted[-1] = np.fft.rfftfreq(shape[-1])
    for place in np.ndindex(tuple(bands.shape)):
        distance = math.sqrt(sum(wanted[a][i] ** 2 for a, i in enumerate(place))) * max(shape)
        assert abs(int(bands[place]) - distance) <= 0.5 + 1e-9


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", [(6,), (5, 6), (4, 5, 6)])
def test_radial_mean_is_a_loop_over_rings(shape, weighted, close):
    bands = radial_bands(shape, real=True)
    values = draw(tuple(bands.shape))
    weights = half_plane_weights(shape, real=True, like=values).expand(bands.shape) if weighted else None
    numbers = np.ones(tuple(bands.shape)) if weights is None else weights.numpy()
    want = []
    for item in values.numpy():
        rings = [bands.numpy() == ring for ring in range(int(bands.max()) + 1)]
        means = [(item[r] * numbers[r]).sum() / numbers[r].sum() if r.any() else np.nan for r in rings]
        want.append(means)
    filled = ~np.isnan(want[0])
    got = radial_mean(values, bands, weights=weights)
    assert bool(torch.isnan(got[:, ~filled]).all())
    close(got[:, filled], np.array(want)[:, filled], times=10)


def test_radial_mean_of_a_ring_without_weight_is_nan():
    bands = torch.tensor([0, 1, 1])
    got = radial_mean(torch.ones(2, 3), bands, weights=torch.tensor([1.0, 0.0, 0.0]))
    assert got[:, 0].tolist() == [1, 1] and bool(torch.isnan(got[:, 1]).all())


OPERATIONS = {
    "fourier": lambda m, x, y: torch.view_as_real(m.fourier(x)),
    "inverse_fourier": lambda m, x, y: m.inverse_fourier(m.fourier(x) * (1 + m.fourier(y)), shape=(4, 5), real=True),
    "gaussian_blur": lambda m, x, y: m.gaussian_blur(x, deviation=0.8),
    "reverse": lambda m, x, y: m.reverse(x),
    "circular_shift": lambda m, x, y: m.circular_shift(x, torch.tensor([[1, 2], [3, -1]])),
    "translate": lambda m, x, y: m.translate(x, torch.tensor([[0.5, 1.25], [-2.0, 0.1]], dtype=x.dtype)),
    "cross_correlation": lambda m, x, y: m.cross_correlation(x, y),
    "radial_mean": lambda m, x, y: m.radial_mean(x, m.radial_bands((4, 5))),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients(name, plain):
    x, y = draw((4, 5), batch=2).requires_grad_(), draw((4, 5), batch=2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: OPERATIONS[name](plain, a, b) + 0 * b.sum(), (x, y), fast_mode=True)


@pytest.mark.parametrize("name", OPERATIONS)
def test_compiles_in_one_graph(name, plain, close):
    x, y = draw((4, 5), batch=2), draw((4, 5), batch=2, seed=1)
    torch._dynamo.config.capture_scalar_outputs = name == "radial_mean"  # the number of rings is a value of the data
    try:
        compiled = torch.compile(lambda a, b: OPERATIONS[name](plain, a, b), fullgraph=True, backend="aot_eager")
        close(compiled(x, y), OPERATIONS[name](plain, x, y))
    finally:
        torch._dynamo.reset()
        torch._dynamo.config.capture_scalar_outputs = False


@pytest.mark.parametrize("name", ["fourier", "inverse_fourier", "gaussian_blur", "reverse", "cross_correlation"])
def test_maps_over_a_further_axis(name, plain, close):
    x, y = draw((2, 4, 5)), draw((2, 4, 5), seed=1)
    mapped = torch.vmap(lambda a, b: OPERATIONS[name](plain, a, b))(x, y)
    close(mapped, torch.stack([OPERATIONS[name](plain, a, b) for a, b in zip(x, y, strict=True)]))


def test_vmap_of_shifts_is_the_batch(plain, close):
    """circular_shift and translate take batches already; mapped over batches of one they must agree."""
    x, shift = draw((4, 5)), torch.tensor([[1, 2], [0, 3], [-7, 4]])
    mapped = torch.vmap(lambda a, s: plain.translate(a[None], s[None])[0])(x, shift.double())
    close(mapped, circular_shift(x, shift), times=10)
    mapped = torch.vmap(lambda a, s: plain.circular_shift(a[None], s[None])[0])(x, shift)
    assert torch.equal(mapped, circular_shift(x, shift))


def test_the_shape_given_resolves_the_half_plane():
    """The shape of the half plane does not tell 8 from 9 samples: the shape given decides."""
    even, odd = draw((8,)), draw((9,))
    assert fourier(even, dims=1).shape == fourier(odd, dims=1).shape
    assert inverse_fourier(fourier(even, dims=1), shape=(8,), real=True).shape == (3, 8)
    assert inverse_fourier(fourier(odd, dims=1), shape=(9,), real=True).shape == (3, 9)
