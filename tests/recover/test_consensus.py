"""What runs say together: agreement, which of them to believe, what survives the average."""

import numpy as np
import pytest
import torch

from undula import recover
from undula.jobs.recover.consensus import agree, plausible_runs, transfer_function
from undula.spectra import circular_shift, reverse


def twins(x, runs, *, seed=0):
    """Runs of every item (n, runs, space) that differ by shift, turn and (if complex) phase only."""
    chance = torch.Generator().manual_seed(seed)
    dims = x.ndim - 1
    many = x.repeat_interleave(runs, dim=0)
    shift = torch.randint(0, 9, (len(many), dims), generator=chance)
    turn = (torch.arange(len(many)) % 2 == 1).reshape(-1, *[1] * dims)
    moved = circular_shift(torch.where(turn, reverse(many, dims=dims).conj(), many), shift)
    if x.is_complex():
        angle = 6 * torch.rand(len(many), *[1] * dims, generator=chance, dtype=torch.float64)
        moved = moved * torch.exp(1j * angle)
    return moved.reshape(len(x), runs, *x.shape[1:])


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(9,), (8, 9), (4, 5, 6)])
def test_twins_agree(shape, dtype, problem_of, drawn, close):
    x = drawn((3, *shape), dtype=dtype)
    problem, images = problem_of(x), twins(x, 4)
    residual = torch.tensor([[3.0, 1.0, 2.0, 4.0]] * 3, dtype=torch.float64) * 1e-5
    found = agree(problem, images, residual=residual, accepted=torch.ones(3, 4, dtype=torch.bool))
    close(found.agreement, torch.ones(3, dtype=torch.float64), times=10)
    best = images[:, 1]  # all lie on the run of least residual
    if dtype.is_complex:  # with the phase that makes the sum positive
        best = best * torch.exp(-1j * best.flatten(1).sum(1).angle()).reshape(-1, *[1] * len(shape))
    close(found.image, best, times=100)
    assert torch.allclose(found.prtf[~found.prtf.isnan()], torch.ones((), dtype=torch.float64))
    assert found.members.all()


def test_supports_are_laid_like_their_runs(problem_of, drawn):
    mask = torch.zeros(2, 8, 9, dtype=torch.float64)
    mask[:, 1:4, 2:7] = 1
    x = (drawn((2, 8, 9)) * 0.5 + 0.5) * mask
    images = twins(x, 3)
    good = torch.ones(2, 3, dtype=torch.bool)
    residual = torch.tensor([[1.0, 2.0, 3.0]] * 2, dtype=torch.float64)
    found = agree(problem_of(x), images, residual=residual, accepted=good, mask=images > 0)
    assert torch.equal(found.mask, images[:, 0] > 0)


def test_only_accepted_runs_count(problem_of, drawn):
    x = drawn((1, 8, 9))
    images = twins(x, 3)
    images[0, 0] = drawn((8, 9), seed=5)
    residual = torch.tensor([[1e-6, 2e-6, 3e-6]], dtype=torch.float64)
    accepted = torch.tensor([[False, True, True]])
    found = agree(problem_of(x), images, residual=residual, accepted=accepted)
    assert torch.equal(found.members, accepted)
    assert torch.allclose(found.agreement, torch.ones(1, dtype=torch.float64))
    assert torch.allclose(found.image[0], images[0, 1])


def test_agreement_is_the_mean_inner_product_of_pairs(problem_of, drawn, close):
    """Against NumPy, for runs that lie on each other already."""
    x = drawn((1, 8, 9)) + 1
    noise = drawn((1, 4, 8, 9), dtype=torch.complex128, seed=2).real
    images = x[:, None] + 0.1 * noise
    flat = images[0].reshape(4, -1).numpy()
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    want = (flat @ flat.T)[np.triu_indices(4, 1)].mean()
    residual = torch.ones(1, 4, dtype=torch.float64)
    found = agree(problem_of(x / 3), images, residual=residual, accepted=torch.ones(1, 4, dtype=torch.bool))
    close(found.agreement, [want], times=10)


def test_one_member_has_nobody_to_agree_with(problem_of, drawn):
    x = drawn((1, 6, 6))
    accepted = torch.tensor([[True, False]])
    residual = torch.ones(1, 2, dtype=torch.float64)
    assert torch.isnan(agree(problem_of(x), twins(x, 2), residual=residual, accepted=accepted).agreement)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_random_object_is_not_plausible(dtype, drawn):
    """Eight runs as on the crystal: a stranger of equal residual and a twin of a bad residual fall out."""
    x = drawn((1, 1, 100), dtype=dtype)
    runs = x + 0.02 * drawn((1, 8, 100), dtype=torch.complex128, seed=1).real
    runs[0, 2] = drawn((100,), dtype=torch.complex128, seed=9).real
    runs[0, 2] *= torch.linalg.vector_norm(x) / torch.linalg.vector_norm(runs[0, 2])
    residual = torch.tensor([[0.150, 0.151, 0.149, 0.152, 0.300, 0.150, 0.151, 0.153]], dtype=torch.float64)
    assert plausible_runs(runs, residual).tolist() == [[True, True, False, True, False, True, True, True]]


def test_a_stranger_among_five_takes_nobody_with_it(drawn):
    """Small residuals differ by large ratios; what counts there is their difference."""
    runs = drawn((1, 1, 100)) + 0.02 * drawn((1, 5, 100), seed=1)
    runs[0, 3] = drawn((100,), seed=9)
    residual = torch.tensor([[0.0015, 0.0047, 0.0016, 0.0016, 0.0021]], dtype=torch.float64)
    assert plausible_runs(runs, residual).tolist() == [[True, True, True, False, True]]


def test_two_runs_vouch_for_nobody(drawn):
    x = drawn((1, 1, 50)).expand(1, 2, 50)
    assert not plausible_runs(x, torch.ones(1, 2, dtype=torch.float64)).any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(8,), (7, 8), (4, 5, 6)])
def test_transfer_function(shape, dtype, problem_of, drawn):
    """One for the truth, a half for half of it."""
    x = drawn((2, *shape), dtype=dtype)
    for share in (1.0, 0.5):
        kept = transfer_function(problem_of(x), share * x)
        kept = kept[~kept.isnan()]
        assert len(kept) and torch.allclose(kept, torch.full_like(kept, share), rtol=1e-10)


def test_runs_of_recover_agree_on_a_solved_image():
    x = torch.zeros(2, 12, 11)
    x[:, 2:6, 3:9] = torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.1
    result = recover(torch.fft.fft2(x).abs(), runs=3, generator=torch.arange(2) * 50)
    assert result.run_accepted.all() and result.run_residual.shape == (2, 3)
    assert result.agreement.min() > 0.999 and result.agreement_transforms > 0
    assert (result.prtf[~result.prtf.isnan()] - 1).abs().max() < 0.05
    assert result.residual.max() < 2e-4
    single = recover(torch.fft.fft2(x).abs(), generator=torch.arange(2) * 50)
    assert single.agreement is None and single.prtf is None and single.agreement_transforms == 0
