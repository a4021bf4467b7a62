"""`undula denoise compare`: the dial at equal energy, the verdicts, what is kept, and what goes wrong."""

import csv
import json
import math

import pytest
import torch

from undula.cli import main
from undula.data import Pictures, write_image
from undula.errors import DataError, OptionError, RangeError, ShapeError
from undula.jobs.denoise.command.comparing_tables import answer, measures_table
from undula.jobs.denoise.comparison.compare import Comparison, compare_losses, split
from undula.jobs.denoise.comparison.contest import Contest, Course
from undula.jobs.denoise.comparison.contestants import CONTROL, read_contestants
from undula.jobs.denoise.comparison.equal_energy import TurnedDial
from undula.jobs.denoise.comparison.examination import Examination, Measures
from undula.jobs.denoise.comparison.standings import CurvePoint, Row, beyond, standings
from undula.losses import LOSS_SCALES, loss_from_text
from undula.nets import UNet
from undula.spectra import gaussian_blur

COURSE = Course(sigma=0.1, first=2, steps=2, seeds=2, batch=2, size=16, precision="float32")


def network(channels=1):
    torch.manual_seed(0)
    return UNet(channels, widths=(4, 6), blocks=(1, 1))


def pictures(count, *, channels=1, side=48):
    """Blurred noise: energy at all frequencies, less of it at high ones."""
    rough = torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(1))
    return Pictures([str(k) for k in range(count)], list(gaussian_blur(rough, deviation=0.7)), None, {})


def measures(**other):
    usual = {
        "psnr": 29.0,
        "ssim": 0.6,
        "energy": 0.4,
        "top": 0.3,
        "correlation": 0.4,
        "distance": 4.0,
        "laplacian": 0.4,
    }
    return Measures(**{**usual, "lattice": 1.0, **other})


def rows(name, values, *, dial=None):
    """Rows of three seeds from what differs in each."""
    return [Row(name, name, seed, measures(**each), 0.5, dial and dial[seed]) for seed, each in enumerate(values)]


CONTROL_ROWS = rows(CONTROL, [{"psnr": 29.00}, {"psnr": 29.02}, {"psnr": 28.98}])


def test_every_word_has_its_row_once():
    several = read_contestants()
    assert [one.name for one in several] == list(LOSS_SCALES)
    assert len({one.loss for one in several}) == len({one.file for one in several}) == len(LOSS_SCALES)
    for one in several:
        weights = loss_from_text(one.loss).weights
        assert one.name in weights
        assert one.name in (CONTROL, "l1", "charbonnier") or weights[CONTROL] == 0.8
    assert [one.loss for one in read_contestants(["0.9*mse + 0.1*bands", "bands", "0.8*mse+0.2*bands"])] == [
        "mse", "0.9*mse+0.1*bands", "0.8*mse+0.2*bands",
    ]  # fmt: skip


@pytest.mark.parametrize("energy", [0.5, 0.8, 1.2])
def test_the_dial_is_turned_to_the_energy_asked_for(energy):
    """Oracle: the energy is measured again on the clipped pictures that the dial gives."""
    truth = pictures(3, side=64).clean
    blurred = [gaussian_blur(one, deviation=0.8) for one in truth]
    dial = TurnedDial(blurred, truth, gain=torch.full((23,), 2.0, dtype=torch.float64))
    setting = dial.reaching(energy)
    assert dial.energy(setting) == pytest.approx(energy, rel=2e-3)
    assert dial.energy(0.0) < energy and dial.reaching(dial.energy(0.0)) == 0.0


def test_without_clipping_the_energy_is_that_of_the_gain():
    """Closed form: a gain of 1 + a (g - 1) at all frequencies multiplies energies by its square."""
    truth = [torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(3)) * 0.1 + 0.45]
    half = [one.mean() + 0.5 * (one - one.mean()) for one in truth]
    # what the picture is beyond its periodic part, about a hundredth of the high frequencies here, feels no gain
    dial = TurnedDial(half, truth, gain=torch.full((23,), 2.0, dtype=torch.float64))
    assert dial.energy(0.0) == pytest.approx(0.25, rel=1e-4)
    for setting in (0.5, 1.0, 1.8):
        assert dial.energy(setting) == pytest.approx(0.25 * (1 + setting) ** 2, rel=0.02)
        assert dial.reaching(0.25 * (1 + setting) ** 2) == pytest.approx(setting, rel=0.02)
    assert dial.reaching(100.0) is None  # beyond any dial
    assert TurnedDial(half, truth, gain=torch.ones(23, dtype=torch.float64)).reaching(0.5) is None  # nothing to add


