"""`undula.DampedAutoencoder`: what it learns, what it says, what it refuses, and how `estimate` starts from it."""

import json
import math

import numpy as np
import pytest
import torch

import undula
from undula.cli import main
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.estimate.autoencoder.examination import errors, outlier_share, polished
from undula.jobs.estimate.autoencoder.latent import LatentSpace
from undula.jobs.estimate.autoencoder.model import DampedAutoencoder
from undula.jobs.estimate.autoencoder.prior import Prior
from undula.jobs.estimate.autoencoder.training import Batch, Recipe, make_halves, objective, parameter_errors
from undula.nets import UNet
from undula.nets.storage import write_model

TINY = {"steps": 3, "batch": 8, "widths": (8, 8)}
NUMBERS = torch.arange(300)


@pytest.fixture(scope="module")
def easy() -> DampedAutoencoder:
    """Thirty samples, high frequencies, little noise: learned in seconds."""
    return DampedAutoencoder().fit(
        samples=32, frequency=(0.2, 0.3), decay_time=(10.0, 20.0), snr=(10.0, 30.0), widths=(64, 64), steps=400,
        batch=128, rate=5e-3,
    )  # fmt: skip


def test_it_learns_and_the_polish_does_the_rest(easy):
    drawn = easy.prior.draw(NUMBERS, seed=9, snr=20.0)
    found = easy.encode(drawn.signal)
    # A guess that knows only the prior errs by 0.025 on average, the deviation of the frequencies being 0.029.
    assert float((found[..., 0] - drawn.truth[..., 0]).abs().mean()) < 0.005
    assert outlier_share(errors(drawn, polished(drawn.signal, found))) <= 0.01
    after = easy.facts["validation"][1]
    assert after["outliers_polished"] <= 0.01 and after["match"] > 0.9
    assert [record["snr"] for record in easy.facts["validation"]] == [10.0, 20.0, 30.0]


def test_estimate_starts_from_it_and_ends_where_the_classical_search_does(easy):
    drawn = easy.prior.draw(NUMBERS[:40], seed=9, snr=25.0)
    signal = drawn.signal.double()
    learned = undula.estimate(signal, method="autoencoder", weights=easy)
    classical = undula.estimate(signal)
    torch.testing.assert_close(learned.frequency, classical.frequency, atol=1e-5, rtol=0)
    torch.testing.assert_close(learned.amplitude, classical.amplitude, atol=3e-3, rtol=0)
    raw = undula.estimate(signal, method="autoencoder", weights=easy, polish=False)
    torch.testing.assert_close(raw.frequency[:, 0], easy.encode(signal)[:, 0, 0].double(), atol=1e-6, rtol=0)
    # Amplitudes of the raw start are those of linear least squares: the residual is orthogonal to the waves.
    time = torch.arange(32.0).double()
    wave = torch.exp(-time * raw.decay_rate) * torch.exp(2j * math.pi * raw.frequency * time)
    across = (raw.residual * wave).sum(dim=1).abs() / wave.abs().norm(dim=1) / raw.residual.norm(dim=1)
    assert float(across.max()) < 1e-9
    assert learned.arguments["weights"] == "DampedAutoencoder"


def test_units_shapes_and_kinds(easy):
    drawn = easy.prior.draw(NUMBERS[:6], seed=9, snr=20.0)
    plain = easy.transform(drawn.signal)
    scaled = easy.transform((7 * drawn.signal).double().numpy().reshape(2, 3, 32), rate=1000.0)
    assert isinstance(scaled.frequency, np.ndarray) and scaled.waveform.shape == (2, 3, 32)
    np.testing.assert_allclose(scaled.frequency.reshape(6, 1), 1000 * plain.frequency.numpy(), rtol=1e-5)
    np.testing.assert_allclose(scaled.decay_time.reshape(6, 1), plain.decay_time.numpy() / 1000, rtol=1e-4)
    np.testing.assert_allclose(scaled.amplitude.reshape(6, 1), 7 * plain.amplitude.numpy(), rtol=1e-4)
    np.testing.assert_allclose(scaled.quality_factor, np.pi * scaled.frequency * scaled.decay_time)
    assert easy.transform(drawn.signal[0]).frequency.shape == (1,)
    # The physics decoder gives the waves of the parameters.
    time = torch.arange(32)
    wave = plain.amplitude * torch.exp(-time / plain.decay_time)
    wave = wave * torch.cos(2 * math.pi * plain.frequency * time + plain.phase)
    torch.testing.assert_close(plain.waveform, wave, atol=1e-4, rtol=0)
    assert torch.isfinite(easy.transform(torch.zeros(32)).frequency).all()


