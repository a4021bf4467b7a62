import math

import numpy as np
import pytest
import torch

from undula.data import drawn_digits, drawn_polygon, drawn_solid, mnist, mnist_labels
from undula.data.digits import _inked
from undula.errors import OptionError


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_digits_look_like_mnist_in_numbers():
    digits = drawn_digits(200)
    assert digits.shape == (200, 28, 28) and digits.dtype == torch.float32
    assert digits.min() == 0 and digits.max() == 1
    assert 0.1 < digits.mean() < 0.15  # MNIST: 0.1307
    inked = digits > 0.1
    heights = inked.any(2).sum(1).double()
    assert 18 < heights.mean() < 22 and heights.min() >= 15 and heights.max() <= 24  # MNIST: 20
    edge = torch.ones(28, 28, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    assert (digits[:, edge] > 0).sum() == 0
    grid = torch.arange(28.0) - 13.5
    mass = digits.sum((1, 2))
    for center in ((digits * grid).sum((1, 2)) / mass, (digits * grid[:, None]).sum((1, 2)) / mass):
        assert center.abs().max() < 5 and center.mean().abs() < 1


def test_digits_are_those_of_mnist(data_set):
    """The nearest of real test digits names the drawn ones nearly as often as real training digits."""
    data_set("mnist")
    real, labels = _flat(mnist("test")), mnist_labels("test")
    drawn = labels[(_flat(drawn_digits(200)) @ real.T).argmax(1)] == torch.arange(200) % 10
    baseline = labels[(_flat(mnist("train", 0, 200)) @ real.T).argmax(1)] == mnist_labels("train", 0, 200)
    assert drawn.double().mean() > baseline.double().mean() - 0.1


def _flat(digits):
    flat = digits.flatten(1)
    return torch.nn.functional.normalize(flat - flat.mean(1, keepdim=True))


def test_seeds():
    assert torch.equal(drawn_digits(12), drawn_digits(12))
    assert torch.equal(drawn_digits(12, generator=seeded(3)), drawn_digits(12, generator=seeded(3)))
    assert not torch.equal(drawn_digits(12, generator=seeded(3)), drawn_digits(12, generator=seeded(4)))
    torch.testing.assert_close(drawn_digits(40)[:13], drawn_digits(13), atol=1e-5, rtol=0)
    assert (drawn_digits(30)[0] - drawn_digits(30)[10]).abs().max() > 0.5
    state = torch.get_rng_state()
    drawn_digits(2), drawn_solid(8), drawn_polygon(8)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("size", [14, 56, 100])
def test_sizes_show_the_same_digits(size):
    """The mean ink hardly depends on the grid, up to the soft edge of 1.3 pixels."""
    small, large = drawn_digits(20), drawn_digits(20, size=size)
    assert large.shape == (20, size, size)
    torch.testing.assert_close(large.mean((1, 2)), small.mean((1, 2)), atol=0.04, rtol=0)


def test_ink_is_the_distance_to_the_segment():
    """A horizontal bar in closed form."""
    ends = torch.tensor([[[[10.0, 12.0], [20.0, 12.0]]]])
    bar = _inked(ends, torch.tensor([[2.0]]), 32)[0]
    rows = torch.arange(32.0)
    torch.testing.assert_close(bar[:, 15], ((2 - (rows - 12).abs()) / 1.3 + 0.5).clamp(0, 1))
    end = torch.hypot(torch.tensor(2.0), torch.tensor(1.0))
    torch.testing.assert_close(bar[13, 22], ((2 - end) / 1.3 + 0.5).clamp(0, 1))


@pytest.mark.parametrize(
    ("draw", "options"),
    [(drawn_digits, {"count": 0}), (drawn_digits, {"count": 3, "size": 4}), (drawn_solid, {"size": 2})],
)
def test_too_small(draw, options):
    with pytest.raises(OptionError, match="expected at least"):
        draw(**options)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [24, 33])
def test_solids(seed, size):
    solid = drawn_solid(size, generator=seeded(seed))
    assert solid.shape == (size,) * 3 and solid.dtype == torch.float32
    assert solid.min() == 0 and 0.5 < solid.max() <= 1
    filled = solid > 0
    for axis in range(3):
        span = filled.amax([other for other in range(3) if other != axis]).sum().item()
        assert abs(span - 0.8 * size) <= 2.5
    inside = solid[solid > 0.4]
    assert inside.max() - inside.min() > 0.02
    assert torch.equal(solid, drawn_solid(size, generator=seeded(seed)))
    spatial = pytest.importorskip("scipy.spatial")
    points = torch.nonzero(solid > 0.4).double().numpy()
    faces = spatial.ConvexHull(points).equations
    lattice = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), -1).reshape(-1, 3)
    within = (lattice @ faces[:, :3].T + faces[:, 3] <= 0).all(1).reshape(solid.shape)
    assert (filled.numpy() | ~within).all()  # convex: the hull of its voxels holds no empty one


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("size", [32, 47])
def test_polygons(seed, size):
    image, support = drawn_polygon(size, generator=seeded(seed))
    assert image.shape == support.shape == (size, size)
    assert image.dtype == torch.complex64 and support.dtype == torch.bool
    assert torch.equal(image != 0, support)
    modulus = image.abs()[support]
    assert modulus.min() > 0.39 and modulus.max() <= 1 + 1e-6
    for axis in (0, 1):
        assert abs(support.any(axis).sum().item() - 0.9 * size) <= 2
    # smooth: no step between neighbors as large as a wrap of the phase
    neighbors = support[1:] & support[:-1]
    assert torch.angle(image[1:] * image[:-1].conj())[neighbors].abs().max() < 0.6


@pytest.mark.parametrize("seed", range(20))
def test_polygons_are_not_centrosymmetric(seed):
    """The outline turned by 180° nowhere covers the outline: the peak of its autoconvolution is below 1."""
    _, support = drawn_polygon(48, generator=seeded(seed))
    spectrum = torch.fft.fft2(support.double(), s=(96, 96))
    overlap = torch.fft.ifft2(spectrum**2).real.max() / support.sum()
    assert overlap < 0.9


def test_polygon_area_is_that_of_its_corners():
    """The shoelace formula, an oracle of the even-odd rule."""
    from undula.data.drawn import _outline

    _, support = drawn_polygon(200, generator=seeded(0))
    corners = _outline(seeded(0)).double()
    following = corners.roll(-1, 0)
    area = (corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum().abs() / 2
    assert math.isclose(support.double().mean() * 4, area, rel_tol=0.01)
