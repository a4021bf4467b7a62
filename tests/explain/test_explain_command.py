"""`undula explain` as it is typed: what it asks, writes, prints and returns, in this process."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from undula.cli import main
from undula.data import read_array, write_image
from undula.nets import NoiseLevel, UNet
from undula.nets.storage import write_model
from undula.show import Section

RNG = np.random.default_rng(0)
OWN = """
import torch
from torch import nn

def classifier():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))

number = 3

def broken():
    raise RuntimeError("no weights here")
"""


@pytest.fixture(autouse=True)
def own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small drawn images, and a module of the user's in the current folder, forgotten afterwards."""
    monkeypatch.setattr("undula.jobs.explain.command.inputs._HEIGHT", 64)
    monkeypatch.setattr("undula.jobs.explain.command.inputs._WIDTH", 80)
    Path("own_networks.py").write_text(OWN)
    monkeypatch.delitem(sys.modules, "own_networks", raising=False)


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    status = main(["explain", *words, "--json"])
    shown = capsys.readouterr()
    result: dict[str, Any] = json.loads(shown.out) if shown.out else {}
    return result | {"status": status, "err": shown.err}


def _write_denoiser(folder: str, *, noise: bool, channels: int = 1) -> None:
    torch.manual_seed(0)
    network = UNet(channels, widths=(4, 6), blocks=(1, 1))
    with torch.no_grad():
        network.tail.weight.normal_(std=0.1)
    write_model(folder, {"network": network, **({"noise": NoiseLevel()} if noise else {})}, {})


def test_the_sample_without_any_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    shown = capsys.readouterr()
    assert "explained 2 of 2" in shown.out and "undula-explain/index.html" in shown.out and "strongest" in shown.out
    assert shown.err.count("\n") == 3 and "no target" in shown.err and "was chosen" in shown.err
    with Image.open("undula-explain/asphalt-0.png") as figure:
        figure.load()
        assert figure.width == 1440
    assert read_array("undula-explain/asphalt-0.npz", key="raw").shape == (64, 80)
    run = json.loads(Path("undula-explain/run.json").read_text())
    assert (run["items"], run["failed"], run["arguments"]["method"]) == (["asphalt-0", "asphalt-1"], {}, "eigen")
    page = Path("undula-explain/index.html").read_text(encoding="utf-8")
    assert page.count("<img") == 2 and "no sign of its own" in page and "random weights" in page


def test_octaves_add_up_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    result = _json(capsys, "--target", "octaves", "-o", "out")
    item = result["items"][0]
    assert item["method"] == "hirescam" and item["bands"][4] == "1/4 … 1/2" and len(item["sums"]) == 6
    raw = read_array("out/asphalt-0.npz", key="raw")
    np.testing.assert_allclose(raw.sum((1, 2)), item["sums"], rtol=1e-4)
    assert main(["explain", "--target", "octaves", "-o", "out"]) == 0
    shown = capsys.readouterr()
    assert "1/4 … 1/2" in shown.out and "2 items were finished before" in shown.err
    assert "add up to the last" in Path("out/index.html").read_text(encoding="utf-8")


def test_a_folder_of_undula_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    _write_denoiser("told", noise=False)
    _write_denoiser("measuring", noise=True)
    write_image("colors.png", RNG.random((3, 40, 48)).astype(np.float32))
    told = _json(capsys, "told", "colors.png", "--sigma", "25", "--target", "band:0.125-0.25", "-o", "told-out")
    assert told["status"] == 0 and told["items"][0]["shape"] == [1, 40, 48]
    lonely = _json(capsys, "told", "colors.png", "-o", "lonely")
    assert lonely["status"] == 2 and "--sigma 25" in lonely["err"]
    assert _json(capsys, "measuring", "colors.png", "--target", "norm", "-o", "measured")["status"] == 0


def test_another_noise_level_or_model_is_another_question(capsys: pytest.CaptureFixture[str]) -> None:
    _write_denoiser("model", noise=False)
    skipped = [_json(capsys, "model", "--sigma", level, "-o", "out")["skipped"] for level in ("25", "25", "50")]
    assert skipped == [0, 2, 0]
    _write_denoiser("model", noise=True)
    assert _json(capsys, "model", "--sigma", "25", "-o", "out")["skipped"] == 0


def test_gray_pictures_become_color_where_the_model_wants_it(capsys: pytest.CaptureFixture[str]) -> None:
    _write_denoiser("model", noise=False, channels=3)
    write_image("gray.png", RNG.random((40, 48)).astype(np.float32))
    assert main(["explain", "model", "gray.png", "--sigma", "25", "-o", "out"]) == 0
    assert "three equal channels" in capsys.readouterr().err
    assert read_array("out/gray.npz", key="images").shape == (3, 40, 48)


