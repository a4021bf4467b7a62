"""Alignment against shifts, turns and phases that are known, and against scikit-image's registration."""

import math

import numpy as np
import pytest
import skimage.data
import torch
from skimage.registration import phase_cross_correlation

from undula.errors import OptionError, RangeError, ShapeError
from undula.metrics import align
from undula.spectra import circular_shift, gaussian_blur, reverse, translate

SPACES = [(9,), (8,), (8, 9), (7, 7), (6, 5, 7)]
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]


def objects(space, *, batch=4, dtype=torch.float64, seed=0):
    return torch.randn(batch, *space, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def smooth(space, *, batch=3, dtype=torch.float64, seed=0):
    """Band-limited objects: a blur of two samples leaves nothing at the Nyquist frequency."""
    return gaussian_blur(objects(space, batch=batch, dtype=dtype, seed=seed), deviation=2.0, dims=len(space))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("space", SPACES)
def test_shift_turn_and_phase_are_undone(space, dtype, generator, close):
    truth = objects(space, dtype=dtype)
    shift = torch.randint(-20, 20, (4, len(space)), generator=generator)
    turn = torch.tensor([False, True, False, True]).reshape(-1, *[1] * len(space))
    image = circular_shift(torch.where(turn, reverse(truth, dims=len(space)).conj(), truth), shift)
    if dtype.is_complex:
        image = image * torch.exp(1j * torch.tensor([0.3, -2.0, 3.0, 1.5], dtype=torch.float64)).to(dtype).reshape(
            turn.shape
        )
    laid = align(image, truth, dims=len(space))
    assert laid.image.dtype == dtype and laid.shift.shape == (4, len(space))
    assert laid.flipped.tolist() == [False, True, False, True]
    # The shift that undoes: of a turned item it moves the other way round.
    back = torch.where(turn.reshape(4, 1), shift, -shift)
    lengths = torch.tensor(space)
    assert torch.equal(laid.shift % lengths, back % lengths)
    assert bool((2 * laid.shift.abs() <= lengths).all())
    if dtype.is_complex:
        close(laid.image, truth)
    else:
        assert torch.equal(laid.image, truth)
        assert not laid.phase.any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_what_is_said_is_what_was_done(dtype, close):
    """First turned, then moved, then multiplied by a phase."""
    image, reference = objects((6, 7), dtype=dtype), objects((6, 7), dtype=dtype, seed=1)
    laid = align(image, reference)
    turned = torch.where(laid.flipped[:, None, None], reverse(image).conj(), image)
    moved = circular_shift(turned, laid.shift)
    close(laid.image, moved * torch.exp(1j * laid.phase)[:, None, None] if dtype.is_complex else moved)


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_nothing_lies_better(dtype, flip):
    """Brute force over all shifts and both orientations of unlike images."""
    image, reference = objects((4, 5), dtype=dtype), objects((4, 5), dtype=dtype, seed=1)
    laid = align(image, reference, flip=flip)
    best = torch.full((4,), -math.inf, dtype=torch.float64)
    for candidate in (image, reverse(image).conj())[: 1 + flip]:
        for shift in np.ndindex(4, 5):
            inner = (candidate.roll(shift, (1, 2)).conj() * reference).sum(dim=(1, 2))
            best = torch.maximum(best, inner.abs() if dtype.is_complex else inner)
    got = (laid.image.conj() * reference).sum(dim=(1, 2)).real
    assert torch.allclose(got, best, rtol=1e-12)
    assert flip or not laid.flipped.any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("space", [(32,), (31,), (24, 27), (16, 14, 15)])
def test_fractional_shifts_of_band_limited_images(space, dtype, generator):
    truth = smooth(space, dtype=dtype)
    shift = 8 * torch.rand(3, len(space), dtype=torch.float64, generator=generator) - 4
    laid = align(translate(truth, shift), truth, dims=len(space), subpixel=True)
    # Newton's eight steps end at rounding; the blur leaves 1e-8 at the Nyquist frequency of even sides.
    assert (laid.shift + shift).abs().max() < 1e-5
    assert (laid.image - truth).abs().max() < 1e-5 * truth.abs().max()


def test_fractional_shifts_and_turns(generator):
    truth = smooth((24, 27), dtype=torch.complex128)
    shift = 8 * torch.rand(3, 2, dtype=torch.float64, generator=generator) - 4
    image = translate(reverse(truth).conj().resolve_conj(), shift) * np.exp(0.7j)
    laid = align(image, truth, subpixel=True)
    assert laid.flipped.all()
    assert (laid.image - truth).abs().max() < 1e-5 * truth.abs().max()
    assert ((laid.shift - shift).abs().max()) < 1e-5


@pytest.mark.parametrize("name", ["camera", "coins", "text"])
def test_fractional_shifts_of_noisy_pictures_are_scikit_images(name, generator):
    picture = torch.as_tensor(getattr(skimage.data, name)()[:95, :111] / 255.0)[
        None
    ]  # odd sides have no Nyquist coefficient
    moved = translate(gaussian_blur(picture, deviation=1.0), torch.tensor([[3.37, -5.81]], dtype=torch.float64))
    moved = moved + 0.02 * torch.randn(moved.shape, dtype=torch.float64, generator=generator)
    laid = align(moved, picture, flip=False, subpixel=True)
    want, _, _ = phase_cross_correlation(picture[0].numpy(), moved[0].numpy(), normalization=None, upsample_factor=100)
    # Their search ends on a grid of 1/100 of a pixel.
    assert np.abs(laid.shift[0].numpy() - want).max() <= 0.006


def test_subpixel_is_never_worse_than_whole(generator):
    truth, other = smooth((20, 22), batch=8), smooth((20, 22), batch=8, seed=5)
    whole, fine = align(other, truth), align(other, truth, subpixel=True)
    gain = ((fine.image - whole.image) * truth).sum(dim=(1, 2))
    assert (gain > -1e-9).all()
    assert (fine.shift - whole.shift).abs().max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_numpy_in_numpy_out(dtype):
    truth = objects((8, 9), batch=2, dtype=torch.complex128).numpy()
    truth = (truth if np.issubdtype(dtype, np.complexfloating) else truth.real).astype(dtype)
    laid = align(np.roll(truth, (2, 3), (1, 2)), truth)
    assert all(isinstance(part, np.ndarray) for part in vars(laid).values())
    assert laid.image.dtype == dtype and np.abs(laid.image - truth).max() < 1e-5
    assert laid.shift.tolist() == [[-2, -3]] * 2


@pytest.mark.parametrize("batch", [(), (1,), (3,), (2, 3)])
def test_leading_axes_are_items(batch, close):
    truth = objects((8, 9), batch=6)[: math.prod(batch)].reshape(*batch, 8, 9)
    image = truth.roll((1, 2), (-2, -1))
    laid = align(image, truth)
    assert torch.equal(laid.image, truth)
    assert laid.shift.shape == (*batch, 2) and laid.flipped.shape == batch and laid.phase.shape == batch


@pytest.mark.parametrize("subpixel", [True, False])
def test_non_contiguous_and_constant_images(subpixel):
    truth = objects((9, 8)).mT
    assert torch.allclose(align(truth.roll(3, 1), truth, subpixel=subpixel).image, truth, atol=1e-9)
    for value in (0.0, 1.0):
        flat = torch.full((2, 6, 6), value)
        assert torch.allclose(align(flat, flat, subpixel=subpixel).image, flat, atol=1e-6)


@pytest.mark.parametrize("space", [(1, 1), (1, 6), (2, 2)])
def test_tiny_images(space):
    truth = objects(space)
    assert torch.allclose(align(truth, truth, subpixel=True).image, truth, atol=1e-9)


def test_errors_say_what_to_do():
    x = torch.zeros(3, 4)
    with pytest.raises(OptionError, match=r"^got dims=4, expected 1, 2 or 3: the number of space axes$"):
        align(x, x, dims=4)
    with pytest.raises(
        ShapeError, match=r"shape \(3, 4\) and a reference of shape \(4, 3\), expected the same, not empty"
    ):
        align(x, x.T)
    with pytest.raises(ShapeError, match=r"with at least 3 axes: crop or pad one of them first$"):
        align(x, x, dims=3)
    with pytest.raises(ShapeError, match=r"not empty"):
        align(x[:0], x[:0])
    with pytest.raises(
        RangeError, match=r"torch.float32 and torch.complex64, expected both real floats or both complex"
    ):
        align(x, x + 0j)
    with pytest.raises(RangeError, match=r"torch.uint8 and torch.uint8, expected both real floats"):
        align(x.to(torch.uint8), x.to(torch.uint8))
    for bad in (math.nan, math.inf):
        with pytest.raises(
            RangeError, match=r"^got NaN or infinite values, expected finite images: replace them first$"
        ):
            align(x + bad, x)
