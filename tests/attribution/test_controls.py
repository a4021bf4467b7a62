"""Oracles: curves in closed form; weights whose only likeness is their size."""

import pytest
import torch
from networks import Transformer, classifier
from torch import nn

from undula.attribution import Energy, Mean, attribute, deletion, insertion, randomized
from undula.errors import OptionError, ShapeError


def test_random_weights_are_new_and_the_model_stays(generator):
    torch.manual_seed(0)
    for model, shape in ((classifier(), (2, 1, 16, 16)), (Transformer(2, 4), (2, 1, 32, 32))):
        before = {name: each.clone() for name, each in model.state_dict().items()}
        state = torch.random.get_rng_state()
        chance = torch.Generator().manual_seed(7)
        first, second = randomized(model, generator=chance), randomized(model, generator=chance)
        again = randomized(model, generator=torch.Generator().manual_seed(7))
        assert torch.equal(torch.random.get_rng_state(), state), "numbers of nobody else are used"
        assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
        for name, own in model.named_parameters():
            each, fresh = own.detach(), first.get_parameter(name).detach()
            assert torch.equal(fresh, again.get_parameter(name))
            assert first.get_parameter(name).requires_grad
            if float(each.std()) > 0:  # those of normalizations begin as ones
                assert not torch.equal(fresh, each), name
                assert not torch.equal(fresh, second.get_parameter(name)), name
                assert each.numel() < 20 or 0.5 < float(fresh.std() / each.std()) < 2, name
        images = torch.rand(shape, generator=generator)
        a, b = (attribute(each, images, method="saliency").raw for each in (model, first))
        assert float((a - b).norm() / a.norm()) > 0.2


def test_the_mean_falls_and_rises_with_the_pixels(generator, close):
    images = torch.rand(3, 2, 4, 6, dtype=torch.float64, generator=generator)
    order = images.mean(dim=1)
    falling = deletion(nn.Identity(), images, order, target=Mean(), fill=0.0, steps=24, chunk=7)
    ranked = order.flatten(1).sort(dim=1, descending=True).values
    gone = torch.cat([torch.zeros(3, 1, dtype=torch.float64), ranked.cumsum(dim=1)], dim=1) / 24
    close(falling, order.flatten(1).mean(dim=1, keepdim=True) - gone)
    rising = insertion(nn.Identity(), images, order, target=Mean(), fill=0.0, steps=24, chunk=100)
    close(rising, gone)
    close(insertion(nn.Identity(), images, order, target=Mean(), fill=0.0, steps=4), gone[:, ::6])


def test_what_is_gone_becomes_the_mean_of_its_channel(generator, close):
    images = torch.rand(2, 3, 5, 5, dtype=torch.float64, generator=generator)
    curve = deletion(nn.Identity(), images, images[:, 0], target=Energy(), steps=5)
    close(curve[:, 0], images.square().sum(dim=(1, 2, 3)))
    close(curve[:, -1], 25 * images.mean(dim=(2, 3)).square().sum(dim=1))
    close(deletion(nn.Identity(), images, images[:, 0], target=Energy(), fill=images, steps=5)[:, 3], curve[:, 0])


def test_a_map_of_the_model_beats_a_random_one(generator):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.Tanh(), nn.Conv2d(4, 1, 5, padding=2))
    images = torch.rand(4, 1, 16, 16, generator=generator)
    found = attribute(model, images, method="integrated", target=Mean())
    order = torch.rand(4, 16, 16, generator=generator)
    curves = [deletion(model, images, each, target=Mean(), fill=0.0).mean(dim=1) for each in (found.raw, order)]
    assert (curves[0] < curves[1] - 0.01).all()


def test_wrong_calls_say_what_to_do(unchecked):
    call = unchecked("undula.attribution.controls").deletion
    images = torch.rand(2, 1, 8, 8)
    with pytest.raises(ShapeError, match=r"got maps of shape \(2, 4, 4\), expected \(2, 8, 8\): the field maps or raw"):
        call(nn.Identity(), images, torch.rand(2, 4, 4))
    with pytest.raises(OptionError, match=r"got steps=0 and chunk=32, expected at least 1 of each"):
        call(nn.Identity(), images, images[:, 0], steps=0)
