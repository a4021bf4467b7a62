"""What comparisons stand on, against the same numbers in float32."""

import pytest
import torch

from undula.errors import ShapeError
from undula.spectra.comparing import called_in_full_precision, check_same_shape, in_full_precision


def product(x, y, *, offset):
    """A matrix product, which autocast would take to its type."""
    return x @ y + offset


@pytest.mark.parametrize("cast", [None, torch.bfloat16])
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_halves_are_calculated_as_the_same_numbers_in_single_precision(half, cast, generator):
    x, y, offset = (torch.rand(40, 40, generator=generator).to(half) for _ in range(3))
    wanted = x.float() @ y.float() + offset.float()
    with torch.autocast("cpu", dtype=cast or half, enabled=cast is not None):
        for got in (
            in_full_precision(product)(x, y, offset=offset),
            called_in_full_precision(product, x, y, offset=offset),
        ):
            assert got.dtype == torch.float32 and torch.equal(got, wanted)


def test_wider_numbers_and_what_is_no_tensor_stay_as_they_are():
    for dtype in (torch.float32, torch.float64, torch.complex64, torch.int16):
        seen = in_full_precision(lambda x, word, *, dims: (x.dtype, word, dims))(
            torch.ones(2, dtype=dtype), "a", dims=2
        )
        assert seen == (dtype, "a", 2)
    assert in_full_precision(product).__doc__ == product.__doc__


def test_arrays_of_two_shapes_are_refused_and_not_broadcast():
    check_same_shape(torch.ones(2, 3), torch.zeros(2, 3), names=("a", "b"), expected="")
    with pytest.raises(
        ShapeError, match=r"^got one of shape \(2, 3\) and other of shape \(1, 3\), expected the same: crop$"
    ):
        check_same_shape(torch.ones(2, 3), torch.zeros(1, 3), names=("one", "other"), expected="the same: crop")
