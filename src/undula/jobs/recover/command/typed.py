"""`undula recover`: from what is typed to a folder of results."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from undula.data import Entry, OutputFolder, Shard
from undula.jobs.recover.command.inputs import find_entries
from undula.jobs.recover.command.pictures import write_outcome
from undula.jobs.recover.command.report import write_report
from undula.jobs.recover.command.settings import (
    Dims,
    Field,
    Given,
    MethodName,
    Settings,
    read_mask_file,
    read_noise_option,
    read_support_option,
)
from undula.jobs.recover.command.solving import Solver, is_solved
from undula.jobs.recover.command.tables import print_records, summary
from undula.session import Options, Session
from undula.session.batch import Work, is_finished, tell
from undula.spectra.fourier import Norm

_GIVEN = Group("What is given", sort_key=1)
_OBJECT = Group("What is known of the object", sort_key=2)
_SOLVER = Group("How it is solved", sort_key=3)
_FOLDER = Group("Where it goes", sort_key=0)


def recover_files(
    *inputs: Annotated[str, Parameter(metavar="INPUT", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-recover"),
    shard: Annotated[str | None, Parameter(group=_FOLDER, metavar="I/N")] = None,
    given: Annotated[Given | None, Parameter(group=_GIVEN)] = None,
    dims: Annotated[Dims | None, Parameter(group=_GIVEN)] = None,
    crop: Annotated[int | None, Parameter(group=_GIVEN)] = None,
    centered: Annotated[bool | None, Parameter(group=_GIVEN)] = None,
    norm: Annotated[Norm, Parameter(group=_GIVEN)] = "backward",
    measured: Annotated[Path | None, Parameter(group=_GIVEN, metavar="FILE")] = None,
    noise: Annotated[str | None, Parameter(group=_GIVEN, metavar="NOISE")] = None,
    field: Annotated[Field, Parameter(group=_OBJECT)] = "real",
    bounds: Annotated[
        tuple[float | None, float | None] | None,
        Parameter(group=_OBJECT, negative="", metavar="LOW HIGH"),
    ] = None,
    support: Annotated[str | None, Parameter(group=_OBJECT, metavar="SUPPORT")] = None,
    pad: Annotated[bool, Parameter(group=_OBJECT, negative="", show_default=False)] = False,
    method: Annotated[MethodName, Parameter(group=_SOLVER)] = "rrr",
    runs: Annotated[int, Parameter(group=_SOLVER)] = 1,
    starts: Annotated[int | None, Parameter(group=_SOLVER)] = None,
    tolerance: Annotated[float, Parameter(group=_SOLVER)] = 2e-4,
    max_transforms: Annotated[int | None, Parameter(group=_SOLVER)] = None,
    hold_out: Annotated[float, Parameter(group=_SOLVER, metavar="SHARE")] = 0.0,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Recover images from the magnitudes of their Fourier transforms alone.

    Without any INPUT, ten drawn digits are recovered. An INPUT is a file, a folder, a key inside a file or a named set; arrays
    with more axes than `--dims` are stacks of items. The folder gets an array and a picture of every item, a sheet, an
    animation, curves, `run.json`, and a page `index.html` that shows them. Finished items are skipped when the same command
    runs again.

    ```
    undula recover
    undula recover mnist:test:0-64 -o out
    undula recover photo.png --given images --pad
    undula recover scan.npz:counts --given intensities --centered --support shrinkwrap
    undula recover bcdi --dims 3 --crop 128 --field complex --support shrinkwrap --runs 8
    ```

    Exit status: 0 all recovered; 1 some failed or were not recovered; 2 wrong call or input; 130 interrupted.

    Args:
        inputs: Files, folders, keys inside files, named sets.
        output: Folder for the results; it is made if it is not there.
        shard: Do only every n-th item, beginning with the i-th: 1/4 … 4/4 share the work of four processes.
        given: What the inputs hold: images (their phase is forgotten, and the result is compared with them), magnitudes |F|,
            or intensities |F|² (counts). Named sets know it.
        dims: How many axes are space: 2 unless a named set knows better.
        crop: Use the part of this side around the brightest voxel, with zeros where the frame ends. A cropped pattern shows
            the same object more coarsely, if the object is surrounded by emptiness; of a real image that fills its frame it
            is another problem.
        centered: Whether zero frequency lies in the middle of the pattern rather than at its first corner.
        norm: Normalization of the transform that made the magnitudes, as in numpy.fft.
        measured: Mask of the magnitudes that were measured (NPY, or a picture where light is measured); the others are free.
        noise: What is known of the noise: gaussian:DEVIATION of the magnitudes, poisson (counts are given), or
            poisson:COUNTS, photons in the whole pattern. Nothing is added to images.
        field: Whether the object is real or complex; complex ones need a support.
        bounds: Least and greatest value of a real object, none for either. 0 1 unless a shrink-wrapped pattern has a scale
            of its own: then 0 none.
        support: Where the object may be: none, the side of a box that lies anywhere (20), its sides (20x24), a mask (NPY, or a
            picture where light is inside), or shrinkwrap, which finds it.
        pad: Surround images with zeros up to twice their sides first, which makes the magnitudes determine almost any image.
        method: The algorithm.
        runs: Independent runs of every item, to see whether they agree.
        starts: Greatest number of fresh starts of a run.
        tolerance: Relative residual below which an item is accepted.
        max_transforms: Fourier transforms after which a run takes no further start, 40000 if not given.
        hold_out: Share of the magnitudes (0.02) that the solver is not shown, to test the result on.
        options: Options of every command.
    """
    settings = Settings(
        given=given, dims=dims, crop=crop, centered=centered, norm=norm, field=field, bounds=bounds,
        support=read_support_option(support), pad=pad, measured=None if measured is None else read_mask_file(measured),
        method=method, runs=runs, starts=starts, tolerance=tolerance, max_transforms=max_transforms,
        noise=read_noise_option(noise), hold_out=hold_out, seed=options.seed,
    )  # fmt: skip
    session = Session(options)
    part = None if shard is None else Shard.parse(shard)
    work = recover_inputs(inputs, settings, output, session, shard=part)
    return _tell(work, settings, session)


