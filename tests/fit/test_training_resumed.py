"""Ended anywhere and started again: the same weights and the same lines as without an end."""

import json
import math
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small import UNEVEN, denoiser, error, error_of_others, line, pictures, points, squared

from undula.errors import DataError
from undula.fit import Plan, read_tensors, train

CHECKPOINT, METRICS = "checkpoint.safetensors", "metrics.jsonl"
TIMES = ("seconds", "examples_per_second")


def run(folder, plan=UNEVEN, **options):
    return train(denoiser(), pictures, error, plan=plan, folder=folder, **{"validate": error_of_others, **options})


def at(step, act):
    """A callback that does something after one step."""
    return lambda now, _: act() if now == step else None


def interrupt():
    raise KeyboardInterrupt


def lines(folder):
    rows = [json.loads(text) for text in (folder / METRICS).read_text().splitlines()]
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def tensors_of(folder):
    """Every tensor of the three files: weights, best ones, moments, averages, and what was not read yet."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= {f"{path.name}/{name}": value for name, value in load_file(path).items()}
    return found


def equal(folder, other):
    one, two = tensors_of(folder), tensors_of(other)
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(autouse=True)
def ordinary_signals():
    """A shell starts background jobs deaf to Ctrl-C; these tests must hear it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before[0]), signal.signal(signal.SIGTERM, before[1])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return folder


def test_the_folder_holds_what_is_handed_out(undisturbed, tmp_path):
    training = run(tmp_path)
    best = load_file(tmp_path / "best.safetensors")
    assert best.keys() == training.network.state_dict().keys()
    assert all(torch.equal(best[name], value) for name, value in training.network.state_dict().items())
    assert read_tensors(tmp_path / "best.safetensors")[1] == {
        "step": training.best_step,
        "validation": training.best_value,
    }
    assert equal(tmp_path, undisturbed)
    alone = train(denoiser(), pictures, error, plan=UNEVEN, validate=error_of_others)  # without a folder
    assert all(torch.equal(best[name], value) for name, value in alone.network.state_dict().items())


@pytest.mark.parametrize("step", [1, 8, 13, 39])
def test_interrupted_runs_end_equal(step, undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, callback=at(step, interrupt))
    assert read_tensors(tmp_path / CHECKPOINT)[1]["step"] == step
    training = run(tmp_path)
    assert equal(tmp_path, undisturbed)
    assert lines(tmp_path) == lines(undisturbed)
    assert [check.step for check in training.history] == [row["step"] for row in lines(undisturbed)]


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)], ids=["ctrl-c", "sigterm"]
)
def test_signals_end_a_run_between_two_steps(number, kind, undisturbed, tmp_path):
    calls = []

    def struck(network, batch):
        calls.append(1)
        loss = error(network, batch)
        if len(calls) == 11:
            signal.raise_signal(number)  # in the middle of a step
        return loss

    with pytest.raises(kind) as caught:
        train(denoiser(), pictures, struck, plan=UNEVEN, folder=tmp_path, validate=error_of_others)
    assert kind is KeyboardInterrupt or caught.value.code == 143
    assert read_tensors(tmp_path / CHECKPOINT)[1]["step"] == len(calls) == 11
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    run(tmp_path)
    assert equal(tmp_path, undisturbed)


def test_a_second_signal_ends_at_once(undisturbed, tmp_path):
    calls = []

    def struck(network, batch):
        calls.append(1)
        if len(calls) == 11:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return error(network, batch)

    with pytest.raises(KeyboardInterrupt):
        train(denoiser(), pictures, struck, plan=UNEVEN, folder=tmp_path, validate=error_of_others)
    assert read_tensors(tmp_path / CHECKPOINT)[1]["step"] == 8
    run(tmp_path)
    assert equal(tmp_path, undisturbed)


def test_a_signal_after_the_last_step_is_heard(undisturbed, tmp_path):
    calls = []

    def last(network):
        calls.append(1)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return error_of_others(network)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, validate=last)
    assert equal(tmp_path, undisturbed)


def test_killed_anywhere_even_while_saving(undisturbed, tmp_path):
    """SIGKILL before every file gets its name, after it, in the middle of lines, and at chosen steps; then twice in a row."""
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    folders = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    assert len(folders) == 8 + 3
    for folder in folders:
        assert equal(folder, undisturbed), folder.name
        assert lines(folder) == lines(undisturbed), folder.name
        assert not list(folder.glob(".*.part")), folder.name


def test_float16_goes_on_with_its_scale(tmp_path):
    plan = replace(UNEVEN, precision="float16")
    run(tmp_path / "whole", plan)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", plan, callback=at(13, interrupt))
    assert read_tensors(tmp_path / "cut" / CHECKPOINT)[1]["scaler"]["scale"] > 1
    run(tmp_path / "cut", plan)
    assert equal(tmp_path / "cut", tmp_path / "whole")


