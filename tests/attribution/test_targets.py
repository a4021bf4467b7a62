"""Oracles: sums written out in NumPy, Parseval, PyWavelets' packets."""

import math

import numpy as np
import pytest
import pywt
import torch

from undula.attribution import (
    Class,
    Energy,
    Error,
    FourierBand,
    Mean,
    Norm,
    PacketBand,
    Pixel,
    Region,
    fourier_bands,
    packet_bands,
)
from undula.attribution.targets import in_words, settled, values_of
from undula.errors import OptionError, RangeError, ShapeError


@pytest.fixture
def output(generator):
    return torch.randn(3, 2, 8, 12, dtype=torch.float64, generator=generator)


@pytest.fixture
def truth(generator):
    return torch.rand(3, 2, 8, 12, dtype=torch.float64, generator=generator)


def test_values_are_what_their_names_say(output, truth, close):
    x = output.numpy()
    close(Mean()(output), x.mean(axis=(1, 2, 3)))
    close(Norm()(output), np.sqrt((x**2).sum(axis=(1, 2, 3))))
    close(Region(np.s_[2:5, 3:])(output), x[:, :, 2:5, 3:].mean(axis=(1, 2, 3)))
    close(Pixel((3, 4))(output), x[:, :, 3, 4].mean(axis=1))
    close(Pixel((7, 0), channel=1)(output), x[:, 1, 7, 0])
    close(Error(truth)(output), ((x - truth.numpy()) ** 2).mean(axis=(1, 2, 3)))
    close(Energy()(output), (x**2).sum(axis=(1, 2, 3)))
    close(Energy("cross", truth)(output), (x * truth.numpy()).sum(axis=(1, 2, 3)))
    close(Class(1)(output), x[:, 1].mean(axis=(1, 2)))


def test_tokens_have_a_head(generator, close):
    """The mean of the patch tokens, and the mean of their norms, as the document takes them of a transformer."""
    tokens = torch.randn(3, 10, 6, generator=generator)
    close(Mean(head=1)(tokens), tokens[:, 1:, :].mean(dim=[1, 2]))
    close(Norm(head=1, tokens=True)(tokens), torch.norm(tokens[:, 1:, :], dim=2).mean(dim=1))
    with pytest.raises(
        ShapeError, match=r"got head=10 for an output of shape \(3, 10, 6\), expected tokens \(b, t, d\)"
    ):
        Mean(head=10)(tokens)


def test_a_region_may_be_a_mask_for_each_item(output, close):
    masks = torch.zeros(3, 8, 12, dtype=torch.bool)
    masks[0, 2, 3] = masks[1, :4] = masks[2, :, 5:7] = True
    want = [output[0, :, 2, 3].mean(), output[1, :, :4].mean(), output[2, :, :, 5:7].mean()]
    close(Region(masks)(output), torch.stack(want))
    close(Region(masks[1])(output), output[:, :, :4].mean(dim=(1, 2, 3)))
    with pytest.raises(ShapeError, match=r"got a mask of shape \(8, 8\), expected \(8, 12\) or \(3, 8, 12\)"):
        Region(masks[0, :, :8])(output)
    with pytest.raises(RangeError, match=r"got a region without a position in an output of \(8, 12\)"):
        Region(np.s_[3:3, :])(output)


def test_classes(generator, close, unchecked):
    scores = torch.randn(4, 5, generator=generator)
    close(Class(2)(scores), scores[:, 2])
    close(Class()(scores), scores.amax(dim=1))
    close(Class(torch.tensor([0, 1, 2, 3]))(scores), scores.diagonal())
    fixed = settled(Class(), scores)
    close(fixed(-scores), -scores.amax(dim=1))
    assert str(fixed) == f"classes {scores.argmax(dim=1).tolist()}"
    with pytest.raises(OptionError, match=r"got class 5, expected 0 … 4"):
        Class(5)(scores)
    with pytest.raises(ShapeError, match=r"got an output of shape \(4,\), expected \(b, classes\): take Mean\(\)"):
        unchecked("undula.attribution.targets").Class(0)(scores[:, 0])


