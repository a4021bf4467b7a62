"""Packets against the nodes of PyWavelets, in both orders; the best basis against all bases of a small tree."""

import warnings

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import packets, trees
from undula.spectra.wavelets.bases import best_basis, from_basis
from undula.spectra.wavelets.packets import node, wpdec, wpdec2, wpdecn, wprec, wprec2, wprecn

FEW = ["haar", "db2", "db4", "sym5", "bior2.4"]
MODES = pywt.Modes.modes
ORDERS = ["freq", "natural"]


def draw(*shape, seed=0, dtype=np.float64):
    chance = np.random.default_rng(seed)
    real = chance.standard_normal(shape)
    return (real + 1j * chance.standard_normal(shape)).astype(dtype) if dtype is complex else real.astype(dtype)


def nodes_of(x, wavelet, mode, level, order, axis=-1):
    found = pywt.WaveletPacket(x, wavelet, mode, maxlevel=level, axis=axis).get_level(level, order)
    return np.stack([each.data for each in found], axis=(axis % x.ndim) - x.ndim - 1)


def nodes_of_plane(x, wavelet, mode, level, order, axes=(-2, -1)):
    found = pywt.WaveletPacket2D(x, wavelet, mode, maxlevel=level, axes=axes).get_level(level, order)
    found = [each for row in found for each in row] if order == "freq" else found
    return np.stack([each.data for each in found], axis=min(axis % x.ndim for axis in axes) - x.ndim - 1)


def near(got, want, tolerance=1e-13):
    want = np.asarray(want)
    assert tuple(got.shape) == want.shape
    assert np.abs(np.asarray(got) - want).max() <= tolerance * max(1e-300, np.abs(want).max())


@pytest.fixture(autouse=True)
def deep():
    """Levels deeper than PyWavelets recommends are part of the grids; its packets do not warn, ours do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Level value of")
        yield


@pytest.fixture
def unwatched(monkeypatch):
    """No checks of types at run time: they do not know the objects of functorch, and cost half the time of a long grid."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(params=["all nodes at once", "one by one"])
def way(request, monkeypatch):
    monkeypatch.setattr(trees, "_LARGE", 2**60 if request.param == "all nodes at once" else 1)


# Against PyWavelets.


@pytest.mark.parametrize("mode", MODES)
def test_packets_are_the_nodes_of_pywt(mode, way, unwatched):
    for place, name in enumerate(FEW):
        for n, level in ((7, 1), (16, 2), (33, 3), (2 + place, 2)):
            if "reflect" in mode and n < 5:
                continue  # PyWavelets refuses single samples in these two modes
            x = draw(2, n, seed=n)
            for order in ORDERS:
                got = wpdec(torch.from_numpy(x), name, mode, level, order=order)
                near(got, nodes_of(x, name, mode, level, order))
                back = wprec(got, name, mode, order=order, length=n)
                near(back, x, tolerance=1e-10)  # as exact as the tables of sym5 are


@pytest.mark.parametrize("mode", MODES)
def test_packets_of_planes_are_the_nodes_of_pywt(mode, way, unwatched):
    for place, name in enumerate(FEW):
        x = draw(2, 9 + place, 16 - place, seed=place)
        for level in (1, 2):
            for order in ORDERS:
                got = wpdec2(torch.from_numpy(x), name, mode, level, order=order)
                near(got, nodes_of_plane(x, name, mode, level, order))
                back = wprec2(got, name, mode, order=order, shape=x.shape[1:])
                near(back, x, tolerance=1e-10)


def test_packets_of_many_axes_are_the_nodes_of_pywt(way, unwatched):
    for axes, mode in (((0, 1, 2), "symmetric"), ((2, 0), "periodization"), ((1,), "zero")):
        x = draw(5, 6, 7)
        for level in (1, 2):
            found = pywt.WaveletPacketND(x, "db2", mode, maxlevel=level, axes=axes).get_level(level)
            want = np.stack([each.data for each in found], axis=min(axes))
            got = wpdecn(torch.from_numpy(x), "db2", mode, level, axes, "natural")
            near(got, want)
            near(wprecn(got, "db2", mode, axes, "natural", shape=[x.shape[axis] for axis in axes]), x)


