"""What every benchmark shares: the environment, the results file, and the tables in the documentation."""

import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"


def environment() -> dict[str, Any]:
    """Machine and versions that the figures belong to."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def record(word: str, section: str, figures: Any) -> None:
    """Put the figures of a section, with their environment, into benchmarks/results/<word>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{word}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known[section] = {"environment": environment(), "figures": figures}
    path.write_text(json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    print(f"--- {section}\n{json.dumps(figures, indent=1, ensure_ascii=False)}", flush=True)


def results(word: str) -> dict[str, Any]:
    """The figures of all sections."""
    known = json.loads((RESULTS / f"{word}.json").read_text())
    return {section: entry["figures"] for section, entry in known.items()}


def rewrite(path: Path, blocks: dict[str, str]) -> None:
    """Replace what stands between <!-- name --> and <!-- /name --> in a Markdown file by tables made from results."""
    text = path.read_text()
    for name, block in blocks.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        if re.search(pattern, text, flags=re.S):
            text = re.sub(pattern, lambda match, block=block: match[1] + block + "\n" + match[2], text, flags=re.S)
    path.write_text(text)


def table(header: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def interleaved(
    functions: dict[str, Callable[[], object]], *, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each function by this clock, one warm-up round, then `rounds` rounds by turns in this process."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for round_number in range(rounds + 1):
        for name, function in functions.items():
            began = clock()
            function()
            if round_number:
                times[name].append(clock() - began)
    return times
