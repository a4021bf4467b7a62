"""dwt … waverecn against PyWavelets, in PyTorch, NumPy and JAX; and what a linear transform promises."""

import sys
import warnings
from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import (
    dwt,
    dwt2,
    dwtn,
    idwt,
    idwt2,
    idwtn,
    wavedec,
    wavedec2,
    wavedecn,
    waverec,
    waverec2,
    waverecn,
)

WAVELETS = pywt.wavelist(kind="discrete")
MODES = pywt.Modes.modes
LENGTHS = [*range(1, 10), 11, 14, 16, 17, 31, 33, 64, 100]
FEW = ["haar", "db2", "sym5", "coif1", "bior2.4", "rbio3.1", "dmey"]


def draw(*shape, seed=0, dtype=np.float64):
    chance = np.random.default_rng(seed)
    real = chance.standard_normal(shape)
    return (
        (real + 1j * chance.standard_normal(shape)).astype(dtype) if np.dtype(dtype).kind == "c" else real.astype(dtype)
    )


def refused(mode, *lengths):
    """PyWavelets refuses single samples in these two modes; here they are extended as constants."""
    return "reflect" in mode and min(lengths) < 2


def leaves(coeffs):
    """All bands of any container, in a fixed order."""
    if isinstance(coeffs, dict):
        return [band for key in sorted(coeffs) for band in leaves(coeffs[key])]
    if isinstance(coeffs, list | tuple):
        return [band for each in coeffs for band in leaves(each)]
    return [coeffs]


def layout(coeffs):
    """The containers and the shapes in them."""
    if isinstance(coeffs, dict):
        return {key: layout(band) for key, band in coeffs.items()}
    if isinstance(coeffs, list | tuple):
        return type(coeffs)(layout(each) for each in coeffs)
    return tuple(coeffs.shape)


def agree(got, want, *, tolerance=1e-13):
    """Same containers, shapes and framework-free numbers, relative to the largest coefficient."""
    assert layout(got) == layout(want)
    largest = max(float(np.abs(band).max()) for band in leaves(want))
    for mine, theirs in zip(leaves(got), leaves(want), strict=True):
        assert np.abs(np.asarray(mine) - theirs).max() <= tolerance * largest


@pytest.fixture
def unwatched(monkeypatch):
    """No checks of types at run time: they forestall the errors that users see."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def deep():
    """Levels deeper than PyWavelets recommends are part of the grids; it warns, and so do we."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Level value of")
        yield


# Parity with PyWavelets.


@pytest.mark.parametrize(("way", "every"), [("chosen", 6), ("portable", 12)])
@pytest.mark.parametrize("mode", MODES)
def test_every_wavelet_gives_pywts_numbers(mode, way, every, monkeypatch, plain):
    """Every wavelet in every mode, and with every length in some mode; with the kernel, if there is one, and without."""
    noise = draw(5, 200)
    if way == "portable":
        monkeypatch.setattr(
            sys.modules["undula.spectra.wavelets.strategies"], "strategy", lambda *given, **options: "portable"
        )
    for place, name in enumerate(WAVELETS):
        for n in LENGTHS[(place + MODES.index(mode)) % every :: every]:
            if refused(mode, n):
                continue
            x = noise[:3, :n]
            want = pywt.dwt(x, name, mode)
            agree(plain.dwt(torch.from_numpy(x), name, mode), want)
            bands = noise[3:, : want[0].shape[-1]]
            agree(plain.idwt(*torch.from_numpy(bands), name, mode), pywt.idwt(*bands, name, mode))


@pytest.mark.parametrize("mode", MODES)
def test_all_levels_give_pywts_numbers_and_the_signal(mode, deep, plain):
    for name, n, level in product(FEW, [2, 7, 16, 33, 255], [None, 0, 1, 3]):
        if refused(mode, n, *(length for (length,) in plain.wavedec_shapes(n, name, mode, level))):
            continue
        x = draw(2, n, seed=n)
        want = pywt.wavedec(x, name, mode, level)
        got = plain.wavedec(torch.from_numpy(x), name, mode, level)
        agree(got, want)
        back = pywt.waverec(want, name, mode)
        agree(plain.waverec(got, name, mode), back)
        error = np.abs(back[:, :n] - x).max()  # dmey and long symlets are not exact in pywt either
        assert np.abs(plain.waverec(got, name, mode).numpy()[:, :n] - x).max() <= error + 1e-12


