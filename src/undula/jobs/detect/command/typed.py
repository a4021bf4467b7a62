"""`undula detect` without pictures: made, learned, judged and explained, so that everything can be seen."""

from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from undula.data.atomic import make_folder
from undula.data.plain import plain
from undula.errors import OptionError
from undula.jobs.detect.command.evaluating import conditions_table, find_classes, judge_all, sources_table
from undula.jobs.detect.command.explaining import explained, find_moments
from undula.jobs.detect.command.rows import Tally, write_rows
from undula.jobs.detect.command.sample import GENERATORS, UNSEEN, write_sample
from undula.jobs.detect.command.scoring import score_all
from undula.jobs.detect.command.training import fit_with_bar
from undula.jobs.detect.command.training_page import LIMITS, guard_rows, write_training
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.reading import find_sources
from undula.jobs.detect.sources_compared import Figures, figures
from undula.session import Options, Session
from undula.show import Section, Table, write_page

_FOLDER = Group("Where it goes", sort_key=0)
STEPS = 250


def detect_sample(
    *inputs: Annotated[str, Parameter(metavar="INPUT", show=False)],
    output: Annotated[Path, Parameter(name=["--output", "-o"], group=_FOLDER)] = Path("undula-detect"),
    options: Options = Options(),  # noqa: B008
) -> int:
    """Tell generated pictures from real ones by their wavelet packets; a score is evidence, not proof.

    Alone it shows how: Undula draws digits on paper, trains two small generators on the spot, learns to tell their pictures
    from drawn ones, judges others, among them those of a generator that it never saw, and shows where the packets differ.
    With pictures of yours:

    ```
    undula detect
    undula detect train photos/ generated/ -o my-detector
    undula detect score inbox/ --model my-detector --csv inbox.csv --page inbox.html
    undula detect evaluate test/ --model my-detector --corruptions
    undula detect explain photos/ generated/ -o out
    ```

    Exit status: 0 done; 2 wrong call; 130 interrupted.

    Args:
        inputs: None; pictures of yours follow `undula detect score`.
        output: Folder for pictures, detector, rows and page; it is made if it is not there.
        options: Options of every command.
    """
    if inputs:
        raise OptionError(
            f"got {inputs[0]!r}, expected train, score, evaluate or explain: undula detect score {inputs[0]} --model MODEL"
        )
    session = Session(options)
    shown = show_sample(output, session)
    session.table(*shown.sources)
    tests = output / "pictures" / "test"
    session.say(
        f"see {output / 'index.html'}, and try: undula detect score {tests / 'transposed'} --model {output / 'model'}"
    )
    session.answer(
        plain(
            {
                "command": "detect", "folder": str(output), "figures": asdict(shown.figures), "failed": session.failures,
                "sources": shown.verdicts,
            }
        )
    )  # fmt: skip
    return session.status


@dataclass(frozen=True)
class Shown:
    """What came out of the sample.

    Attributes:
        figures: Of real test pictures and those of generators that were learned.
        unseen: Share of the pictures of a generator that was not which are called generated.
        sources: Header and rows, one of each source.
        verdicts: How often each verdict was given, by source.
        explanation: The section with the packets.
        guard: Header and rows of the bias guard.
    """

    figures: Figures
    unseen: float
    sources: tuple[list[str], list[list[str]]]
    verdicts: dict[str, Any]
    explanation: Section
    guard: tuple[list[str], list[list[str]]]


def show_sample(output: Path, session: Session, *, steps: int | None = None) -> Shown:
    """Make pictures, learn, judge, explain, and write the page.

    Args:
        output: The folder.
        session: Seed, bars.
        steps: Steps of training of each generator; 250 if not given.

    Returns:
        What came out.
    """
    pictures, model = make_folder(output) / "pictures", output / "model"
    with session.bar("make", 4) as bar:
        steps_done = count()
        write_sample(
            pictures, seed=session.options.seed, steps=steps or STEPS,
            callback=lambda what: bar.update(next(steps_done), detail=what),
        )  # fmt: skip
    detector = Detector(rate=0.02, seed=session.options.seed, guard="warn")
    training = pictures / "train"
    fit_with_bar(detector, str(training / "real"), {name: str(training / name) for name in GENERATORS}, session)
    detector.save(model)
    write_training(detector, model)
    sources = find_classes([str(pictures / "test")])
    found = judge_all(detector, sources, {"as they are": None}, session, ensemble=False)["as they are"]
    with write_rows(output / "scores.csv") as rows:
        tally = score_all(
            detector, find_sources([one for some in sources.values() for one in some]), rows, session, ensemble=True
        )
    moments = find_moments({name: str(training / name) for name in ("real", *GENERATORS)}, session)
    shown = Shown(
        figures([one for one in found if one.name != UNSEEN]),
        next(one.share("generated") for one in found if one.name == UNSEEN),
        sources_table(found), {one.name: one.words for one in found}, explained(moments, output),
        guard_rows(detector),
    )  # fmt: skip
    _write_page(output / "index.html", shown, tally)
    return shown


def _write_page(path: Path, shown: Shown, tally: Tally) -> None:
    one = shown.figures
    write_page(
        path,
        title="Generated?",
        lead=f"{one.accuracy:.1%} of {one.pictures} pictures, drawn by Undula or made by generators that the detector learned, "
        f"are taken for what they are; of a generator that it never saw {shown.unseen:.0%} are called generated. A score is "
        "evidence, not proof.",
        sections=[
            Section(
                "Source by source",
                [
                    "Real are digits on paper that Undula drew. Nearest and transposed are two decoders, trained on the spot, "
                    "which copied other ones; components, which samples nothing up, is a generator that the detector never "
                    "saw.",
                    f"When every picture is compressed again, cropped and made smaller too, {tally.turned} of {tally.judged} "
                    "verdicts turn into their opposite, and become unsure in scores.csv.",
                ],
                table=Table(*shown.sources),
            ),
            Section("Real ones and generators that were learned", table=Table(*conditions_table({"as they are": one}))),
            Section("The bias guard", table=Table(*shown.guard)),
            shown.explanation,
            Section("What it is not", LIMITS),
        ],
        footer="undula detect; the detector is in model/, its pictures in pictures/.",
    )
