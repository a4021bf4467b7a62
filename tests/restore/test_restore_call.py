"""`undula.restore`: shapes and kinds, what stays, what is told, colors, volumes, noise, and refusals."""

import json

import numpy as np
import pytest
import torch

import undula
from undula.data import read_image
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.restore.descent import descent, roughness
from undula.jobs.restore.smooth import smooth

METHODS = ("best", "smooth", "tv", "descent")


@pytest.fixture(autouse=True)
def _small(use_network):
    use_network()


@pytest.fixture
def half(generator):
    """Random values, and half of their places."""
    return torch.rand(20, 26, generator=generator), torch.rand(20, 26, generator=generator) < 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (5,), (2, 3), (2, 1, 4)])
def test_shape_kind_and_known_pixels_come_back(shape, method, half, generator):
    _, missing = half
    image = torch.rand(*shape, 20, 26, generator=generator)
    options = {} if method == "best" else {"steps": 5}
    result = undula.restore(image, missing, method=method, **options)
    assert result.image.shape == result.missing.shape == image.shape and result.image.dtype == image.dtype
    assert torch.equal(result.image[~result.missing], image[~result.missing])
    assert result.image.min() >= 0 and result.image.max() <= 1
    assert not torch.equal(result.image, image)
    assert len(result.share) == max(1, int(np.prod(shape[:-1])))
    assert result.share[0] == pytest.approx(float(missing.float().mean())) and result.search is None
    assert (result.interval is None) == (method != "best")


def test_arrays_give_arrays_of_their_type(half):
    image, missing = half
    tensor = undula.restore(image, missing)
    for kind in (np.float32, np.float64):
        result = undula.restore(image.numpy().astype(kind), missing.numpy())
        for value, expected in ((result.image, tensor.image), (result.interval, tensor.interval)):
            assert isinstance(value, np.ndarray) and value.dtype == kind
            np.testing.assert_allclose(value, expected.numpy(), atol=1e-4)  # sixteen steps in another precision
        assert result.missing.dtype == np.bool_
    assert undula.restore(image.half(), missing).image.dtype == torch.float16


def test_masks_of_images_of_batches_and_of_channels(generator):
    images = torch.rand(2, 3, 12, 14, generator=generator)
    each = torch.rand(2, 12, 14, generator=generator) < 0.5
    result = undula.restore(images, each, method="smooth")
    assert torch.equal(result.missing, each[:, None].expand(2, 3, 12, 14))
    channels = torch.rand(3, 12, 14, generator=generator) < 0.5
    result = undula.restore(images, channels, method="smooth")
    assert torch.equal(result.missing, channels.expand(2, 3, 12, 14))
    for k in range(3):
        alone = undula.restore(images[:, k : k + 1], channels[k], method="smooth").image
        assert torch.allclose(alone, result.image[:, k : k + 1], atol=1e-4)


def test_methods_are_those_of_their_files(half):
    image, missing = half
    flat, gone = image[None], missing[None]
    assert torch.equal(undula.restore(image, missing, method="descent").image, descent(flat, gone)[0])
    done = undula.restore(image, missing, method="smooth", steps=3).image
    assert torch.equal(done, torch.where(missing, smooth(flat, gone, steps=3)[0].clamp(0, 1), image))


def test_large_images_are_done_a_few_planes_at_a_time(half, monkeypatch):
    images = torch.stack([half[0]] * 5)
    together = undula.restore(images, half[1], method="smooth").image
    monkeypatch.setattr("undula.jobs.restore.call._AT_ONCE", 2 * 20 * 26)
    assert torch.allclose(undula.restore(images, half[1], method="smooth").image, together, atol=1e-5)


def _settled(color, missing):
    planes = smooth(color.flatten(0, 1), missing.flatten(0, 1), steps=16, half_steps=0)
    return planes.reshape(color.shape).clamp(0, 1)


def test_color_is_plane_by_plane_where_the_network_adds_nothing(use_network, generator):
    use_network(tail=0.0)
    color = torch.rand(2, 3, 24, 20, generator=generator)
    missing = torch.rand(2, 24, 20, generator=generator) < 0.6
    result = undula.restore(color, missing)
    planes = _settled(color, missing[:, None].expand(color.shape))  # linear where it has arrived, as it nearly has
    assert torch.allclose(result.image, planes, atol=2e-3)
    expected = np.exp(-3) * np.sqrt((3**0.5 / 3**0.5) ** 2 + 2**2 / 2 + 2**2 / 6)  # of red: three planes' widths
    assert torch.allclose(result.interval[:, 0][missing], torch.tensor(expected).float(), rtol=1e-4)
    apart = missing[:, None].expand(2, 3, 24, 20).clone()
    apart[:, 1] = ~apart[:, 1]
    result = undula.restore(color, apart)
    assert torch.allclose(result.image, _settled(color, apart), atol=1e-5)
    assert torch.allclose(result.interval[apart], torch.tensor(-3.0).exp(), rtol=1e-4)


