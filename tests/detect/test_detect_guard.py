"""The bias guard: each bias alone is found, halves of one class pass, twins are counted."""

import numpy as np
import pytest
import torch
from makers import drawn, jpeg
from PIL import Image

from undula.errors import DataError, OptionError
from undula.jobs.detect import Detector
from undula.jobs.detect.extraction import extract, without_twins
from undula.jobs.detect.features import Features
from undula.jobs.detect.file_facts import FileFacts, file_facts, jpeg_quality
from undula.jobs.detect.guard import (
    Evidence,
    block_colors,
    count_twins,
    crossed_accuracy,
    differing_traits,
    grid_phases,
    guard,
    pixel_hash,
)
from undula.jobs.detect.guard.traits import guessed
from undula.jobs.detect.matching import Match, match_for
from undula.jobs.detect.reading import find_sources, read_picture

LEVELS = {"level": 2, "folds": 2}


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ((".jpg", {"quality": 90}, 40), (".jpg", {"quality": 70}, 40), "JPEG tables"),
        (
            (".png", {}, 40),
            (".jpg", {"quality": 90}, 40),
            "file format: PNG in 100% of the real, JPEG in 100% of the generated",
        ),
        ((".png", {}, 40), (".png", {}, 44), "size: 40 × 40 in 100% of the real, 44 × 44 in 100% of the generated"),
        ((".jpg", {"subsampling": 0}, 40), (".jpg", {"subsampling": 2}, 40), "JPEG subsampling: 4:4:4 in 100%"),
        ((".jpg", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}, 40), (".jpg", {}, 40), "EXIF: yes in 100%"),
    ],
)
def test_files_that_differ_are_refused(folder_of, one, other, words):
    """The same textures on both sides; only one thing differs."""
    made = []
    for name, (suffix, options, side) in (("real", one), ("made", other)):
        made.append(folder_of(name, drawn(40, side, seed=len(name) + len(made)), suffix, **options))
    with pytest.raises(DataError, match=words) as caught:
        Detector(**LEVELS).fit(*made)
    assert "match=True, or guard='warn'" in str(caught.value)


def test_a_crop_is_no_trace(folder_of):
    """JPEGs cut where their grid begins, and elsewhere: the detector is perfect, and so is where the grid lies."""
    pixels = [jpeg(one, 50) for one in drawn(80, 48, seed=0, blur=2.0)]
    aligned = folder_of("aligned", [one[:32, :32] for one in pixels[:40]])
    shifted = folder_of("shifted", [one[3:35, 5:37] for one in pixels[40:]])
    detector = Detector(**LEVELS).fit(aligned, shifted)
    assert detector.report.verdict == "content differs" and not detector.report.forensic
    assert detector.report.baselines["JPEG grid"] > 0.95 and "by the place of a JPEG grid" in detector.report.advice


def test_what_up_sampling_leaves_is_no_jpeg_grid(folder_of):
    """Pixels doubled repeat after two, at every place of a crop; a JPEG grid repeats after eight alone."""
    plain = drawn(80, 40, seed=0)
    doubled = [np.kron(one[:20, :20], np.ones((2, 2, 1), np.uint8)) for one in drawn(80, 40, seed=1)]
    places = np.random.default_rng(0).integers(0, 8, (80, 2)).tolist()
    sides = [torch.stack([torch.from_numpy(one[y : y + 32, x : x + 32].copy()).permute(2, 0, 1).float() / 255
                          for one, (y, x) in zip(side, places, strict=True)])
             for side in (plain, doubled)]  # fmt: skip
    assert crossed_accuracy(*(grid_phases(side) for side in sides)) < 0.7
    assert crossed_accuracy(*(Features(level=2).rows(side) for side in sides)) > 0.95


def test_content_is_no_trace(folder_of):
    bright = np.clip(drawn(80, 32, seed=0).astype(int) + 60, 0, 255).astype(np.uint8)
    detector = Detector(**LEVELS).fit(folder_of("a", bright[:40]), folder_of("b", bright[40:] - 60))
    assert detector.report.verdict == "content differs" and "blocks" in detector.report.advice


def test_blur_is_no_content():
    """Blocks of 4 × 4 pixels do not tell a little blur from much, as features with detail do at once."""
    sharp, soft = (
        torch.from_numpy(drawn(60, 32, seed, blur)).permute(0, 3, 1, 2).float() / 255
        for seed, blur in ((0, 0.6), (1, 0.9))
    )
    assert crossed_accuracy(block_colors(sharp), block_colors(soft)) < 0.7
    assert crossed_accuracy(*(Features(level=2).rows(one) for one in (sharp, soft))) > 0.95


