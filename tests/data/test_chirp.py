"""The chirp against SciPy, the pair of rings against its printed number and OpenCV."""

import cv2
import numpy as np
import pytest
import scipy.signal
import torch

from undula.data import linear_chirp, ring_pair
from undula.errors import OptionError, RangeError


@pytest.mark.parametrize(
    ("length", "start", "stop", "rate"),
    [(2000, 1.0, 250.0, 1000.0), (1, 0.0, 0.5, 1.0), (801, 12.0, 1.0, 200.0), (64, 0.0, 0.0, 1.0)],
)
def test_chirp_is_scipys(length, start, stop, rate, close):
    got = linear_chirp(length, start=start, stop=stop, rate=rate)
    assert got.dtype == torch.float64
    time = np.arange(length) / rate
    want = scipy.signal.chirp(time, f0=start, f1=stop, t1=length / rate, method="linear")
    close(got, want, times=10)  # hundreds of turns, whose rounding grows with the angle


def test_chirp_without_arguments_is_the_same_each_time():
    assert linear_chirp().shape == (2000,)
    assert torch.equal(linear_chirp(), linear_chirp())


def test_frequency_rises_steadily():
    """By the phase of the analytic signal: from 1 to 250 hertz in two seconds, away from the ends."""
    phase = np.unwrap(np.angle(scipy.signal.hilbert(linear_chirp().numpy())))
    frequency = np.diff(phase)[200:-200] * 1000 / (2 * np.pi)
    want = 1 + 249 * (np.arange(2000)[200:-201] + 0.5) / 2000
    assert np.abs(frequency - want).mean() < 1


@pytest.mark.parametrize("options", [{"start": -1.0}, {"stop": 501.0}, {"rate": 0.0}, {"rate": float("nan")}])
def test_frequencies_that_cannot_be_sampled(options):
    with pytest.raises(RangeError, match=r"got start=.*, expected a positive rate and frequencies from 0 to half"):
        linear_chirp(**options)


def test_no_samples():
    with pytest.raises(OptionError, match=r"got length=0, expected at least 1"):
        linear_chirp(0)


def test_the_number_printed_with_the_pair_of_rings():
    """The text takes the magnitudes of `img`, which it never sets; its number is that of the sharp ring."""
    sharp, blurred = ring_pair()
    difference = (torch.fft.fft2(sharp).abs() - torch.fft.fft2(blurred).abs()).abs().mean()
    assert f"{difference:.4f}" == "14.8913"
    assert f"{(torch.fft.fft2(sharp) - torch.fft.fft2(blurred)).abs().mean():.4f}" != "14.8913"


def test_the_sharp_ring_is_counted():
    sharp, _ = ring_pair()
    y, x = np.mgrid[-128:128, -128:128]
    assert sharp.dtype == torch.float32
    np.testing.assert_array_equal(sharp.numpy(), (x**2 + y**2 >= 56**2) & (x**2 + y**2 <= 64**2))


def test_the_blur_is_opencvs():
    sharp, blurred = ring_pair()
    want = cv2.GaussianBlur(sharp.numpy(), (15, 15), 3.0, borderType=cv2.BORDER_REFLECT_101)
    assert blurred.dtype == torch.float32
    np.testing.assert_allclose(blurred.numpy(), want, atol=3e-6)


@pytest.mark.parametrize("size", [32, 33, 100, 512])
def test_lengths_scale(size):
    """The share of white pixels is that of the ring's area, π (64² - 56²) / 256²; the blur keeps it."""
    sharp, blurred = ring_pair(size)
    assert sharp.shape == blurred.shape == (size, size)
    assert float(sharp.mean()) == pytest.approx(np.pi * (64**2 - 56**2) / 256**2, rel=0.12)  # one pixel thick at 32
    assert float(blurred.mean()) == pytest.approx(float(sharp.mean()), rel=1e-3)


def test_too_few_pixels():
    with pytest.raises(OptionError, match=r"got size=31, expected at least 32"):
        ring_pair(31)
