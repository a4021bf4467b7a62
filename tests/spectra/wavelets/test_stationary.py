"""swt … iswtn against PyWavelets, in PyTorch, NumPy and JAX; and what a shift-invariant transform promises."""

import copy
import warnings
from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets.stationary import iswt, iswt2, iswtn, swt, swt2, swt_max_level, swtn

WAVELETS = pywt.wavelist(kind="discrete")
FEW = ["haar", "db2", "db4", "sym5", "bior2.4", "coif2"]
LENGTHS = [2, 4, 6, 8, 10, 12, 16, 20, 48, 64]
TOLERANCES = {torch.float16: 3e-3, torch.bfloat16: 2e-2, torch.float32: 3e-6, torch.complex64: 3e-6}


def draw(*shape, seed=0, dtype=np.float64):
    chance = np.random.default_rng(seed)
    real = chance.standard_normal(shape)
    imaginary = 1j * chance.standard_normal(shape) if np.dtype(dtype).kind == "c" else 0
    return (real + imaginary).astype(dtype)


def leaves(coeffs):
    """All bands of any container, in its order."""
    if isinstance(coeffs, dict):
        return [band for each in coeffs.values() for band in leaves(each)]
    return [band for each in coeffs for band in leaves(each)] if isinstance(coeffs, list | tuple) else [coeffs]


def layout(coeffs):
    """The containers with their keys in order, and the shapes in them."""
    if isinstance(coeffs, dict):
        return [(key, layout(band)) for key, band in coeffs.items()]
    return type(coeffs)(layout(each) for each in coeffs) if isinstance(coeffs, list | tuple) else [tuple(coeffs.shape)]


def agree(got, want, *, tolerance=1e-13):
    """Same containers, shapes and framework-free numbers, relative to the largest coefficient."""
    assert layout(got) == layout(want)
    largest = max(float(np.abs(band).max()) for band in leaves(want))
    for mine, theirs in zip(leaves(got), leaves(want), strict=True):
        assert np.abs(np.asarray(mine) - theirs).max() <= tolerance * largest


def mapped(coeffs, change):
    if isinstance(coeffs, dict):
        return {key: mapped(each, change) for key, each in coeffs.items()}
    return type(coeffs)(mapped(each, change) for each in coeffs) if isinstance(coeffs, list | tuple) else change(coeffs)


def tensors(coeffs):
    return mapped(coeffs, torch.from_numpy)


def redrawn(coeffs):
    """Coefficients that no signal has, in the same containers."""
    return mapped(coeffs, lambda band: draw(*band.shape, seed=int(np.abs(band).sum() * 1e6) % 2**32))


@pytest.fixture
def unwatched(monkeypatch):
    """No checks of types at run time, which in a long grid cost more than the transforms."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def unnormed():
    """PyWavelets warns of norm=True for wavelets that are not orthogonal, and so do we; in grids nobody asks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="norm=True")
        yield


# Numbers.


def test_the_examples_of_pywavelets():
    """`swt` and `iswt` as the documentation and the test suite of PyWavelets print them."""
    x = [1, 2, 3, 4, 5, 6, 7, 8]
    (a2, d2), (a1, d1) = swt(x, "db1", level=2)
    agree(a2, np.array([5.0, 7, 9, 11, 13, 11, 9, 7]))
    agree(d2, np.array([-2.0, -2, -2, -2, -2, 2, 6, 2]))
    low = [2.12132034, 3.53553391, 4.94974747, 6.36396103, 7.77817459, 9.19238816, 10.60660172, 6.36396103]
    agree(a1, np.array(low), tolerance=1e-9)
    agree(d1, np.array([-0.70710678] * 7 + [4.94974747]), tolerance=1e-8)
    agree(iswt(swt(x, "db2", level=2), "db2"), np.arange(1.0, 9))
    image = np.arange(1.0, 17).reshape(4, 4)
    agree(iswt2(swt2(image, "db1", level=2), "db1"), image)
    agree(iswtn(swtn(image.tolist(), "db1", level=2), "db1"), image)


