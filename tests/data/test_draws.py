"""Numbers drawn by hashing: their distribution against SciPy, and that they belong to the sample."""

import numpy as np
import pytest
import scipy.stats
import torch

from undula.data import normal, uniform

SEEDS = torch.arange(8) * 1009 + 7
ZERO = torch.zeros(8, dtype=torch.long)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("draw", "law"), [(uniform, "uniform"), (normal, "norm")])
def test_numbers_follow_their_law(draw, law, dtype):
    """Kolmogorov and Smirnov, item by item and all together; fixed seeds, so never by chance."""
    values = draw(SEEDS, ZERO, (64, 64), dtype=dtype)
    assert values.dtype == dtype and values.shape == (8, 64, 64)
    numbers = values.double().numpy().reshape(8, -1)
    assert all(scipy.stats.kstest(item, law).pvalue > 0.01 for item in numbers)
    assert scipy.stats.kstest(numbers.ravel(), law).pvalue > 0.01
    if draw is uniform:
        assert values.min() > 0 and values.max() < 1


@pytest.mark.parametrize("draw", [uniform, normal])
def test_moments(draw):
    values = draw(SEEDS, ZERO, (128, 128), dtype=torch.float64)
    mean, deviation = (0.5, 12**-0.5) if draw is uniform else (0.0, 1.0)
    error = deviation / values.numel() ** 0.5
    assert abs(float(values.mean()) - mean) < 4 * error
    assert abs(float(values.std()) - deviation) < 4 * error


@pytest.mark.parametrize("draw", [uniform, normal])
def test_pixels_counters_and_seeds_are_independent(draw):
    """Correlations of 16,384 numbers have deviation 1/128: all pairs stay within five."""
    counters = torch.cat([torch.arange(8), torch.zeros(8, dtype=torch.long)])
    seeds = torch.cat([torch.full((8,), 3), torch.arange(8) + 10])
    values = draw(seeds, counters, (128, 128), dtype=torch.float64)
    table = np.corrcoef(np.concatenate([values.reshape(16, -1), values.roll(1, 2).reshape(16, -1)]))
    assert np.abs(table - np.eye(32)).max() < 5 / 128
    assert len(torch.unique(values[:, 0, 0])) == 16


@pytest.mark.parametrize("draw", [uniform, normal])
def test_a_sample_has_its_numbers_whatever_the_batch(draw):
    together = draw(SEEDS, ZERO + 3, (5, 6), dtype=torch.float32)
    order = torch.tensor([5, 1, 7])
    assert torch.equal(draw(SEEDS[order], ZERO[:3] + 3, (5, 6), dtype=torch.float32), together[order])
