"""Mode "boundary": what an orthogonal transform promises, and PyWavelets' numbers away from the ends."""

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError
from undula.spectra.wavelets import dwt, dwt2, idwt, idwt2, wavedec, waverec
from undula.spectra.wavelets.banks import Bank, read_bank
from undula.spectra.wavelets.edges import boundary_down, boundary_up, edges_of

ORTHOGONAL = [name for name in pywt.wavelist(kind="discrete") if pywt.Wavelet(name).orthogonal and name != "dmey"]
SMALL = [name for name in ORTHOGONAL if pywt.Wavelet(name).dec_len <= 16]
SHORT = ["haar", "db2", "db3", "db4", "sym4", "coif1", "coif2"]


def draw(*shape, seed=0, dtype=np.float64):
    chance = np.random.default_rng(seed)
    real = chance.standard_normal(shape)
    return (real + 1j * chance.standard_normal(shape)).astype(dtype) if dtype is complex else real.astype(dtype)


@pytest.fixture
def unwatched(monkeypatch):
    """No checks of types at run time: they do not know the objects of functorch, and cost half the time of a long grid."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def departure(name):
    """How far the filters of PyWavelets' table are from orthogonal ones; 1.4e-11 for sym20."""
    low, high = np.array(pywt.Wavelet(name).dec_lo), np.array(pywt.Wavelet(name).dec_hi)
    taps = len(low)
    worst = max(abs(low @ low - 1), abs(high @ high - 1), abs(low @ high))
    for k in range(2, taps, 2):
        worst = max(worst, *(abs(a[k:] @ b[: taps - k]) for a in (low, high) for b in (low, high)))
    return worst


def matrix(bank, n):
    """The matrix of the analysis, low rows above high rows."""
    return np.concatenate(boundary_down(np.eye(n), bank, -1), axis=-1).T


