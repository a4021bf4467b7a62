"""Drawn leaves: the same by number, at any size, in bytes, without exact black and white."""

import pytest
import torch

from undula.data import drawn_leaves, luminance
from undula.errors import OptionError


def test_a_number_has_its_picture():
    pictures = drawn_leaves(3, height=40, width=50)
    assert pictures.shape == (3, 3, 40, 50) and pictures.dtype == torch.float32
    assert torch.equal(drawn_leaves(1, height=40, width=50), pictures[:1])
    assert not torch.equal(pictures[0], pictures[1])
    assert not torch.equal(drawn_leaves(1, height=40, width=50, seed=1), pictures[:1])
    state = torch.get_rng_state()
    drawn_leaves(1, height=32, width=32)
    assert torch.equal(torch.get_rng_state(), state)


def test_values_are_those_of_bytes_and_neither_black_nor_white():
    levels = drawn_leaves(2, height=96, width=128) * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
    assert levels.min() >= 5 and levels.max() <= 250


def test_grey_is_the_luminance_of_color():
    color, grey = (drawn_leaves(1, height=64, width=96, color=color) for color in (True, False))
    torch.testing.assert_close(grey[0, 0], luminance(color[0]), atol=1.01 / 255, rtol=0)  # both are rounded


def test_a_larger_picture_shows_the_same_more_finely():
    small, large = (drawn_leaves(1, height=side, width=side * 3 // 2) for side in (64, 256))
    shrunk = torch.nn.functional.avg_pool2d(large, 4)
    assert (shrunk - small).abs().mean() < 0.02
    assert (shrunk.flip(-1) - small).abs().mean() > 0.05


def test_refusals():
    for wrong in ({"count": 0}, {"height": 31}, {"width": 8}):
        with pytest.raises(OptionError, match="expected at least 1 of 32 × 32"):
            drawn_leaves(**wrong)