def recover_inputs(
    inputs: Sequence[str], settings: Settings, output: Path, session: Session, *, shard: Shard | None = None
) -> Work:
    """Recover what is not finished yet, and describe the folder.

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
    began = time.time()
    device = session.device
    found, dims = find_entries(inputs, settings, session)
    entries = {entry.name: entry for entry in found}
    mine = found if shard is None else shard.take(found)
    out = OutputFolder(output, arguments=settings.arguments() | {"dims": dims})
    finished = {entry.name for entry in mine if is_finished(out, entry)}
    reel = _solve([entry for entry in mine if entry.name not in finished], out, settings, dims, session)
    records = out.records()
    own = {entry.name for entry in mine} - set(session.failures)
    if records:
        write_report(out, records, entries, settings, dims, session, reel=reel)
    out.write_run(
        {
            "inputs": list(inputs), "seed": settings.seed, "device": str(device), "started": began,
            "seconds": round(time.time() - began, 3), "skipped": len(finished), "failed": session.failures,
            "items": [record["item"] for record in records],
        },
        shard=shard,
    )  # fmt: skip
    return Work(out, [record for record in records if record["item"] in own], len(finished))


def _solve(todo: Sequence[Entry], out: OutputFolder, settings: Settings, dims: int, session: Session) -> Any:
    solver = Solver(settings, dims, session, total=len(todo))
    with session.bar("recover", len(todo) * solver.per_entry) as bar:
        for outcome in solver.solve(todo, bar):
            out.finish(outcome.entry.name, outcome.record, write_outcome(out, outcome, session))
    return None if solver.film is None else solver.film.develop(solver.filmed)


def _tell(work: Work, settings: Settings, session: Session) -> int:
    """Print the table and the summary; the exit status."""
    print_records(session, work.records, runs=settings.runs)
    return tell(
        work, session, word="recover", done={"solved": sum(is_solved(record) for record in work.records)},
        line=summary(work.records, len(session.failures)),
        items=[{key: value for key, value in record.items() if key != "history"} for record in work.records],
    )  # fmt: skip