def zero_mode(x, wavelet, count):
    """Coefficients 0 … count - 1 of pywt's zero mode that lie where those of mode boundary do, from its first whole filter."""
    half = wavelet.dec_len // 2
    skip = 1 - half % 2
    first = half // 2 + (half - 1 - skip) // 2
    return [band[..., first : first + count] for band in pywt.dwt(x[..., skip:], wavelet, "zero")]


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_the_matrix_is_orthogonal_and_the_inverse_is_its_transpose(name, unwatched):
    bank, taps = read_bank(name), pywt.Wavelet(name).dec_len
    tolerance = 1e-13 + 4 * departure(name)
    every = (
        [*range(2, 66, 2), 100]
        if name in SHORT
        else [4, taps, taps + 2, *([2, 32, taps + 6, 100] if taps <= 40 else [])]
    )
    for n in every:
        a = matrix(bank, n)
        assert a.shape == (n, n)
        assert np.abs(a.T @ a - np.eye(n)).max() <= tolerance
        back = boundary_up(np.eye(n)[:, : n // 2], np.eye(n)[:, n // 2 :], bank, -1)
        assert np.abs(back - a).max() <= 1e-14


@pytest.mark.parametrize("name", SMALL)
def test_inside_stand_the_filters(name):
    """The coefficients are those of pywt's zero mode, constants give √2 and 0."""
    wavelet, edges = pywt.Wavelet(name), edges_of(read_bank(name))
    n = 2 * wavelet.dec_len + 6
    count = n // 2 - 2 * edges.margin
    starts = edges.first, 2 * edges.margin - edges.first
    for x, bands in ((draw(3, n), None), (np.ones(n), (np.full(count, np.sqrt(2)), np.zeros(count)))):
        got = boundary_down(x, read_bank(name), -1)
        for band, start, want in zip(got, starts, bands or zero_mode(x, wavelet, count), strict=True):
            assert band.shape[-1] == n // 2
            assert np.abs(band[..., start : start + count] - want).max() <= 1e-11  # the tables of sym are that exact


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_edge_rows_are_those_nearest_to_the_cut_filters(name, unwatched):
    """The polar factor of well-conditioned rows; with as many low as high ones db20 would lose seven digits."""
    wavelet, edges = pywt.Wavelet(name), edges_of(read_bank(name))
    margin, half = edges.margin, wavelet.dec_len // 2
    assert margin == half // 2
    if margin == 0:
        return
    wide = len(edges.left[0])

    def cut(taps, rows):
        return [
            [taps[2 * o + half - t] if 0 <= 2 * o + half - t < 2 * half else 0.0 for t in range(wide)] for o in rows
        ]

    def left(first):
        last = 2 * margin - first
        low, high = range(margin - first, margin), range(margin - last, margin)
        return np.array([*cut(wavelet.dec_lo, low), *cut(wavelet.dec_hi, high)])

    rows = left(edges.first)
    u, sizes, v = np.linalg.svd(rows, full_matrices=False)
    assert sizes.min() > 0.36
    assert np.abs(np.array(edges.left) - u @ v).max() < 1e-12
    assert np.linalg.svd(left(margin), compute_uv=False).min() <= sizes.min() + 1e-12
    if name in ("db4", "db20"):
        assert np.linalg.svd(left(margin), compute_uv=False).min() == pytest.approx(
            {"db4": 0.12, "db20": 3e-7}[name], rel=0.1
        )


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("n", [1, 3, 7, 13, 31])
def test_odd_lengths_repeat_the_last_sample(name, n):
    x, bank = draw(2, n), read_bank(name)
    got = boundary_down(x, bank, -1)
    want = boundary_down(np.concatenate([x, x[:, -1:]], axis=-1), bank, -1)
    for mine, theirs in zip(got, want, strict=True):
        assert np.array_equal(mine, theirs)
    back = boundary_up(*got, bank, -1)
    assert back.shape == (2, n + 1)
    assert np.abs(back[:, :n] - x).max() < 1e-11


@pytest.mark.parametrize("name", ["db4", "sym5", "coif3"])
def test_signals_no_longer_than_the_filter_are_periodized(name):
    for n in range(1, pywt.Wavelet(name).dec_len + 1):
        x = draw(n)
        for mine, theirs in zip(dwt(x, name, "boundary"), pywt.dwt(x, name, "periodization"), strict=True):
            assert np.abs(mine - theirs).max() < 1e-14


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_axis_and_missing_bands(axis):
    x = draw(20, 22, 24)
    low, high = dwt(x, "db3", "boundary", axis)
    want = boundary_down(np.moveaxis(x, axis, -1), read_bank("db3"), -1)
    assert np.allclose(np.moveaxis(low, axis, -1), want[0], atol=1e-14)
    parts = idwt(low, None, "db3", "boundary", axis), idwt(None, high, "db3", "boundary", axis)
    assert np.abs(parts[0] + parts[1] - x).max() < 1e-13
    assert abs((parts[0] * parts[1]).sum()) < 1e-10  # the bands are orthogonal


@pytest.mark.parametrize("n", [56, 53])
@pytest.mark.parametrize("name", ["db2", "db7", "coif2"])
def test_levels_keep_the_energy(name, n):
    x = draw(n)
    bands = wavedec(x, name, "boundary", level=2)
    assert np.abs(waverec(bands, name, "boundary")[:n] - x).max() < 1e-12
    if n % 4 == 0:
        assert sum((band**2).sum() for band in bands) == pytest.approx((x**2).sum(), rel=1e-13)


def test_planes_mix_with_other_modes():
    x = torch.from_numpy(draw(2, 20, 17))
    coeffs = dwt2(x, ("db3", "bior2.2"), ("boundary", "symmetric"))
    assert coeffs[0].shape == (2, 10, 11)
    assert (idwt2(coeffs, ("db3", "bior2.2"), ("boundary", "symmetric"))[..., :17] - x).abs().max() < 1e-13


def test_banks_of_numbers_are_checked_by_their_filters():
    """Zeros may stand before the low filter and behind the high one; float32 filters are orthogonal to their precision."""
    low, high = pywt.Wavelet("db2").dec_lo, pywt.Wavelet("db2").dec_hi
    wide = (low + [0.0] * 4, [0.0] * 4 + high)
    bank = Bank(*(tuple(taps) for taps in (*wide, wide[0][::-1], wide[1][::-1])))
    for n in (2, 8, 10, 12, 30):
        a = matrix(bank, n)
        assert np.abs(a.T @ a - np.eye(n)).max() < 1e-13
    rounded = Bank(*(tuple(float(np.float32(tap)) for tap in taps) for taps in pywt.Wavelet("db4").filter_bank))
    assert np.abs(matrix(rounded, 20).T @ matrix(rounded, 20) - np.eye(20)).max() < 1e-6


@pytest.mark.parametrize("name", ["bior2.4", "rbio3.1", "dmey"])
def test_wavelets_that_are_not_orthogonal_are_refused(name):
    message = (
        rf"got {name} in mode boundary, expected filters that are orthogonal to 1e-06 .*: use haar, db1 … db38, sym2"
    )
    with pytest.raises(OptionError, match=message):
        dwt(np.ones(8), name, "boundary")
    with pytest.raises(OptionError, match=message):
        idwt(np.ones(8), None, name, "boundary")


def test_learnable_filters_are_refused():
    bank = tuple(torch.tensor(taps, requires_grad=True) for taps in pywt.Wavelet("db2").filter_bank)
    with pytest.raises(
        OptionError, match=r"got the learnable filters of filter bank in mode boundary.* or another mode"
    ):
        dwt(torch.ones(8), bank, "boundary")


def test_bior_of_haar_is_orthogonal_after_all():
    assert np.allclose(dwt(np.arange(8.0), "bior1.1", "boundary"), pywt.dwt(np.arange(8.0), "haar"))


# Types.


@pytest.mark.parametrize("n", [8, 10, 27])
def test_torch_numpy_and_complex_agree(n):
    x = draw(3, n, dtype=complex)
    want = [real + 1j * other for real, other in zip(dwt(x.real, "db4", "boundary"), dwt(x.imag, "db4", "boundary"))]  # noqa: B905
    for got in (dwt(x, "db4", "boundary"), dwt(torch.from_numpy(x), "db4", "boundary")):
        for mine, theirs in zip(got, want, strict=True):
            assert np.abs(np.asarray(mine) - theirs).max() < 1e-14
        assert np.abs(np.asarray(idwt(*got, "db4", "boundary"))[:, :n] - x).max() < 1e-13


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float32, 1e-6), (torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.complex64, 1e-6)],
)
def test_types_stay_and_edges_are_as_precise_as_the_rest(dtype, tolerance):
    x = torch.from_numpy(draw(3, 40)).to(dtype)
    wide = torch.complex128 if dtype.is_complex else torch.float64
    got, want = dwt(x, "db5", "boundary"), dwt(x.to(wide), "db5", "boundary")
    for mine, theirs in zip(got, want, strict=True):
        assert mine.dtype == dtype
        assert (mine.to(wide) - theirs).abs().max() <= tolerance * theirs.abs().max()
    assert idwt(*got, "db5", "boundary").dtype == dtype


