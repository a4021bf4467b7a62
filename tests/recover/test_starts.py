"""Random starts: their distribution against SciPy, and that they belong to the item."""

import numpy as np
import pytest
import scipy.stats
import torch

from undula.errors import ShapeError
from undula.jobs.recover.starts import item_seeds, normal, random_phases, uniform

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
def test_an_item_has_its_numbers_whatever_the_batch(draw):
    together = draw(SEEDS, ZERO + 3, (5, 6), dtype=torch.float32)
    order = torch.tensor([5, 1, 7])
    assert torch.equal(draw(SEEDS[order], ZERO[:3] + 3, (5, 6), dtype=torch.float32), together[order])


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(7,), (6, 7), (7, 6), (1, 1), (3, 4, 5)])
def test_random_phases_fit_the_moduli(shape, dtype, problem_of, drawn):
    problem = problem_of(drawn((4, *shape), dtype=dtype))
    start = random_phases(problem, SEEDS[:4], ZERO[:4])
    assert start.shape == (4, *shape) and start.dtype == dtype
    assert problem.residual(start).max() < 1e-12
    again = random_phases(problem, SEEDS[:4], ZERO[:4] + 1)
    assert np.prod(shape) == 1 or not torch.allclose(start, again)


def test_phases_are_uniform(problem_of, drawn):
    problem = problem_of(drawn((4, 40, 41)))
    spectrum = torch.fft.fft2(random_phases(problem, SEEDS[:4], ZERO[:4]))[:, 1:20, 1:20]
    share = (torch.angle(spectrum).numpy().ravel() / (2 * np.pi)) % 1
    assert scipy.stats.kstest(share, "uniform").pvalue > 0.01


def test_seeds_come_from_the_generator_or_the_user():
    cpu = torch.device("cpu")

    def seeded(seed):
        return item_seeds(5, generator=torch.Generator().manual_seed(seed), device=cpu)

    assert torch.equal(seeded(1), seeded(1)) and not torch.equal(seeded(1), seeded(2))
    assert len(torch.unique(seeded(1))) == 5
    own = torch.tensor([[4, 5], [6, 7]], dtype=torch.int32).reshape(-1)
    assert item_seeds(4, generator=own, device=cpu).tolist() == [4, 5, 6, 7]
    with pytest.raises(ShapeError, match=r"^got 4 seeds for 3 items, expected one seed per item$"):
        item_seeds(3, generator=own, device=cpu)
