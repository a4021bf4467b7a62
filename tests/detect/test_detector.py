"""Detectors: any pictures in, verdicts out, kept and loaded, scikit-learn's protocol, CIFAKE."""

import json
import math

import numpy as np
import pytest
import torch
from makers import drawn

import undula
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.detect import Detector
from undula.jobs.detect.features import read_features
from undula.nets import UNet
from undula.nets.storage import write_model


def tensors(count, seed, blur, side=32):
    return torch.from_numpy(drawn(count, side, seed=seed, blur=blur)).permute(0, 3, 1, 2).float() / 255


@pytest.fixture(scope="module")
def trained():
    return Detector(level=2, folds=2, rate=0.05).fit(tensors(60, 0, 0.6), tensors(60, 1, 0.85))


def test_makers_are_told_apart(trained):
    real, made = tensors(40, 2, 0.6), tensors(40, 3, 0.85)
    found = trained.evaluate(real, made)
    assert found.accuracy > 0.95 and found.auc > 0.98 and sum(map(sum, found.confusion)) == 80
    assert trained.score(real, made) == found.accuracy == found.binary_accuracy
    assert found.false_alarms <= 0.15 and found.classes == ("real", "generated") == trained.classes_
    chances = trained.predict_proba(real)
    assert torch.allclose(chances.sum(1), torch.ones(40, dtype=torch.float64))
    assert trained.predict(real).count("generated") == round(40 * found.false_alarms)


def test_statistics_take_pictures_of_any_size(trained):
    both = [tensors(1, 5, 0.6, side=48)[0], tensors(1, 6, 0.85, side=37)[0, :1]]
    rows = list(trained.judge(both))
    assert [(row.width, row.height) for row in rows] == [(48, 48), (37, 37)]
    assert rows[0].p_generated < 0.5 and rows[0].nearest_source == "real"
    alone = next(iter(trained.judge(both[1:])))
    assert alone.p_generated == rows[1].p_generated and math.isclose(alone.logit, rows[1].logit)


def test_probabilities_are_logits_over_a_temperature(trained):
    image = tensors(3, 7, 0.7)
    features = read_features(trained.facts["features"])
    mean = torch.stack([member(features(image)) for member in trained.members]).mean(0) / trained.facts["temperature"]
    assert torch.allclose(trained.predict_proba(image), mean.double().softmax(1), atol=1e-6)


def test_degraded_copies_that_were_learned_are_told_apart():
    """JPEG 90 and 75, crops and half the size are new to one detector, and turn more of its verdicts (39 against 28 of 60)."""
    real, made = tensors(60, 0, 0.6), tensors(60, 1, 0.85)
    turned = []
    for robust in (False, True):
        detector = Detector(level=2, folds=2, rate=0.05, guard="off", robust=robust).fit(real, made)
        rows = [
            row for some in (tensors(30, 2, 0.6), tensors(30, 3, 0.85)) for row in detector.judge(some, ensemble=True)
        ]
        turned.append(sum(" as it is, " in row.note for row in rows))
    assert turned[1] < 0.8 * turned[0]


def test_what_was_saved_is_loaded(trained, tmp_path):
    again = Detector.load(trained.save(tmp_path / "model"))
    image = tensors(4, 8, 0.7)
    assert (
        torch.equal(again.predict_proba(image), trained.predict_proba(image))
        and again.get_params() == trained.get_params()
    )
    card = json.loads((tmp_path / "model" / "config.json").read_text())["card"]
    assert card["pictures"] == {"real": 60, "generated": 60} and "evidence, not proof" in card["use"]
    write_model(tmp_path / "other", {"network": UNet(widths=(4, 6), blocks=(1, 1))}, {})
    with pytest.raises(DataError, match="that is no detector"):
        Detector.load(tmp_path / "other")


def test_several_generators_are_classes_of_their_own():
    makers = {"soft": tensors(40, 1, 0.9), "softer": tensors(40, 2, 1.4)}
    detector = Detector(level=2, folds=2).fit(tensors(40, 0, 0.5), makers)
    assert detector.classes_ == ("real", "soft", "softer")
    rows = list(detector.judge(tensors(10, 3, 1.4)))
    assert sum(row.nearest_source == "softer" for row in rows) >= 8 and min(row.p_generated for row in rows) > 0.5
    assert detector.evaluate(tensors(20, 4, 0.5), {"softer": tensors(20, 5, 1.4)}).accuracy > 0.9
    with pytest.raises(DataError, match="name them as in the training"):
        detector.evaluate(tensors(2, 0, 1.0), {"other": tensors(2, 0, 1.0)})


def test_the_protocol_of_scikit_learn():
    pictures = torch.cat([tensors(30, 0, 0.6), tensors(30, 1, 0.9)]).numpy()
    labels = np.repeat([0, 1], 30)
    detector = Detector(features="dct", folds=2, guard="off")
    assert Detector(**detector.get_params()).get_params() == detector.get_params()
    assert detector.set_params(penalty=3.0).penalty == 3.0
    with pytest.raises(OptionError, match="expected one of features, model"):
        detector.set_params(depth=3)
    base, selection = pytest.importorskip("sklearn.base"), pytest.importorskip("sklearn.model_selection")
    assert base.clone(detector).get_params() == detector.get_params()
    assert selection.cross_val_score(detector, pictures, labels, cv=2).min() > 0.8
    assert isinstance(detector.fit(pictures, labels).predict_proba(pictures), np.ndarray)


