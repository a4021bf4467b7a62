"""The compiled kernel against its formulas in NumPy and against PyWavelets, and its building."""

import copy
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import pywt
import torch
from numpy.lib.stride_tricks import sliding_window_view

from undula import wavelets
from undula.errors import OptionError, ShapeError
from undula.spectra.wavelets.native import Axis, available, building, calls, down, down2, up, up2, why_unavailable

needs_kernel = pytest.mark.skipif(not available(), reason=f"no kernel: {why_unavailable()}")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no cc on the path")

TAPS = [2, 4, 6, 8, 10, 12, 16, 62]
LENGTHS = [*range(1, 21), 33, 64]
SHAPES = [(1, 1), (2, 1), (3, 3), (1, 3), (4, 1), (8, 3)]  # numbers per sample, signals
DTYPES = [torch.float32, torch.float64]


def draw_sums(n, places, chance):
    """Up to three terms for every place; some weights are exactly one, as those of most boundary modes are."""
    counts = chance.integers(0, 4, places)
    return tuple(
        tuple((int(chance.integers(n)), 1.0 if chance.random() < 0.4 else float(chance.normal())) for _ in range(count))
        for count in counts
    )


def draw_axis(n, taps, chance, *, kind="any", up=False):
    """Random filters and margins: of `any` sums, of `single` terms, or no margins where the filters fit without."""
    low, high = (tuple((chance.normal(size=taps) / taps).tolist()) for _ in range(2))
    left = 0 if kind == "none" else int(chance.integers(0, taps))
    right = 0 if kind == "none" else int(chance.integers(0, taps))
    right += max(0, (taps // 2 if up else taps) - (left + n + right))
    right += 0 if up else (left + n + right) % 2
    sums = draw_sums(n, left + right, chance)
    if kind == "single":
        sums = tuple(((int(chance.integers(n)), float(chance.choice([-1.0, 0.5, 1.0]))),) for _ in sums)
    return Axis(low, high, left, right, sums)


def extended(axis, x):
    """The array (outer, left + n + right, inner) in float64."""
    x = x.double().numpy()
    sums = [sum((w * x[:, t] for t, w in terms), np.zeros_like(x[:, 0])) for terms in axis.terms]
    return np.stack([*sums[: axis.left], *np.moveaxis(x, 1, 0), *sums[axis.left :]], axis=1)


def analysis(axis, x):
    """Both bands by their formula, as sums over windows."""
    windows = sliding_window_view(extended(axis, x), len(axis.low), axis=1)[:, ::2]
    return [np.einsum("boim,m->boi", windows, np.array(weights)) for weights in (axis.low, axis.high)]


def synthesis(axis, band, weights):
    """What one band (with `axis.low` or `axis.high`) adds to the signal, by its formula."""
    half = len(weights) // 2
    windows = sliding_window_view(extended(axis, band), half, axis=1)
    phases = [np.einsum("boim,m->boi", windows, np.array(weights[2 * half - 2 + p :: -2][:half])) for p in (0, 1)]
    both = np.stack(phases, axis=2)
    return both.reshape(len(both), -1, both.shape[-1])


def signal_of(axis, low, high):
    """The whole signal of two bands, of which either may be missing."""
    pairs = [(low, axis.low), (high, axis.high)]
    return sum(synthesis(axis, band, weights) for band, weights in pairs if band is not None)


def images_of(rows, columns, bands):
    """The same for images: first along the width, then along the height."""
    halves = []
    for pair in (bands[:2], bands[2:]):
        flat = [None if band is None else band.flatten(0, 1)[..., None] for band in pair]
        given = [band for band in pair if band is not None]
        whole = torch.as_tensor(signal_of(columns, *flat)) if given else None
        halves.append(whole.reshape(*given[0].shape[:2], -1) if given else None)
    return signal_of(rows, *halves)


def draw(shape, dtype, chance, *, strided=False):
    if strided:
        shape = (*shape[:-1], 2 * shape[-1])
    x = torch.as_tensor(chance.normal(size=shape), dtype=dtype)
    return x[..., ::2] if strided else x


@needs_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("taps", TAPS)
def test_down_is_its_formula(taps, dtype, close):
    chance = np.random.default_rng(taps)
    for case, n in enumerate(LENGTHS, start=taps):
        inner, outer = SHAPES[case % 6]
        axis = draw_axis(n, taps, chance, kind=("any", "single")[case // 6 % 2])
        x = draw((outer, n, inner), dtype, chance, strided=case % 4 == 0)
        for got, want in zip(down(x, axis), analysis(axis, x), strict=True):
            assert got.dtype == dtype and got.is_contiguous()
            close(got, want)


@needs_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("taps", TAPS)
def test_up_is_its_formula(taps, dtype, close):
    chance = np.random.default_rng(taps)
    for case, n in enumerate(LENGTHS, start=taps):
        inner, outer = SHAPES[case % 6]
        axis = draw_axis(n, taps, chance, kind=("any", "none", "single")[case // 6 % 3], up=True)
        low, high = (draw((outer, n, inner), dtype, chance, strided=case % 4 == 0) for _ in range(2))
        want = signal_of(axis, low, high)
        start = int(chance.integers(want.shape[1]))
        length = int(chance.integers(1, want.shape[1] - start + 1))
        got = up(low, high, axis, start=start, length=length)
        assert got.dtype == dtype and got.is_contiguous()
        close(got, want[:, start : start + length])


@needs_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("outer", "n", "inner"),
    [(1, 2500, 1), (2, 600, 3), (1, 40, 127), (2, 7, 128), (1, 40, 150), (1, 5, 2100), (2, 1, 200), (3, 6, 2048)],
)
@pytest.mark.parametrize("taps", [2, 8])
def test_long_rows_and_many_columns(taps, outer, n, inner, dtype, close):
    """Lengths beyond one tile of a row (512 numbers), and samples of so many numbers that they are rows (128 or more)."""
    chance = np.random.default_rng(n)
    for kind in ("any", "single", "none"):
        axis = draw_axis(n, taps, chance, kind=kind)
        x = draw((outer, n, inner), dtype, chance)
        for got, want in zip(down(x, axis), analysis(axis, x), strict=True):
            close(got, want)
        axis = draw_axis(n, taps, chance, kind=kind, up=True)
        low, high = (draw((outer, n, inner), dtype, chance) for _ in range(2))
        for bands in ((low, high), (low, None), (None, high)):
            want = signal_of(axis, *bands)
            start, length = want.shape[1] // 3, want.shape[1] // 2
            close(up(*bands, axis, start=start, length=length), want[:, start : start + length])


SIZES = [(1, 1), (1, 9), (6, 1), (2, 3), (5, 4), (8, 8), (7, 16), (19, 12), (33, 20), (64, 33), (16, 70)]


@needs_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("across_taps", "along_taps"), [(2, 2), (4, 4), (8, 8), (16, 16), (2, 12), (10, 6), (62, 4)])
def test_down2_is_two_analyses(across_taps, along_taps, dtype, close):
    chance = np.random.default_rng(across_taps)
    for case, (height, width) in enumerate(SIZES):
        kind = ("any", "single")[case % 2]
        rows, columns = (
            draw_axis(height, across_taps, chance, kind=kind),
            draw_axis(width, along_taps, chance, kind=kind),
        )
        x = draw((1 + case % 3, height, width), dtype, chance, strided=case % 3 == 0)
        if case % 4 == 1:
            x = x[:, None].expand(-1, 2, -1, -1)[:, 1]  # apart by another number of samples
        halves = [torch.as_tensor(half).flatten(0, 1)[..., None] for half in analysis(rows, x)]
        want = [band for half in halves for band in analysis(columns, half)]
        for got, band in zip(down2(x, rows, columns), want, strict=True):
            assert got.dtype == dtype and got.is_contiguous()
            close(got, band.reshape(got.shape))


@needs_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("across_taps", "along_taps"), [(2, 2), (4, 4), (8, 8), (16, 16), (2, 12), (10, 6), (62, 4)])
def test_up2_is_two_syntheses(across_taps, along_taps, dtype, close):
    chance = np.random.default_rng(across_taps)
    for case, (height, width) in enumerate(SIZES):
        kind = ("any", "single", "none")[case % 3]
        axes = [
            draw_axis(n, taps, chance, kind=kind, up=True) for n, taps in ((height, across_taps), (width, along_taps))
        ]
        packed = draw((1 + case % 3, 4, height, width), dtype, chance, strided=case % 4 == 0)
        bands = [packed[:, band] if chance.random() < 0.8 else None for band in range(4)]
        if all(band is None for band in bands):
            bands[case % 4] = packed[:, 0]
        want = images_of(*axes, bands)
        start = tuple(int(chance.integers(size)) for size in want.shape[1:])
        length = tuple(int(chance.integers(1, size - s + 1)) for size, s in zip(want.shape[1:], start, strict=True))
        got = up2(tuple(bands), *axes, start=start, length=length)
        assert got.dtype == dtype and got.is_contiguous()
        close(got, want[:, start[0] : start[0] + length[0], start[1] : start[1] + length[1]])


@needs_kernel
def test_down2_writes_into_every_fourth_place_and_nowhere_else(generator):
    x = torch.randn(3, 9, 14, generator=generator)
    chance = np.random.default_rng(0)
    rows, columns = draw_axis(9, 6, chance), draw_axis(14, 4, chance)
    want = down2(x, rows, columns)
    packed = torch.full((3, 6, *want[0].shape[1:]), 7.0)
    out = tuple(packed[:, band] for band in (1, 2, 3, 4))
    assert all(given is got for given, got in zip(out, down2(x, rows, columns, out=out), strict=True))
    assert all(torch.equal(got, band) for got, band in zip(out, want, strict=True))
    assert bool((packed[:, [0, 5]] == 7).all())


@needs_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("inner", [1, 3, 160])
@pytest.mark.parametrize("taps", [2, 6, 8])
def test_nan_reaches_what_it_is_a_term_of(taps, inner, dtype):
    """The oracle sums the same terms; margins without a term are no products with zero."""
    chance = np.random.default_rng(taps)
    for n in (1, 5, 16, 40):
        for place in {0, n // 2, n - 1}:
            x, low, high = (draw((1, n, inner), dtype, chance) for _ in range(3))
            x[:, place] = low[:, place] = torch.nan
            axis = draw_axis(n, taps, chance)
            for got, want in zip(down(x, axis), analysis(axis, x), strict=True):
                assert np.array_equal(got.isnan(), np.isnan(want))
            axis = draw_axis(n, taps, chance, up=True)
            want = signal_of(axis, low, high)
            assert np.array_equal(up(low, high, axis, start=0, length=want.shape[1]).isnan(), np.isnan(want))


@needs_kernel
def test_nan_in_images_reaches_what_it_is_a_term_of():
    chance = np.random.default_rng(3)
    rows, columns = draw_axis(9, 4, chance), draw_axis(20, 8, chance)
    back = draw_axis(9, 4, chance, up=True), draw_axis(20, 8, chance, up=True)
    for place in ((0, 0), (4, 11), (8, 19)):
        x = draw((1, 9, 20), torch.float32, chance)
        x[0][place] = torch.nan
        halves = [torch.as_tensor(half)[0, :, :, None] for half in analysis(rows, x)]
        want = [band[..., 0] for half in halves for band in analysis(columns, half)]
        for got, band in zip(down2(x, rows, columns), want, strict=True):
            assert np.array_equal(got[0].isnan(), np.isnan(band))
        bands = (torch.zeros_like(x), None, x, None)
        want = images_of(*back, bands)
        got = up2(bands, *back, start=(0, 0), length=want.shape[1:])
        assert np.array_equal(got.isnan(), np.isnan(want))


def place_of(mode, t, n):
    """The sample that stands at place t, as PyWavelets documents its modes."""
    if mode == "periodization":
        return min(t % (n + n % 2), n - 1)
    return min(t % (2 * n), 2 * n - 1 - t % (2 * n))


def axis_down(wavelet, mode, n):
    taps = wavelet.dec_len
    left = taps // 2 - 1 if mode == "periodization" else taps - 2
    right = left + n % 2 if mode == "periodization" else 2 * ((n + taps - 1) // 2) - n
    sums = tuple(((place_of(mode, t, n), 1.0),) for t in (*range(-left, 0), *range(n, n + right)))
    return Axis(tuple(wavelet.dec_lo[::-1]), tuple(wavelet.dec_hi[::-1]), left, right, sums)


def axis_up(wavelet, mode, count):
    """The axis of the synthesis, and the first sample and the number of samples kept."""
    taps = wavelet.dec_len
    left, right = (taps // 4, taps // 2) if mode == "periodization" else (0, 0)
    sums = tuple(((t % count, 1.0),) for t in (*range(-left, 0), *range(count, count + right)))
    axis = Axis(tuple(wavelet.rec_lo), tuple(wavelet.rec_hi), left, right, sums)
    if mode == "periodization":
        return axis, 2 * left + 1 - taps // 2, 2 * count
    return axis, 0, 2 * count - taps + 2


@needs_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["symmetric", "periodization"])
@pytest.mark.parametrize("name", ["haar", "db2", "db4", "sym8", "bior2.4", "coif2", "dmey"])
def test_one_level_is_pywts(name, mode, dtype, close, generator):
    wavelet = pywt.Wavelet(name)
    lengths = [2, 5, 16, 17, 33] if wavelet.dec_len <= 16 else [64, 101]
    for n in lengths:
        x = torch.randn(2, n, n + 3, dtype=dtype, generator=generator)
        along, over = axis_down(wavelet, mode, n + 3), axis_down(wavelet, mode, n)
        want = pywt.dwt(x.numpy(), wavelet, mode=mode)
        for got, band in zip(down(x.reshape(2 * n, n + 3, 1), along), want, strict=True):
            close(got.reshape(band.shape), band)
        for got, band in zip(down(x, over), pywt.dwt(x.numpy(), wavelet, mode=mode, axis=1), strict=True):
            close(got, band)
        approximation, (horizontal, vertical, diagonal) = pywt.dwt2(x.numpy(), wavelet, mode=mode)
        bands = down2(x, over, along)
        for got, band in zip(bands, (approximation, vertical, horizontal, diagonal), strict=True):
            close(got, band)
        rows, first_row, height = axis_up(wavelet, mode, bands[0].shape[1])
        columns, first_column, width = axis_up(wavelet, mode, bands[0].shape[2])
        restored = up2(bands, rows, columns, start=(first_row, first_column), length=(height, width))
        close(restored, pywt.idwt2((approximation, (horizontal, vertical, diagonal)), wavelet, mode=mode))
        low, high = (torch.as_tensor(band)[..., None].flatten(0, 1) for band in want)
        restored = up(low, high, columns, start=first_column, length=width)
        close(restored.reshape(2, n, width), pywt.idwt(*want, wavelet, mode=mode))


@needs_kernel
def test_the_sign_of_a_conjugate_counts(close):
    """Its imaginary part keeps the minus sign in a flag, beside the memory that the kernel reads."""
    z = torch.view_as_complex(torch.arange(16.0, dtype=torch.float64).reshape(1, 8, 1, 2))
    x = torch._neg_view(z.imag.contiguous())
    assert x.is_neg()
    axis = Axis((0.5, 0.5), (0.5, -0.5), 0, 0, ())
    close(down(x, axis)[0], analysis(axis, -z.imag)[0])


@needs_kernel
def test_zeros_without_memory_are_zeros():
    """PyTorch passes such tensors to second derivatives; reading their memory would end the process."""
    zeros = torch._efficientzerotensor((2, 9, 16))
    assert all(not band.any() for band in (wavelets.dwt(zeros, "db2")[0], *wavelets.dwt2(zeros, "db2")[1]))
    assert not wavelets.idwt(zeros, zeros, "haar").any()


def test_an_axis_that_was_used_can_be_copied(generator):
    axis = axis_down(pywt.Wavelet("db2"), "symmetric", 8)
    x = torch.randn(1, 8, 1, generator=generator)
    low, high = down(x, axis)
    twin = copy.deepcopy(axis)
    assert twin == axis and twin is not axis
    assert all(torch.equal(got, want) for got, want in zip(down(x, twin), (low, high), strict=True))


@needs_kernel
def test_nothing_in_gives_nothing_out():
    axis = Axis((1.0, 1.0), (1.0, -1.0), 0, 0, ())
    assert down(torch.zeros(0, 8, 1), axis)[0].shape == (0, 4, 1)
    assert down(torch.zeros(2, 8, 0), axis)[1].shape == (2, 4, 0)
    assert down2(torch.zeros(0, 8, 6), axis, axis)[3].shape == (0, 4, 3)
    assert up(torch.zeros(0, 8, 1), None, axis, start=0, length=16).shape == (0, 16, 1)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def all_four(x, axis):
    low, high = down(x, axis)
    bands = down2(x, axis, axis)
    none = Axis(axis.low, axis.high, 0, 0, ())
    signal = up(low, high, none, start=0, length=2 * low.shape[1] - 2)
    images = up2((bands[0], bands[1], None, bands[3]), none, none, start=(0, 0), length=(200, 200))
    return [low, high, *bands, signal, images]


@needs_kernel
def test_two_threads_give_what_one_gives(two_threads, generator):
    """The work of 1.2 million samples is divided, and calls from several threads do not disturb each other."""
    x = torch.randn(29, 200, 206, generator=generator)[:, :, 2:202]  # 29 is odd: the shares differ
    x = torch.cat([x, x + 1])[:31]
    axis = axis_down(pywt.Wavelet("db2"), "symmetric", 200)
    calls._pool.cache_clear()
    got = all_four(x, axis)
    assert calls._pool.cache_info().misses == 1
    torch.set_num_threads(1)
    want = all_four(x, axis)
    assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda _: all_four(x, axis), range(4)):
            assert all(torch.equal(a, b) for a, b in zip(result, want, strict=True))


@needs_kernel
class TestErrors:
    """Their texts, seen through a copy of the module without pytest's own checks of shapes."""

    @pytest.fixture(autouse=True)
    def _plain(self, unchecked):
        self.calls = unchecked("undula.spectra.wavelets.native.calls")
        self.haar = self.calls.Axis((1.0, 1.0), (1.0, -1.0), 0, 0, ())

    def test_filters_and_margins_that_do_not_fit(self):
        make = self.calls.Axis
        with pytest.raises(ShapeError, match="got filters of 2 and 4 taps, expected one even number"):
            make((1.0, 1.0), (1.0,) * 4, 0, 0, ())
        with pytest.raises(ShapeError, match="got filters of 3 and 3 taps"):
            make((1.0,) * 3, (1.0,) * 3, 0, 0, ())
        with pytest.raises(ShapeError, match="got 1 sums for margins of 1 and 1, expected one each"):
            make((1.0, 1.0), (1.0, 1.0), 1, 1, ((),))
        with pytest.raises(ShapeError, match="got a sum of sample -1, expected indices from 0 on"):
            self.calls.down(torch.zeros(1, 7, 1), make((1.0, 1.0), (1.0, 1.0), 1, 0, (((-1, 1.0),),)))

    def test_lengths_that_do_not_fit(self):
        with pytest.raises(ShapeError, match=r"got 7 samples, margins of 0 and 0 .* expected an even number"):
            self.calls.down(torch.zeros(1, 7, 1), self.haar)
        with pytest.raises(ShapeError, match="got 0 samples"):
            self.calls.down(torch.zeros(1, 0, 1), self.haar)
        beyond = self.calls.Axis((1.0, 1.0), (1.0, 1.0), 1, 1, (((8, 1.0),), ()))
        with pytest.raises(ShapeError, match=r"got 8 samples, .*made of at least 9\)"):
            self.calls.down2(torch.zeros(1, 8, 8), self.haar, beyond)
        with pytest.raises(ShapeError, match=r"got samples 0 … 16 to make of 8 .* within 0 … 15"):
            self.calls.up(torch.zeros(1, 8, 1), None, self.haar, start=0, length=17)
        with pytest.raises(ShapeError, match=r"got samples -1 … 2 to make"):
            self.calls.up2((torch.zeros(1, 8, 8),) * 4, self.haar, self.haar, start=(0, -1), length=(4, 4))

    def test_bands_that_differ_or_are_missing(self):
        with pytest.raises(ShapeError, match="got 2 bands that are None"):
            self.calls.up(None, None, self.haar, start=0, length=2)
        with pytest.raises(ShapeError, match=r"got bands \(1, 8, 1\) of torch.float32 and \(1, 7, 1\)"):
            self.calls.up(torch.zeros(1, 8, 1), torch.zeros(1, 7, 1), self.haar, start=0, length=2)

    def test_tensors_that_the_kernel_cannot_read(self):
        for x in (torch.zeros(1, 8, 1, dtype=torch.float16), torch.zeros(1, 8, 1, device="meta")):
            with pytest.raises(OptionError, match=r"expected torch.float32 or torch.float64 on the CPU"):
                self.calls.down(x, self.haar)

    def test_out_that_does_not_fit(self):
        x, right = torch.zeros(2, 8, 8), [torch.zeros(2, 4, 4) for _ in range(3)]
        for wrong in (
            torch.zeros(2, 4, 5),
            torch.zeros(2, 4, 4, dtype=torch.float64),
            torch.zeros(2, 4, 8)[..., ::2],
            torch.zeros(1, 4, 4).expand(2, -1, -1),
        ):
            with pytest.raises(ShapeError, match=r"got out .* expected \(2, 4, 4\) of torch.float32"):
                self.calls.down2(x, self.haar, self.haar, out=(wrong, *right))


STUB = "int answer(void) { return 42; }"
COPY = 'while [ "$1" != -o ]; do shift; done; cp "$STUB" "$2"'


@pytest.fixture(scope="session")
def stub(tmp_path_factory):
    """A small library, which a compiler that is written below hands out: compiling the kernel takes seconds."""
    folder = tmp_path_factory.mktemp("stub")
    (folder / "stub.c").write_text(STUB)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "stub.so", folder / "stub.c"], check=True)
    return folder / "stub.so"


@pytest.fixture
def compiler(tmp_path, monkeypatch, stub):
    """A compiler that notes how it is called, and the folder of a fresh cache: `compiler(script)`.

    What it says of itself is what cc says, in place of compiling it runs the script.
    """

    def make(script=COPY):
        path = tmp_path / "noting-cc"
        lines = ["#!/bin/sh", f'echo "$*" >> "{tmp_path}/calls"', f'STUB="{stub}"']
        lines += ['case "$*" in *-dM*) exec cc "$@";; esac', script, ""]
        path.write_text("\n".join(lines))
        path.chmod(0o755)
        monkeypatch.setenv("CC", str(path))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("UNDULA_NATIVE", raising=False)
        return tmp_path / "cache" / "undula" / "native"

    return make


def build():
    """What the first call of `available` would do in a new process."""
    return building.load.__wrapped__()


def is_built():
    library, reason = build()
    return library is not None and library.answer() == 42 and not reason


def compiled(tmp_path):
    """How often the compiler compiled; it is also asked what it is."""
    return (tmp_path / "calls").read_text().count(" -o ")


@needs_compiler
class TestBuilding:
    """The cache and its keys, with a compiler that hands out a stub."""

    def test_is_compiled_once_and_a_broken_file_is_replaced(self, compiler, tmp_path, stub):
        folder = compiler()
        assert is_built() and is_built() and compiled(tmp_path) == 1
        (kept,) = folder.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700 and kept.stat().st_mode & 0o777 == 0o500
        content = stub.read_bytes()
        for broken in (content[: len(content) // 2], b"", content[:-1] + b"\1"):
            kept.unlink()
            kept.write_bytes(broken)
            kept.chmod(0o500)
            assert is_built()
            assert [path.read_bytes() for path in folder.iterdir()] == [content]
        assert compiled(tmp_path) == 4

    def test_another_source_or_compiler_makes_another_file(self, compiler, tmp_path, monkeypatch):
        folder = compiler()
        assert is_built()
        source = tmp_path / "kernel.c"
        source.write_text(building._SOURCE.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        monkeypatch.setattr(building, "_SOURCE", source)
        assert is_built()
        monkeypatch.setenv("CC", os.environ["CC"] + " -DANOTHER")
        assert is_built()
        assert len(list(folder.iterdir())) == compiled(tmp_path) == 3

    def test_where_others_can_write_nothing_is_taken_from_or_left(self, compiler, monkeypatch):
        compiler()
        with tempfile.TemporaryDirectory() as place:
            Path(place).chmod(0o755)  # unlike pytest's, one that others can enter
            monkeypatch.setenv("XDG_CACHE_HOME", place)
            folder = Path(place) / "undula" / "native"
            folder.mkdir(parents=True)
            for writable, mode in ((folder, 0o770), (folder, 0o707), (folder.parent, 0o777), (Path(place), 0o775)):
                before = writable.stat().st_mode
                writable.chmod(mode)
                assert is_built() and not list(folder.iterdir())
                writable.chmod(before)
            folder.chmod(0o700)
            assert is_built() and len(list(folder.iterdir())) == 1

    def test_a_file_that_others_can_write_is_replaced(self, compiler, tmp_path):
        folder = compiler()
        assert is_built()
        next(folder.iterdir()).chmod(0o522)
        assert is_built() and compiled(tmp_path) == 2
        assert next(folder.iterdir()).stat().st_mode & 0o777 == 0o500

    def test_a_folder_that_nobody_else_can_enter_may_hold_shared_ones(self, compiler):
        folder = compiler()
        folder.parent.mkdir(parents=True)
        folder.parent.chmod(0o775)  # as with umask 002
        folder.parent.parent.chmod(0o700)
        assert is_built() and len(list(folder.iterdir())) == 1

    def test_without_a_usable_cache_it_is_built_for_this_process(self, compiler, tmp_path):
        compiler()
        (tmp_path / "cache").write_text("no folder")
        assert is_built() and compiled(tmp_path) == 1

    def test_a_full_disk_is_no_error(self, compiler):
        full = f'case "$*" in *"-o $XDG_CACHE_HOME"*) echo "error: disk full" >&2; exit 1;; esac; {COPY}'
        folder = compiler(full)
        assert is_built() and not list(folder.iterdir())

    def test_without_march_native_where_that_is_refused(self, compiler, tmp_path):
        compiler(f'case "$*" in *-march=native*) exit 1;; esac; {COPY}')
        assert is_built() and "-march" not in (tmp_path / "calls").read_text().splitlines()[-1]

    def test_a_compiler_that_fails_is_the_reason(self, compiler):
        folder = compiler('echo "kernel.c:1: error: too old" >&2; exit 3')
        library, reason = build()
        assert library is None and not list(folder.iterdir())
        assert reason.startswith("got status 3 from") and "(kernel.c:1: error: too old)" in reason

    def test_a_compiler_that_hangs_is_the_reason(self, compiler, monkeypatch):
        compiler("sleep 60; true")  # as gcc does, it starts another program
        monkeypatch.setattr(building, "_TIMEOUT", 0.3)
        library, reason = build()
        assert library is None and "got no answer from" in reason

    def test_two_may_build_at_once(self, compiler):
        folder = compiler(f"sleep 0.2; {COPY}")
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(lambda _: is_built(), range(2)))
        assert len(list(folder.iterdir())) == 1

    def test_it_can_be_forbidden(self, compiler, monkeypatch):
        compiler()
        monkeypatch.setenv("UNDULA_NATIVE", "0")
        assert build() == (None, "got UNDULA_NATIVE=0, expected it unset: the compiled kernel is switched off")

    def test_quotes_that_do_not_end_are_the_reason(self, compiler, monkeypatch):
        compiler()
        monkeypatch.setenv("CC", "cc '-O2")
        assert build() == (None, "got No closing quotation, expected to read, compile and load kernel.c")

    def test_without_any_compiler(self, compiler, monkeypatch):
        compiler()
        monkeypatch.delenv("CC")
        monkeypatch.setenv("PATH", "")
        assert "got no cc, gcc or clang on the path, expected a C compiler" in build()[1]


@needs_compiler
def test_a_plain_build_computes_the_same(compiler, monkeypatch, close, generator):
    """Without the vectors of this machine and without optimization: the same source, the same numbers."""
    compiler('exec cc "$@" -march=x86-64 -O0' if platform.machine() == "x86_64" else 'exec cc "$@" -O0')
    x = torch.randn(2, 40, 53, generator=generator)
    rows, columns = (axis_down(pywt.Wavelet("db3"), "symmetric", n) for n in (40, 53))
    library, _ = build()
    monkeypatch.setattr(calls, "load", lambda: (library, ""))
    calls._library.cache_clear()
    calls._function.cache_clear()
    try:
        got = down2(x, rows, columns)
    finally:
        calls._library.cache_clear()
        calls._function.cache_clear()
    approximation, (horizontal, vertical, diagonal) = pywt.dwt2(x.numpy(), "db3", mode="symmetric")
    for band, want in zip(got, (approximation, vertical, horizontal, diagonal), strict=True):
        close(band, want)


def test_without_a_compiler_it_is_unavailable(tmp_path):
    code = "from undula.spectra.wavelets import native as n; print(n.available(), n.why_unavailable())"
    told = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "CC": "missing-compiler", "PATH": "", "UNDULA_NATIVE": "1"}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=told)
    assert out.stdout.startswith("False got CC='missing-compiler', which is no program") and not out.stderr


def test_the_source_stands_beside_the_package():
    assert Path(building.__file__).with_name("kernel.c").is_file()
