"""What every command shares, without a command."""

import hashlib
import io
import json
import os
import re
from dataclasses import replace

import pytest

from undula.errors import OptionError
from undula.session import DONE, PARTLY, Options, Session, item_seed
from undula.session.batch import tabulated


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Heard:
    """What was printed since the test began."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._out, self._err = capsys, "", ""

    def read(self) -> tuple[str, str]:
        shown = self._capsys.readouterr()
        self._out, self._err = self._out + shown.out, self._err + shown.err
        return self._out, self._err


@pytest.fixture
def heard(capsys: pytest.CaptureFixture[str]) -> Heard:
    return Heard(capsys)


def _session(**options: object) -> Session:
    return Session(replace(Options(), **options))


def test_notes_go_to_standard_error_once(heard: Heard) -> None:
    session = _session()
    session.note("pictures are grey")
    session.note("pictures are grey")
    assert heard.read()[1] == "note: pictures are grey\n"
    assert heard.read()[0] == ""


@pytest.mark.parametrize("options", [{"quiet": True}, {"json": True}])
def test_quiet_and_json_print_no_notes_tables_or_lines(options: dict[str, bool], heard: Heard) -> None:
    session = _session(**options)
    session.note("a")
    session.say("b")
    session.table(["item"], [["c"]])
    with session.bar("recover", 3) as bar:
        bar.update(1)
    assert heard.read() == ("", "")


def test_json_prints_one_object_and_nothing_without_it(heard: Heard) -> None:
    session = _session(json=True)
    session.answer({"item": "grün", "psnr": None})
    _session().answer({"item": 1})
    assert json.loads(heard.read()[0]) == {"item": "grün", "psnr": None}


def test_failures_are_named_and_make_status_1(heard: Heard) -> None:
    session = _session(quiet=True)
    assert session.status == DONE
    session.fail("a", "a.png: got nothing")
    assert session.status == PARTLY
    assert heard.read()[1] == "undula: a.png: got nothing\n"
    for number in range(100):
        session.fail(str(number), f"{number}.png")
    assert len(session.failures) == 101
    assert heard.read()[1].count("\n") == 21


def test_table_has_every_cell_and_no_trailing_blanks(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    session = _session()
    session.table(["item", "residual"], [["[red]a[/]", "1.0"], ["b", "20.0"]])
    lines = heard.read()[0].splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert [line.split() for line in lines if "." in line] == [["[red]a[/]", "1.0"], ["b", "20.0"]]


def test_columns_are_those_that_any_record_has_a_value_for() -> None:
    """A column stands where its key has a value or words; 0, "" and False are values, None and what is missing is none."""
    columns = {
        "item": ("item", lambda r: r["item"]),
        "price": ("price", lambda r: f"{r['price']:+.1f}"),
        "kind": ("white", lambda r: "white" if r["white"] else "another"),
        "value": ("value", lambda r: f"{r['value']:g}" if isinstance(r["value"], float) else None),
    }
    records = [{"item": "a", "price": None, "value": [1.0]}, {"item": "", "price": 0.0, "white": False, "value": []}]
    assert tabulated(records, columns) == (["item", "price", "kind"], [["a", "–", "–"], ["", "+0.0", "another"]])
    assert tabulated(records[:1], columns) == (["item"], [["a"]])
    assert tabulated([{"item": "b", "value": 2.5}], columns) == (["item", "value"], [["b", "2.5"]])
    assert tabulated([], columns) == ([], [])


def test_long_names_are_not_cut_where_nobody_sees_a_margin(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    session = _session()
    session.table(["item", "residual"], [["x" * 50, "1.0"]])
    assert "".join(re.findall("x+", heard.read()[0])) == "x" * 50


def test_a_reader_that_went_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        _session().say("nobody reads this")


def test_a_letter_that_the_stream_cannot_show_becomes_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", newline=""))
    _session().say("½")
    assert raw.getvalue() == b"?\n"


def test_bar_is_live_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with _session().bar("recover", 10) as bar:
        bar.update(4, detail="3 solved")
    assert "recover" in terminal.getvalue()


def test_bar_is_plain_in_a_log(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    monkeypatch.setattr("undula.session.bar._EVERY", 0.0)
    with _session().bar("recover", 10) as bar:
        bar.update(4.7, detail="3 solved")
    assert heard.read()[1] == "recover: 4 of 10, 3 solved\n"


@pytest.mark.parametrize("threads", [0, -1, 10**6])
def test_threads_must_make_sense(threads: int) -> None:
    with pytest.raises(OptionError, match="--threads"):
        _ = _session(threads=threads).device


def test_cuda_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(OptionError, match="--device cpu"):
        _ = _session(device="cuda").device
    assert _session(device="auto").device.type == "cpu"


def test_item_seed_is_the_hash_of_seed_and_name() -> None:
    # Oracle: BLAKE2b of the standard library over the documented bytes.
    digest = hashlib.blake2b(b"7\0mnist-test-00005", digest_size=8).digest()
    assert item_seed(7, "mnist-test-00005") == int.from_bytes(digest, "big", signed=True)
    assert len({item_seed(seed, name) for seed in range(10) for name in "abcdefghij"}) == 100
    assert all(-(2**63) <= item_seed(0, str(n)) < 2**63 for n in range(100))
