"""Features: PyWavelets, SciPy and NumPy are the oracles; statistics know no size; gradients flow."""

from dataclasses import fields

import numpy as np
import pytest
import pywt
import scipy.fft
import torch

from undula.errors import OptionError, ShapeError
from undula.jobs.detect.features import (
    Features,
    by_frequency,
    log_cosines,
    log_fourier,
    log_packets,
    packet_levels,
    packet_statistics,
    statistic_names,
)
from undula.jobs.detect.features import moments as compiled_moments
from undula.jobs.detect.features.moments import moments


def images(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def tree(plane, wavelet, mode, level, order):
    nodes = pywt.WaveletPacket2D(plane.numpy() * 255, wavelet, mode, maxlevel=level).get_level(level, order)
    return np.stack([node.data for node in (nodes if order == "natural" else [one for row in nodes for one in row])])


@pytest.mark.parametrize(("wavelet", "mode"), [("haar", "symmetric"), ("db2", "reflect"), ("haar", "periodization")])
def test_packets_are_those_of_pywavelets(close, wavelet, mode):
    x = images(1, 1, 19, 24)
    for level, packets in enumerate(packet_levels(x, levels=3, wavelet=wavelet, mode=mode), start=1):
        close(packets[0, 0], tree(x[0, 0], wavelet, mode, level, "natural"), times=10)
        close(packets[0, 0][by_frequency(level)], tree(x[0, 0], wavelet, mode, level, "freq"), times=10)


def test_log_packets_are_those_of_pywavelets(close):
    x = images(1, 3, 16, 24)
    for offset in (1.0, 1e-12):
        want = np.log(np.abs(tree(x[0, 1], "haar", "symmetric", 2, "freq")) + offset)
        close(log_packets(x, level=2, offset=offset)[0, 1], want, times=100)


def test_cosines_and_fourier_are_those_of_scipy(close):
    x = images(2, 3, 12, 10)
    close(log_cosines(x), np.log(np.abs(scipy.fft.dctn(x.numpy() * 255, axes=(2, 3), norm="ortho")) + 1), times=10)
    close(log_fourier(x), np.log(np.abs(np.fft.rfft2(x.numpy() * 255, norm="ortho")) + 1), times=10)


def test_statistics_by_hand(close):
    """Every statistic of one packet, written out with NumPy on PyWavelets' packets."""
    x = images(1, 3, 24, 16)
    found = dict(zip(statistic_names(), packet_statistics(x)[0], strict=True))
    luma = (x[0] * torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)[:, None, None]).sum(0)
    blue = (x[0] * torch.tensor([-0.168736, -0.331264, 0.5], dtype=torch.float64)[:, None, None]).sum(0)
    packets, colors = (tree(plane, "haar", "symmetric", 2, "natural") for plane in (luma, blue))
    h, d, c = packets[1], packets[4 * 3 + 3], colors[1]  # paths ah and dd
    logs = np.log(np.abs(h) + 1)
    off = logs - logs.mean()
    other = np.log(np.abs(d) + 1)
    want = {
        "mean log, Y, ah": logs.mean(),
        "deviation of log, Y, ah": logs.std(),
        "root mean size, Y, ah": np.sqrt(np.abs(h).mean()),
        "kurtosis, Y, ah": np.log(((h**4).mean() + 1) / ((h**2).mean() + 1) ** 2),
        "third moment of log, Y, ah": (off**3).mean(),
        "right neighbor, Y, ah": (off[:, 1:] * off[:, :-1]).mean() / (off.var() + 0.05),
        "lower neighbor, Y, ah": (off[1:] * off[:-1]).mean() / (off.var() + 0.05),
        "covariance, Y, ah and dd": (off * (other - other.mean())).mean(),
        "channels, Y and Cb, ah": (h * c).mean() / np.sqrt(((h**2).mean() + 1) * ((c**2).mean() + 1)),
    }
    for name, value in want.items():
        close(found[f"level 2, {name}"], value, times=100)


def test_statistics_know_no_size_and_no_neighbors():
    both = torch.cat([packet_statistics(images(1, 3, 64, 64)), packet_statistics(images(1, 3, 33, 80))])
    assert both.shape == (2, 1182) and len(set(statistic_names())) == 1182
    x = images(3, 3, 16, 16)
    assert torch.allclose(packet_statistics(x)[1:2], packet_statistics(x[1:2]), atol=1e-12)
    tiled = x.repeat(1, 1, 2, 3)  # the same packets again: all that does not look over the seam stays
    keep = torch.tensor(["neighbor" not in name for name in statistic_names()])
    assert torch.allclose(packet_statistics(tiled)[:, keep], packet_statistics(x)[:, keep], atol=1e-9)


