"""Training denoisers: examples by number, what is learned, pairs, and what goes wrong."""

import pytest
import torch

from undula.data import Pictures, write_image
from undula.data.crops import Crops
from undula.errors import DataError, OptionError, RangeError, ShapeError, TrainingError
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.denoise.examples import Examples, Validation
from undula.losses import MeanSquaredError
from undula.nets import UNet

SMALL = {"size": 16, "batch": 2, "precision": "float32"}


def network(channels=1):
    torch.manual_seed(0)
    return UNet(channels, widths=(8, 12), blocks=(1, 1))


@pytest.fixture
def pictures(generator):
    """Smooth pictures: noise in them is easily told."""
    coarse = torch.rand(6, 1, 5, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(40, 48), mode="bicubic").clamp(0, 1)


def test_examples_have_the_noise_they_say(pictures):
    examples = Examples(Crops(list(pictures), size=40), (0.05, 0.2))
    batch = examples(torch.arange(200))
    noise = batch["noisy"] - batch["clean"]
    assert torch.allclose(noise.flatten(1).std(dim=1), batch["sigma"], rtol=0.1)
    assert batch["sigma"].min() >= 0.05 and batch["sigma"].max() <= 0.2 and batch["sigma"].std() > 0.03
    alone = examples(torch.tensor([17]))
    assert all(torch.equal(alone[key][0], batch[key][17]) for key in batch)


def test_pairs_stay_together(pictures, generator):
    noisy = pictures + 0.1 * torch.randn(pictures.shape, generator=generator)
    stacks = [torch.cat(pair) for pair in zip(pictures, noisy, strict=True)]
    batch = Examples(Crops(stacks, size=24), (0.1, 0.1), paired=True)(torch.arange(30))
    assert (batch["sigma"] - 0.1).abs().max() < 0.02 and batch["clean"].max() <= 1


def test_validation_is_the_same_every_time(pictures):
    judge = Validation.of(list(pictures), levels=(0.1, 0.2), size=32)
    value, parts = judge(network())
    assert judge(network()) == (value, parts)
    # a new network returns its input, clipped: the error is that of the noise
    assert parts["PSNR at 26"] == pytest.approx(20, abs=1.0)


def test_a_denoiser_learns(pictures):
    denoiser = Denoiser().fit(pictures, network=network(), noise=0.1, steps=300, rate=3e-3, held_out=2, **SMALL)
    assert denoiser.facts["psnr"] > 24  # with the noise it is 20
    assert denoiser.facts["training"]["loss"] == "charbonnier"


def test_the_same_call_goes_on_and_gives_the_same(pictures, tmp_path):
    options = {"noise": (0.05, 0.1), "steps": 6, "held_out": 0, **SMALL}
    first = Denoiser().fit(pictures, network=network(), folder=tmp_path / "run", **options)
    again = Denoiser().fit(pictures, network=network(), folder=tmp_path / "run", **options)
    other = Denoiser().fit(pictures, network=network(), **options)
    for one, two, three in zip(*(each.network.parameters() for each in (first, again, other)), strict=True):
        assert torch.equal(one, two) and torch.equal(one, three)
    with pytest.raises(DataError, match="loss"):
        Denoiser().fit(pictures, network=network(), folder=tmp_path / "run", loss="mse", **options)


def test_folders_of_pairs(pictures, generator, tmp_path):
    for place, clean in enumerate(pictures):
        write_image(tmp_path / f"{place}_raw.png", clean)
        noise = 0.1 * torch.randn(clean.shape, generator=generator)
        write_image(tmp_path / f"{place}_noised.png", (clean + noise).clamp(0, 1))
    denoiser = Denoiser().fit(tmp_path, network=network(), steps=3, held_out=1, **SMALL)
    assert denoiser.facts["sigma"] == pytest.approx(0.1, rel=0.15)
    assert denoiser.estimate(pictures[0])[0] == pytest.approx(denoiser.facts["sigma"])  # the level of the pairs


def test_a_loss_of_the_caller_and_by_text(pictures):
    for loss in (MeanSquaredError(), "0.8*mse+0.2*fourier"):
        seen = []
        Denoiser().fit(
            pictures, network=network(), noise=0.1, loss=loss, steps=50, held_out=0, **SMALL,
            callback=lambda step, progress: seen.append(progress.check),  # noqa: B023
        )  # fmt: skip
        parts = next(check for check in seen if check is not None).parts
        assert set(parts) == ({"mse", "fourier"} if isinstance(loss, str) else set())


def test_nan_stops_with_the_step(pictures):
    class Broken(MeanSquaredError):
        def items(self, output, target):
            return super().items(output, target) * torch.nan

    with pytest.raises(TrainingError, match="step"):
        Denoiser().fit(pictures, network=network(), loss=Broken(), noise=0.1, steps=60, held_out=0, **SMALL)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"noise": 25.0}, RangeError, "25/255"),
        ({"noise": (0.2, 0.1)}, RangeError, "got noise"),
        ({"noise": -0.1}, RangeError, "got noise"),
        ({"loss": "msee"}, OptionError, "did you mean mse"),
        ({"held_out": 6}, OptionError, "got 6 of 6 pictures held out"),
        ({"stesp": 7}, OptionError, "did you mean steps"),
    ],
)
def test_refused_recipes(pictures, options, error, words):
    with pytest.raises(error, match=words):
        Denoiser().fit(pictures, **{"noise": 0.1, "steps": 1, **options})


def test_refused_pictures(tmp_path):
    with pytest.raises(DataError, match="at least one: folders inside are not searched"):
        Denoiser().fit(tmp_path)
    with pytest.raises(ShapeError, match="at least 16"):
        Denoiser().fit(torch.rand(2, 1, 12, 40))
    with pytest.raises(ShapeError, match="expected floats"):
        Denoiser().fit(torch.zeros(2, 1, 40, 40, dtype=torch.uint8))
    with pytest.raises(ShapeError):
        Denoiser().fit(Pictures(["a", "b"], [torch.rand(1, 40, 40), torch.rand(3, 40, 40)], None, {}), steps=1)
