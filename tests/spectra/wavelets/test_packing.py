"""Coefficients as one array against PyWavelets, and back."""

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets import wavedec2, wavedecn, waverec2
from undula.spectra.wavelets.packing import array_to_coeffs, coeffs_to_array, ravel_coeffs, unravel_coeffs

pytestmark = pytest.mark.filterwarnings("ignore:Level value of")


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def same(got, want):
    """Equal containers, shapes, slices and numbers, to the last bit: nothing is calculated."""
    if isinstance(want, np.ndarray):
        assert np.array_equal(np.asarray(got), want, equal_nan=True)
    elif isinstance(want, dict):
        assert got.keys() == want.keys()
        for key in want:
            same(got[key], want[key])
    elif isinstance(want, list | tuple) and not all(isinstance(each, int | slice) for each in want):
        assert type(got) is type(want) and len(got) == len(want)
        for mine, theirs in zip(got, want, strict=True):
            same(mine, theirs)
    else:
        assert got == want


def tensors(coeffs):
    if isinstance(coeffs, dict):
        return {key: tensors(band) for key, band in coeffs.items()}
    if isinstance(coeffs, list | tuple):
        return type(coeffs)(tensors(each) for each in coeffs)
    return torch.from_numpy(coeffs)


MADE = {
    "wavedec": lambda: (pywt.wavedec(draw(29), "db2", level=3), None),
    "wavedec per": lambda: (pywt.wavedec(draw(32), "db2", "periodization", level=3), None),
    "wavedec2": lambda: (pywt.wavedec2(draw(13, 22), "db2", level=2), None),
    "wavedec2 batch": lambda: (pywt.wavedec2(draw(3, 13, 22), "bior2.2", level=2), (-2, -1)),
    "wavedec2 axes": lambda: (pywt.wavedec2(draw(9, 3, 12), "haar", level=2, axes=(2, 0)), (2, 0)),
    "wavedecn": lambda: (pywt.wavedecn(draw(9, 8, 7), "db2", "periodization", level=2), None),
    "wavedecn axis": lambda: (pywt.wavedecn(draw(5, 19), "db3", level=2, axes=(1,)), (1,)),
    "complex": lambda: (pywt.wavedecn(draw(9, 8) + 1j * draw(9, 8, seed=1), "db2", level=1), None),
    "level 0": lambda: (pywt.wavedec2(draw(4, 5), "db2", level=0), None),
    "swt2": lambda: (pywt.swt2(draw(8, 8), "db2", level=2, trim_approx=True), None),
    "swt": lambda: (pywt.swt(draw(16), "haar", level=2, trim_approx=True), None),
}


@pytest.mark.parametrize("name", MADE)
def test_arrays_slices_and_shapes_are_pywts(name):
    coeffs, axes = MADE[name]()
    packed, raveled = pywt.coeffs_to_array(coeffs, axes=axes), pywt.ravel_coeffs(coeffs, axes=axes)
    for given in (coeffs, tensors(coeffs), tuple(coeffs)):
        same(coeffs_to_array(given, axes=axes), packed)
        same(coeffs_to_array(given, 2.5, axes), pywt.coeffs_to_array(coeffs, 2.5, axes))
        same(ravel_coeffs(given, axes), raveled)
    for to_array in (np.asarray, torch.as_tensor):
        same(array_to_coeffs(to_array(packed[0]), packed[1]), pywt.array_to_coeffs(*packed))
        same(unravel_coeffs(to_array(raveled[0]), *raveled[1:]), pywt.unravel_coeffs(*raveled))


@pytest.mark.parametrize("name", ["wavedec", "wavedec2", "wavedecn"])
def test_every_format_comes_back(name):
    coeffs, axes = MADE[name]()
    same(array_to_coeffs(*coeffs_to_array(tensors(coeffs), axes=axes), output_format=name), coeffs)
    for output_format in (name, name.replace("wavedec", "swt")):
        same(unravel_coeffs(*ravel_coeffs(tensors(coeffs), axes=axes), output_format=output_format), coeffs)
    same(array_to_coeffs(*pywt.coeffs_to_array(coeffs)), pywt.array_to_coeffs(*pywt.coeffs_to_array(coeffs)))


