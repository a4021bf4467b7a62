"""JAX gets the same functions: its arrays in and out, jit, grad and vmap, equal to PyTorch."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from undula import wavelets

jax = pytest.importorskip("jax")


@pytest.fixture
def double():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def test_lists_and_numpy_arrays_become_jax_arrays(double):
    from undula.jax import wavelets as for_jax

    for data in ([1, 2, 3, 4], np.arange(1.0, 5)):
        low, high = for_jax.dwt(data, "db1")
        assert isinstance(low, jax.Array) and np.allclose(low, [2.12132034, 4.94974747]) and high.shape == (2,)
    assert isinstance(wavelets.dwt([1, 2, 3, 4], "db1")[0], np.ndarray), "the reader of JAX is gone after the call"


def test_both_faces_have_the_same_names():
    from undula.jax import wavelets as for_jax

    assert set(vars(for_jax)) == set(wavelets.__all__)


@pytest.mark.parametrize("mode", ["symmetric", "periodization", "smooth"])
def test_gradients_under_jit_equal_those_of_pytorch(double, mode):
    from undula.jax import wavelets as for_jax

    x = np.random.default_rng(0).standard_normal((2, 16, 17))

    def loss(room, y):
        low, *details = room.wavedec2(y, "db2", mode, level=2)
        return (low**2).sum() + sum((band**3).sum() for three in details for band in three)

    got = jax.jit(jax.grad(lambda y: loss(for_jax, y)))(x)
    leaf = torch.from_numpy(x).requires_grad_()
    loss(wavelets, leaf).backward()
    assert np.abs(np.asarray(got) - leaf.grad.numpy()).max() < 1e-14 * leaf.grad.abs().max()
    mapped = jax.vmap(lambda y: for_jax.dwt2(y, "db2", mode)[0])(x)
    assert np.allclose(mapped, wavelets.dwt2(x, "db2", mode)[0], atol=1e-13)


def test_gradients_flow_to_filters(double):
    from undula.jax import wavelets as for_jax

    x = np.random.default_rng(0).standard_normal(20)
    filters = np.random.default_rng(1).standard_normal((4, 6))
    got = jax.grad(lambda f: (for_jax.dwt(x, list(f))[1] ** 2).sum())(jax.numpy.asarray(filters))
    leaf = torch.from_numpy(filters).requires_grad_()
    (wavelets.dwt(torch.from_numpy(x), list(leaf))[1] ** 2).sum().backward()
    assert np.abs(np.asarray(got) - leaf.grad.numpy()).max() < 1e-12


def test_without_jax_one_line_says_what_to_install():
    code = "import sys; sys.modules['jax'] = None; import undula.jax"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode and "pip install 'undula[jax]'" in done.stderr.strip().splitlines()[-1]
