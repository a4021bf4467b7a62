"""Fourier losses against NumPy's transform of the full plane, in float64, for even and odd sizes."""

import numpy as np
import pytest
import torch

from undula.losses import (
    FocalFrequencyLoss,
    FourierLoss,
    FourierMagnitudeLoss,
    band_energies,
    band_energy_loss,
    rolling,
)
from undula.losses.matrices import single_weights, tapered_transform

SHAPES = [(6, 8), (7, 9), (6, 7), (7, 6), (1, 5), (4, 1), (1, 1), (8,), (9,), (2,)]
FRAMES = [((20, 23), 8, 4), ((20, 23), 8, 3), ((21, 16), 5, 5), ((16, 16), 16, 8), ((30,), 8, 4), ((31,), 9, 2)]
FRAMES += [((26, 25), 12, 5), ((27, 30), 13, 13), ((40,), 15, 4)]  # windows that the FFT takes


def spaces(shape):
    return tuple(range(-len(shape), 0))


def plane(x, shape, norm):
    return np.fft.fftn(x.numpy(), axes=spaces(shape), norm=norm)


def mask(shape, weight):
    distance = np.sqrt(sum(np.square(grid) for grid in np.meshgrid(*[np.fft.fftfreq(n, 1 / n) for n in shape])))
    highest = np.sqrt(sum((n // 2) ** 2 for n in shape)) or 1.0
    return 1 + weight * np.moveaxis(distance, 0, 1) / highest if len(shape) == 2 else 1 + weight * distance / highest


def items(values):
    return values.reshape(len(values), -1).mean(1)


@pytest.mark.parametrize("norm", ["ortho", "backward", "forward"])
@pytest.mark.parametrize("shape", SHAPES)
def test_losses_are_means_over_numpys_full_plane(shape, norm, pair, close):
    output, target = pair(3, 2, *shape)
    further = {"norm": norm, "dims": len(shape), "reduction": "none"}
    o, t = plane(output, shape, norm), plane(target, shape, norm)
    size = max(1.0, np.abs(o).max())
    for weight in (0.0, 2.0):
        wanted = items(np.abs(np.abs(o) - np.abs(t)) * mask(shape, weight))
        close(FourierMagnitudeLoss(high_frequency_weight=weight, **further)(output, target), wanted, times=3 * size)
    close(FourierLoss(**further)(output, target), items(np.abs(o - t)), times=3 * size)


@pytest.mark.parametrize(("alpha", "log"), [(1.0, False), (0.5, False), (2.0, True), (0.0, False)])
@pytest.mark.parametrize("shape", SHAPES)
def test_focal_is_the_published_formula(shape, alpha, log, pair, close):
    output, target = pair(3, 2, *shape)
    difference = np.abs(plane(output, shape, "ortho") - plane(target, shape, "ortho"))
    weight = difference**alpha
    weight = np.log(weight + 1) if log else weight
    weight /= weight.max(axis=spaces(shape), keepdims=True)
    loss = FocalFrequencyLoss(alpha=alpha, log=log, dims=len(shape), reduction="none")
    close(loss(output, target), items(weight * difference**2), times=3)
    if alpha == 0:
        close(loss(output, target), items((output - target).numpy() ** 2), times=3)  # Parseval


def windows(x, shape, window, step):
    """Every window, tapered by Hann's, scaled to a mean square of one."""
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    for _ in shape[1:]:
        taper = taper * taper[:, None] if taper.ndim == 1 else taper
    taper = taper / np.sqrt((taper**2).mean())
    starts = np.ndindex(*[(n - window) // step + 1 for n in shape])
    cuts = [tuple(slice(step * k, step * k + window) for k in start) for start in starts]
    return np.stack([x.numpy()[(..., *cut)] * taper for cut in cuts], axis=2)


@pytest.mark.parametrize("weight", [0.0, 1.5])
@pytest.mark.parametrize(("shape", "window", "step"), FRAMES)
def test_rolling_windows_are_a_loop(shape, window, step, weight, pair, close):
    output, target = pair(2, 3, *shape)
    o, t = (
        np.abs(np.fft.fftn(windows(x, shape, window, step), axes=spaces(shape), norm="ortho"))
        for x in pair(2, 3, *shape)
    )
    wanted = items(np.abs(o - t) * mask((window,) * len(shape), weight))
    loss = FourierMagnitudeLoss(
        high_frequency_weight=weight, window=window, step=step, dims=len(shape), reduction="none"
    )
    close(loss(output, target), wanted, times=10)
    close(loss(output.clone().requires_grad_(), target), wanted, times=10)


@pytest.mark.parametrize(("shape", "window", "step"), FRAMES)
def test_both_ways_of_rolling_windows_have_one_gradient(shape, window, step, pair, close):
    """The target's gradient is that of PyTorch's own operations; by symmetry it is the output's of the exchanged pair."""
    output, target = pair(2, 3, *shape)
    loss = FourierMagnitudeLoss(high_frequency_weight=1.0, window=window, step=step, dims=len(shape))
    one, other = output.clone().requires_grad_(), output.clone().requires_grad_()
    (mine,) = torch.autograd.grad(loss(one, target), one)
    (theirs,) = torch.autograd.grad(loss(target, other), other)
    close(mine * output.numel(), theirs * output.numel(), times=30)


@pytest.mark.parametrize("window", [5, 8, 12])
@pytest.mark.parametrize("dims", [1, 2])
def test_windows_of_all_sizes_have_gradients_and_their_minimum(window, dims, pair):
    output, target = pair(2, 1, *(17, 14)[:dims])
    loss = FourierMagnitudeLoss(window=window, step=4, dims=dims, norm="backward", reduction="sum")
    leaf = output.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda o: loss(o, target), (leaf,), fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda o: loss(o, target), (leaf,), fast_mode=True)
    value = loss(leaf, output)
    value.backward()
    assert float(value.detach()) == 0 and not leaf.grad.any()


@pytest.mark.parametrize(("shape", "window", "step"), [((40, 41), 8, 4), ((40, 41), 9, 3), ((99,), 6, 5)])
def test_matrices_give_in_single_precision_what_the_transform_gives(shape, window, step, pair, monkeypatch):
    """The FFT in float64 is the oracle, also of planes that a step of the loop holds together."""
    loss = FourierMagnitudeLoss(high_frequency_weight=1.0, window=window, step=step, dims=len(shape), reduction="none")
    pictures = pair(3, 2, *shape)
    found = []
    for small, dtype in ((99, torch.float32), (0, torch.float64)):
        monkeypatch.setattr(rolling, "_SMALL", small)
        leaf = pictures[0].to(dtype).requires_grad_()
        values = loss(leaf, pictures[1].to(dtype))
        values.sum().backward()
        found.append((values.detach().double(), leaf.grad.double()))
    (values, gradient), (wanted, slope) = found
    assert float((values / wanted - 1).abs().max()) < 3e-7
    assert float((gradient - slope).norm() / slope.norm()) < 1e-5


@pytest.mark.parametrize("shape", [(8, 8), (5, 5), (4, 7), (7, 4), (8,), (5,)])
def test_single_coefficients_hold_the_energy_of_the_tapered_window(shape):
    """Parseval: the energies add up to those of the samples, so that the matrix is as good as orthogonal."""
    like = torch.zeros((), dtype=torch.float64)
    matrix, weights = tapered_transform(shape, "ortho", like=like), single_weights(shape, 0.0, like=like)
    assert matrix.shape == (2 * len(weights), np.prod([n - 1 for n in shape])) and float(
        weights.sum()
    ) == pytest.approx(1)
    energies = (matrix.T * weights.repeat(2) * np.prod(shape)) @ matrix
    squares = [np.square(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)) for n in shape]
    taper = np.multiply.outer(*squares) if len(shape) == 2 else squares[0]
    inside = taper[(slice(1, None),) * len(shape)].ravel()
    assert taper.sum() == pytest.approx(inside.sum(), rel=1e-15)
    assert energies.numpy() == pytest.approx(np.diag(inside / taper.mean()), abs=1e-13)


@pytest.mark.parametrize("window", [8, 12])
@pytest.mark.parametrize("place", [(0, 0), (0, 9), (12, 0), (13, 13)])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_window_hides_what_is_not_finite(bad, place, window, pair):
    """Where the Hann window is 0 as well, but only in its own item."""
    for which in (0, 1):
        images = pair(2, 2, 24, 24)
        images[which][1, 1, *place] = bad
        value = FourierMagnitudeLoss(window=window, step=window, reduction="none")(*images)
        assert value.isfinite().tolist() == [True, False]


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-22, 1e-19, 1e-10])
def test_tiny_images_do_not_pull_harder_than_others(size, pair):
    """The gradient of |F| is a phase, whose modulus is 1; squares of small numbers are lost in float32."""
    output, target = pair(1, 1, 24, 24, dtype=torch.float32)
    loss = FourierMagnitudeLoss(window=8)
    norms = []
    for scale in (1.0, size):
        leaf = (scale * output).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(leaf, 2 * target), leaf)
        norms.append(float(gradient.norm()))
    assert norms[1] < 2 * norms[0]


