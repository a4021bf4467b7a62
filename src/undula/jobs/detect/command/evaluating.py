"""`undula detect evaluate`: how good a detector is on pictures whose makers are known."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from undula.data.plain import plain
from undula.errors import DataError, OptionError
from undula.jobs.detect.command.naming import class_of
from undula.jobs.detect.command.scoring import load_detector, warn_of_bias
from undula.jobs.detect.command.training_page import LIMITS
from undula.jobs.detect.degradations import CORRUPTIONS, Degradation
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.reading import Source, find_sources
from undula.jobs.detect.sources_compared import Figures, Verdicts, ask, auc_against, figures
from undula.session import WRONG, Bar, Options, Session
from undula.show import Section, Table, write_page

_FOLDER = Group("Where it goes", sort_key=0)
_HOW = Group("How it is judged", sort_key=1)
Rows = tuple[list[str], list[list[str]]]


def evaluate_sources(
    *inputs: Annotated[str, Parameter(metavar="FOLDER", show_default=False)],
    model: Annotated[Path | None, Parameter(group=_HOW, metavar="FOLDER")] = None,
    page: Annotated[Path | None, Parameter(group=_FOLDER, metavar="FILE")] = None,
    corruptions: Annotated[bool, Parameter(group=_HOW, negative="")] = False,
    ensemble: Annotated[bool, Parameter(group=_HOW)] = False,
    options: Options = Options(),  # noqa: B008
) -> int:
    """Tell how good a detector is on pictures whose makers are known.

    A FOLDER holds a folder of each source: `0_real` or `real` for real pictures, `1_fake`, `generated` or the name of a
    generator for others, also of one that the detector never saw. Several FOLDERs are the sources themselves.

    ```
    undula detect evaluate test/ --model my-detector
    undula detect evaluate test/ --model my-detector --corruptions --page robust.html
    undula detect evaluate cifake:test:real cifake:test:generated --model my-detector
    ```

    Exit status: 0 evaluated; 1 evaluated, but some pictures could not be judged; 2 wrong call or input; 130 interrupted.

    Args:
        inputs: A folder of folders, or a folder or named set of each source.
        model: Folder of a detector that `undula detect train` wrote.
        page: A page with the tables.
        corruptions: Judge all pictures again after JPEG 90, 75 and 50, a crop, half the size, noise, blur, WebP and gamma.
        ensemble: Whether a verdict has to outlive degradations, as in score.
        options: Options of every command.
    """
    if not inputs:
        raise OptionError(
            "got no FOLDER, expected one with a folder of each source: undula detect evaluate test/ --model M"
        )
    detector = load_detector(model)
    session = Session(options)
    warn_of_bias(detector, session)
    sources = find_classes(inputs)
    plans: dict[str, Degradation | None] = {"as they are": None, **(CORRUPTIONS if corruptions else {})}
    found = judge_all(detector, sources, plans, session, ensemble=ensemble)
    plain_ones = found["as they are"]
    if not all(any(one.scores for one in plain_ones if one.real == real) for real in (True, False)):
        session.note("no picture of one of the sides could be judged, so that nothing can be compared")
        return WRONG
    overall = {
        name: figures(ones) for name, ones in found.items() if all(_judged(ones, real=real) for real in (True, False))
    }
    source_rows, condition_rows = sources_table(plain_ones), conditions_table(overall)
    session.table(*source_rows)
    session.table(*condition_rows)
    if page is not None:
        _write_page(page, overall, source_rows, condition_rows)
    session.answer(
        plain(
            {
                "command": "detect evaluate", "failed": session.failures, "classes": detector.classes_,
                "conditions": {name: asdict(one) for name, one in overall.items()},
                "sources": {one.name: {"verdicts": one.words, "nearest": one.nearest} for one in plain_ones},
            }
        )
    )  # fmt: skip
    return session.status


def find_classes(inputs: Sequence[str]) -> dict[str, list[Source]]:
    """Find the pictures of every source.

    Args:
        inputs: As typed.

    Returns:
        Pictures by the name of their source, "real" first.

    Raises:
        DataError: There are no real pictures, or no others.
    """
    places = list(inputs)
    if len(places) == 1 and Path(places[0]).is_dir():
        places = sorted(str(one) for one in Path(places[0]).iterdir() if one.is_dir() and one.name[0] not in "._")
    found: dict[str, list[Source]] = {}
    for place in places:
        name = class_of(place.rsplit(":", 1)[-1] if not Path(place).exists() else Path(place).name)
        found.setdefault(name, []).extend(find_sources(place, name=name))
    if "real" not in found or len(found) < 2:
        raise DataError(
            f"got pictures of {', '.join(found) or 'no source'}, expected real ones and others: name the folders real and "
            "generated, or 0_real and 1_fake"
        )
    return {"real": found.pop("real"), **found}


def judge_all(
    detector: Detector,
    sources: dict[str, list[Source]],
    plans: dict[str, Degradation | None],
    session: Session,
    *,
    ensemble: bool,
) -> dict[str, list[Verdicts]]:
    """Judge all pictures under every condition.

    Args:
        detector: The detector.
        sources: The pictures.
        plans: Degradations by the name of the condition.
        session: Bar, failures.
        ensemble: As in `Detector.judge`.

    Returns:
        What was said, by the name of the condition.
    """
    found = {}
    total = len(plans) * sum(map(len, sources.values()))
    with session.bar("evaluate", total) as bar:
        follow = _follow(bar)
        for name, change in plans.items():
            found[name] = ask(detector, sources, ensemble=ensemble, change=change, callback=follow)
    for one in found["as they are"]:
        for path, why in one.failed.items():
            session.fail(path, why if path in why else f"{path}: {why}")
    return found


def sources_table(found: Sequence[Verdicts]) -> Rows:
    """A row for every source.

    Args:
        found: What was said of each, real pictures first.
    """
    real = found[0]
    header = ["source", "pictures", "called real", "unsure", "called generated", "AUC", "nearest"]
    rows = []
    for one in found:
        auc = "–" if one.real or not one.scores or not real.scores else f"{auc_against(real, one):.4f}"
        nearest = one.nearest.most_common(1)[0] if one.nearest else ("–", 0)
        shares = [f"{one.share(word):.1%}" for word in ("real", "unsure", "generated")]
        told = f"{nearest[0]} ({nearest[1] / max(1, len(one.scores)):.0%})"
        rows.append([one.name, str(len(one.scores)), *shares, auc, told])
    return header, rows


def conditions_table(overall: dict[str, Figures]) -> Rows:
    """A row for every condition.

    Args:
        overall: Figures by the name of the condition.
    """
    header = ["pictures", "accuracy", "AUC", "calibration error", "false alarms", "found", "unsure"]
    rows = [
        [
            name, f"{one.accuracy:.1%}", f"{one.auc:.4f}", f"{one.calibration_error:.3f}", f"{one.false_alarms:.1%}",
            f"{one.detected:.1%}", f"{one.unsure:.1%}",
        ]
        for name, one in overall.items()
    ]  # fmt: skip
    return header, rows


def _judged(found: Sequence[Verdicts], *, real: bool) -> bool:
    return any(one.scores for one in found if one.real == real)


def _follow(bar: Bar) -> Callable[[str], object]:
    done = 0

    def follow(name: str) -> None:
        nonlocal done
        done += 1
        bar.update(done, detail=name)

    return follow


def _write_page(path: Path, overall: dict[str, Figures], sources: Rows, conditions: Rows) -> None:
    one = overall["as they are"]
    write_page(
        path,
        title="How good a detector is",
        lead=f"{one.accuracy:.1%} of {one.pictures} pictures are taken for what they are; the mean of both sides.",
        sections=[
            Section("Source by source", table=Table(*sources)),
            Section(
                "As they are, and after degradation",
                ["Each picture was degraded before it was judged; the thresholds are those of the training."],
                table=Table(*conditions),
            ),
            Section("What it is not", LIMITS),
        ],
        footer="undula detect evaluate",
    )