@pytest.mark.parametrize(
    "place", [Pixel((8, 0)), Pixel((0, 12)), Pixel((0,)), Pixel((0, 0, 0)), Pixel((0, 0), 2), Pixel((-1, 0))], ids=str
)
def test_pixels_outside_are_refused(place, output):
    with pytest.raises(OptionError, match=r"expected a place in an output of shape \(3, 2, 8, 12\)"):
        place(output)


@pytest.mark.parametrize("shape", [(2, 1, 8, 12), (2, 3, 7, 9), (1, 2, 9, 8), (2, 2, 17), (2, 1, 16), (1, 1, 4, 5, 6)])
@pytest.mark.parametrize("of", ["output", "cross", "error"])
def test_fourier_bands_add_up_to_all(shape, of, generator, close):
    output, truth = torch.randn(2, *shape, dtype=torch.float64, generator=generator)
    given = {} if of == "output" else {"truth": truth}
    for edges in ([0.25], [1 / 8, 0.2, 0.5], [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2]):
        bands = fourier_bands(edges, of=of, **given)
        assert len(bands) == len(edges) + 1
        close(sum(band(output) for band in bands), Energy(of, **given)(output), times=10)


def test_a_fourier_band_is_the_ring_of_numpys_transform(output, truth, close):
    rows, columns = np.meshgrid(np.fft.fftfreq(8), np.fft.fftfreq(12), indexing="ij")
    ring = (np.hypot(rows, columns) >= 0.125) & (np.hypot(rows, columns) < 0.25)
    a, b = (np.fft.fft2(each.numpy(), norm="ortho") for each in (output, truth))
    close(FourierBand(0.125, 0.25)(output), (ring * abs(a) ** 2).sum(axis=(1, 2, 3)))
    close(FourierBand(0.125, 0.25, "cross", truth)(output), (ring * (a.conj() * b).real).sum(axis=(1, 2, 3)))
    close(FourierBand(0.125, 0.25, "error", truth)(output), (ring * abs(a - b) ** 2).sum(axis=(1, 2, 3)))


def test_a_wave_is_in_its_band_alone():
    wave = torch.cos(2 * math.pi * 5 * torch.arange(32.0) / 32).expand(1, 1, 32, 32)
    assert float(FourierBand(0.15, 0.16)(wave)) == pytest.approx(32 * 32 / 2, rel=1e-5)
    assert float(FourierBand(0.16)(wave)) < 1e-6 and float(FourierBand(0.0, 0.15)(wave)) < 1e-6


@pytest.mark.parametrize("wavelet", ["haar", "db4", "sym8"])
@pytest.mark.parametrize(("shape", "level"), [((2, 2, 8, 16), 2), ((2, 1, 12, 4), 1), ((2, 3, 32), 3)])
@pytest.mark.parametrize("of", ["output", "cross"])
def test_packets_add_up_to_all(wavelet, shape, level, of, generator, close):
    output, truth = torch.randn(2, *shape, dtype=torch.float64, generator=generator)
    given = {} if of == "output" else {"truth": truth}
    bands = packet_bands(level, wavelet, dims=len(shape) - 2, of=of, **given)
    assert len(bands) == (2 ** (len(shape) - 2)) ** level
    # PyWavelets' tables of filters are orthonormal to about 1e-11.
    close(sum(band(output) for band in bands), Energy(of, **given)(output), times=1e4)