def test_makers_that_differ_pass(folder_of):
    """A checkerboard of 4 grey levels, as a decoder leaves it, on the same kind of textures."""
    real, made = drawn(40, 32, seed=0, blur=1.5), drawn(40, 32, seed=1, blur=1.5).astype(int)
    made += (4 * (-1) ** np.add.outer(np.arange(32), np.arange(32)))[:, :, None]
    traced = folder_of("b", made.clip(0, 255).astype(np.uint8))
    detector = Detector(**LEVELS, robust=False).fit(folder_of("a", real), traced)
    assert detector.report.forensic and detector.report.model >= 0.9 > 0.8 > max(detector.report.baselines.values())
    assert detector.facts["card"]["bias"]["verdict"] == "no bias found"


def test_halves_of_one_class_pass():
    """Facts, colors and phases by chance, the same chance on both sides: at most one of 20 draws may fail."""
    passed = 0
    for seed in range(20):
        chance = np.random.default_rng(seed)
        halves = []
        for _ in range(2):
            sides, tables = (chance.choice(some, 60).tolist() for some in ([80, 90, 640], ["", "a", "b"]))
            facts = [
                FileFacts("JPEG" if table else "PNG", side, 100, "RGB", table)
                for side, table in zip(sides, tables, strict=True)
            ]
            rows = torch.from_numpy(chance.normal(size=(60, 400))).float()
            halves.append(Evidence(facts=facts, hashes=[b""] * 60, blocks=rows[:, :384], phases=rows[:, 384:392]))
        passed += guard(*halves, model=0.5 + 0.05 * chance.random()).passed
    assert passed >= 19


def test_naive_bayes_by_hand():
    """A value of one class alone is always right, an even one is a tie, of 3 to 1 three of four are right."""
    assert guessed([["a"] * 8], [["b"] * 8]) == 1.0
    assert guessed([["a", "b"] * 4], [["a", "b"] * 4]) == 0.5
    assert guessed([["a", "a"] * 3 + ["b", "b"]], [["b", "b"] * 3 + ["a", "a"]]) == 0.75


def test_sizes_of_photographs_are_compared_although_no_two_are_equal():
    small = [FileFacts("JPEG", 500 + place, 300, "RGB") for place in range(60)]
    large = [FileFacts("JPEG", 900 + 3 * place, 700, "RGB") for place in range(60)]
    assert "area" in [finding.trait for finding in differing_traits(small, large)]


def test_twins_are_counted_and_left_out(folder_of):
    pixels = drawn(20, 32, seed=0)
    a = folder_of("a", [*pixels[:10], pixels[0], pixels[0]])
    b = folder_of("b", [*pixels[10:], pixels[3]])
    found = [extract(find_sources(str(folder)), Features(level=2)) for folder in (a, b)]
    twins = count_twins([one.evidence.hashes for one in found])
    assert (twins.between, twins.within) == (1, 2)
    kept = without_twins(found)
    assert [len(one.rows) for one in kept] == [9, 10] and not any("003" in name for name in kept[0].names)
    assert pixel_hash(torch.zeros(3, 4, 6)) != pixel_hash(torch.zeros(3, 6, 4))


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 95, 100])
def test_qualities_are_those_pillow_wrote(tmp_path, quality):
    Image.fromarray(drawn(1, 16, seed=0)[0]).save(tmp_path / "a.jpg", quality=quality, subsampling=1, progressive=True)
    with Image.open(tmp_path / "a.jpg") as image:
        facts = file_facts(image)
    assert (facts.jpeg_quality, facts.subsampling, facts.progressive) == (quality, "4:2:2", True)
    assert jpeg_quality((1,) * 64) == 100


def test_matched_classes_are_alike(folder_of):
    a = folder_of("a", drawn(12, 48, seed=0), ".jpg", quality=60)
    b = folder_of("b", drawn(12, 40, seed=1), ".png")
    match = match_for([find_sources(str(a)), find_sources(str(b))])
    assert (match.side, match.quality) == (40, 60)
    pixels = read_picture(find_sources(str(b))[0]).pixels
    want = np.asarray(Image.open(b / "000.png"))  # it fits exactly: nothing is cut
    again = match(pixels, 0).permute(1, 2, 0).numpy()
    assert np.array_equal(again, np.asarray(_saved(want, 60)))
    detector = Detector(level=2, folds=2, match=True).fit(a, b)
    assert detector.report.verdict != "files differ" and detector.facts["match"]["side"] == 40
    alone, behind = detector.predict_proba(str(a / "003.jpg")), detector.predict_proba(str(a))[3:4]
    assert torch.allclose(alone, behind, atol=1e-6)
    with pytest.raises(OptionError, match="leave small pictures out"):
        Match(side=8)
    with pytest.raises(DataError, match="expected no side below 40"):
        match(pixels[:, :30], 0)


def _saved(pixels, quality):
    from io import BytesIO

    file = BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
    return Image.open(file)
