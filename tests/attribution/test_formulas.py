"""Oracles: the parity fixture of the reference pipeline (pytorch-grad-cam 1.5.5, both signs), NumPy's vectors."""

import numpy as np
import pytest
import torch

from undula.attribution import (
    eigen_cam,
    eigen_grad_cam,
    grad_cam,
    grad_cam_plus_plus,
    heat_maps,
    hires_cam,
    kernel_pca_cam,
    layer_cam,
    seg_eigen_cam,
    x_grad_cam,
)
from undula.attribution.signs import oriented

# Mean and population standard deviation over both images, zeros, m[0, 20, 24], m[1, 39, 47], flat argmax per image.
FIXTURE = {
    "eigen": (0.146908, 0.206497, 1344, 0.022760, 0.073708, [670, 670]),
    "eigen turned over": (0.203104, 0.234721, 1024, 0.083287, 0.0, [1597, 1597]),
    "kpca": (0.146768, 0.204159, 1312, 0.025912, 0.087213, [670, 670]),
    "grad": (0.155902, 0.219637, 1280, 0.072178, 0.0, [1597, 1833]),
    "hirescam": (0.155370, 0.214436, 1244, 0.071413, 0.0, [1597, 1597]),
    "layercam": (0.305225, 0.254826, 416, 0.293441, 0.032940, [1597, 9]),
    "grad++": (0.324598, 0.269465, 656, 0.344414, 0.0, [1409, 1597]),
    "xgrad": (0.171937, 0.224983, 1232, 0.082535, 0.0, [1597, 1597]),
    "eigengrad": (0.191957, 0.242575, 1232, 0.031803, 0.195145, [670, 670]),
    "eigengrad turned over": (0.179733, 0.221882, 1120, 0.084809, 0.0, [1409, 1597]),
    "seg-eigen": (0.179733, 0.221882, 1120, 0.084809, 0.0, [1409, 1597]),
}