SIZES = [((6, 8), (-2, -1)), ((5, 7), (0, 1)), ((1, 9), (-1, -2)), ((7, 3, 6), (0, 2)), ((2, 9, 3), (-2, 0))]
PAIRS = [
    ("haar", "symmetric"),
    ("db3", "periodization"),
    (("db2", "bior2.2"), ("zero", "reflect")),
    (("sym4", "haar"), "smooth"),
    (pywt.Wavelet("rbio1.3"), ("antisymmetric", "periodization")),
    (("coif1",), ("antireflect",)),
    ("db2", (pywt.Modes.periodic, pywt.Modes.constant)),
]


@pytest.mark.parametrize(("wavelet", "mode"), PAIRS)
@pytest.mark.parametrize(("shape", "axes"), SIZES)
def test_two_axes_give_pywts_numbers(shape, axes, wavelet, mode, deep):
    if 1 in shape and "reflect" in str(mode):
        return
    x = draw(*shape)
    u = torch.from_numpy(x)
    want = pywt.dwt2(x, wavelet, mode, axes)
    agree(dwt2(u, wavelet, mode, axes), want)
    agree(idwt2(dwt2(u, wavelet, mode, axes), wavelet, mode, axes), pywt.idwt2(want, wavelet, mode, axes))
    for level in (None, 2):
        want = pywt.wavedec2(x, wavelet, mode, level, axes)
        got = wavedec2(u, wavelet, mode, level, axes)
        agree(got, want)
        agree(waverec2(got, wavelet, mode, axes), pywt.waverec2(want, wavelet, mode, axes))


@pytest.mark.parametrize(
    ("wavelet", "mode", "axes"),
    [
        ("db2", "symmetric", None),
        ("haar", "periodization", (0,)),
        (("db2", "haar", "bior2.2", "sym3"), ("zero", "periodization", "smooth", "antireflect"), (1, -1, 0, 2)),
        (("db2", "haar"), "constant", (-1, 0)),
        ("db3", ("reflect", "periodic", "antisymmetric"), (3, 1, 2)),
    ],
)
def test_any_axes_give_pywts_numbers(wavelet, mode, axes, deep):
    x = draw(4, 5, 3, 8)
    u = torch.from_numpy(x)
    want = pywt.dwtn(x, wavelet, mode, axes)
    agree(dwtn(u, wavelet, mode, axes), want)
    agree(idwtn(dwtn(u, wavelet, mode, axes), wavelet, mode, axes), pywt.idwtn(want, wavelet, mode, axes))
    for level in (None, 2):
        want = pywt.wavedecn(x, wavelet, mode, level, axes)
        got = wavedecn(u, wavelet, mode, level, axes)
        agree(got, want)
        agree(waverecn(got, wavelet, mode, axes), pywt.waverecn(want, wavelet, mode, axes))


def test_levels_count_every_axis_with_its_own_wavelet():
    """16 samples allow haar four levels and db8 none, 64 allow db8 two: together two, as in PyWavelets."""
    x = draw(64, 16)
    agree(wavedec2(torch.from_numpy(x), ("db8", "haar")), pywt.wavedec2(x, ("db8", "haar")))
    assert len(wavedec2(torch.from_numpy(x), ("db8", "haar"))) == 3


def test_wavelets_and_modes_by_all_their_names():
    x = draw(10)
    want = pywt.dwt(x, "db2", "periodization")
    own = pywt.Wavelet("db2").filter_bank
    for wavelet in ("db2", "DB2", pywt.Wavelet("db2"), own, [torch.tensor(taps, dtype=torch.float64) for taps in own]):
        for mode in ("periodization", "per", pywt.Modes.periodization):
            agree(dwt(torch.from_numpy(x), wavelet, mode), want)
    agree(dwt(torch.from_numpy(x), "db1"), pywt.dwt(x, "haar"))


