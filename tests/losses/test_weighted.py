"""Mixes against sums by hand, and mixes as text."""

import copy
import re

import pytest
from torch import nn

from undula.errors import OptionError, ShapeError
from undula.losses import (
    LOSS_SCALES,
    BandEnergyLoss,
    Charbonnier,
    FocalFrequencyLoss,
    FourierLoss,
    FourierMagnitudeLoss,
    MeanAbsoluteError,
    MeanSquaredError,
    RegionalSharpnessLoss,
    WaveletLoss,
    Weighted,
    loss_from_text,
)


def mixed(**options):
    return Weighted({"mse": (0.8, MeanSquaredError()), "fourier": (0.2, FourierMagnitudeLoss())}, **options)


def test_a_mix_is_the_sum_by_hand(pair, close):
    output, target = pair(3, 1, 12, 9)
    by_hand = 0.8 * MeanSquaredError(reduction="none")(output, target)
    by_hand = by_hand + 0.2 * FourierMagnitudeLoss(reduction="none")(output, target)
    close(mixed(reduction="none")(output, target), by_hand)
    close(mixed()(output, target), by_hand.mean())
    close(mixed(reduction="sum")(output, target), by_hand.sum())


def test_parts_and_shares_are_what_each_was(pair, close):
    output, target = pair(3, 1, 12, 9)
    mix = mixed(reduction="sum")
    assert mix.parts == {} and mix.shares == {}
    total = mix(output.requires_grad_(), target)
    close(mix.parts["mse"], MeanSquaredError()(output, target))
    close(mix.parts["fourier"], FourierMagnitudeLoss()(output, target))
    close(mix.shares["mse"], 0.8 * mix.parts["mse"] * 3 / total)
    assert float(sum(mix.shares.values())) == pytest.approx(1)
    assert not any(part.requires_grad for part in (*mix.parts.values(), *mix.shares.values()))


def test_mixes_nest_and_are_copied(pair, close):
    output, target = pair(2, 1, 12, 9)
    outer = Weighted({"mix": (0.5, mixed()), "l1": (1.0, MeanAbsoluteError(reduction="sum"))})
    close(outer(output, target), 0.5 * mixed()(output, target) + MeanAbsoluteError()(output, target))
    close(copy.deepcopy(outer)(output, target), outer(output, target))
    assert "0.8 mse + 0.2 fourier" in repr(mixed())


class PerItem(nn.Module):
    def forward(self, output, target):
        return (output - target).abs().amax(dim=(1, 2, 3))


def test_other_modules_serve_too(pair, close):
    output, target = pair(3, 2, 12, 9)
    mix = Weighted({"scalar": (2.0, nn.MSELoss()), "items": (1.0, PerItem())}, reduction="none")
    close(mix(output, target), 2 * ((output - target) ** 2).mean() + PerItem()(output, target))


def test_other_modules_that_do_not_serve(pair):
    with pytest.raises(
        ShapeError, match=re.escape("got values of shape (3, 2, 12, 9) from 'mse', expected one number")
    ):
        Weighted({"mse": (1.0, nn.MSELoss(reduction="none"))})(*pair(3, 2, 12, 9))


@pytest.mark.parametrize(
    "terms", [{}, {"mse": (-1.0, MeanSquaredError())}, {"mse": (float("nan"), MeanSquaredError())}]
)
def test_mixes_that_mean_nothing(terms):
    with pytest.raises(OptionError, match=r"got (no terms|the weight)"):
        Weighted(terms)


WORDS = {
    "mse": (1.0, MeanSquaredError, {}),
    "l1": (0.05, MeanAbsoluteError, {}),
    "charbonnier": (0.05, Charbonnier, {}),
    "fourier": (0.224, FourierMagnitudeLoss, {}),
    "fourier-weighted": (0.224, FourierMagnitudeLoss, {"high_frequency_weight": 2.0}),
    "fourier-complex": (0.224, FourierLoss, {}),
    "focal": (3.0, FocalFrequencyLoss, {}),
    "wavelet": (0.05, WaveletLoss, {}),
    "wavelet-energy": (0.05, WaveletLoss, {"distance": "energy"}),
    "bands": (0.002, BandEnergyLoss, {}),
    "regional": (0.001, RegionalSharpnessLoss, {}),
}


def test_the_words_are_these():
    assert {word: scale for word, (scale, _, _) in WORDS.items()} == LOSS_SCALES


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_its_loss_times_its_scale(word, dims, pair, close):
    output, target = pair(2, 1, *(16, 20)[:dims])
    scale, make, options = WORDS[word]
    text = loss_from_text(f"0.5 * {word}", dims=dims, reduction="none")
    close(text(output, target), 0.5 * scale * make(dims=dims, reduction="none", **options)(output, target))


def test_the_scale_of_the_post_is_that_of_its_size(pair):
    """Unnormalized transforms over 1000 at 224 × 224 are unitary ones times 0.224."""
    output, target = pair(1, 3, 224, 224)
    post = FourierMagnitudeLoss(norm="backward")(output, target) / 1000
    assert float(loss_from_text("fourier")(output, target)) == pytest.approx(float(post), rel=1e-12)


def test_the_text_of_a_mix(pair, close):
    output, target = pair(2, 1, 12, 9)
    mix = loss_from_text(" 0.8*mse + 2e+0 * fourier-weighted+l1")
    assert mix.weights == pytest.approx({"mse": 0.8, "fourier-weighted": 0.448, "l1": 0.05})
    assert list(mix.parts) == []
    mix(output, target)
    assert list(mix.parts) == ["mse", "fourier-weighted", "l1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0.8*mse+0.2*furier", "got the loss 'furier' in '0.8*mse+0.2*furier', expected one of mse, l1"),
        ("0.8*mse+0.2*furier", "did you mean fourier"),
        ("wavlet", "did you mean wavelet"),
        ("x*mse", "got the weight 'x' in 'x*mse', expected a number, as in 0.8*mse"),
        ("-1*mse", "got the weight -1.0 of 'mse', expected a number from 0 on"),
        ("nan*mse", "got the weight nan of 'mse'"),
        ("mse+0.2*mse", "got 'mse' twice in 'mse+0.2*mse'"),
        ("0.8*mse*l1", "got '0.8*mse*l1' in '0.8*mse*l1', expected terms such as 0.8*mse joined by +"),
        ("mse+", "got '' in 'mse+'"),
        ("", "got '' in ''"),
    ],
)
def test_texts_that_are_wrong(text, told):
    with pytest.raises(OptionError, match=re.escape(told)):
        loss_from_text(text)
