"""Tables of docs/restore.md, made from benchmarks/results/restore.json."""

from typing import Any

from measuring import ROOT, results, rewrite, table
from restore_pictures import PHOTOGRAPHS

_HEADS = [head for name in PHOTOGRAPHS for head in (f"{name}, PSNR", "SSIM")]


def tables() -> None:
    """Rewrite the marked blocks of docs/restore.md for which there are figures."""
    makers = {
        "seed": _seed,
        "found": _found,
        "photographs": _photographs,
        "side by side": _side_by_side,
        "sets": _sets,
        "tried": _tried,
        "others": _others,
        "intervals": _intervals,
        "large": _large,
    }
    known = results("restore")
    rewrite(ROOT / "docs" / "restore.md", {name: makers[name](known[name]) for name in makers if name in known})


def _seed(figures: dict[str, Any]) -> str:
    return table(
        ["the tutorial's method, nine of ten pixels missing", ""], [[key, value] for key, value in figures.items()]
    )


def _found(figures: dict[str, Any]) -> str:
    heads = list(next(iter(figures.values())))
    return table(["damaged", *heads], [[name, *row.values()] for name, row in figures.items()])


def _photographs(figures: dict[str, Any]) -> str:
    blocks = []
    for region, words in (("whole", "512 × 512 pixels"), ("middle", "the middle 256 × 256 pixels")):
        rows = sorted(figures[region].items(), key=lambda item: -sum(row["PSNR"] for row in item[1].values()))
        blocks.append(table([words, *_HEADS, "seconds", "MB"], [_row(name, row) for name, row in rows]))
    ratio = figures["biharmonic over smooth, seconds of CPU"]
    return "\n\n".join([*blocks, f"Biharmonic inpainting takes {ratio:,} times as long as `smooth` there."])


def _side_by_side(figures: dict[str, Any]) -> str:
    ratios = " and ".join(f"{value:.0f}" for value in figures["biharmonic over smooth"].values())
    return (
        f"By the clock, by turns in one process that may take {figures['threads']} threads (load of the machine: "
        f"{figures['load']}): {ratios} times as long on the two middles. 100 was the aim."
    )


def _row(name: str, row: dict[str, Any]) -> list[Any]:
    """Scores of both photographs, the mean of their seconds, and the greater of their memories."""
    both = [row[picture] for picture in PHOTOGRAPHS]
    scores = [cell for one in both for cell in (f"{one['PSNR']:.2f}", f"{one['SSIM']:.3f}")]
    seconds = sum(one["seconds of CPU"] for one in both) / 2
    memory = [one["memory [MB]"] for one in both if "memory [MB]" in one]
    return [name, *scores, f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}", *([max(memory)] if memory else [])]


def _sets(figures: dict[str, Any]) -> str:
    rows = [
        [share, *(f"{row[f'{name}, {word}']:+.2f}" for name in ("best", "smooth") for word in ("mean", "least"))]
        for share, row in figures.items()
    ]
    below = sum(row["best, below 0"] for row in figures.values())
    pictures = next(iter(figures.values()))["best, of"]
    heads = ["missing", "best, mean", "least", "smooth, mean", "least"]
    return (
        table(heads, rows) + f"\n\n`best` is below linear interpolation on {below} of {pictures} pictures × 5 shares."
    )


def _tried(figures: dict[str, Any]) -> str:
    rows = sorted(figures.items(), key=lambda item: -sum(item[1][picture]["PSNR"] for picture in PHOTOGRAPHS))
    return table(["method", *_HEADS, "seconds"], [_row(name, row) for name, row in rows])


def _others(figures: dict[str, Any]) -> str:
    heads = ["missing", "linear", "smooth", "best", "held"]
    rows = [[name, *(_number(row[head]) for head in heads)] for name, row in figures.items()]
    return table(["damage", "missing", "linear", "smooth", "best", "held by intervals"], rows)


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}"


def _intervals(figures: dict[str, Any]) -> str:
    rows = [
        [share, row["held"], f"{row['held by tenths'][0]} … {row['held by tenths'][-1]}", _range(row), row[_OVER]]
        for share, row in figures.items()
    ]
    return table(
        ["missing", "held", "narrowest … widest tenth", "least … most of a tenth", "width over one width"], rows
    )


_OVER = "mean width over one width"


def _range(row: dict[str, Any]) -> str:
    tenths = sorted(row["held by tenths"], key=lambda share: float(share.split()[0]))
    return f"{tenths[0]} … {tenths[-1]}"


def _large(figures: dict[str, Any]) -> str:
    heads = ["seconds", "seconds of CPU", "memory [MB]", "memory of the process [MB]", "PSNR"]
    return table(
        ["color, 90 % missing, smooth", *heads], [[name, *(row[h] for h in heads)] for name, row in figures.items()]
    )
