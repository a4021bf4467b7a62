"""`undula view`: from what is typed to a folder of figures."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from undula.data import OutputFolder, Shard
from undula.errors import UndulaError
from undula.jobs.view.call import view
from undula.jobs.view.command.inputs import Task, find_tasks
from undula.jobs.view.command.report import write_report
from undula.jobs.view.command.settings import Dims, Example, Settings, in_words_of_the_command
from undula.jobs.view.command.tables import summary, table_of
from undula.jobs.view.result import describe, write_view
from undula.session import PARTLY, WRONG, Options, Session
from undula.spectra.fourier import Norm
from undula.spectra.wavelets import Mode

_FOLDER = Group("Where it goes", sort_key=0)
_GIVEN = Group("What is given", sort_key=1)
_SPECTRA = Group("What is calculated", sort_key=2)
_SHOWN = 20


def view_files(
    *inputs: Annotated[str, Parameter(metavar="INPUT", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-view"),
    shard: Annotated[str | None, Parameter(group=_FOLDER, metavar="I/N")] = None,
    example: Annotated[Example | None, Parameter(group=_GIVEN)] = None,
    compare: Annotated[bool | None, Parameter(group=_GIVEN)] = None,
    dims: Annotated[Dims | None, Parameter(group=_GIVEN)] = None,
    rate: Annotated[float | None, Parameter(group=_GIVEN, metavar="HZ")] = None,
    part: Annotated[tuple[float, float] | None, Parameter(group=_GIVEN, negative="", metavar="FROM TO")] = None,
    wavelet: Annotated[str | None, Parameter(group=_SPECTRA, metavar="NAME")] = None,
    continuous: Annotated[str, Parameter(group=_SPECTRA, metavar="NAME")] = "cmor1.5-1.0",
    level: Annotated[int | None, Parameter(group=_SPECTRA)] = None,
    mode: Annotated[Mode, Parameter(group=_SPECTRA)] = "symmetric",
    scales: Annotated[int | None, Parameter(group=_SPECTRA)] = None,
    periodic: Annotated[bool, Parameter(group=_SPECTRA, negative="", show_default=False)] = False,
    norm: Annotated[Norm, Parameter(group=_SPECTRA)] = "backward",
    options: Options = Options(),  # noqa: B008
) -> int:
    """Draw the spectra of images and signals, or compare two.

    Without any INPUT a linear chirp is drawn: its scalogram and its wavelet packets. Two INPUTs of one item each are
    compared. An INPUT is a file (picture, WAV, CSV, TSV, NPY), a folder, a key inside a file or a named set; channels and
    stacks are taken apart. The folder gets a figure and the arrays of every item, `run.json`, and a page `index.html` that
    shows them. Finished items are skipped when the same command runs again.

    ```
    undula view
    undula view photo.jpg -o out
    undula view speech.wav --part 0 2.5
    undula view sharp.png blurred.png
    undula view --example rings
    undula view mnist:test:0-4
    ```

    Exit status: 0 all viewed; 1 some failed; 2 wrong call or input; 130 interrupted.

    Args:
        inputs: Files, folders, keys inside files, named sets.
        output: Folder for the results; it is made if it is not there.
        shard: Do only every n-th item, beginning with the i-th: 1/4 … 4/4 share the work of four processes.
        example: Without INPUT: chirp, or rings, a sharp and a blurred ring compared.
        compare: Whether two INPUTs are compared; they are if each holds one item.
        dims: How many axes are space: 1 for signals, 2 for images; seen from the file if not given.
        rate: Samples of a signal in a second, where the file does not say it.
        part: Seconds of a signal between which it is viewed.
        wavelet: Discrete wavelet of pyramid and packets: sym16 for signals and db4 for images if not given.
        continuous: Continuous wavelet of the scalogram.
        level: Levels of pyramid and packets: as many bands as times for signals and 3 for images if not given.
        mode: How images and signals go on beyond their ends.
        scales: Scales of the scalogram: twelve in an octave if not given.
        periodic: Take the periodic part before the Fourier transform, so that borders leave no cross.
        norm: Normalization of the Fourier transform, as in numpy.fft.
        options: Options of every command.
    """
    settings = Settings(
        dims=dims, rate=rate, part=part, wavelet=wavelet, continuous=continuous, level=level, mode=mode, scales=scales,
        periodic=periodic, norm=norm,
    )  # fmt: skip
    session = Session(options)
    part_of_all = None if shard is None else Shard.parse(shard)
    work = view_inputs(inputs, settings, output, session, example=example, compare=compare, shard=part_of_all)
    return _tell(work, session)


@dataclass(frozen=True)
class Work:
    """What one call did.

    Attributes:
        folder: Where the results are.
        records: Records of the items of this call, finished earlier or now.
        skipped: How many of them were finished earlier.
    """

    folder: OutputFolder
    records: list[dict[str, Any]]
    skipped: int


def view_inputs(
    inputs: Sequence[str],
    settings: Settings,
    output: Path,
    session: Session,
    *,
    example: Example | None = None,
    compare: bool | None = None,
    shard: Shard | None = None,
) -> Work:
    """View what is not finished yet, and describe the folder.

    Args:
        inputs: As typed.
        settings: The options.
        output: The folder.
        session: Device, bar, notes, failures.
        example: Which example, where there are no inputs.
        compare: Whether two inputs are compared.
        shard: Which part to do, or None for all.

    Returns:
        What was done.

    Raises:
        UndulaError: The call makes no sense, or nothing can be written.
    """
    began = time.time()
    found = find_tasks(inputs, settings, session, example=example, compare=compare)
    tasks = found if shard is None else shard.take(found)
    out = OutputFolder(output, arguments=settings.arguments())
    finished = {task.name for task in tasks if _finished(out, task)}
    todo = [task for task in tasks if task.name not in finished]
    with session.bar("view", len(todo)) as bar:
        for number, task in enumerate(todo):
            bar.update(number, detail=task.name)
            try:
                _view(task, settings, out, session)
            except UndulaError as error:
                reason = in_words_of_the_command(str(error))
                session.fail(task.name, reason if task.source in reason else f"{task.source}: {reason}")
    records = out.records()
    if records:
        write_report(out, records)
    out.write_run(
        {
            "inputs": list(inputs), "device": str(session.device), "started": began,
            "seconds": round(time.time() - began, 3), "skipped": len(finished), "failed": session.failures,
            "items": [record["item"] for record in records],
        },
        shard=shard,
    )  # fmt: skip
    own = {task.name for task in tasks} - set(session.failures)
    return Work(out, [record for record in records if record["item"] in own], len(finished))


def _view(task: Task, settings: Settings, out: OutputFolder, session: Session) -> None:
    began = time.perf_counter()
    loaded = task.load()
    other = None if loaded.other is None else loaded.other.to(session.device)
    result = view(
        loaded.values.to(session.device), other=other, dims=1 if loaded.values.ndim == 1 else 2, rate=loaded.rate,
        wavelet=settings.wavelet, continuous=settings.continuous, level=settings.level, mode=settings.mode,
        scales=settings.scales, periodic=settings.periodic, norm=settings.norm,
    )  # fmt: skip
    (item,) = result.items()
    files = write_view(out, task.name, item, title=loaded.title, picture=loaded.picture, names=loaded.names)
    record = {"source": task.source, "index": task.index, "stamp": task.stamp, "title": loaded.title, **describe(item)}
    out.finish(task.name, record | {"seconds": round(time.perf_counter() - began, 4)}, files)


def _finished(out: OutputFolder, task: Task) -> bool:
    record = out.finished(task.name, source=task.source)
    return record is not None and (record.get("stamp"), record.get("index")) == (task.stamp, task.index)


def _tell(work: Work, session: Session) -> int:
    """Print the table and the summary; the exit status."""
    records, failures = work.records, session.failures
    if work.skipped:
        session.note(f"{work.skipped} items were finished before and are not done again")
    if records:
        header, rows = table_of(records[:_SHOWN])
        session.table(header, rows + ([["…"] + [""] * (len(header) - 1)] if len(records) > _SHOWN else []))
        session.say(f"{summary(records, len(failures))}; see {work.folder.path('index.html')}")
    elif not failures:
        session.say("this shard has no items")
    session.answer(
        {
            "command": "view", "folder": str(work.folder.folder), "viewed": len(records),
            "total": len(records) + len(failures), "skipped": work.skipped, "failed": failures, "items": records,
        }
    )  # fmt: skip
    if failures and not records:
        return WRONG
    return PARTLY if failures else session.status
