"""The three ways of a level give the same numbers, gradients and types; PyWavelets says which."""

import numpy as np
import pytest
import pywt
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from undula import wavelets
from undula.spectra.wavelets import dense, native, strategies
from undula.spectra.wavelets.banks import read_bank
from undula.spectra.wavelets.modes import PADDING_MODES

WAYS = ["native", "dense", "portable"]


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Every way in turn, whatever the array."""
    if request.param == "native" and not native.available():
        pytest.skip(native.why_unavailable())
    monkeypatch.setattr(strategies, "strategy", lambda x, banks, axes, bands=False: request.param)
    return request.param


def leaves(coefficients):
    if isinstance(coefficients, tuple | list):
        return [leaf for each in coefficients for leaf in leaves(each)]
    return [coefficients]


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("name", ["haar", "db2", "sym8", "bior2.4"])
def test_every_way_equals_pywavelets(way, name, mode, close):
    chance = np.random.default_rng(0)
    for shape in ((2, 2, 3), (1, 9, 16), (3, 33, 20)):
        x = chance.standard_normal(shape)
        for got, want in (
            (wavelets.dwt(torch.from_numpy(x), name, mode), pywt.dwt(x, name, mode)),
            (wavelets.dwt(torch.from_numpy(x), name, mode, axis=-2), pywt.dwt(x, name, mode, axis=-2)),
            (wavelets.dwt2(torch.from_numpy(x), name, mode), pywt.dwt2(x, name, mode)),
        ):
            for one, other in zip(leaves(got), leaves(want), strict=True):
                close(one, other)
        low, high = (torch.from_numpy(band) for band in pywt.dwt(x, name, mode))
        close(wavelets.idwt(low, high, name, mode), pywt.idwt(low.numpy(), high.numpy(), name, mode))
        close(wavelets.idwt(None, high, name, mode), pywt.idwt(None, high.numpy(), name, mode))
        four = pywt.dwt2(x, name, mode)
        close(wavelets.idwt2(_tensors(four), name, mode), pywt.idwt2(four, name, mode))
        some = (None, (four[1][0], None, four[1][2]))
        close(wavelets.idwt2(_tensors(some), name, mode), pywt.idwt2(some, name, mode))


def _tensors(coefficients):
    low, details = coefficients
    as_tensor = [None if each is None else torch.from_numpy(each) for each in (low, *details)]
    return as_tensor[0], tuple(as_tensor[1:])


@pytest.mark.parametrize("mode", ["symmetric", "periodization", "antireflect"])
def test_every_way_has_gradients_of_second_order(way, mode, generator):
    x = torch.randn(2, 5, 6, dtype=torch.float64, generator=generator, requires_grad=True)

    def forward(y):
        low, details = wavelets.dwt2(y, "db2", mode)
        return low, *details

    def inverse(*bands):
        return wavelets.idwt2((bands[0], bands[1:]), "db2", mode)

    bands = [band.detach().requires_grad_() for band in forward(x)]
    assert gradcheck(forward, x) and gradgradcheck(forward, x)
    assert gradcheck(inverse, bands) and gradgradcheck(inverse, bands)
    assert gradcheck(lambda y: wavelets.dwt(y, "db2", mode, axis=0), x)
    some = bands[1].detach().requires_grad_()
    assert gradcheck(lambda high: wavelets.idwt2((None, (high, None, None)), "db2", mode), some)


def test_the_adjoint_is_the_adjoint(way, generator):
    """⟨A u, v⟩ = ⟨u, Aᵀ v⟩ for the analysis and for the synthesis."""
    u = torch.randn(2, 11, 14, dtype=torch.float64, generator=generator)
    made, back = torch.func.vjp(lambda y: wavelets.dwt2(y, "sym4", "smooth")[1][2], u)
    v = torch.randn(made.shape, dtype=torch.float64, generator=generator)
    assert abs((made * v).sum() - (u * back(v)[0]).sum()) < 1e-9 * made.norm() * v.norm()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # PyTorch's own, on the first dual number
def test_every_way_is_mapped_and_pushed_forward(way, generator):
    if way == "dense":
        pytest.skip("never chosen for arrays that are mapped")
    x = torch.randn(3, 7, 8, dtype=torch.float64, generator=generator)
    plain = wavelets.dwt2(x, "db2")[1][0]
    assert torch.equal(torch.vmap(lambda y: wavelets.dwt2(y, "db2")[1][0])(x), plain)
    mapped = torch.vmap(lambda y: wavelets.idwt2((y, (None, y, None)), "db2"))(plain)
    assert torch.equal(mapped, wavelets.idwt2((plain, (None, plain, None)), "db2"))
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, x.flip(0))
        got = forward_ad.unpack_dual(wavelets.dwt2(dual, "db2")[1][0]).tangent
    assert torch.allclose(got, plain.flip(0), atol=1e-13)


def test_which_way_is_chosen(monkeypatch):
    bank, learnt = read_bank("db2"), read_bank([torch.ones(2, requires_grad=True)] * 4)
    short, long = torch.zeros(3, 64), torch.zeros(3, 1000)
    monkeypatch.setattr(native, "available", lambda: True)
    assert strategies.strategy(short, (bank,), (-1,)) == "native"
    assert strategies.strategy(short.numpy(), (bank,), (-1,)) == "native"
    assert strategies.strategy(short, (learnt,), (-1,)) == "portable"
    assert strategies.strategy(short.to("meta"), (bank,), (-1,)) == "portable"
    monkeypatch.setattr(native, "available", lambda: False)
    assert strategies.strategy(short, (bank,), (-1,)) == "dense"
    assert strategies.strategy(short, (bank,), (-1,), bands=True) == "portable"
    assert strategies.strategy(long, (bank,), (-1,)) == "portable"
    assert strategies.strategy(short + torch.nan, (bank,), (-1,)) == "portable"
    assert not torch.vmap(lambda y: torch.tensor(dense.suits(y, (bank,), (64,))))(short).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_reach_what_meets_them(bad):
    x = torch.ones(64)
    x[30] = bad
    low, high = wavelets.dwt(x, "db2", "symmetric")
    assert (~low.isfinite()).nonzero()[:, 0].tolist() == [15, 16] and high.isfinite().sum() == len(high) - 2


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f8", "c8", "c16"])
def test_numpy_arrays_keep_their_type(kind):
    x = np.random.default_rng(0).standard_normal((3, 12)).astype(kind)[:, ::-1]
    x.flags.writeable = False
    low, _ = wavelets.dwt(x, "db2")
    assert isinstance(low, np.ndarray) and low.dtype == np.dtype(kind).newbyteorder("=")
    assert np.allclose(low, pywt.dwt(x.astype("c16"), "db2")[0], atol=4e-3 if kind == "f2" else 1e-6)


def test_bands_of_two_types_meet_in_the_wider_one():
    low, high = torch.ones(2, 8), torch.ones(2, 8, dtype=torch.float64)
    assert wavelets.idwt(low, high, "db2").dtype == torch.float64
    assert wavelets.idwt(low.numpy(), high.numpy(), "db2").dtype == np.float64


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_calculated_in_single(way, kind, generator):
    if way == "dense":
        pytest.skip("never chosen for half precision")
    x = torch.randn(3, 40, generator=generator).to(kind)
    low = wavelets.dwt(x, "db4")[0]
    assert low.dtype == kind
    assert torch.allclose(low.float(), wavelets.dwt(x.float(), "db4")[0], rtol=torch.finfo(kind).eps)


def test_a_detail_that_fits_no_level_is_refused_not_cut():
    bands = wavelets.wavedec(torch.randn(40), "haar", level=2)
    with pytest.raises(ValueError, match=r"coefficient shape mismatch"):
        wavelets.waverec([*bands[:2], bands[2][:-3]], "haar")
