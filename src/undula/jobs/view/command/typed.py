"""`undula view`: from what is typed to a folder of figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from undula.data import OutputFolder, Shard
from undula.jobs.view.call import view
from undula.jobs.view.command.inputs import Task, find_tasks
from undula.jobs.view.command.report import write_report
from undula.jobs.view.command.settings import Dims, Example, Settings, in_words_of_the_command
from undula.jobs.view.command.tables import table_of
from undula.jobs.view.result import describe, write_view
from undula.session import Options, Session
from undula.session.batch import Work, summed_up, tell, work_through
from undula.spectra.fourier import Norm
from undula.spectra.wavelets import Mode

_FOLDER = Group("Where it goes", sort_key=0)
_GIVEN = Group("What is given", sort_key=1)
_SPECTRA = Group("What is calculated", sort_key=2)


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
    return tell(
        work, session, word="view", done={"viewed": len(work.records)}, table=table_of,
        line=summed_up("viewed", work.records, len(session.failures)),
    )  # fmt: skip


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
    found = find_tasks(inputs, settings, session, example=example, compare=compare)
    out = OutputFolder(output, arguments=settings.arguments())
    return work_through(
        found, out, session, word="view", inputs=inputs, make=lambda task: _view(task, settings, out, session),
        report=write_report, phrase=in_words_of_the_command, shard=shard,
    )  # fmt: skip


def _view(task: Task, settings: Settings, out: OutputFolder, session: Session) -> tuple[dict[str, Any], list[str]]:
    loaded = task.load()
    other = None if loaded.other is None else loaded.other.to(session.device)
    result = view(
        loaded.values.to(session.device), other=other, dims=1 if loaded.values.ndim == 1 else 2, rate=loaded.rate,
        wavelet=settings.wavelet, continuous=settings.continuous, level=settings.level, mode=settings.mode,
        scales=settings.scales, periodic=settings.periodic, norm=settings.norm,
    )  # fmt: skip
    (item,) = result.items()
    files = write_view(out, task.name, item, title=loaded.title, picture=loaded.picture, names=loaded.names)
    return {"title": loaded.title, **describe(item)}, files
