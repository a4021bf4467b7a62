"""The page of a trained detector: what the bias guard found, how good it is, what it is not."""

from pathlib import Path
from typing import Any

from undula.data.atomic import make_folder
from undula.jobs.detect.command.figures import draw_curves
from undula.jobs.detect.command.naming import as_typed
from undula.jobs.detect.detector import Detector
from undula.show import Picture, Section, Table, save_picture, write_page

Rows = tuple[list[str], list[list[str]]]

GUARD = (
    "The guard asks what tells the two sides apart besides how they were made. A trait of the files (format, JPEG tables, "
    "size, EXIF, bits) that does is a bias: the detector would learn the camera or the download. The baselines see no fine "
    "detail: where one of them is as good as the detector, the folders differ in content, and the detector proves nothing.",
)
CURVES = (
    "Each picture was judged by the member that did not learn from it. Thresholds and temperature were chosen on the same "
    "pictures, so that their figures are a little too good; a folder of other pictures is the honest test: undula detect "
    "evaluate.",
)
LIMITS = (
    "A score is evidence, not proof. It holds for the generators and the cameras of this training, compressed and scaled as "
    "they were. A new generator, a screenshot, an upload to a network, or a filter changes what is seen, and a verdict may be "
    "wrong with high confidence. Do not accuse anyone with it. What is unsure is not half generated: it is not known.",
)


def guard_rows(detector: Detector) -> Rows:
    """The baselines beside the detector.

    Args:
        detector: A trained one.
    """
    report = detector.report
    header = ["what is looked at", "balanced accuracy"]
    if report is None:
        return header, [["the guard was off", "–"]]
    words = {"metadata": "the files alone", "blocks": "colors of 8 × 8 blocks", "JPEG grid": "place of a JPEG grid"}
    rows = [[words.get(name, name), f"{value:.1%}"] for name, value in report.baselines.items()]
    return header, [*rows, ["the detector", "–" if report.model is None else f"{report.model:.1%}"]]


def card_rows(detector: Detector) -> Rows:
    """The figures of the model card.

    Args:
        detector: A trained one.
    """
    card = detector.facts["card"]
    pictures = ", ".join(f"{count} {name}" for name, count in card["pictures"].items())
    rows = [
        ["pictures", pictures],
        ["repeats left out", str(card["repeats left out"])],
        ["unreadable", str(card["unreadable"])],
        ["accuracy", f"{card['held out accuracy']:.1%}"],
        ["area under the ROC curve", f"{card['held out auc']:.4f}"],
        ["calibration error", f"{card['held out calibration error']:.3f}"],
        ["real called generated", f"{card['held out false alarms']:.2%}"],
        ["generated found", f"{card['held out detected']:.1%}"],
        ["unsure", f"{card['held out unsure']:.1%}"],
    ]
    return ["pictures it did not learn from", ""], rows


def confusion_table(classes: Any, confusion: Any) -> Table:
    """Pictures of every class by what they were taken for.

    Args:
        classes: Names of the classes.
        confusion: Counts, one row per true class; classes without pictures have none.
    """
    rows = [[name, *map(str, row)] for name, row in zip(classes, confusion, strict=True) if any(row)]
    return Table(["", *(f"taken for {name}" for name in classes)], rows)


def write_training(detector: Detector, folder: Path) -> Path:
    """Write `index.html` and its figure beside a detector.

    Args:
        detector: A trained one, in the process that trained it.
        folder: Its folder.

    Returns:
        The page.
    """
    make_folder(folder)
    page, figure = folder / "index.html", folder / "curves.png"
    pictures = []
    if detector.held_out is not None:
        save_picture(figure, draw_curves(detector.held_out))
        pictures = [Picture(figure, "", "ROC curve and reliability of the pictures that were held out", 960)]
    report = detector.report
    found = [] if report is None else [f"{as_typed(report.advice)[:1].upper()}{as_typed(report.advice)[1:]}."]
    twins = "" if report is None else (
        f"Exact twins: {report.twins.between} pictures stand on both sides and were left out, {report.twins.within} repeats."
    )  # fmt: skip
    facts = detector.facts
    options = {**facts["features"], "model": detector.model, "folds": detector.folds, "matched": facts["match"] or "no"}
    write_page(
        page,
        title="A detector of generated pictures",
        lead=f"{', '.join(detector.classes_)}: {facts['card']['held out accuracy']:.1%} of the pictures held out are taken for "
        "what they are. A score is evidence, not proof.",
        sections=[
            Section("The bias guard", [*found, twins, *GUARD] if twins else GUARD, table=Table(*guard_rows(detector))),
            Section("How good it is", CURVES, pictures, table=Table(*card_rows(detector))),
            Section("What is taken for what", table=confusion_table(detector.classes_, facts["card"]["confusion"])),
            Section("What it is not", LIMITS),
            Section(
                "What it sees", table=Table(["option", "value"], [[key, _told(one)] for key, one in options.items()])
            ),
        ],
        footer="undula detect train; the model card is in config.json.",
    )
    return page


def _told(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
