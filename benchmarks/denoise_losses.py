"""All losses and the sharpness dial: `python benchmarks/denoise_losses.py FOLDER [cracks] [BSD68] [pictures] [tables]`.

FOLDER keeps the trained networks, and the same call goes on there. `--color MODEL` and `--grey MODEL` begin with the model in
that folder, else the weights that ship; where none for color do, the common beginning is ten times as long. Noise of 25/255.

`cracks`: color, trained on pictures 1 to 120 of CrackForest in the order of their names, scored on the last 35. `BSD68`: grey,
trained on the photographs of `UNDULA_DATA/photos` that the shipped weights were trained on, scored on BSD68. Both are scored
on the middle 256 × 256 pixels. `pictures`: brick, grass and gravel of scikit-image (CC0) by the networks of `BSD68`.
"""

import argparse
import json
import math
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from measuring import ROOT, record, results, rewrite, table
from torch import Tensor, nn

from undula.data import Pictures, cc0_textures, find_pictures
from undula.data.plain import plain
from undula.jobs.denoise.command.comparing_pictures import draw_scatter, draw_sheet
from undula.jobs.denoise.command.comparing_tables import answer, dial_table, measures_table
from undula.jobs.denoise.comparison.compare import compare_losses
from undula.jobs.denoise.comparison.contest import Contest, Course
from undula.jobs.denoise.comparison.contestants import Contestant, read_contestants
from undula.jobs.denoise.comparison.examination import Examination, Measures
from undula.jobs.denoise.comparison.specimen import specimen, typical_window, windows
from undula.jobs.denoise.comparison.standings import Standing
from undula.jobs.denoise.denoiser import Denoiser

SETS = {"cracks": 3, "BSD68": 1}
NOT_TRAINED_ON = 14  # photographs that chose the shipped weights
PIECE, SHOWN = 256, 88  # pixels
PICTURE = ROOT / "docs" / "pictures" / "denoise-sharpness.png"


def split_of(name: str, count: int | None) -> tuple[Pictures, Pictures]:
    """Pictures to train on and to score; of each the first `count`, if that is given."""
    data = Path(os.environ["UNDULA_DATA"])
    if name == "cracks":
        found = find_pictures("cracks", channels=3)
        known, unseen = part(found, 0, 120), part(found, -35, None)
    else:
        known = part(find_pictures("photos", channels=1), 0, -NOT_TRAINED_ON)
        unseen = find_pictures(data / "denoise" / name, channels=1)
    pieces = [middle(one) for one in unseen.clean]
    unseen = Pictures(unseen.names, pieces, None, {})
    return part(known, 0, count), part(unseen, 0, count)


def part(pictures: Pictures, first: int, last: int | None) -> Pictures:
    """Some of the pictures."""
    return Pictures(pictures.names[first:last], pictures.clean[first:last], None, {})


