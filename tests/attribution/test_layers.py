"""Oracle: which layer a reader of the architectures would name."""

import pytest
import torch
from networks import Recurrent, Transformer, UNet, classifier, denoiser, signals
from torch import nn

from undula.attribution import attribute, coarsest_layers, named_layers
from undula.errors import OptionError, ShapeError

CHOICES = [
    ("classifier", classifier, (2, 1, 24, 32), "eigen", "4", (6, 8)),
    ("bottleneck of a U-Net", UNet, (2, 1, 32, 24), "eigen", "bottleneck", (8, 6)),
    ("denoiser of one size", denoiser, (2, 1, 16, 20), "eigen", "1", (16, 20)),
    ("transformer", Transformer, (2, 1, 40, 48), "eigen", "norm", (5, 6)),
    ("transformer, hidden state", Transformer, (2, 1, 40, 48), "hirescam", "norm", (5, 6)),
    ("transformer, registers", lambda: Transformer(5), (2, 1, 40, 48), "eigen", "norm", (5, 6)),
    ("transformer, class token", lambda: Transformer(1, 4), (2, 1, 40, 48), "hirescam", "blocks.1.norm1", (5, 6)),
    ("signal", signals, (2, 1, 64), "eigen", "2", (13,)),
    ("recurrent", Recurrent, (2, 1, 50), "layercam", "cells", (50,)),
]


@pytest.mark.parametrize(
    ("make", "shape", "method", "layer", "grid"), [c[1:] for c in CHOICES], ids=[c[0] for c in CHOICES]
)
def test_a_sensible_layer_is_chosen(make, shape, method, layer, grid, generator):
    torch.manual_seed(0)
    found = attribute(make(), torch.rand(shape, generator=generator), method=method)
    assert found.layers == (layer,)
    assert found.signed[0].shape == (2, *grid)
    assert found.maps.shape == found.raw.shape == (2, *shape[2:])
    assert not found.notes
    assert float(found.maps.amax()) > 0.9


def test_grids_of_a_few_positions_are_left_to_finer_ones():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=4, padding=1), nn.Conv2d(4, 4, 3, stride=2), nn.Flatten(), nn.Linear(16, 2)
    )
    assert list(coarsest_layers(model, torch.rand(2, 1, 20, 20)))[-1] == "0", "5 × 5, not 2 × 2"
    assert list(coarsest_layers(model[:2], torch.rand(2, 1, 12, 12)))[-1] == "0", "3 × 3, not 1 × 1"


def test_a_model_without_positions_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    with pytest.raises(OptionError, match=r"got a model of which no layer has a grid of positions for images of shape"):
        attribute(model, torch.rand(2, 1, 4, 4))


def test_names_are_those_of_named_modules():
    model = UNet()
    assert named_layers(model, ["bottleneck.0", "up"]) == {"bottleneck.0": model.bottleneck[0], "up": model.up}
    with pytest.raises(OptionError) as caught:
        named_layers(model, "botleneck")
    assert str(caught.value) == (
        "got layer 'botleneck', expected a name of model.named_modules(): nearest are 'bottleneck', 'bottleneck.2', "
        "'bottleneck.1'"
    )
    with pytest.raises(OptionError, match=r"got layer 'zzz', .*: nearest are 'bottleneck.2', 'up', 'leave'"):
        named_layers(model, "zzz")
    with pytest.raises(OptionError, match=r"got layer 'x', .*: this one has no layers"):
        named_layers(nn.Identity(), "x")
    with pytest.raises(OptionError, match=r"got no layer, expected at least one name"):
        named_layers(model, [])


def test_layers_without_a_grid_say_so():
    model = classifier()
    with pytest.raises(ShapeError) as caught:
        attribute(model, torch.rand(2, 1, 16, 16), layers="7")
    assert str(caught.value) == (
        "got activations of shape (2, 5) from layer '7', expected a grid for images of shape (2, 1, 16, 16): pass "
        "grid=(rows, columns) of its tokens, or take a layer that keeps the positions and the items"
    )
    with pytest.raises(ShapeError, match=r"from layer '3', expected the grid \(3, 5\) for images of shape"):
        attribute(model, torch.rand(2, 1, 16, 16), layers="3", grid=(3, 5))


def test_several_layers_are_averaged(generator, close):
    torch.manual_seed(0)
    model, images = UNet(), torch.rand(2, 1, 16, 24, generator=generator)
    both = attribute(model, images, layers=["down", "up"], method="layercam")
    apart = [attribute(model, images, layers=name, method="layercam") for name in ("down", "up")]
    close(both.raw, (apart[0].raw + apart[1].raw) / 2)
    assert [each.shape for each in both.signed] == [(2, 8, 12), (2, 8, 12)]
