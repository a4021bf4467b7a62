"""`undula.view`: every field against NumPy, PyWavelets, the printed figure of the seed, or a closed form."""

import json

import numpy as np
import pytest
import pywt
import torch
from PIL import Image

import undula
from undula.data import linear_chirp, read_array, ring_pair
from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.view.figures import decibels
from undula.jobs.view.mosaic import evened, packet_mosaic, pyramid_boxes
from undula.jobs.view.planes import packet_times

RNG = np.random.default_rng(0)


def noise(*shape: int, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(1))


def test_the_figure_of_the_seed():
    """Oracle: 14.8913 is printed in "what activates my network" for its ring and the ring blurred."""
    sharp, blurred = ring_pair()
    result = undula.view(sharp, other=blurred)
    assert f"{float(result.distance):.4f}" == "14.8913"
    assert float(undula.view(sharp, other=sharp).distance) == 0.0


@pytest.mark.parametrize("shape", [(16, 16), (17, 24), (3, 20, 15), (2, 3, 12, 13)])
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_magnitudes_are_numpys(shape, norm, close):
    x = noise(*shape)
    result = undula.view(x, norm=norm)
    expected = np.fft.fftshift(np.abs(np.fft.fft2(x.numpy(), norm=norm)), axes=(-2, -1))
    close(result.magnitude, expected)
    distance = np.hypot(np.fft.fftfreq(shape[-2])[:, None], np.fft.fftfreq(shape[-1])) * max(shape[-2:])
    rings = np.round(distance).astype(int)
    plain = np.fft.ifftshift(expected, axes=(-2, -1))
    means = np.stack([plain[..., rings == ring].mean(-1) for ring in range(rings.max() + 1)], axis=-1)
    close(result.profile, means)
    np.testing.assert_allclose(result.frequencies, np.arange(rings.max() + 1) / max(shape[-2:]))


@pytest.mark.parametrize("length", [64, 65, 300])
def test_a_signal_has_its_spectrum(length, close):
    x = noise(2, length)
    result = undula.view(x, dims=1, rate=50.0)
    close(result.magnitude, np.abs(np.fft.rfft(x.numpy())))
    np.testing.assert_allclose(result.frequencies, np.fft.rfftfreq(length, 1 / 50.0))
    other = noise(2, length).flip(0)
    both = undula.view(x, other=other, rate=50.0)
    change = np.abs(np.fft.fft(x.numpy())) - np.abs(np.fft.fft(other.numpy()))
    close(both.distance, np.abs(change).mean(-1))
    close(both.difference, change[:, : length // 2 + 1], times=10)  # differences of nearly equal magnitudes
    assert both.profile is None and both.pyramid is None


@pytest.mark.parametrize("mode", ["symmetric", "periodization", "zero"])
@pytest.mark.parametrize("wavelet", ["haar", "db4", "sym8"])
def test_packets_are_pywts_in_the_order_of_frequency(wavelet, mode, close):
    x = noise(200)
    result = undula.view(x, wavelet=wavelet, mode=mode, level=3)
    nodes = pywt.WaveletPacket(x.numpy(), wavelet, mode, maxlevel=3).get_level(3, "freq")
    close(result.packets, np.stack([node.data for node in nodes]))
    np.testing.assert_allclose(result.packet_frequencies, (np.arange(8) + 0.5) / 16)


def test_packets_of_images_are_pywts(close):
    x = noise(32, 48)
    result = undula.view(x, wavelet="haar", level=2)
    nodes = pywt.WaveletPacket2D(x.numpy(), "haar", "symmetric", maxlevel=2).get_level(2, "freq")
    close(result.packets, np.stack([node.data for row in nodes for node in row]))


@pytest.mark.parametrize(("wavelet", "mode"), [("haar", "symmetric"), ("db4", "periodization")])
def test_the_pyramid_is_pywts(wavelet, mode, close):
    """Oracle: bands that tile exactly; PyWavelets' own arrangement has horizontal and vertical details exchanged."""
    x = noise(32, 64)
    result = undula.view(x, wavelet=wavelet, mode=mode, level=2)
    coarse, middle, fine = pywt.wavedec2(x.numpy(), wavelet, mode, level=2)
    inner = np.block([[coarse, middle[1]], [middle[0], middle[2]]])
    close(result.pyramid, np.block([[inner, fine[1]], [fine[0], fine[2]]]))


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (33, 20), (64, 64)])
@pytest.mark.parametrize("wavelet", ["haar", "db4"])
def test_boxes_tile_the_pyramid(shape, wavelet):
    result = undula.view(noise(*shape), wavelet=wavelet)
    covered = np.zeros(result.pyramid.shape, int)
    for group in pyramid_boxes(shape, result.level):
        for box in group:
            covered[box] += 1
    assert covered.max() == 1 and covered.mean() > 0.8
    shown = evened(result.pyramid.numpy(), shape, result.level)
    assert (np.isnan(shown) == (covered == 0)).all()
    assert np.nanmin(shown) >= 0 and np.nanmax(shown) <= 1


