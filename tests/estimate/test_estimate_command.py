"""`undula estimate` as it is typed: what it reads, writes, prints and returns, in this process."""

import csv
import json
import math
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from undula.cli import main
from undula.data import drawn_ringing, read_array
from undula.show import Section

TIMES = np.arange(200) / 100
RING = 2 * np.exp(-TIMES / 0.4) * np.cos(2 * np.pi * 12 * TIMES + 0.3)
NOISE = 0.05 * np.random.default_rng(0).standard_normal((3, 200))


@pytest.fixture(autouse=True)
def _in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    status = main(["estimate", *words, "--json"])
    shown = capsys.readouterr()
    result: dict[str, Any] = json.loads(shown.out) if shown.out else {}
    return result | {"status": status, "err": shown.err}


def _frequencies(result: dict[str, Any]) -> list[float]:
    return [mode["frequency"]["value"] for item in result["items"] for mode in item["modes"]]


def _table(path: str, *columns: np.ndarray, header: str = "") -> None:
    lines = [",".join("" if math.isnan(cell) else f"{cell:.9g}" for cell in row) for row in zip(*columns, strict=True)]
    Path(path).write_text("\n".join([header] * bool(header) + lines) + "\n")


def test_its_own_ring_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "" and "measured 1 of 1, 1 accepted" in shown.out and "undula-estimate/index.html" in shown.out
    drawn, (item,) = drawn_ringing(), json.loads(Path("undula-estimate/run.json").read_text())["items"]
    record = json.loads(Path(f"undula-estimate/{item}.json").read_text())
    assert record["count"] == 2
    for number, mode in enumerate(record["modes"]):
        for name in ("frequency", "decay_time", "amplitude", "phase"):
            off = mode[name]["value"] - float(getattr(drawn, name)[number])
            assert abs(off) < 4 * mode[name]["error"] and mode[name]["low"] < mode[name]["value"] < mode[name]["high"]
    with Image.open(f"undula-estimate/{item}.png") as figure:
        figure.load()
        assert figure.width == 1440 and figure.height > 1200
    np.testing.assert_allclose(read_array("undula-estimate/ringing.npz", key="signal"), drawn.signal, atol=1e-12)
    page = Path("undula-estimate/index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 1 and "It was drawn with" in page
    assert _json(capsys)["skipped"] == 1
    with Path("undula-estimate/modes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["mode"] for row in rows] == ["0", "1"]
    assert float(rows[0]["frequency [Hz]"]) == pytest.approx(record["modes"][0]["frequency"]["value"])


def test_every_kind_of_file_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    h5py = pytest.importorskip("h5py")
    signal = RING + NOISE[0]
    _table("plain.csv", signal)
    _table("timed.csv", TIMES + 7, signal, header="time,volt")
    _table("bare.csv", TIMES + 7, signal)
    np.save("array.npy", signal)
    with h5py.File("file.hdf5", "w") as file:
        file["strain/Strain"] = signal
        file["strain/Other"] = signal
    with wave.open("sound.wav", "wb") as sound:
        sound.setparams((1, 4, 100, 0, "NONE", ""))
        sound.writeframes(np.round(signal / 4 * 2**31).astype("<i4").tobytes())
    known = ["plain.csv", "array.npy", "file.hdf5:/strain/Strain", "sound.wav"]
    result = _json(capsys, *known, "--rate", "100", "--components", "1")
    timed = _json(capsys, "timed.csv", "bare.csv", "--components", "1", "-o", "timed")
    assert (result["status"], timed["status"], result["err"], timed["err"]) == (0, 0, "", "")
    assert _frequencies(result) + _frequencies(timed) == pytest.approx([_frequencies(result)[0]] * 6, rel=1e-7)
    assert _frequencies(result)[0] == pytest.approx(12.0, abs=0.05)
    assert timed["items"][0]["clock"] == pytest.approx(7.0) and timed["items"][0]["rate"] == pytest.approx(100.0)
    assert [item["title"] for item in timed["items"]] == ["bare", "timed: volt"]


def test_uneven_times_gaps_channels_and_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    keep = np.random.default_rng(1).random(200) > 0.3
    _table("uneven.csv", TIMES[keep], (RING + NOISE[0])[keep], header="t,x")
    assert main(["estimate", "uneven.csv", "--components", "1"]) == 0
    shown = capsys.readouterr()
    assert "note: uneven is unevenly sampled" in shown.err
    holed = RING + NOISE[1]
    holed[40:60] = np.nan
    _table("two.csv", TIMES + 5, holed, RING + NOISE[2], header="time,left,right")
    result = _json(capsys, "two.csv", "--components", "1", "--start", "5.2", "-o", "two")
    assert [item["item"] for item in result["items"]] == ["two-0", "two-1"]
    assert _frequencies(result) == pytest.approx([12.0, 12.0], abs=0.05)
    want = 2 * math.exp(-0.2 / 0.4)
    assert [item["modes"][0]["amplitude"]["value"] for item in result["items"]] == pytest.approx([want] * 2, rel=0.1)
    (both,) = _json(capsys, "two.csv", "--components", "1", "--shared", "--part", "5", "6.5", "-o", "both")["items"]
    assert both["samples"] == 150 and len(both["modes"][0]["amplitude"]) == 2
    assert both["modes"][0]["frequency"]["error"] < result["items"][1]["modes"][0]["frequency"]["error"]


def test_noise_as_level_stretch_and_density(capsys: pytest.CaptureFixture[str]) -> None:
    chance = np.random.default_rng(2)
    record = 0.05 * chance.standard_normal(800)
    record[600:] += RING
    np.save("record.npy", record)
    np.save("noise.npy", 0.05 * chance.standard_normal(600))
    _table("density.csv", np.array([0.0, 20.0, 50.0]), np.full(3, 2 * 0.05**2 / 100), header="frequency [Hz],density")
    words = ["record.npy", "--rate", "100", "--components", "1", "--part", "6", "8"]
    found = {}
    for noise in ("0.05", "0:6", "noise.npy", "density.csv"):
        result = _json(capsys, *words, "--noise", noise, "-o", f"out-{noise.replace(':', '-')}")
        assert result["status"] == 0, result
        found[noise] = result["items"][0]["modes"][0]["frequency"]
    assert [each["value"] for each in found.values()] == pytest.approx([12.0] * 4, abs=0.05)
    assert found["density.csv"]["error"] == pytest.approx(found["0.05"]["error"], rel=1e-3)
    assert found["0:6"]["error"] == pytest.approx(found["0.05"]["error"], rel=0.4)


def test_a_batch_is_shared_and_finished_items_are_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in").mkdir()
    for number in range(3):
        np.save(f"in/{number}.npy", RING + NOISE[number])
    Path("in/3.csv").write_text("1\ntwo\n3\n")
    words = ["in", "--rate", "100", "--components", "1", "-o", "out"]
    first = _json(capsys, *words, "--shard", "1/2")
    assert (first["estimated"], first["total"]) == (2, 2)
    whole = _json(capsys, *words)
    assert (whole["estimated"], whole["total"], whole["skipped"], whole["status"]) == (3, 4, 2, 1)
    assert list(whole["failed"]) == ["3"] and "line 2" in whole["failed"]["3"]
    assert len(Path("out/modes.csv").read_text().splitlines()) == 4


def test_what_is_not_accepted_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("flat.npy", np.full(100, 3.0))
    np.save("grows.npy", RING[::-1] + NOISE[0])
    result = _json(capsys, "flat.npy", "-o", "flat")
    assert result["status"] == 1 and "constant" in result["items"][0]["advice"]
    result = _json(capsys, "grows.npy", "--rate", "100", "--components", "1", "-o", "grows")
    (mode,) = result["items"][0]["modes"]
    assert mode["grows"] and mode["decay_time"]["value"] == pytest.approx(-0.4, rel=0.1)
    assert "grows" in result["items"][0]["advice"]


WRONG = {
    "short": (["short.npy", "--components", "2"], "got 7 samples to use, expected at least 9 for 2 components"),
    "rate": (["ring.npy", "--rate", "0"], "got --rate 0, expected a positive number"),
    "Nyquist": (["ring.npy", "--rate", "100", "--band", "10", "60"], "up to half the sampling rate, 50 Hz"),
    "band": (["ring.npy", "--band", "9", "3"], "got --band 9 3, expected two frequencies in Hz, the lower first"),
    "components": (["ring.npy", "--components", "7"], "got --components 7, expected 1 … 5, or auto"),
    "part": (
        ["ring.npy", "--rate", "100", "--part", "8", "9"],
        "got --part 8 9 of 'ring.npy', expected seconds within 0…1.99",
    ),
    "start": (
        ["ring.npy", "--rate", "100", "--start", "9"],
        "got --start 9.0, expected a moment of the record, 0 … 1.99 s",
    ),
    "noise": (["ring.npy", "--noise", "-1"], "got --noise -1, expected a standard deviation above 0"),
    "noise words": (["ring.npy", "--noise", "white"], "got --noise white, expected a deviation, seconds FROM:TO"),
    "stretch": (["ring.npy", "--noise", "0:3"], "got --noise 0:3, expected 16 samples or more within 0…200 s"),
    "times": (["turned.csv"], "got a time that does not ascend in line 4, column 1 ('time') of 'turned.csv'"),
    "key": (["nothing.hdf5:/strain/Strain"], "which is neither a file, a folder nor a named set"),
    "picture": (["photos.png"], "which is no signal"),
    "sample": (["--rate", "5"], "got --rate, --part, --shared or --joint without INPUT"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_line(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("short.npy", RING[:7])
    np.save("ring.npy", RING)
    Path("turned.csv").write_text("time,x\n0,1\n2,1\n1,1\n")
    Image.new("L", (9, 9)).save("photos.png")
    words, text = WRONG[case]
    assert main(["estimate", *words]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("undula: ") and shown.err.count("\n") == 1 and text in shown.err, shown.err


def test_save_and_figure_of_the_library(tmp_path: Path) -> None:
    import undula

    signals = np.stack([RING, 0.5 * RING[::-1] + 0.2 * RING]).reshape(2, 1, 200) + NOISE[:2, None]
    modes = undula.estimate(signals.astype(complex), rate=100.0, components=2)
    modes.save(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").glob("signal-0000*")} == {
        f"signal-0000{number}.{suffix}" for number in range(2) for suffix in ("json", "csv", "npz", "png")
    }
    assert modes.figure(1, title="Second").width == 1440
    with pytest.raises(undula.RangeError, match=r"got item=2, expected 0 … 1"):
        modes.figure(2)
    items = list(modes.items())
    assert items[1].frequency.shape == (2,) and isinstance(items[1].advice, str)
    np.testing.assert_array_equal(items[1].waveform, np.asarray(modes.waveform)[1, 0])


def test_whiten_makes_colored_noise_white() -> None:
    import undula

    steps = np.random.default_rng(0).standard_normal(4000)
    colored = np.convolve(steps, 0.8 ** np.arange(40))[:4000]
    white = undula.whiten(colored, colored, rate=50.0)
    share = np.abs(np.fft.rfft(white)) ** 2 / 4000
    assert np.std(white) == pytest.approx(1.0, abs=0.05)
    assert share[10:400].mean() == pytest.approx(
        share[-400:].mean(), rel=0.15
    )  # of the colored noise they differ by 80
    with pytest.raises(undula.RangeError, match="cut out a stretch without gaps"):
        undula.whiten(np.append(colored, np.nan), colored)


def test_the_demo_section_measures(tmp_path: Path) -> None:
    from undula.jobs.estimate.command.demonstration import demonstrate
    from undula.session import Options, Session

    section = demonstrate(Session(Options(quiet=True)), tmp_path)
    assert isinstance(section, Section) and section.pictures and section.table is not None
    assert "It was drawn with" in section.paragraphs[0]
