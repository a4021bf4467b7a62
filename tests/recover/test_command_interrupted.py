"""Killed, interrupted, and called again: what is finished stays, nothing is half written."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from undula.cli import main
from undula.data import drawn_digits

_COMMAND = [sys.executable, "-c", "import sys; from undula.cli import main; sys.exit(main())"]
_WORDS = ["recover", "stack.npy", "--given", "magnitudes", "-o", "out", "--threads", "1"]
_ITEMS = 400


def _until(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + 120
    while len(list(folder.glob("items/stack-*.json"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.002)


def _start(folder: Path) -> "subprocess.Popen[str]":
    # A shell starts background jobs deaf to Ctrl-C, and children inherit that; this one must hear it.
    return subprocess.Popen(
        [*_COMMAND, *_WORDS],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _finished(folder: Path) -> dict[str, int]:
    """Finished items and when; every record is whole and so are its files."""
    found = {}
    for path in sorted(folder.glob("items/stack-*.json")):
        record = json.loads(path.read_text())
        for name in record["files"]:
            assert (folder / name).stat().st_size > 0
        assert np.load(folder / f"{record['item']}.npy", allow_pickle=False).shape == (28, 28)
        found[record["item"]] = path.stat().st_mtime_ns
    return found


def test_kill_then_interrupt_then_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "stack.npy", np.abs(np.fft.fft2(drawn_digits(_ITEMS).numpy())).astype(np.float32))
    out = tmp_path / "out"

    first = _start(tmp_path)
    _until(out, 1, first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    killed = _finished(out)
    assert 1 <= len(killed) < _ITEMS

    second = _start(tmp_path)
    _until(out, len(killed) + 1, second)
    second.send_signal(signal.SIGINT)
    printed, said = second.communicate(timeout=60)
    interrupted = _finished(out)
    assert (second.returncode, printed) == (130, "")
    assert said.splitlines()[-1] == "undula: interrupted: what is finished stays, the same command goes on"
    assert len(interrupted) < _ITEMS
    assert {item: interrupted[item] for item in killed} == killed  # not done again

    monkeypatch.chdir(tmp_path)
    assert main([*_WORDS[:-2], "--quiet"]) == 0
    whole = _finished(out)
    assert len(whole) == _ITEMS
    assert {item: whole[item] for item in interrupted} == interrupted