def test_a_program_of_torch_export_keeps_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    """Oracle: the network that was exported."""
    _write_denoiser("model", noise=False)
    from undula.nets.storage import read_model

    network = read_model("model")[0]["network"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(network, (torch.zeros(1, 1, 40, 48), torch.zeros(1)))
        torch.export.save(program, "model.pt2")
    np.save("one.npy", RNG.random((40, 48)).astype(np.float32))
    words = ["one.npy", "--sigma", "25", "--layer", "down.1", "--target", "octaves", "--channels", "1"]
    assert _json(capsys, "model.pt2", *words, "-o", "program")["status"] == 0
    assert _json(capsys, "model", *words, "-o", "folder")["status"] == 0
    raw = [read_array(f"{place}/one.npz", key="raw") for place in ("program", "folder")]
    np.testing.assert_allclose(*raw, rtol=1e-4, atol=1e-9)
    assert "two inputs" in _json(capsys, "model.pt2", "one.npy", "-o", "out")["err"]
    np.save("other.npy", RNG.random((44, 48)).astype(np.float32))
    assert "model fails" in _json(capsys, "model.pt2", "other.npy", "--sigma", "25", "-o", "out")["err"]


def test_a_function_of_the_users_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    write_image("one.png", RNG.random((3, 40, 48)).astype(np.float32))
    result = _json(capsys, "own_networks:classifier", "one.png", "--target", "class:2", "--layer", "1", "-o", "out")
    (item,) = result["items"]
    assert (item["targets"], item["layers"], result["status"]) == (["class 2"], ["1"], 0)
    kept = _json(
        capsys, "own_networks:classifier", "one.png", "--keep", "0.4", "0.9", "--method", "smooth", "-o", "kept"
    )
    shown, heat = (read_array("kept/one.npz", key=key) for key in ("shown", "maps"))
    assert kept["status"] == 0 and not shown[heat < 0.4].any() and not shown[heat > 0.9].any() and shown.any()


def test_stacks_sets_and_shards(data_set: Any, capsys: pytest.CaptureFixture[str]) -> None:
    data_set("mnist")
    np.savez("many.npz", stack=RNG.random((3, 30, 36)))
    words = ["many.npz:stack", "mnist:test:0-2"]
    line = "undula.jobs.explain.command.sample:LineFinder"
    whole = _json(capsys, line, *words, "-o", "whole")
    assert (whole["explained"], whole["status"]) == (5, 0)
    parts = [_json(capsys, line, *words, "-o", "parts", "--shard", f"{k}/2") for k in (1, 2)]
    names = {item["item"] for part in parts for item in part["items"]}
    assert names == {item["item"] for item in whole["items"]}
    for name in names:
        assert Path(f"whole/{name}.png").read_bytes() == Path(f"parts/{name}.png").read_bytes()


def test_what_fails_is_named_and_the_others_stay(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mixed").mkdir()
    write_image("mixed/a.png", RNG.random((3, 40, 48)).astype(np.float32))
    Path("mixed/b.png").write_text("no picture")
    write_image("mixed/c.png", RNG.random((40, 48)).astype(np.float32))
    np.save("mixed/d.npy", np.full((40, 48), 200.0))
    result = _json(capsys, "own_networks:classifier", "mixed", "-o", "out")
    assert (result["status"], result["explained"], set(result["failed"])) == (1, 1, {"b", "c", "d"})
    assert "1 × 1 × 40 × 48" in result["failed"]["c"] and "divide by 255" in result["failed"]["d"]
    assert result["err"].count("\n") == 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["nothing"], "folder of a model"),
        (["empty"], "config.json"),
        (["newer"], "of format 99"),
        (["damaged"], "weights of a model"),
        (["text.pt2"], "a program of torch.export"),
        (["no_such_module:net"], "ModuleNotFoundError"),
        (["own_networks:net"], "AttributeError"),
        (["own_networks:broken"], "no weights here"),
        (["own_networks:number"], "gives int"),
        (["own_networks:classifier", "missing.png"], "neither a file"),
        (["own_networks:classifier", "bcdi"], "volume"),
        (["own_networks:classifier", "--layer", "conv1"], "nearest are"),
        (["own_networks:classifier", "--layer", "0", "--method", "saliency"], "leave --layer out"),
        (["own_networks:classifier", "--method", "gradcam"], "hirescam"),
        (["own_networks:classifier", "--target", "octave"], "--target 'octave'"),
        (["own_networks:classifier", "--sigma", "300"], "--sigma 300"),
        (["own_networks:classifier", "--keep", "0.9", "0.4"], "--keep 0.4 0.9"),
        (["own_networks:classifier", "one.npy", "--target", "octaves", "--method", "eigen"], "--method 'hirescam'"),
        (["own_networks:classifier", "one.npy", "--target", "class:9", "--channels", "3"], "0 … 3"),
    ],
)
def test_wrong_calls(call: list[str], words: str, data_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.pt2").write_text("hello")
    for name in ("empty", "newer"):
        Path(name).mkdir()
    Path("newer/config.json").write_text('{"format": 99, "undula": "9.0"}')
    _write_denoiser("damaged", noise=False)
    Path("damaged/model.safetensors").write_bytes(b"no weights")
    np.save("one.npy", RNG.random((40, 48)))
    assert main(["explain", *call, "-o", "out"]) == 2
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if not line.startswith("note: ")]
    assert shown.out == "" and len(lines) == 1 and words in lines[0], shown.err


def test_the_default_method_follows_the_target() -> None:
    from undula.jobs.explain.command.settings import Settings

    assert [Settings(target=target).asked for target in (None, "mean")] == ["eigen", "hirescam"]


def test_demonstration_is_a_section(here: Path) -> None:
    from undula.jobs.explain.command.demonstration import demonstrate
    from undula.session import Options, Session

    section = demonstrate(Session(Options(quiet=True)), here / "demo")
    assert isinstance(section, Section)
    assert len(section.paragraphs) == 2 and len(section.pictures) == 2


def test_networks_may_be_modules_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is a module already is not called with nothing."""
    Path("made_networks.py").write_text("from torch import nn\nnet = nn.Sequential(nn.Conv2d(1, 3, 3))\n")
    assert _json(capsys, "made_networks:net", "--channels", "1", "-o", "out")["status"] == 0
