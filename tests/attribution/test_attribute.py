"""Oracles: the parity fixture through a model, gradients written out by hand, sums over bands."""

import pytest
import torch
from networks import Transformer, UNet, classifier, denoiser
from test_formulas import FIXTURE
from torch import nn

from undula.attribution import (
    METHODS,
    Energy,
    Error,
    FourierBand,
    Mean,
    attribute,
    attribute_each,
    fourier_bands,
    heat_maps,
    packet_bands,
)
from undula.errors import OptionError, RangeError, ShapeError


class Given(nn.Module):
    """A layer that gives the activations of the fixture, and the output that belongs to them."""

    def __init__(self, activations):
        super().__init__()
        self.activations = activations
        self.layer = nn.Identity()

    def forward(self, x):
        a = self.layer(self.activations + 0 * x.mean(dim=(1, 2, 3), keepdim=True))
        weights = torch.linspace(-1, 1, 6)[:, None, None]
        return (weights * a * (1 + 0.1 * a)).mean(dim=(1, 2, 3))


# The fixture has the sign that LAPACK gave on one machine: the larger extreme, but for eigengrad the smaller one.
@pytest.mark.parametrize("row", [name for name in FIXTURE if name not in ("eigen turned over", "eigengrad")])
def test_the_call_gives_the_maps_of_the_reference(row, fixture):
    mean, deviation, zeros, first, second, places = FIXTURE[row]
    goal = None if row in ("eigen", "kpca") else torch.Tensor.clone
    found = attribute(
        Given(fixture[0]), torch.rand(2, 3, 40, 48), layers="layer", method=row.split()[0], target=goal, sign="maxabs"
    )
    assert float(found.maps.mean()) == pytest.approx(mean, abs=1.5e-6)
    assert float(found.maps.std(unbiased=False)) == pytest.approx(deviation, abs=1.5e-6)
    assert int((found.maps == 0).sum()) == zeros
    assert float(found.maps[0, 20, 24]) == pytest.approx(first, abs=1.5e-6)
    assert float(found.maps[1, 39, 47]) == pytest.approx(second, abs=1.5e-6)
    assert found.maps.flatten(1).argmax(dim=1).tolist() == places


@pytest.mark.parametrize("kind", ["fourier", "packets"])
@pytest.mark.parametrize("of", ["output", "cross", "error"])
def test_signed_maps_of_bands_add_up_to_that_of_all(kind, of, generator):
    torch.manual_seed(0)
    model = UNet(channels=2).double()
    images, truth = torch.rand(2, 2, 2, 24, 16, dtype=torch.float64, generator=generator)
    given = {} if of == "output" else {"truth": truth}
    bands = fourier_bands(of=of, **given) if kind == "fourier" else packet_bands(2, "db2", of=of, **given)
    *parts, whole = attribute_each(model, images, targets=[*bands, Energy(of, **given)], layers=["down", "up"])
    for together, apart in [(whole.raw, [each.raw for each in parts])] + [
        (whole.signed[n], [each.signed[n] for each in parts]) for n in range(2)
    ]:
        assert float((sum(apart) - together).abs().max() / together.abs().max()) < (
            1e-12 if kind == "fourier" else 1e-9
        )
    assert torch.allclose(sum(each.values for each in parts), whole.values, rtol=1e-9)
    clipped = sum(each.maps for each in parts)
    assert not torch.allclose(clipped / clipped.max(), whole.maps, atol=0.05), "what is usually shown does not"


