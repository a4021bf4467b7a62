"""The residual U-Net: shapes, what its design promises, and refusals."""

import pytest
import torch

from undula.errors import OptionError, ShapeError
from undula.nets import UNet

SMALL = {"widths": (6, 8, 10), "blocks": (2, 1, 1)}


@pytest.fixture
def network():
    """A small network in double precision whose last layer is not zero."""
    torch.manual_seed(0)
    made = UNet(**SMALL).double()
    torch.nn.init.normal_(made.tail.weight)
    return made


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 7, 5), (3, 1, 16, 24), (1, 1, 33, 2)])
def test_any_size(network, shape):
    out = network(torch.rand(shape, dtype=torch.float64), torch.tensor(0.1, dtype=torch.float64))
    assert out.shape == shape and out.isfinite().all()


def test_color_and_default_size():
    net = UNet(channels=3)
    assert net(torch.rand(1, 3, 20, 21), torch.tensor([0.1])).shape == (1, 3, 20, 21)
    assert sum(each.numel() for each in UNet().parameters()) < 700_000
    assert sum(each.numel() for each in net.parameters()) < 700_000


def test_a_new_network_changes_nothing():
    image = torch.rand(2, 1, 9, 12)
    assert torch.equal(UNet(**SMALL)(image, torch.tensor([0.1, 0.2])), image)


def test_scales_with_its_input(network):
    """f(a y, a σ) = a f(y, σ)."""
    y, sigma = torch.rand(2, 1, 24, 17, dtype=torch.float64), torch.tensor([0.1, 0.3], dtype=torch.float64)
    assert torch.allclose(network(3.7 * y, 3.7 * sigma), 3.7 * network(y, sigma), rtol=1e-12)


def test_levels_by_number_item_and_map(network):
    y = torch.rand(2, 1, 16, 24, dtype=torch.float64)
    one = network(y, torch.tensor(0.2, dtype=torch.float64))
    assert torch.equal(network(y, torch.full((2,), 0.2, dtype=torch.float64)), one)
    assert torch.allclose(network(y, torch.full_like(y, 0.2)), one, atol=1e-14)
    assert not torch.allclose(network(y, torch.tensor([0.2, 0.4], dtype=torch.float64))[1], one[1])


def test_items_are_independent(network):
    y = torch.rand(3, 1, 16, 16, dtype=torch.float64)
    sigma = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    assert torch.allclose(network(y, sigma)[1:2], network(y[1:2], sigma[1:2]), atol=1e-14)


@pytest.mark.parametrize(
    "options", [SMALL, {"widths": (4, 6), "blocks": (1, 2), "shuffle": 1}, {"widths": (5,), "blocks": (3,)}]
)
def test_reach_bounds_what_a_pixel_depends_on(options):
    """The gradient of pixels around the middle is zero beyond the reach, and the reach is not much too long."""
    torch.manual_seed(0)
    net = UNet(**options).double()
    torch.nn.init.normal_(net.tail.weight)
    size = 2 * net.reach + 64
    for middle in range(size // 2, size // 2 + net.multiple):
        y = torch.rand(1, 1, size, size, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(net(y, torch.tensor(0.1, dtype=torch.float64))[0, 0, middle, middle], y)
        rows = gradient[0, 0].abs().sum(-1).nonzero()[:, 0]
        far = max(middle - int(rows.min()), int(rows.max()) - middle)
        assert far <= net.reach <= far + 3 * net.multiple + 8


def test_gradients_reach_every_weight(network):
    network(
        torch.rand(1, 1, 16, 16, dtype=torch.float64), torch.tensor(0.1, dtype=torch.float64)
    ).square().sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in network.parameters())


def test_settings_make_the_same_network(network):
    again = UNet(**network.settings).double()
    again.load_state_dict(network.state_dict())
    y, sigma = torch.rand(1, 1, 8, 8, dtype=torch.float64), torch.tensor(0.1, dtype=torch.float64)
    assert torch.equal(again(y, sigma), network(y, sigma))


def test_refusals(network):
    level = torch.tensor(0.1, dtype=torch.float64)
    with pytest.raises(ShapeError, match=r"got images of shape \(1, 3, 8, 8\), expected \(batch, 1, height, width\)"):
        network(torch.rand(1, 3, 8, 8, dtype=torch.float64), level)
    with pytest.raises(ShapeError, match="not empty"):
        network(torch.rand(0, 1, 8, 8, dtype=torch.float64), level)
    with pytest.raises(ShapeError, match="got noise levels of shape"):
        network(torch.rand(2, 1, 8, 8, dtype=torch.float64), torch.rand(3, dtype=torch.float64))
    for wrong in ({"widths": (4, 6), "blocks": (1,)}, {"channels": 0}, {"widths": (), "blocks": ()}):
        with pytest.raises(OptionError, match="as many widths as blocks"):
            UNet(**wrong)
