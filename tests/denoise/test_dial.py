"""The sharpness dial against closed forms of Wiener filters, and against the pictures that it makes."""

import json
import math

import numpy as np
import pytest
import torch

from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.denoise.sharpness.dial import SharpnessDial
from undula.jobs.denoise.sharpness.rings import RINGS, ring_centers
from undula.metrics import band_energy_ratio, psnr
from undula.spectra import fourier, frequencies, gaussian_blur, inverse_fourier

SIGMA = 0.1
SETTINGS = (0.15, 0.3, 0.6, 1.0)


def power(shape, like):
    """Power of a texture, which falls from 60 times the noise to a third of it."""
    squared = sum((grid**2 for grid in frequencies(shape, real=True, like=like)), torch.zeros_like(like))
    return SIGMA**2 * 60 * torch.exp(-7 * squared.sqrt())


def texture(count=4, size=(128, 128), seed=0, channels=1):
    """Gaussian fields of that power about 1/2: for them Wiener's filter is the denoiser of least squared error."""
    like = torch.ones((), dtype=torch.float64)
    white = torch.randn(count, channels, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    colored = fourier(white) * power(size, like).sqrt()
    colored[..., 0, 0] = 0
    return 0.5 + 0.3 * inverse_fourier(colored, shape=size, real=True)


def wiener(image, *, times=1.0):
    """The filter S / (S + σ²), times a factor; the textures have 0.09 S."""
    shape, like = image.shape[-2:], torch.ones((), dtype=image.dtype)
    signal = 0.09 * power(shape, like)
    gain = times * signal / (signal + SIGMA**2)
    gain[0, 0] = 1
    return inverse_fourier(fourier(image) * gain, shape=shape, real=True)


def noised(clean, seed=7, sigma=SIGMA):
    return clean + sigma * torch.randn(clean.shape, dtype=clean.dtype, generator=torch.Generator().manual_seed(seed))


def closed_gain():
    """√(S / E_o) = √((S + σ²) / S) at the centers of the rings."""
    signal = 0.09 * 60 * torch.exp(-7 * ring_centers())
    return ((signal + 1) / signal).sqrt().clamp(1, 4)


@pytest.fixture(scope="module")
def fitted():
    clean = texture()
    return SharpnessDial().fit(wiener, noised(clean), sigma=SIGMA, truth=clean)


def test_the_gain_of_a_wiener_filter_has_a_closed_form(fitted):
    """Within the spread of four pictures' ring energies: 5 %. The first ring is left to what the smooth parts take away."""
    ratio = fitted.gain(SIGMA)[1:] / closed_gain()[1:]
    assert float((ratio - 1).abs().max()) < 0.05
    assert float((ratio - 1).square().mean().sqrt()) < 0.03


def test_the_gain_is_found_without_clean_pictures():
    """Oracle: the closed form, where the signal is above a tenth of the noise; a gain of 1 is wrong by 0.59."""
    found = SharpnessDial().fit(wiener, noised(texture(seed=3)), sigma=SIGMA).gain(SIGMA)
    seen = 0.09 * 60 * torch.exp(-7 * ring_centers()) > 0.1
    error = (found / closed_gain()).log()[seen].square().mean().sqrt()
    assert float(error) < 0.06 < float(closed_gain().log()[seen].square().mean().sqrt()) / 8


def test_a_filter_of_least_error_pays_only_for_the_added_energy(fitted):
    """Its error is orthogonal to its output, so that c = 0, slopes are 1, and regression brings nothing."""
    report = fitted.report()
    known = fitted.calibrations[0]
    assert max(abs(one) for one in known.cross) < 0.02 < min(known.squared)
    assert float((report.slopes[2:16] - 1).abs().max()) < 0.05
    assert 0 <= report.correction < 0.02


def test_too_large_an_output_is_told_by_its_slopes():
    """Oracle: 1.25 times the best output has slopes 1 / 1.25, and is corrected by log₁₀(mse / best mse)."""
    clean = texture(size=(96, 81))
    noisy = noised(clean)
    report = SharpnessDial().fit(lambda y: wiener(y, times=1.25), noisy, sigma=SIGMA, truth=clean).report()
    assert float((report.slopes[3:16] - 0.8).abs().max()) < 0.05
    better, worse = (float((wiener(noisy, times=one) - clean).square().mean()) for one in (1.0, 1.25))
    assert abs(report.correction - 10 * math.log10(worse / better)) < 0.05
    assert "not fully trained" in report.advice


@pytest.mark.parametrize(("size", "channels"), [((32, 32), 1), ((31, 48), 1), ((40, 27), 3), ((5, 4), 1)])
def test_the_forecast_is_exact_on_the_pictures_of_the_calibration(size, channels):
    """Oracle: the PSNR of the pictures that the dial makes, before clipping."""
    clean = texture(3, size, channels=channels)
    noisy = noised(clean)

    def denoise(image):
        return torch.tanh(1.2 * gaussian_blur(image, deviation=0.7))

    dial = SharpnessDial().fit(denoise, noisy, sigma=SIGMA, truth=clean)
    for told in (dial.report(sharpness=SETTINGS), dial.report(noisy, truth=clean, sharpness=SETTINGS)):
        assert told.exact
        for setting, change in zip(SETTINGS, told.change_per_picture.T, strict=True):
            turned = dial.transform(denoise(noisy), sharpness=setting)
            actual = psnr(turned, clean, dims=3) - psnr(denoise(noisy), clean, dims=3)
            torch.testing.assert_close(change, actual, atol=1e-6, rtol=0)
        torch.testing.assert_close(told.change, told.change_per_picture.mean(0))


def test_the_forecast_without_clean_pictures_comes_near(fitted):
    """Oracle: the same against the truth; the calibration's mean for other pictures serves as the baseline."""
    clean = gaussian_blur(texture(6, seed=11), deviation=0.5)
    noisy = noised(clean, seed=12)
    guess = fitted.report(noisy, sharpness=SETTINGS, generator=torch.Generator().manual_seed(0))
    truth = fitted.report(noisy, truth=clean, sharpness=SETTINGS)
    assert not guess.exact
    near = (guess.change_per_picture - truth.change_per_picture).abs().mean(0)
    far = (fitted.report(sharpness=SETTINGS).change - truth.change_per_picture).abs().mean(0)
    assert bool((near < far / 3).all()) and float(near.max()) < 0.1


def test_pictures_denoised_already_are_not_denoised_again(fitted):
    noisy, calls = noised(texture(seed=1)), []

    def counted(image):
        calls.append(image)
        return wiener(image)

    told = [
        fitted.report(
            noisy, sigma=SIGMA, denoiser=counted, denoised=known, generator=torch.Generator().manual_seed(0)
        ).change_per_picture
        for known in (None, wiener(noisy))
    ]
    assert torch.equal(*told)
    assert len(calls) == 2 * len(noisy) + len(noisy)


def test_the_energies_told_are_those_of_the_pictures(fitted):
    """Oracle: the band energy ratio of the metrics, whose bands have hard edges: within 6 % for these smooth spectra."""
    clean = texture(2, seed=5)
    noisy = noised(clean, seed=6)
    report = fitted.report(noisy, truth=clean, sharpness=(0.5,))
    for image, told in (
        (wiener(noisy), report.energy_before),
        (fitted.transform(wiener(noisy), sharpness=0.5), report.energy[0]),
    ):
        measured = band_energy_ratio(image, clean)[:, 0].mean(0)
        torch.testing.assert_close(told[1:], measured[1:], atol=0, rtol=0.06)


def test_the_dial_ends_at_the_energy_of_clean_pictures(fitted):
    energy = fitted.report(sharpness=(1.0,)).energy[0]
    assert float((energy[1:5] - 1).abs().max()) < 0.05


def test_correlation_of_a_wiener_filter_is_the_root_of_its_gain(fitted):
    """Closed form per ring: corr² = S / (S + σ²), so that a band's lies between the values at its edges."""
    report = fitted.report()
    for band, (low, high) in enumerate(report.edges):
        signal = [0.09 * 60 * math.exp(-7 * edge) for edge in (high, low)]
        least, most = (one / (one + 1) for one in signal)
        if band > 1:
            assert least * 0.9 < float(report.shared[band]) < most * 1.1
            assert least * 0.9 < float(report.correlation[band]) ** 2 < most * 1.1


def test_zero_and_unit_gain_return_the_picture_bit_for_bit(fitted):
    image = torch.rand(2, 3, 19, 24)
    assert torch.equal(fitted.transform(image, sharpness=0.0), image)
    unit = SharpnessDial().fit(lambda y: y, None, sigma=SIGMA, truth=texture(2))  # noise adds energy: no gain above 1
    assert unit.calibrations[0].gain == (1.0,) * RINGS
    assert torch.equal(unit.transform(image, sharpness=1.0), image)
    assert float(unit.report(sharpness=(1.0,)).change) == 0


def test_the_mean_of_a_picture_stays(fitted):
    image = torch.rand(1, 33, 40, dtype=torch.float64)
    turned = fitted.transform(image, sharpness=1.0)
    assert math.isclose(float(turned.mean()), float(image.mean()), rel_tol=1e-12)
    assert float((turned - image).abs().max()) > 0.1


@pytest.mark.parametrize("shape", [(20, 31), (3, 20, 31), (2, 1, 20, 31)])
def test_images_come_back_as_they_went_in(fitted, shape):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    turned = fitted.transform(image, sharpness=0.4)
    assert isinstance(turned, np.ndarray) and turned.shape == shape and turned.dtype == np.float32
    same = fitted.transform(torch.from_numpy(image), sharpness=0.4)
    assert torch.equal(same, torch.from_numpy(turned))
    half = fitted.transform(torch.from_numpy(image).half(), sharpness=0.4)
    assert half.dtype == torch.float16


def test_items_and_channels_do_not_know_each_other(fitted):
    images = torch.rand(3, 2, 18, 25)
    turned = fitted.transform(images, sharpness=0.7)
    for item in range(3):
        for channel in range(2):
            alone = fitted.transform(images[item, channel], sharpness=0.7)
            torch.testing.assert_close(turned[item, channel], alone, atol=1e-6, rtol=0)


def levels():
    clean = texture(2, (64, 64))
    return SharpnessDial().fit(
        lambda y: gaussian_blur(y, deviation=1.0),
        None,
        sigma=(0.05, 0.2),
        truth=clean,
        generator=torch.Generator().manual_seed(0),
    )


def test_levels_are_joined_in_the_logarithm_of_the_noise():
    dial = levels()
    low, high = dial.calibrations
    assert [round(one.sigma, 6) for one in dial.calibrations] == [0.05, 0.2]
    middle = dial.at(0.1)
    want = (torch.tensor(low.gain) + torch.tensor(high.gain)) / 2
    torch.testing.assert_close(torch.tensor(middle.gain), want, atol=1e-6, rtol=0)
    assert dial.at(low.sigma) == low and dial.at(0.01) == low and dial.at(0.9) == high
    assert dial.report(sigma=0.1).within and not dial.report(sigma=0.9).within
    assert "outside the calibration" in dial.report(sigma=0.9).advice


def test_each_item_has_the_gain_of_its_level():
    dial = levels()
    images = torch.rand(2, 1, 20, 20)
    turned = dial.transform(images, sharpness=1.0, sigma=[0.05, 0.15])
    for item, sigma in enumerate((0.05, 0.15)):
        torch.testing.assert_close(turned[item], dial.transform(images[item], sharpness=1.0, sigma=sigma))


def test_facts_go_round_through_json():
    dial = levels()
    facts = json.loads(json.dumps(dial.to_facts(), allow_nan=False))
    back = SharpnessDial.from_facts(facts)
    assert back.calibrations == dial.calibrations and back.to_facts() == dial.to_facts()
    assert len(json.dumps(facts)) < 10_000
    image = torch.rand(24, 24)
    assert torch.equal(back.transform(image, sharpness=0.5, sigma=0.1), dial.transform(image, sharpness=0.5, sigma=0.1))
    assert torch.equal(back.report(sigma=0.1).change, dial.report(sigma=0.1).change)


def test_denoisers_of_every_kind_give_one_calibration():
    """A function of tensors, one that returns arrays, and an object with `transform`, which is told the noise level."""
    clean = texture(2, (32, 40))
    noisy = noised(clean)
    told = []

    class Told:
        def transform(self, images, *, sigma):
            told.append(sigma)
            return gaussian_blur(images, deviation=1.0)

    kinds = (
        lambda y: gaussian_blur(y, deviation=1.0),
        lambda y: gaussian_blur(y, deviation=1.0).numpy(),
        lambda y: gaussian_blur(y[0, 0], deviation=1.0)[None, None],
        Told(),
    )
    first, *others = [SharpnessDial().fit(one, noisy, sigma=SIGMA, truth=clean) for one in kinds]
    assert all(one.calibrations == first.calibrations for one in others)
    assert told == pytest.approx([SIGMA, SIGMA])


def test_pictures_of_several_sizes_and_levels_are_sorted_by_level():
    clean = [texture(1, (32, 40))[0], texture(1, (21, 30))[0, 0], texture(2, (24, 24))]
    noisy = [noised(one) for one in clean]
    dial = SharpnessDial().fit(
        lambda y: gaussian_blur(y, deviation=1.0), noisy, sigma=[0.1, 0.2, 0.1, 0.2], truth=clean
    )
    assert [(round(one.sigma, 3), len(one.cross)) for one in dial.calibrations] == [(0.1, 2), (0.2, 2)]


def test_pictures_too_small_to_fill_all_rings_are_calibrated():
    for size in ((1, 1), (2, 3), (6, 6)):
        clean = texture(2, size) if size != (1, 1) else torch.full((2, 1, 1, 1), 0.5)
        for truth in (clean, None):
            dial = SharpnessDial().fit(
                lambda y: gaussian_blur(y, deviation=1.0), noised(clean), sigma=SIGMA, truth=truth
            )
            assert all(1 <= one <= 4 for one in dial.calibrations[0].gain)
            assert bool(dial.report().change.isfinite().all())


def test_the_same_generator_gives_the_same_calibration():
    def fit():
        chance = torch.Generator().manual_seed(4)
        return SharpnessDial().fit(wiener, None, sigma=SIGMA, truth=texture(1), generator=chance)

    assert fit().calibrations == fit().calibrations


def test_a_report_without_clean_pictures_names_what_it_cannot_see():
    """The signal is σ²/10 at 0.57 cycles per pixel: the corners are not seen, the octaves are."""
    report = SharpnessDial().fit(wiener, noised(texture(2)), sigma=SIGMA).report()
    assert not report.exact
    assert report.reliable.tolist() == [True] * 5 + [False]
    assert report.ring_reliable.tolist() == (report.frequencies < 0.57).tolist()
    assert "from 0.5 cycles per pixel on the signal falls below a tenth of the noise" in report.advice


def test_a_report_is_told_in_plain_rows(fitted):
    report = fitted.report(sharpness=(0.3, 1.0))
    rows = json.loads(json.dumps(report.rows(), allow_nan=False))
    assert [row["sharpness"] for row in rows] == [0.3, 1.0]
    assert rows[0]["change of PSNR [dB]"] == pytest.approx(float(report.change[0]))
    assert rows[0]["energy 0.25…0.5"] == pytest.approx(float(report.energy[0, 4]))
    bands = json.loads(json.dumps(report.band_rows(), allow_nan=False))
    assert len(bands) == 6 and all(row["reliable"] for row in bands)
    assert f"sharpness 0.3 changes the PSNR by {float(report.change[0]):+.2f} dB" in report.advice


def test_a_gain_of_one_adds_nothing_and_says_so():
    report = SharpnessDial().fit(lambda y: y, None, sigma=SIGMA, truth=texture(1)).report()
    assert "nothing" in report.advice
    assert report.band_rows()[0]["share of the added energy that correlates"] is None


@pytest.mark.parametrize("setting", [-0.1, 1.1, float("nan")])
def test_settings_outside_the_dial_are_refused(fitted, setting):
    for call in (
        lambda: fitted.transform(torch.rand(8, 8), sharpness=setting),
        lambda: fitted.report(sharpness=(setting,)),
    ):
        with pytest.raises(RangeError, match=r"expected 0 \(as denoised\) to 1"):
            call()


def test_wrong_calls_are_named(fitted):
    image = torch.rand(1, 8, 8)
    cases = [
        (OptionError, "knows no noise level.*fit it first", lambda: SharpnessDial().transform(image, sharpness=0.5)),
        (OptionError, "knows several levels", lambda: levels().transform(image, sharpness=0.5)),
        (OptionError, "neither images nor truth", lambda: SharpnessDial().fit(wiener, None, sigma=0.1)),
        (OptionError, "got a denoiser of type int", lambda: SharpnessDial().fit(3, image, sigma=0.1)),
        (OptionError, "images and no denoiser", lambda: SharpnessDial(fitted.calibrations).report(image)),
        (RangeError, "expected one above 0", lambda: SharpnessDial().fit(wiener, image, sigma=0.0)),
        (RangeError, "divide by 255", lambda: SharpnessDial().fit(wiener, image, sigma=25.0)),
        (
            ShapeError,
            "the same number and shapes",
            lambda: SharpnessDial().fit(wiener, image, sigma=0.1, truth=image[:, 1:]),
        ),
        (ShapeError, "got no images", lambda: SharpnessDial().fit(wiener, [], sigma=0.1)),
        (ShapeError, "2 noise levels for 1 images", lambda: fitted.transform(image, sharpness=0.5, sigma=[0.1, 0.2])),
        (RangeError, "divide by 255", lambda: fitted.transform(255 * image, sharpness=0.5)),
    ]
    for kind, words, call in cases:
        with pytest.raises(kind, match=words):
            call()


def test_facts_of_another_kind_are_refused():
    facts = levels().to_facts()
    short = {**facts, "levels": [{**facts["levels"][0], "gain": [1.0]}]}
    broken = {**facts, "levels": [{"sigma": 0.1}]}
    wild = {**facts, "levels": [{**facts["levels"][0], "mse": float("nan")}]}
    for wrong, words in (
        ({**facts, "format": 9}, "dial of format 9"),
        ({"format": 1}, "expected 1 with its levels"),
        (short, "23 rings"),
        (broken, "hold no calibration"),
        (wild, "finite numbers"),
    ):
        with pytest.raises(DataError, match=words):
            SharpnessDial.from_facts(wrong)
