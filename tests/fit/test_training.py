"""The loop against torch's own words and closed forms."""

import json
import math
import signal
import sys
import threading
import types
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from small import UNEVEN, denoiser, error, error_of_others, line, pictures, points, squared
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from undula.errors import MissingExtra, OptionError, ShapeError, TrainingError
from undula.fit import Plan, learning_rate, train
from undula.fit.feed import Feed
from undula.fit.processes import Processes

STEADY = Plan(steps=30, batch=8, rate=0.05, final_rate=1.0, check_every=10)


class Pair(NamedTuple):
    first: torch.Tensor
    second: list


def weights_of(network):
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def written_out(plan, *, clip=None):
    """The training as one would write it down with torch alone: slow optimizer, torch's schedulers."""
    network = line()
    kind = torch.optim.AdamW if plan.optimizer == "adamw" else torch.optim.Adam
    optimizer = kind(
        network.parameters(), lr=plan.rate, betas=plan.betas, weight_decay=plan.weight_decay, foreach=False, fused=False
    )
    rise = LinearLR(optimizer, start_factor=1 / plan.warmup, total_iters=plan.warmup - 1)
    fall = CosineAnnealingLR(optimizer, T_max=plan.steps - plan.warmup, eta_min=plan.final_rate * plan.rate)
    schedule = SequentialLR(optimizer, [rise, fall], milestones=[plan.warmup])
    rates, norms, losses, path = [], [], [], [weights_of(network)]
    for step in range(plan.steps):
        rates.append(optimizer.param_groups[0]["lr"])
        loss = squared(network, points(torch.arange(step * plan.batch, (step + 1) * plan.batch)))
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(nn.utils.clip_grad_norm_(network.parameters(), clip or math.inf)))
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        path.append(weights_of(network))
    return rates, norms, losses, path


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "adam"}, {"clip": 0.5}, {"betas": (0.8, 0.95), "weight_decay": 0.0}],
    ids=["adamw", "adam", "clipped", "betas"],
)
def test_equals_the_loop_written_out_with_torch(changes, close):
    plan = Plan(steps=40, batch=8, rate=0.1, warmup=5, final_rate=0.1, weight_decay=0.05, check_every=1)
    plan = replace(plan, **changes)
    training = train(line(), points, squared, plan=plan)
    rates, norms, losses, path = written_out(plan, clip=plan.clip)
    for name, value in training.network.state_dict().items():
        close(value, path[-1][name], times=10)  # 40 steps of rounding, and fused arithmetic
    assert [check.loss for check in training.history] == pytest.approx(losses, rel=1e-4)
    assert [check.gradient_norm for check in training.history] == pytest.approx(norms, rel=1e-3)
    assert [check.rate for check in training.history] == pytest.approx(rates, rel=1e-12)
    assert (training.steps, training.best_step, training.best_value) == (40, 40, None)