def test_orders_of_frequency_agree():
    """Of one axis and of two `wpdecn` has the order of `wpdec` and `wpdec2`; of three the Gray code along each."""
    x = draw(4, 8, 8)
    near(wpdecn(x, "db2", "zero", 2, (2,)), wpdec(x, "db2", "zero", 2))
    near(wpdecn(x, "db2", "zero", 2, (1, 2)), wpdec2(x, "db2", "zero", 2))
    gray = ["aa", "ad", "dd", "da"]
    got = wpdecn(x, "haar", "zero", 2)
    tree = pywt.WaveletPacketND(x, "haar", "zero", maxlevel=2)
    for place, (i, j, k) in enumerate(np.ndindex(4, 4, 4)):
        path = "".join(gray[i][level] + gray[j][level] + gray[k][level] for level in range(2))
        near(got[place], tree[path].data)
        assert np.array_equal(node(got, path, axes=None), got[place])


def test_the_examples_of_pywts_documentation():
    """Regression tests `wp.rst` and `wp2d.rst` of PyWavelets: x = 1 … 8 with db1, and rows of 1 … 8."""
    packets = wpdec([1, 2, 3, 4, 5, 6, 7, 8], "db1", maxlevel=3, order="natural")
    assert packets.shape == (8, 1)
    assert float(packets[0, 0]) == pytest.approx(12.727922061357859)  # wp['aaa']
    assert node(wpdec([1, 2, 3, 4, 5, 6, 7, 8], "db1", maxlevel=2), "aa") == pytest.approx([5.0, 13.0])  # wp['aa']
    plane = wpdec2(np.array([[1, 2, 3, 4, 5, 6, 7, 8]] * 8), "db1", maxlevel=1)
    assert np.allclose(node(plane, "a", axes=(0, 1)), [[3.0, 7.0, 11.0, 15.0]] * 4)  # wp['a']
    assert np.allclose(node(plane, "v", axes=(0, 1)), [[-1.0] * 4] * 4)  # wp['v']


def test_frequency_order_is_the_order_of_frequencies():
    """The energy of a pure tone lies in the band that holds its frequency."""
    t = np.arange(1024)
    for band in range(8):
        tone = np.cos(2 * np.pi * (band + 0.5) / 16 * t)
        energy = (wpdec(tone, "db20", "periodization", 3) ** 2).sum(-1)
        assert energy.argmax() == band and energy[band] > 0.85 * energy.sum()


@pytest.mark.parametrize("axis", [0, 1, 2, -3])
def test_the_bands_stand_before_the_transformed_axis(axis):
    x = draw(9, 10, 11)
    for order in ORDERS:
        got = wpdec(x, "db2", "reflect", 2, axis, order)
        near(got, nodes_of(x, "db2", "reflect", 2, order, axis))
        near(wprec(got, "db2", "reflect", axis, order, length=x.shape[axis]), x)
        near(node(got, "da", axes=axis, order=order), pywt.WaveletPacket(x, "db2", "reflect", 2, axis=axis)["da"].data)


@pytest.mark.parametrize("axes", [(0, 1), (2, 0), (-1, 1), (1, 3)])
def test_the_bands_stand_before_the_first_of_the_transformed_axes(axes):
    x = draw(4, 6, 3, 5)
    for order in ORDERS:
        got = wpdec2(x, "haar", "symmetric", 2, axes, order)
        near(got, nodes_of_plane(x, "haar", "symmetric", 2, order, axes))
        near(wprec2(got, "haar", "symmetric", axes, order, shape=[x.shape[axis] for axis in axes]), x)
        tree = pywt.WaveletPacket2D(x, "haar", "symmetric", 2, axes)
        for path in ("aa", "hv", "vd", "dh"):
            near(node(got, path, axes=axes, order=order), tree[path].data)


