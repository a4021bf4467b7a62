"""The short-time transform against torch and SciPy, its inverse, and its windows."""

import math
import warnings

import numpy as np
import pytest
import scipy.signal
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra import GaussianWindow, half_plane_weights, istft, stft

DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]
FRAMES = [(16, 4), (16, 5), (15, 4), (9, 1), (2, 1), (1, 1), (32, 8)]


def draw(length, *, batch=(3,), dtype=torch.float64, seed=0):
    return torch.randn(*batch, length, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def torchs(x, *, frame, hop, window="hann", **options):
    weights = scipy.signal.get_window({"rectangular": "boxcar"}.get(window, window), frame)
    return torch.stft(
        x, frame, hop, window=torch.as_tensor(weights, dtype=x.real.dtype), normalized=True, return_complex=True,
        onesided=not x.is_complex(), **options,
    )  # fmt: skip


@pytest.fixture
def plain(unchecked):
    return unchecked("undula.spectra.stft")


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("frame", "hop"), FRAMES)
def test_stft_is_torchs(frame, hop, dtype, centered, close):
    x = draw(61, dtype=dtype)
    got = stft(x, window="hann", frame=frame, hop=hop, centered=centered)
    assert got.shape[-1] == 1 + (61 - frame % 2 if centered else 61 - frame) // hop
    close(got, torchs(x, frame=frame, hop=hop, center=centered))


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett", "rectangular"])
def test_names_are_scipys_periodic_windows(name, close):
    x = draw(61)
    close(stft(x, window=name, frame=12, hop=3), torchs(x, frame=12, hop=3, window=name))
    close(stft(x, window=name, frame=13, hop=3), torchs(x, frame=13, hop=3, window=name))


def test_padding_with_zeros_is_torchs(close):
    x = draw(7)  # shorter than the frame
    got = stft(x, window="hann", frame=16, hop=4, padding="constant")
    close(got, torchs(x, frame=16, hop=4, pad_mode="constant"))


def test_stft_is_scipys(close):
    """Both of SciPy's: ShortTimeFFT with the phase of torch, and the old function, which divides by Σ w."""
    x, weights = draw(100, batch=()), scipy.signal.get_window("hann", 16)
    got = stft(x, window="hann", frame=16, hop=5, padding="constant")
    transform = scipy.signal.ShortTimeFFT(weights, 5, fs=1.0, phase_shift=None)
    close(got, transform.stft(x.numpy(), p0=0, p1=21, padding="zeros") / 4)
    _, _, old = scipy.signal.stft(x.numpy(), nperseg=16, noverlap=11, padded=False)
    close(got, old * weights.sum() / 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("frame", "hop"), FRAMES)
@pytest.mark.parametrize("length", [40, 61, 64])
def test_inverse_returns_the_signal(length, frame, hop, dtype, close):
    window = torch.hann_window(frame, periodic=True, dtype=torch.float64) + 0.01  # covers the last samples well
    x = draw(length, batch=(2, 1), dtype=dtype)
    there = stft(x, window=window, hop=hop)
    back = istft(there, window=window, hop=hop, real=not dtype.is_complex, length=length)
    assert back.dtype == dtype
    close(back, x, times=10)


@pytest.mark.parametrize("complex_signal", [False, True])
@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("length", [None, 50])
def test_inverse_of_changed_coefficients_is_torchs(length, centered, complex_signal, close):
    """What no signal has: torch.istft projects in the same way."""
    window = torch.hamming_window(16, dtype=torch.float64)
    changed = torch.randn(3, 16 if complex_signal else 9, 14, dtype=torch.complex128)
    want = torch.istft(
        changed, 16, 4, window=window, normalized=True, center=centered, length=length, onesided=not complex_signal,
        return_complex=complex_signal,
    )  # fmt: skip
    got = istft(changed, window=window, hop=4, real=not complex_signal, centered=centered, length=length)
    close(got, want, times=3)