def test_white_noise_keeps_its_magnitude_in_windows():
    """The taper has a mean square of one: √π/2 σ is the mean magnitude of unitary transforms of noise, whole or cut."""
    noise = 0.1 * torch.randn(4, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    for options in ({}, {"window": 16}, {"window": 32, "step": 32}):
        got = FourierMagnitudeLoss(**options)(noise, torch.zeros_like(noise))
        assert float(got) == pytest.approx(0.1 * np.sqrt(np.pi) / 2, rel=0.01)


def test_unitary_losses_do_not_depend_on_the_size():
    chance = torch.Generator().manual_seed(0)
    values = []
    for size in (64, 101, 224):
        noise = 0.1 * torch.randn(2, 3, size, size, generator=chance)
        values.append(float(FourierLoss()(noise, torch.zeros_like(noise))))
    assert max(values) / min(values) < 1.02


def rings(shape, bands):
    """Ring of every coefficient of the full plane, in whole numbers."""
    grids = np.meshgrid(*[np.minimum(np.arange(n), n - np.arange(n)) for n in shape], indexing="ij")
    total = np.prod(shape)
    squared = sum((grid * (total // n)) ** 2 for grid, n in zip(grids, shape, strict=True))
    number = np.zeros(shape, dtype=int)
    for band in range(1, bands + (len(shape) > 1)):
        number[4 * bands**2 * squared >= (band * total) ** 2] = band
    return number


@pytest.mark.parametrize("bands", [12, 3, 1])
@pytest.mark.parametrize("shape", [(24, 24), (25, 18), (48, 30), (7, 9), (2, 2), (1, 1), (24,), (25,), (1,)])
def test_band_energies_are_a_loop_over_rings(shape, bands, pair, close):
    output, target = pair(2, 3, *shape)
    ring, count = rings(shape, bands), bands + (len(shape) > 1)
    energies = []
    for x in (output, target):
        power = np.abs(plane(x, shape, "ortho")) ** 2
        means = [
            power[..., ring == band].mean(-1) if (ring == band).any() else np.zeros((2, 3)) for band in range(count)
        ]
        energies.append(np.stack(means, -1))
    filled = [b for b in range(count) if (ring == b).any()]
    energies = np.stack(energies)
    close(band_energies(output, bands=bands, dims=len(shape)), energies[0], times=10)
    logs = np.log(energies[..., filled] + 1e-4)
    wanted = items(np.abs(logs[0] - logs[1]))
    close(band_energy_loss(output, target, bands=bands, dims=len(shape), reduction="none"), wanted, times=30)


def test_bands_of_white_noise_hold_its_variance():
    noise = 0.1 * torch.randn(8, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    energies = band_energies(noise).mean(dim=(0, 1))
    assert energies.tolist() == pytest.approx([0.01] * 13, rel=0.1)
