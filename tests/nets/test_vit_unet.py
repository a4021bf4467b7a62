"""The U-Nets with a frozen vision transformer beside them."""

import json
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate
from vits import TINY, PatchMeans

from undula.errors import OptionError, ShapeError
from undula.nets import SeedViTUNet, ViTUNet, random_vit

SMALL = {"widths": (6, 8, 10), "blocks": (2, 1, 1)}


def woken(network, *, seed=0):
    """The network with nothing at zero, as if it had learned."""
    torch.manual_seed(seed)
    for weight in (network.unet.tail.weight, network.fuse.weight):
        nn.init.normal_(weight, std=0.1)
    return network


def trained(network):
    return [weight for weight in network.parameters() if weight.requires_grad]


def count(weights):
    return sum(weight.numel() for weight in weights)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 48), (33, 2), (64, 64)])
def test_any_size(channels, size):
    image = torch.rand(2, channels, *size)
    out = woken(ViTUNet(TINY, channels=channels, **SMALL))(image, torch.tensor([0.1, 0.2]))
    assert out.shape == image.shape and out.isfinite().all()
    if channels == 3:
        assert ViTUNet.seed(TINY)(image, torch.tensor(0.1)).shape == image.shape


def test_a_new_network_is_its_unet():
    network = ViTUNet(TINY, **SMALL)
    nn.init.normal_(network.unet.tail.weight)
    image, sigma = torch.rand(2, 3, 32, 48), torch.tensor([0.1, 0.2])
    assert torch.equal(network(image, sigma), network.unet(image, sigma))
    image = torch.rand(2, 3, 31, 30)
    assert torch.equal(ViTUNet(TINY, **SMALL)(image, sigma), image)


@pytest.mark.parametrize("make", [lambda vit: woken(ViTUNet(vit, **SMALL)), ViTUNet.seed])
def test_the_vit_is_frozen(make):
    """Bit for bit after steps of an optimizer that is handed everything, weight decay included."""
    network = make(TINY)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.5)
    network.train()
    assert network.training and not any(part.training for part in network.vit.model.modules())
    for _ in range(2):
        network(torch.rand(1, 3, 32, 32), torch.tensor(0.1)).square().mean().backward()
        optimizer.step()
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("vit."), name
    assert all(weight.grad is None for weight in network.vit.parameters())
    assert all(weight.grad.abs().sum() > 0 for weight in trained(network))


@pytest.mark.parametrize("patch", [4, 8, 16])
@pytest.mark.parametrize("form", ["tensor", "tuple"])
def test_what_the_vit_sees_arrives_where_it_lies(patch, form):
    """Means of patches on the bottleneck's grid of 8 × 8 pixels are means of the picture."""
    network, caught = ViTUNet(PatchMeans(patch=patch, form=form), **SMALL), {}
    network.project.register_forward_pre_hook(lambda _, got: caught.update(pooled=got[0]))
    network.project.register_forward_hook(lambda *got: caught.update(projected=got[2]))
    network.fuse.register_forward_pre_hook(lambda _, got: caught.update(joined=got[0]))
    image, sigma = torch.rand(2, 3, 32, 80), torch.tensor(0.1)
    network(image, sigma)
    coarse = avg_pool2d(2 * image - 1, max(patch, 8))
    expected = interpolate(coarse, size=(4, 10), mode="nearest")
    assert torch.allclose(caught["pooled"], expected.movedim(1, -1), atol=1e-6)
    features, _ = network.unet.encode(image, sigma)
    assert torch.equal(caught["joined"][:, :10], features)
    assert torch.equal(caught["joined"][:, 10:], caught["projected"].movedim(-1, 1))


