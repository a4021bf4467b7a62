"""`undula estimate`: from what is typed to a folder of modes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import Group, Parameter

from undula.data import OutputFolder, Shard
from undula.data.entries import file_stamp
from undula.jobs.estimate.call import estimate
from undula.jobs.estimate.command.batches import Batches
from undula.jobs.estimate.command.inputs import Loaded, Task, find_tasks
from undula.jobs.estimate.command.moments import typed_delay, typed_start
from undula.jobs.estimate.command.report import write_report
from undula.jobs.estimate.command.scans import describe_scan, write_scan
from undula.jobs.estimate.command.settings import Settings, in_words_of_the_command, read_components
from undula.jobs.estimate.command.tables import brief_table, summary
from undula.jobs.estimate.result import Modes
from undula.jobs.estimate.starts import Method
from undula.jobs.estimate.written import describe, write_modes
from undula.session import Options, Session
from undula.session.batch import Work, is_finished, tell, work_through

_FOLDER = Group("Where it goes", sort_key=0)
_GIVEN = Group("What is given", sort_key=1)
_FITTED = Group("What is fitted", sort_key=2)


def estimate_files(
    *inputs: Annotated[str, Parameter(metavar="INPUT", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-estimate"),
    shard: Annotated[str | None, Parameter(group=_FOLDER, metavar="I/N")] = None,
    rate: Annotated[float | None, Parameter(group=_GIVEN, metavar="HZ")] = None,
    part: Annotated[tuple[float, float] | None, Parameter(group=_GIVEN, negative="", metavar="FROM TO")] = None,
    start: Annotated[str | None, Parameter(group=_GIVEN, metavar="SECONDS|FIRST:LAST:STEP")] = None,
    duration: Annotated[float | None, Parameter(group=_GIVEN, metavar="SECONDS")] = None,
    noise: Annotated[str | None, Parameter(group=_GIVEN, metavar="LEVEL|FROM:TO|FILE|surrounding")] = None,
    passband: Annotated[tuple[float, float] | None, Parameter(group=_GIVEN, negative="", metavar="LOW HIGH")] = None,
    joint: Annotated[bool, Parameter(group=_GIVEN, negative="", show_default=False)] = False,
    delay: Annotated[str | None, Parameter(group=_GIVEN, metavar="SECONDS,…")] = None,
    components: Annotated[str, Parameter(group=_FITTED, metavar="N|auto")] = "auto",
    method: Annotated[Method, Parameter(group=_FITTED)] = "auto",
    weights: Annotated[Path | None, Parameter(group=_FITTED, metavar="FOLDER")] = None,
    band: Annotated[tuple[float, float] | None, Parameter(group=_FITTED, negative="", metavar="LOW HIGH")] = None,
    offset: Annotated[bool, Parameter(group=_FITTED, negative="", show_default=False)] = False,
    trend: Annotated[bool, Parameter(group=_FITTED, negative="", show_default=False)] = False,
    shared: Annotated[bool, Parameter(group=_FITTED, negative="", show_default=False)] = False,
    intervals: Annotated[Literal["bound", "likelihood"], Parameter(group=_FITTED)] = "bound",
    options: Options = Options(),  # noqa: B008
) -> int:
    """Measure frequency, decay time, amplitude and phase of ringing signals, with error bars.

    Without any INPUT a ring-down of two modes in noise is drawn and measured. An INPUT is a file (CSV, TSV, WAV, NPY), a key
    inside an HDF5 or NPZ file, or a folder; columns and channels are items of their own. A CSV file holds samples, or times
    and samples: the rate is inferred, uneven times are fitted as they are, empty cells are gaps. The folder gets the modes of
    every item as JSON and CSV, its signal and fit as NPZ, a figure, `modes.csv` of all, `run.json`, and a page `index.html`.
    Finished items are skipped when the same command runs again.

    ```
    undula estimate
    undula estimate signal.csv --rate 4096 --components 2
    undula estimate bell.wav --part 0.2 1.2 --band 100 2000
    undula estimate file.hdf5:/strain/Strain --part 16 16.05 --noise 2:14
    undula estimate file.hdf5 --start 16.42:16.43:0.001 --duration 0.1 --noise surrounding --passband 20 1600
    undula estimate H1.hdf5:/strain/Strain L1.hdf5:/strain/Strain --joint --delay 0,-0.0073 --start …
    undula estimate channels.npy --shared --rate 1e6
    undula estimate train -o my-model --components 2
    ```

    Exit status: 0 all measured and accepted; 1 some failed or were not accepted; 2 wrong call or input; 130 interrupted.

    Args:
        inputs: Files, folders, keys inside files.
        output: Folder for the results; it is made if it is not there.
        shard: Do only every n-th item, beginning with the i-th: 1/4 … 4/4 share the work of four processes.
        rate: Samples in a second, where the file does not say it, or says it wrong; WAV and CSV files say it, and HDF5 arrays
            with an attribute like Xspacing.
        part: Seconds of the file's clock between which the signal is used.
        start: Moment of the file's clock to which amplitude and phase belong; samples before it are not used. FIRST:LAST:STEP
            fits from each of several moments on, and draws frequency and decay time against them.
        duration: Seconds behind the start that are used; all if not given.
        noise: What is known of the noise: the deviation of a sample, seconds of the signal that hold noise alone, a file of
            noise, a CSV file with the columns frequency and density, or surrounding: measured in the signal outside what
            is fitted; taken for white and measured from the residual if not given.
        passband: Lowest and highest frequency in Hz that are kept of the signal; the rest is filtered out first.
        joint: All INPUTs are channels of one signal that share frequencies and decays, each with its own amplitude, phase
            and noise; in a scan each is also fitted alone.
        delay: By how many seconds each INPUT hears later than the first, such as 0,-0.0073; rounded to samples.
        components: How many modes, 1 to 5; auto asks an information criterion, which may say none.
        method: Where starts come from; auto tries all that apply but the autoencoder, and keeps the likeliest.
        weights: For the autoencoder: the folder that `undula estimate train` wrote, instead of what comes with Undula.
        band: Lowest and highest frequency in Hz that a mode may have.
        offset: Fit a constant along.
        trend: Fit a constant and a linear change along.
        shared: Channels of a file share frequencies and decays, and are fitted together.
        intervals: Where the 90 % intervals of frequency and decay come from: the Cramér-Rao bound, or, for one mode, the
            likelihood, which they need near the noise; --components 1 must be said.
        options: Options of every command.
    """
    settings = Settings(
        rate=rate, components=read_components(components), method=method, weights=weights, noise=noise,
        start=typed_start(start), duration=duration, part=part, band=band, passband=passband, offset=offset,
        trend=trend, shared=shared, joint=joint, delay=typed_delay(delay), intervals=intervals,
    )  # fmt: skip
    session = Session(options)
    work = estimate_inputs(inputs, settings, output, session, shard=None if shard is None else Shard.parse(shard))
    for record in work.records[:20]:
        if record["advice"]:
            session.note(f"{record['item']}: {record['advice']}")
    done = {"estimated": len(work.records), "accepted": sum(record["accepted"] for record in work.records)}
    line = summary(work.records, len(session.failures))
    return tell(work, session, word="estimate", done=done, table=brief_table, line=line)


def estimate_inputs(
    inputs: Sequence[str], settings: Settings, output: Path, session: Session, *, shard: Shard | None = None
) -> Work:
    """Measure what is not finished yet, and describe the folder.

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
    found = find_tasks(inputs, settings, session)
    known: dict[str, Any] = {"stamp of the noise": file_stamp(settings.noise)} if settings.noise else {}
    if settings.weights:
        known["stamp of the weights"] = file_stamp(str(settings.weights / "model.safetensors"))
    seed = {} if inputs else {"seed": session.options.seed}
    out = OutputFolder(output, arguments=settings.arguments() | known | seed)
    mine = found if shard is None else shard.take(found)
    batches = Batches(
        [task for task in mine if not is_finished(out, task)],
        lambda loaded: _fit(loaded, settings, session, shared=settings.together),
        starts=settings.several,
        moved=settings.start is not None or settings.noise == "surrounding",
    )
    return work_through(
        found, out, session, word="estimate", inputs=inputs,
        make=lambda task: _estimate(task, batches, settings, out, session),
        report=write_report, phrase=in_words_of_the_command, shard=shard,
    )  # fmt: skip


