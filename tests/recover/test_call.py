"""`undula.recover` as a user calls it: what comes back, and that the images are the right ones."""

import json
import math

import numpy as np
import pytest
import torch

from undula import GradientDescent, align, padded_support, recover, unpad
from undula.data import drawn_digits, drawn_polygon, drawn_solid, mnist
from undula.metrics import mean_squared_error, relative_error


def moduli(x, dims=2):
    return torch.fft.fftn(x, dim=tuple(range(-dims, 0))).abs()


def seeds(count):
    return torch.arange(count) * 1000 + 1


def errors(result, truth, dims=2):
    return mean_squared_error(align(result.image, truth, dims=dims).image, truth, dims=dims)


def small(count=2):
    """Objects in a corner of a small frame, solved in a moment."""
    x = torch.zeros(count, 12, 11)
    chance = torch.Generator().manual_seed(0)
    x[:, 2:6, 3:9] = torch.rand(count, 4, 6, generator=chance) * 0.9 + 0.1
    return x


def test_every_drawn_digit_is_recovered():
    digits = drawn_digits(10)
    result = recover(moduli(digits), generator=seeds(10))
    assert result.accepted.all() and errors(result, digits).max() < 1e-3
    assert result.image.min() >= 0 and result.image.max() <= 1
    assert (result.residual < 2e-4).all() and result.advice == [""] * 10


@pytest.mark.slow
def test_digits_of_mnist_are_recovered(data_set):
    data_set("mnist")
    digits = mnist("test", 0, 16).reshape(16, 28, 28)
    digits = digits / 255 if digits.max() > 1 else digits
    digits = digits.float()
    result = recover(moduli(digits), generator=seeds(16))
    assert result.accepted.all() and errors(result, digits).max() < 1e-3


def test_where_and_how_a_digit_lies_does_not_matter():
    digits = drawn_digits(4).flip(1, 2).roll((9, -13), (1, 2))
    result = recover(moduli(digits), generator=seeds(4))
    assert result.accepted.all() and errors(result, digits).max() < 1e-3


def test_a_complex_object_on_a_polygon_with_its_support():
    image, mask = drawn_polygon(20)
    frame = torch.zeros(40, 40, dtype=torch.complex64)
    frame[:20, :20] = image
    support = torch.zeros(40, 40, dtype=torch.bool)
    support[:20, :20] = mask
    result = recover(moduli(frame), field="complex", support=support, generator=seeds(1))
    laid = align(result.image, frame).image
    assert result.accepted and relative_error(laid, frame) < 1e-2
    assert result.image.is_complex()


@pytest.mark.slow
def test_a_solid_in_a_frame_of_twice_its_size():
    solid, support = drawn_solid(16), padded_support((16, 16, 16), (32, 32, 32))
    frame = torch.nn.functional.pad(solid, (0, 16) * 3)
    result = recover(moduli(frame, 3), dims=3, support=support, generator=seeds(1))
    laid = align(result.image, frame, dims=3).image
    assert result.accepted and relative_error(laid, frame, dims=3) < 1e-2
    assert relative_error(unpad(laid, (16, 16, 16)), solid, dims=3) < 1e-2


def test_signals_of_one_dimension():
    x = torch.zeros(2, 32)
    x[0, 3:9], x[1, 3:9] = torch.tensor([0.9, 0.2, 0.7, 0.4, 0.8, 0.1]), torch.tensor([0.1, 0.8, 0.3, 0.3, 0.9, 0.6])
    result = recover(moduli(x, 1), dims=1, support=6, generator=seeds(2))
    assert result.accepted.all() and result.image.shape == (2, 32)
    assert relative_error(moduli(result.image, 1), moduli(x, 1), dims=1).max() < 1e-3


def test_unmeasured_pairs_are_done_without(pairs):
    """5 % of the pairs ±k are missing (zero frequency kept): the answer is still the digit."""
    digits = drawn_digits(6)
    magnitudes = moduli(digits)
    mask = torch.cat([pairs((28, 28), share=0.05, seed=s) for s in range(6)])
    given = torch.where(mask, magnitudes, torch.nan)
    result = recover(given, measured=mask, generator=seeds(6))
    assert result.accepted.all() and errors(result, digits).max() < 1e-3


@pytest.mark.slow
def test_the_sum_may_be_missing_too(pairs):
    """5 % of the pairs and the zero frequency: many images fit, and the emptiest is nearly always the digit."""
    digits = drawn_digits(4)
    mask = torch.cat([pairs((28, 28), share=0.05, seed=s) for s in range(4)])
    mask[:, 0, 0] = False
    result = recover(moduli(digits), measured=mask, generator=seeds(4))
    assert result.accepted.all()
    assert (errors(result, digits) < 1e-3).sum() >= 3


