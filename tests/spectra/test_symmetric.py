"""Filters of cosine frequencies: against the transform, its own inverse, and gradients."""

import pytest
import scipy.fft
import torch

from undula.spectra.symmetric import CosineFilter, deal, gather

SHAPES = [(1,), (2,), (7,), (8,), (6, 5), (5, 6), (1, 4), (4, 1), (4, 5, 6), (5, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_multiplies_the_cosine_coefficients(shape, generator):
    x = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    gain = torch.rand(2, *shape, generator=generator, dtype=torch.float64)
    axes = tuple(range(1, x.ndim))
    coefficients = scipy.fft.dctn(x.numpy(), axes=axes, norm="ortho")
    expected = scipy.fft.idctn(gain.numpy() * coefficients, axes=axes, norm="ortho")
    made = gather(CosineFilter(gain, dims=len(shape))(deal(x, dims=len(shape))), dims=len(shape))
    assert (made - torch.from_numpy(expected)).abs().max() < 1e-14


@pytest.mark.parametrize("shape", SHAPES)
def test_gathering_undoes_dealing(shape, generator):
    x = torch.rand(3, *shape, generator=generator)
    assert torch.equal(gather(deal(x, dims=len(shape)), dims=len(shape)), x)


def test_one_gain_serves_all_items_and_filters_follow_each_other(generator):
    x, gain = torch.rand(4, 9, 6, generator=generator), torch.rand(9, 6, generator=generator) + 0.5
    there, back = CosineFilter(gain), CosineFilter(1 / gain)
    assert torch.allclose(back(there(deal(x))), deal(x), atol=1e-5)


def test_it_is_its_own_adjoint_and_has_gradients(generator):
    gain = torch.rand(5, 6, generator=generator, dtype=torch.float64)
    a, b = torch.randn(2, 5, 6, generator=generator, dtype=torch.float64)
    a.requires_grad_()
    only = CosineFilter(gain)
    assert torch.allclose((only(a) * b).sum(), (a * only(b)).sum())
    assert torch.autograd.gradcheck(only, (a,))