def test_padding_of_none_wants_no_gaps():
    tight = pywt.wavedec2(draw(16, 8), "db2", "periodization", level=2)
    array, slices = coeffs_to_array(tensors(tight), padding=None)
    assert array.shape == (16, 8)
    same((array, slices), pywt.coeffs_to_array(tight, padding=None))
    loose = pywt.wavedec2(draw(16, 8), "db2", level=2)
    with pytest.raises(ShapeError, match=r"array coefficients cannot be tightly packed: got details of shape \(9, 5\)"):
        coeffs_to_array(tensors(loose), padding=None)
    del loose[1:]
    loose.append({"da": draw(*loose[0].shape), "dd": draw(*loose[0].shape)})
    with pytest.raises(ShapeError, match=r"got the bands \['da', 'dd'\] only, expected all of a level"):
        coeffs_to_array(loose, padding=None)
    same(coeffs_to_array(loose, 7.0), pywt.coeffs_to_array(loose, 7.0))
    same(ravel_coeffs(loose), pywt.ravel_coeffs(loose))


def test_gaps_may_be_nan():
    array, _ = coeffs_to_array(tensors(MADE["wavedec2"]()[0]), padding=float("nan"))
    same(array, pywt.coeffs_to_array(MADE["wavedec2"]()[0], padding=np.nan)[0])
    assert bool(array.isnan().any())


def test_batches_of_signals_need_an_axis():
    """PyWavelets packs details of `wavedec` of one axis only; here every signal of a batch is packed like one."""
    x = draw(3, 20)
    want = [pywt.coeffs_to_array(pywt.wavedec(row, "db2", level=2)) for row in x]
    coeffs = tensors(pywt.wavedec(x, "db2", level=2))
    array, slices = coeffs_to_array(coeffs, axes=-1)
    same(array, np.stack([each[0] for each in want]))
    same(array_to_coeffs(array, slices, output_format="wavedec"), pywt.wavedec(x, "db2", level=2))
    with pytest.raises(ShapeError, match=r"got details along 1 axes of arrays of shape \(3, 7\), expected axes="):
        coeffs_to_array(coeffs)


def test_the_blocks_are_those_of_the_picture():
    array, slices = coeffs_to_array(wavedecn(torch.from_numpy(draw(8, 8)), "haar", level=2))
    assert slices[0] == (slice(2), slice(2))
    assert slices[1]["ad"] == (slice(2), slice(2, 4)) and slices[2]["da"] == (slice(4, 8), slice(4))
    assert array.shape == (8, 8)


def test_types_and_frameworks_stay():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.complex64):
        coeffs = wavedecn(torch.ones(7, 9, dtype=dtype), "db2", level=1)
        assert coeffs_to_array(coeffs)[0].dtype == ravel_coeffs(coeffs)[0].dtype == dtype
    assert coeffs_to_array([np.ones(3, np.float32), np.ones(3, np.float32)])[0].dtype == np.float32