def test_rrr_beats_error_reduction_on_the_same_budget():
    digits = drawn_digits(6)
    budget = {"max_transforms": 3000, "generator": seeds(6)}
    best = recover(moduli(digits), method="rrr", **budget)
    assert best.accepted.sum() >= recover(moduli(digits), method="er", **budget).accepted.sum()
    bare = recover(moduli(digits), method="er", starts=1, max_transforms=3000, generator=seeds(6))
    assert best.residual.median() < 0.1 * bare.residual.median()


@pytest.mark.slow
def test_the_gradient_method_beats_the_seeds_letter():
    digits = drawn_digits(3)
    options = {"starts": 1, "generator": seeds(3)}
    ours = recover(moduli(digits), method=GradientDescent(steps=1000, cycles=1), **options)
    letter = recover(
        moduli(digits), method=GradientDescent("sigmoid", "intensity", "plain", 40.0, 0.0, 1000, 1), **options
    )
    assert ours.transforms.tolist() == letter.transforms.tolist()
    assert ours.residual.median() < 0.5 * letter.residual.median()


@pytest.mark.parametrize("method", ["rrr", "hio", "raar", "er", "gradient"])
def test_every_method_has_the_same_face(method):
    seen = []
    result = recover(
        moduli(small()),
        method=GradientDescent(steps=20, cycles=1) if method == "gradient" else method,
        starts=1,
        max_transforms=100,
        generator=seeds(2),
        callback=lambda step, progress: seen.append((step, progress.solved)),
    )
    assert seen and result.image.shape == (2, 12, 11)
    assert torch.allclose(result.residual, relative_error(moduli(result.image), moduli(small())), rtol=1e-3, atol=1e-6)
    assert (result.transforms > 0).all() and (result.starts == 1).all()
    assert [bool(advice) for advice in result.advice] == [not good for good in result.accepted.tolist()]
    assert result.history.shape[1] == 4 and result.seconds > 0


@pytest.mark.parametrize("batch", [(), (1,), (3,), (2, 2)])
@pytest.mark.parametrize("kind", ["tensor", "array"])
def test_the_callers_shape_and_kind_come_back(batch, kind):
    magnitudes = moduli(small(4))[: math.prod(batch)].reshape(*batch, 12, 11)
    given = magnitudes if kind == "tensor" else magnitudes.numpy()
    result = recover(given, runs=2, starts=1, max_transforms=100, generator=seeds(math.prod(batch)))
    cls = torch.Tensor if kind == "tensor" else np.ndarray
    for name, tail in (("image", (12, 11)), ("residual", ()), ("accepted", ()), ("transforms", ()), ("starts", ())):
        value = getattr(result, name)
        assert isinstance(value, cls) and tuple(value.shape) == (*batch, *tail), name
    assert tuple(result.run_residual.shape) == tuple(result.run_accepted.shape) == (*batch, 2)
    assert tuple(result.agreement.shape) == batch
    advice = result.advice
    for _ in batch:
        assert isinstance(advice, list)
        advice = advice[0]
    assert isinstance(advice, str)