def test_intervals_are_zero_at_known_pixels_and_widened_as_the_model_says(use_network, half):
    image, missing = half
    once = undula.restore(image, missing).interval
    assert (once[~missing] == 0).all() and (once[missing] > 0).all()
    use_network(widening=2.0)
    assert torch.allclose(undula.restore(image, missing).interval, 2 * once)


def test_noise_changes_known_pixels_and_says_how_much_to_the_network(half):
    image, missing = half
    quiet = undula.restore(image, missing)
    noisy = undula.restore(image, missing, noise=10 / 255)
    assert not torch.equal(noisy.image[~missing], image[~missing])
    assert (noisy.interval[~missing] > 0).all()
    assert not torch.allclose(noisy.image, quiet.image, atol=1e-4)
    both = undula.restore(torch.stack([image, image])[:, None], missing, noise=[10 / 255, 20 / 255])
    assert torch.allclose(both.image[0, 0], noisy.image, atol=1e-4)


def test_known_pixels_beyond_black_and_white_stay():
    image = torch.full((12, 12), 0.5)
    image[3, 3], image[5, 5] = -0.04, 1.06
    missing = torch.zeros(12, 12, dtype=torch.bool)
    missing[4, 4] = True
    result = undula.restore(image, missing, method="smooth")
    assert torch.equal(result.image[~missing], image[~missing])


def test_nan_is_missing_and_said(half):
    image, missing = half
    holes = torch.where(missing, float("nan"), 0.2 + 0.6 * image)
    result = undula.restore(holes, method="smooth")
    assert torch.equal(result.missing, missing) and result.image.isfinite().all()
    assert f"{int(missing.sum())} values were NaN and taken for missing" in result.advice
    whole = undula.restore(torch.where(missing, 0.5, holes), missing, method="smooth")
    assert torch.equal(whole.image, result.image)
    holes = torch.full((6, 6), 0.5)
    holes[2, 3] = float("nan")
    corner = torch.zeros(6, 6, dtype=torch.bool)
    corner[0, 0] = True
    result = undula.restore(holes, corner)
    assert result.missing.sum() == 2 and "1 value was NaN and taken for missing" in result.advice


def test_what_is_missing_is_found(damage):
    picture = undula.data.drawn_leaves(1, height=96, width=96, color=False)[0]
    damaged, missing = damage(picture, share=0.7)
    result = undula.restore(damaged, method="smooth")
    assert result.search.precision > 0.99 and result.search.recall > 0.99
    assert result.missing[0][missing].float().mean() > 0.999
    assert (result.image - picture).abs().mean() < 0.1 * (damaged - picture).abs().mean()
    untouched = undula.restore(picture)
    assert torch.equal(untouched.image, picture) and untouched.share == (0.0,)
    assert "nothing is missing: the image is unchanged" in untouched.advice


def test_almost_everything_missing_is_said(generator):
    image = torch.rand(40, 40, generator=generator)
    missing = torch.ones(40, 40, dtype=torch.bool)
    missing[::20, ::20] = False
    assert "99.8% of the pixels are missing" in undula.restore(image, missing, method="smooth").advice[0]


@pytest.mark.parametrize("shape", [(1, 1), (3, 1, 1), (1, 9), (7, 1)])
@pytest.mark.parametrize("method", METHODS)
def test_smallest_images(shape, method, generator):
    image = 0.1 + 0.8 * torch.rand(shape, generator=generator)
    assert torch.equal(undula.restore(image, torch.zeros(shape, dtype=torch.bool), method=method).image, image)
    assert torch.equal(undula.restore(image, method=method).image, image)


@pytest.mark.parametrize("method", ["best", "smooth", "tv"])
def test_volumes(method, generator):
    volume = torch.rand(2, 1, 6, 7, 8, generator=generator)
    missing = torch.rand(6, 7, 8, generator=generator) < 0.5
    result = undula.restore(volume, missing, method=method, dims=3)
    assert result.image.shape == volume.shape and result.interval is None
    assert torch.equal(result.image[~result.missing], volume[~result.missing])
    if method != "tv":
        expected = smooth(volume[:, 0], missing.expand(2, 6, 7, 8)).clamp(0, 1)
        assert torch.allclose(result.image[:, 0], expected, atol=1e-6)
    assert undula.restore(volume[0, 0], missing, method=method, dims=3).image.shape == (6, 7, 8)