# What is missing counts as zeros.


@pytest.mark.parametrize("mode", ["symmetric", "periodization"])
def test_bands_that_are_none_count_as_zeros(mode):
    a, d = draw(2, 3, 9)
    agree(idwt(torch.from_numpy(a), None, "db3", mode), pywt.idwt(a, None, "db3", mode))
    agree(idwt(None, torch.from_numpy(d), "db3", mode), pywt.idwt(None, d, "db3", mode))
    four = draw(4, 7, 6)
    for given in product([False, True], repeat=4):
        if any(given):
            a, *details = (torch.from_numpy(band) if there else None for band, there in zip(four, given, strict=True))
            zeroed = [band * there for band, there in zip(four, given, strict=True)]
            want = pywt.idwt2((zeroed[0], tuple(zeroed[1:])), "db2", mode)
            agree(idwt2((a, tuple(details)), "db2", mode), want)


def test_a_single_band_of_three_axes():
    band = draw(4, 5, 6)
    for key in map("".join, product("ad", repeat=3)):
        agree(idwtn({key: torch.from_numpy(band)}, "db2"), pywt.idwtn({key: band}, "db2"))


def test_levels_that_are_none_count_as_zeros(deep):
    x = draw(20, 24)
    want = pywt.wavedec(x, "haar", level=3)
    got = [torch.from_numpy(band) for band in want]
    for place in range(4):
        zeroed = [band * (k != place) for k, band in enumerate(want)]
        given = [None if k == place else band for k, band in enumerate(got)]
        agree(waverec(given, "haar"), pywt.waverec(zeroed, "haar"))
    low, *details = pywt.wavedecn(x, "haar", level=2)
    zeroed = [low, {key: 0 * band for key, band in details[0].items()}, details[1] | {"ad": 0 * details[1]["ad"]}]
    given = [
        torch.from_numpy(low),
        None,
        {key: torch.from_numpy(band) for key, band in details[1].items() if key != "ad"},
    ]
    agree(waverecn(given, "haar"), pywt.waverecn(zeroed, "haar"))
    given[2] = (given[2]["da"], None, given[2]["dd"])
    agree(waverec2(given, "haar"), pywt.waverecn(zeroed, "haar"))


# Frameworks and types.


def test_numpy_arrays_and_lists_give_numpy_arrays(deep):
    for name, mode, n in product(["db3", "bior2.2"], MODES, [2, 9, 20]):
        x = draw(3, n)
        got = wavedec(x, name, mode, 1)
        assert all(isinstance(band, np.ndarray) and band.dtype == np.float64 for band in got)
        agree(got, pywt.wavedec(x, name, mode, 1))
        agree(waverec(got, name, mode), pywt.waverec(pywt.wavedec(x, name, mode, 1), name, mode))
    agree(dwt2([[1, 2, 3], [4, 5, 6]], "haar"), pywt.dwt2([[1, 2, 3], [4, 5, 6]], "haar"))
    agree(dwt(np.arange(6), "db2"), pywt.dwt(np.arange(6), "db2"))
    agree(dwt(np.arange(6) > 2, "db2"), pywt.dwt(np.arange(6) > 2, "db2"))


# Half precision rounds the input to 2⁻¹¹ and 2⁻⁸, and the result once more.
ROUNDING = {
    torch.float16: 2e-3,
    torch.bfloat16: 2e-2,
    torch.float32: 3e-6,
    torch.float64: 1e-13,
    torch.complex64: 3e-6,
    torch.complex128: 1e-13,
}


