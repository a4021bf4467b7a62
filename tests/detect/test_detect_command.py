"""`undula detect`: train, score, evaluate, explain, what it does alone, and what goes wrong."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from makers import drawn
from PIL import Image

from undula.cli import main
from undula.jobs.detect.command.rows import COLUMNS

CLASSES = {"real": (0, 0.6), "gan": (1, 0.85), "vae": (2, 1.2)}


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def write(folder, count, seed, blur, side=32, suffix=".png", **options):
    folder.mkdir(parents=True)
    for place, pixels in enumerate(drawn(count, side, seed, blur)):
        Image.fromarray(pixels).save(folder / f"{place:03d}{suffix}", **options)
    return str(folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folders of three makers, and a detector trained on them."""
    root = tmp_path_factory.mktemp("detect")
    for name, (seed, blur) in CLASSES.items():
        write(root / "train" / name, 48, seed, blur)
        write(root / "test" / name, 8, seed + 10, blur)
    folders = [str(root / "train" / name) for name in CLASSES]
    words = ["detect", "train", *folders, "--level", "2", "--fpr", "0.05", "-o", str(root / "model"), "--quiet"]
    assert main(words) == 0
    return root


def rows_of(path):
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_training_writes_a_detector_its_card_and_a_page(place, capsys):
    files = {path.name for path in (place / "model").iterdir()}
    assert files == {"model.safetensors", "config.json", "index.html", "curves.png"}
    config = json.loads((place / "model" / "config.json").read_text())
    assert config["classes"] == ["real", "gan", "vae"] and config["card"]["pictures"] == dict.fromkeys(CLASSES, 48)
    assert config["card"]["held out accuracy"] > 0.9 and "not proof" in config["card"]["use"]
    page = (place / "model" / "index.html").read_text()
    for words in ("The bias guard", "colors of 8 × 8 blocks", "not proof", "taken for vae", "No bias found"):
        assert words in page


def test_without_the_guard_training_ends_well_and_says_so_later(place, capsys):
    folders = [str(place / "train" / name) for name in ("real", "gan")]
    assert main(["detect", "train", *folders, "--level", "2", "--guard", "off", "-o", "off"]) == 0
    assert "A score is evidence, not proof" in capsys.readouterr().out
    assert main(["detect", "score", folders[0], "--model", "off", "--no-ensemble"]) == 0
    assert "without the bias guard" in capsys.readouterr().err


def test_the_table_has_a_row_for_every_picture(place, capsys):
    words = ["detect", "score", str(place / "test" / "real"), str(place / "test" / "vae")]
    assert (
        main([*words, "--model", str(place / "model"), "--csv", "o/out.csv", "--page", "out.html", "--no-ensemble"])
        == 0
    )
    assert "judged 16 of 16" in capsys.readouterr().out
    rows = rows_of("o/out.csv")
    assert tuple(rows[0]) == COLUMNS and len(rows) == 16 and {row["format"] for row in rows} == {"PNG"}
    assert all(row["spread"] == "" and row["jpeg_quality"] == "" and row["width"] == "32" for row in rows)
    chances = np.array([float(row["p_generated"]) for row in rows])
    logits = np.array([float(row["logit"]) for row in rows])
    assert np.allclose(chances, 1 / (1 + np.exp(-logits)), atol=1e-4)
    assert chances[:8].mean() < 0.3 and chances[8:].mean() > 0.9
    assert "not proof" in Path("out.html").read_text(encoding="utf-8")


def test_shards_make_up_the_whole(place):
    words = [
        "detect",
        "score",
        str(place / "test" / "gan"),
        "--model",
        str(place / "model"),
        "--no-ensemble",
        "--quiet",
    ]
    for part in ("1/2", "2/2"):
        assert main([*words, "--shard", part, "--csv", "out.csv"]) == 0
    parts = [rows_of(f"out-{part}-of-2.csv") for part in (1, 2)]
    assert main([*words, "--csv", "all.csv"]) == 0
    together = sorted((row["path"], row["logit"]) for part in parts for row in part)
    assert together == [(row["path"], row["logit"]) for row in rows_of("all.csv")]


