"""`undula denoise`: from what is typed to a folder of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from cyclopts import Group, Parameter
from torch import Tensor

from undula.data import OutputFolder, Shard, write_image
from undula.jobs.denoise.call import denoise
from undula.jobs.denoise.command.inputs import Loaded, Task, find_tasks
from undula.jobs.denoise.command.report import table_of, write_figure, write_report
from undula.jobs.denoise.command.settings import GREY_LEVELS, Settings
from undula.jobs.denoise.denoiser import Denoiser
from undula.metrics import psnr
from undula.session import Options, Session
from undula.session.batch import Work, summed_up, tell, work_through

_FOLDER = Group("Where it goes", sort_key=0)
_NOISE = Group("How it is denoised", sort_key=1)


def denoise_files(
    *inputs: Annotated[str, Parameter(metavar="INPUT", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-denoise"),
    shard: Annotated[str | None, Parameter(group=_FOLDER, metavar="I/N")] = None,
    sigma: Annotated[float | None, Parameter(group=_NOISE)] = None,
    sharpness: Annotated[float, Parameter(group=_NOISE)] = 0.0,
    model: Annotated[Path | None, Parameter(group=_NOISE, metavar="FOLDER")] = None,
    tile: Annotated[int, Parameter(group=_NOISE)] = 512,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Remove noise from pictures without blurring what stands out of it.

    Without any INPUT a picture of cracked asphalt is drawn, noise is added, and removed again. An INPUT is a picture, a folder
    or a named set. The folder gets every picture without its noise, in the bits that it had, a figure of before, after and what
    was taken away, `run.json`, and a page `index.html`. Finished pictures are skipped when the same command runs again.

    ```
    undula denoise
    undula denoise photo.png -o out
    undula denoise photo.png --sigma 25 --sharpness 0.3
    undula denoise scans/ --model my-model
    undula denoise train photos/ --sigma 25 -o my-model
    ```

    Exit status: 0 all denoised; 1 some failed; 2 wrong call or input; 130 interrupted.

    Args:
        inputs: Pictures, folders, named sets.
        output: Folder for the results; it is made if it is not there.
        shard: Do only every n-th picture, beginning with the i-th: 1/4 … 4/4 share the work of four processes.
        sigma: Standard deviation of the noise in grey levels of 255; measured in every picture if not given.
        sharpness: Turn up fine detail that the network flattened, 0 to 1; it costs fidelity, and the page says how much.
        model: Folder of a model that `undula denoise train` wrote, instead of the one that comes with Undula.
        tile: Side of the tiles that larger pictures are cut into; memory grows with its square, results do not change.
        options: Options of every command.
    """
    settings = Settings(sigma=sigma, sharpness=sharpness, model=model, tile=tile)
    session = Session(options)
    work = denoise_inputs(inputs, settings, output, session, shard=None if shard is None else Shard.parse(shard))
    return tell(
        work, session, word="denoise", done={"denoised": len(work.records)}, table=table_of,
        line=summed_up("denoised", work.records, len(session.failures)),
    )  # fmt: skip


def denoise_inputs(
    inputs: Sequence[str], settings: Settings, output: Path, session: Session, *, shard: Shard | None = None
) -> Work:
    """Denoise what is not finished yet, and describe the folder.

    Args:
        inputs: As typed.
        settings: The options.
        output: The folder.
        session: Device, bar, notes, failures.
        shard: Which part to do, or None for all.

    Returns:
        What was done.

    Raises:
        UndulaError: The call makes no sense, or nothing can be written.
    """
    model = None if settings.model is None else Denoiser.load(settings.model)
    found = find_tasks(inputs, session, seed=session.options.seed)
    out = OutputFolder(output, arguments=settings.arguments() | ({"seed": session.options.seed} if not inputs else {}))
    return work_through(
        found, out, session, word="denoise", inputs=inputs, make=lambda task: _denoise(task, settings, model, out, session),
        report=write_report, shard=shard,
    )  # fmt: skip


def _denoise(
    task: Task, settings: Settings, model: Denoiser | None, out: OutputFolder, session: Session
) -> tuple[dict[str, Any], list[str]]:
    loaded = task.load()
    result = denoise(
        loaded.noisy.to(session.device),
        sigma=settings.level,
        sharpness=settings.sharpness,
        model=model,
        tile=settings.tile,
    )
    clean = result.image.cpu().clamp(0, 1)
    files = [f"{task.name}.png", f"{task.name}-figure.png"]
    write_image(out.path(files[0]), _with_alpha(clean, loaded), bits=loaded.bits)
    record = {
        "shape": list(loaded.noisy.shape),
        "sigma": float(result.sigma[0]) * GREY_LEVELS,
        "measured": result.measured,
        "white": bool(result.white[0]),
        "advice": result.advice[0],
        **({"sharpness": settings.sharpness, "price": float(result.price[0])} if settings.sharpness else {}),
        **_scores(loaded, clean),
    }
    if record["advice"]:
        session.note(f"{task.name}: {record['advice']}")
    write_figure(out.path(files[1]), loaded.noisy, clean, record, title=task.name, original=loaded.clean)
    return record, files


def _with_alpha(clean: Tensor, loaded: Loaded) -> Tensor:
    return clean if loaded.alpha is None else torch.cat([clean, loaded.alpha])


def _scores(loaded: Loaded, clean: Tensor) -> dict[str, float]:
    if loaded.clean is None:
        return {}
    before, after = (float(psnr(one, loaded.clean, dims=3)) for one in (loaded.noisy, clean))
    return {"psnr_before": before, "psnr": after}