@pytest.mark.parametrize("mode", ["symmetric", "periodization", "smooth"])
@pytest.mark.parametrize("dtype", ROUNDING)
def test_types_stay(dtype, mode):
    x = torch.from_numpy(draw(2, 13, 10, dtype=np.complex128 if dtype.is_complex else np.float64)).to(dtype)
    wide = x.to(torch.complex128 if dtype.is_complex else torch.float64)
    got = wavedec2(x, "db2", mode, level=1)
    assert all(band.dtype == dtype for band in leaves(got))
    agree(
        [band.to(wide.dtype) for band in leaves(got)],
        leaves(pywt.wavedec2(wide.numpy(), "db2", mode, 1)),
        tolerance=ROUNDING[dtype],
    )
    back = waverec2(got, "db2", mode)
    assert back.dtype == dtype
    agree(back[:, :13].to(wide.dtype), wide.numpy(), tolerance=2 * ROUNDING[dtype])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64, np.complex128, np.dtype(">f8")])
def test_types_of_numpy_stay(dtype):
    x = draw(3, 12, dtype=dtype)
    for band in dwt(x, "db2"):
        assert band.dtype.kind == x.dtype.kind and band.dtype.itemsize == x.dtype.itemsize
    wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    agree(dwt(x, "db2"), pywt.dwt(wide, "db2"), tolerance={2: 2e-3, 4: 3e-6}.get(x.real.dtype.itemsize, 1e-13))


@pytest.mark.parametrize("batch", [(), (1,), (3,), (2, 3)])
def test_batches_and_strides(batch):
    x = draw(*batch, 12, 10)
    want = pywt.dwt2(x, "db2")
    agree(dwt2(torch.from_numpy(x), "db2"), want)
    every_other = torch.from_numpy(np.repeat(x, 2, axis=-1))[..., ::2]
    transposed = torch.from_numpy(np.swapaxes(x, -1, -2).copy()).transpose(-1, -2)
    for strided in (every_other, transposed):
        assert not strided.is_contiguous()
        agree(dwt2(strided, "db2"), want)
    agree(dwt2(np.flip(x, -1)[..., ::-1], "db2"), want)


def test_single_samples_that_pywt_refuses_are_constants():
    """A constant has no detail, and its approximation is √2 times as large: the closed form."""
    for mode in ("reflect", "antireflect"):
        low, high = dwt(torch.full((1,), 3.0, dtype=torch.float64), "db4", mode)
        agree(low, np.full(4, 3 * 2**0.5), tolerance=1e-11)  # the table's filter sums to √2 within 1e-12
        assert high.abs().max() < 1e-11


def test_inputs_are_left_as_they_were():
    x = torch.from_numpy(draw(2, 9, 9))
    before = x.clone()
    coeffs = wavedec2(x, "db2", level=1)
    kept = [band.clone() for band in leaves(coeffs)]
    waverec2(coeffs, "db2")
    assert torch.equal(x, before)
    assert all(torch.equal(band, one) for band, one in zip(leaves(coeffs), kept, strict=True))


# Values that are not finite, and calls that make no sense.


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_reach_their_coefficients_only(bad):
    x = draw(40)
    x[17] = bad
    for got, want in zip(dwt(torch.from_numpy(x), "db3"), pywt.dwt(x, "db3"), strict=True):
        assert np.array_equal(np.isfinite(got.numpy()), np.isfinite(want))
        assert int((~np.isfinite(want)).sum()) == 3
    agree(
        [band[torch.isfinite(band)] for band in dwt(torch.from_numpy(x), "db3")],
        [b[np.isfinite(b)] for b in pywt.dwt(x, "db3")],
    )


