"""Wavelet losses against PyWavelets and NumPy."""

import numpy as np
import pytest
import pywt
import torch

from undula.losses import WaveletLoss, wavelet_loss
from undula.spectra.wavelets import SoftOrthogonal


def details(x, wavelet, level, mode, dims):
    """Details of PyWavelets (batch, channel, …), coarse to fine."""
    if dims == 1:
        return pywt.wavedec(x, wavelet, mode, level, axis=-1)[1:]
    return [band for three in pywt.wavedec2(x, wavelet, mode, level, axes=(-2, -1))[1:] for band in three]


def packets(x, wavelet, level, mode, dims):
    if dims == 1:
        tree = pywt.WaveletPacket(x, wavelet, mode, level, axis=-1)
        return [node.data for node in tree.get_level(level, "freq")]
    tree = pywt.WaveletPacket2D(x, wavelet, mode, level, axes=(-2, -1))
    return [node.data for row in tree.get_level(level, "freq") for node in row]


def energy(band, cell, dims):
    """√(mean of squares over cells + 10⁻⁶), the cells at the border as large as they are."""
    axes = range(2, 2 + dims)
    starts = [range(0, band.shape[axis], cell) for axis in axes]
    out = np.empty((*band.shape[:2], *[len(each) for each in starts]))
    for place in np.ndindex(out.shape[2:]):
        cut = tuple(slice(cell * k, cell * k + cell) for k in place)
        out[(..., *place)] = (band[(..., *cut)] ** 2).mean(axis=tuple(axes))
    return np.sqrt(out + 1e-6)


CASES = [
    ((16, 20), "haar", 2, "symmetric"),
    ((17, 23), "haar", 2, "symmetric"),
    ((24, 25), "db2", 2, "reflect"),
    ((22, 21), "bior2.2", 2, "periodization"),
    ((33,), "db3", 2, "zero"),
    ((16,), "haar", 3, "symmetric"),
]


@pytest.mark.parametrize("distance", ["coefficients", "energy"])
@pytest.mark.parametrize("transform", ["pyramid", "packets"])
@pytest.mark.parametrize(("shape", "wavelet", "level", "mode"), CASES)
def test_losses_are_those_of_pywavelets(shape, wavelet, level, mode, transform, distance, pair, close):
    output, target = pair(2, 3, *shape)
    dims, make = len(shape), details if transform == "pyramid" else packets
    bands = [make(x.numpy(), wavelet, level, mode, dims) for x in (output, target)]
    if distance == "energy":
        bands = [[energy(band, 3, dims) for band in each] for each in bands]
    means = [np.abs(o - t).reshape(2, -1).mean(1) for o, t in zip(*bands, strict=True)]
    wanted = np.mean(means if transform == "pyramid" else means[1:], axis=0)
    options = {"wavelet": wavelet, "level": level, "mode": mode, "transform": transform, "distance": distance}
    loss = WaveletLoss(cell=3, dims=dims, reduction="none", **options)
    close(loss(output, target), wanted, times=10)
    factors = np.linspace(0.5, 2, len(means))
    loss = WaveletLoss(cell=3, dims=dims, reduction="none", weights=tuple(factors), **options)
    close(loss(output, target), np.mean(factors[:, None] * np.array(means), axis=0), times=10)


def test_the_loss_that_was_compared(pair, close):
    """Mean over two levels of the mean over all orthonormal Haar details of a level, by sums of 2 × 2 pixels."""
    output, target = pair(2, 1, 16, 24)
    low, means = (output - target).numpy(), []
    for _ in range(2):
        a, b, c, d = (low[..., i::2, j::2] for i in (0, 1) for j in (0, 1))
        means.append(np.abs(np.stack([a + b - c - d, a - b + c - d, a - b - c + d]) / 2).mean(axis=(0, 2, 3, 4)))
        low = (a + b + c + d) / 2
    close(wavelet_loss(output, target, reduction="none"), np.mean(means, axis=0), times=3)


def test_one_weight_per_level_is_three_per_level(pair, close):
    output, target = pair(2, 1, 16, 16)
    close(
        wavelet_loss(output, target, weights=(1.0, 3.0)),
        wavelet_loss(output, target, weights=(1.0, 1.0, 1.0, 3.0, 3.0, 3.0)),
    )


def test_bands_of_weight_zero_leave_the_mean(pair, close):
    """Of one band alone, the mean over bands is that of the band."""
    output, target = pair(2, 1, 16, 16)
    fine = pywt.dwt2((output - target).numpy(), "haar")[1][0]
    close(wavelet_loss(output, target, level=1, weights=(1.0, 0.0, 0.0)), np.abs(fine).mean())


def test_energy_is_blind_to_signs_and_sees_places():
    x = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    x[..., 5, :8] = 1
    assert float(wavelet_loss(-x, x, distance="energy")) == 0
    moved = wavelet_loss(x.roll(16, 3), x, distance="energy")
    assert float(moved) > 0.9 * float(wavelet_loss(torch.zeros_like(x), x, distance="energy"))


def test_gradients_reach_learnable_filters(pair):
    bank = SoftOrthogonal("db2", dtype=torch.float64)
    loss = WaveletLoss(wavelet=bank, level=1)
    assert len(list(loss.parameters())) == 4
    loss(*pair(1, 1, 12, 12)).backward()
    assert bank.dec_hi.grad is not None and bool(bank.dec_hi.grad.abs().sum() > 0)
