"""Filling with a network: tiles, views from eight sides, progress; what it has learned is tested with the weights."""

import itertools

import pytest
import torch

from undula.errors import DataError
from undula.jobs.restore.learned import learned
from undula.jobs.restore.model import Model, shipped
from undula.jobs.restore.smooth import smooth
from undula.nets import UNet
from undula.nets.filler import Filler
from undula.nets.storage import write_model

NO_NOISE = torch.zeros(1)


@pytest.fixture
def image(generator):
    return torch.rand(1, 96, 75, generator=generator), torch.rand(1, 96, 75, generator=generator) < 0.8


def test_tiles_give_what_the_whole_gives(network, image):
    whole, width = learned(*image, network=network, sigma=NO_NOISE, tile=4096)
    assert (whole - smooth(*image)).abs().max() > 0.01 and width.std() > 0
    for tile in (16, 33):
        filled, tiled = learned(*image, network=network, sigma=NO_NOISE, tile=tile)
        assert (filled - whole).abs().max() < 1e-5 and (tiled - width).abs().max() < 1e-5


def test_eight_views_turn_with_the_picture(network, generator):
    image = torch.rand(1, 32, 32, generator=generator, dtype=torch.float64)  # else the smooth filling's rounding shows
    missing = torch.rand(1, 32, 32, generator=generator) < 0.8
    for views, most in ((8, 1e-5), (1, None)):
        filled, width = learned(image, missing, network=network, sigma=NO_NOISE, tile=4096, views=views)
        furthest = 0.0
        for turned, mirrored in itertools.product(range(4), (False, True)):

            def seen(x, turned=turned, mirrored=mirrored):
                return torch.rot90(x.flip(-1) if mirrored else x, turned, (-2, -1))

            other, wide = learned(seen(image), seen(missing), network=network, sigma=NO_NOISE, tile=4096, views=views)
            furthest = max(furthest, *(float((a - seen(b)).abs().max()) for a, b in ((other, filled), (wide, width))))
        assert furthest < most if most else furthest > 1e-3, furthest


def test_items_are_independent_and_each_has_its_noise(network, generator):
    images = torch.rand(3, 24, 20, generator=generator)
    missing = torch.rand(images.shape, generator=generator) < 0.5
    sigma = torch.tensor([0.0, 0.05, 0.2])
    together, widths = learned(images, missing, network=network, sigma=sigma, tile=4096)
    for k in range(3):
        alone, width = learned(
            images[k : k + 1], missing[k : k + 1], network=network, sigma=sigma[k : k + 1], tile=4096
        )
        assert (alone[0] - together[k]).abs().max() < 1e-5 and (width[0] - widths[k]).abs().max() < 1e-5
    silent, _ = learned(images, missing, network=network, sigma=torch.zeros(3), tile=4096)
    assert torch.allclose(silent[0], together[0], atol=1e-6) and (silent[2] - together[2]).abs().max() > 1e-4


def test_type_of_the_image_and_progress(network, image):
    told = []
    filled, _ = learned(
        image[0].double(),
        image[1],
        network=network,
        sigma=NO_NOISE,
        tile=4096,
        callback=lambda share: told.append(share),
    )
    assert filled.dtype == torch.float64
    assert told == pytest.approx([k / 8 for k in range(1, 9)])


def test_models_are_kept_and_others_refused(network, tmp_path):
    areas = UNet(3, widths=(4,), blocks=(1,))
    Model(network, areas, {"widening": {"0.5": 1.0, "0.95": 2.0}}).save(tmp_path / "model")
    again = Model.load(tmp_path / "model")
    left = torch.tensor([0.9, 0.5, (0.5 * 0.05) ** 0.5, 0.05, 0.01])
    assert torch.allclose(again.widening(1 - left), torch.tensor([1.0, 1.0, 1.5, 2.0, 2.0]), atol=1e-5)
    for name, value in network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)
    write_model(tmp_path / "other", {"unet": UNet(1, widths=(4,), blocks=(1,))}, {})
    with pytest.raises(DataError, match="a model with unet"):
        Model.load(tmp_path / "other")


def test_the_shipped_model_is_small_and_one():
    from importlib.resources import files

    weights = files("undula.jobs.restore") / "weights" / "model.safetensors"
    assert len(weights.read_bytes()) <= 2 * 2**20
    assert (
        isinstance(shipped().network, Filler)
        and shipped() is shipped()
        and (shipped().widening(torch.linspace(0, 1, 5)) > 0).all()
    )
