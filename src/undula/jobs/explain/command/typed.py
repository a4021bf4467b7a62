"""`undula explain`: from what is typed to a folder of maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from cyclopts import Group, Parameter

from undula.attribution import named_layers
from undula.data import OutputFolder, Shard
from undula.errors import OptionError
from undula.jobs.explain.call import explain
from undula.jobs.explain.command.inputs import Question, find_questions
from undula.jobs.explain.command.models import Model, read_model_argument
from undula.jobs.explain.command.report import write_report
from undula.jobs.explain.command.settings import Channels, Method, Settings, Sign, in_words_of_the_command
from undula.jobs.explain.command.tables import table_of
from undula.jobs.explain.result import describe, write_explanation
from undula.session import Options, Session, item_seed
from undula.session.batch import Work, summed_up, tell, work_through

_FOLDER = Group("Where it goes", sort_key=0)
_ASKED = Group("What is asked", sort_key=1)
_GIVEN = Group("What is given", sort_key=2)


def explain_files(
    model: Annotated[str | None, Parameter(metavar="MODEL", show_default=False)] = None,
    /,
    *images: Annotated[str, Parameter(metavar="IMAGE", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-explain"),
    shard: Annotated[str | None, Parameter(group=_FOLDER, metavar="I/N")] = None,
    method: Annotated[Method | None, Parameter(group=_ASKED)] = None,
    layer: Annotated[list[str] | None, Parameter(group=_ASKED, metavar="NAME", negative="")] = None,
    target: Annotated[str | None, Parameter(group=_ASKED, metavar="TARGET")] = None,
    sign: Annotated[Sign, Parameter(group=_ASKED)] = "activation",
    keep: Annotated[tuple[float, float] | None, Parameter(group=_ASKED, negative="", metavar="LOW HIGH")] = None,
    sigma: Annotated[float | None, Parameter(group=_GIVEN, metavar="LEVEL")] = None,
    channels: Annotated[Channels | None, Parameter(group=_GIVEN)] = None,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Show what a network looks at, as maps laid over the images.

    MODEL is a folder that Undula wrote (model.safetensors, config.json), a program of torch.export (.pt2), or
    `package.module:function`, a function of yours that returns a module: it is imported and run, with the current folder
    searched first. A .pt2 file can run code too: open only what you trust. Without MODEL a small network is asked that finds
    dark lines; without IMAGE, about road surface that Undula draws. An IMAGE is a picture, an array of floats in [0, 1], a
    folder, a key inside a file or a named set. The folder gets a figure and the arrays of every image, `run.json`, and a page
    `index.html`. Finished images are skipped when the same command runs again.

    ```
    undula explain
    undula explain model photo.jpg -o out
    undula explain model photos --target octaves
    undula explain model photo.jpg --layer down.1 --method kpca --keep 0.4 0.9
    undula explain mynetworks:classifier photo.jpg --target class:3
    ```

    Exit status: 0 all explained; 1 some failed; 2 wrong call or input; 130 interrupted.

    Args:
        model: A folder, a .pt2 file, or package.module:function.
        images: Files, folders, keys inside files, named sets.
        output: Folder for the results; it is made if it is not there.
        shard: Do only every n-th image, beginning with the i-th: 1/4 … 4/4 share the work of four processes.
        method: How maps are made; eigen if not given, hirescam with a target. eigen and kpca ask no target; saliency,
            integrated and smooth map the input, the others a layer.
        layer: A layer by its name in the model, several of them averaged; one is chosen and named if not given.
        target: What the map is about: mean, norm, class:3, pixel:10,20, region:top,left,bottom,right, band:0.25-0.5 (cycles
            per pixel), or one signed map per band: octaves, packets:2.
        sign: Which end of a component is positive; raw is the published, arbitrary one.
        keep: Show only values of the map between these two, stretched, such as 0.4 0.9.
        sigma: Noise level in gray levels of 255, for models that want it; measured if the model can.
        channels: Channels that the model takes, 1 or 3; seen from the model or the image if not given.
        options: Options of every command.
    """
    settings = Settings(
        layer=tuple(layer or ()), method=method, target=target, sign=sign, sigma=sigma, keep=keep, channels=channels,
        seed=options.seed,
    )  # fmt: skip
    session = Session(options)
    part = None if shard is None else Shard.parse(shard)
    work = explain_inputs(model, images, settings, output, session, shard=part)
    for record in work.records:
        for sentence in (*record["notes"], record["advice"]):
            if sentence:
                session.note(sentence)
    return tell(
        work, session, word="explain", done={"explained": len(work.records)}, table=table_of,
        line=summed_up("explained", work.records, len(session.failures)),
    )  # fmt: skip


def explain_inputs(
    model: str | None,
    images: Sequence[str],
    settings: Settings,
    output: Path,
    session: Session,
    *,
    shard: Shard | None = None,
) -> Work:
    """Explain what is not finished yet, and describe the folder.

    Args:
        model: As typed; None for the network that needs no training.
        images: As typed; nothing for drawn road surface.
        settings: The options.
        output: The folder.
        session: Device, bar, notes, failures.
        shard: Which part to do, or None for all.

    Returns:
        What was done.

    Raises:
        UndulaError: The call makes no sense, or nothing can be written.
    """
    asked = read_model_argument(model)
    asked.network.to(session.device)
    if asked.told and settings.sigma is None:
        raise OptionError(
            f"got no --sigma for {asked.name}, which takes two inputs, expected a noise level: --sigma 25"
        )
    if settings.layer:
        named_layers(asked.network, settings.layer)  # a name that is not there ends the call, not every image
    found = find_questions(images, session, channels=settings.channels or asked.channels)
    out = OutputFolder(output, arguments={"model": asked.name, "model_stamp": asked.stamp, **settings.arguments()})
    return work_through(
        found, out, session, word="explain", inputs=[*([model] if model else []), *images],
        make=lambda question: _answer(question, asked, settings, out, session), report=write_report,
        phrase=in_words_of_the_command, shard=shard,
    )  # fmt: skip


def _answer(
    question: Question, asked: Model, settings: Settings, out: OutputFolder, session: Session
) -> tuple[dict[str, Any], list[str]]:
    measured = asked.noise is not None and settings.sigma is None
    result = explain(
        asked if measured else asked.network,
        question.load().to(session.device),
        layer=settings.layer[0] if len(settings.layer) == 1 else settings.layer or None,
        method=settings.asked,
        target=settings.target,
        sign=settings.sign,
        sigma=None if settings.sigma is None else settings.sigma / 255,
        keep=settings.keep,
        generator=torch.Generator().manual_seed(item_seed(settings.seed, question.name) % 2**63),
    )
    (item,) = result.items()
    files = write_explanation(out, question.name, item, title=question.name)
    return describe(item), files
