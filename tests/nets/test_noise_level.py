"""The network that measures noise: invariances, shapes, refusals; what it has learned is tested with the weights."""

import pytest
import torch

from undula.errors import OptionError, ShapeError
from undula.nets.noise_level import NoiseLevel, first_guess


@pytest.fixture
def network():
    torch.manual_seed(0)
    return NoiseLevel(8).double()


def test_scales_and_ignores_brightness(network):
    image = torch.rand(3, 3, 40, 50, dtype=torch.float64)
    once = network(image)
    assert torch.allclose(network(0.25 * image), 0.25 * once, rtol=1e-4)  # the floor of the first guess is 1e-6
    assert torch.allclose(network(image + 0.5), once, rtol=1e-9)


def test_items_are_independent(network):
    image = torch.rand(3, 1, 33, 21, dtype=torch.float64)
    assert torch.allclose(network(image)[1:2], network(image[1:2]), rtol=1e-12)


def test_the_first_guess_is_the_deviation_of_pure_noise(generator):
    noise = 0.1 * torch.randn(2, 1, 512, 512, generator=generator)
    assert torch.allclose(first_guess(noise), torch.tensor(0.1), rtol=0.01)


def test_a_flat_image_has_no_noise(network):
    assert network(torch.full((1, 1, 24, 24), 0.5, dtype=torch.float64)) < 1e-4


def test_refusals(network):
    for shape in ((1, 1, 20, 40), (1, 0, 40, 40)):
        with pytest.raises(ShapeError, match="sides of at least 21 pixels"):
            network(torch.zeros(shape, dtype=torch.float64))
    with pytest.raises(OptionError, match="got a width of 0"):
        NoiseLevel(0)
