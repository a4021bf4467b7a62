"""What autoencoders are trained on: drawn signals, and the latent space, against closed forms and SciPy."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.estimate.autoencoder.examination import deviations, errors, outlier_share, polished, record_of
from undula.jobs.estimate.autoencoder.latent import LatentSpace, brought_to_size, features
from undula.jobs.estimate.autoencoder.prior import Prior, waves
from undula.jobs.estimate.bound import Waves, cramer_rao
from undula.jobs.estimate.waves import waveform

NUMBERS = torch.arange(4000)


@pytest.mark.parametrize("kind", ["uniform", "gaussian"])
@pytest.mark.parametrize("components", [1, 2, 5])
def test_signals_are_what_the_truth_says(kind, components):
    drawn = Prior(kind=kind, components=components).draw(NUMBERS[:200])
    frequency, decay, amplitude, phase = drawn.truth.double().unbind(dim=2)
    oracle = waveform(
        torch.arange(128.0).double(), amplitude=amplitude, frequency=frequency, decay_rate=1 / decay, phase=phase
    )
    torch.testing.assert_close(drawn.clean.double(), oracle, atol=2e-4, rtol=0)  # single precision of 2π f t
    assert bool((frequency.diff(dim=1) > 0).all())
    noise = (drawn.signal - drawn.clean) / drawn.deviation[:, None]
    assert scipy.stats.kstest(noise.flatten().numpy()[:20000], "norm").pvalue > 1e-3
    decibels = 10 * torch.log10(drawn.clean.square().mean(dim=1) / drawn.deviation.square())
    assert float(decibels.min()) >= -1e-3 and float(decibels.max()) <= 30.001 and float(decibels.std()) > 8


def test_uniform_frequencies_are_those_of_drawing_again_until_they_are_apart():
    prior = Prior(kind="uniform", components=3, apart=0.05)
    ours = prior.draw(NUMBERS).truth[..., 0].numpy()
    again = np.sort(np.random.default_rng(0).uniform(0.05, 0.45, (40000, 3)), axis=1)
    again = again[np.diff(again, axis=1).min(axis=1) >= 0.05]
    for component in range(3):
        assert scipy.stats.ks_2samp(ours[:, component], again[:, component]).pvalue > 1e-3
    assert np.diff(ours, axis=1).min() >= 0.05 - 1e-6


def test_gaussian_draws_are_cut_gaussians_and_have_their_own_frequencies():
    truth = Prior(kind="gaussian", components=4).draw(NUMBERS).truth.numpy()
    oracle = scipy.stats.truncnorm(-2, 2, loc=35.0, scale=12.5)
    assert scipy.stats.kstest(truth[:, 1, 1], oracle.cdf).pvalue > 1e-3
    for component in range(4):
        cell = 0.05 + 0.1 * component
        assert truth[:, component, 0].min() >= cell - 1e-6 and truth[:, component, 0].max() <= cell + 0.1 + 1e-6
    assert scipy.stats.kstest(truth[:, 2, 3], scipy.stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 1e-3


def test_a_signal_is_the_same_in_every_batch_and_seeds_differ():
    prior = Prior(kind="uniform", components=2)
    together, alone = prior.draw(NUMBERS[:50]).signal, prior.draw(NUMBERS[17:18]).signal
    assert torch.equal(together[17], alone[0])
    assert not torch.equal(prior.draw(NUMBERS[:1], seed=1).signal, together[:1])
    assert Prior.from_facts(prior.facts()) == prior


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"components": 6}, OptionError, "got components=6"),
        ({"samples": 8}, OptionError, "got samples=8"),
        ({"frequency": (0.3, 0.2)}, RangeError, "the lower first"),
        ({"frequency": (0.1, 0.7)}, RangeError, "below 0.5"),
        ({"decay_time": (0.0, 5.0)}, RangeError, "above 0"),
        ({"kind": "uniform", "components": 5, "frequency": (0.1, 0.2)}, RangeError, "room"),
        ({"snr": (10.0, 0.0)}, RangeError, "the lower first"),
    ],
)
def test_refused_priors(options, error, words):
    with pytest.raises(error, match=words):
        Prior(**options)


def test_latent_space_and_back():
    prior = Prior(kind="uniform", components=3)
    drawn, space = prior.draw(NUMBERS[:300]), LatentSpace(prior)
    rows, size = brought_to_size(drawn.signal)
    torch.testing.assert_close(rows.square().mean(dim=1), torch.ones(300))
    latent = space.of(drawn.truth, size)
    back = space.parameters(latent, size)
    torch.testing.assert_close(back, drawn.truth, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(space.physics(latent, size), waves(drawn.truth, 128), atol=3e-3, rtol=0)
    with pytest.raises(ShapeError, match="got 8 latent numbers, expected 12"):
        space.parameters(latent[:, :8], size)


def test_features_are_numpys_spectrum():
    signal = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    oracle = np.fft.rfft(signal.numpy(), 256, norm="ortho")
    found = features(signal)
    np.testing.assert_allclose(found.numpy(), np.concatenate([oracle.real, oracle.imag, abs(oracle)], 1), atol=1e-5)
    assert found.shape[1] == LatentSpace(Prior()).inputs


def test_the_waveform_decoder_passes_gradcheck():
    space = LatentSpace(Prior(components=2, samples=16))
    point = torch.randn(2, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    one = torch.ones(2, 1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda latent: space.physics(latent, one), point)


def test_deviations_are_the_bounds_and_the_polish_reaches_them():
    prior = Prior(kind="uniform", components=2)
    drawn = prior.draw(NUMBERS[:400], snr=25.0)
    frequency, decay, amplitude, phase = drawn.truth.double().unbind(dim=2)
    found = cramer_rao(
        record_of(drawn.signal),
        Waves(amplitude[:, None], frequency, 1 / decay, phase[:, None]),
        variance=drawn.deviation.double().square(),
    )
    oracle = found.covariance.diagonal(dim1=1, dim2=2).reshape(400, 2, 4).sqrt()
    torch.testing.assert_close(deviations(drawn)[..., 0], oracle[..., 1])
    torch.testing.assert_close(deviations(drawn)[..., 1], oracle[..., 2] * decay.square())
    # Least squares from the truth attains the bound at 25 dB: errors of 1, to the 3 % that 800 draws allow twice over.
    off = errors(drawn, polished(drawn.signal, drawn.truth))
    assert outlier_share(off) == 0.0
    assert off.square().mean(dim=(0, 1)).sqrt().sub(1).abs().max() < 0.08
    assert outlier_share(errors(drawn, drawn.truth.flip(1))) == 0.0  # the order of components does not count
