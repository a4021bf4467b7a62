"""The network on packets: sizes, gradients, crops, what it is invariant to."""

import pytest
import torch

from undula.errors import OptionError, ShapeError
from undula.nets import PacketCNN
from undula.nets.storage import read_model, write_model


def network(**options):
    torch.manual_seed(0)
    return PacketCNN(2, **options).eval()


@pytest.mark.parametrize(("inputs", "level"), [("packets", 2), ("packets", 3), ("packets", 4), ("pixels", 3)])
def test_it_takes_crops_of_any_size(inputs, level):
    made = network(inputs=inputs, level=level)
    assert made(torch.rand(2, 3, 16, 48)).shape == (2, 2)
    assert sum(value.numel() for value in network().parameters()) <= 110_000


def test_packets_and_pixels_have_as_many_weights():
    counts = {sum(value.numel() for value in network(inputs=one).parameters()) for one in ("packets", "pixels")}
    assert len(counts) == 1


def test_logits_of_crops_are_averaged():
    made, crops = network(), torch.rand(3, 4, 3, 16, 16)
    each = torch.stack([made(crops[:, place]) for place in range(4)]).mean(dim=0)
    torch.testing.assert_close(made(crops), each)


def test_a_picture_tiled_by_itself_is_the_same_to_haar():
    """Means and deviations over space do not change but at seams, which convolutions see: the maps of packets alone do not."""
    made, crop = network(), torch.rand(1, 3, 16, 16)
    tiled = crop.repeat(1, 1, 2, 2)
    for small, large in zip(made._planes(crop), made._planes(tiled), strict=True):
        torch.testing.assert_close(large, small.repeat(1, 1, 2, 2))


def test_gradients_reach_the_picture():
    made = network().double()
    crop = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    made._planes(crop)[2].sum().backward()
    assert crop.grad is not None and bool(crop.grad.isfinite().all()) and float(crop.grad.abs().max()) > 0


def test_it_is_kept(tmp_path):
    made, crops = network(widths=(4, 6, 3)), torch.rand(2, 3, 16, 16)
    made.train()(torch.rand(8, 3, 16, 16))  # statistics of the batch normalization
    again, _ = read_model(write_model(tmp_path, {"network": made.eval()}, {}))
    assert torch.equal(again["network"](crops), made(crops))


def test_it_refuses():
    with pytest.raises(ShapeError, match="multiples of 8"):
        network()(torch.rand(1, 3, 20, 20))
    with pytest.raises(OptionError, match="level 2 to 4"):
        network(level=5)
