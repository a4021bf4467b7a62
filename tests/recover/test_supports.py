"""Supports: boxes against brute force, padding there and back, and the user's word kept."""

import itertools

import numpy as np
import pytest
import torch

import undula
from undula import recover
from undula.errors import ShapeError
from undula.jobs.recover.supports import FixedMask, FloatingBox


def placed(sides, estimate, start=None):
    box = FloatingBox(sides, binding=True)
    start = torch.zeros(len(estimate), dtype=torch.long) if start is None else start
    return box.update(torch.ones_like(estimate.real), estimate, start=start, age=start)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize(("shape", "sides"), [((9,), (4,)), ((6, 7), (3, 5)), ((6, 7), (6, 1)), ((4, 5, 3), (2, 3, 3))])
def test_box_lies_where_most_of_the_mass_is(shape, sides, dtype, drawn):
    """Brute force over all cyclic places along every axis: the marginals of |x| (positive part of real items)."""
    estimate = drawn((3, *shape), dtype=torch.complex128, seed=3)
    estimate = estimate if dtype.is_complex else estimate.real.clone()
    box = placed((sides,), estimate)
    assert box.flatten(1).sum(1).tolist() == [np.prod(sides)] * 3
    mass = estimate.abs() if dtype.is_complex else estimate.clamp_min(0)
    for item, mask in zip(mass, box, strict=True):
        for axis, side in enumerate(sides):
            others = tuple(a for a in range(len(shape)) if a != axis)
            marginal = item.sum(dim=others) if others else item
            window = mask.amax(dim=others) if others else mask
            best = max(marginal.roll(-p)[:side].sum() for p in range(shape[axis]))
            assert abs(float((marginal * window).sum() - best)) < 1e-12
            edges = (window - window.roll(1)).abs().sum()
            assert edges == (0 if side == shape[axis] else 2)  # one piece, cyclically


def test_box_finds_an_object_wherever_it_lies():
    """Of a single block all placements in the plane are tried, not only along the axes."""
    base = torch.zeros(1, 7, 8)
    base[0, :2, :3] = torch.rand(2, 3, generator=torch.Generator().manual_seed(0)) + 0.1
    for shift in itertools.product(range(7), range(8)):
        x = base.roll(shift, (1, 2))
        assert torch.equal(placed(((2, 3),), x), (x > 0).float())


def test_hypotheses_take_turns():
    box = placed(((2, 2), (5, 6)), torch.rand(4, 5, 6), start=torch.tensor([0, 1, 2, 3]))
    assert box.flatten(1).sum(1).tolist() == [4, 30, 4, 30]


def test_padded_support_and_unpad_are_the_way_there_and_back():
    x = torch.rand(2, 3, 4, 5)
    for given in ((4, 5), (3, 4, 5)):
        frame = tuple(2 * side - 1 for side in given)
        padding = [number for side in reversed(given) for number in (0, side - 1)]
        padded = torch.nn.functional.pad(x, padding)
        mask = undula.padded_support(given, frame)
        assert mask.dtype == torch.bool and mask.shape == frame and int(mask.sum()) == np.prod(given)
        assert torch.equal(padded * mask, padded)
        assert torch.equal(undula.unpad(padded, given), x)
        assert np.array_equal(undula.unpad(padded.numpy(), given), x.numpy())
    assert undula.padded_support((2, 3), (2, 3)).all()


def test_shapes_that_do_not_fit():
    for one, frame in (((3, 4), (2, 8)), ((3,), (4, 4)), ((0, 2), (3, 3))):
        with pytest.raises(ShapeError, match=r"got an object of shape .* expected as many sides and none longer"):
            undula.padded_support(one, frame)
    for frame, one in ((torch.zeros(3, 3), (4, 2)), (torch.zeros(5), (2, 2))):
        with pytest.raises(ShapeError, match=r"got a frame of shape .*, expected sides of at least .*check the order"):
            undula.unpad(frame, one)


def test_fixed_mask_follows_the_items(problem_of, drawn):
    problem = problem_of(drawn((3, 4, 4)))
    masks = torch.rand(3, 4, 4) > 0.5
    start = torch.zeros(3, dtype=torch.long)
    assert FixedMask(None).first(problem, start) is None and FixedMask(None).name == "none"
    one, each = FixedMask(masks[:1]), FixedMask(masks)
    assert torch.equal(one.first(problem, start), masks[:1].double().expand(3, 4, 4))
    index = torch.tensor([2, 0, 2])
    assert torch.equal(each.of(index).first(problem, start), masks[index].double())
    assert torch.equal(one.of(index).first(problem, start), masks[:1].double().expand(3, 4, 4))


@pytest.mark.parametrize(
    "method",
    ["rrr", "hio", undula.GradientDescent(steps=30, cycles=1)],
    ids=lambda m: m if isinstance(m, str) else "gradient",
)
def test_the_answer_honors_the_users_box(method, generator):
    x = torch.zeros(2, 12, 11)
    x[:, 2:5, 3:8] = torch.rand(2, 3, 5, generator=generator)
    result = recover(torch.fft.fft2(x).abs(), support=(3, 5), method=method, starts=1, max_transforms=150)
    for image, support in zip(result.image, result.support, strict=True):
        assert int(support.sum()) == 15 and not image[~support].any()
        rows, columns = support.any(1), support.any(0)
        assert int(rows.sum()) == 3 and int(columns.sum()) == 5


@pytest.mark.parametrize("field", ["real", "complex"])
def test_the_answer_honors_the_users_mask(field, drawn):
    mask = torch.zeros(2, 10, 9, dtype=torch.bool)
    mask[0, 1:4, 2:7], mask[1, 5:, 5:] = True, True
    x = drawn((2, 10, 9), dtype=torch.float32 if field == "real" else torch.complex64) * mask
    result = recover(torch.fft.fft2(x).abs(), support=mask, field=field, starts=1, max_transforms=150)
    assert torch.equal(result.support, mask)
    assert not result.image[~mask].any()


def test_no_support_says_none(drawn):
    result = recover(torch.fft.fft2(drawn((2, 8, 8))).abs(), starts=1, max_transforms=100)
    assert result.support is None