def test_a_finished_run_is_not_done_again(undisturbed):
    def refuse(*_):
        raise AssertionError("nothing is left to do")

    before = {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()}
    training = train(denoiser(), refuse, refuse, plan=UNEVEN, folder=undisturbed, validate=refuse, callback=refuse)
    assert (training.steps, len(training.history), training.stopped_early) == (40, 12, False)
    assert training.best_value == min(row["validation"] for row in lines(undisturbed) if row["validation"] is not None)
    best = load_file(undisturbed / "best.safetensors")
    assert all(torch.equal(best[name], value) for name, value in training.network.state_dict().items())
    assert {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()} == before


def test_an_early_stop_is_remembered(tmp_path):
    plan = replace(UNEVEN, patience=1)
    values = iter([1.0, 2.0])
    first = run(tmp_path, plan, validate=lambda _: next(values))
    again = run(tmp_path, plan, validate=lambda _: 0.0)
    assert (first.steps, again.steps, first.stopped_early, again.stopped_early) == (20, 20, True, True)
    assert again.best_value == 1.0


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"rate": 0.02},
            r"got a training with rate=0\.02, not 0\.01 as in the checkpoint in '.*', expected the same: ",
        ),
        (
            {"steps": 80, "ema": 0.5},
            r"steps=80, not 40; ema=0\.5, not 0\.95 .* so a longer training is another one\): ",
        ),
        ({"batch": 8}, "batch=8, not 4"),
    ],
)
def test_another_plan_is_refused(changes, text, undisturbed):
    before = tensors_of(undisturbed)
    with pytest.raises(DataError, match=text):
        run(undisturbed, replace(UNEVEN, **changes))
    assert before.keys() == tensors_of(undisturbed).keys()


def test_other_settings_are_refused_and_rhythms_of_writing_are_free(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, callback=at(3, interrupt), settings={"loss": "mse"})
    with pytest.raises(DataError, match="got a training with setting loss='l1', not 'mse' as in"):
        run(tmp_path, settings={"loss": "l1"})
    with pytest.raises(DataError, match="got a training with setting loss=None, not 'mse' as in"):
        run(tmp_path)
    done = run(tmp_path, replace(UNEVEN, check_every=5, save_every=7), settings={"loss": "mse"})
    assert done.steps == 40


def test_another_network_is_refused(tmp_path):
    plan = Plan(steps=2, batch=2, rate=0.1)
    train(line(), points, squared, plan=plan, folder=tmp_path)
    with pytest.raises(
        DataError, match=r"got no values for 0\.bias, 0\.weight, 1\.bias and \d+ more, expected the weights"
    ):
        train(denoiser(), pictures, error, plan=plan, folder=tmp_path)
    with pytest.raises(DataError, match="got other shapes for weight, expected the weights of this network"):
        train(torch.nn.Linear(5, 1), points, squared, plan=plan, folder=tmp_path)


def damage(path, how):
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "noise":
        path.write_bytes(bytes(range(256)) * 8)
    elif how == "header":
        path.write_bytes(data[:40] + b"\xff" * 40 + data[80:])
    elif how == "foreign":
        save_file({"weight": torch.zeros(1)}, path)
    else:
        tensors, facts = read_tensors(path)
        del facts["best"]
        save_file(tensors, path, metadata={"undula": json.dumps(facts)})


@pytest.mark.parametrize("how", ["cut", "empty", "noise", "header", "foreign", "incomplete"])
def test_a_damaged_checkpoint_is_refused_in_one_line(how, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, callback=at(3, interrupt))
    damage(tmp_path / CHECKPOINT, how)
    with pytest.raises(DataError, match=r"got '.*checkpoint.safetensors', which .*, expected a ") as caught:
        run(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_of_other_weights_is_refused(undisturbed, tmp_path):
    weights = (undisturbed / "weights.safetensors").read_bytes()
    (tmp_path / "weights.safetensors").write_bytes(weights)
    with pytest.raises(DataError, match=r"with weights\.safetensors and no checkpoint, expected an empty folder"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]
    assert (tmp_path / "weights.safetensors").read_bytes() == weights


def test_a_full_disk_loses_nothing(undisturbed, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal of this limit and gets the error that a full disk gives.
    full = at(11, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard)))
    try:
        with pytest.raises(DataError, match=r"got '.*', which cannot be written"):
            run(tmp_path, callback=full)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_tensors(tmp_path / CHECKPOINT)[1]["step"] == 8
    run(tmp_path)
    assert equal(tmp_path, undisturbed)
    assert lines(tmp_path) == lines(undisturbed)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_at_once(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DataError, match="which cannot be written"):
            run(tmp_path, callback=at(1, lambda: pytest.fail("it trained")))
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "model").write_text("mine")
    with pytest.raises(DataError, match=r"got the folder '.*model', which cannot be made"):
        run(tmp_path / "model")


def test_nothing_is_kept_that_is_not_finite(tmp_path):
    def spoiled(numbers):
        batch = pictures(numbers)
        batch["clean"][numbers == 9 * 4] = math.nan  # in step 10
        return batch

    with pytest.raises(ArithmeticError):
        train(denoiser(), spoiled, error, plan=UNEVEN, folder=tmp_path, callback=at(11, interrupt))
    assert read_tensors(tmp_path / CHECKPOINT)[1]["step"] == 8
    assert all(value.isfinite().all() for value in tensors_of(tmp_path).values())
