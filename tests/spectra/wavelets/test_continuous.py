"""cwt against PyWavelets in PyTorch, NumPy and JAX; icwt against the signal, a dense solver and Torrence's sum."""

import warnings
from functools import partial

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import continuous
from undula.spectra.wavelets.continuous import cwt, icwt

WAVELETS = [
    *(name for name in pywt.wavelist(kind="continuous") if name[:4] not in ("cmor", "shan", "fbsp")),
    "cmor1.5-1.0",
    "cmor0.5-2",
    "shan1.5-1.0",
    "fbsp2-1.0-1.5",
]
FEW = ["morl", "mexh", "cgau3", "cmor1.5-1.0"]
SCALES = [0.7, 1, 2.5, 8, 31.3, 200]


def draw(*shape, seed=0, dtype=np.float64):
    chance = np.random.default_rng(seed)
    real = chance.standard_normal(shape)
    drawn = real + 1j * chance.standard_normal(shape) if np.dtype(dtype).kind == "c" else real
    return drawn.astype(dtype)


def agree(got, want, *, tolerance=1e-12):
    """Same shape and framework-free numbers, relative to the largest one expected."""
    assert tuple(got.shape) == tuple(want.shape)
    assert np.abs(np.asarray(got) - np.asarray(want)).max() <= tolerance * np.abs(np.asarray(want)).max()


def chirp(n, start=0.01, stop=0.2):
    t = np.arange(float(n))
    return np.cos(2 * np.pi * (start * t + (stop - start) * t**2 / 2 / n))


def spread(wavelet, lowest=0.004, highest=0.45, count=64):
    """Scales of so many frequencies, in equal ratios."""
    center = pywt.central_frequency(wavelet, 12)
    return np.geomspace(center / highest, center / lowest, count)


def error(got, want):
    """Of the middle half, and of all."""
    quarter = len(want) // 4
    middle = slice(quarter, -quarter)
    return [float(np.linalg.norm((got - want)[part]) / np.linalg.norm(want[part])) for part in (middle, slice(None))]


# Numbers


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("wavelet", WAVELETS)
def test_cwt_is_pywts(wavelet, dtype):
    for n in (1, 2, 17, 100):
        x = draw(2, n, dtype=dtype)
        want, frequencies = pywt.cwt(x, SCALES, wavelet, sampling_period=0.1)
        got = cwt(x, SCALES, wavelet, sampling_period=0.1)
        agree(got[0], want)
        assert got[0].dtype == want.dtype and np.array_equal(got[1], frequencies)


@pytest.mark.parametrize("wavelet", FEW)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_tensors_give_pywts_numbers(wavelet, dtype):
    x = torch.from_numpy(draw(3, 50)).to(dtype)
    want, frequencies = pywt.cwt(x.numpy(), SCALES, wavelet)
    coefs, mine = cwt(x, SCALES, wavelet)
    agree(coefs, want)
    agree(mine, frequencies)
    assert mine.dtype == torch.float64 and coefs.dtype == torch.from_numpy(want).dtype


@pytest.mark.parametrize("method", ["conv", "fft"])
@pytest.mark.parametrize("axis", [0, 1, -1, -2, 2])
def test_axes_and_methods(axis, method):
    x = draw(4, 21, 5)
    agree(cwt(x, [1, 3], "cgau2", 1, method, axis)[0], pywt.cwt(x, [1, 3], "cgau2", 1, method, axis)[0])


@pytest.mark.parametrize("precision", [4, 8, 14])
@pytest.mark.parametrize("wavelet", ["gaus2", "cmor1.5-1.0"])
def test_precision_is_pywts(wavelet, precision):
    want, frequencies = pywt.cwt(draw(64), SCALES, wavelet, precision=precision)
    got, mine = cwt(draw(64), SCALES, wavelet, precision=precision)
    agree(got, want)
    assert np.array_equal(mine, frequencies)


@pytest.mark.parametrize(
    "scales",
    [3, 2.5, range(1, 5), np.arange(1, 4), torch.tensor([1.5, 2.0], dtype=torch.float64), (np.float32(2), 3)],
    ids=str,
)
def test_scales_of_any_kind(scales):
    agree(cwt(draw(40), scales, "mexh")[0], pywt.cwt(draw(40), np.atleast_1d(scales), "mexh")[0])