def test_rate_is_steady_with_a_share_of_one_and_rises_to_the_end_without_room_to_fall():
    assert {learning_rate(STEADY, step) for step in range(30)} == {0.05}
    plan = Plan(steps=4, batch=1, rate=1.0, warmup=4)
    assert [learning_rate(plan, step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


def test_average_is_the_weighted_sum_of_all_weights(close):
    path = []
    network = line()
    start = weights_of(network)
    plan = replace(STEADY, ema=0.8)
    training = train(network, points, squared, plan=plan, callback=lambda *_: path.append(weights_of(network)))
    keeps = [min(0.8, (1 + step) / (10 + step)) for step in range(30)]
    for name, value in training.network.state_dict().items():
        total = math.prod(keeps) * start[name].double()
        for step, weights in enumerate(path):
            total += (1 - keeps[step]) * math.prod(keeps[step + 1 :]) * weights[name].double()
        close(value, total)


def test_complex_weights_learn(close):
    """A phase that is a complex weight: the mean squared error's minimum is known."""
    network = nn.ParameterList([nn.Parameter(torch.ones(1, dtype=torch.complex64))])

    def turned(network, x):
        return (network[0] * x - 1j * x).abs().square().mean()

    train(network, lambda numbers: (numbers + 1).float() / 800, turned, plan=Plan(steps=400, batch=2, rate=0.05))
    close(network[0], torch.tensor([1j]), times=1000)  # Adam comes to rest at a share of its rate


def test_losses_of_a_look_are_means_over_its_steps():
    every = train(line(), points, squared, plan=replace(STEADY, check_every=1)).history
    some = train(line(), points, squared, plan=replace(STEADY, check_every=7)).history
    assert [check.step for check in some] == [7, 14, 21, 28, 30]
    windows = [range(0, 7), range(7, 14), range(14, 21), range(21, 28), range(28, 30)]
    for check, window in zip(some, windows, strict=True):
        assert check.loss == pytest.approx(sum(every[step].loss for step in window) / len(window), rel=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_what_single_does(precision):
    single = train(line(), points, squared, plan=replace(STEADY, steps=150))
    half = train(line(), points, squared, plan=replace(STEADY, steps=150, precision=precision))
    assert half.network.weight.dtype == torch.float32
    for one, other in zip(single.network.parameters(), half.network.parameters(), strict=True):
        assert torch.allclose(one, other, atol=0.05)  # of weights up to 3; bfloat16 keeps 8 bits
    assert not same(single.network.state_dict(), half.network.state_dict())


def test_float16_skips_a_step_that_overflows():
    def steep(network, batch):
        return squared(network, batch) * 10.0  # times the scale of 65536 it leaves float16 at first

    training = train(line(), points, steep, plan=replace(STEADY, precision="float16", check_every=1))
    assert training.history[0].loss > 0
    assert training.history[-1].gradient_norm is not None


def test_early_stop_after_validations_that_do_not_improve():
    values = iter([3.0, 2.0, 2.5, 2.0, 1.0])
    seen = []

    def validate(network):
        assert not network.training
        seen.append(weights_of(network))
        return next(values)

    plan = replace(STEADY, steps=100, validate_every=10, patience=2)
    training = train(line(), points, squared, plan=plan, validate=validate)
    assert (training.steps, training.stopped_early) == (40, True)
    assert (training.best_value, training.best_step) == (2.0, 20)
    assert same(weights_of(training.network), seen[1])
    assert [check.validation for check in training.history] == [3.0, 2.0, 2.5, 2.0]
    shorter = train(line(), points, squared, plan=replace(STEADY, steps=20))
    assert same(weights_of(shorter.network), seen[1])


def test_validation_sees_the_averages_and_may_name_parts():
    seen = []

    def validate(network):
        seen.append(weights_of(network))
        return torch.tensor(1.0), {"psnr": 30.0}

    plan = replace(STEADY, ema=0.9, validate_every=10)
    training = train(line(), points, squared, plan=plan, validate=validate)
    ten = train(line(), points, squared, plan=replace(plan, steps=10))
    assert same(seen[0], weights_of(ten.network))
    assert training.best_step == 10  # the first of equals
    assert training.history[0].validation_parts == {"psnr": 30.0}


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_nan_names_its_step_and_leaves_the_last_good_weights(ema, tmp_path):
    def spoiled(numbers):
        x, y = points(numbers)
        return x, torch.where((numbers == 22 * 8 + 3)[:, None], math.nan, y)  # an example of the 23rd step

    network = line()
    plan = replace(STEADY, ema=ema, save_every=15)
    with pytest.raises(TrainingError, match=r"got the loss nan at step 23, .* holds the weights of step 20$") as caught:
        train(network, spoiled, squared, plan=plan, folder=tmp_path)
    assert caught.value.step == 23
    good = weights_of(train(line(), points, squared, plan=replace(plan, steps=20)).network)
    assert same(weights_of(network), good)
    from safetensors.torch import load_file

    assert same(load_file(tmp_path / "weights.safetensors"), good)
    assert [json.loads(row)["step"] for row in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [10, 15, 20]


def test_infinite_gradient_of_a_finite_loss_is_found():
    def cusp(network, batch):
        loss = squared(network, batch)
        return loss + (network.bias - network.bias.detach()).abs().sqrt().sum()  # 0, with slope 1/0

    with pytest.raises(TrainingError, match=r"got the gradient norm (nan|inf) at step 1, "):
        train(line(), points, cusp, plan=STEADY)


def test_validation_that_is_not_finite_is_refused():
    with pytest.raises(TrainingError, match="got the validation nan at step 30, expected a finite number"):
        train(line(), points, squared, plan=STEADY, validate=lambda _: math.nan)


def test_every_example_is_asked_for_once_and_in_order():
    asked = []

    def noted(numbers):
        asked.extend(numbers.tolist())
        return points(numbers)

    train(line(), noted, squared, plan=STEADY)
    assert asked == list(range(30 * 8))


def test_errors_of_the_examples_arrive():
    def broken(numbers):
        if numbers[0] >= 80:
            raise OSError("disk gone")
        return points(numbers)

    with pytest.raises(OSError, match="disk gone"):
        train(line(), broken, squared, plan=STEADY)


def test_nothing_is_read_from_the_device_between_looks(monkeypatch):
    reads = []
    for name in ("item", "tolist", "__float__", "__bool__", "__int__", "cpu", "numpy"):
        real = getattr(torch.Tensor, name)

        def counted(self, *args, _real=real, _name=name):
            if threading.current_thread() is threading.main_thread():
                reads.append(_name)
            return _real(self, *args)

        monkeypatch.setattr(torch.Tensor, name, counted)
    counts = {}
    plan = replace(UNEVEN, precision="float16", check_every=20, validate_every=40, save_every=40)
    train(denoiser(), pictures, error, plan=plan, callback=lambda step, _: counts.update({step: len(reads)}))
    assert counts[19] == counts[1] and counts[20] > counts[19] and counts[39] == counts[20]


@pytest.mark.parametrize(
    ("objective", "kind", "text"),
    [
        (
            lambda n, b: (n(b[0]) - b[1]).square(),
            ShapeError,
            r"got a loss of shape \(8, 1\), expected a tensor with one",
        ),
        (lambda n, b: 1.0, ShapeError, "got a loss of float, expected a tensor with one number"),
        (lambda n, b: (squared(n, b), {"a": b[0]}), ShapeError, r"got a part 'a' of the loss of shape \(8, 3\)"),
        (lambda n, b: squared(n, b).detach(), OptionError, "got a loss without a gradient, expected one that depends"),
    ],
    ids=["vector", "number", "part", "detached"],
)
def test_a_loss_that_cannot_be_is_refused(objective, kind, text):
    with pytest.raises(kind, match=text):
        train(line(), points, objective, plan=STEADY)


def test_parts_keep_their_names():
    count = iter(range(100))

    def fickle(network, batch):
        loss = squared(network, batch)
        return loss, {f"part {next(count) // 5}": loss.detach()}

    with pytest.raises(OptionError, match="got the parts part 1 of the loss, expected part 0 as before"):
        train(line(), points, fickle, plan=STEADY)


def test_a_frozen_network_is_refused():
    with pytest.raises(OptionError, match="got a network without weights that require a gradient"):
        train(line().requires_grad_(False), points, squared, plan=STEADY, device="cpu")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steps": 0}, "got steps=0, expected at least 1"),
        ({"rate": 0.0}, "got rate=0.0, expected a positive number"),
        ({"rate": math.nan}, "got rate=nan, expected a positive number"),
        ({"warmup": 31}, "got warmup=31, expected 0 to 30 steps"),
        ({"final_rate": 2.0}, "got final_rate=2.0, expected a share"),
        ({"betas": (0.9, 1.0)}, r"got betas=\(0.9, 1.0\), expected two numbers"),
        ({"ema": 1.0}, r"got ema=1.0, expected a number in \[0, 1\)"),
        ({"patience": 0}, "got patience=0, expected at least 1, or None"),
        ({"clip": -1.0}, "got clip=-1.0, expected 0 or more"),
    ],
)
def test_a_plan_without_meaning_is_refused(changes, text):
    with pytest.raises(OptionError, match=text):
        replace(STEADY, **changes)


def test_a_word_that_does_not_exist_is_refused(unchecked):
    with pytest.raises(OptionError, match="got precision='half', expected one of float32, bfloat16, float16"):
        unchecked("undula.fit.plan").Plan(steps=1, batch=1, rate=1.0, precision="half")


def test_hosts_modes_and_random_numbers_are_left_alone():
    network = denoiser()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with torch.no_grad():
        one = train(network, pictures, error, plan=UNEVEN)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(6)
    assert same(weights_of(one.network), weights_of(train(denoiser(), pictures, error, plan=UNEVEN).network))
    other = train(denoiser(), pictures, error, plan=replace(UNEVEN, seed=1))
    assert not same(weights_of(one.network), weights_of(other.network))  # another dropout


def test_frozen_weights_stay_and_tied_ones_stay_tied(tmp_path):
    before = denoiser()
    training = train(denoiser(), pictures, error, plan=UNEVEN, folder=tmp_path, validate=error_of_others)
    after = training.network
    assert torch.equal(after[5].weight, before[5].weight) and not torch.equal(after[0].weight, before[0].weight)
    assert after[3] is after[7] and not after.training
    assert all(value.grad is None for value in after.parameters())
    assert error_of_others(after) == training.best_value < error_of_others(before.eval())


@pytest.mark.parametrize("wrap", [lambda n: torch.compile(n, backend="eager"), nn.DataParallel], ids=["compiled", "dp"])
def test_names_in_files_have_no_prefix(wrap, tmp_path):
    from safetensors.torch import load_file

    plain = train(line(), points, squared, plan=replace(STEADY, ema=0.9))
    wrapped = train(wrap(line()), points, squared, plan=replace(STEADY, ema=0.9), folder=tmp_path)
    assert same(load_file(tmp_path / "weights.safetensors"), weights_of(plain.network))
    assert type(wrapped.network) is type(wrap(line()))
    # and what one of them began the other can go on with
    again = train(line(), points, squared, plan=replace(STEADY, ema=0.9), folder=tmp_path)
    assert same(weights_of(again.network), weights_of(plain.network))


def test_callback_hears_every_step():
    heard = []
    training = train(line(), points, squared, plan=STEADY, callback=lambda step, state: heard.append((step, state)))
    assert [step for step, _ in heard] == list(range(1, 31))
    assert heard[0][1].loss is None and heard[0][1].check is None
    assert heard[9][1].check == training.history[0] and heard[14][1].loss == training.history[0].loss
    assert heard[-1][1].seconds_left == 0 and heard[0][1].seconds_left > 0
    assert heard[4][1].examples_per_second > 0 and heard[4][1].rate == 0.05


def test_metrics_are_lines_of_json(tmp_path):
    training = train(denoiser(), pictures, error, plan=UNEVEN, folder=tmp_path, validate=error_of_others)
    lines = [json.loads(text) for text in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [6, 8, 10, 12, 16, 18, 20, 24, 30, 32, 36, 40]
    assert [line["loss"] for line in lines] == [check.loss for check in training.history]
    assert lines[2]["validation"] == training.history[2].validation is not None
    assert lines[0].keys() == {
        "step",
        "loss",
        "parts",
        "rate",
        "gradient_norm",
        "seconds",
        "examples_per_second",
        "validation",
        "validation_parts",
    }
    assert lines[0]["parts"].keys() == {"absolute"}


def test_tensorboard_gets_the_curves_where_it_is_installed(tmp_path, monkeypatch):
    made = []

    class Writer:
        def __init__(self, folder, purge_step):
            self.folder, self.purge_step, self.scalars, self.closed = folder, purge_step, [], False
            made.append(self)

        def add_scalar(self, name, value, step):
            self.scalars.append((name, value, step))

        def close(self):
            self.closed = True

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    training = train(denoiser(), pictures, error, plan=UNEVEN, folder=tmp_path, validate=error_of_others)
    (writer,) = made
    assert (writer.folder, writer.purge_step, writer.closed) == (tmp_path / "tensorboard", 1, True)
    assert [value for name, value, _ in writer.scalars if name == "loss"] == [check.loss for check in training.history]
    assert [step for name, _, step in writer.scalars if name == "validation"] == [10, 20, 30, 40]
    assert {name for name, _, _ in writer.scalars} >= {"rate", "gradient norm", "loss/absolute", "examples per second"}


def test_without_tensorboard_nothing_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    train(line(), points, squared, plan=STEADY, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint.safetensors",
        "metrics.jsonl",
        "weights.safetensors",
    ]


def test_several_processes_need_accelerate(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtra, match=r"got no package 'accelerate', .* pip install 'undula\[scale\]'"):
        train(line(), points, squared, plan=STEADY)


def test_in_a_thread_there_are_no_signals_to_hold():
    done, before = [], signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: done.append(train(line(), points, squared, plan=STEADY)))
    thread.start()
    thread.join()
    assert done[0].steps == 30
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("ahead", [False, True])
def test_batches_keep_their_order_with_and_without_a_thread(ahead):
    made = []

    def noted(numbers):
        made.append((numbers.tolist(), threading.current_thread() is threading.main_thread(), torch.is_grad_enabled()))
        return Pair(numbers, [{"a": numbers + 1, "name": "x"}])

    here = Processes(torch.device("cpu"), rank=1, count=3)
    with Feed(noted, batch=2, steps=4, processes=here, ahead=ahead) as feed:
        batches = [feed.take(step) for step in range(4)]
    assert [numbers for numbers, *_ in made] == [[2, 3], [8, 9], [14, 15], [20, 21]]
    assert [main for _, main, _ in made] == [True] + [not ahead] * 3
    assert not any(gradient for *_, gradient in made)
    assert type(batches[0]) is Pair and batches[1].first.tolist() == [8, 9]
    assert batches[1].second[0]["a"].tolist() == [9, 10] and batches[1].second[0]["name"] == "x"


def test_an_error_in_the_thread_comes_when_its_batch_is_due():
    def broken(numbers):
        if numbers[0] >= 4:
            raise OSError("disk gone")
        return numbers

    with Feed(broken, batch=2, steps=9, processes=Processes(torch.device("cpu")), ahead=True) as feed:
        feed.take(0), feed.take(1)
        with pytest.raises(OSError, match="disk gone"):
            feed.take(2)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("examples")]
