"""What a finished command tells: sentences, the table, the page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from undula.data import OutputFolder
from undula.session.batch import summed_up
from undula.show import Picture, Section, Table, write_page

Record = Mapping[str, Any]
_FIGURES, _ROWS = 24, 200

DESCENT = (
    "The animation shows gradient descent, as in the tutorial that this job comes from: every step moves the missing pixels "
    "a little so that neighbors differ less, row by row and column by column. It arrives soon; what it minimizes, not how, "
    "is its limit."
)
READING = (
    "Known pixels are returned as they were, unless --noise says that they are noisy, too. What stands between them is a "
    "guess: fine texture becomes smooth, and lines thinner than the distance of known pixels break.",
    "The interval says how far off a pixel may be: nine of ten true values lie within, as measured on photographs that the "
    "network had not seen. It is wide at edges and in texture.",
    "Where no mask was given, pixels that are exactly black or white and do not fit their surroundings were taken for "
    "damaged. Pixels damaged in other ways need a mask.",
)


def finding(record: Record) -> str:
    """A sentence about a picture.

    Example:
        >>> finding({"share": 0.9, "known": "made", "method": "best", "advice": []})
        '90.0 % of the pixels were replaced by black or white; filled by "best"'
    """
    how = {"made": "were replaced by black or white", "given": "are missing", "found": "were found to be damaged"}
    words = [f"{100 * record['share']:.1f} % of the pixels {how[record['known']]}", f'filled by "{record["method"]}"']
    if record.get("search") is not None:
        precision, recall = (100 * record["search"][name] for name in ("precision", "recall"))
        words.append(
            f"about {precision:.1f} % of those were found rightly, and {recall:.1f} % of all that are damaged (estimated)"
        )
    if record.get("psnr") is not None:
        words.append(f"{record['psnr_before']:.2f} dB before, {_score(record, '')} after")
    if record.get("descent_psnr") is not None and record["method"] != "descent":
        words.append(f"{_score(record, 'descent_')} by the tutorial's gradient descent")
    if record.get("held") is not None:
        words.append(f"the intervals hold {100 * record['held']:.1f} % of the missing values")
    if record.get("recall") is not None:
        words.append(
            f"{100 * record['recall']:.2f} % of the damaged values found, {100 * record['good_changed']:.2f} % of the good "
            "ones changed by more than 2 grey levels"
        )
    return "; ".join([*words, *record["advice"]])


def _score(record: Record, prefix: str) -> str:
    ssim = record.get(f"{prefix}ssim")
    return f"{record[f'{prefix}psnr']:.2f} dB" + ("" if ssim is None else f" (SSIM {ssim:.3f})")


def table_of(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Header and rows, with the columns that any of the pictures has a value for.

    Args:
        records: The pictures.

    Returns:
        The header and one row per picture.
    """
    columns: dict[str, tuple[str, Callable[[Record], str]]] = {
        "item": ("item", lambda r: r["item"]),
        "size": ("shape", lambda r: " × ".join(map(str, r["shape"][:0:-1]))),
        "missing": ("share", lambda r: f"{100 * r['share']:.1f} %"),
        "before": ("psnr_before", lambda r: f"{r['psnr_before']:.2f}"),
        "dB": ("psnr", lambda r: f"{r['psnr']:.2f}"),
        "SSIM": ("ssim", lambda r: f"{r['ssim']:.3f}"),
        "descent": ("descent_psnr", lambda r: f"{r['descent_psnr']:.2f}"),
        "found": ("recall", lambda r: f"{100 * r['recall']:.2f} %"),
        "changed": ("good_changed", lambda r: f"{100 * r['good_changed']:.2f} %"),
    }
    header = [name for name, (key, _) in columns.items() if any(r.get(key) is not None for r in records)]
    rows = [[columns[name][1](r) if r.get(columns[name][0]) is not None else "–" for name in header] for r in records]
    return header, rows


def write_report(out: OutputFolder, records: Sequence[Record]) -> None:
    """Write `index.html` from all finished pictures of the folder.

    Args:
        out: The folder.
        records: Its records.
    """
    shown = list(records[:_FIGURES])
    header, rows = table_of(records[:_ROWS])
    left_out = [f"Sheets of the first {_FIGURES} of {len(records)} pictures."] if len(records) > _FIGURES else []
    write_page(
        out.path("index.html"),
        title="Restored",
        lead=summed_up("restored", records, 0).capitalize() + ".",
        sections=[
            *(Section(record["item"], _sentences(record), figures(out, record)) for record in shown),
            Section("How to read it", paragraphs=READING),
            Section("Every picture", left_out, table=Table(header, rows)),
        ],
        footer="undula restore; arguments, versions and timings are in run.json.",
    )


def figures(out: OutputFolder, record: Record) -> list[Picture]:
    """The sheet of a picture, and the film of the descent, where there is one.

    Args:
        out: The folder.
        record: The picture.
    """
    name = record["item"]
    sheet = Picture(out.path(f"{name}-sheet.png"), "", f"{name}: damaged, missing, repaired, uncertainty", 960)
    if f"{name}-descent.gif" not in record["files"]:
        return [sheet]
    height, width = record["filmed"]
    part = "" if [height, width] == record["shape"][1:] else f" Its middle is shown, {width} × {height} pixels."
    caption = f"Gradient descent on the differences of neighbors, 500 steps.{part}"
    return [
        sheet,
        Picture(out.path(f"{name}-descent.gif"), caption, "Animation: black and white specks turn grey", None),
    ]


def _sentences(record: Record) -> list[str]:
    sentence = finding(record) + "."
    return [sentence, DESCENT] if record.get("filmed") else [sentence]