def test_bands_of_two_types_give_the_wider_one():
    low, high = dwt(torch.from_numpy(draw(24)), "db3", "boundary")
    back = idwt(low.float(), high, "db3", "boundary")
    assert back.dtype == torch.float64
    assert (back - idwt(low.float().double(), high, "db3", "boundary")).abs().max() < 1e-15


def test_autocast_does_not_lower_the_precision():
    x = torch.from_numpy(draw(3, 40, dtype=np.float32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        back = idwt(*dwt(x, "db5", "boundary"), "db5", "boundary")
    assert back.dtype == torch.float32
    assert (back - x).abs().max() < 3e-6


# Derivatives and transformations of programs.


@pytest.mark.parametrize("n", [6, 9, 12])
def test_derivatives(n, unwatched):
    x = torch.from_numpy(draw(1, n)).requires_grad_()

    def there(x):
        return dwt(x, "db3", "boundary")

    def back(low, high):
        return idwt(low, high, "db3", "boundary")

    bands = [band.detach().requires_grad_() for band in there(x)]
    for run, arguments in ((there, (x,)), (back, tuple(bands))):
        assert torch.autograd.gradcheck(run, arguments)
        assert torch.autograd.gradgradcheck(run, arguments)


@pytest.mark.parametrize("name", ["db3", "coif2"])
def test_the_adjoint_is_the_inverse(name):
    x = torch.from_numpy(draw(2, 40))
    bands = tuple(torch.from_numpy(draw(2, 20, seed=seed)) for seed in (1, 2))
    made, pull = torch.func.vjp(lambda x: dwt(x, name, "boundary"), x)
    inner = sum((one * other).sum() for one, other in zip(made, bands, strict=True))
    (pulled,) = pull(bands)
    assert float(inner) == pytest.approx(float((x * pulled).sum()), rel=1e-12)
    assert (pulled - idwt(*bands, name, "boundary")).abs().max() < 1e-14


def test_compiles_in_one_graph(plain):
    x = torch.from_numpy(draw(2, 13)).requires_grad_()

    def run(x):
        low, high = plain.dwt(x, "db3", "boundary")
        return low, plain.idwt(low, high, "db3", "boundary")

    want, got = run(x), torch.compile(run, fullgraph=True, backend="aot_eager")(x)
    for mine, theirs in zip(got, want, strict=True):
        assert (mine - theirs).abs().max() < 1e-14
    gradients = [torch.autograd.grad((low**2).sum() + (back**3).sum(), x)[0] for low, back in (got, want)]
    assert (gradients[0] - gradients[1]).abs().max() < 1e-12
    torch._dynamo.reset()


@pytest.mark.parametrize("n", [9, 24])
def test_maps_over_a_further_axis(n, unwatched):
    x = torch.from_numpy(draw(3, 2, n))
    low, high = torch.vmap(lambda x: dwt(x, "sym4", "boundary"))(x)
    assert (low - dwt(x, "sym4", "boundary")[0]).abs().max() < 1e-14
    back = torch.vmap(lambda low, high: idwt(low, high, "sym4", "boundary"))(low, high)
    assert (back[..., :n] - x).abs().max() < 1e-11


def test_jax_compiles_and_differentiates(unwatched):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = draw(2, 9)

    def energy(x):
        low, high = dwt(x, "db2", "boundary")
        return (low**3).sum() + (idwt(low, high * 2, "db2", "boundary") ** 3).sum()

    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    assert np.abs(np.asarray(jax.jit(jax.grad(energy))(x)) - u.grad.numpy()).max() < 1e-11
    assert dwt(jax.numpy.ones(20, "bfloat16"), "db3", "boundary")[1].dtype == "bfloat16"