def test_components_come_by_amplitude():
    two = DampedAutoencoder().fit(components=2, **TINY)
    amplitude = two.transform(torch.randn(9, 128)).amplitude
    assert bool((amplitude[:, 0] >= amplitude[:, 1]).all())
    frequency = two.encode(torch.randn(9, 128))[..., 0]
    assert frequency.shape == (9, 2) and bool(((frequency >= 0) & (frequency <= 0.5)).all())


def test_halves_of_a_network_decoder_do_not_see_each_others_errors():
    prior, recipe = Prior(components=2), Recipe(decoder="network", widths=(16, 12, 8))
    space, halves = LatentSpace(prior), make_halves(LatentSpace(prior), recipe)
    assert [layer.out_features for layer in halves.decoder.layers if hasattr(layer, "out_features")] == [8, 12, 16, 128]
    batch = Batch(torch.randn(4, 128), torch.randn(4, 128), torch.randn(4, 8))
    _, parts = objective(space, recipe)(halves, batch)
    parts["waveform"].backward(retain_graph=True)
    assert all(each.grad is None for each in halves.encoder.parameters())
    halves.zero_grad()
    parts["parameters"].backward()
    assert all(each.grad is None or not each.grad.any() for each in halves.decoder.parameters())


def test_parameter_errors_are_parabola_and_line():
    error = torch.tensor([[1e-3, 1000.0]], dtype=torch.float64)
    found = parameter_errors(error, torch.zeros_like(error))
    np.testing.assert_allclose(found.numpy(), [[0.5e-6, 999.0]], rtol=1e-3)


@pytest.mark.parametrize("decoder", ["physics", "network"])
def test_saved_and_loaded_it_says_the_same(decoder, tmp_path):
    made = DampedAutoencoder().fit(components=2, prior="gaussian", decoder=decoder, samples=40, **TINY)
    again = DampedAutoencoder.load(made.save(tmp_path / "model"))
    signal = torch.randn(5, 40, generator=torch.Generator().manual_seed(2))
    for one, other in zip(made.decode(signal), again.decode(signal), strict=True):
        assert torch.equal(one, other)
    assert again.prior == made.prior and again.facts == made.facts
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["prior"]["kind"] == "gaussian" and "outliers" in config["validation"][0]
    half = DampedAutoencoder.load(made.save(tmp_path / "half", half=True))
    torch.testing.assert_close(half.encode(signal)[..., 0], made.encode(signal)[..., 0], atol=2e-3, rtol=0)


