"""The figures of the post that these losses come from, and of the note that re-ran its recipe: printed numbers, plain loops."""

import numpy as np
import pytest
import torch

from undula.data import ring_pair
from undula.losses import FourierLoss, FourierMagnitudeLoss, RegionalSharpnessLoss, radial_weight, sharpness_scores

# Thickness, blur, mean | |F a| - |F b| |, mean |F a - F b|: unnormalized transforms of 256 × 256, float32.
RINGS = [
    (2, "less", 10.7777, 10.7777),
    (2, "more", 15.8805, 15.8929),
    (4, "less", 10.1199, 10.1199),
    (4, "more", 15.5953, 15.6025),
    (8, "less", 10.0407, 10.0407),
    (8, "more", 14.8913, 14.8974),
    (16, "less", 10.0142, 10.0142),
    (16, "more", 14.7500, 14.7587),
]
# Rows 0 … 5 of the printed mask of 10 × 10, whose rows 6 … 9 repeat rows 4 … 1.
MASK = [
    [3.00000, 2.81108, 2.64924, 2.52315, 2.44222, 2.41421, 2.44222, 2.52315, 2.64924, 2.81108],
    [2.81108, 2.60000, 2.41421, 2.26491, 2.16619, 2.13137, 2.16619, 2.26491, 2.41421, 2.60000],
    [2.64924, 2.41421, 2.20000, 2.01980, 1.89443, 1.84853, 1.89443, 2.01980, 2.20000, 2.41421],
    [2.52315, 2.26491, 2.01980, 1.80000, 1.63246, 1.56569, 1.63246, 1.80000, 2.01980, 2.26491],
    [2.44222, 2.16619, 1.89443, 1.63246, 1.40000, 1.28284, 1.40000, 1.63246, 1.89443, 2.16619],
    [2.41421, 2.13137, 1.84853, 1.56569, 1.28284, 1.00000, 1.28284, 1.56569, 1.84853, 2.13137],
]


def ring(thickness):
    place = torch.arange(256, dtype=torch.float32) - 128
    distance = torch.hypot(place[:, None], place)
    return ((distance >= 60 - thickness / 2) & (distance <= 60 + thickness / 2)).float()[None, None]


def blurred(image, how):
    size, sigma = (5, 1.0) if how == "less" else (15, 3.0)
    place = torch.linspace(-(size - 1) / 2, (size - 1) / 2, size)
    kernel = torch.exp(-0.5 * (place / sigma) ** 2)
    kernel = torch.outer(kernel / kernel.sum(), kernel / kernel.sum())
    mirrored = torch.nn.functional.pad(image, (size // 2,) * 4, mode="reflect")
    return torch.nn.functional.conv2d(mirrored, kernel[None, None])


@pytest.mark.parametrize(("thickness", "how", "magnitude", "distance"), RINGS)
def test_rings(thickness, how, magnitude, distance):
    sharp = ring(thickness)
    soft = blurred(sharp, how)
    assert round(float(FourierMagnitudeLoss(norm="backward")(soft, sharp)), 4) == magnitude
    assert round(float(FourierLoss(norm="backward")(soft, sharp)), 4) == distance


def test_the_ring_that_was_printed():
    sharp, soft = (x[None, None] for x in ring_pair())
    assert f"{float(FourierMagnitudeLoss(norm='backward')(soft, sharp)):.4f}" == "14.8913"
    assert f"{float(FourierMagnitudeLoss()(soft, sharp)):.6f}" == "0.058169"  # the same over √(256 · 256)


def test_the_mask_that_was_printed():
    printed = torch.tensor(MASK + MASK[4:0:-1])
    got = torch.fft.fftshift(radial_weight((10, 10), high_frequency_weight=2.0, like=torch.ones(())))
    assert got.shape == (10, 10)
    assert float((got - printed).abs().max()) <= 0.500001e-5


@pytest.mark.parametrize("shape", [(9, 7), (8, 5), (7, 8), (1, 6), (5, 1), (1, 1)])
def test_masks_of_other_sizes_are_its_formula(shape, close):
    """The post's code, in NumPy, and the half plane as the left half of the plane."""
    y, x = np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij")
    highest = np.sqrt((shape[0] // 2) ** 2 + (shape[1] // 2) ** 2) or 1.0
    mask = 1.0 + 2.0 * np.hypot(x, y) / highest
    like = torch.ones((), dtype=torch.float64)
    got = radial_weight(shape, high_frequency_weight=2.0, like=like)
    close(torch.fft.fftshift(got), mask)
    half = radial_weight(shape, high_frequency_weight=2.0, real=True, like=like)
    close(half, got[:, : shape[1] // 2 + 1])


def loops(image, window, step):
    """Scores by window, as the slow way of the post has them; windows beyond the border are left out."""
    scores = {}
    for top in range(0, image.shape[1], step):
        for left in range(0, image.shape[2], step):
            if top + window > image.shape[1] or left + window > image.shape[2]:
                continue
            total = []
            for channel in image:
                part = channel[top : top + window, left : left + window]
                horizontal = np.abs(part[:, :-1] - part[:, 1:]).sum()
                vertical = np.abs(part[:-1, :] - part[1:, :]).sum()
                falling = np.abs(part[:-1, :-1] - part[1:, 1:]).sum()
                rising = np.abs(part[:-1, 1:] - part[1:, :-1]).sum()
                total.append(horizontal + vertical + falling + rising)
            scores[top // step, left // step] = np.mean(total)
    return scores


@pytest.mark.parametrize(("window", "step"), [(8, 4), (5, 2), (2, 1), (4, 6)])
@pytest.mark.parametrize("shape", [(3, 24, 32), (1, 17, 19)])
def test_regional_scores_are_the_loops_on_interior_windows(shape, window, step, pair, close):
    image = pair(2, *shape)[0]
    got = sharpness_scores(image, window=window, step=step)
    for item, score in zip(image.numpy(), got, strict=True):
        wanted = loops(item, window, step)
        assert len(wanted) == score.numel()
        close(score, np.array([wanted[place] for place in sorted(wanted)]).reshape(score.shape), times=10)


@pytest.mark.parametrize("order", ["sorted", "placed"])
def test_regional_loss_is_that_of_the_loops(order, pair, close):
    output, target = pair(3, 3, 20, 27)
    wanted = []
    for o, t in zip(output.numpy(), target.numpy(), strict=True):
        scores = [np.array(list(loops(x, 8, 4).values())) for x in (o, t)]
        if order == "sorted":
            scores = [np.sort(each)[::-1] for each in scores]
        wanted.append(np.abs(scores[0] - scores[1]).mean())
    close(RegionalSharpnessLoss(order=order, reduction="none")(output, target), np.array(wanted), times=10)
