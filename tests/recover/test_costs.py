"""The transforms that a result counts are those that torch was asked for."""

import math

import pytest
import torch

from undula import Gaussian, GradientDescent, padded_support, recover
from undula.data import drawn_digits

FRAME = (24, 22)


@pytest.fixture
def counted(monkeypatch):
    """Items that went through torch.fft since the list was cleared, one number per call."""
    calls = []

    def counting(original):
        def transform(x, *arguments, **options):
            axes = options.get("dim")
            calls.append(x.numel() // math.prod(x.shape[axis] for axis in axes))
            return original(x, *arguments, **options)

        return transform

    for name in ("fftn", "ifftn", "rfftn", "irfftn"):
        monkeypatch.setattr(torch.fft, name, counting(getattr(torch.fft, name)))
    return calls


def pattern(field):
    x = torch.zeros(3, *FRAME)
    x[:, :12, :11] = drawn_digits(3)[:, 8:20, 8:19]
    x = torch.polar(x, x) if field == "complex" else x
    return torch.fft.fft2(x).abs()


SUPPORTS = {"none": None, "box": (12, 11), "mask": padded_support((12, 11), FRAME)}


@pytest.mark.parametrize("support", SUPPORTS)
@pytest.mark.parametrize(
    "method",
    ["rrr", "hio", "raar", "er", GradientDescent(steps=30, cycles=1)],
    ids=lambda m: m if isinstance(m, str) else "gradient",
)
@pytest.mark.parametrize("field", ["real", "complex"])
def test_every_transform_is_counted(field, method, support, counted):
    if field == "complex" and support == "none":
        pytest.skip("complex objects need a support")
    magnitudes = pattern(field)
    counted.clear()
    result = recover(
        magnitudes, field=field, method=method, support=SUPPORTS[support], starts=3, max_transforms=900,
        generator=torch.arange(3),
    )  # fmt: skip
    assert int(result.transforms.sum()) == sum(counted)


def test_those_of_agreement_are_counted_apart(counted):
    magnitudes = pattern("real")
    counted.clear()
    result = recover(magnitudes, runs=3, support=(12, 11), max_transforms=900, generator=torch.arange(3))
    assert int(result.transforms.sum()) + 3 * result.agreement_transforms == sum(counted)


def test_a_start_that_fits_costs_one(counted):
    x = drawn_digits(3)
    magnitudes = torch.fft.fft2(x).abs()
    counted.clear()
    result = recover(magnitudes, start=x)
    assert result.transforms.tolist() == [1, 1, 1] and sum(counted) == 3


@pytest.mark.parametrize("case", ["noise", "no sum", "shrinkwrap", "complex shrinkwrap"])
def test_what_goes_beyond_the_pool_is_counted_too(case, counted):
    """Within 5 %: items of a batch share rounds that some of them no longer need."""
    field = "complex" if "complex" in case else "real"
    magnitudes, options = pattern(field), {}
    if case == "noise":
        noise = magnitudes * (1 + 1e-3 * torch.cos(torch.arange(22) * 0.7))
        magnitudes = (noise + noise.flip(1, 2).roll((1, 1), (1, 2))) / 2
        options = {"noise": Gaussian(0.05)}
    elif case == "no sum":
        mask = torch.ones(FRAME, dtype=torch.bool)
        mask[0, 0] = False
        options = {"measured": mask}
    else:
        options = {"support": "shrinkwrap", "field": field}
    counted.clear()
    result = recover(magnitudes, max_transforms=900, generator=torch.arange(3), **options)
    assert abs(int(result.transforms.sum()) / sum(counted) - 1) < 0.05
