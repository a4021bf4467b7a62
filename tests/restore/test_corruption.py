"""Finding damage: black and white specks, and black and white areas that are none."""

import math

import pytest
import torch

from undula.data import drawn_leaves
from undula.errors import DataError, OptionError
from undula.jobs.restore import corruption
from undula.jobs.restore.areas import chances
from undula.jobs.restore.corruption import Corruption, weighed
from undula.jobs.restore.model import shipped


def find_corrupted(planes, *, gaps=None, tile=1024) -> Corruption:
    """With the network that ships."""
    return corruption.find_corrupted(planes, gaps=gaps, network=shipped().areas, tile=tile)


@pytest.fixture(scope="module")
def leaves():
    """A picture without exact black or white."""
    return drawn_leaves(1, height=96, width=128, color=False)[0, 0]


def test_specks_are_found_and_nothing_else(leaves, damage):
    for share in (0.1, 0.5, 0.9):
        damaged, missing = damage(leaves, share=share)
        found = find_corrupted(damaged[None, None]).missing[0, 0]
        assert found[missing].float().mean() >= 0.999
        assert not found[~missing].any()  # none of them is black or white


def test_a_black_and_a_white_area_stay(leaves, damage):
    picture = leaves.clone()
    picture[20:70, 10:50], picture[20:70, 70:110] = 0.0, 1.0
    damaged, missing = damage(picture, share=0.3)
    found = find_corrupted(damaged[None, None]).missing[0, 0]
    inside = torch.zeros_like(missing)
    inside[26:64, 16:44] = inside[26:64, 76:104] = True
    wrong = missing & (damaged != picture)
    assert found[wrong].float().mean() >= 0.99
    assert found[inside & ~missing].float().mean() < 0.05


def test_a_picture_in_black_and_white_parts_keeps_most_of_them():
    picture = torch.full((1, 1, 60, 60), 0.5)
    picture[..., :30], picture[..., 40:] = 0.0, 1.0
    found = find_corrupted(picture)
    assert found.missing.float().mean() < 0.15 and found.advice


def test_pixels_are_black_in_all_channels_or_channels_for_themselves(generator):
    color = 0.2 + 0.6 * drawn_leaves(1, height=64, width=64)
    whole, single = color.clone(), color.clone()
    specks = torch.rand(64, 64, generator=generator) < 0.3
    whole[..., specks] = 0.0
    single[0, 1, specks] = 1.0
    whole[0, 2, 5, 5] = 0.0
    found = find_corrupted(whole).missing[0]
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])
    assert found[0][specks].float().mean() > 0.98 and not found[0][~specks].any()
    found = find_corrupted(single).missing[0]
    assert found[1][specks].float().mean() > 0.98 and not found[1][~specks].any()
    assert not found[0].any() and not found[2].any()


def test_gaps_are_among_what_is_missing(generator):
    planes = 0.2 + 0.6 * torch.rand(1, 1, 20, 20, generator=generator)
    gaps = torch.zeros_like(planes, dtype=torch.bool)
    gaps[..., 3:6, 3:6] = True
    planes[gaps] = 0.0
    assert torch.equal(find_corrupted(planes, gaps=gaps).missing, gaps)


def test_refusals():
    with pytest.raises(OptionError, match="a volume and no missing"):
        find_corrupted(torch.zeros(1, 1, 4, 4, 4))
    specks = (torch.arange(100) % 2).float().reshape(1, 1, 10, 10)
    with pytest.raises(DataError, match="say what is missing"):
        find_corrupted(specks)


def test_chances_are_zero_elsewhere_and_alike_in_tiles(leaves, damage):
    picture = leaves.clone()
    picture[:, 64:] = 1.0
    damaged, _ = damage(picture, share=0.6)
    planes = damaged[None]
    low, high = planes == 0, planes == 1
    whole = chances(shipped().areas, planes, low, high, tile=1024)
    assert (whole[~(low | high)] == 0).all() and whole.min() >= 0 and whole.max() <= 1
    small = chances(shipped().areas, planes, low, high, tile=16)
    assert torch.allclose(small, whole, atol=1e-4)


def test_estimates_are_near_what_was_found(leaves, damage):
    picture = leaves.clone()
    picture[:48] = 0.0
    damaged, _ = damage(picture, share=0.5)
    found = find_corrupted(damaged[None, None])
    wrong, taken = (damaged != picture), found.missing[0, 0]
    assert found.recall == pytest.approx(float((taken & wrong).sum() / wrong.sum()), abs=0.02)
    assert found.precision == pytest.approx(float((taken & wrong).sum() / taken.sum()), abs=0.05)


def test_nothing_black_or_white_is_nothing_corrupted(leaves):
    found = find_corrupted(leaves[None, None])
    assert not found.missing.any() and found.precision == found.recall == 1


def test_what_was_likely_black_and_is_filled_by_almost_black_stays_black():
    planes, before = torch.zeros(1, 1, 1, 4), torch.tensor([0.0, 0.9, 0.9, 0.5]).reshape(1, 1, 1, 4)
    filled = torch.tensor([0.02, 0.02, 0.8, 0.1]).reshape(1, 1, 1, 4)
    interval = torch.full_like(filled, 1.645 * 0.05)
    out = weighed(filled, planes, before, interval)[0, 0, 0]
    density = math.exp(-((0.1 / 0.05) ** 2) / 2) / (0.05 * math.sqrt(2 * math.pi))
    chance = 0.5 * 2 * density / (0.5 * 2 * density + 0.5)
    assert out[3].item() == pytest.approx(0.1 * (1 - chance), rel=1e-4)
    assert out[0].item() == filled[0, 0, 0, 0].item() and out[2].item() == pytest.approx(0.8)
    assert out[1] < 1 / 255
    assert torch.allclose(weighed(filled, planes, before, None)[0, 0, 0], out, atol=1e-6)
