"""Classifiers and calibration: scikit-learn, SciPy and closed forms are the oracles."""

import numpy as np
import pytest
import scipy.optimize
import torch

from undula.errors import OptionError, ShapeError
from undula.jobs.detect.calibration import calibration_error, ranking, temperature, thresholds
from undula.jobs.detect.learning import learn, mean_logits
from undula.jobs.detect.linear import fit_logistic
from undula.jobs.detect.perceptrons import Schooling
from undula.nets import Perceptron


def examples(classes, count=300, inputs=6):
    generator = torch.Generator().manual_seed(classes)
    labels = torch.arange(count) % classes
    centers = torch.randn(classes, inputs, generator=generator)
    return torch.randn(count, inputs, generator=generator) * 3 + 2 * centers[labels] + 5, labels


@pytest.mark.parametrize("classes", [2, 4])
def test_logistic_regression_is_that_of_scikit_learn(classes):
    linear_model = pytest.importorskip("sklearn.linear_model")
    rows, labels = examples(classes)
    standard = ((rows - rows.mean(0)) / rows.std(0, correction=0)).numpy()
    oracle = linear_model.LogisticRegression(C=0.1, tol=1e-8, max_iter=1000).fit(standard, labels.numpy())
    ours = fit_logistic(rows, labels, classes=classes, penalty=10.0)(rows).softmax(1)
    np.testing.assert_allclose(ours.detach().numpy(), oracle.predict_proba(standard), atol=2e-4)


def test_logistic_regression_is_the_minimum():
    """SciPy minimizes the same sum from the formula."""
    rows, labels = examples(2)
    standard = ((rows - rows.mean(0)) / rows.std(0, correction=0)).double().numpy()
    sign = 2.0 * labels.numpy() - 1

    def total(weights):
        return np.logaddexp(0, -sign * (standard @ weights[:-1] + weights[-1])).sum() + 5 * (weights[:-1] ** 2).sum()

    best = scipy.optimize.minimize(total, np.zeros(7), method="BFGS", options={"gtol": 1e-7}).x
    logits = fit_logistic(rows, labels, classes=2, penalty=10.0)(rows).detach().double().numpy()
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], standard @ best[:-1] + best[-1], atol=2e-3)


def test_members_do_not_see_their_fold():
    """Labels by chance cannot be foretold by whoever did not see them, and are learned by who did."""
    generator = torch.Generator().manual_seed(0)
    rows, labels = torch.randn(60, 80, generator=generator), torch.randint(0, 2, (60,), generator=generator)
    found = learn(rows, labels, model="logistic", folds=3, penalty=0.1, schooling=Schooling(), seed=0)
    assert (found.logits.argmax(1) == labels).float().mean() < 0.75
    assert (mean_logits(found.members, rows).argmax(1) == labels).float().mean() > 0.9


def test_a_perceptron_learns_what_no_line_can():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(600, 2, generator=generator)
    labels = (rows.prod(dim=1) > 0).long()
    kinds = {}
    for model in ("logistic", "mlp"):
        schooling = Schooling(widths=(32,), epochs=1, rate=0.02, dropout=0.0, blend=0.0)
        found = learn(rows, labels, model=model, folds=2, penalty=1.0, schooling=schooling, seed=0)
        kinds[model] = (found.logits.argmax(1) == labels).float().mean()
    assert kinds["mlp"] > 0.9 > 0.65 > kinds["logistic"]
    again = learn(rows, labels, model="mlp", folds=2, penalty=1.0, schooling=schooling, seed=0)
    assert torch.equal(again.logits, found.logits)


def test_temperature_undoes_a_scale():
    """Labels drawn from softmax(z): the best temperature of 3 z is 3 (closed form up to the draw)."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 3, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    assert temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)
    oracle = scipy.optimize.minimize_scalar(
        lambda t: float(torch.nn.functional.cross_entropy(3 * logits.double() / t, labels)),
        bounds=(1, 9),
        method="bounded",
    ).x
    assert temperature(3 * logits, labels) == pytest.approx(oracle, rel=2e-3)
    assert calibration_error(logits.softmax(1), labels) < 0.015 < calibration_error((3 * logits).softmax(1), labels)


def test_calibration_error_by_hand():
    sure = torch.tensor([0.55, 0.58, 0.95, 0.95, 0.97])
    right = torch.tensor([1, 0, 1, 1, 0])  # of the second class
    rows = torch.stack([1 - sure, sure], dim=1)
    want = (abs(1 - 1.13) + abs(2 - 2.87)) / 5
    assert calibration_error(rows, right) == pytest.approx(want, abs=1e-6)


def test_thresholds_keep_the_rate():
    generator = torch.Generator().manual_seed(0)
    scores = torch.cat([torch.randn(5000, generator=generator) - 1, torch.randn(5000, generator=generator) + 1])
    made = torch.arange(10_000) // 5000
    low, high = thresholds(scores, made, rate=0.01)
    assert (scores[made == 0] > high).float().mean() <= 0.01 and (scores[made == 1] < low).float().mean() <= 0.01
    assert high == pytest.approx(1.33, abs=0.15) and low == pytest.approx(-1.33, abs=0.15)  # ± (2.326 - 1)
    apart = torch.tensor([-3.0, -2, 2, 3])
    assert thresholds(apart, torch.tensor([0, 0, 1, 1]), rate=0.01) == (-2.0, 2.0)


def test_ranking_is_that_of_mann_and_whitney():
    stats = pytest.importorskip("scipy.stats")
    generator = torch.Generator().manual_seed(0)
    scores, made = torch.randn(200, generator=generator).round(decimals=1), torch.arange(200) % 2
    u = stats.mannwhitneyu(scores[made == 1].numpy(), scores[made == 0].numpy()).statistic
    assert ranking(scores, made) == pytest.approx(u / 100**2)


def test_perceptrons_refuse():
    with pytest.raises(ShapeError, match=r"expected \(n, 5\)"):
        Perceptron(5, 2)(torch.rand(3, 4))
    with pytest.raises(OptionError, match="expected positive numbers"):
        Perceptron(5, 2, dropout=1.0)


@pytest.mark.parametrize("model", ["logistic", "mlp"])
def test_views_have_classifiers_of_their_own_whose_logits_are_averaged(model):
    rows, labels = examples(3, inputs=7)
    schooling = Schooling(widths=(8,), epochs=2)
    options = {"model": model, "folds": 2, "penalty": 10.0, "schooling": schooling, "seed": 3}
    both = learn(rows, labels, views=(slice(0, 4), slice(4, None)), **options)
    first, second = (learn(some, labels, **options) for some in (rows[:, :4], rows[:, 4:]))
    assert torch.allclose(both.logits, (first.logits + second.logits) / 2, atol=1e-5)
    apart = [mean_logits(one.members, some) for one, some in ((first, rows[:, :4]), (second, rows[:, 4:]))]
    assert torch.allclose(mean_logits(both.members, rows), sum(apart) / 2, atol=1e-5)
    with pytest.raises(OptionError, match="room for 4 features"):
        first.members[0].widened(5, start=2)
