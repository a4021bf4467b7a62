import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from undula.data import OutputFolder, Shard
from undula.data.plain import json_text, plain
from undula.errors import DataError, OptionError


def finish(folder, item, **record):
    folder.path(f"{item}.txt").write_text(item)
    folder.finish(item, record, [f"{item}.txt"])


def test_finished_items_are_found_again(tmp_path):
    folder = OutputFolder(tmp_path / "new" / "out", arguments={"seed": 0})
    assert folder.finished("a") is None
    finish(folder, "a", residual=0.25, source="in/a.png")
    again = OutputFolder(tmp_path / "new" / "out", arguments={"seed": 0})
    record = again.finished("a")
    assert (record["item"], record["residual"], record["files"]) == ("a", 0.25, ["a.txt"])
    assert again.finished("a", source="in/a.png") == record
    assert again.finished("a", source="other/a.png") is None
    assert again.finished("b") is None


@pytest.mark.parametrize("arguments", [{"seed": 1}, {}, {"seed": 0, "support": None}, {"seed": "0"}])
def test_other_arguments_do_it_again(tmp_path, arguments):
    finish(OutputFolder(tmp_path, arguments={"seed": 0}), "a")
    other = OutputFolder(tmp_path, arguments=arguments)
    assert other.finished("a") is None and other.records() == []


def test_the_order_of_arguments_does_not_matter(tmp_path):
    finish(OutputFolder(tmp_path, arguments={"a": (1, 2), "b": Path("x")}), "a")
    assert OutputFolder(tmp_path, arguments={"b": "x", "a": [1, 2]}).finished("a") is not None


def test_without_resuming(tmp_path):
    finish(OutputFolder(tmp_path, arguments={}), "a")
    assert OutputFolder(tmp_path, arguments={}, resume=False).finished("a") is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"fingerprint": 3}', "\udcff", "[" * 100_000, '{"files": 3}']
)
def test_damaged_records_do_it_again(tmp_path, content):
    folder = OutputFolder(tmp_path, arguments={})
    finish(folder, "a")
    finish(folder, "b")
    (tmp_path / "items" / "a.json").write_bytes(content.encode(errors="surrogateescape"))
    assert folder.finished("a") is None
    assert [record["item"] for record in folder.records()] == ["b"]


@pytest.mark.parametrize("files", [3, [3], ["../x"], None])
def test_records_with_odd_files(tmp_path, files):
    folder = OutputFolder(tmp_path, arguments={})
    finish(folder, "a")
    path = tmp_path / "items" / "a.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": files}))
    assert folder.finished("a") is None


def test_a_missing_file_does_it_again(tmp_path):
    folder = OutputFolder(tmp_path, arguments={})
    finish(folder, "a")
    folder.path("a.txt").unlink()
    assert folder.finished("a") is None
    with pytest.raises(DataError, match=r"got no file 'a\.txt'"):
        folder.finish("a", {}, ["a.txt"])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\\b", ".hidden", "a\0"])
def test_names_stay_in_the_folder(tmp_path, name):
    folder = OutputFolder(tmp_path, arguments={})
    for call in (folder.path, folder.finished):
        with pytest.raises(DataError, match="without folders"):
            call(name)


def test_records_are_strict_json(tmp_path):
    folder = OutputFolder(tmp_path, arguments={"sigma": math.nan})
    finish(folder, "a", residual=math.nan, losses=np.array([1.0, np.inf]), verdict=np.bool_(True))

    def refuse(word):
        raise AssertionError(word)

    text = (tmp_path / "items" / "a.json").read_text()
    record = json.loads(text, parse_constant=refuse)
    assert (record["residual"], record["losses"], record["verdict"]) == (None, [1.0, None], True)


def test_run(tmp_path):
    folder = OutputFolder(tmp_path, arguments={"seed": 7})
    assert folder.write_run({"device": "cpu", "seed": 7, "items": ["a"]}) == tmp_path / "run.json"
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["arguments"] == {"seed": 7} and run["items"] == ["a"] and run["device"] == "cpu"
    assert run["versions"]["torch"] == torch.__version__ and set(run["versions"]) == {
        "undula",
        "python",
        "torch",
        "numpy",
    }
    assert run["platform"]
    folder.write_run({}, shard=Shard(1, 2))
    assert (tmp_path / "run-1-of-2.json").exists()


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("")
    for path in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(DataError, match="cannot be made"):
            OutputFolder(path, arguments={})


def test_a_folder_that_may_not_be_made(tmp_path):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("root may write everywhere")
        with pytest.raises(DataError, match="Permission denied"):
            OutputFolder(tmp_path / "out", arguments={})
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_shards_share_all_items(count):
    items = list(range(10))
    shards = [Shard.parse(f"{index}/{count}").take(items) for index in range(1, count + 1)]
    assert sorted(item for shard in shards for item in shard) == items
    for index, shard in enumerate(shards, 1):
        assert all(k % count + 1 == index for k in shard)


@pytest.mark.parametrize(
    "text", ["", "1", "1/", "/2", "0/2", "3/2", "-1/2", "1/0", "1/2/3", "a/b", "1.0/2", "²/3", "1 / 2"]
)
def test_wrong_shards(text):
    with pytest.raises(OptionError, match="got the shard"):
        Shard.parse(text)


def test_plain_values():
    @dataclass
    class Odd:
        x: int = 1

    value = {
        1: (np.float32(0.5), np.int64(3), torch.tensor([1.0, math.inf])),
        "path": Path("a"),
        "set": {"b", "a"},
        "dtype": torch.float32,
        "complex": 1 + 2j,
        "odd": Odd(),
        "deep": np.array([[True]]),
    }
    result = plain(value)
    assert result["1"] == [0.5, 3, [1.0, None]]
    assert (result["path"], result["set"], result["dtype"]) == ("a", ["a", "b"], "torch.float32")
    assert result["complex"] == "(1+2j)" and result["deep"] == [[True]] and "Odd" in result["odd"]
    assert json.loads(json_text(value)) == result