def test_one_wavelet_and_mode_per_axis():
    x = draw(12, 10)
    got = wpdec2(x, ("db2", "haar"), ("zero", "periodization"), 1, order="natural")
    want = pywt.dwt2(x, ("db2", "haar"), ("zero", "periodization"))
    near(got, np.stack([want[0], *want[1]]))
    near(wprec2(got, ("db2", "haar"), ("zero", "periodization"), order="natural"), x)


def test_levels():
    x = draw(20)
    assert wpdec(x, "db2").shape[0] == 2 ** pywt.dwt_max_level(20, "db2")
    assert wpdec2(draw(20, 9), "db2").shape[0] == 4
    near(wpdec(x, "db2", maxlevel=0), x[None])
    near(wprec(x[None], "db2"), x)
    assert wpdec2(x[None], "haar", maxlevel=0).shape == (1, 1, 20)


# The inverse.


@pytest.mark.parametrize("mode", ["symmetric", "smooth", "periodization", "boundary"])
@pytest.mark.parametrize("name", ["haar", "db3"])
def test_without_a_length_even_levels_come_back(name, mode):
    x = draw(2, 48)
    packets = wpdec(x, name, mode, 2)
    near(wprec(packets, name, mode), x)  # padded, db3 makes 26 coefficients of 48 samples and 15 of these


def test_without_a_length_odd_levels_come_back_longer():
    """As PyWavelets does when a tree is built from nodes alone."""
    x = draw(21)
    packets = wpdec(x, "db2", "symmetric", 2, order="natural")
    tree = pywt.WaveletPacket(None, "db2", "symmetric", 2)
    for path, band in zip(("aa", "ad", "da", "dd"), packets, strict=True):
        tree[path] = band
    near(wprec(packets, "db2", order="natural"), tree.reconstruct(update=False))
    near(wprec(packets, "db2", order="natural")[:21], x)
    near(wprec(packets, "db2", order="natural", length=21), x)


@pytest.mark.parametrize("mode", ["periodization", "boundary"])
@pytest.mark.parametrize("name", ["haar", "db4", "coif1"])
def test_orthogonal_packets_keep_the_energy(name, mode, way):
    """Parseval; so every band is an orthogonal projection, and packets and inverse are adjoint."""
    x = draw(3, 32, 64)
    packets = wpdec2(x, name, mode, 2)
    assert packets.shape == (3, 16, 8, 16)
    assert (packets**2).sum() == pytest.approx((x**2).sum(), rel=1e-13)
    near(wprec2(packets, name, mode), x)
    other = draw(*packets.shape, seed=1)
    assert (packets * other).sum() == pytest.approx((x * wprec2(other, name, mode)).sum(), rel=1e-10)


# Errors.


def test_what_is_wrong_is_told(unwatched):
    x = draw(16)
    with pytest.raises(OptionError, match=r"got order 'frequency', expected freq or natural"):
        wpdec(x, "haar", order="frequency")
    with pytest.raises(OptionError, match=r"got wavelet 'harr'.*did you mean haar"):
        wpdec(x, "harr")
    with pytest.raises(RangeError, match=r"got maxlevel|got level=-1"):
        wpdec(x, "haar", maxlevel=-1)
    with pytest.raises(RangeError, match=r"got data of type torch.int64"):
        wpdec(torch.arange(8), "haar")
    with pytest.raises(RangeError, match=r"got packets of type torch.int64"):
        wprec(torch.ones(2, 4, dtype=torch.int64), "haar")
    with pytest.raises(ShapeError, match=r"got axes 1 for an array of shape \(16,\)"):
        wpdec(x, "haar", axis=1)
    with pytest.raises(ShapeError, match=r"got 1 axes"):
        wpdec2(x, "haar", axes=(0,))
    with pytest.raises(
        ShapeError, match=r"got 6 bands along axis -2 of packets of shape \(6, 4\), expected a power of 2"
    ):
        wprec(np.ones((6, 4)), "haar")
    with pytest.raises(ShapeError, match=r"got 8 bands along axis -3 .* expected a power of 4"):
        wprec2(np.ones((8, 4, 4)), "haar")
    with pytest.raises(ShapeError, match=r"got an array of shape \(8,\), expected data of at least one axis"):
        wprec(np.ones(8), "haar")
    with pytest.raises(
        ShapeError, match=r"got packets of \(4,\) coefficients along axes \(-1,\), expected \(5,\) for data"
    ):
        wprec(np.ones((4, 4)), "haar", length=20)
    with pytest.raises(ShapeError, match=r"got lengths \(8,\) for 2 axes"):
        wprec2(np.ones((4, 4, 4)), "haar", shape=(8,))
    with pytest.raises(ShapeError, match=r"got bands of 1 coefficients .* were they made in mode periodization"):
        wprec(np.ones((2, 1)), "db4")


