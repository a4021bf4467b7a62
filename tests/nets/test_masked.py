"""Learning pictures by telling what is hidden."""

import pytest
import torch
from torch import nn
from vits import TINY, PatchMeans

from undula.data import uniform
from undula.errors import OptionError, ShapeError
from undula.fit import Plan, train
from undula.nets import MaskedPatches, ViTUNet, random_vit

SMALL = {**TINY, "patch_size": 8}


@pytest.fixture
def masked():
    torch.manual_seed(0)
    return MaskedPatches(SMALL)


def test_masks_belong_to_numbers(masked):
    numbers = torch.arange(200)
    masks = masked.mask(numbers, 5, 6)
    assert masks.shape == (200, 5, 6) and (masks.sum(dim=(1, 2)) == 18).all()
    assert torch.equal(masked.mask(numbers[70:80].flip(0), 5, 6), masks[70:80].flip(0))
    assert len({tuple(mask.flatten().tolist()) for mask in masks}) == 200
    assert not torch.equal(MaskedPatches(SMALL, seed=1).mask(numbers, 5, 6), masks)


def test_every_patch_is_hidden_as_often_as_any(masked):
    """Within 4.5 deviations of the binomial law; pairs within those of two draws without return."""
    count = 6000
    masks = masked.mask(torch.arange(count), 5, 5).flatten(1).double()
    assert (masks.mean(dim=0) - 0.6).abs().max() < 4.5 * (0.24 / count) ** 0.5
    both = 15 / 25 * 14 / 24
    pairs = (masks.T @ masks / count)[~torch.eye(25, dtype=torch.bool)]
    assert (pairs - both).abs().max() < 4.5 * (both * (1 - both) / count) ** 0.5


def test_the_share_leaves_something_on_both_sides(masked):
    assert masked.mask(torch.arange(9), 1, 2).sum(dim=(1, 2)).unique().tolist() == [1]
    assert MaskedPatches(SMALL, ratio=0.999).mask(torch.arange(9), 4, 4).sum(dim=(1, 2)).unique().tolist() == [15]
    assert MaskedPatches(SMALL, ratio=0.75).mask(torch.arange(9), 14, 14).sum(dim=(1, 2)).unique().tolist() == [147]


def test_telling_the_mean_costs_one(masked):
    """Closed form: the mean over hidden patches of v / (v + one grey level squared), v their variance."""
    nn.init.zeros_(masked.head.weight)
    nn.init.zeros_(masked.head.bias)
    image = torch.rand(2, 3, 16, 24)
    image[0, :, :8, :8] = 0.3  # flat: costs nothing
    hide = torch.zeros(2, 2, 3, dtype=torch.bool)
    hide[0, 0, 0] = hide[0, 1, 2] = hide[1, 0, 1] = True
    variances = [(2 * patch).var(correction=0) for patch in (image[0, :, 8:, 16:], image[1, :, :8, 8:16])]
    shares = [variance / (variance + (2 / 255) ** 2) for variance in variances]
    assert masked(image, hide).item() == pytest.approx(((0 + shares[0]) / 2 + shares[1]).item() / 2, rel=1e-6)
    assert masked(torch.rand(2, 3, 64, 64), torch.arange(2)).item() == pytest.approx(1, abs=1e-3)


def test_targets_are_pixels_of_patches_in_order(masked):
    """Against unfold, which cuts patches too."""
    pixels = 2 * torch.rand(2, 3, 16, 24) - 1
    cut = nn.functional.unfold(pixels, 8, stride=8).mT
    expected = (cut - cut.mean(dim=-1, keepdim=True)) / (
        cut.var(dim=-1, correction=0, keepdim=True) + (2 / 255) ** 2
    ).sqrt()
    assert torch.allclose(masked.targets(pixels).flatten(1, 2), expected, atol=1e-5)


def test_what_is_hidden_is_not_seen_and_only_it_is_asked_for(masked):
    caught = []
    masked.vit.register_forward_pre_hook(lambda _, got: caught.append(got[0]))
    hide = masked.mask(torch.arange(2), 4, 5)
    spread = hide.repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
    first = torch.rand(2, 3, 32, 40)
    second = torch.where(spread, torch.rand(2, 3, 32, 40), first)
    third = torch.where(spread, first, torch.rand(2, 3, 32, 40))
    losses = [masked(image, hide).item() for image in (first, second)]
    assert torch.equal(caught[0], caught[1]) and losses[0] != losses[1]
    assert torch.equal(torch.where(spread, 0, caught[0]), torch.where(spread, 0, 2 * first - 1))
    nn.init.zeros_(masked.head.weight)
    assert masked(third, hide).item() == masked(first, hide).item()