def test_pywts_published_examples():
    x = np.exp(np.linspace(0, 2, 512))
    y, scales = np.cos(2 * np.pi * x), np.logspace(np.log10(1), np.log10(128), 128)
    agree(cwt(y, scales, "gaus1")[0], pywt.cwt(y, scales, "gaus1")[0])
    t = np.linspace(-1, 1, 200, endpoint=False)
    wave = np.cos(2 * np.pi * 7 * t) + np.real(np.exp(-7 * (t - 0.4) ** 2) * np.exp(1j * 2 * np.pi * 2 * (t - 0.4)))
    widths = np.arange(1, 31)
    agree(cwt(wave, widths, "mexh")[0], pywt.cwt(wave, widths, "mexh")[0])


def test_lists_capitals_and_objects_are_read():
    want = pywt.cwt([1, 2, 3, 4], [1, 2], "morl")[0]
    agree(cwt([1, 2, 3, 4], [1, 2], "MORL")[0], want)
    wavelet = pywt.ContinuousWavelet("morl")
    agree(cwt([1, 2, 3, 4], [1, 2], wavelet)[0], want)
    wavelet.upper_bound, wavelet.lower_bound = 4, -4
    agree(cwt([1, 2, 3, 4], [1, 2], wavelet)[0], pywt.cwt([1, 2, 3, 4], [1, 2], wavelet)[0])
    with pytest.warns(FutureWarning, match="deprecated"):
        continuous._kept_table.cache_clear()
        cwt([1.0, 2.0], 1, "cmor")