@pytest.mark.parametrize("kind", ["packet-statistics", "packets", "dct", "fourier", "pixels"])
def test_gradients_flow(kind):
    x = images(2, 3, 16, 16).requires_grad_()
    features = Features(kind=kind, level=2)
    rows = features(x)
    assert rows.shape[0] == 2 and rows.ndim == 2
    assert torch.autograd.gradcheck(
        lambda y: Features(kind=kind, level=1)(y).sum(), (x[:1, :, :4, :4].detach().requires_grad_(),)
    )
    assert torch.equal(features.rows(x.detach()), features(x.detach())) and not features.rows(x).requires_grad
    flat = torch.full((1, 3, 8, 8), 0.5, dtype=torch.float64, requires_grad=True)
    features(flat).sum().backward()
    assert flat.grad.isfinite().all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wavelet": "har"}, "did you mean haar"),
        ({"level": 0}, "expected 1 to 6"),
        ({"offset": 0.0}, "1/255 is a grey level"),
    ],
)
def test_options_that_make_no_sense(options, words):
    with pytest.raises(OptionError, match=words):
        Features(**options)


def test_pictures_that_are_too_small(unchecked):
    with pytest.raises(ShapeError, match="expected no side below 8"):
        packet_statistics(images(1, 3, 7, 20))
    with pytest.raises(ShapeError, match="repeat grey ones"):
        Features()(images(1, 1, 16, 16))


def photographs(*shape):
    """Smooth pictures with flat areas and noise: packets of very different sizes."""
    coarse = images(shape[0], 3, 5, 4)
    smooth = torch.nn.functional.interpolate(coarse, size=shape[2:], mode="bilinear")
    smooth[..., : shape[2] // 3] = 0.25
    return ((smooth + 0.02 * images(*shape)).clamp(0, 1) * 255).round() / 255


@pytest.mark.parametrize(
    ("shape", "wavelet", "offset"),
    [
        *[(shape, "haar", 1.0) for shape in [(2, 3, 32, 32), (1, 3, 256, 256), (1, 3, 8, 8), (1, 3, 8, 100)]],
        ((3, 3, 47, 41), "db2", 0.3),
    ],
)
def test_the_compiled_sums_are_those_of_float64(shape, wavelet, offset):
    """The oracle is PyTorch in float64, on packets of the same float32; relative to values above one."""
    levels = packet_levels(photographs(*shape).float(), levels=3, wavelet=wavelet)
    for depth, packets in enumerate(levels, start=1):
        found, want = (moments(some, offset, joint=depth < 3) for some in (packets, packets.double()))
        parts = [(found, want)] if depth == 3 else [(found, want), (found.joint, want.joint)]
        for ours, theirs in parts:
            for field in fields(ours):
                if field.name != "joint":
                    one, other = getattr(ours, field.name), getattr(theirs, field.name)
                    assert one.dtype == torch.float32
                    assert ((one - other).abs() <= 1e-5 * (1 + other.abs())).all(), (depth, field.name)


def test_statistics_are_the_same_without_a_compiler(monkeypatch):
    x = photographs(2, 3, 40, 56).float()
    compiled = packet_statistics(x)
    monkeypatch.setattr(compiled_moments, "_library", lambda: None)
    portable = packet_statistics(x)  # its sums in float32 are the less exact ones
    assert ((compiled - portable).abs() <= 1e-3 * (1 + portable.abs())).all()


def test_compiled_sums_pass_on_what_is_no_number():
    packets = torch.ones(1, 3, 4, 5, 5)
    packets[0, 1, 2, 3, 3] = torch.nan
    found = moments(packets, 1.0, joint=True)
    assert found.log.isnan().nonzero().tolist() == [[0, 1, 2]] and found.joint.fourth.isnan().sum() == 1


@pytest.mark.parametrize("offset", [1e-12, 1e-3, 1.0, 77.0])
def test_compiled_logarithms(offset):
    """Of one number each, against NumPy in float64."""
    values = torch.cat([torch.zeros(3), torch.logspace(-12, 4, 61), -torch.logspace(-3, 3, 32)])
    values = values.reshape(1, 3, 32, 1, 1)
    want = np.log(np.abs(values.numpy().astype(np.float64)) + offset)[..., 0, 0]
    np.testing.assert_allclose(moments(values, offset, joint=False).log, want, rtol=2e-7, atol=2e-7)