def test_the_same_call_goes_on_and_gives_the_same(tmp_path):
    options = {"components": 2, "batch": 8, "widths": (8,), "steps": 60}
    first = DampedAutoencoder().fit(folder=tmp_path / "run", **options)

    def stop(step, progress):
        if step == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        DampedAutoencoder().fit(folder=tmp_path / "stopped", callback=stop, **options)
    again = DampedAutoencoder().fit(folder=tmp_path / "stopped", **options)
    for one, other in zip(first.halves.parameters(), again.halves.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(DataError, match="kind"):
        DampedAutoencoder().fit(folder=tmp_path / "run", prior="gaussian", **options)


@pytest.mark.parametrize("components", [1, 2, 3, 4, 5])
def test_shipped_weights_are_small_and_as_good_as_they_say(components):
    shipped = DampedAutoencoder.pretrained(components)
    assert 2 * sum(each.numel() for each in shipped.halves.parameters()) < 600_000  # bytes, in half precision
    said = shipped.facts["validation"][1]
    drawn = shipped.prior.draw(NUMBERS, seed=77, snr=said["snr"])
    found = shipped.encode(drawn.signal)
    bins = 128 * (found[..., 0] - drawn.truth[..., 0]).abs().median()
    assert float(bins) == pytest.approx(said["frequency"], rel=0.3)
    assert outlier_share(errors(drawn, polished(drawn.signal, found))) <= said["outliers_polished"] + 0.02


def test_refused(easy, tmp_path):
    with pytest.raises(OptionError, match="without networks"):
        DampedAutoencoder().transform(torch.zeros(128))
    with pytest.raises(ShapeError, match=r"expected \(…, 32\).*samples=31"):
        easy.transform(torch.zeros(31))
    with pytest.raises(RangeError, match="real numbers without gaps"):
        easy.transform(torch.full((32,), torch.nan))
    with pytest.raises(RangeError, match="got rate=0"):
        easy.transform(torch.zeros(32), rate=0.0)
    with pytest.raises(OptionError, match="did you mean samples"):
        DampedAutoencoder().fit(sample=3)
    with pytest.raises(OptionError, match="got components=7"):
        DampedAutoencoder.pretrained(7)
    with pytest.raises(DataError, match=r"config\.json"):
        DampedAutoencoder.load(tmp_path)
    foreign = write_model(tmp_path / "foreign", {"network": UNet(1, widths=(4, 6), blocks=(1, 1))}, {})
    with pytest.raises(DataError, match="model of another job"):
        DampedAutoencoder.load(foreign)
    config = easy.save(tmp_path / "changed") / "config.json"
    config.write_text(config.read_text().replace('"samples": 32', '"samples": 64'))
    with pytest.raises(DataError, match="belong to different models"):
        DampedAutoencoder.load(tmp_path / "changed")


@pytest.mark.parametrize(
    ("signal", "options", "words"),
    [
        (torch.randn(31), {}, "with 31 samples, expected 32 real samples"),
        (torch.randn(32, dtype=torch.complex64), {}, "with complex signals"),
        (torch.randn(32).index_fill(0, torch.tensor([3]), torch.nan), {}, "with gaps"),
        (torch.randn(2, 32), {"shared": True}, "with shared modes"),
        (torch.randn(32), {"times": torch.arange(32.0) ** 1.1}, "with uneven sampling"),
        (torch.randn(32), {"noise": torch.randn(200)}, "with colored noise"),
        (torch.randn(32), {"components": 2}, "got an autoencoder of 1 components, expected one of 2"),
        (torch.randn(32), {"method": "esprit"}, "got weights with method='esprit'"),
    ],
)
def test_estimate_refuses_what_it_was_not_trained_for(easy, signal, options, words):
    with pytest.raises(OptionError, match=words):
        undula.estimate(signal, **{"method": "autoencoder", "weights": easy, **options})


def test_the_command_trains_and_estimates(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["estimate", "train", "-o", "model", "--steps", "5", "--batch", "8", "--samples", "48", "--components", "2"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == "estimate train" and len(told["validation"]) == 3
    run = json.loads((tmp_path / "model" / "run.json").read_text())
    assert run["arguments"]["prior"]["samples"] == 48 and "outliers_polished" in run["validation"][0]
    assert (tmp_path / "model" / "training.png").stat().st_size > 5000
    drawn = Prior(kind="uniform", components=2, samples=48).draw(NUMBERS[:2], snr=30.0)
    np.save("signals.npy", drawn.signal.double().numpy())
    options = ["--rate", "100", "--components", "2", "--method", "autoencoder"]
    assert main(["estimate", "signals.npy", *options, "--weights", "model", "-o", "out", "--quiet"]) in (0, 1)
    assert (tmp_path / "out" / "modes.csv").is_file()
    assert main(["estimate", "signals.npy", *options, "--weights", "nowhere", "-o", "other"]) != 0
    assert "nowhere" in capsys.readouterr().err
    assert main([*words, "--steps", "5", "--snr", "9", "3"]) == 2