def test_gradients_are_those_of_the_layer(generator, close):
    """Of a convolution followed by an activation in place: the gradient before it, written out."""
    torch.manual_seed(0)
    model, images = denoiser(), torch.rand(2, 1, 6, 7, generator=generator)
    before = model[0](images).detach()
    leaf = before.clone().requires_grad_()
    gradient = torch.autograd.grad(model[2](leaf.relu()).flatten(1).mean(dim=1).sum(), leaf)[0]
    found = attribute(model, images, layers="0", method="hirescam")
    close(found.signed[0], (before * gradient).sum(dim=1))
    close(found.values, model(images).flatten(1).mean(dim=1))
    assert found.target == "mean of the output"
    eigen = attribute(model, images, layers=["0"], method="eigen", sign="raw")
    assert not torch.allclose(eigen.signed[0], attribute(model, images, layers="1", sign="raw").signed[0], atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_left_as_it_was(method, generator):
    torch.manual_seed(0)
    model, images = classifier(), torch.rand(3, 1, 16, 16, generator=generator)
    model.train()
    model[1].eval()
    model[0].requires_grad_(False)
    state = {name: each.clone() for name, each in model.state_dict().items()}
    given = images.clone()
    with torch.no_grad():
        attribute(model, images, method=method)
        assert not torch.is_grad_enabled()
    assert [module.training for module in model] == [True, False, *[True] * 6] and model.training
    assert all(torch.equal(each, state[name]) for name, each in model.state_dict().items())
    assert [each.requires_grad for each in model[0].parameters()] == [False, False] and model[3].weight.requires_grad
    assert all(each.grad is None for each in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(images, given) and not images.requires_grad
    assert torch.backends.mha.get_fastpath_enabled()


def test_the_model_is_left_as_it_was_after_an_error():
    model = classifier().train()

    def fails(output):
        raise ZeroDivisionError

    for method in ("hirescam", "saliency", "integrated"):
        with pytest.raises(ZeroDivisionError):
            attribute(model, torch.rand(2, 1, 16, 16), method=method, target=fails)
    with pytest.raises(RuntimeError):
        attribute(model, torch.rand(2, 3, 16, 16), layers="3")
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("method", METHODS)
def test_callers_and_weights_may_be_in_inference_mode(method, generator, close):
    torch.manual_seed(0)
    model, images = UNet(), torch.rand(2, 1, 16, 16, generator=generator)
    truth = torch.rand(2, 1, 16, 16, generator=generator)

    def call(model, images, truth):
        chance = torch.Generator().manual_seed(1)
        goal = None if method in ("eigen", "kpca") else FourierBand(0.1, 0.4, "cross", truth)
        return attribute(model, images, method=method, target=goal, generator=chance)

    want = call(model, images, truth)
    with torch.inference_mode():
        close(call(model, images.clone(), truth.clone()).raw, want.raw)
        frozen = UNet()
        frozen.load_state_dict(model.state_dict())
        close(call(frozen, images.clone(), truth.clone()).raw, want.raw)


def test_frozen_weights_and_frozen_parts(generator, close):
    """A part under no_grad has no gradients inside, but what it hands over has."""

    class Hybrid(nn.Module):
        def __init__(self):
            super().__init__()
            self.eyes, self.head = Transformer(), nn.Conv2d(12, 1, 1)

        def forward(self, x):
            with torch.no_grad():
                tokens = self.eyes(x).last_hidden_state
            return self.head(tokens[:, 1:].mT.unflatten(2, (4, 6)))

    torch.manual_seed(0)
    model, images = Hybrid().requires_grad_(False), torch.rand(2, 1, 32, 48, generator=generator)
    found = attribute(model, images, layers="eyes", method="hirescam")
    tokens = model.eyes.eval()(images).last_hidden_state[:, 1:]
    close(found.signed[0], (tokens @ model.head.weight[0, :, 0, 0] / 24).unflatten(1, (4, 6)), times=10)
    with pytest.raises(OptionError, match=r"got a target without a gradient, expected one that the images reach"):
        attribute(model, images, layers="eyes.blocks.0", method="hirescam")
    with pytest.raises(OptionError, match=r"got layer 'eyes.blocks.0', expected one that the target depends on"):
        attribute(model, images, layers=["eyes.blocks.0", "eyes"], method="hirescam")
    assert attribute(model, images, layers="eyes.blocks.0").signed[0].shape == (2, 4, 6)


def test_a_model_without_gradients_is_refused():
    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 4, 3)

        @torch.no_grad()
        def forward(self, x):
            return self.layer(x).detach()

    for method in ("grad", "saliency"):
        with pytest.raises(OptionError, match=r"got a target without a gradient, expected one that the images reach"):
            attribute(Blind(), torch.rand(1, 1, 9, 9), layers="layer" if method == "grad" else None, method=method)


def test_targetless_methods_say_that_they_ignore_the_target(generator):
    torch.manual_seed(0)
    model, images = UNet(), torch.rand(2, 1, 16, 16, generator=generator)
    plain, aimed = attribute_each(model, images, targets=[None, Mean()], method="eigen")
    assert torch.equal(plain.maps, aimed.maps) and plain.notes == ()
    assert aimed.notes == (
        "eigen looks at activations only: the target (mean of the output) is ignored; hirescam asks it",
    )
    assert aimed.target == "" and aimed.values is None


def test_a_class_token_hides_the_last_positions(generator):
    torch.manual_seed(0)
    model, images = Transformer(1, 4), torch.rand(2, 1, 32, 48, generator=generator)
    found = attribute(model, images, layers="norm", method="grad")
    assert float(found.raw.abs().max()) == 0
    assert found.notes[0].startswith("the gradient of the target is zero at every position of norm (a class token read")
    assert found.target == f"classes {model.eval()(images)['logits'].argmax(dim=1).tolist()}"


def test_layers_inside_the_fast_path_of_transformers_are_seen():
    torch.manual_seed(0)
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, enable_nested_tensor=False
    )
    model = nn.Sequential(nn.Conv2d(1, 8, 8, stride=8), nn.Flatten(2))
    wrapped = nn.Module()
    wrapped.first, wrapped.encoder = model, encoder
    wrapped.forward = lambda x: wrapped.encoder(wrapped.first(x).mT)
    found = attribute(wrapped, torch.rand(2, 1, 24, 32), layers="encoder.layers.1.linear1")
    assert found.signed[0].shape == (2, 3, 4)