CALLS = {
    "wavelet": (
        lambda x: dwt(x, "db2x"),
        OptionError,
        "got wavelet 'db2x', expected a name of PyWavelets: did you mean",
    ),
    "continuous": (
        lambda x: wavedec2(x, "morl"),
        OptionError,
        "got the continuous wavelet 'morl', expected a discrete one",
    ),
    "no wavelet": (lambda x: dwt(x, 3), OptionError, "got a wavelet of type int, expected a name"),
    "three filters": (lambda x: dwt(x, [[1.0, 1.0]] * 3), OptionError, "got a wavelet of type list, expected a name"),
    "odd filters": (
        lambda x: dwt(x, [[1.0] * 3] * 4),
        ShapeError,
        r"got filters of \[3, 3, 3, 3\] taps, expected four of one even",
    ),
    "wavelets": (
        lambda x: dwt2(x, ("haar", "db2", "db3")),
        ShapeError,
        "got 3 wavelets for 2 axes, expected one for all",
    ),
    "mode": (lambda x: dwt(x, "db2", "symetric"), OptionError, "got mode 'symetric', .* did you mean symmetric"),
    "modes": (lambda x: dwt2(x, "db2", ("zero",) * 3), OptionError, "got 3 modes for 2 axes, expected one for all"),
    "mode 9": (lambda x: dwt(x, "db2", 9), OptionError, "got mode 9 of type int, expected one of zero"),
    "level": (lambda x: wavedec(x, "db2", level=-1), RangeError, "got level=-1, expected 0, 1, 2"),
    "axis": (
        lambda x: dwt(x, "db2", axis=2),
        ShapeError,
        r"got axes 2 for an array of shape \(8, 9\), expected axes from -2 to 1",
    ),
    "one axis": (lambda x: dwt2(x, "db2", axes=(0,)), ShapeError, "got 1 axes for an array of shape .* expected 2"),
    "twice": (lambda x: dwtn(x, "db2", axes=(0, -2)), ShapeError, "expected every axis once"),
    "number": (
        lambda x: dwtn(x[0, 0], "db2"),
        ShapeError,
        "got a single number, expected an array of at least one axis",
    ),
    "empty": (
        lambda x: wavedec(x[:, :0], "db2"),
        ShapeError,
        r"got an array of shape \(8, 0\), expected at least one sample",
    ),
    "integers": (
        lambda x: dwt(x.long(), "db2"),
        RangeError,
        "got data of type torch.int64, expected floats: convert with",
    ),
    "no bands": (lambda x: idwt(None, None, "db2"), ShapeError, "got no coefficients, expected at least one band"),
    "two shapes": (
        lambda x: idwt(x, x[:, 1:], "db2"),
        ShapeError,
        r"got bands of different shapes \(a \(8, 9\), d \(8, 8\)\)",
    ),
    "short": (
        lambda x: idwt(x[:, :3], x[:, :3], "db4"),
        ShapeError,
        "got bands of 3 coefficients along axis -1, expected at least 4",
    ),
    "keys": (
        lambda x: idwtn({"ax": x}, "db2"),
        ShapeError,
        r"got bands named \['ax'\], expected 2 letters of a and d each",
    ),
    "pair": (
        lambda x: idwt2((x, (x, x)), "db2"),
        ShapeError,
        r"expected \(approximation, \(horizontal, vertical, diagonal\)\)",
    ),
    "no levels": (lambda x: waverec([], "db2"), ShapeError, "expected a list .* not empty"),
    "mismatch": (
        lambda x: waverec([x, x[:, :5]], "db2"),
        ShapeError,
        r"coefficient shape mismatch at level 1: got an approx.*\(8, 9\)",
    ),
    "mismatch 2": (
        lambda x: waverec2([x, (x[1:, 2:],) * 3], "db2"),
        ShapeError,
        "coefficient shape mismatch at level 1",
    ),
    "mismatch n": (lambda x: waverecn([x, {"da": x, "ad": x[1:]}], "db2"), ShapeError, "got bands of different shapes"),
    "all none": (lambda x: waverec([None, None], "db2"), ShapeError, "got no coefficients, expected at least one band"),
    "tuple": (
        lambda x: waverecn([x, (x, x, x)], "db2"),
        ShapeError,
        "got details of type tuple, expected a dict of bands",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_wrong_calls_say_what_to_do(name, unwatched):
    call, error, text = CALLS[name]
    with pytest.raises(error, match=text):
        call(torch.zeros(8, 9))


def test_levels_that_are_too_deep_warn_as_in_pywt():
    x = draw(20)
    with pytest.warns(
        UserWarning, match="Level value of 4 is too high: all coefficients will experience boundary effects"
    ):
        want = pywt.wavedec(x, "db2", level=4)
    with pytest.warns(UserWarning, match=r"Level value of 4 is too high.*lengths \(20,\) and db2 allow 2"):
        agree(wavedec(torch.from_numpy(x), "db2", level=4), want)


# Derivatives.


def filters(name="db2"):
    return [torch.tensor(taps, dtype=torch.float64, requires_grad=True) for taps in pywt.Wavelet(name).filter_bank]


def matrix(n, name, mode):
    """The transform as a matrix, column by column from PyWavelets."""
    return np.concatenate(pywt.dwt(np.eye(n), name, mode, axis=0))


@pytest.mark.parametrize("mode", MODES)
def test_the_gradient_is_the_transpose_of_pywts_matrix(mode):
    for name, n in product(["db2", "bior2.2"], [2, 5, 8]):
        columns = matrix(n, name, mode)
        v = draw(columns.shape[0])
        _, pull = torch.func.vjp(lambda x, name=name: torch.cat(dwt(x, name, mode)), torch.from_numpy(draw(n)))
        agree(pull(torch.from_numpy(v))[0], columns.T @ v)
        count = columns.shape[0] // 2
        rows = np.stack([pywt.idwt(*np.split(row, 2), name, mode) for row in np.eye(2 * count)], axis=1)
        u = draw(rows.shape[0], seed=1)
        _, pull = torch.func.vjp(lambda a, d, name=name: idwt(a, d, name, mode), *torch.from_numpy(v).chunk(2))
        agree(torch.cat(pull(torch.from_numpy(u))), rows.T @ u)


@pytest.mark.parametrize(("wavelet", "mode"), [("db3", "symmetric"), ("bior2.4", "periodization"), ("sym4", "smooth")])
def test_adjoint_of_many_levels(wavelet, mode, deep):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩, for the inverse too."""
    x = torch.from_numpy(draw(2, 33, 40))
    coeffs, pull = torch.func.vjp(lambda x: leaves(wavedec2(x, wavelet, mode, 2)), x)
    y = [torch.from_numpy(draw(*band.shape, seed=k)) for k, band in enumerate(coeffs)]
    left = sum(float((a * b).sum()) for a, b in zip(coeffs, y, strict=True))
    assert abs(left - float((pull(y)[0] * x).sum())) <= 1e-12 * sum(
        float((a * b).abs().sum()) for a, b in zip(coeffs, y, strict=True)
    )
    low, *rest = y
    made, pull = torch.func.vjp(lambda low, *d: waverec2([low, tuple(d[:3]), tuple(d[3:])], wavelet, mode), low, *rest)
    z = torch.from_numpy(draw(*made.shape, seed=9))
    right = sum(float((a * b).sum()) for a, b in zip(pull(z), y, strict=True))
    assert abs(float((made * z).sum()) - right) <= 1e-12 * float((made * z).abs().sum())


SMALL = {
    "dwt": (lambda p, w, m, x: p.dwt(x, w, m), (5,)),
    "idwt": (lambda p, w, m, x: (p.idwt(x[0], x[1], w, m),), (2, 5)),
    "wavedec": (lambda p, w, m, x: tuple(p.wavedec(x, w, m, 2)), (7,)),
    "waverec": (
        lambda p, w, m, x: (p.waverec([x[:3], x[3:6], x[6 : 12 if m == "periodization" else 10]], w, m),),
        (12,),
    ),
    "dwt2": (lambda p, w, m, x: tuple(leaves(p.dwt2(x, w, m))), (3, 4)),
    "idwt2": (lambda p, w, m, x: (p.idwt2((x[0], (x[1], x[2], x[3])), w, m),), (4, 3, 2)),
    "wavedec2": (lambda p, w, m, x: tuple(leaves(p.wavedec2(x, w, m, 1))), (5, 4)),
    "waverec2": (lambda p, w, m, x: (p.waverec2([x[0], (x[1], x[2], x[3])], w, m),), (4, 3, 3)),
    "wavedecn": (lambda p, w, m, x: tuple(leaves(p.wavedecn(x, w, m, 1))), (2, 3, 2)),
    "waverecn": (lambda p, w, m, x: (p.waverecn([x[0], {"d": x[1]}], w, m, axes=-1),), (2, 2, 3)),
}


def flat(coeffs):
    """All bands in a row: gradcheck takes its time with every output."""
    return torch.cat([band.reshape(-1) for band in coeffs])


@pytest.mark.parametrize("name", SMALL)
def test_gradients(name, deep, plain):
    transform, shape = SMALL[name]
    for mode, dtype in (("symmetric", np.float64), ("periodization", np.complex128), ("antireflect", np.float64)):
        x = torch.from_numpy(draw(*shape, dtype=dtype)).requires_grad_()
        assert torch.autograd.gradcheck(lambda x, m=mode: flat(transform(plain, "db2", m, x)), (x,), fast_mode=True)
        assert torch.autograd.gradgradcheck(lambda x, m=mode: flat(transform(plain, "db2", m, x)), (x,), fast_mode=True)


@pytest.mark.parametrize("name", SMALL)
def test_gradients_with_respect_to_filters(name, deep, plain):
    transform, shape = SMALL[name]
    low, high = filters()[2:] if name.startswith(("idwt", "waverec")) else filters()[:2]
    x = torch.from_numpy(draw(*shape)).requires_grad_()
    for mode in ("symmetric", "periodization"):

        def run(x, low, high, mode=mode):
            return flat(transform(plain, (low, high, low, high), mode, x))

        assert torch.autograd.gradcheck(run, (x, low, high), fast_mode=True)
        assert torch.autograd.gradgradcheck(run, (x, low, high), fast_mode=True)


def test_the_gradient_of_a_filter_is_a_correlation():
    """∂(Σ v·a)/∂h[j] = Σ_o v[o] x̃[2 o + 1 - j]: from the formula, with NumPy's own padding."""
    x, taps = draw(12), filters("db3")
    low, _ = dwt(torch.from_numpy(x), taps, "symmetric")
    v = draw(*low.shape, seed=1)
    (low * torch.from_numpy(v)).sum().backward()
    extended = np.pad(x, 6, mode="symmetric")
    want = [sum(v[o] * extended[6 + 2 * o + 1 - j] for o in range(len(v))) for j in range(6)]
    agree(taps[0].grad, np.array(want))
    assert taps[1].grad is None or not taps[1].grad.any()


# Program transformations.


PROGRAMS = {
    "dwt": lambda w, x: w.dwt(x, "db3", "smooth"),
    "waverec": lambda w, x: w.waverec(w.wavedec(x, "db2", "per", axis=0), "db2", "per", axis=0),
    "waverec2": lambda w, x: w.waverec2(w.wavedec2(x, ("db2", "haar"), level=1), ("db2", "haar")),
    "waverecn": lambda w, x: w.waverecn(
        w.wavedecn(x[:, None], "haar", "reflect", 1, (0, 2)), "haar", "reflect", (0, 2)
    ),
    "fswaverecn": lambda w, x: w.fswaverecn(w.fswavedecn(x, ("haar", "db2"), "constant", levels=(2, 1))),
    "packing": lambda w, x: w.unravel_coeffs(
        *w.ravel_coeffs(w.array_to_coeffs(*w.coeffs_to_array(w.wavedecn(x, "haar", level=1), padding=1.0)))
    ),
    "one band": lambda w, x: w.upcoef("d", w.downcoef("d", x, "db2", "antireflect", level=2), "db2", level=2, take=31),
    "pad": lambda w, x: w.pad(x, ((3, 40), (1, 0)), "antireflect"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiles_in_one_graph(name, plain):
    x = torch.from_numpy(draw(9, 10)).requires_grad_(name == "waverec2")

    def run(x):
        return leaves(PROGRAMS[name](plain, x))

    want, got = run(x), torch.compile(run, fullgraph=True, backend="aot_eager")(x)
    agree([band.detach() for band in got], [band.detach().numpy() for band in want])
    if x.requires_grad:
        mine, theirs = (torch.autograd.grad(sum(band.square().sum() for band in bands), x)[0] for bands in (got, want))
        agree(mine, theirs.numpy())
    torch._dynamo.reset()


@pytest.mark.parametrize("name", PROGRAMS)
def test_maps_over_a_further_axis(name, plain):
    x = torch.from_numpy(draw(3, 9, 10))
    mapped = torch.vmap(lambda x: leaves(PROGRAMS[name](plain, x)))(x)
    for k in range(3):
        agree([band[k] for band in mapped], [band.numpy() for band in leaves(PROGRAMS[name](plain, x[k]))])


def test_maps_over_learnable_filters():
    """A batch of banks, one signal: every bank as PyWavelets has it."""
    x = draw(12)
    banks = [torch.tensor([pywt.Wavelet(name).filter_bank[k] for name in ("db3", "sym3", "coif1")]) for k in range(4)]
    low, high = torch.vmap(lambda *four: dwt(torch.from_numpy(x), four))(*(bank.double() for bank in banks))
    for k, name in enumerate(("db3", "sym3", "coif1")):
        agree((low[k], high[k]), pywt.dwt(x, name), tolerance=1e-6)  # the tensors of filters are single precision


def test_autocast_does_not_lower_the_precision():
    x = torch.from_numpy(draw(3, 32, 32, dtype=np.float32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = wavedec2(x, "db2", level=2)
        back = waverec2(got, "db2")
    assert back.dtype == torch.float32 and all(band.dtype == torch.float32 for band in leaves(got))
    agree(leaves(got), leaves(pywt.wavedec2(x.double().numpy(), "db2", level=2)), tolerance=3e-6)
    agree(back, x.numpy(), tolerance=3e-6)


# JAX.


@pytest.fixture
def jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


@pytest.mark.parametrize("mode", ["periodization", "antireflect"])
def test_jax_gives_pywts_numbers(mode, jax):
    x = draw(5, 11)
    want = pywt.wavedec(x, "db2", mode, 1)
    got = wavedec(jax.numpy.asarray(x), "db2", mode, 1)
    assert all(isinstance(band, jax.Array) for band in got)
    agree(got, want)
    agree(jax.jit(lambda *bands: waverec(bands, "db2", mode))(*got), pywt.waverec(want, "db2", mode))


def test_jax_compiles_maps_and_differentiates(jax):
    x = draw(4, 9, 10)

    def energy(x):
        return sum((band**3).sum() for band in leaves(wavedec2(x, ("db2", "bior2.2"), ("symmetric", "per"), level=1)))

    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    agree(jax.jit(jax.grad(energy))(x), u.grad.numpy())
    mapped = jax.jit(jax.vmap(lambda x: waverecn(wavedecn(x, "haar", level=1), "haar")))(x)
    agree(mapped[:, :9], x)


def test_jax_differentiates_with_respect_to_filters(jax):
    x, taps = draw(12), filters("db3")

    def energy(low, high, x):
        return sum((band**2).sum() for band in wavedec(x, (low, high, low, high), level=1))

    energy(taps[0], taps[1], torch.from_numpy(x)).backward()
    low, high = jax.jit(jax.grad(energy, argnums=(0, 1)))(*(each.detach().numpy() for each in taps[:2]), x)
    agree((low, high), (taps[0].grad.numpy(), taps[1].grad.numpy()))


def test_jax_keeps_types_and_refuses_integers(jax):
    for dtype in ("bfloat16", "complex64"):
        assert all(band.dtype == dtype for band in dwt(jax.numpy.ones(8, dtype), "haar"))
    with pytest.raises(RangeError, match=r"got data of type int64, expected floats: convert with data\.astype"):
        dwt(jax.numpy.arange(8), "db2")
