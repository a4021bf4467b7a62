"""What every loss promises: gradients, types, independence of items, compiled graphs, no waiting for the device."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from conftest import EVERY
from undula import losses
from undula.losses import BandEnergyLoss, FourierMagnitudeLoss, WaveletLoss, halfplane

HALVES = [torch.bfloat16, torch.float16]


def slope(loss, output, target):
    leaf = output.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(leaf, target), leaf)
    return gradient


@pytest.mark.parametrize("dims", [1, 2])
def test_gradients_are_those_of_finite_differences(make, dims, pair):
    output, target = (x.requires_grad_() for x in pair(2, 2, *(12, 9)[:dims]))
    loss = make(dims=dims, reduction="none")
    if "focal" in make.word:  # the weight counts as a number, which differences do not know
        loss = make(dims=dims, reduction="none")
        loss.alpha = 0.0
    assert torch.autograd.gradcheck(loss, (output, target), fast_mode=True)
    assert torch.autograd.gradcheck(lambda o: loss(o, target.detach()), (output,), fast_mode=True)


def test_gradients_have_gradients(make, pair):
    output, target = pair(2, 1, 12, 9)
    loss = make(reduction="sum")
    if "focal" in make.word:
        loss.alpha = 0.0
    assert torch.autograd.gradgradcheck(lambda o: loss(o, target), (output.requires_grad_(),), fast_mode=True)


def test_equal_images_are_a_minimum(make, pair):
    output, _ = pair(2, 3, 12, 9)
    for image in (output, torch.zeros_like(output), torch.full_like(output, 0.3)):
        value = make()(image.clone(), image)
        assert float(value) == pytest.approx(1e-3 if make.word == "charbonnier" else 0, abs=1e-15)
        assert float(slope(make(), image.clone(), image).abs().max()) < 1e-15


def test_no_gradient_is_nan(make, pair):
    noise = pair(1, 1, 12, 9, dtype=torch.float32)[0]
    zero, flat = torch.zeros_like(noise), torch.full_like(noise, 0.5)
    outputs = [zero, flat, zero, noise, 1e-25 * noise, noise, 1e4 * noise]
    targets = [noise, noise, flat, zero, noise, 1e-25 * noise, noise]
    assert bool(slope(make(), torch.cat(outputs), torch.cat(targets)).isfinite().all())


@pytest.mark.parametrize("shape", [(2, 3, 12, 9), (1, 1, 13, 12)])
def test_items_are_independent_and_reduced(make, shape, pair, close):
    output, target = pair(3, *shape[1:])
    items = make(reduction="none")(output, target)
    assert items.shape == (3,) and bool((items > 0).all())
    close(items, torch.cat([make(reduction="none")(o[None], t[None]) for o, t in zip(output, target, strict=True)]))
    close(make()(output, target), items.mean())
    close(make(reduction="sum")(output, target), items.sum(), times=3)
    close(make(reduction="none")(target, output), items)  # each of them is symmetric
    strided = [torch.stack([x, x], -1)[..., 0].mT.contiguous().mT for x in (output, target)]
    close(make(reduction="none")(*strided), items)


@pytest.mark.parametrize("dims", [1, 2])
def test_the_module_is_the_function(make, dims, pair):
    options = {"reduction": "sum", "dims": dims}
    name, own = EVERY[make.word]
    words = {"FourierMagnitudeLoss": "fourier_magnitude", "FocalFrequencyLoss": "focal_frequency"}
    words |= {"MeanSquaredError": "mean_squared_error", "MeanAbsoluteError": "mean_absolute_error"}
    words |= {"BandEnergyLoss": "band_energy", "RegionalSharpnessLoss": "regional_sharpness"}
    word = words.get(name, name.removesuffix("Loss").lower())
    pictures = pair(2, 3, *(12, 9)[:dims])
    function = getattr(losses, f"{word}_loss")
    assert torch.equal(make(**options)(*pictures), function(*pictures, **own, **options))


@pytest.mark.parametrize("cast", [None, *HALVES])
@pytest.mark.parametrize("half", HALVES)
def test_halves_are_compared_in_single_precision(make, half, cast, pair):
    """The same numbers as float32 on the same values, inside autocast as well; gradients are halves again."""
    output, target = pair(2, 3, 15, 22, dtype=half)
    wide = output.float().requires_grad_()
    wanted = make()(wide, target.float())
    (1024 * wanted).backward()
    leaf = output.requires_grad_()
    with torch.autocast("cpu", dtype=cast or half, enabled=cast is not None):
        got = make()(leaf, target)
        (1024 * got).backward()
    assert got.dtype == torch.float32 and leaf.grad.dtype == half
    assert torch.equal(got, wanted)
    assert float((leaf.grad.float() - wide.grad).norm() / wide.grad.norm()) < 0.01


def test_single_precision_stays_so_inside_autocast(make, pair):
    output, target = pair(2, 3, 15, 22, dtype=torch.float32)
    leaf = output.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = make()(leaf, target)
        got.backward()
    assert torch.equal(got, make()(output, target))
    assert torch.equal(leaf.grad, slope(make(), output, target))


def test_types_of_the_values(make, pair):
    double, single = pair(1, 1, 12, 9), pair(1, 1, 12, 9, dtype=torch.float32)
    assert make()(*double).dtype == torch.float64
    assert make()(*single).dtype == torch.float32
    assert make()(single[0], double[1]).dtype == torch.float64
    assert make()(single[0].half(), single[1].bfloat16()).dtype == torch.float32
    assert float(make()(*single)) == pytest.approx(float(make()(*double)), rel=1e-4)


def test_nothing_waits_for_the_device(plain, make):
    """Fake tensors have no values: reading one, as `.item()` and `if tensor` do, is an error."""
    with FakeTensorMode():
        output, target = torch.rand(2, 3, 12, 9, requires_grad=True), torch.rand(2, 3, 12, 9)
        mix = plain.Weighted({"a": (1.0, make(room=plain)), "b": (0.5, plain.MeanSquaredError())})
        mix(output, target).backward()
        assert mix.parts.keys() == mix.shares.keys() == {"a", "b"}
        assert output.grad is not None and output.grad.shape == output.shape


GRAPHS = [("fourier-windows", "focal", "bands"), ("wavelet-energy", "regional")]


@pytest.mark.parametrize("words", GRAPHS)
def test_compiles_in_one_graph(words, plain, pair, close):
    """In few graphs, since each takes seconds; of the wavelets one level."""
    output, target = pair(2, 1, 12, 9)
    terms = {}
    for word in words:
        name, options = EVERY[word]
        options = {**options, "level": 1} if "wavelet" in word else options
        terms[word] = (0.2, getattr(plain, name)(**options))
    mix = plain.Weighted(terms)
    compiled = torch.compile(mix, fullgraph=True, backend="aot_eager")
    close(compiled(output, target), mix(output, target))
    parts = mix.parts
    close(slope(compiled, output, target), slope(mix, output, target))
    for word in words:
        close(mix.parts[word], parts[word])
    torch._dynamo.reset()


def test_maps_over_a_further_axis(plain, make, pair, close):
    output, target = pair(3, 2, 2, 12, 9)
    loss = make(room=plain)
    close(torch.vmap(loss)(output, target), torch.stack([loss(o, t) for o, t in zip(output, target, strict=True)]))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # by PyTorch itself
def test_functional_and_forward_gradients(plain, make, pair, close):
    output, target = pair(2, 2, 12, 9)
    direction = pair(2, 2, 12, 9, seed=1)[0]
    loss = make(room=plain)
    wanted = slope(loss, output, target)
    close(torch.func.grad(loss)(output, target), wanted)
    value, along = torch.func.jvp(lambda o: loss(o, target), (output,), (direction,))
    close(value, loss(output, target))
    close(along, (wanted * direction).sum(), times=10)


TABLES = [FourierMagnitudeLoss(high_frequency_weight=2.0), BandEnergyLoss(), WaveletLoss()]


@pytest.mark.parametrize("loss", TABLES, ids=lambda loss: type(loss).__name__)
def test_tables_are_those_of_the_size_the_type_and_the_transform(loss, pair, close):
    """Sizes with as many pixels, types, and modes of autograd by turns: a table that is kept is never another one's."""
    halfplane._kept.cache_clear()
    first = {}
    for shape in [(12, 18), (18, 12), (9, 24)] * 2:
        for dtype in (torch.float32, torch.float64):
            output, target = pair(2, 1, *shape, dtype=dtype)
            value = loss(output, target)
            assert value.dtype == dtype
            close(value, first.setdefault(shape, value), times=1 if dtype == torch.float32 else 1e8)
    halfplane._kept.cache_clear()
    output, target = pair(2, 1, 12, 18)
    with torch.inference_mode():
        loss(output, target)
    wanted = slope(loss, output, target)
    halfplane._kept.cache_clear()
    close(slope(loss, output, target), wanted)


def test_tables_made_by_a_tracer_are_not_kept(plain, pair, close):
    kept = plain.halfplane._kept
    kept.cache_clear()
    output, target = pair(2, 1, 12, 18)
    loss = plain.FourierMagnitudeLoss(high_frequency_weight=2.0)
    gradient = torch.func.grad(loss)(output, target)
    assert kept.cache_info().currsize == 0
    with FakeTensorMode() as mode:
        loss(mode.from_tensor(output), mode.from_tensor(target))
    assert kept.cache_info().currsize == 0
    close(slope(loss, output, target), gradient)
    assert kept.cache_info().currsize == 2  # the weight, and how often columns count


def test_few_tables_are_kept():
    halfplane._kept.cache_clear()
    for size in range(4, 24):
        BandEnergyLoss()(torch.rand(1, 1, size, size), torch.rand(1, 1, size, size))
    assert halfplane._kept.cache_info().currsize == 32
