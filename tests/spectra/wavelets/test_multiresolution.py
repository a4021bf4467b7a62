"""mra … imran against PyWavelets; and that the parts add up."""

import copy
from itertools import product

import jaxtyping
import numpy as np
import pytest
import pywt
import torch

from undula.errors import OptionError, RangeError, ShapeError
from undula.spectra.wavelets.multiresolution import imra, imra2, imran, mra, mra2, mran


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """No checks of types at run time, so that users' errors are seen."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def leaves(parts):
    if isinstance(parts, dict):
        return [each for key in sorted(parts) for each in leaves(parts[key])]
    return [part for each in parts for part in leaves(each)] if isinstance(parts, list | tuple) else [parts]


def layout(parts):
    if isinstance(parts, dict):
        return {key: layout(each) for key, each in parts.items()}
    return type(parts)(layout(each) for each in parts) if isinstance(parts, list | tuple) else tuple(parts.shape)


def agree(got, want, tolerance=1e-13):
    assert layout(got) == layout(want)
    largest = max(float(np.abs(part).max()) for part in leaves(want))
    for mine, theirs in zip(leaves(got), leaves(want), strict=True):
        assert np.abs(np.asarray(mine) - theirs).max() <= tolerance * largest


TABLES = 1e-10  # the filters of sym3 and sym5 reconstruct to 1e-11, in PyWavelets as well
pytestmark = pytest.mark.filterwarnings("ignore:Level value of")  # of PyWavelets, and of both


@pytest.mark.parametrize("name", ["haar", "db2", "sym5", "coif2"])
def test_parts_of_signals_are_pywts(name):
    for shape, axis in (((16,), -1), ((24,), 0), ((3, 8, 2), 1)):
        x = draw(*shape)
        for level in (None, 1, 3):
            want = pywt.mra(x, name, level, axis)
            agree(mra(torch.from_numpy(x), name, level, axis), want)
            agree(imra(mra(x, name, level, axis)), x, TABLES)


def test_parts_of_odd_lengths_are_pywts():
    """The levels of 13 samples in mode symmetric grow by a sample on their way back; it is cut off as in PyWavelets."""
    for n, mode, level in product([12, 13, 21], ["periodization", "symmetric", "zero", "smooth"], [0, 1, 2]):
        x = draw(n)
        want = pywt.mra(x, "db2", level, transform="dwt", mode=mode)
        agree(mra(torch.from_numpy(x), "db2", level, transform="dwt", mode=mode), want)


@pytest.mark.parametrize(
    ("transform", "mode"), [("swt2", "periodization"), ("dwt2", ("symmetric", "zero")), ("dwt2", "periodization")]
)
def test_parts_of_images_are_pywts(transform, mode):
    x = draw(8, 12) if transform == "swt2" else draw(11, 14)
    for wavelet, axes in (("db2", (-2, -1)), (("haar", "sym3"), (1, 0))):
        for level in (1, 2):
            want = pywt.mra2(x, wavelet, level, axes, transform, mode)
            got = mra2(torch.from_numpy(x), wavelet, level, axes, transform, mode)
            agree(got, want)
            agree(imra2(got), x, TABLES)
            agree(imra2(mra2(x, wavelet, level, axes, transform, mode)), pywt.imra2(copy.deepcopy(want)))


@pytest.mark.parametrize(("transform", "mode"), [("swtn", "periodization"), ("dwtn", "reflect")])
def test_parts_of_arrays_are_pywts(transform, mode):
    x = draw(8, 4, 6)
    for wavelet, axes in (("haar", None), (("haar", "db2"), (0, 2)), ("db3", (1,))):
        want = pywt.mran(x, wavelet, 1, axes, transform, mode)
        got = mran(torch.from_numpy(x), wavelet, 1, axes, transform, mode)
        agree(got, want)
        agree(imran(got), x, TABLES)


def test_every_level_there_is():
    """PyWavelets takes the axes of a batch for axes of the image here; the levels of the image decide."""
    x = draw(8, 16)
    agree(mra2(x, "haar"), pywt.mra2(x, "haar"))
    agree(mran(x, "haar"), pywt.mran(x, "haar"))
    batch = mra2(np.stack([x, x, x]), "haar")
    agree([part[2] for part in leaves(batch)], leaves(pywt.mra2(x, "haar")))


def test_a_shift_of_the_signal_shifts_every_part():
    x = torch.from_numpy(draw(32))
    for part, shifted in zip(mra(x, "db3"), mra(x.roll(7), "db3"), strict=True):
        assert (part.roll(7) - shifted).abs().max() < 1e-14


def test_nothing_that_was_given_changes():
    """PyWavelets' imra2 adds into the first part."""
    parts = mra2(draw(4, 4), "haar")
    kept = copy.deepcopy(parts)
    imra2(parts)
    agree(parts, kept)


def test_types_stay_and_gradients_flow():
    for dtype in (torch.float16, torch.float32, torch.complex128):
        x = torch.from_numpy(draw(2, 8)).to(dtype)
        assert all(part.dtype == dtype for part in (*mra(x, "db2"), *mra(x, "db2", transform="dwt")))
    x = torch.from_numpy(draw(8)).requires_grad_()
    for transform in ("swt", "dwt"):

        def run(x, transform=transform):
            return torch.cat(mra(x, "db2", 2 if transform == "swt" else 1, transform=transform))

        assert torch.autograd.gradcheck(run, (x,), fast_mode=True)
        assert torch.autograd.gradgradcheck(run, (x,), fast_mode=True)


def test_jax_compiles_and_differentiates():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    x = draw(8)

    def energy(x):
        return sum((part**3).sum() for part in (*mra(x, "db2", 2), *mra(x, "haar", 1, transform="dwt")))

    u = torch.from_numpy(x).requires_grad_()
    energy(u).backward()
    agree(jax.jit(jax.grad(energy))(x), u.grad.numpy())


CALLS = {
    "transform": (
        lambda x: mra(x, "haar", transform="swt2"), OptionError, "got transform 'swt2', expected 'swt' or 'dwt'"),
    "mode": (lambda x: mra2(x, "haar", mode="zero"), OptionError,
        "got mode 'zero' for 'swt2', expected 'periodization': use 'dwt2'"),
    "one mode": (lambda x: mran(x, "haar", mode=("per", "sym")), OptionError, "for 'swtn', expected 'periodization'"),
    "length": (lambda x: mra(x, "haar", 3), ShapeError, "expected multiples of"),
    "level": (lambda x: mra(x, "haar", -1, transform="dwt"), RangeError, "got level=-1"),
    "integers": (lambda x: mra(x.long(), "haar"), RangeError, "convert with"),
    "nothing": (lambda x: imra([]), ShapeError, "got no parts, expected what mra returns"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_wrong_calls_say_what_to_do(name):
    call, error, text = CALLS[name]
    with pytest.raises(error, match=text):
        call(torch.zeros(4, 12))