def maps_of(method, activations, gradients):
    """The signed maps; where the fixture has LAPACK's sign, with that of its probes."""
    known = {
        "kpca": lambda: kernel_pca_cam(activations)[0],
        "grad": lambda: grad_cam(activations, gradients),
        "hirescam": lambda: hires_cam(activations, gradients),
        "layercam": lambda: layer_cam(activations, gradients),
        "grad++": lambda: grad_cam_plus_plus(activations, gradients),
        "xgrad": lambda: x_grad_cam(activations, gradients),
        "seg-eigen": lambda: seg_eigen_cam(activations, gradients, sign="raw"),
    }
    if method in known:
        return known[method]()
    first = eigen_cam(activations) if "grad" not in method else eigen_grad_cam(activations, gradients)
    peaks = first.flatten(1)[:, [670 // 48 // 4 * 12 + 670 % 48 // 4]].sign()[..., None]  # the cell of the argmax 670
    return first * peaks * (-1 if "turned" in method else 1)


@pytest.mark.parametrize("method", FIXTURE)
def test_all_nine_methods_give_the_maps_of_the_reference(method, fixture):
    mean, deviation, zeros, first, second, places = FIXTURE[method]
    found = heat_maps([maps_of(method, *fixture)], (40, 48))
    assert found.shape == (2, 40, 48)
    assert float(found.mean()) == pytest.approx(mean, abs=1.5e-6)
    assert float(found.std(unbiased=False)) == pytest.approx(deviation, abs=1.5e-6)
    assert int((found == 0).sum()) == zeros
    assert float(found[0, 20, 24]) == pytest.approx(first, abs=1.5e-6)
    assert float(found[1, 39, 47]) == pytest.approx(second, abs=1.5e-6)
    assert found.flatten(1).argmax(dim=1).tolist() == places


def test_the_fixture_is_the_fixture(fixture):
    activations, _ = fixture
    assert float(activations.double().sum()) == pytest.approx(868.237424, abs=1e-5)
    assert float(activations.std(unbiased=False)) == pytest.approx(0.587903, abs=1e-6)
    assert float(activations[1, 5, 9, 11]) == pytest.approx(-0.4246448, abs=1e-6)


def test_projections_of_the_fixture(fixture):
    first = eigen_cam(fixture[0])
    first = first * -first[:, :1, :1].sign()  # the printed sign: negative in the corner of the first image
    assert float(first[0, 0, 0]) == pytest.approx(-0.0763025, abs=1e-6)
    assert first.std(dim=(1, 2), unbiased=False).tolist() == pytest.approx([1.0408033, 1.1312828], abs=1e-6)
    assert first.amin(dim=(1, 2)).tolist() == pytest.approx([-2.4111998, -2.3834605], abs=2e-6)
    assert first.amax(dim=(1, 2)).tolist() == pytest.approx([3.053329, 3.192674], abs=2e-6)
    kernel, residual = kernel_pca_cam(fixture[0], sign="raw")
    assert kernel.std(dim=(1, 2), unbiased=False).tolist() == pytest.approx([0.2812589, 0.3055043], abs=1e-6)
    assert kernel.amin(dim=(1, 2)).tolist() == pytest.approx([-0.6965258, -0.7040421], abs=1e-6)
    assert kernel.amax(dim=(1, 2)).tolist() == pytest.approx([0.8243145, 0.8504785], abs=1e-6)
    assert float(kernel[0, 0, 0]) == pytest.approx(-0.0149490, abs=1e-6)
    assert float(kernel[1, 9, 11]) == pytest.approx(0.0710104, abs=1e-6)
    assert (residual < 1e-12).all()


@pytest.mark.parametrize(
    "shape", [(2, 6, 10, 12), (1, 3, 7, 5), (3, 40, 4, 5), (2, 9, 17), (2, 5, 3, 4, 5)], ids=lambda shape: str(shape)
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_eigen_maps_are_numpys_including_its_sign(shape, dtype, close, generator):
    activations = torch.randn(shape, dtype=dtype, generator=generator)
    found = eigen_cam(activations, sign="raw")
    assert found.shape == (shape[0], *shape[2:])
    for item, own in zip(activations.double(), found, strict=True):
        rows = item.flatten(1).T.numpy()
        rows = rows - rows.mean(axis=0)
        want = rows @ np.linalg.svd(rows, full_matrices=True)[2][0]
        # The second eigenvalue of noise is close to the first.
        close(own, want.reshape(shape[2:]), times=10 if dtype == torch.float32 else 100)


@pytest.mark.parametrize(("sign", "method"), [("activation", "eigen"), ("maxabs", "eigen"), ("activation", "kpca")])
def test_no_rotation_of_the_channels_turns_a_map_over(sign, method, generator):
    activations = torch.randn(50, 8, 6, 7, dtype=torch.float64, generator=generator) ** 3
    call = eigen_cam if method == "eigen" else (lambda x, sign: kernel_pca_cam(x, sign=sign)[0])
    want, flips = call(activations, sign=sign), 0
    for _ in range(20):
        turn = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64, generator=generator))[0]
        found = call(torch.einsum("dc,bchw->bdhw", turn, activations), sign=sign)
        flips += int(((found * want).flatten(1).sum(dim=1) < 0).sum())
        assert torch.allclose(found, want, atol=1e-9)
    assert flips == 0


def test_eigen_maps_are_positive_where_activations_are_large(generator):
    spot = torch.zeros(3, 5, 8, 8)
    spot[:, :, 2:4, 5:7] = -4.0  # centered, the spot is the large part, whatever its sign
    noise = 0.1 * torch.randn(3, 5, 8, 8, generator=generator)
    for sign in ("activation", "maxabs"):
        found = eigen_cam(spot + noise, sign=sign)
        assert (found[:, 2:4, 5:7] > 5).all() and float(found[:, :2].mean()) < 0


def test_an_undecided_correlation_leaves_the_sign_to_the_larger_extreme():
    rows = torch.tensor([[[3.0, -1.0, -1.0, -1.0]], [[-3.0, 1.0, 1.0, 1.0]]])
    flat = torch.ones(2, 1, 4)
    assert oriented(rows[:, 0], flat, sign="activation").amax(dim=1).tolist() == [3, 3]
    assert oriented(rows[:, 0], rows, sign="activation").amax(dim=1).tolist() == [3, 3]
    assert torch.equal(oriented(rows[:, 0], rows, sign="raw"), rows[:, 0])


@pytest.mark.parametrize("formula", [grad_cam, hires_cam, layer_cam, x_grad_cam, grad_cam_plus_plus])
def test_items_do_not_know_each_other(formula, fixture, close):
    together = formula(*fixture)
    apart = [formula(a[None], g[None])[0] for a, g in zip(*fixture, strict=True)]
    close(together, torch.stack(apart))


@pytest.mark.parametrize("formula", [grad_cam, hires_cam, x_grad_cam])
def test_maps_are_linear_in_the_gradient(formula, fixture, close, generator):
    activations, first = fixture
    second = torch.randn(first.shape, generator=generator)
    close(
        formula(activations, 2 * first - second),
        2 * formula(activations, first) - formula(activations, second),
        times=10,
    )


def test_nothing_varies_nothing_shows():
    constant = torch.full((2, 3, 6, 6), 0.7)
    for found in (eigen_cam(constant), kernel_pca_cam(constant)[0], kernel_pca_cam(torch.full((2, 3, 20, 20), 0.7))[0]):
        assert torch.isfinite(found).all()
        assert float(found.abs().max()) < 1e-6
        assert torch.isfinite(heat_maps([found], (12, 12))).all()
