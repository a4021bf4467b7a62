"""What the network that tells areas learns from."""

import math

import pytest
import torch

from undula.data.crops import Crops
from undula.jobs.restore.areas import Corrupted, telling
from undula.nets.unet import UNet


def examples(generator, *, seed: int = 0) -> Corrupted:
    coarse = torch.rand(4, 3, 5, 6, generator=generator)
    pictures = torch.nn.functional.interpolate(coarse, size=(48, 56), mode="bicubic").clamp(0, 1)
    return Corrupted(Crops(list(pictures), size=32, seed=seed))


def test_a_number_has_its_example(generator):
    made = examples(generator)
    batch, some = made(torch.arange(20)), made(torch.tensor([11, 3]))
    for name, value in some.items():
        assert torch.equal(value, batch[name][[11, 3]]), name


def test_pixels_were_replaced_by_black_and_white(generator):
    batch = examples(generator)(torch.arange(200))
    image, before = batch["image"], batch["before"]
    changed = image != before
    assert ((image == 0) | (image == 1))[changed].all()
    assert torch.equal((before * 255).round() / 255, before)
    share = changed.float().mean((1, 2))
    assert share.min() < 0.2 and share.max() > 0.8  # less than were replaced, for some stay as they are
    white = image[changed].mean()
    assert 0.4 < white < 0.6


def test_half_of_the_crops_are_exposed_too_long_or_too_briefly(generator):
    before = examples(generator)(torch.arange(400))["before"]
    saturated = ((before == 0) | (before == 1)).float().mean((1, 2))
    assert 0.2 < (saturated > 0.2).float().mean() < 0.6


def test_the_objective_is_the_mean_cross_entropy_of_black_and_white_pixels(generator):
    batch = examples(generator)(torch.arange(6))
    network = UNet(3, widths=(4, 6), blocks=(1, 1))
    torch.nn.init.zeros_(network.tail.weight)
    assert telling(network, batch).item() == pytest.approx(math.log(2), abs=1e-5)  # it cannot tell yet
    torch.nn.init.normal_(network.tail.weight, std=0.01)
    image, before = batch["image"], batch["before"]
    low, high = image == 0, image == 1
    logits = _logits(network, batch)
    chance = torch.where(low, logits[:, 0], logits[:, 1]).sigmoid()
    right = torch.where(before == image, chance, 1 - chance)[low | high]
    assert torch.isclose(telling(network, batch), -right.log().mean(), rtol=1e-4)


def _logits(network, batch):
    image = batch["image"]
    low, high = image == 0, image == 1
    seen = torch.stack([torch.where(low | high, 0, image + 0.5), low.float(), high.float()], dim=1)
    return 10 * (seen - network(seen, (low | high).float().mean((1, 2))))