def test_an_interrupted_table_is_taken_up(place, capsys):
    """As after a crash: ten rows and a half are left, and the rest follows as if nothing had happened."""
    folders = [str(place / "test" / name) for name in CLASSES]
    words = ["detect", "score", *folders, "--model", str(place / "model"), "--no-ensemble", "--csv", "out.csv"]
    assert main(words) == 0
    whole = Path("out.csv").read_bytes()
    lines = whole.splitlines(keepends=True)
    Path("out.csv").unlink()
    Path("out.csv.part").write_bytes(b"".join(lines[:11]) + lines[11][:9])
    capsys.readouterr()
    assert main([*words, "--resume", "--json"]) == 0
    assert Path("out.csv").read_bytes() == whole and not Path("out.csv.part").exists()
    assert json.loads(capsys.readouterr().out)["judged"] == 24
    assert main([*words, "--resume"]) == 0 and Path("out.csv").read_bytes() == whole  # nothing is left to do
    assert main([*words[:2], folders[1], *words[5:], "--resume"]) == 2
    assert "expected the inputs of this call" in capsys.readouterr().err
    Path("out.csv.part").write_bytes(lines[0] + lines[1].replace(b",real,-", b",real,-9", 1))
    assert main([*words, "--resume"]) == 2 and "rows of another detector" in capsys.readouterr().err
    Path("out.csv.part").write_text("a,b\n1,2\n")
    assert main([*words, "--resume"]) == 2 and "expected path, p_generated" in capsys.readouterr().err


def test_degraded_copies_give_a_spread_and_may_turn_a_verdict(place, capsys):
    words = ["detect", "score", str(place / "test"), "--model", str(place / "model"), "--json"]
    words[2:3] = [str(place / "test" / name) for name in CLASSES]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    rows = rows_of("undula-detect.csv")
    assert all(float(row["spread"]) > 0 for row in rows)
    turned = [row for row in rows if " as it is, " in row["note"]]
    assert len(turned) == answer["turned"] and all(row["verdict"] == "unsure" for row in turned)