def test_what_is_continued_is_seen_at_its_place_too():
    """Both halves get the same continued picture: 8 pixels of the U-Net and patches of 14 meet at 56."""
    network, caught = ViTUNet(PatchMeans(patch=14), **SMALL), {}
    assert network.multiple == 56
    network.project.register_forward_pre_hook(lambda _, got: caught.update(pooled=got[0]))
    ramp = torch.linspace(0, 1, 60)[:, None].expand(1, 3, 60, 112)
    network(ramp, torch.tensor(0.1))
    assert caught["pooled"].shape == (1, 14, 14, 3)
    rows = caught["pooled"][0, :7, 0, 0]
    assert (rows.diff() >= 0).all() and rows[-1] > rows[0]


def test_the_whole_picture_is_in_reach():
    """A pixel depends on one that the U-Net alone cannot see, and gradients get there through the ViT."""
    network = woken(ViTUNet(TINY, widths=(4, 4), blocks=(1, 1), shuffle=1))
    image = torch.rand(1, 3, 96, 96, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(image, torch.tensor(0.1))[0, 0, 0, 0], image)
    assert network.unet.reach < 64 and gradient[..., 64:, 64:].abs().sum() > 0
    assert network.reach is None and SeedViTUNet.reach is None


def test_levels_by_number_item_and_map():
    network, image = woken(ViTUNet(TINY, **SMALL)), torch.rand(2, 3, 20, 35)
    one = network(image, torch.tensor(0.2))
    assert torch.equal(network(image, torch.full((2,), 0.2)), one)
    assert torch.allclose(network(image, torch.full((2, 1, 20, 35), 0.2)), one, atol=1e-6)
    assert not torch.allclose(network(image, torch.tensor([0.2, 0.4]))[1], one[1])


@pytest.mark.parametrize("make", [lambda: woken(ViTUNet(TINY, **SMALL)), lambda: ViTUNet.seed(TINY)])
def test_items_are_independent(make):
    network, image, sigma = make(), torch.rand(3, 3, 32, 32), torch.tensor([0.1, 0.2, 0.3])
    with torch.no_grad():
        assert torch.allclose(network(image, sigma)[1:2], network(image[1:2], sigma[1:2]), atol=1e-6)


def test_settings_make_the_same_network():
    """A seed gives the same ViT bit for bit; weights from elsewhere come with the state."""
    image, sigma = torch.rand(1, 3, 24, 24), torch.tensor(0.1)
    for network in (
        woken(ViTUNet({**TINY, "seed": 7}, **SMALL)),
        woken(ViTUNet(random_vit(seed=7, **TINY), **SMALL)),
        ViTUNet.seed({**TINY, "seed": 7}),
    ):
        again = type(network)(**json.loads(json.dumps(network.settings)))
        mine, other = network.vit.state_dict(), again.vit.state_dict()
        rebuilt = all(torch.equal(mine[name], other[name]) for name in mine)
        assert rebuilt == (network.settings["vit"]["seed"] == 7)
        again.load_state_dict(network.state_dict())
        assert torch.equal(again(image, sigma), network(image, sigma))


def test_a_folder_is_as_good_as_its_model(tmp_path):
    random_vit(seed=7, **TINY).save_pretrained(tmp_path)
    read, made = ViTUNet(tmp_path, **SMALL), ViTUNet({**TINY, "seed": 7}, **SMALL)
    assert read.vit.state_dict().keys() == made.vit.state_dict().keys()
    assert all(torch.equal(value, made.vit.state_dict()[name]) for name, value in read.vit.state_dict().items())


def test_weights_are_those_of_the_layers():
    network, channels, (a, b, c), tokens = ViTUNet(TINY, **SMALL), 3, SMALL["widths"], TINY["hidden_size"]
    blocks = 2 * 9 * (4 * a**2 + 2 * b**2 + c**2)  # two on each way, one on each way, one
    ends = 9 * (4 * channels + 1) * a + 9 * a * 4 * channels
    unet = blocks + ends + 2 * 4 * (a * b + b * c)
    assert count(trained(network)) == unet + (tokens * c + c) + (c * c + c) + 2 * c * c
    assert count(network.vit.parameters()) == count(random_vit(**TINY).parameters())