def test_a_perceptron_in_place_of_the_line():
    detector = Detector(model="mlp", level=2, folds=2, epochs=10).fit(tensors(40, 0, 0.6), tensors(40, 1, 0.9))
    assert detector.score(tensors(20, 2, 0.6), tensors(20, 3, 0.9)) > 0.9


def test_pictures_that_cannot_be_judged_have_a_note(trained, folder_of):
    folder = folder_of("mixed", drawn(2, 32, seed=0))
    (folder / "text.png").write_text("no picture")
    (folder / "zcut.png").write_bytes((folder / "000.png").read_bytes()[:300])
    rows = list(trained.judge(str(folder)))
    assert (
        [row.note == "" for row in rows] == [True, True, False, False]
        and rows[2].note.startswith("no picture of PNG")
        and math.isnan(rows[3].p_generated)
    )
    assert rows[3].verdict == "unsure" and torch.isnan(trained.predict_proba(str(folder))[2]).all()
    rows = list(trained.judge([torch.rand(3, 5, 9)]))
    assert "expected no side below 8" in rows[0].note
    flat = Detector(features="pixels", folds=2, guard="off").fit(tensors(10, 0, 0.6), tensors(10, 1, 0.9))
    assert (
        next(iter(flat.judge(torch.rand(1, 3, 9, 9)))).note == "got 9 × 9 pixels, expected 32 × 32 as in the training"
    )


@pytest.mark.parametrize(
    ("options", "real", "generated", "error", "words"),
    [
        ({}, torch.rand(5, 3, 16, 16), torch.rand(20, 3, 16, 16), DataError, "5 different pictures of 'real', expected"),
        ({}, torch.rand(9, 3, 16, 16), "nowhere", DataError, "does not exist"),
        ({}, torch.rand(9, 3, 16, 16), [], DataError, "got no generated"),
        ({}, torch.rand(9, 3, 16, 16), {}, OptionError, "expected at least one of another name"),
        ({}, torch.rand(9, 2, 16, 16), torch.rand(9, 3, 16, 16), ShapeError, "1 or 3"),
        ({}, torch.rand(9, 3, 16, 16) * 255, torch.rand(9, 3, 16, 16), RangeError, "divide by 255"),
        ({"model": "forest"}, None, None, OptionError, "'mlp' or 'cnn'"),
        ({"features": "color"}, None, None, OptionError, "expected one of packet-statistics"),
        ({"rate": 0.7}, None, None, OptionError, "a rate between 0 and 0.5"),
        ({"guard": "on"}, None, None, OptionError, "'refuse', 'warn' or 'off'"),
    ],
)  # fmt: skip
def test_wrong_input(options, real, generated, error, words):
    with pytest.raises(error, match=words):
        Detector().set_params(**options).fit(real, generated)


def test_nothing_was_learned():
    with pytest.raises(OptionError, match="learned nothing"):
        Detector().predict(torch.rand(1, 3, 16, 16))
    one = tensors(80, 0, 0.6)
    report = Detector(level=2, folds=2).fit(one[:40], one[40:]).report
    assert report.passed and not report.forensic and report.verdict == "nothing learned"


def test_cifake(data_set):
    """A part of the set: packet statistics against pixels, and nothing for the guard to find."""
    data_set("cifake")
    sides = [f"cifake:train:{side}:0-300" for side in ("real", "generated")]
    tests = [f"cifake:test:{side}:0-150" for side in ("real", "generated")]
    detector = undula.Detector(folds=2).fit(*sides)
    accuracy = detector.score(*tests)
    assert detector.report.forensic and detector.report.baselines["metadata"] == 0.5
    pixels = undula.Detector(features="pixels", folds=2, guard="off").fit(*sides).score(*tests)
    assert accuracy > 0.8 and accuracy > pixels + 0.1
    row = next(detector.judge(tests[0]))
    assert (row.format, row.jpeg_quality, row.width) == ("JPEG", 75, 32)


def test_the_demo_on_pictures_that_it_did_not_learn(data_set):
    data_set("cifake")
    found = Detector.demo().evaluate("cifake:test:real:0-200", "cifake:test:generated:0-200")
    assert found.accuracy > 0.85 and found.calibration_error < 0.08


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limits", "x"), ("limits", [0.0]), ("temperature", 0), ("temperature", None), ("classes", ["a", "real"]),
        ("classes", ["real", "a", "b"]), ("parameters", {"foo": 1}), ("parameters", 3), ("features", {"kind": "none"}),
        ("features", None), ("match", {"foo": 1}), ("size", [1]),
    ],
)  # fmt: skip
def test_a_folder_that_was_changed_is_named(tmp_path, name, value):
    generator = torch.Generator().manual_seed(0)
    sides = (torch.rand(20, 3, 16, 16, generator=generator) * scale for scale in (1.0, 0.5))
    folder = Detector(level=2, folds=2, guard="off", robust=False).fit(*sides).save(tmp_path / "model")
    facts = json.loads((folder / "config.json").read_text()) | {name: value}
    (folder / "config.json").write_text(json.dumps(facts))
    with pytest.raises(DataError, match="that was changed or damaged"):
        Detector.load(folder)