def test_paths_that_are_not_there_are_told():
    packets = wpdec(draw(16), "haar", maxlevel=2)
    for path in ("a", "aaa", "ax", "av"):
        with pytest.raises(OptionError, match=rf"got path '{path}', expected 2 times one of a, d, one after the other"):
            node(packets, path)
    with pytest.raises(OptionError, match=r"got path 'ax', expected 2 times one of a, h, v, d"):
        node(wpdec2(draw(16, 16), "haar", maxlevel=2), "ax", axes=(-2, -1))


def test_a_level_too_deep_warns_as_pywt_does():
    message = r"Level value of 3 is too high: all coefficients will experience boundary effects"
    with pytest.warns(UserWarning, match=message), warnings.catch_warnings():
        warnings.simplefilter("always")
        wpdec(draw(16), "db4", maxlevel=3)
    with pytest.warns(UserWarning, match=message), warnings.catch_warnings():
        warnings.simplefilter("always")
        best_basis(draw(16), "db4", maxlevel=3)


# The best basis.


def bases(path, depth):
    """All bases of a binary tree: a node, or one basis of either child."""
    yield [path]
    if depth:
        for low in bases(path + "a", depth - 1):
            for high in bases(path + "d", depth - 1):
                yield low + high


def entropy(band, energy):
    shares = np.abs(band) ** 2 / energy
    return -sum(p * np.log(p) for p in shares.ravel() if p > 0)