def middle(picture: Tensor) -> Tensor:
    """The middle, of portraits that of the transposed picture."""
    lying = picture.mT if picture.shape[1] > picture.shape[2] else picture
    top, left = ((side - PIECE) // 2 for side in lying.shape[1:])
    return lying[:, top : top + PIECE, left : left + PIECE]


def start_of(channels: int, model: str | None) -> nn.Module | None:
    """The network that all begin with."""
    network = (Denoiser.load(model) if model else Denoiser.pretrained(3 if channels == 3 else 1)).network
    assert network is not None
    return network if network.settings["channels"] == channels else None  # type: ignore[index]


def course_of(options: argparse.Namespace, start: nn.Module | None) -> Course:
    """How the contestants are trained: the sizes with which the losses were first compared."""
    return Course(
        first=options.first if start is not None else 10 * options.first, steps=options.steps, seeds=options.seeds,
        batch=8, size=64, rate=3e-4,
    )  # fmt: skip


def compare(name: str, options: argparse.Namespace) -> None:
    """Compare on one set."""
    start = start_of(SETS[name], options.color if SETS[name] == 3 else options.grey)
    course = course_of(options, start)
    known, unseen = split_of(name, options.count)
    began, last = time.process_time(), [0.0]

    def tell(done: int, total: int, what: str) -> None:
        if time.monotonic() - last[0] > 20:
            last[0] = time.monotonic()
            print(f"{name}: {done} of {total} steps, {what}, {time.process_time() - began:.0f} s", flush=True)

    found = compare_losses(
        known, test=unseen, contestants=read_contestants(options.losses), course=course, start=start,
        folder=Path(options.folder) / name, callback=tell,
    )  # fmt: skip
    print(f"{name}: {time.process_time() - began:.0f} seconds of one core in this call", flush=True)
    draw_scatter(Path(options.folder) / f"{name}.png", found)
    figures = {
        "trained": found.trained, "scored": found.scored, "from scratch": start is None, "answer": answer(found),
        "course": asdict(course), "curve": [asdict(one) for one in found.curve],
        "standings": [asdict(one) for one in found.standings],
    }  # fmt: skip
    keep(name, short(plain(figures)), options)


def pictures(options: argparse.Namespace) -> None:
    """Draw three textures by the networks that `BSD68` trained, and by the dial."""
    start = start_of(1, options.grey)
    course = course_of(options, start)
    known, _ = split_of("BSD68", options.count)
    contest = Contest(known, course, start=start, folder=Path(options.folder) / "BSD68")
    textures = cc0_textures()
    exam = Examination(Pictures(list(textures), list(textures.values()), None, {}), sigma=contest.sigma)
    standings = standings_of(json.loads((Path(options.folder) / "BSD68.json").read_text())["standings"])
    best = max(standings, key=lambda one: one.mean.energy)
    rows = []
    for place, name in enumerate(textures):
        made = specimen(contest, exam, place, losses=[Contestant(best.name, best.loss)], sharpness=[0.3, 1.0])
        _, where = typical_window([exam.clean[place]], SHOWN)
        (_, clean), noisy, control, loss, *dials = windows(made, where)
        told = [(name, clean), *((text.removesuffix(" dB"), one) for text, one in (noisy, control, *dials, loss))]
        rows.append(told)
    sheet = draw_sheet(rows).quantize(48)
    target = Path(options.folder) / "pictures.png" if options.dry else PICTURE
    sheet.save(target, optimize=True)
    print(f"{target}: {target.stat().st_size} bytes, the sharpest loss is {best.name}")


def tables(_: argparse.Namespace) -> None:
    """Rewrite the tables of docs/denoise.md."""
    blocks = {}
    for name in SETS:
        figures = results("denoise").get(f"losses {name}")
        if figures is not None:
            standings = standings_of(figures["standings"])
            both = [table(*measures_table(standings)), table(*dial_table(standings))]
            blocks[f"losses-{name}"] = "\n\n".join([*both, figures["answer"]])
    if PICTURE.exists():
        shown = "Brick, grass and gravel: noisy, by the network trained with mse, with the dial at 0.3 and 1, by a loss"
        blocks["losses-picture"] = (
            f"![{shown}](pictures/{PICTURE.name})\n\n*{shown}; PSNR in decibels of the whole picture.*"
        )
    rewrite(ROOT / "docs" / "denoise.md", blocks)


def standings_of(rows: list[dict[str, Any]]) -> list[Standing]:
    """Standings as they were recorded."""

    def measures(row: dict[str, Any] | None) -> Measures | None:
        if row is None:
            return None
        return Measures(**{name: math.nan if one is None and name != "color" else one for name, one in row.items()})

    return [
        Standing(**{**row, **{name: measures(row[name]) for name in ("mean", "deviation", "dial")}}) for row in rows
    ]


def keep(name: str, figures: Any, options: argparse.Namespace) -> None:
    """Keep figures beside the networks and, but for a dry run, among the results."""
    (Path(options.folder) / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    if options.dry:
        print(name, figures["answer"])
        for row in figures["standings"]:
            print(row["name"], row["mean"]["psnr"], row["mean"]["energy"], row["sharpness"], row["over_dial"])
    else:
        record("denoise", f"losses {name}", figures)


def short(value: Any) -> Any:
    """Five digits of every number."""
    if isinstance(value, dict):
        return {key: short(one) for key, one in value.items()}
    if isinstance(value, list):
        return [short(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="where the trained networks are kept")
    parser.add_argument("sections", nargs="*", default=[*SETS, "pictures", "tables"])
    parser.add_argument("--color", help="folder of a color model to begin with")
    parser.add_argument("--grey", help="folder of a grey model to begin with")
    parser.add_argument("--first", type=int, default=500)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--count", type=int, help="take so many pictures to train on and to score")
    parser.add_argument("--losses", nargs="*", default=[])
    parser.add_argument("--dry", action="store_true", help="print, and keep results and documentation as they are")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for section in options.sections:
        if section in SETS:
            compare(section, options)
        else:
            {"pictures": pictures, "tables": tables}[section](options)


if __name__ == "__main__":
    main()
