"""The one training loop."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from undula.errors import OptionError, TrainingError
from undula.fit.between import Between
from undula.fit.feed import Feed
from undula.fit.folder import RunFolder
from undula.fit.interruption import Interruption
from undula.fit.plan import Plan
from undula.fit.processes import join_processes
from undula.fit.records import Progress
from undula.fit.result import Training
from undula.fit.run import Run
from undula.fit.step import Objective, take_step


def train(
    network: nn.Module,
    examples: Callable[[Tensor], Any],
    objective: Objective,
    *,
    plan: Plan,
    folder: str | Path | None = None,
    validate: Callable[[nn.Module], Any] | None = None,
    callback: Callable[[int, Progress], object] | None = None,
    device: torch.device | str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Training:
    """Train a network, in one process or, under torchrun or `accelerate launch`, in several.

    A run in a folder may be ended at any moment, by SIGKILL too, and the same call takes it up again. On the CPU, in
    one process, with as many threads, it then ends with the same weights bit for bit. Nothing is kept that a step
    cannot make anew from its number: examples are numbered, and dropout is seeded in every step.

    Args:
        network: Any module; what requires a gradient is trained. A part that must stay in evaluation mode overrides
            `train`.
        examples: Maps numbers (b,) of examples to a batch: a tensor, or tensors in tuples, lists and dictionaries.
            Step k of n processes takes the numbers k·n·b … (k + 1)·n·b - 1, from 0; the batch must depend on the numbers
            alone (`undula.data.normal` and `uniform` draw noise and crops from them). Beside a GPU it runs in a
            thread, one step ahead.
        objective: Maps network and batch to the loss, one number, the mean over the batch; or to that and a dictionary
            of further numbers to be recorded. It calls the network as a function.
        plan: How long, how fast, how carefully.
        folder: Where to keep checkpoint, weights and metrics. A run that the folder holds is taken up again.
        validate: Maps the network, with the averaged weights and in evaluation mode, to a value, smaller is better; or
            to that and a dictionary. Of several processes the mean counts, so each may take its share.
        callback: Called as `callback(step, progress)` after every step, in the first process only.
        device: Where to train; None stays where the network is.
        settings: What else decides the result, such as the name of the loss, in plain values: a checkpoint with other
            settings is refused.

    Returns:
        The network with its best weights, and how it came to them.

    Raises:
        TrainingError: A loss is NaN or infinite. Network and folder hold the weights of the last good look.
        DataError: The folder holds another run, is damaged, or cannot be written; what was written before stays.
        OptionError: The network has nothing to learn, or the loss does not depend on it.
        ShapeError: The loss is not one number.
        MissingExtra: Several processes, and Accelerate is not installed.
        KeyboardInterrupt: Ctrl-C. The step is finished (several processes go on to the next look) and a checkpoint
            written first; a second Ctrl-C in one process ends at once, and the last checkpoint stays.
        SystemExit: SIGTERM, as Slurm and torchrun send it, in the same way; status 143.

    Example:
        >>> line = nn.Linear(1, 1)
        >>> def threefold(network, x):
        ...     return (network(x) - 3 * x).square().mean()
        >>> plan = Plan(steps=300, batch=8, rate=0.3)
        >>> training = train(line, lambda numbers: (numbers[:, None] % 5) / 4, threefold, plan=plan)
        >>> training.history[-1].loss < 1e-4
        True
    """
    here = _device_of(network)
    processes = join_processes(here if device is None else torch.device(device))
    with _own_modes(processes.device), Interruption(together=processes.count > 1) as interruption:
        run = Run(network, plan=plan, processes=processes)
        kept = None if folder is None else RunFolder(folder, run=run, settings=settings or {})
        looks = Between(run, folder=kept, validate=validate, callback=callback, interruption=interruption)
        network.train()
        ahead = processes.device.type != "cpu"
        with looks, Feed(examples, batch=plan.batch, steps=plan.steps, processes=processes, ahead=ahead) as feed:
            try:
                while not run.finished:
                    take_step(run, feed.take(run.step), objective)
                    looks.after_step()
            except TrainingError:
                looks.give_up()
                raise
        processes.wait()  # the files are there, whoever looks for them
        best = run.best if run.best.weights else None
        return Training(
            network=run.hand_out(best.weights if best else run.present()),
            steps=run.step,
            history=tuple(looks.history),
            best_value=best.value if best else None,
            best_step=best.step if best else run.step,
            stopped_early=run.stopped and run.step < plan.steps,
            folder=None if kept is None else kept.path,
            seconds=looks.watch.seconds(),
        )


def _device_of(network: nn.Module) -> torch.device:
    for value in network.parameters():
        if value.requires_grad:
            return value.device
    raise OptionError("got a network without weights that require a gradient, expected something to learn: unfreeze it")


@contextmanager
def _own_modes(device: torch.device) -> Iterator[None]:
    """Gradients whatever the host forbids, and the host's random numbers as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices):
        yield