def wrong_files(folder):
    """What a folder of pictures may hold besides."""
    folder.mkdir()
    pixels = drawn(4, 40, 5, 0.6)
    good = Image.fromarray(pixels[0])
    good.save(folder / "good.jpg", quality=80)
    good.resize((6, 6)).save(folder / "small.png")
    good.save(folder / "moving.gif", save_all=True, append_images=[Image.fromarray(one) for one in pixels[1:]])
    good.convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    Image.fromarray(pixels[1][..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    data = (folder / "good.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "text.png").write_text("not a picture")
    (folder / "empty.png").write_bytes(b"")
    return folder


def test_the_demo_says_what_it_is(place, capsys):
    assert main(["detect", "score", str(place / "test" / "real"), "--model", "demo", "--no-ensemble"]) == 0
    assert "this is the demo" in capsys.readouterr().err and len(rows_of("undula-detect.csv")) == 8


def test_wrong_files_are_rows_with_a_note(place, tmp_path, capsys, monkeypatch):
    folder = wrong_files(tmp_path / "mixed")
    huge = Image.new("L", (400, 300))
    huge.save(folder / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    words = [
        "detect",
        "score",
        str(folder),
        "nothing.jpg",
        "--model",
        str(place / "model"),
        "--csv",
        "out.csv",
        "--no-ensemble",
    ]
    assert main(words) == 1
    assert "judged 4 of 10 (6 failed)" in capsys.readouterr().out
    rows = {row["path"].rsplit("/", 1)[-1]: row for row in rows_of("out.csv")}
    assert len(rows) == 10
    judged = {name for name, row in rows.items() if row["p_generated"]}
    assert judged == {"good.jpg", "moving.gif", "cmyk.jpg", "deep.png"}
    assert rows["good.jpg"]["jpeg_quality"] == "80" and "CMYK" in rows["cmyk.jpg"]["note"]
    assert "first of 4 frames" in rows["moving.gif"]["note"] and "Pillow's limit" in rows["bomb.png"]["note"]
    assert "expected no side below" in rows["small.png"]["note"] and "no picture" in rows["text.png"]["note"]
    assert all(row["verdict"] == "unsure" and row["note"] for name, row in rows.items() if name not in judged)


def test_a_detector_is_evaluated_source_by_source(place, capsys):
    words = ["detect", "evaluate", str(place / "test"), "--model", str(place / "model"), "--json", "--corruptions"]
    assert main([*words, "--page", "page.html"]) == 0
    answer = json.loads(capsys.readouterr().out)
    clean = answer["conditions"]["as they are"]
    assert clean["pictures"] == 24 and clean["auc"] > 0.9 and len(answer["conditions"]) > 8
    assert answer["sources"]["vae"]["nearest"]["vae"] >= 6
    assert "JPEG 50" in Path("page.html").read_text(encoding="utf-8")


def test_folders_of_other_detectors_are_understood(place, tmp_path, capsys):
    for name, source in (("0_real", "real"), ("1_fake", "gan"), ("unseen", "vae")):
        shutil.copytree(place / "test" / source, tmp_path / "test" / name)
    assert main(["detect", "evaluate", "test", "--model", str(place / "model"), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["sources"]) == {"real", "generated", "unseen"}


def test_packets_show_the_blur(place, capsys):
    folders = [str(place / "train" / name) for name in CLASSES]
    assert main(["detect", "explain", *folders, "-o", "out", "--json", "--level", "2"]) == 0
    answer = json.loads(capsys.readouterr().out)
    classes, learned = answer["classes"], answer["convergence"]
    assert Path("out/convergence.png").is_file() and learned["weights"] == 2 * (3 * 32 * 32 + 1)
    assert np.mean(learned["packets"]) > np.mean(learned["pixels"]) + 0.1  # blur is not in any pixel
    real, gan, vae = (np.array(classes[name]["profile"]) for name in CLASSES)
    assert len(real) == 7 and real[-1] > gan[-1] > vae[-1]  # more blur, less of the highest frequencies
    assert classes["vae"]["pictures"] == 48


def test_few_pictures_have_no_curve_of_learning(place, capsys):
    folders = [str(place / "test" / name) for name in ("real", "gan")]
    assert main(["detect", "explain", *folders, "-o", "few", "--level", "2"]) == 0
    assert "got 8 pictures of a side, expected at least 30" in capsys.readouterr().err
    assert not Path("few/convergence.png").exists()


def test_attention_is_shown_band_by_band(place, capsys):
    folders = [str(place / "train" / name) for name in CLASSES]
    words = ["detect", "explain", *folders, "-o", "out", "--json", "--level", "2", "--model", str(place / "model")]
    assert main(words) == 0
    shares = json.loads(capsys.readouterr().out)["saliency"]
    assert all(len(one) == 7 and sum(one) == pytest.approx(1) and one[0] < 0.2 for one in shares.values())
    assert Path("out/saliency.png").is_file() and Path("out/saliency-pictures.png").is_file()


def test_biased_folders_are_refused(place, tmp_path, capsys):
    real = str(place / "train" / "real")
    made = write(tmp_path / "made", 48, 3, 0.85, suffix=".jpg", quality=80)
    assert main(["detect", "train", real, made, "--level", "2", "-o", "model"]) == 2
    error = capsys.readouterr().err
    assert "file format: PNG" in error and "--match" in error and "--guard warn" in error
    assert not (tmp_path / "model").exists()
    assert main(["detect", "train", real, made, "--level", "2", "-o", "model", "--guard", "warn"]) == 1
    assert main(["detect", "score", real, "--model", "model", "--no-ensemble"]) == 0
    assert "prove nothing" in capsys.readouterr().err
    assert main(["detect", "train", real, made, "--level", "2", "-o", "matched", "--match"]) in (0, 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "REAL"], "expected real pictures and generated ones"),
        (["train", "REAL", "empty"], "without a picture"),
        (["train", "REAL", "few"], "expected at least 8"),
        (["train", "REAL", "nowhere"], "does not exist"),
        (["train", "REAL", "REAL", "REAL"], "name each once"),
        (["train", "REAL", "MADE", "--fpr", "0.7"], "--fpr 0.7"),
        (["train", "REAL", "MADE", "--level", "9"], "--level 9"),
        (["score", "REAL"], "got no --model"),
        (["score", "REAL", "--model", "REAL"], "config.json"),
        (["score", "REAL", "--model", "other"], "got a model of format None"),
        (["score", "REAL", "--model", "MODEL", "--shard", "3/2"], "3/2"),
        (["score", "nothing.png", "--model", "MODEL"], "nothing.png"),
        (["evaluate", "REAL", "--model", "MODEL"], "0_real"),
        (["explain", "REAL"], "expected real pictures and generated ones"),
        (["explain", "REAL", "MADE", "--level", "6"], "--level 6"),
    ],
)
def test_wrong_calls_end_with_one_line(place, tmp_path, capsys, words, told):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text("[]")
    write(tmp_path / "few", 3, 4, 0.85)
    known = {"REAL": place / "train" / "real", "MADE": place / "train" / "gan", "MODEL": place / "model"}
    assert main(["detect", *(str(known.get(word, word)) for word in words)]) == 2
    error = capsys.readouterr().err
    assert told in error and "Traceback" not in error


def test_alone_it_makes_pictures_learns_and_judges(tmp_path, capsys, monkeypatch):
    from undula.jobs.detect.command import sample, typed

    monkeypatch.setattr(sample, "_TRAINING", 30)
    monkeypatch.setattr(sample, "_TEST", 10)
    monkeypatch.setattr(typed, "STEPS", 20)
    assert main(["detect", "-o", "out", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (
        answer["figures"]["pictures"] == 30 and answer["figures"]["auc"] > 0.9
    )  # of a generator never seen: not there
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"index.html", "scores.csv", "model", "pictures", "profile.png", "packets-nearest.png"} <= files
    assert len(rows_of("out/scores.csv")) == 40
