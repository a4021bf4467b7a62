"""Learnable banks against the wavelets of PyWavelets, their losses' formulas, and what orthogonality promises."""

import subprocess
import sys

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, ShapeError
from undula.spectra.wavelets import wavedec, wavedec2, waverec, waverec2
from undula.spectra.wavelets.banks import Bank
from undula.spectra.wavelets.learnable import (
    OrthogonalLattice,
    ProductFilter,
    SoftOrthogonal,
    alias_cancellation_loss,
    orthogonality_loss,
    perfect_reconstruction_loss,
)

# dmey is a wavelet to 6e-3 only, in PyWavelets too.
WAVELETS = [name for name in pywt.wavelist(kind="discrete") if name != "dmey"]
ORTHOGONAL = [name for name in WAVELETS if pywt.Wavelet(name).orthogonal]
NAMES = ("dec_lo", "dec_hi", "rec_lo", "rec_hi")
WIDE = {"dtype": torch.float64}


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def filters(bank):
    return torch.stack([getattr(bank, name) for name in NAMES])


def table(name):
    return torch.tensor(pywt.Wavelet(name).filter_bank, dtype=torch.float64)


def walks(count, n=64):
    """Signals of one class: sums of three steps, cut at random."""
    cuts = torch.rand(count, 3, 1, generator=torch.Generator().manual_seed(1)) * n
    return (torch.arange(n) > cuts).double().sum(dim=1) - 1.5


# Losses


@pytest.mark.parametrize("name", WAVELETS)
def test_losses_of_wavelets_are_zero(name):
    """Which form the banks of PyWavelets satisfy: all of them both, signs included."""
    bank = ProductFilter(name, **WIDE)
    assert torch.equal(filters(bank), table(name))
    assert bank.perfect_reconstruction_loss() < 1e-20
    assert bank.alias_cancellation_loss("weak") < 1e-20
    assert bank.alias_cancellation_loss("strong") < 1e-20
    assert bank.wavelet_loss() < 1e-20 and bank.wavelet_loss("strong") < 1e-20
    assert (orthogonality_loss(bank) < 1e-20) == (name in ORTHOGONAL or name.endswith("1.1"))  # bior1.1 is haar


def test_losses_are_their_formulas():
    """Oracle: NumPy's convolution and the definitions, for filters that are no wavelet."""
    bank = SoftOrthogonal(list(draw(4, 6)), **WIDE)
    h0, h1, f0, f1 = filters(bank).detach().numpy()
    delay, minus = 2 * np.eye(11)[5], (-1.0) ** np.arange(6)
    reconstruction = ((np.convolve(f0, h0) + np.convolve(f1, h1) - delay) ** 2).sum()
    weak = ((np.convolve(f0, minus * h0) + np.convolve(f1, minus * h1)) ** 2).sum()
    last = minus[::-1]
    strong = ((f0 - last * h1) ** 2).sum() + ((f1 + last * h0) ** 2).sum()
    orthogonality = ((h0 - f0[::-1]) ** 2).sum() + ((h1 - f1[::-1]) ** 2).sum()
    for got, want in (
        (bank.perfect_reconstruction_loss(), reconstruction),
        (bank.alias_cancellation_loss(), weak),
        (bank.alias_cancellation_loss("strong"), strong),
        (bank.orthogonality_loss(), orthogonality),
        (bank.wavelet_loss(), reconstruction + weak + orthogonality),
        (bank.wavelet_loss("strong"), reconstruction + strong + orthogonality),
        (ProductFilter(bank, **WIDE).wavelet_loss(), reconstruction + weak),
    ):
        assert got.item() == pytest.approx(want, rel=1e-13)


def test_the_strong_form_fixes_signs_that_the_weak_one_leaves_free():
    dec_lo, dec_hi, rec_lo, rec_hi = table("db3")
    turned = (dec_lo, -dec_hi, rec_lo, -rec_hi)
    assert perfect_reconstruction_loss(turned) < 1e-20
    assert alias_cancellation_loss(turned, "weak") < 1e-20
    assert alias_cancellation_loss(turned, "strong").item() == pytest.approx(8)
    x = draw(3, 20)
    assert (waverec(wavedec(x, turned, level=2), turned) - x).abs().max() < 1e-12


def test_losses_take_what_transforms_take():
    for wavelet in (
        "sym4",
        pywt.Wavelet("sym4"),
        list(table("sym4")),
        SoftOrthogonal("sym4"),
        OrthogonalLattice("sym4"),
    ):
        assert perfect_reconstruction_loss(wavelet) < 1e-12
        assert alias_cancellation_loss(wavelet, "strong") < 1e-12
        assert orthogonality_loss(wavelet) < 1e-12