def test_bands_lie_where_the_image_does():
    """Oracle: a bright dot has its strongest detail at its own place, whatever the continuation of the image adds."""
    for wavelet in ("haar", "sym8", "db4"):
        image = torch.zeros(64, 96, dtype=torch.float64)
        image[40, 30] = 1.0
        result = undula.view(image, wavelet=wavelet, level=2)
        for box in (pyramid_boxes((64, 96), 2)[1][2], pyramid_boxes((64, 96), 2)[2][2]):
            step = 96 // (box[1].stop - box[1].start)
            energy = result.pyramid[box].square()
            rows, columns = (energy.sum(axis) / energy.sum() for axis in (1, 0))
            center = [float((share * (torch.arange(len(share)) + 0.5)).sum()) * step for share in (rows, columns)]
            assert abs(center[0] - 40.5) <= 1.5 * step and abs(center[1] - 30.5) <= 1.5 * step, (wavelet, step, center)


def test_packets_rise_to_the_right_and_downward():
    """Oracle: a wave at 3/16 cycles per pixel across lies in column 3 of 8, row 0."""
    wave = torch.cos(2 * torch.pi * 3.5 / 16 * torch.arange(128, dtype=torch.float64)).expand(128, 128)
    result = undula.view(wave, wavelet="sym16", level=3)
    energy = result.packets.square().sum((-2, -1)).reshape(8, 8)
    assert divmod(int(energy.argmax()), 8) == (0, 3) and float(energy.max() / energy.sum()) > 0.8
    mosaic = packet_mosaic(result.packets.numpy())
    assert mosaic.shape == (128, 128)
    np.testing.assert_array_equal(mosaic[:16, 48:64], result.packets[3].numpy())


def test_the_scalogram_follows_the_chirp():
    """Oracle: at time t the frequency is 1 + 124.5 t."""
    result = undula.view(linear_chirp(), rate=1000.0)
    for moment in (500, 1000, 1500, 1800):
        strongest = float(result.scalogram_frequencies[result.scalogram[:, moment].argmax()])
        assert strongest == pytest.approx(1 + 0.1245 * moment, rel=0.06)  # twelve scales in an octave


def test_the_packets_follow_the_chirp():
    result = undula.view(linear_chirp(), rate=1000.0)
    inside = (result.packet_times > 0.1) & (result.packet_times < 1.85)
    ridge = result.packet_frequencies[result.packets.abs().argmax(0)][inside]
    expected = 1 + 124.5 * result.packet_times[inside]
    width = 500 / len(result.packet_frequencies)
    near = (ridge - expected).abs() <= 1.5 * width
    assert float(near.double().mean()) > 0.9


def test_a_wave_reads_half_its_amplitude_at_any_frequency():
    """Oracle: |C| / √s of a cos(2π f t) with cmor1.5-1.0 at its own scale is a / 2, averaged over a sample: times sinc(f)."""
    time = torch.arange(4096, dtype=torch.float64)
    for frequency in (0.02, 0.1, 0.25):
        result = undula.view(0.6 * torch.cos(2 * torch.pi * frequency * time), scales=[1 / frequency])
        assert float(result.scalogram[0, 2048]) == pytest.approx(0.3 * np.sinc(frequency), rel=5e-3)
        np.testing.assert_allclose(result.scalogram_frequencies, [frequency], rtol=1e-3)


def test_the_scalogram_is_pywts(close):
    x = noise(2, 100)
    scales = np.array([2.0, 5.0, 11.0])
    result = undula.view(x, dims=1, scales=scales.tolist(), continuous="morl")
    centered = x.numpy() - x.numpy().mean(-1, keepdims=True)
    coefficients, _ = pywt.cwt(centered, scales, "morl", axis=-1)
    expected = np.moveaxis(np.abs(coefficients) / np.sqrt(scales)[:, None, None], 0, 1)
    close(result.scalogram, expected, times=100)  # PyWavelets sums the wavelet's integral in another order


