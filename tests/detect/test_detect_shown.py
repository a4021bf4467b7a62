"""What detect shows: moments of packets, saliency, ROC, reliability, degraded copies, evaluated sources."""

import math

import numpy as np
import pytest
import pywt
import torch
from makers import drawn

from undula.data.draws import normal
from undula.errors import OptionError
from undula.jobs.detect import Detector
from undula.jobs.detect.calibration import ranking, temperature
from undula.jobs.detect.command.figures import reliability_points, roc_points
from undula.jobs.detect.degradations import CORRUPTIONS, ENSEMBLE, as_bytes, half_size, soft
from undula.jobs.detect.features import Features
from undula.jobs.detect.judging import Judged, outlived
from undula.jobs.detect.packets_compared import common_side, packet_moments, packet_mosaic
from undula.jobs.detect.reading import find_sources
from undula.jobs.detect.saliency import diagonal_shares, packet_saliency


def tensors(count, seed, blur, side=32):
    return torch.from_numpy(drawn(count, side, seed=seed, blur=blur)).permute(0, 3, 1, 2).float() / 255


def packets_of(plane, level):
    """PyWavelets' packets by frequency, row by row."""
    tree = pywt.WaveletPacket2D(plane, "haar", "periodization", maxlevel=level)
    return np.stack([node.data for row in tree.get_level(level, "freq") for node in row])


def test_moments_are_those_of_pywavelets():
    images = tensors(5, 0, 0.8, side=16)
    found = packet_moments(find_sources(images), side=16, level=2)
    logs = np.stack(
        [[np.log(np.abs(packets_of(255.0 * plane.double().numpy(), 2)) + 1) for plane in image] for image in images]
    )
    assert np.allclose(found.mean, logs.mean(axis=(0, 1)), atol=1e-4)
    assert np.allclose(found.deviation, logs.std(axis=0).mean(axis=0), atol=1e-3)
    assert found.count == 5 and not found.failed
    sums = [logs.mean(axis=(0, 1, 3, 4)).reshape(4, 4)[::-1].diagonal(step - 3).mean() for step in range(7)]
    assert np.allclose(found.profile, sums, atol=1e-4)


def test_the_common_square_fits_into_all():
    sources = find_sources([torch.zeros(3, 40, 60), torch.zeros(3, 35, 90), torch.zeros(3, 5, 5)])
    assert common_side([sources], level=3) == 32
    found = packet_moments(sources, side=32, level=3)
    assert found.count == 2 and len(found.failed) == 1
    assert packet_mosaic(found.mean).shape == (32, 32)


def test_saliency_of_a_linear_detector_is_its_weights_as_packets():
    detector = Detector(features="pixels", folds=2, guard="off", rate=0.1).fit(
        tensors(30, 1, 0.6, 16), tensors(30, 2, 1.0, 16)
    )
    found = packet_saliency(detector, tensors(3, 3, 0.6, 16), level=2)
    slopes = []
    for member in detector.members:
        weight = member.layers[-1].weight
        slopes.append((weight[1] - weight[0]) / member.deviation)
    plane = torch.stack(slopes).mean(0).reshape(3, 16, 16).detach().double().numpy() / detector.facts["temperature"]
    want = np.abs([packets_of(one, 2) for one in plane]).mean(axis=0) / 255
    assert np.allclose(found.numpy(), want[None], rtol=1e-3, atol=1e-7)
    shares = diagonal_shares(found[0])
    assert shares.sum() == pytest.approx(1) and len(shares) == 7
    with pytest.raises(OptionError, match="learned nothing"):
        packet_saliency(Detector(), tensors(1, 1, 1.0))


def test_area_under_the_curve_is_the_ranking(generator):
    scores = torch.randn(200, generator=generator).mul(2).round()  # with ties
    labels = (torch.rand(200, generator=generator) < torch.sigmoid(scores)).long()
    points = roc_points(scores, labels)
    area = float((np.diff(points[:, 0]) * (points[1:, 1] + points[:-1, 1]) / 2).sum())
    assert area == pytest.approx(ranking(scores, labels), abs=1e-9)
    assert len(roc_points(torch.randn(5000, generator=generator), torch.arange(5000) % 2)) <= 800


