"""Crops by number: pieces of the pictures, all places equally likely, the same in every batch."""

import pytest
import scipy.stats
import torch

from undula.data.crops import Crops
from undula.errors import OptionError, ShapeError


def numbered(channels, height, width, start=0):
    """A picture whose every pixel says where it is."""
    count = channels * height * width
    return (torch.arange(start, start + count, dtype=torch.float64) / 4096).float().reshape(channels, height, width)


def test_crops_are_pieces_of_the_pictures():
    pictures = [numbered(2, 9, 14), numbered(2, 8, 7, start=1000)]
    crops = Crops(pictures, size=6, turned=False)(torch.arange(50))
    assert crops.shape == (50, 2, 6, 6) and crops.dtype == torch.float32
    pieces = torch.cat([picture.unfold(1, 6, 1).unfold(2, 6, 1).flatten(1, 2).movedim(1, 0) for picture in pictures])
    same = (crops[:, None] == pieces[None]).flatten(2).all(-1)
    assert (same.sum(dim=1) == 1).all()


def test_turned_crops_are_the_eight_symmetries():
    crops = Crops([numbered(1, 5, 5)], size=5)(torch.arange(400))
    square = numbered(1, 5, 5)
    ways = torch.stack([torch.rot90(one, k, (-2, -1)) for one in (square, square.mT) for k in range(4)])
    counts = (crops[:, None] == ways[None]).flatten(2).all(-1).sum(dim=0)
    assert counts.sum() == 400 and scipy.stats.chisquare(counts.numpy()).pvalue > 0.01


def test_every_place_is_as_likely():
    crops = Crops([numbered(1, 4, 6), numbered(1, 3, 3, start=100)], size=3, turned=False)(torch.arange(9000))
    corners, counts = crops[:, 0, 0, 0].unique(return_counts=True)
    assert len(corners) == 2 * 4 + 1 and scipy.stats.chisquare(counts.numpy()).pvalue > 0.01


def test_a_number_has_its_crop_and_a_seed_its_own():
    pictures = [torch.rand(3, 20, 30)]
    crops, others = Crops(pictures, size=8), Crops(pictures, size=8, seed=1)
    together = crops(torch.arange(16))
    assert torch.equal(crops(torch.tensor([11, 3])), together[[11, 3]])
    assert not torch.equal(others(torch.arange(16)), together)


def test_bytes_are_kept_as_bytes():
    exact = torch.randint(0, 256, (1, 9, 9)) / 255
    assert Crops([exact], size=9)._pixels.dtype == torch.uint8
    assert torch.equal(Crops([exact], size=9, turned=False)(torch.arange(1))[0], exact)
    assert Crops([exact + 1 / 600], size=9)._pixels.dtype == torch.float32


def test_refusals():
    with pytest.raises(OptionError, match="got 0 pictures"):
        Crops([], size=8)
    with pytest.raises(ShapeError, match=r"got a picture of shape \(1, 7, 9\), expected .* no side below 8"):
        Crops([torch.rand(1, 7, 9)], size=8)
    with pytest.raises(ShapeError, match=r"expected \(1, height"):
        Crops([torch.rand(1, 9, 9), torch.rand(3, 9, 9)], size=8)