@pytest.mark.parametrize("trimmed", [False, True])
@pytest.mark.parametrize("norm", [False, True])
def test_every_wavelet_gives_pywts_numbers(norm, trimmed, unwatched, unnormed):
    """Every wavelet meets lengths shorter than its filter, down to one that only one level fits."""
    for place, name in enumerate(WAVELETS):
        for n in LENGTHS[place % 5 :: 5]:
            x = draw(3, n, seed=n)
            want = pywt.swt(x, name, trim_approx=trimmed, norm=norm)
            agree(swt(torch.from_numpy(x), name, trim_approx=trimmed, norm=norm), want)
            agree(swt(x, name, trim_approx=trimmed, norm=norm), want)
            one = redrawn(mapped(want, lambda band: band[0]))
            agree(iswt(tensors(one), name, norm), pywt.iswt(one, name, norm))


@pytest.mark.parametrize("name", FEW)
def test_the_inverse_is_pywts_mean_over_shifts(name, unwatched, unnormed):
    """PyWavelets averages `idwt` of even and odd samples; here it is one dilated sum, of any coefficients."""
    for n, norm in product(LENGTHS, [False, True]):
        for level in range(1, pywt.swt_max_level(n) + 1):
            one = redrawn(pywt.swt(draw(n), name, level))
            agree(iswt(one, name, norm), pywt.iswt(one, name, norm))
            many = redrawn(pywt.swt(draw(2, n), name, level, trim_approx=True))
            agree(iswt(many, name, norm), pywt.iswt(many, name, norm))


@pytest.mark.parametrize("start", [0, 1, 2])
def test_levels_may_be_left_out(start):
    x = draw(2, 24, 3)
    for level in range(1, 4 - start):
        for trimmed in (False, True):
            agree(swt(x, "db3", level, start, 1, trimmed), pywt.swt(x, "db3", level, start, 1, trimmed))
            agree(swtn(x, "haar", level, start, (1,), trimmed), pywt.swtn(x, "haar", level, start, (1,), trimmed))
    assert (
        len(swt(x, "db3", start_level=start, axis=1)) == 3 - start
    )  # pywt.swt counts the levels left out as well, and refuses


@pytest.mark.parametrize(("wavelet", "axes"), [("db2", (-2, -1)), (("haar", "bior2.2"), (2, 0)), (("sym4",), (0, 1))])
def test_two_axes_are_pywts(wavelet, axes, unnormed):
    x = draw(8, 12, 4)
    for level, trimmed, norm in product([1, 2], [False, True], [False, True]):
        want = pywt.swt2(x, wavelet, level, 0, axes, trimmed, norm)
        agree(swt2(torch.from_numpy(x), wavelet, level, 0, axes, trimmed, norm), want)
        want = redrawn(want)
        agree(iswt2(tensors(want), wavelet, norm, axes), pywt.iswt2(copy.deepcopy(want), wavelet, norm, axes))


@pytest.mark.parametrize(("wavelet", "axes"), [("db2", None), (("haar", "db3"), (2, -3)), ("coif1", (1,))])
def test_any_axes_are_pywts(wavelet, axes):
    x = draw(4, 8, 6)
    for trimmed in (False, True):
        want = pywt.swtn(x, wavelet, 1, 0, axes, trimmed)
        agree(swtn(torch.from_numpy(x), wavelet, 1, 0, axes, trimmed), want)
        want = redrawn(want)
        given = tensors(want)
        keys = layout(given)
        agree(iswtn(given, wavelet, axes), pywt.iswtn(copy.deepcopy(want), wavelet, axes))
        assert layout(given) == keys
    assert swtn(x, "haar", 0) == [] and swt2(x, "haar", 0) == []
    (only,) = swtn(x, "haar", 0, trim_approx=True)
    assert only is x and iswtn([x], "haar") is x


def test_every_level_there_is():
    """Without a level the lengths decide: 8 × 12 allows two."""
    x = draw(3, 8, 12)
    agree(swt2(x, "db2", None), pywt.swt2(x, "db2", 2))
    agree(swtn(x, "db2", None, axes=(1,)), pywt.swtn(x, "db2", 3, axes=(1,)))
    assert [swt_max_level(n) for n in (2, 4, 6, 96, 64)] == [pywt.swt_max_level(n) for n in (2, 4, 6, 96, 64)]
    with pytest.warns(UserWarning, match=r"No levels of stationary wavelet decomposition are possible: got 7 samples"):
        assert swt_max_level(7) == 0


