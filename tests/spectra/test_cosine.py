"""The cosine transform against SciPy's, and what an orthonormal transform promises."""

import pytest
import scipy.fft
import torch
from torch.func import vmap

from undula.spectra import dct, idct

SHAPES = [(1,), (2,), (3,), (7,), (8,), (1, 1), (1, 6), (5, 1), (6, 8), (5, 7), (6, 7), (4, 5, 6)]


def draw(shape, dtype, *, contiguous=True):
    x = torch.randn(3, *shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    return x if contiguous else x.movedim(0, -1).contiguous().movedim(-1, 0)


@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_scipys_orthonormal_transform_and_back(shape, dtype, contiguous, close):
    x = draw(shape, dtype, contiguous=contiguous)
    got = dct(x, dims=len(shape))
    assert got.dtype == dtype
    close(got, scipy.fft.dctn(x.numpy(), axes=range(1, x.ndim), norm="ortho"))
    close(idct(got, dims=len(shape)), x)


@pytest.mark.parametrize("shape", [(5, 6), (4, 7)])
def test_the_inverse_is_the_adjoint(shape, close):
    x, y = draw(shape, torch.float64), draw(shape, torch.float64, contiguous=False).flip(0)
    close((dct(x) * y).sum(), (x * idct(y)).sum(), times=10)


@pytest.mark.parametrize("transform", [dct, idct])
def test_gradients(transform):
    x = draw((3, 4), torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(transform, x)
    assert torch.autograd.gradgradcheck(transform, x)


def test_it_maps_over_a_batch_and_compiles(unchecked, close):
    plain = unchecked("undula.spectra.cosine")
    x = draw((6, 7), torch.float64)
    close(vmap(plain.dct)(x), plain.dct(x))
    for transform in (plain.dct, plain.idct):
        close(torch.compile(transform, fullgraph=True, backend="aot_eager")(x), transform(x))