def test_weights_of_the_seed():
    """Every layer of the post by hand; the ViT with one of its twelve layers, of 7 087 872 weights each."""
    network = ViTUNet.seed(
        {"hidden_size": 768, "num_hidden_layers": 1, "num_attention_heads": 12, "intermediate_size": 3072}
    )

    def convolution(made, channels, side):
        return made * channels * side**2 + made

    def pair(channels, made):
        return convolution(made, channels, 3) + convolution(made, made, 3)

    widths = (3, 64, 128, 256)
    expected = sum(pair(*step) for step in pairwise(widths))
    expected += convolution(512, 768, 1) + convolution(512, 512, 1) + pair(256 + 512, 512)
    for wide, narrow in pairwise((512, 256, 128, 64)):
        expected += wide * narrow * 4 + narrow + pair(2 * narrow, narrow)
    expected += convolution(3, 64, 1)
    assert count(trained(network)) == expected == 10_713_155
    assert count(network.vit.parameters()) == 85_798_656 - 11 * 7_087_872
    names = [name for name, _ in network.named_parameters() if not name.startswith("vit.")]
    assert [name for name in names if name.endswith("weight")] == [
        f"{layer}.weight"
        for layer in (
            *("encoder1.0", "encoder1.2", "encoder2.0", "encoder2.2", "encoder3.0", "encoder3.2"),
            *("vit_projection.0", "vit_projection.2", "bottleneck.0", "bottleneck.2"),
            *("upconv3", "decoder3.0", "decoder3.2", "upconv2", "decoder2.0", "decoder2.2"),
            *("upconv1", "decoder1.0", "decoder1.2", "output_layer"),
        )
    ]


def test_the_seed_is_wired_as_in_the_post():
    """14 × 14 tokens, each repeated on 2 × 2 of the 28 × 28 places; neither a residual nor an activation at the end."""
    network, caught = ViTUNet.seed(PatchMeans()), {}
    network.vit_projection.register_forward_pre_hook(lambda _, got: caught.update(pooled=got[0]))
    network.bottleneck.register_forward_pre_hook(lambda _, got: caught.update(joined=got[0]))
    image = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        network(image, torch.tensor(0.1))
        pooled, joined = caught["pooled"], caught["joined"]
        small = image[..., :32, :48]
        assert torch.equal(network(small, torch.tensor(0.1)), network(small, torch.tensor(0.4)))
        nn.init.zeros_(network.output_layer.weight)
        assert torch.equal(
            network(small, torch.tensor(0.1)), network.output_layer.bias[:, None, None].expand(1, 3, 32, 48)
        )
    tokens = avg_pool2d(2 * image - 1, 16)
    expected = tokens.repeat_interleave(2, 2).repeat_interleave(2, 3).movedim(1, -1)
    assert pooled.shape == (1, 28, 28, 3) and torch.allclose(pooled, expected, atol=1e-6)
    assert joined.shape == (1, 768, 28, 28)


def test_in_half_precision():
    for network in (woken(ViTUNet(TINY, **SMALL)), ViTUNet.seed(TINY)):
        image = torch.rand(1, 3, 40, 40)
        exact = network(image, torch.tensor(0.1))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = network(image, torch.tensor(0.1))
        assert got.dtype == torch.float32 and (got - exact).abs().max() < 0.05 * (exact - image).abs().max()


def test_refusals():
    network, level = ViTUNet(TINY, **SMALL), torch.tensor(0.1)
    for each in (network, ViTUNet.seed(TINY)):
        with pytest.raises(ShapeError, match=r"expected \(batch, 3, height, width\), not empty"):
            each(torch.rand(1, 1, 8, 8), level)
        with pytest.raises(ShapeError, match="got noise levels of shape"):
            each(torch.rand(2, 3, 8, 8), torch.rand(3))
    with pytest.raises(OptionError, match="got 2 channels and a ViT of 3, expected 1 or 3"):
        ViTUNet(TINY, channels=2)
    with pytest.raises(OptionError, match="as many widths as blocks"):
        ViTUNet(TINY, widths=(4,), blocks=(1, 1))
