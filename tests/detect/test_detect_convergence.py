"""How soon packets and pixels are learned: of white noise the deviation shows in packets, not in the mean of a pixel."""

import pytest
import torch

from undula.errors import DataError
from undula.jobs.detect.convergence import convergence


def noise(count, deviation, seed):
    generator = torch.Generator().manual_seed(seed)
    return 0.5 + deviation * torch.randn(count, 3, 16, 16, generator=generator)


def test_a_linear_classifier_sees_the_noise_in_packets_alone():
    """Of a linear function of pixels the sign says nothing of their deviation: chance; ln |packet| rises with it."""
    found = convergence([noise(90, 0.03, 0), noise(90, 0.1, 1)], level=2)
    assert found.packets.shape == found.pixels.shape == (3, len(found.steps)) and found.weights == 1538
    assert float(found.packets[:, -1].mean()) > 0.95 and 0.35 < float(found.pixels[:, -1].mean()) < 0.65


def test_seeds_are_of_different_orders_and_repeat():
    sides = [noise(40, 0.03, 0), noise(40, 0.05, 1)]
    one, again = convergence(sides, level=2, seeds=2), convergence(sides, level=2, seeds=2)
    assert torch.equal(one.packets, again.packets) and not torch.equal(one.pixels[0], one.pixels[1])


def test_few_pictures_are_refused():
    with pytest.raises(DataError, match="got 29 pictures of a class, expected at least 30"):
        convergence([noise(40, 0.1, 0), noise(29, 0.1, 1)])
