"""Denoisers: shapes and kinds, tiles, keeping and exporting, noise measured, refusals."""

import json

import numpy as np
import pytest
import scipy.ndimage
import torch

import undula
from undula.data.opponent import from_opponent, to_opponent
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.denoise.denoiser import Denoiser
from undula.nets import NoiseLevel, UNet


@pytest.fixture
def denoiser():
    """A small network that does something."""
    torch.manual_seed(0)
    network = UNet(widths=(6, 8), blocks=(1, 1))
    torch.nn.init.normal_(network.tail.weight, std=0.1)
    return Denoiser(network, noise_level=NoiseLevel(4))


def test_shape_type_and_kind_come_back(denoiser):
    for shape in ((20, 31), (1, 20, 31), (3, 1, 24, 24)):
        image = torch.rand(shape, dtype=torch.float64)
        out = denoiser.transform(image, sigma=0.1)
        assert out.shape == shape and out.dtype == torch.float64
        array = denoiser.transform(image.numpy().astype(np.float32), sigma=0.1)
        assert isinstance(array, np.ndarray) and array.dtype == np.float32
        np.testing.assert_allclose(array, out.numpy(), atol=1e-6)


def test_tiles_give_what_the_whole_gives(denoiser):
    image = torch.rand(1, 301, 213)
    whole = denoiser.transform(image, sigma=0.1, tile=4096)
    assert (whole - image).abs().max() > 0.01
    for tile in (32, 50, 97):
        assert (denoiser.transform(image, sigma=0.1, tile=tile) - whole).abs().max() < 1e-5


def test_items_of_a_batch_are_independent(denoiser):
    images = torch.rand(3, 1, 40, 40)
    sigmas = torch.tensor([0.05, 0.1, 0.2])
    together = denoiser.transform(images, sigma=sigmas)
    for place in range(3):
        alone = denoiser.transform(images[place], sigma=float(sigmas[place]))
        assert (alone - together[place]).abs().max() < 1e-5


def test_color_goes_through_a_grey_network_in_opponent_planes(denoiser):
    color = torch.rand(2, 3, 24, 24)
    assert torch.allclose(from_opponent(to_opponent(color)), color, atol=1e-6)
    planes = to_opponent(color)
    done = [denoiser.transform(planes[:, place : place + 1], sigma=0.1) for place in range(3)]
    assert torch.allclose(denoiser.transform(color, sigma=0.1), from_opponent(torch.cat(done, dim=1)), atol=1e-5)


def test_white_noise_stays_white_in_opponent_planes():
    """The transform is orthonormal: its inverse is its transpose."""
    rows = to_opponent(torch.eye(3, dtype=torch.float64)[:, :, None, None])[:, :, 0, 0]
    assert torch.allclose(rows @ rows.T, torch.eye(3, dtype=torch.float64), atol=1e-12)


def test_what_was_saved_is_loaded(denoiser, tmp_path):
    denoiser.facts = {"levels": [0.1, 0.2]}
    again = Denoiser.load(denoiser.save(tmp_path / "model"))
    image = torch.rand(1, 24, 24)
    assert torch.equal(again.transform(image, sigma=0.1), denoiser.transform(image, sigma=0.1))
    assert torch.equal(again.estimate(image), denoiser.estimate(image)) and again.facts == denoiser.facts
    halves = Denoiser.load(denoiser.save(tmp_path / "half", half=True))
    assert (halves.transform(image, sigma=0.1) - denoiser.transform(image, sigma=0.1)).abs().max() < 1e-2


def test_models_that_cannot_be_read(denoiser, tmp_path):
    folder = denoiser.save(tmp_path / "model")
    weights = (folder / "model.safetensors").read_bytes()
    for damaged in (weights[:100], weights[:-40], b"", b"PK\x03\x04" + weights):
        (folder / "model.safetensors").write_bytes(damaged)
        with pytest.raises(DataError, match=r"model\.safetensors"):
            Denoiser.load(folder)
    (folder / "model.safetensors").write_bytes(weights)
    config = json.loads((folder / "config.json").read_text())
    for wrong, words in (({**config, "format": 7}, "got a model of format 7"), ([], "got a model of format None")):
        (folder / "config.json").write_text(json.dumps(wrong))
        with pytest.raises(DataError, match=words):
            Denoiser.load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json"):
        Denoiser.load(folder)
    with pytest.raises(DataError, match="does not exist"):
        Denoiser.load(tmp_path / "nowhere")


