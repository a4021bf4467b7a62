"""Welch's density against SciPy's, covariance against a closed form, and noise made white."""

import math

import pytest
import scipy.signal
import torch

from undula.errors import RangeError, ShapeError
from undula.spectra import autocovariance, welch, whiten


def colored(number, samples, *, root=0.8, dtype=torch.float64):
    """First-order autoregressive noise of unit innovations, warmed up."""
    steps = torch.randn(number, samples + 200, dtype=dtype, generator=torch.Generator().manual_seed(0))
    filtered = scipy.signal.lfilter([1.0], [1.0, -root], steps.numpy(), axis=-1)
    return torch.from_numpy(filtered)[:, 200:].to(dtype)


@pytest.mark.parametrize("average", ["mean", "median"])
@pytest.mark.parametrize("segment", [64, 65])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_it_is_scipys_welch(dtype, segment, average, close):
    x = colored(2, 1000, dtype=dtype)
    frequency, density = welch(x, rate=50.0, segment=segment, average=average)
    f, want = scipy.signal.welch(
        x.numpy(), fs=50.0, window="hann", nperseg=segment, noverlap=segment - segment // 2, average=average
    )
    order = f.argsort()
    close(frequency.double(), f[order], times=1e9)  # torch's frequencies are float32
    close(density, want[:, order], times=10)


def test_covariance_of_autoregressive_noise():
    f = torch.linspace(0, 0.5, 4097, dtype=torch.float64)
    density = 2 / (1 + 0.64 - 1.6 * torch.cos(2 * math.pi * f))
    got = autocovariance(f, density, rate=1.0, count=20)
    assert torch.allclose(got, 0.8 ** torch.arange(20).double() / (1 - 0.64), rtol=1e-4)  # lines between frequencies


def test_whitened_noise_is_white():
    x = colored(1, 2**15)
    f = torch.linspace(0, 0.5, 513, dtype=torch.float64)
    white = whiten(x, frequency=f, density=2 / (1 + 0.64 - 1.6 * torch.cos(2 * math.pi * f)))[0]
    assert float(white.var()) == pytest.approx(1, abs=0.03)
    assert abs(float((white[1:] * white[:-1]).mean())) < 0.02


def test_a_band_is_cut_out(close):
    t = torch.arange(200, dtype=torch.float64)
    slow, fast = torch.cos(2 * math.pi * 0.05 * t), torch.cos(2 * math.pi * 0.25 * t)
    flat = torch.tensor([2.0, 2.0], dtype=torch.float64)
    ends = torch.tensor([0.0, 0.5], dtype=torch.float64)
    close(whiten(slow + fast, frequency=ends, density=flat, band=(0.1, 0.4)), fast, times=100)


def test_refusals():
    with pytest.raises(ShapeError, match=r"got segments of 9 samples of noise with 8, expected 2 … 8"):
        welch(torch.zeros(8), segment=9)
    with pytest.raises(RangeError, match=r"got rate=0.0"):
        welch(torch.zeros(8), rate=0.0)
    with pytest.raises(RangeError, match="NaN or infinite"):
        welch(torch.full((8,), math.nan), segment=4)