@pytest.mark.parametrize("path", ["h", "ah", "vd", "dda"])
def test_a_packet_is_pywavelets(path, generator, close):
    output = torch.randn(2, 16, 24, dtype=torch.float64, generator=generator)
    tree = [pywt.WaveletPacket2D(item.numpy(), "db2", "periodization", 3) for item in output]
    want = np.array([(each[path].data ** 2).sum() for each in tree])
    close(PacketBand(path, "db2")(output[:, None]), want, times=100)
    leaves = [PacketBand(p, "db2") for p in ("aa", "ah", "av", "ad", "h", "v", "d")]
    close(sum(leaf(output[:, None]) for leaf in leaves), output.square().sum(dim=(1, 2)), times=1e4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FourierBand(0.3, 0.2), "got the band 0.3 … 0.2, expected 0 ≤ low < high in cycles per sample"),
        (lambda: FourierBand(-0.1, 0.2), "got the band -0.1 … 0.2"),
        (lambda: FourierBand(of="cross"), "got of='cross' without a truth, expected the truth as truth="),
        (lambda: FourierBand(truth=torch.zeros(1)), "got of='output' with a truth, expected no truth"),
        (lambda: PacketBand("a", "bior2.2"), "got wavelet 'bior2.2', expected an orthogonal one: 'haar'"),
        (lambda: PacketBand("a", "db99"), "got wavelet 'db99', expected an orthogonal one"),
        (lambda: PacketBand("ax"), "got the path 'ax', expected one letter per level"),
        (lambda: fourier_bands([0.3, 0.1]), "got the band 0.3 … 0.1"),
        (lambda: packet_bands(0), "got level=0 and dims=2, expected a level from 1 on"),
    ],
)
def test_bands_that_mean_nothing_are_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()


def test_packets_need_lengths_that_halve():
    with pytest.raises(ShapeError, match=r"got an output of shape \(1, 1, 8, 10\), expected .* lengths that 4 divides"):
        PacketBand("ad")(torch.zeros(1, 1, 8, 10))
    with pytest.raises(OptionError, match=r"got the path 'ah' for signals, expected letters a and d only"):
        PacketBand("ah")(torch.zeros(1, 1, 8))


def test_scores_have_no_region_and_no_band(unchecked, generator):
    scores = torch.randn(4, 5, generator=generator)
    targets, bands = (unchecked(f"undula.attribution.{name}") for name in ("targets", "bands"))
    for target in (targets.Region(np.s_[:1]), bands.FourierBand(0.1)):
        with pytest.raises(
            ShapeError, match=r"got an output of shape \(4, 5\), expected images \(b, c, h, w\) or signals"
        ):
            target(scores)


def test_a_truth_of_another_shape_is_refused(output, truth):
    for target in (Error(truth[:1]), Energy("error", truth[:1]), FourierBand(of="cross", truth=truth[:1])):
        with pytest.raises(
            ShapeError, match=r"got a truth of shape \(1, 2, 8, 12\), expected the output's, \(3, 2, 8, 12\)"
        ):
            target(output)


def test_a_target_gives_one_value_per_item(output):
    assert values_of(lambda x: x[:, 0, 0, 0], output).shape == (3,)
    with pytest.raises(ShapeError, match=r"got \(\) from the target, expected one value per item, of shape \(3,\)"):
        values_of(lambda x: x.mean(), output)
    with pytest.raises(ShapeError, match=r"got float from the target"):
        values_of(lambda x: 1.0, output)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Mean(), "mean of the output"),
        (Mean(head=1), "mean of the output without the first token"),
        (Norm(head=5, tokens=True), "mean norm of the tokens without the first 5 tokens"),
        (Class(3), "class 3"),
        (Class(), "highest class of every item"),
        (Region(np.s_[2:5, 3:]), "mean of the output in [2:5, 3:]"),
        (Region(torch.ones(2, 2)), "mean of the output inside a mask"),
        (Pixel((3, 4), channel=0), "output at (3, 4), channel 0"),
        (Error(torch.ones(1)), "mean squared error against the truth"),
        (Energy(), "energy of the output"),
        (FourierBand(0.25, 0.5), "energy of the output between 0.25 and 0.5 cycles per sample"),
        (FourierBand(0.5, None, "error", torch.ones(1)), "squared error of the output above 0.5 cycles per sample"),
        (PacketBand("ad", "db2"), "energy of the output in packet 'ad' of db2"),
        (torch.mean, "mean"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_targets_have_words(target, words):
    assert in_words(target) == words