def test_an_exported_program_computes_the_same(denoiser, tmp_path):
    file = denoiser.export(tmp_path / "network.pt2", size=(32, 40))
    program = torch.export.load(file).module()
    images, sigma = torch.rand(3, 1, 32, 40), torch.tensor([0.1, 0.2, 0.3])
    assert torch.allclose(program(images, sigma), denoiser.transform(images, sigma=sigma), atol=1e-6)


@pytest.mark.parametrize(
    ("image", "options", "error", "words"),
    [
        (torch.zeros(8, 8, dtype=torch.uint8), {"sigma": 0.1}, RangeError, "divide by 255"),
        (torch.full((8, 8), 90.0), {"sigma": 0.1}, RangeError, "divide by 255"),
        (torch.full((8, 8), torch.nan), {"sigma": 0.1}, RangeError, "NaN"),
        (torch.zeros(8, 9, 3), {"sigma": 0.1}, ShapeError, "channels last"),
        (torch.zeros(1, 2, 8, 9), {"sigma": 0.1}, ShapeError, "got images with 2 channels"),
        (torch.zeros(0, 8), {"sigma": 0.1}, ShapeError, "not empty"),
        (torch.zeros(1, 1, 1, 8, 8), {"sigma": 0.1}, ShapeError, "expected .height, width."),
        (torch.zeros(8, 8), {"sigma": 25}, RangeError, "where 1 is white: divide by 255"),
        (torch.zeros(8, 8), {"sigma": -0.1}, RangeError, "from 0 on"),
        (torch.zeros(8, 8), {"sigma": [0.1, 0.2]}, ShapeError, "2 noise levels for 1 images"),
        (torch.zeros(8, 8), {"sigma": 0.1, "tile": 8}, OptionError, "at least 32"),
        (torch.zeros(8, 8), {}, ShapeError, "sides of at least 21"),
    ],
)
def test_refusals(denoiser, image, options, error, words):
    with pytest.raises(error, match=words):
        denoiser.transform(image, **options)


def test_nothing_fitted():
    with pytest.raises(OptionError, match="fit it, or load one"):
        Denoiser().transform(torch.zeros(8, 8), sigma=0.1)
    with pytest.raises(OptionError, match="sigma=25/255"):
        Denoiser(UNet(widths=(4,), blocks=(1,))).transform(torch.zeros(32, 32))


def blurred(images, width):
    return torch.from_numpy(scipy.ndimage.gaussian_filter(images.numpy(), (0, 0, width, width)))


def test_what_ships_beats_a_blur_and_measures_noise(generator):
    """Margins over a Gaussian blur of the best width, on a drawn ring that it has never seen."""
    clean = 0.2 + 0.6 * undula.data.ring_pair()[0][None, None]
    for sigma in (15 / 255, 40 / 255):
        noisy = clean + sigma * torch.randn(clean.shape, generator=generator)
        result = undula.denoise(noisy)
        assert result.sigma == pytest.approx(sigma, rel=0.05) and result.measured
        error = undula.metrics.mean_squared_error(result.image, clean, dims=3)
        blurs = [undula.metrics.mean_squared_error(blurred(noisy, w), clean, dims=3) for w in (0.5, 0.7, 1.0, 1.5, 2.0)]
        assert error < 0.5 * torch.stack(blurs).min()


def test_the_result_is_saved(tmp_path, generator):
    result = undula.denoise(torch.rand(2, 3, 40, 40, generator=generator).numpy(), sigma=0.1)
    folder = result.save(tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["denoised-0000.png", "denoised-0001.png", "run.json"]
    assert json.loads((folder / "run.json").read_text())["sigma"] == pytest.approx([0.1, 0.1])
