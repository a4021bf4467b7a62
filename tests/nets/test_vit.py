"""Vision transformers from seeds and folders, and their tokens as a grid."""

import json
import logging
import re
import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import avg_pool2d
from vits import TINY, PatchMeans

from undula.data import normal
from undula.errors import DataError, MissingExtra, OptionError, ShapeError
from undula.nets import FrozenViT, local_vit, random_vit, token_grid


def same_weights(first, second):
    """Bit for bit."""
    mine, other = first.state_dict(), second.state_dict()
    return mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)


@pytest.fixture
def folder(tmp_path):
    """A folder that transformers wrote."""
    random_vit(seed=3, **TINY).save_pretrained(tmp_path / "vit")
    return tmp_path / "vit"


def test_random_weights_are_hashed_numbers_and_leave_the_hosts_chance_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    vit = random_vit(seed=3, **TINY)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert same_weights(vit, random_vit(seed=3, **TINY)) and not same_weights(vit, random_vit(seed=4, **TINY))
    first, third = torch.tensor([0]), torch.tensor([2])
    drawn = normal(torch.tensor([3]), first, (1, 1, 24), dtype=torch.float32)
    assert torch.equal(vit.embeddings.cls_token, 0.02 * drawn[0])
    drawn = normal(torch.tensor([3]), third, (24, 3, 16, 16), dtype=torch.float32)
    assert torch.equal(vit.embeddings.patch_embeddings.projection.weight, 0.02 * drawn[0])
    for name, weight in vit.named_parameters():
        if weight.ndim == 1:
            assert (weight == (1 if "norm" in name and name.endswith("weight") else 0)).all(), name


def test_the_small_one_has_the_weights_that_its_build_asks_for():
    """Patches, places and class; per layer four matrices of attention, two of the perceptron, their biases, two norms."""
    width, inner = 192, 768
    layer = 4 * (width * width + width) + 2 * width * inner + width + inner + 4 * width
    embedding = 3 * 16 * 16 * width + width + (14 * 14 + 1) * width + width
    assert sum(each.numel() for each in random_vit().parameters()) == 4 * layer + embedding + 2 * width


def test_tokens_at_the_size_of_the_vit_are_those_of_transformers():
    vit = random_vit(seed=1, **TINY)
    pixels = 2 * torch.rand(2, 3, 64, 64) - 1
    with torch.no_grad():
        expected = vit(pixels).last_hidden_state[:, 1:]
        got = token_grid(vit, pixels)
    assert got.shape == (2, 24, 4, 4)
    assert torch.equal(got[:, :, 1, 2], expected[:, 4 + 2])


def test_at_other_sizes_places_are_interpolated():
    """With no patches in it, a token is its place: on a grid twice as fine, a bicubic one between four."""
    vit = random_vit(seed=1, **TINY)
    nn.init.zeros_(vit.embeddings.patch_embeddings.projection.weight)
    vit.layers = nn.ModuleList()
    codes = vit.embeddings.position_embeddings[:, 1:].unflatten(1, (4, 4)).movedim(-1, 1)
    finer = nn.functional.interpolate(codes, size=(8, 6), mode="bicubic", align_corners=False)
    with torch.no_grad():
        got = token_grid(vit, torch.rand(1, 3, 128, 96))
        expected = vit.layernorm(finer.movedim(1, -1)).movedim(-1, 1)
    assert torch.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("form", ["tensor", "tuple", "list"])
@pytest.mark.parametrize("leading", [0, 1, 5])
def test_tokens_lie_where_their_patches_lie(form, leading):
    pixels = torch.rand(2, 3, 32, 80)
    got = token_grid(PatchMeans(leading=leading, form=form), pixels)
    assert torch.equal(got, avg_pool2d(pixels, 16))


def test_a_frozen_vit_sees_its_own_normalization():
    image = torch.rand(2, 1, 32, 48)
    got = FrozenViT(PatchMeans())(image)
    assert torch.allclose(got, ((avg_pool2d(image, 16) - 0.5) / 0.5).repeat(1, 3, 1, 1), atol=1e-6)


def test_a_frozen_vit_is_a_copy_without_what_it_does_not_need():
    from transformers import ViTConfig, ViTModel

    vit = ViTModel(ViTConfig(**TINY), use_mask_token=True)
    frozen, image = FrozenViT(vit), torch.rand(1, 3, 64, 64)
    before = frozen(image)
    for weight in vit.parameters():
        assert weight.requires_grad
        nn.init.ones_(weight)
    assert torch.equal(frozen(image), before)
    assert not any("pooler" in name or "mask_token" in name for name in frozen.state_dict())
    again = FrozenViT(frozen.settings)
    again.load_state_dict(frozen.state_dict())
    assert torch.equal(again(image), before)


