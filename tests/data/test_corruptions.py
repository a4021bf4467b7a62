"""Corruptions: Pillow, SciPy and closed forms are the oracles."""

import io

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import torch
from PIL import Image

from undula.data.corruptions import Corruptions, blurred, coarsened, compressed, discolored, enlarged, noised, quantized
from undula.errors import OptionError


def pictures(count=4, side=24):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, side, side + 8), generator=generator, dtype=torch.uint8)


def test_jpeg_is_that_of_pillow():
    some = pictures()
    found = compressed(some, torch.tensor([10, 50, 75, 95]))
    for one, made, quality in zip(some, found, (10, 50, 75, 95), strict=True):
        file = io.BytesIO()
        Image.fromarray(one.permute(1, 2, 0).numpy()).save(file, format="JPEG", quality=quality)
        assert np.array_equal(np.array(Image.open(file)), made.permute(1, 2, 0).numpy())


def test_blur_is_that_of_scipy():
    some = pictures()
    radii = torch.tensor([0.3, 0.7, 1.0, 0.5])
    found = blurred(some, radii).double().numpy()
    for one, made, radius in zip(some.double().numpy(), found, radii.tolist(), strict=True):
        want = scipy.ndimage.gaussian_filter(one, (0, radius, radius), mode="nearest", radius=3)
        assert np.abs(made - want).max() <= 0.51  # rounded to bytes


def test_noise_has_its_deviation():
    flat = torch.full((2, 3, 128, 128), 128, dtype=torch.uint8)
    found = noised(flat, torch.tensor([3.0, 8.0]), torch.tensor([1, 2])).float() - 128
    assert found.std(dim=(1, 2, 3)).tolist() == pytest.approx([3, 8], rel=0.02)


def test_a_part_made_large():
    """A ramp seen through half of its width is half as steep, and nothing happens to the whole."""
    ramp = torch.arange(64, dtype=torch.uint8).expand(1, 3, 64, 64).contiguous()
    assert torch.equal(enlarged(ramp, torch.ones(1), torch.zeros(1, 2)), ramp)
    for place, want in ((0.0, 0.0), (1.0, 32.0)):
        found = enlarged(ramp, torch.tensor([0.5]), torch.full((1, 2), place)).float()[0, 0, 30]
        assert (found - want - (torch.arange(64) + 0.5) / 2 + 0.5).abs().max() <= 0.51


def test_fewer_pixels_are_a_mean():
    """At half the size and back the mean stays, and a checkerboard is gone."""
    board = ((torch.arange(16)[:, None] + torch.arange(16)) % 2 * 200).to(torch.uint8).expand(1, 3, 16, 16)
    assert (coarsened(board, 0.5).float() - 100)[..., 4:-4, 4:-4].abs().max() <= 1  # antialiased but at the edges
    assert torch.equal(coarsened(board, 1.0), board)


def test_brightness_outlives_what_color_loses():
    """Grey pictures do not change; of colors by chance the luma stays and most of the differences is gone."""
    grey = pictures()[:, :1].expand(-1, 3, -1, -1).contiguous()
    assert torch.equal(discolored(grey), grey)
    some = (pictures().float() / 4 + 96).to(torch.uint8)  # nothing is cut at 0 or 255
    luma = torch.tensor([0.299, 0.587, 0.114])
    before, after = (torch.einsum("c,nchw->nhw", luma, one.float()) for one in (some, discolored(some)))
    assert (before - after).abs().max() <= 0.51
    colors = [(one.float() - value[:, None]).std() for one, value in ((some, before), (discolored(some), after))]
    assert colors[1] < 0.6 * colors[0]


def test_rounded_blocks_are_those_of_scipy():
    some, steps = pictures(2, 24)[:, :1].expand(-1, 3, -1, -1).contiguous(), torch.tensor([2.0, 12.0])  # grey: no color
    rise = 1 + np.add.outer(np.arange(4), np.arange(4)) / 3
    for one, made, step in zip(some.double().numpy(), quantized(some, steps, side=4), steps.tolist(), strict=True):
        for top, left in ((0, 0), (8, 12)):
            block = scipy.fft.dctn(one[:, top : top + 4, left : left + 4], axes=(1, 2), norm="ortho")
            want = scipy.fft.idctn((block / step / rise).round() * step * rise, axes=(1, 2), norm="ortho").clip(0, 255)
            assert np.abs(made[:, top : top + 4, left : left + 4].numpy() - want).max() <= 0.51


def test_a_number_decides_what_happens():
    some, numbers = pictures(64, 16), torch.arange(64)
    corrupt = Corruptions(share=0.5, seed=3)
    found = corrupt(some, numbers)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(corrupt(some[order], numbers[order]), found[order])
    changed = (found != some).flatten(1).any(dim=1)
    assert 20 < int(changed.sum()) < 44 and found.dtype == torch.uint8
    assert torch.equal(Corruptions(share=0.0)(some, numbers), some)


@pytest.mark.parametrize(
    "options", [{"share": 2.0}, {"qualities": (90.0, 40.0)}, {"blur": (0.5, 3.0)}, {"part": (0.5, 1.5)}]
)
def test_corruptions_refuse(options):
    with pytest.raises(OptionError, match="expected shares"):
        Corruptions(**options)