def test_measures_of_the_truth_and_of_a_scaled_picture():
    """Closed forms: half the contrast has a quarter of the energy; the spectra are 6.02 dB apart."""
    (truth,) = pictures(1, channels=3, side=64).clean
    same, faint = (Measures.of([one], [truth]) for one in (truth, truth.mean() + 0.5 * (truth - truth.mean())))
    assert same.psnr is math.inf or math.isnan(same.psnr)
    assert (same.energy, same.correlation, same.distance) == pytest.approx((1, 1, 0), abs=1e-4)
    assert (faint.energy, faint.top, faint.laplacian) == pytest.approx((0.25, 0.25, 0.25), rel=1e-3)
    assert faint.distance == pytest.approx(20 * math.log10(2), rel=1e-3)
    assert faint.correlation == pytest.approx(1, rel=1e-4) and faint.color > 0
    assert Measures.of([truth[:1]], [truth[:1]]).color is None


def test_the_test_noise_has_its_level_and_is_no_noise_of_training():
    exam = Examination(pictures(4, side=64), sigma=0.1)
    noise = torch.stack([noisy - clean for noisy, clean in zip(exam.noisy, exam.clean, strict=True)])
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert torch.corrcoef(noise.flatten(1)).triu(1).abs().max() < 0.06


@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        ([{"energy": 0.8, "laplacian": 0.8, "psnr": p} for p in (29.1, 29.1, 29.1)], True),
        ([{"energy": 0.8, "laplacian": 0.8, "psnr": p} for p in (28.9, 28.9, 28.9)], False),  # the error is greater
        ([{"energy": 0.8, "laplacian": 0.4, "psnr": p} for p in (29.1, 29.1, 29.1)], False),  # only one of both
        ([{"energy": e, "laplacian": 0.8, "psnr": 29.1} for e in (0.42, 0.8, 0.3)], False),  # not in every seed
        ([{"energy": 1.7, "laplacian": 1.7, "psnr": 29.1}] * 3, False),  # farther from 1, on the other side
    ],
)
def test_the_rule(values, accepted):
    assert standings([*CONTROL_ROWS, *rows("bands", values)])[1].accepted is accepted


@pytest.mark.parametrize(
    ("over", "beats"),
    [((0.05, 0.06, 0.04), True), ((0.05, 0.16, 0.00), False), ((-0.05, -0.06, -0.04), False)],
)
def test_the_dial_is_beaten_beyond_the_spread_only(over, beats):
    values = [{"energy": 0.8, "psnr": 28.5 + each} for each in over]
    _, one = standings([*CONTROL_ROWS, *rows("bands", values, dial=[measures(psnr=28.5)] * 3)])
    assert one.over_dial == pytest.approx(sum(over) / 3) and one.beats_dial is beats
    found = Comparison(0.1, 5, 2, (*CONTROL_ROWS, *rows("bands", values, dial=[measures(psnr=28.5)] * 3)), ())
    assert found.winners == (["bands"] if beats else [])
    assert ("beaten" if beats else "No loss beats") in answer(found)


def test_no_dial_where_none_is_needed_or_none_reaches():
    blurrier = rows("l1", [{"energy": 0.3, "psnr": 29.5}] * 3, dial=[measures()] * 3)
    far = rows("bands", [{"energy": 9.0, "psnr": 29.5}] * 3)
    for one in standings([*CONTROL_ROWS, *blurrier, *far])[1:]:
        assert one.dial is one.over_dial is one.sharpness is None and not one.beats_dial
    assert not beyond([1.0])  # one seed says nothing


def test_a_comparison_is_kept_and_goes_on(tmp_path):
    several = read_contestants(["l1", "bands"])
    options = {"course": COURSE, "contestants": several, "start": network(), "folder": tmp_path}
    seen = []
    first = compare_losses(pictures(5), callback=lambda *told: seen.append(told), **options)
    assert [one.name for one in first.standings] == ["mse", "l1", "bands"] and (first.trained, first.scored) == (4, 1)
    assert [done for done, _, _ in seen] == list(range(1, 15)) and {total for _, total, _ in seen} == {14}
    seen.clear()
    (tmp_path / "scores-1.json").unlink()  # as if it had been killed then
    again = compare_losses(pictures(5), callback=lambda *told: seen.append(told), **options)
    assert again == first and not seen
    in_memory = compare_losses(pictures(5), **{**options, "folder": None})
    assert in_memory == first
    with pytest.raises(DataError, match=r"pictures=.*choose another folder"):
        compare_losses(pictures(6), **options)


def test_seeds_share_crops_and_noise_and_one_beginning(tmp_path):
    contest = Contest(pictures(4), COURSE, start=network(), folder=tmp_path)
    mse, bands = read_contestants(["bands"])
    one, other, next_seed = (contest.network(*call).state_dict() for call in ((mse, 0), (bands, 0), (mse, 1)))
    common = contest.common().state_dict()
    states = [common, one, other, next_seed]
    assert all(not torch.equal(a["head.weight"], b["head.weight"]) for a in states for b in states if a is not b)
    assert (contest.common().head.weight - network().head.weight).abs().max() > 0  # it was trained
    alone = Contest(pictures(4), COURSE, start=network())
    assert torch.equal(alone.network(mse, 0).head.weight, one["head.weight"])


