"""How commands end: statuses, one line for what went wrong, nothing from libraries."""

import json
import logging
import warnings
from pathlib import Path

import pytest

import undula.cli.entry
from undula.cli import main
from undula.errors import DataError
from undula.jobs import JOBS


def _ending(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    def work(*, debug: bool = False) -> int:
        warnings.warn("a library is worried", UserWarning, stacklevel=1)
        logging.getLogger("somebody").warning("a library is worried")
        if error is not None:
            raise error
        return 0

    monkeypatch.setattr("undula.cli.information.info", work)


_LESS = "try smaller items or a part of them"


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (None, 0, ""),
        (KeyboardInterrupt(), 130, "undula: interrupted: what is finished stays, the same command goes on\n"),
        (DataError("got a,\nexpected b"), 2, "undula: got a, expected b\n"),
        (OSError(28, "No space left on device", "x"), 2, "undula: got no space left on device for 'x': --debug shows where\n"),
        (MemoryError(), 2, f"undula: got more than the memory holds, expected less: {_LESS}: --debug shows where\n"),
        (RuntimeError("odd"), 2, "undula: RuntimeError: odd: --debug shows where\n"),
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
    ],
)  # fmt: skip
def test_every_end_has_its_status_and_its_line(
    error: BaseException | None,
    status: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    _ending(monkeypatch, error)
    if isinstance(error, BrokenPipeError):
        monkeypatch.setattr(undula.cli.entry, "_reader_gone", lambda: 0)
    assert main(["info"]) == status
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", text)


def test_debug_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    _ending(monkeypatch, DataError("got a"))
    with pytest.warns(UserWarning, match="worried"), pytest.raises(DataError):
        main(["info", "--debug"])


def test_info_tells_versions_extras_and_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    (tmp_path / "data" / "mnist").mkdir(parents=True)
    (tmp_path / "data" / "mnist" / "file").touch()
    monkeypatch.setenv("UNDULA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["info", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["versions"]["torch"] == torch.__version__
    assert known["extras"]["plot"] == {"matplotlib": True}
    assert set(known["extras"]) == {"plot", "science", "jax", "scale", "vit"}
    first, second = known["data"]
    assert (first["folder"], first["sets"], first["exists"]) == (str(tmp_path / "data"), ["mnist"], True)
    assert (second["folder"], second["exists"]) == (str(tmp_path / "cache" / "undula"), False)
    monkeypatch.setattr("undula.cli.information.find_spec", lambda name: None)
    assert main(["info"]) == 0
    assert "matplotlib not installed: pip install 'undula[plot]'" in capsys.readouterr().out


def test_demo_makes_a_page_that_needs_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "-o", str(tmp_path / "demo")]) == 0
    page = tmp_path / "demo" / "index.html"
    assert capsys.readouterr().out == f"open {page.as_uri()}\n"
    text = page.read_text(encoding="utf-8")
    sections = text.split("<h2>")[1:]
    assert [section.split(":")[0] for section in sections] == [job.word for job in JOBS]
    assert all("<img" in section for section in sections) and "http" not in text.replace("http-equiv", "")
    assert {"sheet.png", "descent.gif", "curves.png"} <= {
        path.name for path in (tmp_path / "demo" / "recover").iterdir()
    }
    assert {"chirp.png", "rings.png"} <= {path.name for path in (tmp_path / "demo" / "view").iterdir()}
    assert (tmp_path / "demo" / "explain" / "octaves" / "asphalt-0.png").is_file()