def test_the_callback_sees_the_descent_and_the_share_that_is_done(half):
    image, missing = half
    seen = {}
    result = undula.restore(
        image, missing, method="descent", steps=30, callback=lambda step, told: seen.update({step: told})
    )
    assert list(seen) == list(range(1, 31))
    assert [record["step"] for record in result.history] == [10, 20, 30]
    assert result.history[-1]["roughness"] == pytest.approx(roughness(result.image[None]).tolist())
    shares = []
    undula.restore(image, missing, callback=lambda step, told: shares.append((step, told["share"])))
    assert shares[-1] == (100, 1.0) and len(shares) == 8


def test_saved_files(half, tmp_path):
    image, missing = half
    result = undula.restore(image, missing, method="smooth")
    folder = result.save(tmp_path / "one")
    assert (read_image(folder / "restored.png")[0] - result.image).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(read_image(folder / "restored-missing.png")[0] > 0.5, missing)
    known = json.loads((folder / "run.json").read_text())
    assert known["share"] == list(result.share) and known["search"] is None
    many = undula.restore(torch.rand(2, 3, 9, 8), torch.rand(9, 8) < 0.5, method="smooth").save(tmp_path / "many")
    assert read_image(many / "restored-0001.png").shape == (3, 9, 8)
    with pytest.raises(ShapeError, match="expected 1, 3 or 4 channels"):
        undula.restore(torch.rand(5, 9, 8), torch.rand(9, 8) < 0.5, method="smooth").save(tmp_path)


REFUSED = {
    "everything missing": (
        torch.rand(6, 7), torch.ones(6, 7).bool(), {}, DataError, "every pixel is missing.*turn the mask around",
    ),
    "all of one item": (
        torch.rand(2, 1, 6, 7), torch.tensor([True, False])[:, None, None].expand(2, 6, 7), {}, DataError, "every pixel",
    ),
    "nothing but NaN": (torch.full((6, 7), float("nan")), None, {}, DataError, "every pixel is missing"),
    "another size": (
        torch.rand(6, 7), torch.zeros(7, 6).bool(), {}, ShapeError,
        r"missing of shape \(7, 6\) for images of shape \(6, 7\).*make it anew",
    ),
    "a grey mask": (torch.rand(6, 7), torch.rand(6, 7), {}, OptionError, "missing of type torch.float32, expected booleans"),
    "a list for a mask": (torch.rand(6, 7), [[True]], {}, OptionError, "missing of type list"),
    "bytes": (torch.zeros(6, 7, dtype=torch.uint8), None, {}, RangeError, "divide by 255"),
    "grey levels": (torch.full((6, 7), 128.0), None, {}, RangeError, r"got values 128…128, expected \[0, 1\]"),
    "infinity": (torch.full((6, 7), float("-inf")), None, {}, RangeError, "got values"),
    "one axis": (torch.rand(6), None, {}, ShapeError, "at least 2 axes"),
    "a list": ([[0.5]], None, {}, ShapeError, "of type list"),
    "nothing": (torch.rand(0, 6), None, {}, ShapeError, "not empty"),
    "channels last": (torch.rand(6, 7, 3), None, {}, ShapeError, r"channels last.*transpose\(2, 0, 1\)"),
    "dims": (torch.rand(6, 7), None, {"dims": 1}, OptionError, "got dims=1, expected 2 for images or 3 for volumes"),
    "tile": (torch.rand(6, 7), None, {"tile": 8}, OptionError, "got tile=8"),
    "noise of another method": (torch.rand(6, 7), None, {"noise": 0.1, "method": "tv"}, OptionError, "got noise with"),
    "noise of a volume": (torch.rand(6, 7, 8), None, {"noise": 0.1, "dims": 3}, OptionError, "got noise with"),
    "noise in grey levels": (torch.rand(6, 7), torch.eye(6, 7).bool(), {"noise": 10.0}, RangeError, "divide by 255"),
    "descent of a volume": (torch.rand(6, 7, 8), None, {"method": "descent", "dims": 3}, OptionError, "method='smooth'"),
    "a volume without a mask": (torch.rand(6, 7, 8), None, {"dims": 3}, OptionError, "a volume and no missing"),
    "steps of best": (torch.rand(6, 7), None, {"steps": 5}, OptionError, "another method than 'best'"),
    "no steps": (torch.rand(6, 7), None, {"steps": 0, "method": "tv"}, OptionError, "got steps=0"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    image, missing, options, error, text = REFUSED[case]
    with pytest.raises(error, match=text):
        undula.restore(image, missing, **options)


def test_a_method_that_is_none(unchecked):
    with pytest.raises(OptionError, match="got method='worst', expected one of best, smooth, tv, descent"):
        unchecked("undula.jobs.restore.call").restore(torch.rand(6, 7), method="worst")