def _estimate(
    task: Task, batches: Batches, settings: Settings, out: OutputFolder, session: Session
) -> tuple[dict[str, Any], list[str]]:
    loaded, modes = batches.take(task)
    for text in loaded.notes:
        session.note(text)
    extra: dict[str, Any] = {"title": loaded.title, "source": task.source, "rate": loaded.rate or None}
    if settings.several:
        record = {**extra, "clock": loaded.begin, **describe_scan(modes, clock=loaded.begin)}
        alone = _fit(loaded, settings, session, shared=False) if settings.together else None
        files = write_scan(out, task.name, modes, record, clock=loaded.begin, alone=alone, names=loaded.names)
        return record, files
    (item,) = modes.items()
    extra["clock"] = loaded.begin + item.start
    if loaded.truth is not None:
        extra["truth"] = _truth(loaded)
    files = write_modes(out, task.name, item, title=loaded.title, extra=extra)
    return {**extra, **describe(item)}, files


def _fit(loaded: Loaded, settings: Settings, session: Session, *, shared: bool) -> Modes:
    even = loaded.times is None
    start, duration = settings.start, settings.duration
    if settings.part is not None and settings.noise == "surrounding":
        start = settings.part[0] if start is None else start
        duration = settings.part[1] - float(np.max(start))
    begin: Any = 0.0 if start is None else np.asarray(start) - loaded.begin
    return estimate(
        loaded.samples.to(session.device), rate=loaded.rate if even else 1.0, times=loaded.times,
        components=settings.components, method=settings.method, weights=settings.weights, noise=loaded.noise,
        start=begin, duration=duration, shared=shared, offset=settings.offset, trend=settings.trend, band=settings.band,
        passband=settings.passband, intervals=settings.intervals,
    )  # fmt: skip


def _truth(loaded: Loaded) -> list[dict[str, float]]:
    assert loaded.truth is not None
    names = ("frequency", "decay_time", "amplitude", "phase")
    return [{name: float(getattr(loaded.truth, name)[mode]) for name in names} for mode in range(2)]