@pytest.mark.parametrize("mode", ["periodization", "symmetric", "boundary"])
@pytest.mark.parametrize("cost", ["entropy", "l1", "threshold", "mine"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_basis_of_the_tree_costs_less(cost, mode, seed):
    t = np.arange(32)
    x = np.sin(0.02 * (seed + 1) * t**2) + 0.1 * draw(2, 32, seed=seed)
    prices = {
        "entropy": lambda band: entropy(band, (x**2).sum()),
        "l1": lambda band: np.abs(band).sum(),
        "threshold": lambda band: (np.abs(band) > 0.3).sum(),
        "mine": lambda band: (np.abs(band) ** 0.5).sum(),
    }
    name = "db2"
    found = best_basis(x, name, mode, 3, cost=prices["mine"] if cost == "mine" else cost, threshold=0.3)
    packets = {"": x}
    for level in (1, 2, 3):
        stacked = wpdec(x, name, mode, level, order="natural")
        packets |= {f"{k:0{level}b}".replace("0", "a").replace("1", "d"): stacked[:, k] for k in range(2**level)}
    price = {path: prices[cost](band) for path, band in packets.items()}
    all_bases = list(bases("", 3))
    assert len(all_bases) == 26
    assert list(found) in all_bases
    assert sum(price[path] for path in found) == pytest.approx(min(sum(price[p] for p in basis) for basis in all_bases))
    for path, band in found.items():
        near(band, packets[path])
    near(from_basis(found, name, mode, length=32), x)


@pytest.mark.parametrize("shape", [(16, 16), (9, 14)])
def test_best_bases_of_planes_come_back(shape):
    x = 0.05 * draw(2, *shape) + np.cos(2.9 * np.arange(shape[1]))
    found = best_basis(torch.from_numpy(x), "haar", "periodization", 2, (-2, -1), "l1")
    tree = pywt.WaveletPacket2D(x, "haar", "periodization", 2)
    assert len(found) > 1
    for path, band in found.items():
        near(band, tree[path].data)
    near(from_basis(found, "haar", "periodization", (-2, -1), length=shape), x)


def test_best_bases_of_three_axes_come_back():
    x = draw(6, 7, 8)
    found = best_basis(x, "haar", maxlevel=1, axes=None, cost=lambda band: -band.size)
    assert list(found) == ["aaa", "aad", "ada", "add", "daa", "dad", "dda", "ddd"]
    near(found["dad"], pywt.dwtn(x, "haar")["dad"])
    near(from_basis(found, "haar", axes=None, length=(6, 7, 8)), x)


def test_bases_whose_nodes_lie_at_several_levels_come_back_without_a_length():
    """A sibling tells the size that an odd level had."""
    x = draw(18)
    tree = pywt.WaveletPacket(x, "db2", "symmetric", 3)
    nodes = {path: tree[path].data for path in ("a", "da", "dda", "ddd")}
    near(from_basis(nodes, "db2"), x)
    only = from_basis({"da": nodes["da"]}, "db2", length=18)
    rest = from_basis({path: band for path, band in nodes.items() if path != "da"}, "db2", length=18)
    near(only + rest, x)


def test_a_tone_needs_one_node_and_nothing_but_zeros_needs_none():
    wave = torch.tensor([1.0, -1.0] * 32)
    for cost in ("entropy", "l1", "threshold"):
        found = best_basis(wave, "haar", maxlevel=3, cost=cost, threshold=1e-3)
        assert sum(bool(band.abs().max() > 1e-3) for band in found.values()) == 1
        assert "daa" in found
    for kind in (torch.zeros(16), np.zeros(16), torch.zeros(16, dtype=torch.float16)):
        assert list(best_basis(kind, "haar")) == [""]


def test_types_of_best_bases():
    x = torch.from_numpy(draw(32))
    x = x + torch.cos(2.5 * torch.arange(32)) * 4
    want = list(best_basis(x, "db2", "periodization", 3))
    for kind in (torch.float32, torch.complex64, torch.float16):
        found = best_basis(x.to(kind), "db2", "periodization", 3)
        assert list(found) == want
        assert all(band.dtype == kind for band in found.values())
    y = x.clone().requires_grad_()
    energy = sum((band**2).sum() for band in best_basis(y, "db2", "periodization", 3).values())
    near(torch.autograd.grad(energy, y)[0], 2 * x)


def test_what_is_wrong_with_bases_is_told(unwatched):
    x = draw(16)
    with pytest.raises(OptionError, match=r"got cost 'log', expected entropy, l1, threshold or a function"):
        best_basis(x, "haar", cost="log")
    with pytest.raises(OptionError, match=r"got cost 'threshold' and no threshold"):
        best_basis(x, "haar", cost="threshold")
    with pytest.raises(ShapeError, match=r"got nodes of type dict, expected a dict of coefficients by path, not empty"):
        from_basis({}, "haar")
    with pytest.raises(ShapeError, match=r"got node 'ad' below node 'a'"):
        from_basis({"ad": x[:4], "a": x[:8]}, "haar")
    with pytest.raises(OptionError, match=r"got path 'av', expected only one of a, d, one after the other"):
        from_basis({"av": x}, "haar")
    with pytest.raises(ShapeError, match=r"got packets of \(16,\) coefficients along axes \(-1,\), expected \(4,\)"):
        from_basis({"a": x}, "haar", length=8)
    with pytest.raises(ShapeError, match=r"got bands of different shapes"):
        from_basis({"a": x, "d": x[:8]}, "haar")


# Types.


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64", "complex128"])
def test_types_stay(dtype):
    kind = getattr(torch, dtype)
    x = torch.from_numpy(draw(12, 9)).to(kind)
    packets = wpdec2(x, "db2", "symmetric", 1)
    assert packets.dtype == kind
    back = wprec2(packets, "db2", shape=(12, 9))
    assert back.dtype == kind
    tolerance = {"float16": 5e-3, "bfloat16": 5e-2}.get(dtype, 1e-5)
    assert (back - x).abs().max() < tolerance


def test_arrays_of_numpy_give_arrays_of_numpy():
    for made in (
        wpdec([1, 2, 3, 4], "haar"),
        wprec(np.ones((2, 2), np.float32), "haar"),
        wpdec(draw(8, dtype=complex), "haar"),
    ):
        assert isinstance(made, np.ndarray)
    assert wprec(np.ones((2, 2), np.float32), "haar").dtype == np.float32


# Derivatives and transformations of programs.


@pytest.mark.parametrize("order", ORDERS)
def test_derivatives(order, way, unwatched):
    x = torch.from_numpy(draw(1, 5)).requires_grad_()

    def there(x):
        return wpdec(x, "db2", "smooth", 2, order=order)

    def back(packets):
        return wprec(packets, "db2", "smooth", order=order, length=5)

    for run, given in ((there, x), (back, there(x).detach().requires_grad_())):
        assert torch.autograd.gradcheck(run, given)
        assert torch.autograd.gradgradcheck(run, given, fast_mode=True)


def test_gradients_reach_the_filters(unwatched):
    bank = tuple(
        torch.tensor(taps, dtype=torch.float64, requires_grad=True) for taps in pywt.Wavelet("db2").filter_bank
    )
    x = torch.from_numpy(draw(8))
    assert torch.autograd.gradcheck(lambda *bank: wprec(wpdec(x, bank, maxlevel=2), bank, length=8), bank)


@pytest.mark.parametrize("dims", [1, 2])
def test_adjoints(dims, way):
    """⟨A u, v⟩ = ⟨u, Aᵀ v⟩, u and v real."""
    x = torch.from_numpy(draw(2, 9, 11))
    run = (lambda x: wpdec(x, "sym5", "smooth", 2)) if dims == 1 else (lambda x: wpdec2(x, "db2", "antireflect", 2))
    made, pull = torch.func.vjp(run, x)
    other = torch.from_numpy(draw(*made.shape, seed=1))
    assert float((made * other).sum()) == pytest.approx(float((x * pull(other)[0]).sum()), rel=1e-10)


PROGRAMS = {
    "one axis": lambda w, x: w.wprec(w.wpdec(x, "db2", "reflect", 2, 0), "db2", "reflect", 0, length=9),
    "two axes": lambda w, x: w.wprec2(w.wpdec2(x, "haar", maxlevel=2) * 2, "haar", shape=(9, 10)),
    "a node": lambda w, x: w.node(w.wpdec2(x, "haar", maxlevel=2, order="natural"), "hv", axes=(0, 1), order="natural"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiles_in_one_graph(name, plain):
    x = torch.from_numpy(draw(9, 10)).requires_grad_(name == "two axes")

    def run(x):
        return PROGRAMS[name](plain, x)

    want, got = run(x), torch.compile(run, fullgraph=True, backend="aot_eager")(x)
    near(got.detach(), want.detach())
    if x.requires_grad:
        mine, theirs = (torch.autograd.grad((made**3).sum(), x)[0] for made in (got, want))
        near(mine, theirs, tolerance=1e-12)
    torch._dynamo.reset()


@pytest.mark.parametrize("name", PROGRAMS)
def test_maps_over_a_further_axis(name, way, unwatched):
    x = torch.from_numpy(draw(3, 9, 10))
    mapped = torch.vmap(lambda x: PROGRAMS[name](packets, x))(x)
    near(mapped, torch.stack([PROGRAMS[name](packets, item) for item in x]))


def test_jax_compiles_maps_and_differentiates(unwatched):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = draw(2, 7)

    def energy(x):
        packets = wpdec(x, "haar", maxlevel=2)
        return (packets**3).sum() + (wprec(packets * 2, "haar", length=7) ** 3).sum()

    near(wpdec2(jax.numpy.asarray(x), "db2", "zero", 1), wpdec2(x, "db2", "zero", 1))
    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    near(jax.jit(jax.grad(energy))(x), u.grad.numpy(), tolerance=1e-12)
    found = best_basis(jax.numpy.asarray(x), "haar", maxlevel=1)
    assert list(found) == list(best_basis(x, "haar", maxlevel=1))
    near(from_basis(found, "haar", length=7), x)