@pytest.mark.parametrize("kind", ["tensor", "array"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_is_the_callers(dtype, kind):
    magnitudes = moduli(small().to(dtype))
    result = recover(magnitudes if kind == "tensor" else magnitudes.numpy(), generator=seeds(2))
    assert str(result.image.dtype).endswith(str(dtype).removeprefix("torch."))
    assert result.accepted.all()


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_items_of_every_dimension(dims):
    x = torch.zeros(2, *(10, 9, 8)[:dims])
    x[(slice(None), *[slice(1, 4)] * dims)] = torch.rand(2, *[3] * dims, generator=torch.Generator().manual_seed(0))
    result = recover(moduli(x, dims), dims=dims, support=4, generator=seeds(2), max_transforms=2000)
    assert result.image.shape == x.shape and result.support.shape == x.shape


@pytest.mark.parametrize("given", ["ortho", "forward", "centered", "intensities", "strided", "numpy"])
def test_every_way_of_writing_a_pattern_gives_the_same_answer(given):
    x = small().double()
    magnitudes, axes, options = moduli(x), (1, 2), {}
    if given in ("ortho", "forward"):
        magnitudes, options = torch.fft.fft2(x, norm=given).abs(), {"norm": given}
    elif given == "centered":
        magnitudes, options = torch.fft.fftshift(magnitudes, dim=axes), {"centered": True}
    elif given == "intensities":
        magnitudes, options = magnitudes**2, {"intensities": True}
    elif given == "strided":
        magnitudes = torch.stack([magnitudes, magnitudes], dim=-1)[..., 1]
    elif given == "numpy":
        magnitudes = np.asfortranarray(magnitudes.numpy()).astype(">f8")
    want = recover(moduli(x), generator=seeds(2))
    got = recover(magnitudes, generator=seeds(2), **options)
    # Rounding of the last digit may lead a long search along another path, to the same image.
    assert np.asarray(got.accepted).all() and want.accepted.all()
    assert (
        float(
            (
                align(torch.as_tensor(got.image.astype(float) if given == "numpy" else got.image), want.image).image
                - want.image
            )
            .abs()
            .max()
        )
        < 5e-3
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_integer_counts_are_intensities(dtype):
    counts = np.rint(np.minimum(moduli(small(1)[0]).numpy() ** 2, 200)).astype(dtype)
    counts[0, 0] = 200
    mask = np.ones(counts.shape, dtype=bool)
    result = recover(counts, intensities=True, measured=mask, max_transforms=100, generator=seeds(1))
    assert result.image.dtype == np.float32 and result.image.shape == counts.shape


def test_the_users_arrays_are_left_alone():
    magnitudes, start = moduli(small()), torch.rand(2, 12, 11)
    before = magnitudes.clone(), start.clone()
    recover(magnitudes, start=start, starts=1, max_transforms=100)
    assert torch.equal(magnitudes, before[0]) and torch.equal(start, before[1])


@pytest.mark.parametrize("support", [None, 6, "shrinkwrap"])
@pytest.mark.parametrize("method", ["rrr", "er", "gradient"])
@pytest.mark.parametrize("field", ["real", "complex"])
def test_nothing_is_recovered_from_nothing(field, method, support):
    """An item without magnitudes is a zero image, whatever its neighbors are."""
    if field == "complex" and support is None:
        pytest.skip("complex objects need a support")
    magnitudes = moduli(small(2))
    magnitudes[0] = 0
    method = GradientDescent(steps=20, cycles=1) if method == "gradient" else method
    options = {"field": field, "method": method, "support": support, "starts": 1, "max_transforms": 200}
    result = recover(magnitudes, generator=seeds(2), **options)
    assert not result.image[0].any() and float(result.residual[0]) == 0 and bool(result.accepted[0])
    assert result.advice[0] == "all magnitudes are zero: so is the image; check that the right array was read"
    assert result.image[1].any() and torch.isfinite(result.residual).all()


def test_nothing_agrees_with_nothing():
    alone = recover(torch.zeros(8, 8), runs=2)
    assert not alone.image.any() and alone.accepted and alone.advice.startswith("all magnitudes are zero")


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_a_single_pixel(dims):
    result = recover(torch.full((1,) * dims, 0.7), dims=dims)
    assert result.accepted and torch.allclose(result.image, torch.full((1,) * dims, 0.7), atol=1e-3)


def test_advice_of_failures_says_what_to_try():
    options = {"starts": 1, "max_transforms": 200, "generator": seeds(1)}
    flat = torch.full((16, 16), 5.0)  # a non-negative image with this spectrum is one pixel of value 5
    result = recover(flat, **options)
    assert not result.accepted and "no image within the bounds was found" in result.advice
    result = recover(moduli(drawn_digits(1)), support=3, **options)
    assert "no image within the support was found" in result.advice[0]
    result = recover(moduli(small(1)), support=(4, 6), tolerance=1e-30, **options)
    assert not result.accepted.any() and "near but not below the tolerance" in result.advice[0]


def test_saving_writes_images_and_a_record(tmp_path):
    result = recover(moduli(small()), generator=seeds(2), runs=2)
    folder = result.save(tmp_path / "out")
    files = sorted(path.name for path in folder.iterdir() if path.suffix in (".npy", ".png"))
    assert files == [f"recovered-{n:05d}.{kind}" for n in range(2) for kind in ("npy", "png")]
    for number in range(2):
        saved = np.load(folder / f"recovered-{number:05d}.npy", allow_pickle=False)
        assert np.array_equal(saved, result.image[number].numpy())
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    text = json.dumps(record)
    assert "tolerance" in text and "versions" in text and str(float(result.residual[0]))[:6] in text


@pytest.mark.parametrize(
    ("shape", "field", "kinds"),
    [((8, 8), "real", "npy png"), ((8, 8), "complex", "npy png"), ((4, 4, 4), "real", "npy")],
)
def test_saving_one_item_of_any_kind(shape, field, kinds, tmp_path):
    """Flat images get a picture, solids do not."""
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    result = recover(
        moduli(x, len(shape)).numpy(), dims=len(shape), field=field, support=3, starts=1, max_transforms=60
    )
    result.save(tmp_path)
    files = sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".npy", ".png"))
    assert files == [f"recovered-00000.{kind}" for kind in kinds.split()]
    assert np.array_equal(np.load(tmp_path / files[0], allow_pickle=False), result.image)


def test_the_record_holds_the_arguments_as_plain_values():
    start = torch.rand(2, 12, 11)
    result = recover(moduli(small()), start=start, method=GradientDescent(steps=10, cycles=1), starts=1)
    assert json.loads(json.dumps(result.arguments)) == result.arguments
    assert result.arguments["start"]["shape"] == [2, 12, 11]
    assert result.arguments["method"]["GradientDescent"]["steps"] == 10
