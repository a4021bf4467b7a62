"""Lattices and tints of known size, in closed form."""

import math

import numpy as np
import pytest
import skimage.data
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.metrics import color_bias, lattice_peak_index
from undula.spectra import gaussian_blur


def board(shape, *, period=2):
    """cos(2π m / period) cos(2π n / period): amplitude 1 at one frequency of the lattice and its mirrors."""
    row, column = (torch.cos(2 * math.pi * (torch.arange(n, dtype=torch.float64) % period) / period) for n in shape)
    return row[:, None] * column


def noise(shape, *, deviation=1.0, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return deviation * torch.randn(*shape, dtype=torch.float64, generator=chance)


@pytest.mark.parametrize("period", [2, 4, 8])
@pytest.mark.parametrize("shape", [(64, 64), (96, 64), (250, 333)])
def test_white_noise_has_no_peak(shape, period):
    """Mean 1 over many pictures; 64 of them leave a scatter of 0.2/8 at period 8, 0.8/8 at period 2."""
    index = lattice_peak_index(noise((64, *shape)), period=period)
    assert index.shape == (64,)
    assert float(index.mean()) == pytest.approx(1, abs={2: 0.25, 4: 0.15, 8: 0.08}[period])
    if period == 8:
        assert float(index.std()) < 0.3


@pytest.mark.parametrize("amplitude", [0.05, 0.5])
@pytest.mark.parametrize("period", [2, 4, 8])
@pytest.mark.parametrize("shape", [(64, 64), (64, 96)])
def test_a_board_on_a_flat_spectrum_is_the_closed_form(shape, period, amplitude, close):
    """An impulse where the window is 1 has the power 1/N at every frequency, exactly.

    The Hann window leaves a quarter of a wave's coefficient at its frequency. With period² - 1 frequencies, of which a
    board of a longer period than 2 takes four (two cosines of amplitude 1/2 each way), the index is the sum of the
    powers over N⁻¹ / ln 2, over their number.
    """
    size = math.prod(shape)
    x = amplitude * board(shape, period=period)
    # A mean that the board does not have would be subtracted.
    impulse = torch.zeros(shape, dtype=torch.float64)
    impulse[shape[0] // 2, shape[1] // 2] = 1.0
    sign = 1 if period == 2 else (-1) ** ((shape[0] + shape[1]) // period)
    places = 1 if period == 2 else 4
    with_board = (amplitude / places * math.sqrt(size) / 4 * sign + 1 / math.sqrt(size)) ** 2 * size
    want = math.log(2) * (places * with_board + period**2 - 1 - places) / (period**2 - 1)
    # Subtracting the mean 1/N changes what lies within a step of zero frequency only, where no lattice lies.
    close(lattice_peak_index(x + impulse, period=period), np.float64(want), times=1e3)
    close(lattice_peak_index(x + impulse), lattice_peak_index(x + impulse, period=8))


@pytest.mark.parametrize("seen", ["image", "difference"])
def test_a_board_on_noise_is_what_the_docstring_says(seen):
    """1 + 4 A² h w / (9 σ² (period² - 1)), mean over many pictures."""
    grain, amplitude, deviation = noise((64, 64, 64), deviation=0.1), 0.02, 0.1
    reference = gaussian_blur(noise((64, 64, 64), seed=1), deviation=1.0)
    x = grain + amplitude * board((64, 64))
    index = lattice_peak_index(x) if seen == "image" else lattice_peak_index(x + reference, reference)
    want = 1 + 4 * amplitude**2 * 64 * 64 / (9 * deviation**2 * 63)
    assert float(index.mean()) == pytest.approx(want, rel=0.1)


def test_longer_periods_hold_their_divisors():
    grain = noise((96, 96), deviation=0.1)
    for period in (2, 4, 8):
        x = grain + 0.1 * board((96, 96), period=period)
        seen = [float(lattice_peak_index(x, period=longest)) > 2 for longest in (2, 4, 8)]
        assert seen == [period <= longest for longest in (2, 4, 8)]


def test_what_a_transposed_convolution_leaves(generator):
    """A 3 × 3 kernel of ones at stride 2 covers pixels one, two and four times: the textbook checkerboard."""
    coarse = torch.rand(1, 1, 64, 64, generator=generator)
    rough = torch.nn.functional.conv_transpose2d(coarse, torch.ones(1, 1, 3, 3) / 2.25, stride=2, padding=1)
    smooth = torch.nn.functional.interpolate(coarse, size=rough.shape[-2:], mode="bilinear", align_corners=True)
    assert float(lattice_peak_index(rough[0, 0], period=2)) > 100
    assert float(lattice_peak_index(smooth[0, 0], period=2)) < 5


@pytest.mark.parametrize("name", ["camera", "coins", "brick", "grass", "gravel", "moon"])
def test_photographs_have_no_lattice_and_get_one(name):
    picture = torch.as_tensor(getattr(skimage.data, name)() / 255.0)
    assert float(lattice_peak_index(picture)) < 1.5
    grain = gaussian_blur(picture, deviation=1.0) - picture
    assert float(lattice_peak_index(picture + grain, picture)) < 1.5
    assert float(lattice_peak_index(picture + grain + 0.02 * board(picture.shape), picture)) > 3


def test_size_beyond_the_last_period_is_cut(close):
    x = noise((3, 100, 77))
    close(lattice_peak_index(x), lattice_peak_index(x[:, :96, :72]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_no_peak_and_a_board_on_nothing_is_infinite(dtype):
    flat = torch.full((64, 80), 0.3, dtype=dtype)
    assert lattice_peak_index(flat) == 1
    x = noise((64, 80)).to(dtype)
    assert lattice_peak_index(x, x) == 1
    assert lattice_peak_index(flat + board((64, 80)).to(dtype)) == math.inf


# Color.


def full_plane(x, y, cutoff):
    """The same with NumPy's full plane, in another basis of the chroma plane: RGB less brightness."""
    difference = (x - y).numpy()
    chroma = difference - difference.mean(axis=-3, keepdims=True)
    spectrum = np.fft.fft2(chroma, norm="ortho")
    grids = np.meshgrid(*[np.fft.fftfreq(n) for n in x.shape[-2:]], indexing="ij")
    slow = np.round(np.hypot(*grids), 9) <= round(cutoff, 9)
    return np.sqrt((abs(spectrum[..., slow]) ** 2).sum(axis=(-1, -2)) / math.prod(x.shape[-2:]))


@pytest.mark.parametrize("cutoff", [0.0, 1 / 16, 0.2, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 32, 48), (2, 3, 33, 40), (2, 2, 3, 35, 31)])
def test_color_bias_is_numpys_full_plane(shape, dtype, cutoff, close):
    x, y = noise(shape).to(dtype), noise(shape, seed=1).to(dtype)
    close(color_bias(x, y, cutoff=cutoff), full_plane(x, y, cutoff), times=10)


def test_color_bias_of_known_tints(close):
    """Any shift t of one channel counts √(2/3) t, a slow cosine 1/√2 of its amplitude, a fast or a grey one nothing."""
    grey = noise((3, 64, 64))
    column = torch.arange(64, dtype=torch.float64) / 64
    for channel in range(3):
        tint = torch.zeros(3, 1, 1, dtype=torch.float64)
        tint[channel] = 0.1
        close(color_bias(grey + tint, grey), np.float64(0.1 * math.sqrt(2 / 3)), times=10)
        slow, fast = (torch.cos(2 * math.pi * k * column) for k in (3, 5))
        close(color_bias(grey + tint * slow, grey), np.float64(0.1 * math.sqrt(2 / 3) / math.sqrt(2)), times=10)
        close(color_bias(grey + tint * fast, grey), np.float64(0), times=10)
    close(color_bias(grey + 0.1 + 0.2 * column, grey), np.float64(0), times=10)
    purple = torch.tensor([0.1, -0.2, 0.1], dtype=torch.float64)[:, None, None]
    close(color_bias(grey + purple, grey), np.float64(math.sqrt(0.06)), times=10)


def test_color_bias_of_noise_is_what_the_docstring_says():
    x = noise((16, 3, 128, 128), deviation=0.1)
    want = math.sqrt(2 * math.pi) / 16 * 0.1
    assert float(color_bias(x, torch.zeros_like(x)).mean()) == pytest.approx(want, rel=0.05)


def test_equal_images_have_no_bias_and_gradient_zero():
    x = noise((2, 3, 20, 20)).requires_grad_()
    bias = color_bias(x, x.detach().clone())
    assert bias.tolist() == [0, 0]
    bias.sum().backward()
    assert x.grad is not None and not x.grad.any()


def test_errors_say_what_to_do(unchecked):
    module = unchecked("undula.metrics.artifacts")
    x = torch.zeros(3, 64, 40)
    with pytest.raises(
        ShapeError, match=r"^got images of \(64, 40\) pixels, expected at least 64 × 64 for period=16: take"
    ):
        module.lattice_peak_index(x, period=16)
    with pytest.raises(
        OptionError, match=r"^got period=1, expected at least 2 pixels: 8 covers the periods 2 and 4 too$"
    ):
        module.lattice_peak_index(x, period=1)
    with pytest.raises(
        ShapeError, match=r"shape \(3, 64, 40\) and a reference of shape \(3, 40, 64\), expected the sam"
    ):
        module.lattice_peak_index(x, x.mT)
    with pytest.raises(RangeError, match=r"^got values of type torch.int64, expected floats in \[0, 1\]: divide"):
        module.lattice_peak_index(x.long())
    with pytest.raises(
        ShapeError, match=r"^got images of shape \(4, 64, 40\), expected \(…, 3, h, w\): red, green, blue$"
    ):
        module.color_bias(torch.zeros(4, 64, 40), torch.zeros(4, 64, 40))
    with pytest.raises(ShapeError, match=r"^got shape \(64, 40\) with dims=3, expected at least 3 axes"):
        module.color_bias(x[0], x[0])
    with pytest.raises(OptionError, match=r"^got cutoff=-0.1, expected 0 or more cycles per pixel, mostly 1/16$"):
        module.color_bias(x, x, cutoff=-0.1)
