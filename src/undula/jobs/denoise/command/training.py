"""`undula denoise train`: from a folder of pictures to the folder of a model."""

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from undula.data import find_pictures
from undula.errors import OptionError
from undula.fit import Progress
from undula.jobs.denoise.command.settings import GREY_LEVELS
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.denoise.training import NetworkWord, Recipe
from undula.session import Bar, Options, Session

_FOLDER = Group("Where it goes", sort_key=0)
_LEARNT = Group("What is learned", sort_key=1)
_HOW = Group("How it is learned", sort_key=2)


def train_model(
    *inputs: Annotated[str, Parameter(metavar="FOLDER", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-denoise-model"),
    sigma: Annotated[
        list[float] | None, Parameter(group=_LEARNT, negative="", metavar="LEVEL [LEVEL]", consume_multiple=True)
    ] = None,
    loss: Annotated[str, Parameter(group=_LEARNT)] = "charbonnier",
    network: Annotated[NetworkWord, Parameter(group=_LEARNT)] = "unet",
    channels: Annotated[Literal[1, 3] | None, Parameter(group=_LEARNT)] = None,
    steps: Annotated[int, Parameter(group=_HOW)] = 20_000,
    batch: Annotated[int, Parameter(group=_HOW)] = 8,
    size: Annotated[int, Parameter(group=_HOW)] = 96,
    rate: Annotated[float, Parameter(group=_HOW)] = 1e-3,
    precision: Annotated[Literal["float32", "bfloat16", "float16"], Parameter(group=_HOW)] = "bfloat16",
    options: Options = Options(),  # noqa: B008
) -> int:
    """Train a denoiser on pictures of yours.

    A FOLDER holds clean pictures, to which noise is added, or pairs named `*_raw` and `*_noised`. The output folder becomes
    the model that `undula denoise --model` takes: `model.safetensors`, `config.json`, and beside them the checkpoints and
    the curve `metrics.jsonl`. The same command goes on where an earlier one was stopped, on one CPU bit for bit. Under
    `torchrun` or `accelerate launch` several processes share the work.

    ```
    undula denoise train photos/ -o my-model
    undula denoise train photos/ --sigma 25 --loss 0.8*mse+0.2*fourier -o sharper
    undula denoise train pairs/ --network vit-unet -o hybrid
    ```

    Exit status: 0 trained; 2 wrong call or input, or the loss became NaN; 130 interrupted.

    Args:
        inputs: Folders, named sets, files.
        output: Folder of the model; it is made if it is not there.
        sigma: Standard deviation of the noise in grey levels of 255, or the lowest and the highest; 5 55 if not given.
        loss: What the network is judged by: weights and words, joined by +; mse, l1, charbonnier, fourier, wavelet, bands, ….
        network: unet, or vit-unet with a vision transformer beside it.
        channels: 1 for grey, 3 for color; what the pictures are if not given.
        steps: Steps of the optimizer.
        batch: Crops in a step, of every process.
        size: Side of the crops.
        rate: Highest learning rate.
        precision: Precision of the network's arithmetic.
        options: Options of every command.
    """
    if not inputs:
        raise OptionError("got no FOLDER, expected one with pictures to learn from: undula denoise train photos/")
    session = Session(options)
    low, high = _levels(sigma)
    recipe = Recipe(
        noise=(low / GREY_LEVELS, high / GREY_LEVELS), loss=loss, network=network, steps=steps, batch=batch, size=size,
        rate=rate, precision=precision, seed=options.seed,
    )  # fmt: skip
    with session.bar("read", 1) as bar:
        pictures = find_pictures(inputs, channels=channels, callback=lambda done, total: bar.update(done / total))
    for name, why in pictures.failed.items():
        session.fail(name, why)
    with session.bar("train", steps) as bar:
        denoiser = Denoiser().fit(
            pictures, folder=output, device=session.device, callback=_follow(bar), **asdict(recipe)
        )
    if int(os.environ.get("RANK", "0")):
        return session.status
    denoiser.save(output)
    facts = denoiser.facts
    reached = f", {facts['psnr']:.2f} dB on pictures held out" if "psnr" in facts else ""
    session.say(f"trained on {len(pictures.clean)} pictures{reached}: undula denoise PICTURE --model {output}")
    session.answer({"command": "denoise train", "folder": str(output), "failed": session.failures, **facts})
    return session.status


def _levels(sigma: list[float] | None) -> tuple[float, float]:
    """Lowest and highest noise level in grey levels."""
    levels = sigma or [5.0, 55.0]
    if len(levels) > 2 or levels != sorted(levels) or not 0 <= levels[0] <= levels[-1] <= GREY_LEVELS or not levels[-1]:
        raise OptionError(
            f"got --sigma {' '.join(f'{level:g}' for level in levels)}, expected one noise level in grey levels of 255, or the "
            "lowest and the highest: --sigma 25, or --sigma 5 55"
        )
    return levels[0], levels[-1]


def _follow(bar: Bar) -> Callable[[int, Progress], object]:
    """Show loss, rate and pace on the bar."""

    def follow(step: int, progress: Progress) -> None:
        loss = "" if progress.loss is None else f"loss {progress.loss:.5f}, "
        bar.update(step, detail=f"{loss}rate {progress.rate:.1e}, {progress.examples_per_second:.0f} crops/s")

    return follow