@pytest.mark.parametrize("loss", [perfect_reconstruction_loss, alias_cancellation_loss, orthogonality_loss])
def test_losses_have_derivatives(loss):
    taps = [each.requires_grad_() for each in draw(4, 4)]
    assert torch.autograd.gradcheck(lambda *taps: loss(taps), taps)
    assert torch.autograd.gradgradcheck(lambda *taps: loss(taps), taps)


# The lattice


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_orthogonal_wavelets_have_angles(name):
    """PyWavelets' sym tables are orthogonal to 3e-11 only; all others come back to 1e-15."""
    tied, free = OrthogonalLattice(name, **WIDE), OrthogonalLattice(name, vanishing_moment=False, **WIDE)
    assert len(tied.angles) + 1 == len(free.angles) == pywt.Wavelet(name).dec_len // 2
    for bank in (tied, free):
        assert (filters(bank) - table(name)).abs().max() < (2e-11 if name.startswith("sym") else 1e-15)
        assert perfect_reconstruction_loss(bank) < 1e-28


@pytest.mark.parametrize("vanishing_moment", [True, False])
@pytest.mark.parametrize("taps", [2, 4, 6, 12, 40])
def test_every_angle_gives_an_orthogonal_wavelet(taps, vanishing_moment):
    bank = OrthogonalLattice(taps, vanishing_moment=vanishing_moment, **WIDE)
    with torch.no_grad():
        bank.angles.copy_(10 * draw(len(bank.angles)))
    assert perfect_reconstruction_loss(bank) < 1e-26
    assert alias_cancellation_loss(bank, "weak") < 1e-26 and alias_cancellation_loss(bank, "strong") < 1e-26
    assert orthogonality_loss(bank) == 0
    low = bank.rec_lo.detach().numpy()
    for shift in range(taps // 2):  # double shifts are orthonormal: the definition
        assert low[2 * shift :] @ low[: taps - 2 * shift] == pytest.approx(float(shift == 0), abs=1e-13)
    angle = bank.angles.sum().item()
    total = np.sqrt(2) if vanishing_moment else np.sqrt(2) * np.cos(angle - np.pi / 4)
    assert bank.rec_lo.sum().item() == pytest.approx(total, abs=1e-12)
    if vanishing_moment:
        assert bank.dec_hi.sum().item() == pytest.approx(0, abs=1e-12)
    x = draw(2, 40)
    bands = wavedec(x, bank(), "periodization", level=min(1, 38 // taps))
    assert sum(band.square().sum() for band in bands).item() == pytest.approx(x.square().sum().item())  # Parseval
    assert (waverec(bands, bank(), "periodization") - x).abs().max() < 1e-12


def test_the_lattice_differentiates_with_respect_to_its_angles():
    for vanishing_moment in (True, False):
        bank = OrthogonalLattice("sym3", vanishing_moment=vanishing_moment, **WIDE)

        def made(angles, bank=bank):
            return torch.func.functional_call(bank, {"angles": angles}, ()).dec_hi

        assert torch.autograd.gradcheck(made, bank.angles)
        assert torch.autograd.gradgradcheck(made, bank.angles)


def test_calling_the_lattice_gives_the_filters_of_its_attributes():
    bank = OrthogonalLattice("coif2")
    made = bank()
    assert isinstance(made, Bank) and not made.known
    assert torch.equal(filters(made), filters(bank)) and filters(bank).dtype == torch.float32


# Learning


@pytest.mark.parametrize("kind", [ProductFilter, SoftOrthogonal, OrthogonalLattice])
def test_transforms_take_modules_and_gradients_reach_every_parameter(kind):
    bank = kind("db3", **WIDE)
    image = draw(2, 12, 17)
    torch.testing.assert_close(wavedec(image, bank)[0], wavedec(image, "db3")[0], rtol=0, atol=1e-13)
    again = waverec2(wavedec2(image, bank, "reflect", level=1), bank, "reflect")[..., :17]
    assert (again - image).abs().max() < 1e-12
    bands = wavedec(image, bank, level=1)
    loss = sum(band.abs().sum() for band in bands) + waverec(bands, bank).square().sum()
    slopes = torch.autograd.grad(loss, list(bank.parameters()))
    assert all(slope.isfinite().all() and slope.abs().min() > 0 for slope in slopes)


@pytest.mark.parametrize("vanishing_moment", [True, False])
def test_a_lattice_learns_sparser_coefficients_and_stays_exact(vanishing_moment):
    """A wavelet of eight taps, made for steps: sparser there than db4, where it starts, perfect all the while."""
    x, fresh = walks(32), draw(5, 61)

    def cost(bank):
        return sum(band.abs().mean() for band in wavedec(x, bank, "periodization", level=3)[1:])

    bank = OrthogonalLattice("db4", vanishing_moment=vanishing_moment, **WIDE)
    start = cost(bank()).item()
    optimizer = torch.optim.Adam(bank.parameters(), lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        cost(bank()).backward()
        optimizer.step()
        made = bank()
        assert (waverec(wavedec(fresh, made, level=2), made)[..., :61] - fresh).abs().max() < 1e-10
    assert cost(bank()) < 0.85 * start
    assert perfect_reconstruction_loss(bank) < 1e-26


def test_free_filters_learn_while_their_loss_keeps_them_a_wavelet():
    x = walks(32)

    def learnt(weight):
        bank = ProductFilter("db4", **WIDE)
        optimizer = torch.optim.Adam(bank.parameters(), lr=0.01)
        for _ in range(60):
            optimizer.zero_grad()
            task = sum(band.abs().mean() for band in wavedec(x, bank, "periodization", level=3)[1:])
            (task + weight * bank.wavelet_loss()).backward()
            optimizer.step()
        return task.item(), bank.wavelet_loss().item()

    (start, _), (task, residual), (_, unbound) = learnt(1e6), learnt(1.0), learnt(0.0)
    assert task < start
    assert residual < unbound / 20


def test_modules_move_and_keep_their_state():
    bank = OrthogonalLattice("db2")
    other = OrthogonalLattice("db2", vanishing_moment=False)
    with pytest.raises(RuntimeError, match="size mismatch"):
        other.load_state_dict(bank.state_dict())
    copy = OrthogonalLattice(4, **WIDE)
    copy.load_state_dict(bank.double().state_dict())
    assert torch.equal(copy.rec_lo, bank.rec_lo)
    assert list(ProductFilter("db2").state_dict()) == list(NAMES) and "taps=4" in repr(ProductFilter("db2"))
    assert "taps=4, vanishing_moment=True" in repr(bank)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: ProductFilter("db99"), OptionError, "got wavelet 'db99', expected a name of PyWavelets: did you mean db"),
        (lambda: ProductFilter(5), ShapeError, "got 5 taps, expected an even number from 2 to 76, or four filters"),
        (lambda: ProductFilter(78), ShapeError, "got 78 taps"),
        (lambda: OrthogonalLattice(0), ShapeError, "got 0 taps"),
        (lambda: OrthogonalLattice("bior2.2"), OptionError, "expected those of an orthogonal wavelet, with a low-pass"),
        (lambda: OrthogonalLattice("dmey", vanishing_moment=False), OptionError, "away from a lattice's, expected those of"),
        (lambda: OrthogonalLattice(tuple(-table("db2"))), OptionError, "of the sum √2 unless vanishing_moment=False"),
        (lambda: alias_cancellation_loss("db2", "both"), OptionError, "got form='both', expected 'weak'"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(call, kind, text, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # its check of Literal comes first
    with pytest.raises(kind, match=text):
        call()


def test_filters_of_another_sum_need_a_free_angle():
    bank = OrthogonalLattice(tuple(-table("db2")), vanishing_moment=False, **WIDE)
    assert (filters(bank) + table("db2")).abs().max() < 1e-15


# Compilers


_COMPILED = """
import torch
from undula.spectra.wavelets import OrthogonalLattice, SoftOrthogonal, wavedec
from undula.spectra.wavelets.learnable import alias_cancellation_loss

x = torch.randn(3, 16, dtype=torch.float64)
for kind in (SoftOrthogonal, OrthogonalLattice):
    bank = kind("db2", dtype=torch.float64)

    def run(x):
        made = bank() if kind is OrthogonalLattice else bank
        return sum(band.abs().sum() for band in wavedec(x, made, level=2)) + alias_cancellation_loss(made)

    want, got = run(x), torch.compile(run, fullgraph=True, backend="aot_eager")(x)
    slopes = [torch.autograd.grad(made, list(bank.parameters())) for made in (want, got)]
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(*slopes)
    torch._dynamo.reset()
"""


def test_compiles_in_one_graph():
    """In a process of its own: torch.compile cannot see through the checks of types that pytest adds."""
    done = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_maps_over_banks():
    """Many lattices at once, as `torch.func.functional_call` and vmap give them."""
    bank = OrthogonalLattice(6, **WIDE)
    angles = draw(3, 2)
    many = torch.vmap(lambda angles: torch.func.functional_call(bank, {"angles": angles}, ()).rec_lo)(angles)
    for mine, own in zip(many, angles, strict=True):
        with torch.no_grad():
            bank.angles.copy_(own)
        torch.testing.assert_close(mine, bank.rec_lo)
