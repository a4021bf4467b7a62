"""What is read from the user: normalizations, layouts, half planes, masks."""

import numpy as np
import pytest
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.recover.problem import as_bounds, blurred, read_problem, second_difference

SHAPES = [(1,), (2,), (7,), (8,), (1, 1), (6, 7), (7, 6), (5, 5), (3, 4, 5), (4, 3, 2)]


def read(magnitudes, **options):
    standard = {
        "intensities": False,
        "centered": False,
        "norm": "backward",
        "real": True,
        "bounds": (0.0, 1.0),
        "measured": None,
    }
    return read_problem(magnitudes, **{**standard, **options})


def axes_of(shape):
    return tuple(range(1, len(shape) + 1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_way_of_writing_a_pattern_gives_the_same_moduli(shape, dtype, drawn, close):
    """NumPy's transforms in its three normalizations, centered or not, squared or not."""
    x, axes = drawn((2, *shape), dtype=dtype), axes_of(shape)
    real = not dtype.is_complex
    transform = np.fft.rfftn if real else np.fft.fftn
    want = np.abs(transform(x.numpy(), axes=axes, norm="ortho"))
    for norm in ("backward", "ortho", "forward"):
        for centered in (False, True):
            for intensities in (False, True):
                given = np.abs(np.fft.fftn(x.numpy(), axes=axes, norm=norm))
                given = np.fft.fftshift(given, axes=axes) if centered else given
                given = torch.from_numpy(given**2 if intensities else given)
                problem = read(given, norm=norm, centered=centered, intensities=intensities, real=real)
                # The root of a square keeps seven digits of what is zero but for rounding.
                close(problem.moduli, want, times=1e7 if intensities else 10)
                assert problem.dims == len(shape) and problem.shape == shape
                close(problem.energy, (np.abs(x.numpy()) ** 2).sum(axis=axes), times=10)


@pytest.mark.parametrize("shape", SHAPES)
def test_mirrors_of_odd_and_even_sides_are_found(shape, drawn):
    """Magnitudes of real images pass with their rounding, in single precision; one coefficient moved does not."""
    magnitudes = torch.fft.fftn(drawn((3, *shape)).float(), dim=axes_of(shape)).abs()
    assert read(magnitudes).asymmetry.max() < 1e-5
    if max(shape) > 2:
        place = (1, *[min(1, n - 1) for n in shape])
        wrong = magnitudes.clone()
        wrong[place] += 0.1 * magnitudes[1].max()
        with pytest.raises(
            RangeError, match=r"got magnitudes with \|F\(k\)\| ≠ \|F\(-k\)\| \(relative difference 0\.\d+\)"
        ):
            read(wrong)
        assert read(wrong, real=False).asymmetry.max() == 0
        problem = read(wrong, symmetrize=True)
        assert problem.asymmetry[1] > 1e-3 and problem.asymmetry[0] < 1e-5


def test_symmetrized_magnitudes_are_the_mean_of_the_measured_mirrors(close):
    values = torch.arange(1.0, 9.0, dtype=torch.float64)[None]
    mirror = values[:, (-np.arange(8)) % 8]
    problem = read(values, symmetrize=True, norm="ortho", bounds=(None, None))
    close(problem.moduli, ((values + mirror) / 2)[:, :5])
    measured = torch.ones(1, 8, dtype=torch.bool)
    measured[0, 3] = False
    problem = read(values, symmetrize=True, norm="ortho", bounds=(None, None), measured=measured)
    want = ((values + mirror) / 2)[:, :5]
    want[0, 3] = values[0, 5]  # its mirror alone was measured
    close(problem.moduli, want)
    assert problem.measured is not None and problem.measured.all()
    measured[0, 5] = False
    problem = read(values, symmetrize=True, norm="ortho", bounds=(None, None), measured=measured)
    assert problem.measured.tolist() == [[True, True, True, False, True]]
    assert problem.weights.tolist() == [[1, 2, 2, 0, 1]]


def test_what_was_not_measured_is_not_looked_at(drawn, pairs, close):
    """NaN, infinite and negative values behind the mask change nothing."""
    magnitudes = torch.fft.fftn(drawn((3, 6, 7)), dim=(1, 2)).abs()
    mask = pairs((6, 7), share=0.4)
    clean = read(magnitudes, measured=mask)
    for bad in (torch.nan, torch.inf, -1.0, 1e30):
        problem = read(torch.where(mask, magnitudes, bad), measured=mask)
        assert torch.equal(problem.moduli, clean.moduli) and torch.equal(problem.weights, clean.weights)
    shifted = read(
        torch.fft.fftshift(magnitudes, dim=(1, 2)), measured=torch.fft.fftshift(mask, dim=(1, 2)), centered=True
    )
    assert torch.equal(shifted.moduli, clean.moduli) and torch.equal(shifted.measured, clean.measured)


def test_one_mask_for_all_and_one_for_each(drawn, pairs):
    magnitudes = torch.fft.fftn(drawn((3, 6, 7)), dim=(1, 2)).abs()
    each = torch.cat([pairs((6, 7), seed=s) for s in range(3)])
    problem = read(magnitudes, measured=each)
    for row in range(3):
        one = read(magnitudes[row : row + 1], measured=each[row : row + 1])
        assert torch.equal(problem.take(torch.tensor([row])).weights, one.weights)
        assert torch.equal(problem.moduli[row : row + 1], one.moduli)


def test_take_repeats_and_reorders(drawn, problem_of):
    problem = problem_of(drawn((4, 6, 7)))
    index = torch.tensor([2, 0, 2])
    taken = problem.take(index)
    assert torch.equal(taken.moduli, problem.moduli[index]) and torch.equal(taken.energy, problem.energy[index])
    assert len(problem.take(index[:0]).moduli) == 0


@pytest.mark.parametrize("shape", [(6,), (5, 6), (3, 4, 5)])
def test_blur_is_the_circular_convolution(shape, drawn, close):
    """Against the direct sum with (w, 1 - 2w, w) along every axis."""
    values, taps = drawn((2, *shape)).abs(), torch.rand(2, len(shape), dtype=torch.float64) / 4
    want = values.numpy().copy()
    for axis in range(len(shape)):
        w = taps[:, axis].numpy().reshape(-1, *[1] * len(shape))
        want = (1 - 2 * w) * want + w * (np.roll(want, 1, 1 + axis) + np.roll(want, -1, 1 + axis))
    got = blurred(values, taps)
    close(got, want)
    assert (got >= 0).all()
    close(got.flatten(1).sum(1), values.flatten(1).sum(1), times=10)
    close(blurred(values, taps, skip=0), blurred(values, taps * torch.tensor([0.0] + [1.0] * (len(shape) - 1))))
    close(second_difference(values, 0), np.roll(values, 1, 1) + np.roll(values, -1, 1) - 2 * values.numpy())


def test_bounds():
    assert as_bounds(None) == (None, None) and as_bounds([None, 2.0]) == (None, 2.0)
    with pytest.raises(OptionError, match=r"^got bounds=\(0.0,\), expected two values \(least, greatest\) or None"):
        as_bounds((0.0,))
    for bounds in ((1.0, 0.0), (0.5, 0.5), (float("nan"), 1.0), (0.0, float("nan"))):
        with pytest.raises(OptionError, match=r"got bounds=.*, expected \(least, greatest\) with least < greatest"):
            read(torch.ones(1, 4, 4), bounds=bounds)


def test_masks_that_do_not_fit(unchecked):
    copy = unchecked("undula.jobs.recover.problem").read_problem
    options = {"intensities": False, "centered": False, "norm": "backward", "real": True, "bounds": (0.0, 1.0)}
    magnitudes = torch.fft.fft2(torch.rand(3, 4, 4)).abs()
    for shape in ((1, 4, 5), (2, 4, 4)):
        with pytest.raises(ShapeError, match=r"got a mask of measured magnitudes of shape .*crop it the same way"):
            copy(magnitudes, measured=torch.ones(*shape, dtype=torch.bool), **options)
    with pytest.raises(RangeError, match=r"got a mask without a single measured magnitude.*is it inverted\?"):
        copy(magnitudes, measured=torch.zeros(1, 4, 4, dtype=torch.bool), **options)
