"""Oracles: gradients in closed form, the sums that integrated gradients must have."""

import pytest
import torch
from networks import UNet, classifier
from torch import nn

from undula.attribution import Class, Energy, Integrated, Mean, Smooth, attribute, attribute_each
from undula.errors import OptionError, ShapeError


class Cubic(nn.Module):
    """Σ w x³ + x over channels and pixels, written as a function of the images."""

    def forward(self, x):
        weights = torch.arange(1.0, 1 + x[0].numel(), dtype=x.dtype).reshape(x.shape[1:])
        return (weights * x**3 + x).flatten(1).sum(dim=1, keepdim=True)


@pytest.fixture
def images(generator):
    return torch.randn(3, 2, 5, 6, dtype=torch.float64, generator=generator)


def test_saliency_is_the_largest_gradient(images, close):
    weights = torch.arange(1.0, 61, dtype=torch.float64).reshape(2, 5, 6)
    found = attribute(Cubic(), images, method="saliency", target=Mean())
    close(found.raw, (3 * weights * images**2 + 1).abs().amax(dim=1))
    assert found.layers == () and found.sign == "size only: never negative"


@pytest.mark.parametrize("baseline", [0.0, 0.5, "tensor"])
def test_integrated_gradients_are_exact_for_polynomials(baseline, images, close):
    start = torch.full((2, 1, 1), 0.25, dtype=torch.float64) if baseline == "tensor" else baseline
    found = attribute(Cubic(), images, method=Integrated(steps=2, baseline=start, chunk=3), target=Mean())
    weights = torch.arange(1.0, 61, dtype=torch.float64).reshape(2, 5, 6)
    want = weights * (images**3 - start**3) + images - start
    close(found.raw, want.sum(dim=1), times=10)
    assert float(found.residual.max()) < 1e-12
    assert found.method == "integrated"


def test_integrated_gradients_add_up(generator):
    torch.manual_seed(0)
    model, images = classifier(), torch.rand(2, 1, 16, 20, generator=generator)
    found = attribute(model, images, method=Integrated(steps=256), target=Class(3))
    model.eval()
    change = model(images)[:, 3] - model(torch.zeros_like(images))[:, 3]
    assert torch.allclose(found.raw.sum(dim=(1, 2)), change, atol=2e-3)
    assert float(found.residual.max()) < 0.01 and not found.notes
    coarse = attribute(Cubic(), images.double(), method=Integrated(steps=1), target=Mean())
    # One place, the middle: of x³ it gives 3/4.
    assert coarse.notes[0].startswith("maps fail to add up by 24") or coarse.notes[0].startswith(
        "maps fail to add up by 25"
    )


def test_the_highest_class_is_that_of_the_image_all_along_the_path(generator, close):
    torch.manual_seed(0)
    model, images = classifier(), torch.rand(3, 1, 16, 16, generator=generator)
    highest = model.eval()(images).argmax(dim=1)
    for method in ("integrated", "saliency"):
        close(
            attribute(model, images, method=method).raw,
            attribute(model, images, method=method, target=Class(highest)).raw,
        )


def test_smooth_saliency_of_a_linear_model_is_its_saliency(images, close):
    model = nn.Conv2d(2, 3, 3, padding=1).double()
    want = attribute(model, images, method="saliency", target=Class(1))
    found = attribute(model, images, method=Smooth(samples=4), target=Class(1))
    close(found.raw, want.raw, times=10)
    assert found.method == "smooth"


def test_smooth_saliency_is_the_mean_over_noise_of_the_given_size(close):
    """E of 3 w (x + σ n)² + 1 is 3 w (x² + σ²) + 1; the range of the image is 2, so σ = 0.3."""
    images = torch.zeros(1, 1, 40, 40, dtype=torch.float64)
    images[0, 0, 0, 0], images[0, 0, 0, 1] = -1, 1
    chance = torch.Generator().manual_seed(0)
    found = attribute(Cubic(), images, method=Smooth(samples=200, deviation=0.15), target=Mean(), generator=chance)
    ratio = ((found.raw - 1) / (3 * torch.arange(1.0, 1601, dtype=torch.float64).reshape(1, 40, 40)))[0, 1:]
    assert float(ratio.mean()) == pytest.approx(0.09, rel=0.02)


@pytest.mark.parametrize("how", [Smooth(samples=7, chunk=1), Smooth(samples=7, chunk=100)])
def test_noise_comes_from_the_generator_and_not_from_the_chunks(how, generator, close):
    torch.manual_seed(0)
    model, images = UNet(), torch.rand(2, 1, 8, 8, generator=generator)

    def call(method, seed):
        return attribute(
            model, images, method=method, target=Energy(), generator=torch.Generator().manual_seed(seed)
        ).raw

    close(call(how, 5), call(Smooth(samples=7, chunk=4), 5), times=10)
    assert not torch.allclose(call(how, 5), call(how, 6), atol=1e-4)


def test_several_targets_are_those_of_several_calls(generator, close):
    torch.manual_seed(0)
    model, images = UNet(), torch.rand(2, 1, 8, 8, generator=generator)
    for method in ("saliency", Integrated(steps=5), Smooth(samples=3)):
        chances = [torch.Generator().manual_seed(3) for _ in range(3)]
        both = attribute_each(model, images, targets=[Mean(), Energy()], method=method, generator=chances[0])
        close(both[0].raw, attribute(model, images, target=Mean(), method=method, generator=chances[1]).raw)
        close(both[1].raw, attribute(model, images, target=Energy(), method=method, generator=chances[2]).raw)


def test_settings_that_mean_nothing_are_refused(images):
    for make, message in [
        (lambda: Integrated(steps=0), "got steps=0, expected at least 1"),
        (lambda: Smooth(samples=0), "got samples=0, expected at least 1"),
        (lambda: Smooth(chunk=0), "got chunk=0, expected at least 1"),
        (lambda: Smooth(deviation=-0.1), "got deviation=-0.1, expected a share of the range"),
    ]:
        with pytest.raises(OptionError, match=message):
            make()
    with pytest.raises(
        ShapeError, match=r"got a baseline of shape \(7,\), expected one that broadcasts over images of"
    ):
        attribute(Cubic(), images, method=Integrated(baseline=torch.zeros(7)), target=Mean())