def test_what_is_said_with_certainty_happens_as_often(generator):
    chances = torch.rand(20_000, generator=generator)
    found = reliability_points(chances, (torch.rand(20_000, generator=generator) < chances).long())
    assert found.shape == (10, 2) and np.abs(found[:, 0] - found[:, 1]).max() < 0.05


def test_degraded_pictures_are_bytes_and_as_described():
    pixels = as_bytes(tensors(1, 5, 0.7)[0])
    shapes = {name: tuple(change(pixels).shape) for name, change in CORRUPTIONS.items()}
    assert shapes.pop("cropped") == (3, 25, 23) and shapes.pop("half size") == (3, 16, 16)
    assert set(shapes.values()) == {(3, 32, 32)}
    assert all(change(pixels).dtype == torch.uint8 for change in CORRUPTIONS.values())
    assert torch.equal(
        half_size(torch.full((3, 4, 4), 7, dtype=torch.uint8)), torch.full((3, 2, 2), 7, dtype=torch.uint8)
    )
    flat = torch.zeros(3, 15, 15, dtype=torch.uint8)
    flat[:, 7, 7] = 255
    places = np.arange(-3, 4)
    kernel = np.exp(-0.5 * (places / 0.7) ** 2)
    want = 255 * np.outer(kernel, kernel) / kernel.sum() ** 2
    assert np.abs(soft(flat)[0, 4:11, 4:11].numpy() - want).max() <= 0.51
    noise = CORRUPTIONS["noise of 5"](torch.full((3, 64, 64), 128, dtype=torch.uint8)).float() - 128
    assert noise.std().item() == pytest.approx(5, rel=0.03)
    seeds = torch.zeros(1, dtype=torch.long)
    assert normal(seeds, seeds, (2,), dtype=torch.float32).shape == (1, 2)


def row(logit, word):
    return Judged("a.png", 0.5, word, logit, math.nan, (0.5, 0.5), "real", 1, 1, "PNG", None, "")


def test_a_verdict_has_to_outlive_degradations():
    limits = (-1.0, 1.0)
    kept = outlived(row(3.0, "generated"), {"JPEG 90": 2.0, "cropped": 0.5}, limits=limits)
    assert kept.verdict == "generated" and kept.spread == pytest.approx(np.std([3.0, 2.0, 0.5])) and not kept.note
    turned = outlived(row(3.0, "generated"), {"JPEG 90": 2.0, "half size": -4.0}, limits=limits)
    assert turned.verdict == "unsure" and turned.note == "generated as it is, real after half size"
    assert outlived(row(3.0, "generated"), {}, limits=limits).verdict == "generated"
    assert outlived(row(0.0, "unsure"), {"JPEG 90": 9.0}, limits=limits).verdict == "unsure"


def test_copies_are_scored_as_pictures_of_their_own():
    detector = Detector(level=2, folds=2, guard="off").fit(tensors(30, 1, 0.6), tensors(30, 2, 1.0))
    images = tensors(3, 4, 0.6)
    plain = list(detector.judge(images))
    rows = list(detector.judge(images, ensemble=True))
    for place, one in enumerate(rows):
        copies = [detector.judge([change(as_bytes(images[place])).float() / 255]) for change in ENSEMBLE.values()]
        logits = [plain[place].logit, *(next(iter(copy)).logit for copy in copies)]
        assert one.spread == pytest.approx(np.std(logits), rel=1e-3)
    small = Detector(features="pixels", folds=2, guard="off").fit(tensors(20, 1, 0.6, 16), tensors(20, 2, 1.0, 16))
    assert all(math.isfinite(one.spread) for one in small.judge(tensors(2, 4, 0.6, 16), ensemble=True))
    assert Features().any_size


def test_a_perfect_split_is_not_certain():
    """All n pictures of a class are right: (n + 1) / (n + 2) is what may be said of the next one (Laplace)."""
    logits = torch.cat([torch.tensor([[0.0, -4.0]] * 50), torch.tensor([[0.0, 4.0]] * 50)])
    labels = torch.arange(100) // 50
    scale = temperature(logits, labels)
    assert float((logits / scale).softmax(1).max()) == pytest.approx(51 / 52, abs=1e-4)