def test_missing_bands_are_zeros():
    x = torch.from_numpy(draw(2, 8, 8))
    low, (_, v2, _), (_, v1, _) = swt2(x, "db2", 2, trim_approx=True)
    zero = torch.zeros_like(x)
    zeros = (zero, zero, zero)
    want = iswt2([zero, zeros, (zero, v1, zero)], "db2")
    assert torch.equal(iswt2([None, None, (None, v1, None)], "db2"), want)
    assert torch.equal(iswtn([None, None, {"ad": v1}], "db2", (1, 2)), want)
    assert torch.equal(iswt2([low, None, None], "db2"), iswt2([low, zeros, zeros], "db2"))
    assert torch.equal(iswtn([low, None, None], "db2", (1, 2)), iswt2([low, zeros, zeros], "db2"))
    agree(iswt([None, v2, None], "db2"), iswt([zero, v2, zero], "db2").numpy())
    agree(iswtn([{"d": v2}, {"d": v1}], "db2", (2,)), iswt([zero, v2, v1], "db2").numpy())


def test_a_shift_of_the_signal_shifts_every_band():
    x = torch.from_numpy(draw(48))
    for band, shifted in zip(leaves(swt(x, "sym4")), leaves(swt(x.roll(5), "sym4")), strict=True):
        assert torch.equal(band.roll(5), shifted)


def test_orthogonal_wavelets_keep_the_energy():
    """Parseval with norm=True and trimmed approximations, as far as the tables of db4 go; others are warned of."""
    x = torch.from_numpy(draw(16, 24))
    coeffs = leaves(swt2(x, ("db4", "sym3"), 3, trim_approx=True, norm=True))
    assert abs(sum(band.square().sum() for band in coeffs) / x.square().sum() - 1) < 1e-10
    with pytest.warns(UserWarning, match=r"norm=True, but the wavelet is not orthogonal"):
        swt(x, "bior2.4", 1, norm=True)


def test_learnable_filters_give_the_same_numbers():
    """On circles shorter than the filter too, where several taps meet one sample."""
    four = [torch.tensor(taps, dtype=torch.float64, requires_grad=True) for taps in pywt.Wavelet("db4").filter_bank]
    for n in (4, 8, 48):
        x = torch.from_numpy(draw(n))
        coeffs = swt(x, four, norm=True)
        agree(mapped(coeffs, torch.Tensor.detach), pywt.swt(x.numpy(), "db4", norm=True))
        agree(iswt(coeffs, four, norm=True).detach(), x.numpy())
    agree(swt(draw(8), (pywt.Wavelet("db2"),), 2), pywt.swt(draw(8), "db2", 2))
    nothing = [(0.0, 0.0)] * 4
    assert not leaves(swt(torch.ones(4), nothing, 1))[0].any()


# Types.


@pytest.mark.parametrize("dtype", [*TOLERANCES, torch.complex128])
def test_types_stay(dtype):
    x = torch.from_numpy(draw(3, 16, dtype=np.complex128 if dtype.is_complex else np.float64)).to(dtype)
    wide = x.to(torch.complex128 if dtype.is_complex else torch.float64).numpy()
    got = swt(x, "db3", 2)
    assert all(band.dtype == dtype for band in leaves(got)) and iswt(got, "db3").dtype == dtype
    agree(
        mapped(got, lambda band: band.to(torch.complex128 if dtype.is_complex else torch.float64)),
        pywt.swt(wide, "db3", 2),
        tolerance=TOLERANCES.get(dtype, 1e-13),
    )
    agree(iswt(got, "db3").to(torch.complex128), wide, tolerance=2 * TOLERANCES.get(dtype, 1e-13))


def test_numpy_keeps_types_and_any_memory():
    for dtype in ("f2", "f4", "f8", "c8", "c16", "longdouble", ">f8"):
        x = draw(4, 16)[::-1, ::2].astype(dtype)
        x.flags.writeable = False
        got = swt(x, "db2", 2)
        assert all(isinstance(band, np.ndarray) and band.dtype == x.dtype.newbyteorder("=") for band in leaves(got))
        agree(
            got,
            pywt.swt(x.astype("c16"), "db2", 2),
            tolerance=1e-13 if x.dtype.itemsize > 7 and dtype != "c8" else 3e-3,
        )
    assert swt(np.zeros((0, 8)), "haar", 1)[0][0].shape == (0, 8)
    assert swt([1, 2], "haar")[0][0].dtype == np.float64


def test_bands_of_two_types_meet_in_the_wider():
    """PyWavelets goes to double precision too."""
    low, high = draw(8, dtype=np.float32), draw(8, seed=1)
    for pair in ((low, high), (high, low)):
        want = pywt.iswt([pair], "db2")
        for got in (iswt([pair], "db2"), iswt([tensors(pair)], "db2")):
            agree(got, want)
            assert str(got.dtype).endswith("float64")