def test_pairs_bring_their_noise(generator):
    clean = pictures(5)
    noisy = [one + 0.05 * torch.randn(one.shape, generator=generator) for one in clean.clean]
    pairs = Pictures(clean.names, clean.clean, noisy, {})
    course = Course(first=0, steps=1, seeds=1, batch=2, size=16)
    found = compare_losses(pairs, course=course, contestants=read_contestants(["l1"]), start=network())
    assert found.sigma == pytest.approx(0.05, rel=0.05)
    with pytest.raises(OptionError, match="bring their own"):
        compare_losses(pairs, course=COURSE, start=network())
    with pytest.raises(DataError, match="the same of both sets"):
        compare_losses(pairs, test=clean, course=course, start=network())


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"pictures": pictures(1)}, OptionError, "got 1 pictures, 1 of them to score"),
        ({"held_out": 5}, OptionError, "5 of them to score"),
        ({"held_out": 2, "test": pictures(1)}, OptionError, "one of both"),
        ({"pictures": pictures(5, channels=3)}, ShapeError, "3 channels and a network for 1"),
        ({"test": pictures(1, channels=3)}, ShapeError, "expected one number"),
        ({"pictures": pictures(5, side=24)}, ShapeError, "at least 32"),
    ],
)
def test_refused(change, error, words):
    options = {"pictures": pictures(5), "course": COURSE, "start": network(), **change}
    with pytest.raises(error, match=words):
        compare_losses(options.pop("pictures"), **options)


def test_refused_courses():
    for options, words in (({"sigma": 0.0}, "above 0"), ({"sigma": 25.0}, "25/255")):
        with pytest.raises(RangeError, match=words):
            Course(**options)
    for options in ({"first": -1}, {"steps": 0}, {"seeds": 0}, {"size": 8}, {"batch": 0}, {"rate": -1.0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            Course(**options)
    with pytest.raises(OptionError, match="did you mean fourier"):
        read_contestants(["furier"])
    with pytest.raises(OptionError, match="no loss but 'mse'"):
        read_contestants(["mse"])


def test_split_takes_a_fifth_and_at_most_35():
    many = Pictures([str(k) for k in range(400)], [torch.zeros(1, 2, 2)] * 400, None, {})
    assert [len(one.clean) for one in split(many)] == [365, 35]
    known, unseen = split(Pictures(many.names[:10], many.clean[:10], None, {}))
    assert unseen.names == ["8", "9"] and known.names == [str(k) for k in range(8)]


def test_tables_leave_color_out_of_grey_ones():
    point = CurvePoint(0.0, 29.0, 0.4)
    assert Comparison(0.1, 5, 2, tuple(CONTROL_ROWS), (point,)).to_facts()["winners"] == []
    header, body = measures_table(standings(CONTROL_ROWS))
    assert "color" not in header and body[0][:2] == ["mse", "29.00 ± 0.02"]
    colored = [Row(CONTROL, CONTROL, 0, measures(color=0.5), 0.0, None)]
    assert measures_table(standings(colored))[0][-2:] == ["color", "rule"]


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for place, one in enumerate(pictures(4, side=64).clean):
        write_image(tmp_path / "pictures" / f"{place}.png", one)
    call = [
        "denoise", "compare", "pictures", "--losses", "bands", "--first", "1", "--steps", "1", "--seeds", "2", "--batch", "2",
        "--size", "32", "-o", "out",
    ]  # fmt: skip
    assert main([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["standings"]] == ["mse", "bands"] and found["scored"] == 1
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"compare.csv", "energy.png", "pieces.png", "index.html", "run.json", "runs"} <= files
    with (tmp_path / "out" / "compare.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] + line["seed"] for line in lines] == ["mse0", "bands0", "mse1", "bands1"]
    assert lines[0]["psnr"] == f"{found['rows'][0]['measures']['psnr']:.6g}" and lines[0]["loss"] == "mse"
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<img") == 2 and "2 seeds" in page
    runs = {path.name for path in (tmp_path / "out" / "runs").iterdir()}
    assert main(call) == 0  # finished: nothing is trained again
    assert {path.name for path in (tmp_path / "out" / "runs").iterdir()} == runs
    assert "bands" in capsys.readouterr().out
    assert main([*call, "--sigma", "30"]) == 2
    assert "sigma" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "got no FOLDER"),
        (["nowhere"], "nowhere"),
        (["pictures", "--losses", "l1,furier"], "did you mean fourier"),
        (["pictures", "--sigma", "0"], "--sigma 25"),
        (["pictures", "--model", "nowhere"], "nowhere"),
        (["pictures", "--held-out", "2"], "2 of them to score"),
    ],
)
def test_wrong_calls(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for place, one in enumerate(pictures(2).clean):
        write_image(tmp_path / "pictures" / f"{place}.png", one)
    assert main(["denoise", "compare", *words]) == 2
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1
