"""`undula restore`: from what is typed to a folder of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from undula.data import OutputFolder, Shard
from undula.jobs.restore.call import TILE, Method
from undula.jobs.restore.command.inputs import SAMPLE_SHARE, find_tasks
from undula.jobs.restore.command.repairing import repair
from undula.jobs.restore.command.report import table_of, write_report
from undula.jobs.restore.command.settings import Format, Settings
from undula.session import Options, Session
from undula.session.batch import Work, summed_up, tell, work_through

_FOLDER = Group("Where it goes", sort_key=0)
_MISSING = Group("What is missing", sort_key=1)
_METHOD = Group("How it is filled", sort_key=2)
_EXPERIMENT = Group("An experiment on whole pictures", sort_key=3)


def restore_files(
    *inputs: Annotated[str, Parameter(metavar="INPUT", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-restore"),
    format: Annotated[Format | None, Parameter(group=_FOLDER)] = None,
    shard: Annotated[str | None, Parameter(group=_FOLDER, metavar="I/N")] = None,
    missing: Annotated[Path | None, Parameter(group=_MISSING, metavar="MASK")] = None,
    method: Annotated[Method, Parameter(group=_METHOD)] = "best",
    noise: Annotated[float | None, Parameter(group=_METHOD)] = None,
    tile: Annotated[int, Parameter(group=_METHOD)] = TILE,
    corrupt: Annotated[float | None, Parameter(group=_EXPERIMENT, metavar="SHARE")] = None,
    downsample: Annotated[int, Parameter(group=_EXPERIMENT)] = 1,
    find: Annotated[bool, Parameter(group=_EXPERIMENT, negative="", show_default=False)] = False,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Fill pixels that are missing or were replaced by black and white.

    Without any INPUT leaves are drawn, nine of ten pixels are replaced by black or white, and the picture is repaired. An INPUT
    is a picture, an array of one, a folder or a named set. The folder gets every picture repaired, in its format, what was
    missing, how far each pixel may be off, a sheet of all that, `run.json`, and a page `index.html`; of an experiment also the
    animation of gradient descent on the first picture. Finished pictures are skipped when the same command runs again.

    ```
    undula restore
    undula restore damaged.png -o out
    undula restore photo.png --missing scratches.png
    undula restore scans/ --missing masks/ --noise 10
    undula restore photo.jpg --corrupt 0.9 --downsample 4
    undula restore photo.jpg --corrupt 0.9 --find
    ```

    Exit status: 0 all restored; 1 some failed; 2 wrong call or input; 130 interrupted.

    Args:
        inputs: Pictures, arrays, folders, named sets.
        output: Folder for the results; it is made if it is not there.
        format: Format of the repaired pictures; that of the inputs if not given, but PNG for JPEG, which would change known
            pixels.
        shard: Do only every n-th picture, beginning with the i-th: 1/4 … 4/4 share the work of four processes.
        missing: A mask, white where pixels are missing, of the size of the pictures; or a folder with one for each picture, of
            the same name. If not given, exact black and white that does not fit its surroundings is found. NaN in arrays is
            missing anyway.
        method: best is a network on top of smooth; smooth the fast one for large pictures; tv the least total variation;
            descent the gradient descent that the job began with.
        noise: Standard deviation of the noise of the known pixels in grey levels of 255; they are then changed, too.
        tile: Side of the tiles that larger pictures are cut into; memory grows with its square, results do not change.
        corrupt: Replace this share (0.9) of the pixels of whole pictures by black or white first, and score the result.
        downsample: Keep only every so many pixels (4) along both sides before.
        find: Do not tell which pixels were replaced, but find them, and score that, too.
        options: Options of every command.
    """
    drawn = not inputs and missing is None and corrupt is None
    settings = Settings(
        missing=missing, method=method, noise=noise, corrupt=SAMPLE_SHARE if drawn else corrupt, downsample=downsample,
        find=find, format=format, tile=tile, seed=options.seed,
    )  # fmt: skip
    session = Session(options)
    work = restore_inputs(inputs, settings, output, session, shard=None if shard is None else Shard.parse(shard))
    return tell(
        work, session, word="restore", done={"restored": len(work.records)}, table=table_of,
        line=summed_up("restored", work.records, len(session.failures)),
    )  # fmt: skip


def restore_inputs(
    inputs: Sequence[str], settings: Settings, output: Path, session: Session, *, shard: Shard | None = None
) -> Work:
    """Restore what is not finished yet, and describe the folder.

    Args:
        inputs: As typed.
        settings: The options; without inputs they say how much is damaged.
        output: The folder.
        session: Device, bar, notes, failures.
        shard: Which part to do, or None for all.

    Returns:
        What was done.

    Raises:
        UndulaError: The call makes no sense, or nothing can be written.
    """
    found = find_tasks(inputs, settings, session)
    out = OutputFolder(output, arguments=settings.arguments())
    return work_through(
        found, out, session, word="restore", inputs=inputs, make=lambda task: repair(task, settings, out, session),
        report=write_report, shard=shard,
    )  # fmt: skip
