"""CIFAKE as it is and degraded: python benchmarks/detect_robust.py MODEL [robust|clean] [SEEDS] [EPOCHS], or demo, or tables.

MODEL is logistic, mlp or cnn. Trained on the 10,000 + 10,000 pictures with nothing but what `Detector` does, tested on the
2,000 + 2,000; WebP and gamma are never learned. A line of the record for every model and way of training; each seed is
recorded as soon as it is there. `demo` trains the detector that comes with Undula, on a part of the training pictures.
"""

import statistics
import sys
import time
from typing import Any

from measuring import ROOT, record, results, rewrite, table

from undula.jobs.detect import Detector
from undula.jobs.detect.degradations import CORRUPTIONS
from undula.jobs.detect.extraction import _Marking
from undula.jobs.detect.reading import Source, find_sources, read_pictures
from undula.jobs.detect.sources_compared import Figures, ask, figures

SIDES = ("real", "generated")
PLAIN, FRESH = "as they are", "without twins"
SHOWN = ("JPEG 75", "JPEG 50", "noise of 5", "blur of 0.7", "crop made large", "WebP 75", "gamma 1.2")
NEVER_LEARNED = ("WebP 75", "gamma 1.2")
SECTION = "robust"
DEMO = 2500


def marks(split: str) -> dict[str, list[bytes]]:
    """Hashes of the pixels of both sides."""
    return {
        side: [one.mark for one in read_pictures(find_sources(f"cifake:{split}:{side}"), change=_Marking(None))]
        for side in SIDES
    }


def fresh_sources() -> dict[str, list[Source]]:
    """Test pictures that do not stand in the training too."""
    known = {mark for some in marks("train").values() for mark in some}
    found = marks("test")
    return {
        side: [
            one for one, mark in zip(find_sources(f"cifake:test:{side}"), found[side], strict=True) if mark not in known
        ]
        for side in SIDES
    }


def numbers(found: Figures) -> dict[str, float]:
    """What is recorded of a condition."""
    return {"accuracy": 100 * found.accuracy, "auc": 100 * found.auc, "calibration error": found.calibration_error}


def measured(model: str, way: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train and test once."""
    began = time.process_time()
    detector = Detector(model=model, robust=way == "robust", seed=seed, epochs=epochs, guard="off")  # type: ignore[arg-type]
    detector.fit("cifake:train:real", "cifake:train:generated")
    took = time.process_time() - began
    tests = {side: find_sources(f"cifake:test:{side}") for side in SIDES}
    found: dict[str, Any] = {"seed": seed, "epochs": epochs, "CPU seconds": round(took, 1)}
    found[PLAIN] = numbers(figures(ask(detector, tests)))
    print(model, way, seed, found, flush=True)
    found[FRESH] = numbers(figures(ask(detector, fresh_sources())))
    for name in SHOWN:
        found[name] = numbers(figures(ask(detector, tests, change=CORRUPTIONS[name])))
        print(name, found[name], flush=True)
    found["weights"] = sum(value.numel() for member in detector.members for value in member.parameters())
    return found


def run(model: str, way: str, seeds: int, epochs: int) -> None:
    """Seeds 0 … of one model; what was recorded of other epochs is forgotten."""
    for seed in range(seeds):
        known = _known()
        lines = [one for one in known.get(f"{model}, {way}", []) if one["epochs"] == epochs]
        if any(one["seed"] == seed for one in lines):
            continue
        lines.append(measured(model, way, seed, epochs))
        known = _known()
        known[f"{model}, {way}"] = sorted(lines, key=lambda one: one["seed"])
        record("detect", SECTION, known)


def _known() -> dict[str, Any]:
    try:
        return results("detect").get(SECTION, {})
    except FileNotFoundError:
        return {}


def demo() -> None:
    """Train, test and keep the detector of `--model demo`."""
    classes = [f"cifake:train:{side}:0-{DEMO}" for side in SIDES]
    detector = Detector(level=2).fit(*classes)
    detector.facts["card"]["demo"] = (
        f"this is the demo: it learned {DEMO:,} photographs of 32 × 32 pixels (CIFAR-10) and as many pictures by Stable "
        "Diffusion 1.4 (CIFAKE, MIT), all JPEG of quality 75, and what it says of any other picture means nothing"
    )
    detector.save(ROOT / "src" / "undula" / "jobs" / "detect" / "demo")
    tests = {side: find_sources(f"cifake:test:{side}") for side in SIDES}
    record("detect", "demo", {"pictures of each class": DEMO, **numbers(figures(ask(detector, tests)))})


def tables() -> None:
    """Write the figures that were recorded into docs/detect.md."""
    known = {name: _known()[name] for name in sorted(_known(), key=_place)}
    conditions = (PLAIN, FRESH, *SHOWN)
    accuracies = [
        [name, *(_spread(runs, one, "accuracy", 2) for one in conditions), len(runs)] for name, runs in known.items()
    ]
    errors = [
        [name, *(_spread(runs, one, "calibration error", 3) for one in conditions)] for name, runs in known.items()
    ]
    costs = [
        f"{name}: {runs[0]['weights']:,} weights, {statistics.median(one['CPU seconds'] for one in runs):.0f} CPU seconds"
        for name, runs in known.items()
    ]
    heads = [f"{one} (never learned)" if one in NEVER_LEARNED else one for one in conditions]
    text = [
        table(["accuracy, %", *heads, "seeds"], accuracies), "", table(["calibration error", *heads], errors), "",
        "; ".join(costs) + ".",
    ]  # fmt: skip
    blocks = {"robust": "\n".join(text)} if known else {}
    one = results("detect").get("demo")
    if one:
        blocks["demo"] = (
            f"The demo, trained on {one['pictures of each class']:,} pictures of each class: {one['accuracy']:.1f} % of the "
            f"test pictures, calibration error {one['calibration error']:.3f}."
        )
    rewrite(ROOT / "docs" / "detect.md", blocks)


def _place(name: str) -> tuple[int, str]:
    model, way = name.split(", ")
    return ("logistic", "mlp", "cnn").index(model), way


def _spread(runs: list[dict[str, Any]], condition: str, what: str, digits: int) -> str:
    values = [one[condition][what] for one in runs]
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"


if __name__ == "__main__":
    if sys.argv[1:] in (["tables"], ["demo"]):
        {"tables": tables, "demo": demo}[sys.argv[1]]()
    else:
        way, seeds, epochs = (*sys.argv[2:], *("robust", "1", "20")[len(sys.argv) - 2 :])
        run(sys.argv[1], way, int(seeds), int(epochs))