def test_a_folder_gives_the_weights_in_it_and_no_word(folder, capfd):
    assert same_weights(local_vit(folder), random_vit(seed=3, **TINY))
    assert same_weights(local_vit(str(folder)), random_vit(seed=3, **TINY))
    assert capfd.readouterr() == ("", "")


def test_reading_a_folder_leaves_the_words_of_transformers_as_they_were(folder):
    from transformers.utils import logging as words

    level, bars = words.get_verbosity(), words.is_progress_bar_enabled()
    local_vit(folder)
    assert (words.get_verbosity(), words.is_progress_bar_enabled()) == (level, bars)
    assert level != logging.CRITICAL


def test_a_classifier_in_the_names_of_older_versions_is_read(folder):
    """As google/vit-base-patch16-224 stands on the hub."""
    older = {}
    for name, value in load_file(folder / "model.safetensors").items():
        name = re.sub(r"^(?:encoder\.layer|layers)\.", "encoder.layer.", name)
        for new, old in (
            (r"attention\.(?:attention\.)?(?:q_proj|query)", "attention.attention.query"),
            (r"attention\.(?:attention\.)?(?:k_proj|key)", "attention.attention.key"),
            (r"attention\.(?:attention\.)?(?:v_proj|value)", "attention.attention.value"),
            (r"attention\.o_proj", "attention.output.dense"),
            (r"mlp\.fc1", "intermediate.dense"),
            (r"mlp\.fc2", "output.dense"),
        ):
            name = re.sub(new, old, name)
        older[f"vit.{name}"] = value.half()
    assert "vit.encoder.layer.1.attention.attention.query.weight" in older
    older |= {"classifier.weight": torch.zeros(5, 24), "classifier.bias": torch.zeros(5)}
    save_file(older, folder / "model.safetensors", metadata={"format": "pt"})
    vit, expected = local_vit(folder), random_vit(seed=3, **TINY)
    assert len(expected.state_dict()) == len(older) - 2
    for name, value in vit.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, expected.state_dict()[name].half().float()), name


def test_folders_that_hold_no_vit_are_refused(folder, tmp_path):
    with pytest.raises(DataError, match=r"got '.*nowhere', expected a folder with config.json and model.safetensors"):
        local_vit(tmp_path / "nowhere")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="which cannot be read"):
        local_vit(folder)
    part = load_file_of(whole, tmp_path)
    part.pop("layernorm.weight")
    save_file(part, weights, metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"no values for 1 weights, such as layernorm.weight"):
        local_vit(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(DataError, match="got a model of type 'bert'"):
        local_vit(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        local_vit(folder)
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match="expected a folder with"):
        local_vit(folder)


def load_file_of(data, folder):
    (folder / "copy.safetensors").write_bytes(data)
    return load_file(folder / "copy.safetensors")


def test_without_transformers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'undula[vit]'")):
        FrozenViT()
    assert FrozenViT(PatchMeans())(torch.rand(1, 3, 16, 16)).shape == (1, 3, 1, 1)


def test_refusals():
    with pytest.raises(OptionError, match="got depth for a ViT, expected some of hidden_size"):
        random_vit(depth=3)
    with pytest.raises(OptionError, match="that the heads share evenly"):
        random_vit(hidden_size=20, num_attention_heads=3)
    with pytest.raises(OptionError, match="positive whole numbers"):
        random_vit(patch_size=0)
    with pytest.raises(OptionError, match="got a Identity without hidden_size"):
        FrozenViT(nn.Identity())
    with pytest.raises(OptionError, match=r"got class for a ViT.*give any other ViT as a module"):
        FrozenViT(FrozenViT(PatchMeans()).settings)
    with pytest.raises(ShapeError, match="got images of 2 channels and a ViT of 3"):
        FrozenViT(PatchMeans())(torch.rand(1, 2, 16, 16))
    with pytest.raises(ShapeError, match="expected sides that are multiples of 16"):
        token_grid(PatchMeans(), torch.rand(1, 3, 16, 17))
    finer = PatchMeans()
    finer.config = SimpleNamespace(hidden_size=3, patch_size=4)
    coarse = PatchMeans(patch=16)
    coarse.forward = finer.forward
    with pytest.raises(ShapeError, match="expected 4 patches for each, behind at most 16 other tokens"):
        token_grid(coarse, torch.rand(1, 3, 32, 32))
    coarse.forward = lambda pixels: pixels.mean(dim=(2, 3))
    with pytest.raises(ShapeError, match="give a ViT without a head"):
        token_grid(coarse, torch.rand(1, 3, 32, 32))
