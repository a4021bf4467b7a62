"""Shrink-wrap: its first box, its wrap, the coarse grid, the blur of partial coherence."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from undula import align, recover
from undula.data import drawn_polygon, drawn_solid
from undula.jobs.recover.coherence import fit_blur, with_blur
from undula.jobs.recover.problem import read_problem
from undula.jobs.recover.shrinkwrap import autocorrelation_box, coarse, embed, wrap
from undula.metrics import relative_error
from undula.spectra import fourier, inverse_fourier


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize(("shape", "sides"), [((32,), (9,)), ((32, 30), (10, 7)), ((20, 24, 22), (5, 8, 6))])
def test_first_box_holds_the_object(shape, sides, dtype, problem_of, drawn):
    x = torch.zeros(3, *shape, dtype=dtype)
    corner = tuple(slice(2, 2 + side) for side in sides)
    x[(slice(None), *corner)] = drawn((3, *sides), dtype=dtype) + 0.5
    box = autocorrelation_box(problem_of(x, bounds=(0.0, 1.5)))
    for mask in box:
        for axis, side in enumerate(sides):
            others = tuple(a for a in range(len(shape)) if a != axis)
            along = mask.any(dim=others) if others else mask
            assert side <= int(along.sum()) <= side + 5
            places = along.nonzero()[:, 0]
            assert int(places[-1] - places[0]) + 1 == int(along.sum())  # one piece, in the middle
            assert abs(float(places.double().mean()) - shape[axis] / 2) <= 1


@pytest.mark.parametrize("shape", [(20, 21), (10, 12, 11)])
def test_wrap_is_scipys_blur_and_a_threshold(shape, drawn):
    estimate = drawn((2, *shape), dtype=torch.complex128)
    got = wrap(estimate, deviation=1.2, threshold=0.4)
    for item, mask in zip(estimate.numpy(), got.numpy(), strict=True):
        smooth = np.fft.ifftn(scipy.ndimage.fourier_gaussian(np.fft.fftn(np.abs(item)), 1.2)).real
        assert np.array_equal(mask, smooth > 0.4 * smooth.max())


@pytest.mark.parametrize(
    ("shape", "finer"), [((8,), (16,)), ((7,), (14,)), ((6, 7), (12, 15)), ((4, 5, 6), (8, 9, 13))]
)
def test_embedding_is_interpolation_of_band_limited_objects(shape, finer, drawn, close):
    """Against the closed form: a sum of waves below the coarse Nyquist frequency, sampled on the finer grid."""
    chance = np.random.default_rng(0)
    coarse_x, fine_x = np.zeros(shape, complex), np.zeros(finer, complex)
    for _ in range(6):
        k = [int(chance.integers(-((n - 1) // 2), (n - 1) // 2 + 1)) for n in shape]
        a = complex(*chance.standard_normal(2))
        for target, sides in ((coarse_x, shape), (fine_x, finer)):
            grids = np.meshgrid(*[np.arange(n) / n for n in sides], indexing="ij")
            target += a * np.exp(2j * np.pi * sum(q * g for q, g in zip(k, grids, strict=True)))
    spectrum = embed(torch.fft.fftn(torch.from_numpy(coarse_x))[None], finer)
    close(torch.fft.ifftn(spectrum[0]) * (np.prod(finer) / np.prod(shape)), fine_x, times=10)


def test_the_coarse_problem_is_that_of_the_inner_frequencies(problem_of):
    """Coarse items are the band-limited object sampled at every second pixel; small and real problems stay whole."""
    shape, small = (96, 98), (48, 49)
    spectrum = torch.zeros(1, *shape, dtype=torch.complex128)
    inner = torch.randn(1, 41, 41, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    spectrum[:, 28:69, 29:70] = inner
    x = torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(1, 2)), norm="ortho")
    problem = problem_of(x)
    reduced = coarse(problem)
    assert reduced is not None and reduced.shape == small
    close_x = x[:, ::2, ::2] * 2  # unitary: half the samples along two axes
    assert reduced.residual(close_x)[0] < 1e-12
    back = inverse_fourier(embed(fourier(close_x), shape), shape=shape, real=False)
    assert relative_error(back, x)[0] < 1e-12
    assert coarse(problem_of(x[:, :94])) is None and coarse(problem_of(x.real, bounds=(None, None))) is None


@pytest.mark.parametrize("dims", [2, 3])
def test_blur_of_partial_coherence_is_found(dims, drawn):
    """Intensities blurred with known taps by NumPy's rolls; coherent ones give none."""
    shape, sides = (24,) * dims, (9,) * dims
    x = torch.zeros(2, *shape, dtype=torch.complex128)
    x[(slice(None), *[slice(0, s) for s in sides])] = drawn((2, *sides), dtype=torch.complex128)
    taps = torch.tensor([[0.08, 0.03, 0.11], [0.0, 0.15, 0.05]], dtype=torch.float64)[:, :dims]
    axes = tuple(range(1, dims + 1))
    intensity = np.abs(np.fft.fftn(x.numpy(), axes=axes)) ** 2
    wide = intensity
    for axis in range(dims):
        w = taps[:, axis].numpy().reshape(-1, *[1] * dims)
        wide = (1 - 2 * w) * wide + w * (np.roll(wide, 1, 1 + axis) + np.roll(wide, -1, 1 + axis))

    def read(values):
        return read_problem(
            torch.from_numpy(values),
            intensities=True,
            centered=False,
            norm="backward",
            real=False,
            bounds=(None, None),
            measured=None,
        )

    assert fit_blur(read(intensity), x, steps=6).abs().max() < 1e-6
    problem = read(wide)
    got = fit_blur(problem, x, steps=12)
    assert (got - taps).abs().max() < 1e-3
    assert (with_blur(problem, got).residual(x) < 0.1 * problem.residual(x)).all()


@pytest.mark.slow
def test_a_polygon_is_recovered_without_a_support():
    """Its autocorrelation alone tells where it is; measured against the truth it never saw."""
    image, _ = drawn_polygon(32, generator=torch.Generator().manual_seed(2))
    frame = torch.zeros(64, 64, dtype=torch.complex64)
    frame[:32, :32] = image
    magnitudes = torch.fft.fft2(frame).abs()
    result = recover(magnitudes, field="complex", support="shrinkwrap", runs=4, generator=torch.tensor([1]))
    assert result.agreement > 0.9
    laid = align(result.image, frame, subpixel=True).image
    guess = align(recover(magnitudes, field="complex", support=32, starts=1, max_transforms=1).image, frame).image
    assert relative_error(laid, frame) < min(0.35, 0.5 * float(relative_error(guess, frame)))
    assert result.support.dtype == torch.bool and 0.5 < float(result.support.sum() / (frame.abs() > 0).sum()) < 2
    assert result.blur is None or result.blur.abs().max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("runs", [1, 4])
def test_exact_patterns_are_accepted_without_a_support(runs):
    """A real object of 40 × 40 in 128 × 128: the fixed schedule ends near the answer, what follows ends at it."""
    frame = torch.zeros(1, 128, 128, dtype=torch.float64)
    frame[0, 30:70, 40:80] = 300 * drawn_solid(40)[20]
    intensities = torch.fft.fft2(frame).abs().square()
    options = {"intensities": True, "bounds": (0.0, None), "generator": torch.tensor([1])}
    result = recover(intensities, support="shrinkwrap", runs=runs, **options)
    assert result.accepted.all() and result.run_accepted.all()
    assert relative_error(align(result.image, frame).image, frame)[0] < 0.01
    outside = (align(result.image, frame).image > 0.01 * frame.amax()) & (frame == 0)
    assert not outside.any()