def test_wrong_calls_say_what_to_do(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x, y = torch.zeros(4, 4), torch.zeros(5, 4)
    for pack in (coeffs_to_array, ravel_coeffs):
        for given, error, text in [
            ([], ShapeError, "got coefficients of type list, expected a list .* not empty"),
            ({"a": x}, ShapeError, "got coefficients of type dict, expected a list"),
            ([None, (x, x, x)], ShapeError, "got a band that is None, expected all bands: put zeros"),
            ([x, None], ShapeError, "got a band that is None, expected all bands: put zeros"),
            ([x, (x, None, x)], ShapeError, "got a band that is None, expected all bands: put zeros"),
            ([x, {}], ShapeError, "got a band that is None, expected all bands"),
            (
                [x, {"aa": x, "ad": x}],
                ShapeError,
                r"got details named \['aa'\], expected keys of a and d with at least one",
            ),
            ([x, {"da": x, "d": x}], ShapeError, r"got bands named \['d'\], expected 2 letters"),
            ([x, (x, y, x)], ShapeError, "got bands of different shapes"),
            ([x.int(), (x, x, x)], RangeError, "got approximation of type torch.int32, expected floats"),
        ]:
            with pytest.raises(error, match=text):
                pack(given)
        with pytest.raises(ShapeError, match=r"got 3 axes for an array of shape .* expected 2"):
            pack([torch.zeros(2, 2, 2), (torch.zeros(2, 2, 2),) * 3], axes=(0, 1, 2))
    with pytest.raises(
        ShapeError, match=r"details of shape \(5, 4\) behind coarser coefficients that take \(4, 4\), expected no m"
    ):
        coeffs_to_array([x, (y, y, y)])
    array, slices = coeffs_to_array([x, (x, x, x)])
    flat, places, shapes = ravel_coeffs([x, (x, x, x)])
    for call, error, text in [
        (
            lambda: array_to_coeffs(array, slices, "swt2"),
            OptionError,
            "got output_format='swt2', expected one of wavedec, wavedec2",
        ),
        (
            lambda: unravel_coeffs(flat, places, shapes, "dwt"),
            OptionError,
            "got output_format='dwt', expected one of wavedec, .* swtn",
        ),
        (
            lambda: array_to_coeffs(array, slices, "wavedec"),
            ShapeError,
            r"got bands \['ad', 'da', 'dd'\], expected \['d'\] for",
        ),
        (
            lambda: array_to_coeffs(array, []),
            ShapeError,
            "got an empty list of slices, expected what coeffs_to_array returned",
        ),
        (lambda: unravel_coeffs(flat, [], []), ShapeError, "got 0 slices and 0 shapes, expected as many of both"),
        (
            lambda: unravel_coeffs(flat, places, shapes[:1]),
            ShapeError,
            "got 2 slices and 1 shapes, expected as many of both",
        ),
        (lambda: array_to_coeffs(array.int(), slices), RangeError, "got arr of type torch.int32, expected floats"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_gradients_pass_through_both_ways():
    """Σ w·packed has the gradient w at every coefficient: the closed form, and the way back is the transpose."""
    coeffs = [
        torch.from_numpy(band) for band in (draw(5, 6), draw(5, 6, seed=1), draw(5, 6, seed=2), draw(5, 6, seed=3))
    ]
    finer = [torch.from_numpy(draw(9, 11, seed=4 + k)) for k in range(3)]
    leaves = [band.requires_grad_() for band in (*coeffs, *finer)]
    given = [leaves[0], tuple(leaves[1:4]), tuple(leaves[4:])]
    for pack, unpack in ((coeffs_to_array, array_to_coeffs), (ravel_coeffs, unravel_coeffs)):
        array, *where = pack(given)
        weights = torch.from_numpy(draw(*array.shape))
        found = torch.autograd.grad((array * weights).sum(), leaves)
        low, *details = unpack(weights, *where, output_format="wavedec2")
        for mine, theirs in zip(found, [low, *details[0], *details[1]], strict=True):
            assert torch.equal(mine, theirs)
        assert torch.autograd.gradcheck(lambda *b: pack([b[0], b[1:4], b[4:]])[0], leaves, fast_mode=True)  # noqa: B023
        assert torch.autograd.gradgradcheck(lambda *b: pack([b[0], b[1:4], b[4:]])[0], leaves, fast_mode=True)  # noqa: B023


def test_a_network_on_the_packed_array_learns_through_the_transform():
    """⟨∇, x⟩ of half the energy of an orthogonal transform is the energy of the image: Parseval."""
    x = torch.from_numpy(draw(3, 16, 16)).requires_grad_()
    array, slices = coeffs_to_array(wavedec2(x, "db2", "periodization", level=2), axes=(-2, -1))
    (array.square().sum() / 2).backward()
    assert torch.allclose(x.grad, x.detach(), atol=1e-11)  # PyWavelets' db2 is orthogonal within 1e-12
    back = waverec2(array_to_coeffs(array, slices, output_format="wavedec2"), "db2", "periodization")
    assert torch.allclose(back, x, atol=1e-11)


def test_jax_compiles_and_differentiates():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = draw(9, 10)

    def energy(x):
        coeffs = wavedecn(x, "db2", level=1)
        return (coeffs_to_array(coeffs, padding=1.0)[0] ** 3).sum() + (ravel_coeffs(coeffs)[0] ** 2).sum()

    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    assert np.allclose(jax.jit(jax.grad(energy))(x), u.grad.numpy(), atol=1e-12)
    coeffs = [jax.numpy.asarray(band) for band in MADE["wavedec"]()[0]]
    same(coeffs_to_array(coeffs), pywt.coeffs_to_array(MADE["wavedec"]()[0]))
    same(unravel_coeffs(*ravel_coeffs(coeffs), output_format="wavedec"), MADE["wavedec"]()[0])