@pytest.mark.parametrize("wavelet", ["haar", "db4", "sym16"])
@pytest.mark.parametrize("mode", ["symmetric", "periodization"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_times_are_those_of_the_coefficients(wavelet, mode, level):
    """Oracle: a ramp; coarse coefficients of a wavelet with vanishing moments read 2^(L/2) times the ramp at their middle.

    The middle of the scaling filter's mass differs from the middle of its taps, by the same number of samples everywhere.
    """
    ramp = torch.arange(512, dtype=torch.float64)
    result = undula.view(ramp, wavelet=wavelet, mode=mode, level=level)
    taps = pywt.Wavelet(wavelet).dec_len
    times = packet_times(result.packets.shape[-1], level=level, taps=taps, mode=mode)
    weights = np.array(pywt.Wavelet(wavelet).dec_lo)
    late = (weights * np.arange(taps)).sum() / weights.sum() - (taps - 1) / 2
    read = result.packets[0].numpy() / 2 ** (level / 2) + late * (2**level - 1)
    inside = (times > taps * 2**level) & (times < 511 - taps * 2**level)
    np.testing.assert_allclose(read[inside], times[inside], atol=1e-6)


def test_the_periodic_part_leaves_no_cross():
    """Oracle: a ramp down the image; its spectrum lies on one axis, and nearly vanishes without the jump of the border."""
    ramp = torch.linspace(0, 1, 64, dtype=torch.float64)[:, None].expand(64, 64).clone()
    plain, periodic = undula.view(ramp), undula.view(ramp, periodic=True)
    at = (32 + 20, 32)
    assert float(periodic.magnitude[at]) < 0.05 * float(plain.magnitude[at])
    assert float(periodic.magnitude[32, 32]) == pytest.approx(float(plain.magnitude[32, 32]))


def test_arrays_and_batches_come_back_as_they_came():
    x = RNG.random((2, 3, 20, 24)).astype(np.float32)
    result = undula.view(x, other=x[::-1].copy())
    assert isinstance(result.magnitude, np.ndarray) and result.magnitude.dtype == np.float32
    assert result.profile.shape[:2] == (2, 3) and result.distance.shape == (2, 3)
    alone = undula.view(x[1, 2], other=x[0, 2])
    for name in ("magnitude", "profile", "pyramid", "packets", "difference", "distance", "ring_distance"):
        np.testing.assert_allclose(getattr(result, name)[1, 2], getattr(alone, name), rtol=1e-4, atol=1e-4)
    items = list(result.items())
    assert len(items) == 6
    np.testing.assert_array_equal(items[5].data, x[1, 2])


def test_views_work_in_inference_mode_and_leave_gradients_alone():
    x = noise(16, 16).requires_grad_()
    with torch.inference_mode():
        result = undula.view(x)
    assert not result.magnitude.requires_grad and not result.magnitude.is_inference()


@pytest.mark.parametrize(
    ("data", "options", "error", "words"),
    [
        (np.zeros((4, 0)), {}, ShapeError, "none of them 0"),
        (np.zeros(()), {}, ShapeError, "expected"),
        (np.zeros((4, 4), int), {}, RangeError, "take .float()"),
        (np.zeros((4, 4), complex), {}, RangeError, "complex"),
        (np.array([[0.0, np.nan]]), {}, RangeError, r"nan at \(0, 1\)"),
        (np.array([0.0, np.inf]), {}, RangeError, "inf at"),
        (np.zeros((4, 4)), {"other": np.zeros((4, 5))}, ShapeError, r"\(4, 4\) and \(4, 5\)"),
        (np.zeros((4, 4)), {"rate": 5.0, "dims": 2}, OptionError, "leave it out"),
        (np.zeros(9), {"rate": 0.0}, RangeError, "positive"),
        (np.zeros(9), {"level": 4}, OptionError, "0…3"),
        (np.zeros(9), {"wavelet": "db99"}, OptionError, "db9"),
        (np.zeros(9), {"continuous": "moorl"}, OptionError, "morl"),
        (np.zeros(9), {"scales": 0}, OptionError, "at least 1"),
        (np.zeros(9), {"scales": [1.0, -2.0]}, OptionError, "positive numbers"),
    ],
)
def test_refused(data, options, error, words):
    with pytest.raises(error, match=rf"got .*{words}"):
        undula.view(data, **options)


@pytest.mark.parametrize("shape", [(1,), (2,), (3,), (37,), (1, 1), (1, 40), (40, 1), (2, 2), (13, 31)])
@pytest.mark.parametrize("values", ["zeros", "noise"])
def test_anything_can_be_drawn_and_saved(shape, values, here):
    x = np.zeros(shape) if values == "zeros" else RNG.random(shape)
    undula.view(x).save(here / "one")
    undula.view(x, other=x + 1).save(here / "two")
    for folder in ("one", "two"):
        with Image.open(here / folder / "view-00000.png") as picture:
            picture.load()
            assert picture.width == 1440
        run = json.loads((here / folder / "run.json").read_text())
        assert len(run["items"]) == 1 and run["versions"]["undula"]
        np.testing.assert_array_equal(read_array(here / folder / "view-00000.npz", key="data"), x)


def test_long_scalograms_are_saved_by_their_peaks(here):
    x = torch.zeros(5000)
    x[3210] = 1.0
    result = undula.view(x, scales=[4.0, 8.0])
    result.save(here)
    stored = read_array(here / "view-00000.npz", key="scalogram")
    assert stored.shape == (2, 2048) and stored[0].max() == float(result.scalogram[0].max())
    assert abs(stored[0].argmax() / 2048 - 3210 / 5000) < 2e-3


def test_decibels():
    level, scale = decibels(np.array([1.0, 10.0, 0.0]), deepest=60.0)
    np.testing.assert_array_equal(level, [-20.0, 0.0, -np.inf])
    assert (scale.low, scale.high) == (-40.0, 0.0)
