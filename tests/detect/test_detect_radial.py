"""Radial profiles: SciPy's cosine transform, ring by ring, is the oracle; they know no size and no direction."""

import numpy as np
import pytest
import scipy.fft
import torch

from undula.errors import ShapeError
from undula.jobs.detect.features import Features, radial_profiles


def images(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def profile(plane, rings):
    """Means over rings, one coefficient after the other."""
    sums, counts = np.zeros(rings), np.zeros(rings)
    for (row, column), value in np.ndenumerate(plane):
        radius = np.hypot(row / (plane.shape[0] - 1), column / (plane.shape[1] - 1)) / np.sqrt(2)
        ring = round(radius * (rings - 1))
        sums[ring] += value
        counts[ring] += 1
    return sums / np.maximum(counts, 1)


def logs(plane):
    return np.log(np.abs(scipy.fft.dctn(plane, norm="ortho")) + 1)


@pytest.mark.parametrize("shape", [(32, 32), (21, 37)])
def test_profiles_are_those_of_scipy(close, shape):
    x = images(2, 3, *shape)
    found = radial_profiles(x)[1]
    luma = 255 * np.tensordot([0.299, 0.587, 0.114], x[1].numpy(), 1)
    close(found[:45], profile(logs(luma), 45), times=100)
    for place, start in ((135, 0), (168, 4)):
        part = luma[start:, start:]
        rows, columns = part.shape[0] // 8, part.shape[1] // 8
        blocks = [part[8 * a : 8 * a + 8, 8 * b : 8 * b + 8] for a in range(rows) for b in range(columns)]
        close(found[place : place + 11], profile(np.mean([logs(block) for block in blocks], axis=0), 11), times=100)


def test_sizes_and_directions_do_not_count(close):
    x = images(1, 3, 24, 40)
    close(radial_profiles(x.mT)[0, :135], radial_profiles(x)[0, :135], times=10)
    assert radial_profiles(images(1, 3, 64, 17)).shape == radial_profiles(x).shape == (1, 201)
    assert Features(kind="radial").any_size


def test_too_small_is_refused():
    with pytest.raises(ShapeError, match="got pictures of 12 × 40 pixels, expected no side below 16"):
        radial_profiles(images(1, 3, 12, 40))
    with pytest.raises(ShapeError, match="channels, expected 3"):
        Features(kind="radial")(images(1, 1, 32, 32))


def test_gradients_flow():
    x = images(1, 3, 17, 16).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: radial_profiles(y)[:, ::20], (x,), fast_mode=True)


def test_spectra_are_profiles_and_statistics():
    x = images(2, 3, 32, 40).float()
    both = Features(kind="spectra")
    parts = [Features(kind="radial")(x), Features()(x)]
    assert torch.equal(both(x), torch.cat(parts, dim=1))
    assert [both(x)[:, view].shape[1] for view in both.views] == [one.shape[1] for one in parts]
    assert both.any_size and both.least == 16 and Features(kind="spectra", level=4).least == 32
