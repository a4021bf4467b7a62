"""The network that corrects filled pictures: its start, shapes, limits, noise, what it was told, refusals."""

import pytest
import torch

from undula.errors import ShapeError
from undula.nets.filler import Filler


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = Filler(widths=(6, 8), blocks=(1, 1))
    torch.nn.init.normal_(network.unet.tail.weight, std=0.1)
    return network


def test_a_new_one_changes_nothing():
    image = torch.rand(2, 1, 17, 22)
    filled, width = Filler(widths=(4, 6), blocks=(1, 1))(image, image > 0.5, torch.zeros(2))
    assert torch.equal(filled, image)
    assert torch.allclose(width, torch.tensor(-3.0).exp())


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (16, 16), (21, 34)])
def test_any_size(network, size):
    image = torch.rand(2, 1, *size)
    filled, width = network(image, torch.rand(image.shape) < 0.5, torch.tensor([0.0, 0.1]))
    assert filled.shape == width.shape == image.shape
    assert filled.isfinite().all()
    assert (width > 1e-4).all() and (width < 2.72).all()  # e^-9 … e^1


def test_what_is_missing_and_how_noisy_the_rest_is_are_seen(network):
    image = torch.rand(1, 1, 20, 20)
    few, many = (torch.rand(image.shape) < share for share in (0.1, 0.9))
    told = network(image, few, torch.zeros(1))[0]
    assert (network(image, many, torch.zeros(1))[0] - told).abs().max() > 1e-4
    assert (network(image, few, torch.full((1,), 0.2))[0] - told).abs().max() > 1e-4


def test_nothing_is_reached_beyond_the_reach(network):
    image = torch.rand(1, 1, 8 * network.reach, 8)
    missing = image > 0.5
    before = network(image, missing, torch.zeros(1))
    image[:, :, -network.multiple :] += 1.0
    after = network(image, missing, torch.zeros(1))
    safe = image.shape[2] - network.multiple - network.reach
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one[:, :, :safe], other[:, :, :safe])
        assert not torch.equal(one, other)


def test_it_learns_through_both_planes(network):
    image = torch.rand(1, 1, 12, 12)
    filled, width = network(image, image > 0.5, torch.zeros(1))
    (filled.square().sum() + width.sum()).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_refusals(unchecked):
    network = unchecked("undula.nets.filler").Filler(widths=(4, 6), blocks=(1, 1))
    for shape, lost in (((1, 3, 8, 8), (1, 3, 8, 8)), ((1, 1, 8, 8), (1, 1, 8, 9)), ((8, 8), (8, 8))):
        with pytest.raises(ShapeError, match=r"expected both \(batch, 1, height, width\)"):
            network(torch.rand(shape), torch.ones(lost, dtype=torch.bool), torch.zeros(1))
