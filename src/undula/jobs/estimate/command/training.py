"""`undula estimate train`: an autoencoder for signals of your own kind."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from undula.data import OutputFolder
from undula.fit import Progress
from undula.jobs.estimate.autoencoder.curves import draw_training
from undula.jobs.estimate.autoencoder.model import DampedAutoencoder
from undula.jobs.estimate.autoencoder.prior import Kind, Prior
from undula.jobs.estimate.autoencoder.training import Decoder, Recipe
from undula.session import Bar, Options, Session
from undula.show import save_picture

_FOLDER = Group("Where it goes", sort_key=0)
_LEARNT = Group("What signals are like", sort_key=1)
_HOW = Group("How it is learned", sort_key=2)


def train_autoencoder(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-estimate-model"),
    components: Annotated[int, Parameter(group=_LEARNT)] = 1,
    prior: Annotated[Kind, Parameter(group=_LEARNT)] = "uniform",
    snr: Annotated[tuple[float, float], Parameter(group=_LEARNT, negative="", metavar="LOW HIGH")] = (0.0, 30.0),
    samples: Annotated[int, Parameter(group=_LEARNT)] = 128,
    frequency: Annotated[tuple[float, float], Parameter(group=_LEARNT, negative="", metavar="LOW HIGH")] = (0.05, 0.45),
    decay_time: Annotated[tuple[float, float], Parameter(group=_LEARNT, negative="", metavar="LOW HIGH")] = (
        10.0,
        60.0,
    ),
    amplitude: Annotated[tuple[float, float], Parameter(group=_LEARNT, negative="", metavar="LOW HIGH")] = (0.5, 1.0),
    decoder: Annotated[Decoder, Parameter(group=_HOW)] = "physics",
    dropout: Annotated[float, Parameter(group=_HOW)] = 0.0,
    steps: Annotated[int, Parameter(group=_HOW)] = 8000,
    batch: Annotated[int, Parameter(group=_HOW)] = 512,
    rate: Annotated[float, Parameter(group=_HOW)] = 2e-3,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Train an autoencoder that tells frequency, decay time, amplitude and phase at a glance.

    Signals are drawn as they are needed, no two alike. The output folder becomes the model that `undula estimate --method
    autoencoder --weights` takes: `model.safetensors`, `config.json`, beside them checkpoints, `training.png` with the loss and
    the errors, and `run.json`. The same command goes on where an earlier one was stopped, on one CPU bit for bit. Lengths are
    in samples, frequencies in cycles per sample: the model serves every sampling rate.

    ```
    undula estimate train -o my-model --components 2
    undula estimate train -o my-model --components 2 --prior gaussian --snr 10 30 --steps 20000
    undula estimate train -o short --samples 64 --decay-time 5 30
    undula estimate signals.npy --components 2 --method autoencoder --weights my-model
    ```

    Exit status: 0 trained; 2 wrong call, or the loss became NaN; 130 interrupted.

    Args:
        output: Folder of the model; it is made if it is not there.
        components: How many damped waves a signal has, 1 to 5.
        prior: uniform, anything within the ranges; gaussian, near their middles, each component in its own part of the
            frequencies.
        snr: Lowest and highest mean power of the waves over the variance of the noise, in decibels.
        samples: Samples of a signal.
        frequency: Lowest and highest frequency in cycles per sample.
        decay_time: Shortest and longest decay time in samples.
        amplitude: Smallest and largest amplitude; their ratio counts.
        decoder: physics, the sum of damped waves; or network, which learns waveforms from parameters.
        dropout: Share of hidden values that training leaves out.
        steps: Steps of the optimizer.
        batch: Signals in a step.
        rate: Highest learning rate.
        options: Options of every command.
    """
    session = Session(options)
    wanted = Prior(
        kind=prior, components=components, samples=samples, frequency=frequency, decay_time=decay_time,
        amplitude=amplitude, snr=snr,
    )  # fmt: skip
    recipe = Recipe(decoder=decoder, dropout=dropout, steps=steps, batch=batch, rate=rate, seed=options.seed)
    out = OutputFolder(output, arguments={"prior": wanted.facts(), "recipe": asdict(recipe)})
    with session.bar("train", steps) as bar:
        made = DampedAutoencoder().fit(
            prior=wanted, folder=output, device=session.device, callback=_follow(bar), **asdict(recipe)
        )
    if int(os.environ.get("RANK", "0")):
        return session.status
    made.save(output)
    save_picture(out.path("training.png"), draw_training(made))
    out.write_run({"loss": made.facts["loss"], "validation": made.facts["validation"], "seed": options.seed})
    header, rows = _told(made.facts["validation"])
    session.table(header, rows, title="Signals of the prior that it has not seen")
    session.say(f"trained {steps} steps: undula estimate SIGNAL --method autoencoder --weights {output}")
    session.answer({"command": "estimate train", "folder": str(output), **made.facts})
    return session.status


def _told(validation: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    header = ["SNR, dB", "outliers alone", "after the polish", "match", "frequency, bins"]
    rows = [
        [
            f"{record['snr']:g}",
            f"{record['outliers']:.1%}",
            f"{record['outliers_polished']:.1%}",
            f"{record['match']:.3f}",
            f"{record['frequency']:.3f}",
        ]
        for record in validation
    ]
    return header, rows


def _follow(bar: Bar) -> Callable[[int, Progress], object]:
    """Show loss, rate and pace on the bar."""

    def follow(step: int, progress: Progress) -> None:
        loss = "" if progress.loss is None else f"loss {progress.loss:.4f}, "
        bar.update(step, detail=f"{loss}rate {progress.rate:.1e}, {progress.examples_per_second:.0f} signals/s")

    return follow
