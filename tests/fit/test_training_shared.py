"""Two processes on the CPU are one with the doubled batch."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import SHARED, error, pictures, plain_denoiser

from undula.errors import DataError, OptionError
from undula.fit import read_tensors, train
from undula.fit.processes import Processes, join_processes

pytest.importorskip("accelerate")


def validation(network):
    loss, parts = error(network, pictures(torch.arange(10_000, 10_016)))
    return loss.item(), {"absolute": parts["absolute"].item()}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Folders that two processes filled, and what each of them told."""
    folder = tmp_path_factory.mktemp("two")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launcher, Path(__file__).with_name("two.py"), folder],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, [json.loads((folder / f"told-{rank}.json").read_text()) for rank in range(2)]


@pytest.fixture(scope="module")
def one():
    return train(plain_denoiser(), pictures, error, plan=SHARED, validate=validation)


def test_the_loss_curve_is_that_of_one_process_with_the_doubled_batch(two, one):
    lines = [json.loads(text) for text in (two[0] / "curve" / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == 50 == len(one.history)
    for line, check in zip(lines, one.history, strict=True):
        assert line["loss"] == pytest.approx(check.loss, rel=1e-4)
        assert line["parts"]["absolute"] == pytest.approx(check.parts["absolute"], rel=1e-4)
        assert line["gradient_norm"] == pytest.approx(check.gradient_norm, rel=1e-3)
        assert (line["validation"] is None) == (check.validation is None) == (check.step % 10 > 0)
        assert line["validation"] == (check.validation and pytest.approx(check.validation, rel=1e-4))
        assert line["validation_parts"] == pytest.approx(check.validation_parts, rel=1e-4)
    assert lines[-1]["loss"] < 0.5 * lines[0]["loss"]
    weights, _ = read_tensors(two[0] / "curve" / "best.safetensors")
    for name, value in one.network.state_dict().items():
        assert torch.allclose(weights[name], value, rtol=1e-3, atol=1e-4)


def test_both_end_with_the_same_weights_and_one_tells(two):
    first, second = (told["curve"].split() for told in two[1])
    assert first[:2] == second[:2]
    assert (first[2], second[2]) == ("50", "0")  # callbacks


def test_nan_in_one_process_ends_both(two):
    assert [told["spoiled"] for told in two[1]] == ["11", "11"]


def test_a_signal_to_one_process_ends_both_at_the_next_look(two, one):
    assert [told["interrupted"] for told in two[1]] == ["143 after 12", "143 after 12"]
    folder = two[0] / "interrupted"
    assert read_tensors(folder / "checkpoint.safetensors")[1]["step"] == 12
    # One process goes on with what two began, for the examples of a step are as many.
    training = train(plain_denoiser(), pictures, error, plan=replace(SHARED, check_every=4), folder=folder)
    whole = train(plain_denoiser(), pictures, error, plan=replace(SHARED, check_every=4))
    losses = [check.loss for check in whole.history]
    assert [check.loss for check in training.history] == pytest.approx(losses, rel=1e-4)


def test_processes_that_read_different_checkpoints_do_not_begin():
    class Elsewhere(Processes):
        def mean(self, values):
            return values / 2  # the other one stands at 0

    with pytest.raises(DataError, match="got a checkpoint of step 100 in process 0 and another one elsewhere"):
        Elsewhere(torch.device("cpu"), count=2).agree_on(100)


def test_accelerate_set_up_for_something_else_is_refused(monkeypatch):
    import accelerate
    from accelerate.utils import DistributedType

    class Other:
        distributed_type = DistributedType.FSDP

        def __init__(self, **_):
            pass

    monkeypatch.setattr(accelerate, "Accelerator", Other)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="got accelerate set up for FSDP, expected copies of the network"):
        join_processes(torch.device("cpu"))
