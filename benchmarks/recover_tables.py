"""Tables of the documentation, made from benchmarks/results/recover.json."""

from typing import Any

from measuring import ROOT, results, rewrite, table


def tables() -> None:
    """Rewrite the marked blocks of docs/recover.md and README.md."""
    figures = results("recover")
    blocks = {
        "digits": _digits(figures["digits"], figures["speed"]),
        "gradient": _gradient(figures["gradient"], figures["digits"]),
        "noise": _noise(figures["noise"]),
        "generality": _generality(figures["generality"]),
        "rivals": _rivals(figures["rivals"]),
        "crystal": _crystal(figures["crystal"]),
    }
    for page in (ROOT / "docs" / "recover.md", ROOT / "README.md"):
        rewrite(page, blocks)


def _digits(digits: dict[str, Any], speed: dict[str, Any]) -> str:
    failures = ", ".join(map(str, digits["not solved"])) or "none"
    rows = [
        [
            "accepted and correct",
            f"{digits['accepted and correct']:,} of {digits['digits']:,} (not solved: {failures})",
        ],
        ["accepted but wrong", len(digits["accepted but wrong"])],
        ["Fourier transforms per digit, mean", digits["mean transforms"]],
        ["… median, 90 %, 99 %, most", ", ".join(map(str, digits["transforms at 50, 90, 99 % and most"]))],
        ["time, relative to as many bare `rfft2`/`irfft2` calls", speed["ratio to bare transforms (median)"]],
    ]
    return table(["test digits of MNIST, 28 × 28, un-padded, no support given", ""], rows)


def _gradient(rows: dict[str, Any], digits: dict[str, Any]) -> str:
    lines = [
        [
            name,
            row["digits"],
            _share(row["per start"]),
            _share(row["best of 8 by residual"]),
            row["transforms per start"],
        ]
        for name, row in rows.items()
    ]
    solved = digits["accepted and correct"] / digits["digits"]
    lines.append(
        ["RRR, the default method", digits["digits"], "", f"{solved:.2%} (no choice)", digits["mean transforms"]]
    )
    return table(["gradient steps only", "digits", "per start", "best of 8 by residual", "transforms per start"], lines)


def _noise(rows: dict[str, Any]) -> str:
    lines = [[name, row["median PSNR"], row["least PSNR"], row["transforms"]] for name, row in rows.items()]
    return table(["noise", "median PSNR [dB]", "least", "transforms"], lines)


def _generality(rows: dict[str, Any]) -> str:
    return table(
        ["object", "result"], [[name, ", ".join(f"{k} {v}" for k, v in row.items())] for name, row in rows.items()]
    )


def _rivals(rows: dict[str, Any]) -> str:
    lines = []
    for name, row in rows.items():
        method, budget = name.rsplit(", ", 1)
        lines.append(
            [method, budget, f"{row['correct']} of {row['of']}", row["median residual"], row["mean transforms"]]
        )
    return table(["method", "budget", "correct", "median residual", "transforms used"], lines)


def _crystal(rows: dict[str, Any]) -> str:
    keys = sorted({key for row in rows.values() for key in row}, key=lambda key: list(rows["2 % held out"]).index(key))
    cells = [[key, *(_cell(row.get(key, "")) for row in rows.values())] for key in keys]
    return table(["measured nanocrystal, 128³ voxels, 8 runs", *rows], cells)


def _cell(value: Any) -> str:
    return f"{min(value)} … {max(value)}" if isinstance(value, list) and len(value) == 8 else str(value).strip("[]")


def _share(value: float) -> str:
    return f"{value:.1%}"
