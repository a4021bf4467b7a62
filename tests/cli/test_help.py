"""What the command says of itself, and of wrong calls: snapshots, read by a human whenever they change.

UNDULA_SNAPSHOTS=write pytest tests/cli/test_help.py writes them anew.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from undula.cli import main
from undula.jobs import JOBS

_SNAPSHOTS = Path(__file__).parent.parent / "snapshots"

_CALLS = {
    "help": [],
    "help-recover": ["recover", "--help"],
    "help-restore": ["restore", "--help"],
    "help-view": ["view", "--help"],
    "help-denoise": ["denoise", "--help"],
    "help-denoise-train": ["denoise", "train", "--help"],
    "help-estimate-train": ["estimate", "train", "--help"],
    "help-denoise-compare": ["denoise", "compare", "--help"],
    "help-explain": ["explain", "--help"],
    "help-estimate": ["estimate", "--help"],
    "help-detect": ["detect", "--help"],
    "help-detect-train": ["detect", "train", "--help"],
    "help-detect-score": ["detect", "score", "--help"],
    "help-detect-evaluate": ["detect", "evaluate", "--help"],
    "help-detect-explain": ["detect", "explain", "--help"],
    "help-demo": ["demo", "--help"],
    "help-info": ["info", "--help"],
}
_WRONG = {
    "command": ["recovr"],
    "option": ["recover", "--gvien", "images"],
    "choice": ["recover", "--given", "image"],
    "number": ["recover", "--runs", "many"],
    "missing-value": ["recover", "--crop"],
    "twice": ["recover", "--runs", "1", "--runs", "2"],
    "one-bound": ["recover", "--bounds", "0"],
    "bounds-turned": ["recover", "--bounds", "1", "0"],
    "no-input": ["recover", "nothing.npy"],
    "support": ["recover", "--support", "round"],
    "noise": ["recover", "--noise", "white:3"],
    "noise-negative": ["recover", "--noise", "gaussian:-1"],
    "shard": ["recover", "--shard", "3/2"],
    "crop-images": ["recover", "--crop", "5"],
    "centered-images": ["recover", "--centered"],
    "pad-and-support": ["recover", "--pad", "--support", "20"],
    "hold-out": ["recover", "--hold-out", "0.9"],
    "runs": ["recover", "--runs", "0"],
    "complex-free": ["recover", "--field", "complex"],
    "tolerance": ["recover", "--tolerance", "0"],
    "restore-no-input": ["restore", "nothing.png"],
    "restore-share": ["restore", "--corrupt", "90"],
    "restore-mask": ["restore", "--missing", "mask.png"],
    "restore-mask-and-share": ["restore", "a.png", "--missing", "mask.png", "--corrupt", "0.9"],
    "restore-downsample": ["restore", "a.png", "--downsample", "4"],
    "restore-noise": ["restore", "--noise", "-1"],
    "restore-noise-and-method": ["restore", "--noise", "10", "--method", "tv"],
    "restore-tile": ["restore", "--tile", "8"],
    "restore-format": ["restore", "--format", "gif"],
    "view-no-input": ["view", "nothing.wav"],
    "view-level": ["view", "--level", "12"],
    "view-part": ["view", "--part", "2", "1"],
    "view-both": ["view", "a.png", "--example", "rings"],
    "denoise-no-input": ["denoise", "nothing.png"],
    "denoise-sigma": ["denoise", "--sigma", "-3"],
    "denoise-sharpness": ["denoise", "--sharpness", "7"],
    "denoise-model": ["denoise", "--model", "nowhere"],
    "denoise-train-nothing": ["denoise", "train"],
    "denoise-train-sigma": ["denoise", "train", "nowhere", "--sigma", "9", "3"],
    "estimate-train-snr": ["estimate", "train", "--snr", "9", "3"],
    "estimate-train-components": ["estimate", "train", "--components", "6"],
    "explain-model": ["explain", "nothing"],
    "explain-layer": ["explain", "--layer", "line"],
    "explain-target": ["explain", "--target", "octave"],
    "explain-both": ["explain", "--layer", "lines", "--method", "saliency"],
    "estimate-no-input": ["estimate", "nothing.csv"],
    "estimate-components": ["estimate", "--components", "9"],
    "estimate-band": ["estimate", "--band", "9", "3"],
    "detect-input": ["detect", "photo.png"],
    "detect-train-one": ["detect", "train", "photos"],
    "detect-train-nothing": ["detect", "train", "nowhere", "generated"],
    "detect-score-model": ["detect", "score", "photo.png"],
    "detect-model": ["detect", "score", "photo.png", "--model", "nowhere"],
    "detect-evaluate": ["detect", "evaluate", "test", "--model", "nowhere"],
    "detect-explain": ["detect", "explain", "real", "generated", "--level", "7"],
    "threads": ["info", "--threads", "0"],
    "set": ["recover", "mnist:valid"],
}


def _compare(name: str, text: str) -> None:
    path = _SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UNDULA_SNAPSHOTS") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("name", _CALLS)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_CALLS[name]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    _compare(name, "\n".join(line.rstrip() for line in shown.out.splitlines()) + "\n")


def test_wrong_calls(capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for words in _WRONG.values():
        assert main(words) == 2, words
        shown = capsys.readouterr()
        assert shown.out == "", words
        assert shown.err.startswith("undula: ") and shown.err.count("\n") == 1, shown.err
        lines.append(f"$ undula {' '.join(words)}\n{shown.err}")
    _compare("wrong-calls", "\n".join(lines))


def test_every_job_has_its_command_and_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(f"{job.word} {job.summary}" in text for job in JOBS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"undula {version('undula')}\n"


def test_import_and_help_load_neither_torch_nor_numpy() -> None:
    script = (
        "import sys, undula, undula.jobs\n"
        "heavy = {'torch', 'numpy', 'PIL', 'rich', 'cyclopts'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert 'recover' in dir(undula) and undula.__version__\n"
        "from undula.cli import main\n"
        "assert main(['--help']) == 0\n"
        "heavy = {'torch', 'numpy', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_public_names_are_there_and_no_others() -> None:
    import undula

    assert dir(undula) == sorted(undula.__all__)
    assert all(getattr(undula, name) is not None for name in undula.__all__)
    with pytest.raises(AttributeError, match="no attribute 'recovr'"):
        _ = undula.recovr


def test_list_names_things_that_exist() -> None:
    from importlib import import_module

    for job in JOBS:
        for name in (job.call, job.command, job.demo):
            module, _, attribute = name.partition(":")
            assert callable(getattr(import_module(module), attribute))
