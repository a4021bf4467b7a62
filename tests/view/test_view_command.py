"""`undula view` as it is typed: what it writes, prints and returns, in this process."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from undula.cli import main
from undula.data import linear_chirp, read_array, write_image
from undula.show import Section

RNG = np.random.default_rng(0)


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    status = main(["view", *words, "--json"])
    shown = capsys.readouterr()
    result: dict[str, Any] = json.loads(shown.out) if shown.out else {}
    return result | {"status": status, "err": shown.err}


def _write_wav(path: str, samples: np.ndarray, rate: int) -> None:
    with wave.open(path, "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples.T * 32767).astype("<i2").tobytes())


def test_the_chirp_without_any_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "" and "viewed 1 of 1" in shown.out and "undula-view/index.html" in shown.out
    with Image.open("undula-view/chirp.png") as figure:
        figure.load()
        assert figure.width == 1440 and figure.height > 1500
    np.testing.assert_array_equal(read_array("undula-view/chirp.npz", key="data"), linear_chirp().numpy())
    run = json.loads(Path("undula-view/run.json").read_text())
    assert (run["items"], run["failed"], run["device"]) == (["chirp"], {}, "cpu")
    page = Path("undula-view/index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 1 and "linear chirp" in page


def test_the_rings_print_the_figure_of_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "--example", "rings", "-o", "out"]) == 0
    assert "14.8913" in capsys.readouterr().out
    assert "14.8913" in Path("out/index.html").read_text(encoding="utf-8")


def test_two_files_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = RNG.random((2, 24, 30))
    np.save("one.npy", one)
    np.save("other.npy", other)
    result = _json(capsys, "one.npy", "other.npy", "-o", "out")
    (item,) = result["items"]
    expected = np.abs(np.abs(np.fft.fft2(one)) - np.abs(np.fft.fft2(other))).mean()
    assert item["item"] == "one-other" and item["distance"] == pytest.approx(expected)
    assert (result["status"], result["err"]) == (0, "")
    assert _json(capsys, "one.npy", "other.npy", "-o", "out")["skipped"] == 1
    apart = _json(capsys, "one.npy", "other.npy", "--no-compare", "-o", "apart")
    assert [item["item"] for item in apart["items"]] == ["one", "other"]


def test_channels_rates_and_parts(capsys: pytest.CaptureFixture[str]) -> None:
    time = np.arange(4000) / 2000
    _write_wav("tone.wav", np.stack([0.5 * np.sin(2 * np.pi * 50 * time), 0.2 * np.cos(2 * np.pi * 300 * time)]), 2000)
    result = _json(capsys, "tone.wav", "-o", "out")
    assert [item["strongest_frequency"] for item in result["items"]] == [50.0, 300.0]
    part = _json(capsys, "tone.wav", "--part", "0.5", "1.5", "-o", "part")
    assert [item["shape"] for item in part["items"]] == [[2000], [2000]]
    Path("table.csv").write_text("time,a\n" + "".join(f"{k / 100},{np.sin(0.2 * np.pi * k)}\n" for k in range(200)))
    (item,) = _json(capsys, "table.csv", "-o", "table")["items"]
    assert item["rate"] == pytest.approx(100.0) and item["strongest_frequency"] == pytest.approx(10.0)
    np.save("plain.npy", np.sin(0.1 * np.pi * np.arange(100)))
    assert main(["view", "plain.npy", "-o", "plain"]) == 0
    assert "cycles per sample" in capsys.readouterr().err
    (item,) = _json(capsys, "plain.npy", "--rate", "40", "-o", "rated")["items"]
    assert item["strongest_frequency"] == pytest.approx(2.0)


def test_long_signals_are_cut_aloud(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("undula.jobs.view.command.inputs._LONGEST", 500)
    np.save("long.npy", RNG.random(1200))
    assert main(["view", "long.npy", "--rate", "100", "-o", "out"]) == 0
    assert "the first 5 seconds are viewed, --part chooses others" in capsys.readouterr().err


def test_pictures_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures").mkdir()
    for channels in (1, 2, 3, 4):
        write_image(f"pictures/{channels}.png", RNG.random((channels, 20, 30)).astype(np.float32))
    write_image("pictures/deep.png", RNG.random((3, 20, 30)), bits=16)
    assert main(["view", "pictures", "-o", "out"]) == 0
    shown = capsys.readouterr()
    assert "viewed 5 of 5" in shown.out and "luminance" in shown.err and "transparency" in shown.err
    assert read_array("out/4.npz", key="magnitude").shape == (20, 30)


def test_stacks_keys_sets_and_shards(data_set: Any, capsys: pytest.CaptureFixture[str]) -> None:
    data_set("mnist")
    np.savez("many.npz", stack=RNG.random((3, 16, 16)), counts=RNG.integers(0, 99, (8, 8)))
    words = ["many.npz:stack", "many.npz:counts", "mnist:test:0-2"]
    whole = _json(capsys, *words, "-o", "whole")
    assert (whole["viewed"], whole["status"]) == (6, 0)
    parts = [_json(capsys, *words, "-o", "parts", "--shard", f"{k}/2") for k in (1, 2)]
    names = {item["item"] for part in parts for item in part["items"]}
    assert names == {item["item"] for item in whole["items"]}
    for name in names:
        assert Path(f"whole/{name}.png").read_bytes() == Path(f"parts/{name}.png").read_bytes()


def test_what_fails_is_named_and_the_others_stay(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mixed").mkdir()
    np.save("mixed/a.npy", RNG.random((8, 8)))
    np.save("mixed/b.npy", np.full((8, 8), np.nan))
    Path("mixed/c.wav").write_text("no sound")
    result = _json(capsys, "mixed", "-o", "out")
    assert (result["status"], result["viewed"], set(result["failed"])) == (1, 1, {"b", "c"})
    assert result["err"].count("\n") == 2


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[1.0, np.nan]]), "finite numbers"),
        (np.ones((4, 4), complex), "magnitude first"),
        (np.ones((2, 2, 4, 4)), "stack of items"),
        (np.ones((0, 5)), "none of them 0"),
    ],
)
def test_wrong_arrays_are_refused_in_one_line(
    values: np.ndarray, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("bad.npy", values)
    assert main(["view", "bad.npy", "-o", "out"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.count("\n") == 1 and words in shown.err and "bad.npy" in shown.err


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["missing.png"], "neither a file"),
        (["text.wav"], "does not begin as a WAV file"),
        (["empty"], "expected at least one"),
        (["small.npy", "large.npy"], "--no-compare"),
        (["small.npy", "signal.npy"], "equal shapes"),
        (["small.npy", "--compare"], "two inputs"),
        (["--compare"], "--example rings"),
        (["small.npy", "--example", "rings"], "leave one out"),
        (["small.npy", "--level", "9"], "--level 9"),
        (["signal.npy", "--wavelet", "db99"], "did you mean"),
        (["signal.npy", "--rate", "0"], "positive"),
        (["signal.npy", "--part", "3", "2"], "--part 0 10"),
        (["signal.npy", "--part", "500", "600"], "within 0…50"),
        (["--rate", "5", "--dims", "2"], "no sampling rate"),
        (["picture.png", "--dims", "1"], "expected a signal"),
        (["bcdi"], "volume"),
    ],
)
def test_wrong_calls(call: list[str], words: str, data_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.wav").write_text("hello")
    Path("empty").mkdir()
    np.save("small.npy", RNG.random((8, 8)))
    np.save("large.npy", RNG.random((9, 8)))
    np.save("signal.npy", RNG.random(50))
    write_image("picture.png", RNG.random((8, 8)).astype(np.float32))
    assert main(["view", *call, "-o", "out"]) == 2
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if not line.startswith("note: ")]
    assert shown.out == "" and len(lines) == 1 and words in lines[0], shown.err


def test_rates_must_agree(capsys: pytest.CaptureFixture[str]) -> None:
    for name, rate in (("a", 1000), ("b", 2000)):
        _write_wav(f"{name}.wav", RNG.random((1, 100)) - 0.5, rate)
    assert main(["view", "a.wav", "b.wav", "-o", "out"]) == 2
    assert "1000" in (err := capsys.readouterr().err) and "equal rates" in err


def test_changed_files_and_options_are_done_again(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("a.npy", RNG.random((8, 8)))
    assert [_json(capsys, "a.npy", "-o", "out")["skipped"] for _ in range(2)] == [0, 1]
    assert _json(capsys, "a.npy", "-o", "out", "--wavelet", "haar")["skipped"] == 0
    np.save("a.npy", RNG.random((9, 8)))
    assert _json(capsys, "a.npy", "-o", "out", "--wavelet", "haar")["skipped"] == 0


def test_demonstration_is_a_section(here: Path) -> None:
    from undula.jobs.view.command.demonstration import demonstrate
    from undula.session import Options, Session

    section = demonstrate(Session(Options(quiet=True)), here / "demo")
    assert isinstance(section, Section)
    assert len(section.paragraphs) == 2 and len(section.pictures) == 2
