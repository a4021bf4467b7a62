"""`undula denoise compare`: all losses and the sharpness dial side by side, on the user's own pictures."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter
from torch import nn

from undula.data import OutputFolder, Pictures, atomic_text, find_pictures
from undula.data.entries import file_stamp
from undula.errors import MissingExtra, OptionError
from undula.jobs.denoise.command.comparing_page import SCATTER, SHEET, write_comparison
from undula.jobs.denoise.command.comparing_pictures import draw_scatter, draw_sheet
from undula.jobs.denoise.command.comparing_tables import answer, brief_table, csv_text
from undula.jobs.denoise.command.settings import GREY_LEVELS
from undula.jobs.denoise.comparison.compare import Comparison, compare_losses, split
from undula.jobs.denoise.comparison.contest import Contest, Course
from undula.jobs.denoise.comparison.contestants import CONTROL, Contestant, read_contestants
from undula.jobs.denoise.comparison.examination import Examination
from undula.jobs.denoise.comparison.specimen import sharpest, specimen, typical_window, windows
from undula.jobs.denoise.denoiser import Denoiser
from undula.session import Options, Session
from undula.show import save_picture

_FOLDER = Group("Where it goes", sort_key=0)
_COMPARED = Group("What is compared", sort_key=1)
_HOW = Group("How it is learned", sort_key=2)
_SHOWN = 3  # losses on the sheet


def compare_files(
    *inputs: Annotated[str, Parameter(metavar="FOLDER", show_default=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-denoise-compare"),
    losses: Annotated[str | None, Parameter(group=_COMPARED, metavar="A,B,…")] = None,
    sigma: Annotated[float | None, Parameter(group=_COMPARED, metavar="LEVEL")] = None,
    test: Annotated[str | None, Parameter(group=_COMPARED, metavar="FOLDER")] = None,
    held_out: Annotated[int | None, Parameter(group=_COMPARED, metavar="N")] = None,
    channels: Annotated[Literal[1, 3] | None, Parameter(group=_COMPARED)] = None,
    seeds: Annotated[int, Parameter(group=_COMPARED)] = 3,
    model: Annotated[Path | None, Parameter(group=_HOW, metavar="FOLDER")] = None,
    first: Annotated[int, Parameter(group=_HOW)] = 500,
    steps: Annotated[int, Parameter(group=_HOW)] = 300,
    batch: Annotated[int, Parameter(group=_HOW)] = 8,
    size: Annotated[int, Parameter(group=_HOW)] = 96,
    rate: Annotated[float, Parameter(group=_HOW)] = 3e-4,
    precision: Annotated[Literal["float32", "bfloat16", "float16"], Parameter(group=_HOW)] = "bfloat16",
    options: Options = Options(),  # noqa: B008
) -> int:
    """Ask which loss makes your pictures sharper, and whether it beats the sharpness dial.

    One network is trained with the squared error; from there each loss trains a copy of it on, with the same crops and the
    same noise. Each copy is scored on pictures that none has seen, beside the sharpness dial, which needs no training,
    turned to the same energy of fine detail. Eleven losses and three seeds are 33 trainings: with the numbers below half an
    hour of one CPU core, and some minutes to score. The folder gets a page `index.html`, `compare.csv`, `run.json` and the
    trained networks; the same command goes on where it was stopped.

    ```
    undula denoise compare photos/
    undula denoise compare cracks --sigma 25 --channels 1 -o out
    undula denoise compare photos/ --test others/ --losses l1,fourier,0.9*mse+0.1*bands --steps 1000
    ```

    Exit status: 0 compared; 1 compared, but some pictures could not be read; 2 wrong call or input, or a loss became NaN;
    130 interrupted.

    Args:
        inputs: Folders, named sets, files to train on.
        output: Folder for the results; it is made if it is not there.
        losses: Words, which are mixed with mse as `0.8*mse+0.2*word` (l1 and charbonnier stand alone), or mixes of your own;
            all words if not given.
        sigma: Standard deviation of the noise in grey levels of 255; 25 if not given, or what pairs of pictures have.
        test: A folder or named set to score; the last pictures of the others if not given, which are not trained on then.
        held_out: How many those are; a fifth, at most 35, if not given.
        channels: 1 for grey, 3 for color; what the pictures are if not given.
        seeds: How often every loss is tried, each time with other crops and other noise.
        model: Folder of a model to begin with, instead of the one that comes with Undula.
        first: Steps with the squared error that all have in common.
        steps: Further steps of each loss.
        batch: Crops in a step.
        size: Side of the crops.
        rate: Highest learning rate.
        precision: Precision of the network's arithmetic.
        options: Options of every command.
    """
    if not inputs:
        raise OptionError("got no FOLDER, expected one with pictures to learn from: undula denoise compare photos/")
    session = Session(options)
    contestants = read_contestants([] if losses is None else [word for word in losses.split(",") if word.strip()])
    course = Course(
        sigma=_level(sigma), first=first, steps=steps, seeds=seeds, batch=batch, size=size, rate=rate,
        precision=precision, seed=options.seed,
    )  # fmt: skip
    own = None if model is None else Denoiser.load(model).network
    pictures = _read(inputs, channels, session)
    unseen = None if test is None else _read(test, 3 if len(pictures.clean[0]) == 3 else 1, session)
    start = own if own is not None else _shipped(pictures, session)
    out = OutputFolder(
        output,
        arguments={
            "inputs": list(inputs), "test": test, "held_out": held_out, "channels": channels, "sigma": sigma,
            "losses": [one.loss for one in contestants], "first": first, "steps": steps, "seeds": seeds, "batch": batch,
            "size": size, "rate": rate, "precision": precision, "seed": options.seed, "model": model and str(model),
            "weights": model and file_stamp(str(model / "model.safetensors")),
        },
    )  # fmt: skip
    return _compare(
        out, pictures, unseen, held_out=held_out, contestants=contestants, course=course, start=start, session=session
    )


def _compare(
    out: OutputFolder,
    pictures: Pictures,
    unseen: Pictures | None,
    *,
    held_out: int | None,
    contestants: Sequence[Contestant],
    course: Course,
    start: nn.Module | None,
    session: Session,
) -> int:
    began = time.time()
    runs = out.folder / "runs"
    total = course.first + len(contestants) * course.seeds * course.steps
    with session.bar("compare", total) as bar:
        found = compare_losses(
            pictures, test=unseen, held_out=held_out, contestants=contestants, course=course, start=start, folder=runs,
            device=session.device, callback=lambda done, _, what: bar.update(done, detail=what),
        )  # fmt: skip
    atomic_text(out.path("compare.csv"), csv_text(found.rows))
    _draw_scatter(out, found, session)
    known, scored = split(pictures, test=unseen, held_out=held_out)
    contest = Contest(known, course, start=start, folder=runs, device=session.device)
    _draw_sheet(out, found, contest, Examination(scored, sigma=contest.sigma, device=session.device))
    write_comparison(out, found)
    facts = found.to_facts()
    out.write_run(
        {
            "device": str(session.device), "started": began, "seconds": round(time.time() - began, 3),
            "failed": session.failures, **facts,
        }
    )  # fmt: skip
    session.table(*brief_table(found.standings))
    session.say(f"{answer(found)} See {out.path('index.html')}")
    session.answer({"command": "denoise compare", "folder": str(out.folder), "failed": session.failures, **facts})
    return session.status


def _read(source: str | Sequence[str], channels: Literal[1, 3] | None, session: Session) -> Pictures:
    with session.bar("read", 1) as bar:
        found = find_pictures(source, channels=channels, callback=lambda done, total: bar.update(done / total))
    for name, why in found.failed.items():
        session.fail(name, why)
    return found


def _shipped(pictures: Pictures, session: Session) -> nn.Module | None:
    """The network that comes with Undula, if it has as many channels."""
    channels = len(pictures.clean[0])
    network = Denoiser.pretrained(3 if channels == 3 else 1).network
    if getattr(network, "settings", {}).get("channels") == channels:
        return network
    session.note(
        "no network for color comes with Undula yet: the common beginning starts from nothing; raise --first, or name a --model"
    )
    return None


def _level(sigma: float | None) -> float | None:
    if sigma is not None and not 0 < sigma <= GREY_LEVELS:
        raise OptionError(f"got --sigma {sigma:g}, expected grey levels of 255, above 0 and up to 255: --sigma 25")
    return None if sigma is None else sigma / GREY_LEVELS


def _draw_scatter(out: OutputFolder, found: Comparison, session: Session) -> None:
    try:
        draw_scatter(out.path(SCATTER), found)
    except MissingExtra as error:
        session.note(f"the figure is left out: {error}")
        out.path(SCATTER).unlink(missing_ok=True)


def _draw_sheet(out: OutputFolder, found: Comparison, contest: Contest, exam: Examination) -> None:
    """A piece of one picture: by the sharpest losses, each beside the dial at the setting of the first seed."""
    shown = sharpest(found, _SHOWN)
    others = [] if shown else [one for one in found.standings if one.name != CONTROL][:_SHOWN]
    dial = {row.name: row.sharpness or 0.0 for row in found.rows if row.seed == 0}
    losses = [Contestant(one.name, one.loss) for one in (*shown, *others)]
    place, where = typical_window(exam.clean)
    made = specimen(contest, exam, place, losses=losses, sharpness=[dial[one.name] for one in shown])
    pieces = windows(made, where)
    clean, trained, turned = pieces[0], pieces[3 : 3 + len(losses)], pieces[3 + len(losses) :]
    rows = [[one, other, clean] for one, other in zip(trained, turned, strict=False)]
    rows += [[*trained, *[clean] * (_SHOWN - len(trained))]] if others else []
    title = "The sharpest losses, and the dial at their energy" if shown else "No loss is sharper than mse"
    save_picture(out.path(SHEET), draw_sheet([pieces[:3], *rows], title=title))
