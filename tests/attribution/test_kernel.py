"""Oracle: scikit-learn's formula of the sigmoid kernel, dense, in float64 (KernelPCA with gamma = 1/C, coef0 = 1)."""

import pytest
import torch

from undula.attribution import kernel_pca_cam
from undula.attribution.components import centered, kernel_component
from undula.attribution.kernel import Kernel


def dense(rows):
    """Projection of one item (c, n) on the first component, sign as scikit-learn has it: the largest entry positive."""
    kernel = torch.tanh(rows.T @ rows / len(rows) + 1)
    kernel = kernel - kernel.mean(dim=0) - kernel.mean(dim=1, keepdim=True) + kernel.mean()
    values, vectors = torch.linalg.eigh(kernel)
    first = vectors[:, -1] * values[-1].sqrt()
    return first * first[first.abs().argmax()].sign()


def features(shape, *, scale, generator, rank=4):
    """Activations of few patterns and some noise, as a network has them."""
    patterns = torch.randn(shape[0], rank, *shape[2:], dtype=torch.float64, generator=generator).cumsum(-1).cumsum(-2)
    mixing = torch.randn(shape[0], shape[1], rank, dtype=torch.float64, generator=generator) / torch.arange(1, rank + 1)
    found = torch.einsum("bcr,br...->bc...", mixing, patterns / patterns.std()).relu()
    return scale * (found + 0.1 * torch.randn(shape, dtype=torch.float64, generator=generator))


@pytest.mark.parametrize("scale", [1e-4, 1.0, 100.0])
@pytest.mark.parametrize(
    "shape",
    [(1, 16, 20, 20), (3, 8, 17, 23), (2, 1, 17, 17), (1, 600, 12, 25), (2, 3, 300)],
    ids=lambda shape: str(shape),
)
def test_tiles_give_the_dense_component_including_its_sign(shape, scale, generator):
    activations = features(shape, scale=scale, generator=generator)
    found, residual = kernel_pca_cam(activations, sign="raw")
    for item, own in zip(centered(activations), found, strict=True):
        want = dense(item)
        assert float((own.flatten() - want).abs().max() / want.abs().max()) < 1e-5
    assert (residual < 1e-2).all()  # before the last power step


def test_items_of_all_sizes_stand_side_by_side(generator):
    activations = features((4, 6, 18, 18), scale=1.0, generator=generator)
    activations = activations * torch.tensor([1e-3, 1.0, 30.0, 0.0])[:, None, None, None]
    found, _ = kernel_pca_cam(activations, sign="raw")
    for item, own in zip(centered(activations)[:3], found[:3], strict=True):
        want = dense(item)
        assert float((own.flatten() - want).abs().max() / want.abs().max()) < 2e-5
    assert float(found[3].abs().max()) == 0


def test_where_no_component_stands_out_more_passes_are_made(generator):
    noise = torch.randn(1, 32, 24, 24, dtype=torch.float64, generator=generator)
    found, residual = kernel_pca_cam(noise, sign="raw")
    want = dense(centered(noise)[0])
    assert float((found.flatten() - want).abs().max() / want.abs().max()) < 1e-4
    assert float(residual) < 1e-4
    assert float(kernel_component(centered(noise), passes=2).residual) > 1e-4


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_the_operator_is_the_dense_kernel(scale, generator, close):
    rows = centered(features((2, 5, 23, 29), scale=scale, generator=generator))
    kernel = Kernel(rows)
    assert kernel.side < rows.shape[2], "several tiles"
    vectors = torch.randn(2, 3, rows.shape[2], dtype=torch.float64, generator=generator)
    want = vectors @ kernel.dense()
    # Tiles are float32.
    assert float((kernel(vectors) - want).abs().max() / want.abs().max()) < 2e-6
    ones = torch.ones(2, 1, rows.shape[2], dtype=torch.float64)
    assert float(kernel(ones).abs().max()) < 1e-9 * float(want.abs().max()), "centered"