def test_inverse_is_the_nearest_signal(close):
    """The least-squares solution of a dense system."""
    window = torch.hamming_window(8, dtype=torch.float64)
    options = {"window": window, "hop": 3, "real": False, "length": 12, "centered": False}
    columns = stft(torch.eye(14, dtype=torch.complex128), window=window, hop=3, centered=False).reshape(14, -1)
    changed = torch.randn(8, 3, dtype=torch.complex128)
    want = np.linalg.lstsq(columns.T.numpy(), changed.reshape(-1).numpy())[0]
    close(istft(changed, **{**options, "length": 14}), want, times=10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_energy_is_that_of_the_envelope(dtype, close):
    """Unitary where the squares of the window overlap to one, as a Hann window's do, scaled as documented."""
    frame, hop = 16, 4
    x = torch.zeros(3, 96, dtype=dtype)
    x[:, 16:-16] = draw(64, dtype=dtype)
    window = torch.hann_window(frame, dtype=torch.float64) * math.sqrt(8 / 3 * hop / frame)
    power = stft(x, window=window, hop=hop, centered=False).abs().square()
    weights = half_plane_weights((frame,), real=not dtype.is_complex, like=x)
    close((power * weights[:, None]).sum((1, 2)), x.abs().square().sum(1), times=3)


def test_the_last_sample_under_the_tail_of_a_window():
    """The numbers that the docstring of istft promises, in float32."""
    x = draw(1023, batch=(200,), dtype=torch.float32)
    worst = [
        (istft(stft(x, window="hann", frame=512, hop=hop), window="hann", frame=512, hop=hop, length=1023) - x).abs()
        for hop in (256, 128)
    ]
    assert 2e-4 < worst[0][:, -1].max() < 4e-3 and worst[1].max() < 2e-6


def test_batches_of_any_shape(close):
    x = draw(61, batch=(2, 3))
    got = stft(x, window="hann", frame=16, hop=4)
    assert got.shape == (2, 3, 9, 16)
    close(got[1, 2], stft(x[1, 2], window="hann", frame=16, hop=4))
    close(istft(got, window="hann", frame=16, hop=4)[1, 2], x[1, 2, :60], times=3)
    turned = draw(4, batch=(61,)).T
    close(stft(turned, window="hann", frame=16, hop=4), stft(turned.contiguous(), window="hann", frame=16, hop=4))


@pytest.mark.parametrize("length", [1, 2, 15, 16])
@pytest.mark.parametrize("width", [0.01, 0.7, 3.0, 1e4])
def test_gaussian_window_is_scipys_with_unit_energy(length, width, close):
    window = GaussianWindow(length, width=width).double()
    with torch.no_grad():
        window.log_width.copy_(torch.tensor(math.log(width), dtype=torch.float64))
    assert float(window.width.detach()) == pytest.approx(width)
    want = scipy.signal.windows.gaussian(length, width, sym=False)
    if not want.any():  # all underflow: the two samples nearest to the center share the energy
        want = np.zeros(length)
        want[[(length - 1) // 2, (length + 1) // 2]] = 1
    close(window(), want / np.linalg.norm(want), times=10)


def test_gaussian_window_in_float32_serves_signals_of_float64():
    window = GaussianWindow(16, width=3.0)
    x = draw(61)
    there = stft(x, window=window, hop=4)
    assert there.dtype == torch.complex128
    assert torch.allclose(istft(there, window=window, hop=4), x[:, :60])


def test_the_width_that_made_a_spectrogram_is_learned_back():
    """From half of the width and twice of it, by gradients of the power alone, to one percent."""
    x = draw(200, dtype=torch.float32)
    with torch.no_grad():
        target = stft(x, window=GaussianWindow(64, width=8.0), hop=8).abs().square()
    for start in (4.0, 16.0):
        window = GaussianWindow(64, width=start)
        optimizer = torch.optim.LBFGS(window.parameters(), line_search_fn="strong_wolfe")

        def loss(window=window, optimizer=optimizer):
            optimizer.zero_grad()
            value = (stft(x, window=window, hop=8).abs().square() - target).square().mean()
            value.backward()
            return value

        optimizer.step(loss)
        assert float(window.width.detach()) == pytest.approx(8, rel=0.01)


def test_errors_of_signals_and_windows(plain):
    x = draw(61)
    with pytest.raises(RangeError, match=r"got values of type torch.int64, .* take x.float\(\)"):
        plain.stft(torch.ones(61, dtype=torch.int64), window="hann", frame=16, hop=4)
    with pytest.raises(RangeError, match=r"got hop=0, expected at least 1"):
        plain.stft(x, window="hann", frame=16, hop=0)
    with pytest.raises(OptionError, match=r"got window='han', expected one of hann, hamming"):
        plain.stft(x, window="han", frame=16, hop=4)
    with pytest.raises(OptionError, match=r"got window='hann' with frame=None, .* say frame=256"):
        plain.stft(x, window="hann", hop=4)
    with pytest.raises(OptionError, match=r"got padding='wrap', expected one of reflect, constant"):
        plain.stft(x, window="hann", frame=16, hop=4, padding="wrap")
    with pytest.raises(ShapeError, match=r"got a window of 16 samples and frame=15"):
        plain.stft(x, window=torch.ones(16), frame=15, hop=4)
    with pytest.raises(ShapeError, match=r"got a window of shape \(2, 8\) and type torch.float32"):
        plain.stft(x, window=torch.ones(2, 8), hop=4)
    with pytest.raises(ShapeError, match=r"got shape \(3, 61\), expected at least 65 .* or padding='constant'"):
        plain.stft(x, window="hann", frame=128, hop=4)
    with pytest.raises(ShapeError, match=r"got shape \(3, 61\), expected at least 64 .* or centered=True"):
        plain.stft(x, window="hann", frame=64, hop=4, centered=False)
    for wrong in ({"length": 0, "width": 1.0}, {"length": 8, "width": 0.0}, {"length": 8, "width": math.inf}):
        with pytest.raises(RangeError, match=f"got length={wrong['length']} and width={wrong['width']}, expected"):
            plain.GaussianWindow(**wrong)


def test_errors_of_the_inverse(plain):
    there = plain.stft(draw(61), window="hann", frame=16, hop=4)
    with pytest.raises(ShapeError, match=r"got coefficients of shape \(3, 9, 16\), expected \(…, 16, frames\)"):
        plain.istft(there, window="hann", frame=16, hop=4, real=False)
    with pytest.raises(ShapeError, match=r"expected \(…, 9, frames\) of a real signal and a window of 16 samples"):
        plain.istft(there[..., :0], window="hann", frame=16, hop=4)
    with pytest.raises(ShapeError, match=r"got length=69, expected 1…68, what the frames cover"):
        plain.istft(there, window="hann", frame=16, hop=4, length=69)
    with pytest.raises(ShapeError, match=r"got length=0, expected 1…68"):
        plain.istft(there, window="hann", frame=16, hop=4, length=0)


def test_windows_that_leave_samples_uncovered(plain):
    """As scipy.signal.check_NOLA says."""
    x = draw(64)
    for window, hop in ((torch.hann_window(16), 16), (GaussianWindow(64, width=0.8), 32), (torch.zeros(8), 2)):
        weights = window().detach() if isinstance(window, GaussianWindow) else window
        assert not scipy.signal.check_NOLA(weights.numpy(), len(weights), len(weights) - hop)
        there = plain.stft(x, window=window, hop=hop)
        with pytest.raises(RangeError, match=r"got a window of \d+ samples with hop=\d+, which gives sample \d+"):
            plain.istft(there, window=window, hop=hop)
    there = plain.stft(x, window="hann", frame=16, hop=4, centered=False)
    with pytest.raises(RangeError, match=r"gives sample 0 the weight 0.0e\+00, .* or centered=True in both"):
        plain.istft(there, window="hann", frame=16, hop=4, centered=False)


def coefficients(m, x):
    return m.stft(x, window="hamming", frame=8, hop=3)


OPERATIONS = {
    "stft": lambda m, x, w: torch.view_as_real(coefficients(m, x)),
    "stft of a complex signal": lambda m, x, w: torch.view_as_real(coefficients(m, torch.complex(x, x.flip(-1)))),
    "istft": lambda m, x, w: m.istft(
        coefficients(m, x) * (1 + coefficients(m, x.flip(-1))), window="hamming", frame=8, hop=3
    ),
    "a learned width": lambda m, x, w: torch.view_as_real(m.stft(x, window=window_of(w), hop=3, padding="constant")),
    "a learned width back": lambda m, x, w: m.istft(coefficients(m, x), window=window_of(w), hop=3, length=20),
}


def window_of(log_width):
    """GaussianWindow.forward for a given parameter."""
    module = GaussianWindow(8, width=1.0)
    return torch.func.functional_call(module, {"log_width": log_width}, ())


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_of_data_and_width(name, plain):
    x, w = draw(20, batch=(2,)).requires_grad_(), torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    function = lambda a, b: OPERATIONS[name](plain, a, b) + 0 * b  # noqa: E731
    assert torch.autograd.gradcheck(function, (x, w))
    assert torch.autograd.gradgradcheck(function, (x, w), fast_mode=True)


@pytest.mark.parametrize("name", ["stft", "stft of a complex signal", "istft"])
def test_compiles_in_one_graph(name, plain, close):
    x, w = draw(20), torch.tensor(0.7)
    compiled = torch.compile(lambda a: OPERATIONS[name](plain, a, w), fullgraph=True, backend="aot_eager")
    close(compiled(x), OPERATIONS[name](plain, x, w))
    torch._dynamo.reset()


def test_a_training_step_compiles_in_one_graph(plain, close):
    window, x = plain.GaussianWindow(8, width=1.5).double(), draw(20)

    def loss(a):
        there = plain.stft(a, window=window, hop=3)
        return plain.istft(there * there.abs(), window=window, hop=3, length=20).square().sum()

    want = torch.autograd.grad(loss(x), window.log_width)[0]
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    close(torch.autograd.grad(compiled(x), window.log_width)[0], want, times=10)
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["stft", "stft of a complex signal", "istft"])
def test_maps_over_a_further_axis(name, plain, close):
    x, w = draw(20, batch=(2, 3)), torch.tensor(0.7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch.stft itself would warn of a loop here
        mapped = torch.vmap(lambda a: OPERATIONS[name](plain, a, w))(x)
    close(mapped, torch.stack([OPERATIONS[name](plain, a, w) for a in x]))


def test_maps_over_windows(plain, close):
    x, windows = draw(20), torch.rand(4, 8, dtype=torch.float64)
    mapped = torch.vmap(lambda w: plain.stft(x, window=w, hop=3))(windows)
    close(mapped, torch.stack([plain.stft(x, window=w, hop=3) for w in windows]))