@pytest.mark.parametrize("wavelet", ["haar", "db4", pywt.Wavelet("sym5")], ids=str)
def test_orthogonal_wavelets_by_pywts_formula(wavelet):
    """pywt 1.8 reads these names, then fails for want of an attribute; its formula is written out here."""
    x = draw(50)
    integral, grid = pywt.integrate_wavelet(wavelet, 12)
    for scale in (1.5, 4.0):
        places = (np.arange(scale * (grid[-1] - grid[0]) + 1) / (scale * (grid[1] - grid[0]))).astype(int)
        full = -np.sqrt(scale) * np.diff(np.convolve(x, integral[places[places < len(integral)]][::-1]))
        excess = len(full) - len(x)
        agree(cwt(x, scale, wavelet)[0][0], full[excess // 2 : len(full) - (excess + 1) // 2])


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
@pytest.mark.parametrize("wavelet", FEW)
def test_single_precision(wavelet, dtype, close):
    x = draw(3, 70, dtype=dtype)
    want, frequencies = pywt.cwt(x, SCALES, wavelet)
    coefs, mine = cwt(x, SCALES, wavelet)
    assert coefs.dtype == want.dtype and np.array_equal(mine, frequencies)
    # PyWavelets takes differences of its convolutions in single precision: up to 5e-5 of the largest coefficient are lost.
    agree(coefs, want, tolerance=1e-4)
    tensor, cycles = cwt(torch.from_numpy(x), SCALES, wavelet)
    close(tensor, coefs)
    assert cycles.dtype == torch.float32


def test_half_precision_is_calculated_in_single():
    for dtype in (torch.float16, torch.bfloat16):
        x = torch.from_numpy(draw(40)).to(dtype)
        coefs, frequencies = cwt(x, [1, 4], "mexh")
        assert coefs.dtype == dtype and frequencies.dtype == torch.float32
        assert torch.equal(coefs, cwt(x.float(), [1, 4], "mexh")[0].to(dtype))
        assert cwt(x, 2, "cgau1")[0].dtype == torch.complex64
        assert icwt(coefs, [1, 4], "mexh").dtype == dtype
    assert cwt(draw(9, dtype=np.float16), 2, "mexh")[0].dtype == np.float16
    assert cwt(draw(9, dtype=np.longdouble), 2, "mexh")[0].dtype == np.longdouble


@pytest.mark.parametrize("room", [1, 3000, 2**18])
def test_chunks_change_no_number(room, monkeypatch):
    x = draw(2, 60)
    want, again = cwt(x, SCALES, "morl")[0], icwt(draw(6, 2, 60), SCALES, "morl")
    monkeypatch.setattr(continuous, "_CPU_CHUNK", room)
    agree(cwt(x, SCALES, "morl")[0], want)
    agree(icwt(draw(6, 2, 60), SCALES, "morl"), again)


def test_no_signals_give_no_coefficients():
    assert cwt(np.zeros((0, 8)), [1, 2], "morl")[0].shape == (2, 0, 8)


# Errors


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: cwt([1.0], 0, "morl"), RangeError, "got scales from 0 to 0, expected finite numbers above 0"),
        (lambda: cwt([1.0], [2, -1], "morl"), RangeError, "got scales from -1 to 2"),
        (lambda: cwt([1.0], [float("nan")], "morl"), RangeError, "expected finite numbers above 0"),
        (lambda: cwt([1.0], 0.01, "morl"), RangeError, "got scale 0.01, too small for this wavelet: expected 0.0625 or more"),
        (lambda: cwt([1.0], [], "morl"), ShapeError, r"got scales of shape \(0,\), expected a number or one axis"),
        (lambda: cwt([1.0], [[1, 2]], "morl"), ShapeError, r"got scales of shape \(1, 2\)"),
        (lambda: cwt([1.0], np.ones((2, 2)), "morl"), ShapeError, r"got scales of shape \(2, 2\)"),
        (lambda: cwt([1.0], 1, "morlet"), OptionError, "got wavelet 'morlet', expected a continuous one: did you mean morl"),
        (lambda: cwt([1.0], 1, "gaus9"), OptionError, "did you mean gaus8"),
        (lambda: cwt([1.0], 1, "db39"), OptionError, "did you mean db"),
        (lambda: cwt([1.0], 1, "bior2.2"), OptionError, "got the biorthogonal wavelet 'bior2.2', expected morl"),
        (lambda: cwt([1.0], 1, 3), OptionError, "got a wavelet of type int, expected a name"),
        (lambda: cwt([1.0], 1, "morl", 1.0, "auto"), OptionError, "got method='auto', expected 'conv' or 'fft'"),
        (lambda: cwt(np.zeros((3, 0)), 1, "morl"), ShapeError, "expected at least one sample along axis -1"),
        (lambda: cwt(1.0, 1, "morl"), ShapeError, "got axes -1 for an array of shape"),
        (lambda: cwt(np.zeros(3), 1, "morl", axis=1), ShapeError, "expected axes from -1 to 0"),
        (lambda: cwt(torch.arange(3), 1, "morl"), RangeError, "expected floats"),
        (lambda: icwt(np.zeros((3, 8)), [1, 2], "morl"), ShapeError, r"got coefficients of shape \(3, 8\), expected \(2 sc"),
        (lambda: icwt(np.zeros(2), [1, 2], "morl"), ShapeError, r"got coefficients of shape \(2,\)"),
        (lambda: icwt(np.zeros((2, 8)), [1, 2], "morl", axis=1), ShapeError, "expected axes from -1 to 0"),
        (lambda: icwt(np.zeros((2, 8)), [1, 2], "morlet"), OptionError, "did you mean morl"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(call, kind, text, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # its check of Literal comes first
    with pytest.raises(kind, match=text):
        call()


def test_values_that_are_not_finite_stay_in_their_signal():
    x = draw(2, 32)
    x[0, 3] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        coefs = cwt(x, [1, 2], "mexh")[0]
    assert np.isnan(coefs[:, 0]).all() and np.isfinite(coefs[:, 1]).all()


# The inverse


@pytest.mark.parametrize("wavelet", ["morl", "mexh", "cmor1.5-1.0"])
def test_icwt_finds_the_chirp_better_than_torrences_sum(wavelet):
    x, scales = chirp(2048), spread(wavelet)
    coefs = cwt(x, scales, wavelet)[0]
    found = icwt(coefs, scales, wavelet)
    assert found.dtype == np.float64
    middle, everywhere = error(found, x)
    assert middle < 0.0065 and everywhere < 0.06
    total = (coefs.real / np.sqrt(scales)[:, None]).sum(axis=0)
    inside = slice(512, -512)
    best = total * (total[inside] @ x[inside]) / (total[inside] @ total[inside])
    assert middle < error(best, x)[0] / 5
    assert error(icwt(coefs, scales, wavelet, iterations=40), x)[1] < 6e-5


@pytest.mark.parametrize("wavelet", ["mexh", "cgau2"])
def test_iterations_solve_the_least_squares_problem(wavelet):
    """Oracle: a dense solver, for coefficients that belong to no signal."""
    n, scales = 24, np.array([1.0, 1.7, 2.9, 5.0])
    coefs = draw(4, n, dtype=np.complex128 if wavelet == "cgau2" else np.float64)
    matrix = np.moveaxis(cwt(np.eye(n), scales, wavelet)[0], 1, 2) * scales[:, None, None] ** -0.75
    right = coefs * scales[:, None] ** -0.75
    parts = [(matrix.real, right.real), (matrix.imag, right.imag)] if wavelet == "cgau2" else [(matrix, right)]
    rows, values = (np.concatenate([each[k].reshape(4 * n, *each[k].shape[2:]) for each in parts]) for k in (0, 1))
    want = np.linalg.lstsq(rows, values, rcond=None)[0]
    agree(icwt(coefs, scales, wavelet, iterations=60), want, tolerance=1e-10)


def test_icwt_of_complex_signals():
    t = np.arange(512.0)
    x, scales = np.exp(2j * np.pi * 0.07 * t), spread("mexh", lowest=0.01)
    assert error(icwt(cwt(x, scales, "mexh")[0], scales, "mexh"), x)[0] < 0.01
    scales = spread("cmor1.5-1.0", lowest=0.01)
    coefs = cwt(x.conj() + x, scales, "cmor1.5-1.0")[0]
    assert error(icwt(coefs, scales, "cmor1.5-1.0"), 2 * x.real)[0] < 0.01
    # An analytic wavelet does not see negative frequencies; ψ is conjugated, so that positive ones give coefficients.
    assert error(icwt(coefs, scales, "cmor1.5-1.0", real=False), x)[0] < 0.01


def test_icwt_sets_the_mean_aside():
    x, scales = chirp(1024)[None] * [[1.0], [2.0]] + [[5.0], [-3.0]], spread("mexh")
    coefs = cwt(x, scales, "mexh")[0]
    found = icwt(coefs, scales, "mexh", mean=np.array([[5.0], [-3.0]]))
    lost = icwt(coefs, scales, "mexh")
    for mine, theirs, mean in zip(found, x, (5.0, -3.0), strict=True):
        assert error(mine - mean, theirs - mean)[0] < 0.01
    assert error(lost[0], x[0])[0] > 0.5
    one = icwt(cwt(x[0], scales, "cgau2")[0], scales, "cgau2", mean=5.0)
    assert one.dtype == np.float64 and error(one - 5, x[0] - 5)[0] < 0.02


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_icwt_counts_axes_as_cwt(axis):
    x, scales = np.stack([chirp(300), 2 * chirp(300)]), spread("gaus2")
    x = x.T if axis in (0, -2) else x
    found = icwt(cwt(x, scales, "gaus2", axis=axis)[0], scales, "gaus2", axis=axis)
    alone = icwt(cwt(chirp(300), scales, "gaus2")[0], scales, "gaus2")
    agree(np.moveaxis(found, axis, -1), np.stack([alone, 2 * alone]))


def test_signals_that_are_solved_stay_finite():
    found = icwt(np.zeros((2, 3, 16)), [1, 2], "mexh", iterations=3)
    assert not found.any()
    x = torch.zeros(2, 16, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(icwt(x, [1, 2], "mexh", iterations=2).sum(), x)
    assert slope.isfinite().all()


# Derivatives, compilers, other frameworks

PROGRAMS = {
    "cwt": lambda w, x: w.cwt(x, [1, 2.5, 7], "morl"),
    "cwt complex": lambda w, x: w.cwt(x, [1, 2.5, 7], "cmor1.5-1.0", axis=0),
    "cwt twice": lambda w, x: w.cwt(w.cwt(x, [1, 2], "mexh")[0], [3.0], "db4"),
    "icwt": lambda w, x: (w.icwt(w.cwt(x, [1, 2, 4], "mexh")[0], [1, 2, 4], "mexh", mean=0.5),),
    "icwt complex": lambda w, x: (w.icwt(w.cwt(x, [1, 2, 4], "cgau1")[0], [1, 2, 4], "cgau1", iterations=1),),
}


@pytest.mark.parametrize("name", ["cwt twice", "icwt complex"])
def test_compiles_in_one_graph(name, plain):
    def run(x):
        return PROGRAMS[name](plain, x)

    x = torch.from_numpy(draw(10, 12)).requires_grad_()
    want, got = run(x), torch.compile(run, fullgraph=True, backend="aot_eager")(x)
    for mine, theirs in zip(got, want, strict=True):
        agree(mine.detach(), theirs.detach())
    slopes = [torch.autograd.grad(made[0].abs().square().sum(), x)[0] for made in (got, want)]
    agree(*slopes)
    torch._dynamo.reset()


def test_compiles_again_for_other_lengths_and_scales(plain):
    compiled = torch.compile(lambda x, scales: plain.cwt(x, scales, "mexh"), fullgraph=True, backend="aot_eager")
    for n, scales in ((30, [1.0, 2.0]), (31, [1.0, 2.0]), (31, [1.0, 3.5])):
        x = torch.from_numpy(draw(n))
        agree(compiled(x, scales)[0], pywt.cwt(x.numpy(), scales, "mexh")[0])
    torch._dynamo.reset()


@pytest.mark.parametrize("name", PROGRAMS)
def test_maps_over_a_further_axis(name):
    x = torch.from_numpy(draw(3, 10, 12))
    mapped = torch.vmap(lambda x: PROGRAMS[name](continuous, x)[0])(x)
    for k in range(3):
        agree(mapped[k], PROGRAMS[name](continuous, x[k])[0])


@pytest.mark.parametrize("name", PROGRAMS)
def test_first_and_second_derivatives(name):
    def run(x):
        return PROGRAMS[name](continuous, x)[0]

    x = torch.from_numpy(draw(1, 8)).requires_grad_()
    assert torch.autograd.gradcheck(run, x)
    assert torch.autograd.gradgradcheck(run, x)


@pytest.mark.parametrize("wavelet", FEW)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_adjoint_identity(wavelet, dtype):
    """⟨Au, v⟩ = ⟨u, Aᴴv⟩, the adjoint being the derivative backwards."""
    u = torch.from_numpy(draw(2, 40)).to(dtype)
    image, backwards = torch.func.vjp(lambda u: cwt(u, SCALES, wavelet)[0], u)
    v = torch.from_numpy(draw(*image.shape, seed=1, dtype=np.dtype(str(image.dtype).split(".")[1])))
    left, right = (image.conj() * v).real.sum(), (u.conj() * backwards(v)[0]).real.sum()
    assert (left - right).abs() < 1e-12 * left.abs()


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


@pytest.mark.parametrize("wavelet", ["mexh", "cmor1.5-1.0"])
def test_jax_gives_pywts_numbers(wavelet, jax):
    x = draw(2, 50)
    want, frequencies = pywt.cwt(x, [1, 2.5, 60], wavelet)
    coefs, mine = jax.jit(lambda x: cwt(x, [1, 2.5, 60], wavelet))(x)
    assert isinstance(coefs, jax.Array) and coefs.dtype == want.dtype
    agree(coefs, want)
    agree(mine, frequencies)


def test_jax_keeps_types(jax):
    for wavelet, dtype, kind in (("mexh", "bfloat16", "bfloat16"), ("cgau1", "float32", "complex64")):
        coefs, frequencies = jax.eval_shape(partial(cwt, scales=2, wavelet=wavelet), jax.numpy.ones(8, dtype=dtype))
        assert coefs.dtype == kind and frequencies.dtype == "float32"


@pytest.mark.parametrize("name", ["cwt complex", "icwt complex"])
def test_jax_differentiates_as_torch(name, jax):
    def energy(x):
        return (abs(PROGRAMS[name](continuous, x)[0]) ** 2).sum()

    x = draw(2, 8, 12)
    u = torch.from_numpy(x).requires_grad_()
    sum(energy(each) for each in u).backward()
    agree(jax.jit(jax.vmap(jax.grad(energy)))(x), u.grad, tolerance=1e-10)