def test_the_hidden_patch_becomes_a_mask_token(masked):
    """One token at all hidden places, as in the papers; here W m + b with a learned m."""
    nn.init.normal_(masked.hidden)
    caught = []
    masked.vit.embeddings.patch_embeddings.register_forward_hook(lambda *got: caught.append(got[2]))
    hide = masked.mask(torch.arange(2), 4, 5)
    masked(torch.rand(2, 3, 32, 40), hide)
    convolution = masked.vit.embeddings.patch_embeddings.projection
    token = (convolution.weight * masked.hidden).sum(dim=(1, 2, 3)) + convolution.bias
    assert torch.allclose(caught[0][hide.flatten(1)], token.expand(int(hide.sum()), -1), atol=1e-5)


def test_items_are_independent(masked):
    image, numbers = torch.rand(3, 1, 32, 32), torch.tensor([4, 9, 2])
    alone = [masked(image[k : k + 1], numbers[k : k + 1]) for k in range(3)]
    assert masked(image, numbers).item() == pytest.approx(torch.stack(alone).mean().item(), rel=1e-5)


def test_every_weight_learns(masked):
    masked(torch.rand(2, 3, 32, 32), torch.arange(2)).backward()
    assert all(weight.grad is not None for weight in masked.parameters())
    from transformers import ViTConfig, ViTModel

    pooled = MaskedPatches(ViTModel(ViTConfig(**SMALL)))
    pooled(torch.rand(2, 3, 32, 32), torch.arange(2)).backward()
    assert all(weight.grad is not None for weight in pooled.parameters() if weight.requires_grad)


def waves(numbers):
    """Plane waves of any direction and phase, whose patches follow from their neighbors, and their numbers."""
    drawn = uniform(numbers % 4, torch.zeros_like(numbers), (3,), dtype=torch.float32)
    angle, phase, frequency = (2 * torch.pi * drawn[:, 0], 2 * torch.pi * drawn[:, 1], 0.06 * (1 + drawn[:, 2]))
    place = torch.arange(16.0)
    across = angle.cos()[:, None, None] * place + angle.sin()[:, None, None] * place[:, None]
    image = 0.5 + 0.4 * torch.sin(2 * torch.pi * frequency[:, None, None] * across + phase[:, None, None])
    return image[:, None], numbers


def test_learns_more_than_the_mean():
    """On four pictures, hidden anew each time, against the cost 1 of telling the mean; then a frozen part of a denoiser."""
    torch.manual_seed(0)
    build = {**TINY, "hidden_size": 32, "patch_size": 4, "image_size": 16}
    masked = MaskedPatches(build, ratio=0.5)
    others = waves(torch.arange(10**6, 10**6 + 16))
    assert masked(*others).item() > 0.99
    plan = Plan(steps=100, batch=16, rate=2e-2, warmup=10, clip=1.0)
    training = train(masked, waves, lambda network, batch: network(*batch), plan=plan, settings=masked.settings)
    assert training.network(*others).item() < 0.5
    network = ViTUNet(masked.vit, channels=1, widths=(4, 4), blocks=(1, 1))
    learned = masked.vit.state_dict()
    assert all(torch.equal(value, learned[name]) for name, value in network.vit.model.state_dict().items())
    assert not torch.equal(learned["layernorm.weight"], random_vit(**build).state_dict()["layernorm.weight"])


def test_refusals(masked):
    for ratio in (0.0, 1.0, -0.5):
        with pytest.raises(OptionError, match="expected a share of the patches between 0 and 1"):
            MaskedPatches(SMALL, ratio=ratio)
    with pytest.raises(ShapeError, match="expected two at least: take larger images"):
        masked(torch.rand(1, 3, 8, 8), torch.arange(1))
    with pytest.raises(ShapeError, match="expected sides that are multiples of 8"):
        masked(torch.rand(1, 3, 17, 16), torch.arange(1))
    with pytest.raises(ShapeError, match=r"expected \(1, 2, 3\) and at least one in each"):
        masked(torch.rand(1, 3, 16, 24), torch.ones(1, 3, 2, dtype=torch.bool))
    with pytest.raises(ShapeError, match="at least one in each"):
        masked(torch.rand(1, 3, 16, 24), torch.zeros(1, 2, 3, dtype=torch.bool))
    with pytest.raises(OptionError, match="without hidden_size"):
        MaskedPatches(nn.Identity())
    assert MaskedPatches(PatchMeans(leading=0)).patch == 16