# Errors.

CALLS = {
    "length": (lambda x: swt(x, "haar", 3), ShapeError, r"got 12 samples along the transformed axes and 3 levels, expected"
               r" multiples of 2\*\*3 = 8: pad the data, or take level=2"),
    "lengths": (lambda x: swt2(x, "haar", 2, 1), ShapeError, r"got 6 × 12 samples .* and 3 levels.* = 8: pad the data$"),
    "odd": (lambda x: swt(x[:, :7], "haar"), ShapeError, r"got 7 samples .* expected multiples of 2\*\*1 = 2"),
    "start": (lambda x: swt(x, "haar", start_level=2), ShapeError, r"got 12 samples .* and 3 levels"),
    "empty": (lambda x: swt(x[:, :0], "haar", 1), ShapeError, "expected at least one sample along axis -1"),
    "axis": (lambda x: swt(x, "haar", 1, axis=2), ShapeError, "expected axes from -2 to 1"),
    "axes": (lambda x: swt2(x, "haar", 1, axes=(0, 0)), ShapeError, "expected every axis once"),
    "one axis": (lambda x: swt2(x, "haar", 1, axes=(0,)), ShapeError, "got 1 axes .* expected 2"),
    "number": (lambda x: swtn(x[0, 0], "haar", 1), ShapeError, "got a single number"),
    "no level": (lambda x: swt(x, "haar", 0), RangeError, "got level=0, expected 1, 2, …"),
    "level": (lambda x: swt2(x, "haar", -1), RangeError, "got level=-1, expected 0, 1, 2, …"),
    "start level": (lambda x: swt(x, "haar", 1, -1), RangeError, "got start_level=-1, expected"),
    "integers": (lambda x: swt(x.int(), "haar", 1), RangeError, r"convert with data\.float\(\)"),
    "wavelet": (lambda x: swt(x, "bd2", 1), OptionError, "got wavelet 'bd2', expected a name .* did you mean"),
    "wavelets": (lambda x: swtn(x, ("haar",) * 3, 1), ShapeError, "got 3 wavelets for 2 axes"),
    "nothing": (lambda x: iswt([], "haar"), ShapeError, "got coefficients of type list, expected what swt returns"),
    "no band": (lambda x: iswt2([None, None], "haar"), ShapeError, "expected at least one band that is not None"),
    "pairs": (lambda x: iswt([(x, x), x], "haar"), ShapeError, r"expected a pair \(approximation, details\)"),
    "threes": (lambda x: iswt2([x, (x, x)], "haar"), ShapeError, r"expected \(horizontal, vertical, diagonal\)"),
    "shapes": (lambda x: iswt([x, x[:, :6]], "haar"), ShapeError, r"a \(6, 12\), d \(6, 6\)"),
    "too many": (lambda x: iswt([x] * 4, "haar"), ShapeError, r"got 12 samples .* and 3 levels"),
    "keys": (lambda x: iswtn([x, {"dx": x}], "haar"), ShapeError, r"got bands named \['dx'\]"),
    "details": (lambda x: iswtn([x, x], "haar"), ShapeError, "got other details, expected a dict of bands"),
    "no samples": (lambda x: swt_max_level(0), RangeError, "got 0 samples"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_wrong_calls_say_what_to_do(name, unwatched):
    call, error, text = CALLS[name]
    with pytest.raises(error, match=text):
        call(torch.zeros(6, 12))


# Derivatives.


def test_the_gradient_is_the_transpose_of_pywts_matrix():
    """The adjoint identity with a dense oracle, by autograd and by torch.func."""
    for name, n in product(["db2", "bior2.2"], [4, 12]):
        columns = np.concatenate(leaves(pywt.swt(np.eye(n), name, 2, axis=0)))
        v = draw(columns.shape[0])
        x = torch.from_numpy(draw(n)).requires_grad_()
        _, pull = torch.func.vjp(lambda x, name=name: torch.cat(leaves(swt(x, name, 2))), x)
        agree(pull(torch.from_numpy(v))[0].detach(), columns.T @ v)
        (torch.cat(leaves(swt(x, name, 2))) @ torch.from_numpy(v)).backward()
        agree(x.grad, columns.T @ v)
        rows = np.stack([pywt.iswt(list(np.split(row, 3)), name) for row in np.eye(3 * n)], axis=1)
        y = torch.from_numpy(draw(3 * n)).requires_grad_()
        u = torch.from_numpy(draw(n, seed=1))
        (iswt(list(y.chunk(3)), name) @ u).backward()
        agree(y.grad, rows.T @ u.numpy())


def test_adjoint_of_many_levels():
    """⟨A x, y⟩ = ⟨x, Aᴴ y⟩ for two axes, complex, both ways."""
    x = torch.from_numpy(draw(8, 16, dtype=np.complex128))
    coeffs, pull = torch.func.vjp(lambda x: leaves(swt2(x, ("db3", "sym4"), 3)), x)
    y = [torch.from_numpy(draw(8, 16, seed=k, dtype=np.complex128)) for k in range(len(coeffs))]
    left = sum(torch.vdot(b.flatten(), a.flatten()) for a, b in zip(coeffs, y, strict=True))
    assert abs(left - torch.vdot(pull(y)[0].flatten(), x.flatten())) <= 1e-13 * abs(left)
    made, pull = torch.func.vjp(lambda *y: iswt2([y[0], y[1:4], y[4:7]], "coif1"), *y[:7])
    right = sum(torch.vdot(a.flatten(), b.flatten()) for a, b in zip(pull(x), y, strict=False))
    whole = torch.vdot(x.flatten(), made.flatten())
    assert abs(whole - right) <= 1e-13 * abs(whole)


SMALL = {
    "swt": (lambda w, x: swt(x, w, 2), (2, 4)),
    "trimmed": (lambda w, x: swt(x, w, 2, trim_approx=True, norm=True)[1:], (2, 8)),
    "iswt": (lambda w, x: iswt([x[0], x[1], x[2]], w, norm=True), (3, 4)),
    "swt2": (lambda w, x: swt2(x, w, 1), (4, 6)),
    "iswt2": (lambda w, x: iswt2([x[0], (x[1], x[2], x[3])], w), (4, 2, 4)),
    "swtn": (lambda w, x: swtn(x, w, 1), (2, 2, 4)),
    "iswtn": (lambda w, x: iswtn([x[0], None, {"d": x[1]}], w, axes=(-1,)), (2, 8)),
}


def flat(coeffs):
    """All bands in a row: gradcheck takes its time with every output."""
    return torch.cat([band.reshape(-1) for band in leaves(coeffs)])


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # by the forward derivatives of PyTorch itself
@pytest.mark.parametrize("name", SMALL)
def test_gradients(name, unwatched):
    transform, shape = SMALL[name]
    for dtype in (np.float64, np.complex128):
        x = torch.from_numpy(draw(*shape, dtype=dtype)).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x: flat(transform("db2", x)), (x,), fast_mode=True, check_forward_ad=True
        )
        assert torch.autograd.gradgradcheck(lambda x: flat(transform("db2", x)), (x,), fast_mode=True)


@pytest.mark.parametrize("name", SMALL)
def test_gradients_with_respect_to_filters(name, unwatched):
    transform, shape = SMALL[name]
    four = pywt.Wavelet("db2").filter_bank[2:] if name.startswith("iswt") else pywt.Wavelet("db2").filter_bank[:2]
    low, high = (torch.tensor(taps, dtype=torch.float64, requires_grad=True) for taps in four)
    x = torch.from_numpy(draw(*shape)).requires_grad_()

    def run(x, low, high):
        return flat(transform((low, high, low, high), x))

    assert torch.autograd.gradcheck(run, (x, low, high), fast_mode=True)
    assert torch.autograd.gradgradcheck(run, (x, low, high), fast_mode=True)


def test_gradients_of_some_bands_and_bands_of_two_types():
    x = torch.from_numpy(draw(8)).requires_grad_()
    (low, high), *_ = swt(x, "db2", 2)
    columns = pywt.swt(np.eye(8), "db2", 2, axis=0)[0]
    for band, matrix in zip((low, high), columns, strict=True):
        v = draw(8, seed=1)
        agree(torch.autograd.grad(band @ torch.from_numpy(v), x, retain_graph=True)[0], matrix.T @ v)
    single = torch.ones(8, requires_grad=True)
    mine = torch.autograd.grad(iswt([single, x.detach()], "db2").sum(), single)[0]
    assert mine.dtype == torch.float32
    agree(mine, np.full(8, np.sqrt(0.5)), tolerance=1e-6)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_second_derivatives_by_both_ways():
    """torch.func goes forward over reverse, torch.autograd reverse over reverse."""
    x = torch.from_numpy(draw(8))

    def cubes(x):
        return sum((band**3).sum() for band in leaves(swt(iswt([x, x.flip(0)], "db2"), "db4", 2)))

    want = torch.autograd.functional.hessian(cubes, x)
    agree(torch.func.hessian(cubes)(x), want.numpy())
    agree(torch.func.hessian(cubes)(x.requires_grad_()).detach(), want.numpy())


# Program transformations.


PROGRAMS = {
    "iswt2": lambda w, x: w.iswt2(w.swt2(x, ("db2", "haar"), 1, norm=True), ("db2", "haar"), norm=True),
    "swtn": lambda w, x: w.swtn(x[:, None], "db2", 2, 0, (0,), trim_approx=True),
    "half": lambda w, x: w.swt(x.half(), "haar", 1),
    "mra": lambda w, x: w.mra(x, "haar", 1, 0),
    "threshold": lambda w, x: [w.threshold(x, 0.5, mode) for mode in ("soft", "less")],
    "firm": lambda w, x: w.threshold(x, (x.abs().mean(), 2.0), "firm"),
}  # fmt: skip


def test_compiles_in_one_graph(plain):
    x = torch.from_numpy(draw(8, 12)).requires_grad_()

    def run(x):
        return [band for program in PROGRAMS.values() for band in leaves(program(plain, x))]

    want, got = run(x), torch.compile(run, fullgraph=True, backend="aot_eager")(x)
    agree([band.detach().double() for band in got], [band.detach().double().numpy() for band in want])
    mine, theirs = (torch.autograd.grad(sum(b.square().sum() for b in bands), x)[0] for bands in (got, want))
    agree(mine, theirs.numpy(), tolerance=1e-3)  # one band is in half precision
    torch._dynamo.reset()


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_maps_over_a_further_axis(name, watched, plain):
    x = torch.from_numpy(draw(3, 8, 12)).requires_grad_(watched)
    mapped = torch.vmap(lambda x: leaves(PROGRAMS[name](plain, x)))(x)
    for k in range(3):
        want = leaves(PROGRAMS[name](plain, x[k]))
        agree([band[k].detach() for band in mapped], [band.detach().numpy() for band in want])


def test_maps_over_one_band_of_two():
    low, high = torch.from_numpy(draw(3, 8)), torch.from_numpy(draw(8))
    for watched in (False, True):
        for order in ((0, None), (None, 0)):
            pair = [low, high] if order[0] == 0 else [high, low]
            got = torch.vmap(lambda a, d: iswt([a, d], "db2"), in_dims=order)(
                *(each.requires_grad_(watched) for each in pair)
            )
            want = iswt([each.detach().expand(3, 8) for each in pair], "db2")
            agree(got.detach(), want.numpy())


# JAX.


@pytest.fixture
def jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def test_jax_gives_pywts_numbers(jax, unwatched):
    x = draw(4, 12)
    got = swtn(jax.numpy.asarray(x), ("db4", "bior2.4"), 2)
    assert all(isinstance(band, jax.Array) for band in leaves(got))
    agree(got, pywt.swtn(x, ("db4", "bior2.4"), 2))
    agree(iswtn(got, ("db4", "bior2.4")), x, tolerance=1e-12)
    for dtype in ("float16", "bfloat16", "float32", "complex64"):
        assert all(band.dtype == dtype for band in leaves(swt(jax.numpy.ones(8, dtype), "db2", 1)))


def test_jax_compiles_maps_and_differentiates(jax, unwatched):
    x = draw(2, 4, 8)

    def energy(x):
        return sum((band**3).sum() for band in leaves(swt2(x, ("db2", "haar"), 1, norm=True)))

    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    agree(jax.jit(jax.grad(energy))(x), u.grad.numpy())
    agree(jax.jit(jax.vmap(lambda x: iswt(swt(x, "db2", 2), "db2")))(x), x)


def test_jax_differentiates_with_respect_to_filters(jax, unwatched):
    x, four = (
        draw(4),
        [torch.tensor(taps, dtype=torch.float64, requires_grad=True) for taps in pywt.Wavelet("db4").filter_bank],
    )

    def energy(low, high, x):
        return sum((band**2).sum() for band in leaves(swt(x, (low, high, low, high), 1, norm=True)))

    energy(*four[:2], torch.from_numpy(x)).backward()
    low, high = jax.jit(jax.grad(energy, argnums=(0, 1)))(*(each.detach().numpy() for each in four[:2]), x)
    agree((low, high), (four[0].grad.numpy(), four[1].grad.numpy()))
