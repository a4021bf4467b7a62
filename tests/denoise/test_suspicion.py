"""The check of noise against noise that is made to be what it is, and the grid of blocks against Pillow's JPEG files."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from undula.data import drawn_asphalt, normal, uniform
from undula.jobs.denoise import Denoiser, denoise
from undula.jobs.denoise.jpeg_grid import _cosines, jpeg_grid
from undula.jobs.denoise.noise_shape import coarse_level, isolated_share, noise_shape
from undula.jobs.denoise.suspicion import suspicions
from undula.nets.noise_level import first_guess

SIDE = 192


@pytest.fixture(scope="module")
def clean():
    """Two smooth pictures from 0.2 to 0.8 and one of drawn asphalt."""
    place = torch.linspace(0, 6, SIDE)
    smooth = torch.stack(
        [0.5 + 0.3 * torch.sin(place + tilt) * torch.cos(place[:, None] - tilt) for tilt in (0.0, 1.0)]
    )
    asphalt = drawn_asphalt(1, height=SIDE, width=SIDE, color=False)[0]
    return torch.cat([smooth[:, None], asphalt])


@pytest.fixture(scope="module")
def grey():
    return Denoiser.pretrained(1)


def drawn(draw, pictures, *, seed=0):
    numbers = torch.arange(len(pictures)) + 100 * seed
    return draw(numbers, torch.zeros_like(numbers), tuple(pictures.shape[1:]), dtype=torch.float32)


def white(pictures, level, *, seed=0):
    return pictures + level / 255 * drawn(normal, pictures, seed=seed)


def rounded(pictures):
    return (pictures.clamp(0, 1) * 255).round() / 255


def jpeg(picture, quality):
    """One plane through Pillow."""
    file = io.BytesIO()
    Image.fromarray((picture.clamp(0, 1) * 255).round().byte().numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.asarray(Image.open(file), dtype=np.float32) / 255)


def judged(grey, noisy, sigma=None):
    return denoise(noisy, sigma=sigma, model=grey).advice


def test_the_waves_are_scipys():
    blocks = torch.rand(5, 8, 8, generator=torch.Generator().manual_seed(0))
    want = [dctn(block.numpy(), norm="ortho") for block in blocks]
    row, column = np.indices((8, 8))
    want = np.stack(want)[:, row + column >= 5]
    got = torch.einsum("nxy,kxy->nk", blocks, _cosines(blocks.device)[:, 0])
    assert np.allclose(got.numpy(), want, atol=1e-6)


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("level", [10, 25, 50])
@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, 6)])
def test_a_jpeg_file_is_known_by_its_grid(clean, quality, level, down, right):
    for picture in white(clean, level):
        grid = jpeg_grid(jpeg(picture[0], quality)[down:, right:])
        assert grid.certain
        assert grid.corner == (-down % 8, -right % 8)


def test_the_share_of_zeros_is_that_of_the_blocks(clean):
    picture = jpeg(white(clean, 25)[0, 0], 75)
    side = SIDE - 8  # what all grids have
    blocks = 255 * picture.numpy()[:side, :side].reshape(side // 8, 8, -1, 8).transpose(0, 2, 1, 3).reshape(-1, 8, 8)
    blocks = np.stack([dctn(block, norm="ortho") for block in blocks if block.min() > 0.5 and block.max() < 254.5])
    row, column = np.indices((8, 8))
    assert jpeg_grid(picture).share == pytest.approx(
        (np.abs(blocks[:, row + column >= 5]) < 0.5).mean(), abs=1e-3
    )  # some lie at 0.5


@pytest.mark.parametrize("level", [5, 10, 25, 50])
def test_white_noise_has_no_grid(clean, level):
    for seed in range(5):
        noisy = white(clean, level, seed=seed)
        for picture in torch.cat([noisy, rounded(noisy)])[:, 0]:
            assert not jpeg_grid(picture).certain


def test_black_white_and_small_pictures_have_no_grid():
    assert not jpeg_grid(torch.zeros(64, 64)).certain
    assert not jpeg_grid(torch.ones(64, 64)).certain
    assert not jpeg_grid(torch.full((64, 64), 0.5)).certain
    assert jpeg_grid(torch.zeros(39, 64)) is None


def test_means_of_four_keep_the_level_of_white_noise_and_not_of_blurred():
    noise = drawn(normal, torch.empty(1, 1, 256, 256))[0]
    assert coarse_level(0.1 * noise, first_guess) == pytest.approx(0.1, rel=0.02)
    soft = torch.from_numpy(gaussian_filter(noise.numpy(), (0, 1, 1)))
    assert coarse_level(soft, first_guess) > 3 * float(first_guess(soft[None]))
    assert coarse_level(noise[:, :41], first_guess) is None


@pytest.mark.parametrize(
    ("kind", "tails"),
    [("normal", 0.0), ("uniform", -1.2), ("laplace", 3.0)],
)
def test_tails_are_those_of_the_distribution(kind, tails):
    flat = torch.full((1, 1, 512, 512), 0.5)
    chance = drawn(uniform, flat)[0] - 0.5
    noise = {
        "normal": drawn(normal, flat)[0],
        "uniform": chance,
        "laplace": -chance.sign() * torch.log1p(-2 * chance.abs().clamp(max=0.4999999)),
    }[kind]
    shape = noise_shape(0.02 * noise, torch.zeros(1, 512, 512), flat[0, 0], 0.02)
    assert shape.tails == pytest.approx(tails, abs=0.15)
    assert shape.growth == pytest.approx(1, abs=0.02)


def test_noise_grows_as_that_of_photons():
    """Three stripes, and noise whose deviation is the root of their light: √(0.8 / 0.2) from the first to the last."""
    light = torch.tensor([0.2, 0.5, 0.8]).repeat_interleave(100).expand(1, 300, 300)
    noise = drawn(normal, light[None])[0] * (light / 1000).sqrt()
    assert noise_shape(light + noise, light, light[0], 0.02).growth == pytest.approx(2, rel=0.03)


def test_too_few_flat_pixels_have_no_shape():
    picture = torch.full((1, 30, 30), 0.5)
    assert noise_shape(picture, picture, picture[0], 0.1) is None
    assert noise_shape(0 * picture, 0 * picture, 0 * picture[0], 0.1) is None
    large = torch.full((1, 100, 100), 0.5)
    assert noise_shape(large, large, large[0], 0.1) is None


def test_isolated_pixels_are_counted():
    picture = torch.full((40, 40), 0.5)
    picture[5::10, 5::10] = 1
    assert isolated_share(picture, 0.01) == pytest.approx(16 / 38**2)
    assert isolated_share(white(torch.full((1, 1, 128, 128), 0.5), 25)[0, 0], 25 / 255) == 0


@pytest.mark.parametrize("level", [5, 10, 25, 50])
def test_nothing_is_said_of_white_gaussian_noise(grey, clean, level):
    assert judged(grey, white(clean, level)) == ("",) * 3
    assert judged(grey, rounded(white(clean, level))) == ("",) * 3
    assert judged(grey, white(clean, level), level / 255) == ("",) * 3


@pytest.mark.parametrize(
    ("corrupt", "start"),
    [
        (lambda x: torch.stack([jpeg(one[0], 50)[None] for one in white(x, 10)]), "it was a JPEG file"),
        (lambda x: torch.stack([jpeg(one[0], 90)[None] for one in white(x, 25)]), "it was a JPEG file"),
        (lambda x: torch.where(drawn(uniform, x, seed=1) < 0.03, 0.0, white(x, 10)), "single pixels are bad"),
        (lambda x: torch.from_numpy(gaussian_filter(white(x, 50).numpy(), (0, 0, 0.8, 0.8))), "its noise is not white"),
        (lambda x: x + (drawn(uniform, x) - 0.5) * 12**0.5 * 20 / 255, "its noise is not Gaussian"),
        (lambda x: x + drawn(normal, x) * 0.2 * x, "its noise is "),
    ],
)
def test_other_noise_is_named(grey, clean, corrupt, start):
    for sentence in judged(grey, corrupt(clean[:2])):
        assert sentence.startswith(start)


def test_a_wrong_level_is_named(grey, clean):
    noisy = white(clean[:1], 10)
    assert "said was noise of 25 grey levels, measured are 10: fine detail goes" in judged(grey, noisy, 25 / 255)[0]
    assert (
        "said was noise of 4 grey levels, measured are 10: most of the noise stays" in judged(grey, noisy, 4 / 255)[0]
    )
    assert judged(grey, noisy, 13 / 255) == ("",)


def test_color_is_judged_item_by_item(grey, clean):
    color = clean[:2].expand(-1, 3, -1, -1) * torch.tensor([1.0, 0.9, 0.8])[:, None, None]
    noisy = white(color, 20)
    noisy[1] = torch.where(drawn(uniform, noisy[:1, :1])[0] < 0.03, 1.0, noisy[1])
    good, bad = judged(grey, noisy)
    assert good == ""
    assert bad.startswith("single pixels are bad")


def test_small_images_and_images_without_a_measure_are_taken(clean):
    small = clean[:1, :, :20, :20]
    assert suspicions(small, small, torch.tensor([0.1])) == [""]
    noisy = white(clean[:1], 10)
    assert suspicions(noisy, clean[:1], torch.tensor([10 / 255])) == [""]
    some = white(clean[:1, :, :30, :30], 10)
    assert suspicions(some, clean[:1, :, :30, :30], torch.tensor([10 / 255]), measure=first_guess) == [""]