def test_further_arguments_reach_the_model(generator, close):
    class Conditioned(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 3, 3, padding=1)

        def forward(self, x, level, power):
            return (self.layer(x) * level.reshape(-1, 1, 1, 1)) ** power

    torch.manual_seed(0)
    model, images = Conditioned(), torch.rand(2, 1, 8, 8, generator=generator)
    level = torch.tensor([1.0, -2.0])
    found = attribute(model, images, layers="layer", method="hirescam", arguments=(level, 1))
    close(found.signed[0], (model.layer(images) * level[:, None, None, None]).sum(dim=1) / 192)
    for method in ("integrated", "smooth"):
        alone = [
            attribute(model, images[n : n + 1], method=method, arguments=(level[n : n + 1], 1)).raw[0] for n in (0, 1)
        ]
        close(attribute(model, images, method=method, arguments=(level, 1)).raw, torch.stack(alone), times=10)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_gives_maps_in_single(kind, generator):
    torch.manual_seed(0)
    model, images = UNet(), torch.rand(2, 1, 16, 16, generator=generator)
    want = {m: attribute(model, images, method=m).raw for m in ("eigen", "hirescam", "saliency", "integrated")}
    model.to(kind)
    for method, raw in want.items():
        found = attribute(model, images.to(kind), method=method).raw
        assert found.dtype == torch.float32
        if method == "eigen":  # both ends of a component of 4 × 4 positions may be as bright
            found = found * (found * raw).sum(dim=(1, 2), keepdim=True).sign()
        assert float((found - raw).norm() / raw.norm()) < 0.05, method
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attribute(model.float(), images, method="hirescam").raw
        assert attribute(model, images, method="kpca").raw.dtype == torch.float32
    assert found.dtype == torch.float32
    assert float((found - want["hirescam"]).norm() / want["hirescam"].norm()) < 0.05


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"method": "ablation"}, OptionError, "got method='ablation', expected one of eigen, kpca, grad, grad\\+\\+"),
        ({"sign": "plus"}, OptionError, "got sign='plus', expected one of activation, maxabs, raw"),
        ({"layers": "0", "method": "saliency"}, OptionError, "got layers='0' for a method that maps the input"),
        ({"layers": "1.2"}, OptionError, "got layer '1.2', expected a name of model.named_modules"),
        (
            {"images": torch.zeros(2, 1, 8, 8, dtype=torch.uint8)},
            RangeError,
            "got images of type torch.uint8, expected fl",
        ),
        (
            {"images": torch.zeros(8, 8)},
            ShapeError,
            r"got images of shape \(8, 8\), expected \(b, c, h, w\), \(b, c, t\)",
        ),
        (
            {"images": torch.full((1, 1, 8, 8), torch.nan)},
            RangeError,
            "got 64 values in the images that are NaN or inf",
        ),
        ({"targets": []}, OptionError, "got no targets, expected at least one"),
    ],
)
def test_wrong_calls_say_what_to_do(given, error, message, unchecked):
    """Without the run-time checks of types, which users do not have."""
    call = unchecked("undula.attribution.call").attribute_each
    images = given.pop("images", torch.rand(2, 1, 8, 8))
    with pytest.raises(error, match=message):
        call(denoiser(), images, **{"targets": [None], **given})


def test_values_that_are_not_finite_are_refused():
    model = denoiser()
    nn.init.constant_(model[0].weight, torch.inf)
    with pytest.raises(RangeError, match=r"values in layer '1' that are NaN or infinite, expected finite ones"):
        attribute(model, torch.rand(1, 1, 8, 8), layers="1")
    model = denoiser()
    nn.init.constant_(model[2].weight, torch.inf)
    with pytest.raises(RangeError, match=r"values in the gradient at layer '1' that are NaN or infinite"):
        attribute(model, torch.rand(1, 1, 8, 8), layers="1", method="grad")


def test_a_layer_that_does_not_run_is_refused():
    model = UNet()
    model.spare = nn.Conv2d(1, 1, 1)
    with pytest.raises(OptionError, match=r"got layer 'spare', which did not run or gave no floats"):
        attribute(model, torch.rand(1, 1, 8, 8), layers="spare")


def test_what_a_result_says(generator):
    torch.manual_seed(0)
    model, images = UNet(), torch.rand(2, 1, 16, 16, generator=generator)
    found = attribute(model, images, method="eigen")
    assert found.sign == "positive where the centered activations are large" and found.method == "eigen"
    assert torch.equal(found.maps, heat_maps(found.signed, (16, 16)))
    found = attribute(model, images, method="hirescam", target=Error(torch.zeros(2, 1, 16, 16)))
    assert found.target == "mean squared error against the truth"
    assert found.sign == "positive where the activations raise the target"
    kernel = attribute(model, images, method="kpca")
    assert kernel.residual.shape == (2,)
