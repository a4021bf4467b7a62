"""`undula.explain`: closed forms of linear networks, the seed's own lines, masks of drawn cracks, and invariants."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import undula
from undula.attribution import Energy, FourierBand, Integrated, Mean, randomized
from undula.data import drawn_asphalt, read_array
from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.explain.aims import WORDS, read_aims
from undula.jobs.explain.command.sample import LineFinder
from undula.jobs.explain.figures import draw_explanation, in_colors, overlaid
from undula.nets import UNet

RNG = np.random.default_rng(0)
SMALL = {"widths": (4, 6), "blocks": (1, 1)}


def small_network(channels: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(channels, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.Upsample((20, 24)))


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


class Wrapped:
    """What a denoiser is to `explain`: something with a network that measures noise."""

    def __init__(self, level: float) -> None:
        torch.manual_seed(0)
        self.network, self.level = UNet(**SMALL), level
        with torch.no_grad():  # the tail begins at zero, and so would every gradient behind it
            self.network.tail.weight.normal_(generator=torch.Generator().manual_seed(2), std=0.1)

    def levels_of(self, images: torch.Tensor, sigma: object) -> torch.Tensor:
        assert sigma is None
        return torch.full((len(images),), self.level)


def test_a_linear_network_has_a_closed_form(close):
    """Oracle: two 1 × 1 layers u, v and the mean over n pixels: HiResCAM of the first is Σ u_c v_c x / n."""
    first, second = nn.Conv2d(1, 3, 1, bias=False), nn.Conv2d(3, 1, 1, bias=False)
    x = picture(2, 1, 8, 10)
    found = undula.explain(nn.Sequential(first, second), x, layer="0", method="hirescam", target="mean")
    product = float((first.weight.flatten() * second.weight.flatten()).detach().sum())
    close(found.raw, product * x[:, 0] / 80)
    close(found.values, product * x.mean(dim=(1, 2, 3)))
    assert (found.layers, found.targets) == (("0",), ("mean of the output",))


@pytest.mark.parametrize("method", ["hirescam", "grad", "xgrad"])
def test_octaves_add_up_to_the_energy(method, close):
    """Oracle: Parseval and the chain rule; the maps of the bands add up to the map of the whole energy."""
    model, x = small_network(), picture(2, 1, 20, 24)
    bands = undula.explain(model, x, method=method, target="octaves")
    whole = undula.explain(model, x, method=method, target=Energy())
    assert bands.raw.shape == (2, 6, 20, 24) and bands.values.shape == (2, 6)
    close(bands.raw.sum(dim=1), whole.raw, times=30)  # sums of six transforms in float32
    close(bands.values.sum(dim=1), whole.values, times=30)


def test_packets_add_up_to_the_energy(close):
    model, x = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Tanh()), picture(16, 24)
    packets = undula.explain(model, x, layer="1", method="hirescam", target="packets:2")
    assert packets.bands[:3] == ("aa", "ah", "av") and packets.raw.shape == (16, 16, 24)
    close(packets.raw.sum(dim=0), undula.explain(model, x, layer="1", method="hirescam", target=Energy()).raw, times=30)


def test_the_band_filter_is_the_seeds(close):
    """Oracle: the lines of the blog post, word for word."""
    x = picture(1, 1, 20, 24)
    plain, kept = (undula.explain(small_network(), x, keep=keep) for keep in (None, (0.4, 0.9)))
    cam_data = plain.maps[0].numpy()
    cam_data_filtered = np.where((cam_data >= 0.4) & (cam_data <= 0.9), cam_data, 0)
    non_zero_mask = cam_data_filtered > 0
    min_val, max_val = cam_data_filtered[non_zero_mask].min(), cam_data_filtered[non_zero_mask].max()
    cam_data_final = np.zeros_like(cam_data_filtered)
    cam_data_final[non_zero_mask] = (cam_data_filtered[non_zero_mask] - min_val) / (max_val - min_val + 1e-8)
    close(kept.shown[0], cam_data_final)
    assert torch.equal(kept.maps, plain.maps) and torch.equal(plain.shown, plain.maps)


@pytest.mark.parametrize("method", ["eigen", "kpca"])
def test_the_sign_does_not_depend_on_that_of_the_weights(method, close):
    """Oracle: -A has the components of A; which end LAPACK calls positive must not show."""
    layer, x = nn.Conv2d(1, 6, 3, stride=2), picture(3, 1, 40, 44)
    turned = nn.Conv2d(1, 6, 3, stride=2)
    with torch.no_grad():
        turned.weight.copy_(-layer.weight)
        turned.bias.copy_(-layer.bias)
    first, second = (undula.explain(nn.Sequential(one), x, method=method) for one in (layer, turned))
    close(first.raw, second.raw, times=100)  # residual of the iteration


def test_eigen_says_that_the_target_is_ignored():
    found = undula.explain(small_network(), picture(20, 24), target="mean")
    assert torch.equal(found.raw, undula.explain(small_network(), picture(20, 24)).raw)
    assert "the target (mean of the output) is ignored; hirescam asks it" in found.advice
    assert "layer '2' was chosen" in found.notes[0] and "no target" in found.notes[1] and "sign='raw'" in found.notes[2]
    asked = undula.explain(small_network(), picture(20, 24), layer="0", method="hirescam", target="mean")
    assert asked.advice == "" and len(asked.notes) == 1


@pytest.mark.parametrize("shape", [(20, 24), (1, 20, 24), (1, 1, 20, 24), (2, 1, 20, 24)])
@pytest.mark.parametrize("target", [None, "octaves"])
def test_arrays_come_back_as_they_came(shape, target):
    x = RNG.random(shape)
    method = "hirescam" if target else "eigen"
    found = undula.explain(small_network(), x, target=target, method=method)
    alone = undula.explain(small_network(), torch.from_numpy(x), target=target, method=method)
    lead = shape[:1] if len(shape) == 4 else ()
    for name in ("maps", "raw", "shown"):
        value = getattr(found, name)
        assert isinstance(value, np.ndarray) and value.dtype == np.float64
        assert value.shape == (*lead, *([6] if target else []), 20, 24)
        np.testing.assert_array_equal(value, getattr(alone, name).numpy())
    items = list(found.items())
    assert len(items) == (shape[0] if len(shape) == 4 else 1) and items[0].images.shape == (1, 20, 24)
    if len(shape) == 4:
        np.testing.assert_array_equal(items[-1].raw, found.raw[-1])


def test_a_batch_is_as_many_images():
    x = picture(3, 1, 20, 24)
    together = undula.explain(small_network(), x, method="integrated", target="norm")
    for each, alone in zip(together.raw, x, strict=True):
        found = undula.explain(small_network(), alone, method="integrated", target="norm")
        torch.testing.assert_close(found.raw, each, rtol=1e-4, atol=1e-6)


def test_a_denoiser_is_asked_through_its_network():
    denoiser, x = Wrapped(0.1), picture(20, 24)
    measured = undula.explain(denoiser, x, method="hirescam", target="band:0.125-0.25")
    told = undula.explain(denoiser.network, x, method="hirescam", target="band:0.125-0.25", sigma=0.1)
    other = undula.explain(denoiser, x, method="hirescam", target="band:0.125-0.25", sigma=0.3)
    assert torch.equal(measured.raw, told.raw) and not torch.equal(measured.raw, other.raw)
    with pytest.raises(OptionError, match=r"got no sigma for UNet, .* sigma=25/255"):
        undula.explain(denoiser.network, x)


def test_nothing_of_the_model_or_the_host_changes():
    model, x = small_network().train(), picture(20, 24)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.inference_mode():
        found = undula.explain(model, x, method="hirescam")
    assert model.training and not found.raw.is_inference() and not found.raw.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())


def test_the_line_finder_looks_at_the_cracks():
    """Oracle: the masks of the drawn cracks; controls: masks turned upside down, and random weights."""
    images, masks = drawn_asphalt(4, height=128, width=160, color=False)
    contrast = []
    for model in (LineFinder(), randomized(LineFinder(), generator=torch.Generator().manual_seed(0))):
        raw = undula.explain(model, images).raw
        for mask in (masks, masks.flip(1)):
            inside = torch.stack([each[where].mean() for each, where in zip(raw, mask, strict=True)])
            contrast.append(float((inside / raw.abs().flatten(1).mean(dim=1)).mean()))
    seen, *controls = contrast
    assert seen > 3 and seen > 3 * max(abs(each) for each in controls), contrast


def test_the_line_finder_sees_no_line_in_a_flat_image():
    flat = torch.full((1, 1, 40, 40), 0.4)
    assert float(LineFinder()(flat).detach().abs().max()) < 1e-5
    line = flat.clone()
    line[..., 20, :] = 0.2
    found = LineFinder()(line)[0, 0].detach()
    assert found[20].min() > 5 * found[:12].max() and found[20].min() > 0


def test_black_as_a_baseline_counts_dark_cracks_against():
    """Oracle: a linear network that adds up the image; against black each pixel counts by its value, against white less."""
    model = nn.Conv2d(1, 1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(1.0)
    x = picture(8, 8)
    dark = undula.explain(nn.Sequential(model), x, method="integrated", target="mean")
    bright = undula.explain(nn.Sequential(model), x, method=Integrated(baseline=1.0), target="mean")
    torch.testing.assert_close(dark.raw, x / 64, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(bright.raw, (x - 1) / 64, rtol=1e-5, atol=1e-8)
    assert "nothing is positive" in bright.advice and float(bright.maps.max()) == 0


def test_texts_are_targets():
    assert all(read_aims(word).targets for word in WORDS)
    assert read_aims("band:0.5-").targets == (FourierBand(0.5, None),)
    assert read_aims("class").targets == (undula.attribution.Class(None),)
    assert read_aims(["mean", Mean(1)]).bands == ("mean of the output", "mean of the output without the first token")
    assert [str(one) for one in read_aims("pixel:3,4").targets] == ["output at (3, 4)"]


@pytest.mark.parametrize(
    "target",
    [
        "", "means", "mean:3", "class:three", "pixel:1", "pixel:-1,2", "region:1,2,3", "region:5,5,5,9", "band:0.5",
        "band:0.5-0.2", "packets:0", "packets:", "octaves:3", [],
    ],
)  # fmt: skip
def test_texts_that_mean_nothing(target):
    with pytest.raises(OptionError, match="expected"):
        read_aims(target)


@pytest.mark.parametrize(
    ("model", "images", "options", "error", "words"),
    [
        (lambda x: x, picture(8, 8), {}, OptionError, "torch.nn.Module"),
        (small_network(), picture(20, 24), {"layer": "3.conv"}, OptionError, "nearest are '1'"),
        (small_network(), picture(20, 24), {"target": "octaves"}, OptionError, "method='hirescam'"),
        (small_network(), picture(20, 24), {"keep": (0.9, 0.4)}, OptionError, "low < high"),
        (small_network(), picture(20, 24), {"sigma": 0.1}, ShapeError, "no further argument"),
        (small_network(3), picture(20, 24), {}, ShapeError, r"1 × 1 × 20 × 24 .* model fails"),
        (small_network(), picture(2, 2), {}, ShapeError, "model fails"),
        (small_network(), torch.zeros(20, 24, dtype=torch.uint8), {}, RangeError, "divide by 255"),
        (small_network(), 255 * picture(20, 24), {}, RangeError, "divide by 255"),
        (small_network(), picture(0, 24), {}, ShapeError, "not empty"),
        (nn.Flatten(), picture(20, 24), {"method": "hirescam"}, OptionError, "no layer has a grid"),
    ],
)
def test_refused(model, images, options, error, words):
    with pytest.raises(error, match=rf"got .*{words}"):
        undula.explain(model, images, **options)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("target", [None, ["mean", "norm"], "octaves"])
def test_anything_can_be_drawn_and_saved(channels, target, here):
    x = picture(2, channels, 21, 30)
    found = undula.explain(small_network(channels), x, target=target, method="hirescam" if target else "eigen")
    found.save(here / "out")
    with Image.open(here / "out" / "explain-00001.png") as figure:
        figure.load()
        assert figure.width == 1440
    run = json.loads((here / "out" / "run.json").read_text())
    assert len(run["items"]) == 2 and run["arguments"]["method"] == found.method
    np.testing.assert_array_equal(read_array(here / "out" / "explain-00001.npz", key="raw"), found.raw[1].numpy())
    assert found.figure(1, title="second").width == 1440


def test_zeros_can_be_drawn():
    for target in (None, "octaves"):
        model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1, bias=False))
        found = undula.explain(model, torch.zeros(16, 16), layer="0", method="hirescam", target=target)
        assert "zero everywhere" in found.advice
        assert draw_explanation(next(found.items())).width == 1440


def test_the_overlay_is_the_image_where_the_map_is_zero():
    image = RNG.random((3, 5, 6))
    np.testing.assert_array_equal(overlaid(in_colors(image), np.zeros((5, 6))), np.moveaxis(image, 0, -1))
    assert overlaid(in_colors(image[:1]), RNG.random((5, 6))).shape == (5, 6, 3)
