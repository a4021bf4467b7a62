"""Random starts: moduli kept, uniform phases, seeds from whom they should come."""

import numpy as np
import pytest
import scipy.stats
import torch

from undula.errors import ShapeError
from undula.jobs.recover.starts import item_seeds, random_phases

SEEDS = torch.arange(8) * 1009 + 7
ZERO = torch.zeros(8, dtype=torch.long)


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
