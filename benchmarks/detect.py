"""Figures of docs/detect.md: python benchmarks/detect.py [cifake] [guard] [speed] [memory] [tables]; `cifake 1` for one seed.

cifake: trained on the 10,000 + 10,000, tested on the 2,000 + 2,000 pictures, with and without the test pictures that stand in
the training too. All chance (folds, first weights, order, dropout) is in the seeds.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pywt
import torch
from measuring import ROOT, interleaved, record, results, rewrite
from PIL import Image

from undula.data.tars import Member
from undula.jobs.detect import Detector
from undula.jobs.detect.calibration import temperature
from undula.jobs.detect.command.rows import write_rows
from undula.jobs.detect.evaluation import Evaluation, evaluated
from undula.jobs.detect.extraction import Extraction, extract, without_twins
from undula.jobs.detect.features import WORDS, Features
from undula.jobs.detect.guard import crossed_accuracy, guard
from undula.jobs.detect.learning import learn, mean_logits
from undula.jobs.detect.perceptrons import Schooling
from undula.jobs.detect.reading import find_sources

SIDES = ("real", "generated")
CLASSES = ("real", "generated")


def extracted(kind: str, split: str) -> tuple[list[Extraction], float]:
    """Features of both sides of CIFAKE, and the seconds they took."""
    began = time.perf_counter()
    found = [extract(find_sources(f"cifake:{split}:{side}"), Features(kind=kind)) for side in SIDES]  # type: ignore[arg-type]
    return found, time.perf_counter() - began


def stacked(found: Sequence[Extraction]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and labels of classes."""
    labels = [torch.full((len(one.rows),), place) for place, one in enumerate(found)]
    return torch.cat([one.rows for one in found]), torch.cat(labels)


def cifake(seeds: int = 5) -> None:
    """Accuracy, area under the ROC curve and calibration error of every feature with both classifiers."""
    figures: dict[str, Any] = {}
    for kind in WORDS:
        training, seconds = extracted(kind, "train")
        tested, _ = extracted(kind, "test")
        known = {mark for one in training for mark in one.evidence.hashes}
        fresh = [one.take([n for n, mark in enumerate(one.evidence.hashes) if mark not in known]) for one in tested]
        figures["test pictures with a twin in training"] = sum(
            len(a.rows) - len(b.rows) for a, b in zip(tested, fresh, strict=True)
        )
        rows, labels = stacked(without_twins(training))
        for model in ("logistic", "mlp"):
            found: list[tuple[Evaluation, Evaluation]] = []
            took = []
            for seed in range(seeds):
                began = time.perf_counter()
                learned = learn(rows, labels, model=model, folds=3, penalty=10.0, schooling=Schooling(), seed=seed)
                took.append(time.perf_counter() - began)
                scale = temperature(learned.logits, labels)
                found.append(tuple(_figures(learned.members, scale, some) for some in (tested, fresh)))  # type: ignore[arg-type]
            row = {
                "accuracy": _spread([100 * one.accuracy for one, _ in found]),
                "without twins": _spread([100 * one.accuracy for _, one in found]),
                "auc": _spread([100 * one.auc for one, _ in found]),
                "calibration error": _spread([one.calibration_error for one, _ in found], digits=4),
                "numbers": rows.shape[1],
                "seconds of features": round(seconds, 1),
                "seconds of learning": round(statistics.median(took), 1),
                "seeds": seeds,
            }
            figures[f"{kind}, {model}"] = row
            print(kind, model, row, flush=True)
    record("detect", "cifake", figures)


def _figures(members: list[Any], scale: float, found: Sequence[Extraction]) -> Evaluation:
    rows, labels = stacked(found)
    return evaluated(mean_logits(members, rows) / scale, labels, classes=CLASSES, limits=(0.0, 0.0))


def _spread(values: Sequence[float], digits: int = 2) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def guarding() -> None:
    """CIFAKE passes; of 20 draws of two random halves of its real pictures at least 19 do."""
    (real, generated), _ = extracted("packet-statistics", "train")
    model = crossed_accuracy(real.rows, generated.rows)
    report = guard(real.evidence, generated.evidence, model=model)
    verdicts = []
    for seed in range(20):
        order = torch.randperm(len(real.rows), generator=torch.Generator().manual_seed(seed))[:4000].tolist()
        halves = [real.take(order[:2000]), real.take(order[2000:])]
        own = crossed_accuracy(*(one.rows for one in halves))
        verdicts.append(guard(*(one.evidence for one in halves), model=own))
    figures = {
        "cifake": report.table(),
        "halves that passed, of 20": sum(one.passed for one in verdicts),
        "halves of which nothing was claimed, of 20": sum(not one.forensic for one in verdicts),
    }
    record("detect", "guard", figures)


def loop_statistics(image: np.ndarray) -> np.ndarray:
    """The numbers of `packet_statistics` for one picture (h, w, 3) in bytes, as a loop over PyWavelets' packets."""
    weights = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    planes = np.einsum("oc,hwc->ohw", weights, image.astype(np.float64))
    trees = [pywt.WaveletPacket2D(plane, "haar", "symmetric", maxlevel=3) for plane in planes]
    rows = []
    for level in (1, 2, 3):
        packets = np.stack([[node.data for node in tree.get_level(level, "natural")] for tree in trees])
        sizes = np.abs(packets)
        logs = np.log(sizes + 1)
        off = logs - logs.mean((-2, -1), keepdims=True)
        variance = (off**2).mean((-2, -1))
        rows += [logs.mean((-2, -1)), np.sqrt(variance), np.sqrt(sizes.mean((-2, -1)))]
        if level < 3:
            energy = (packets**2).mean((-2, -1))
            rows += [np.log(((packets**4).mean((-2, -1)) + 1) / (energy + 1) ** 2), (off**3).mean((-2, -1))]
            size = np.sqrt(energy + 1)
            rows += [
                (packets[a] * packets[b]).mean((-2, -1)) / (size[a] * size[b]) for a, b in ((0, 1), (0, 2), (1, 2))
            ]
            rows.append((off[..., 1:] * off[..., :-1]).mean((-2, -1)) / (variance + 0.05))
            rows.append((off[..., 1:, :] * off[..., :-1, :]).mean((-2, -1)) / (variance + 0.05))
            flat = off[0].reshape(len(off[0]), -1)
            rows.append((flat @ flat.T / flat.shape[1])[np.triu_indices(len(flat), 1)])
    return np.concatenate([row.ravel() for row in rows])


def speed() -> None:
    """Statistics against the loop, and from JPEGs of 256 × 256 pixels to rows of the table: leave two cores idle."""
    images = crops(64)
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    features = Features()
    ours, loops = features.rows(batch[:2].double() / 255), np.stack([loop_statistics(one) for one in images[:2]])
    assert np.allclose(ours.numpy(), loops, atol=1e-5), np.abs(ours.numpy() - loops).max()
    sides = {
        "undula": lambda: features.rows(batch[:16].float() / 255),
        "PyWavelets": lambda: [loop_statistics(one) for one in images[:16]],
    }
    times = interleaved(sides, rounds=5, clock=time.process_time)
    middle = {name: statistics.median(values) for name, values in times.items()}
    figures: dict[str, Any] = {"PyWavelets loop over undula": round(middle["PyWavelets"] / middle["undula"], 1)}
    detector = Detector(guard="off", folds=2, robust=False).fit(*(batch[:24, :, :64, :64].float() / 255).split(12))
    with tempfile.TemporaryDirectory() as place:
        for number in range(400):
            Image.fromarray(images[number % 64]).save(Path(place) / f"{number:06d}.jpg", quality=90)
        for name, ensemble, rounds in (("", False, 5), (" with degraded copies", True, 2)):
            costs = [_cost(detector, place, ensemble=ensemble) for _ in range(rounds + 1)][1:]
            cpu, wall, others = (statistics.median(column) for column in zip(*costs, strict=True))
            figures |= {
                f"files per CPU second{name}": round(cpu),
                f"files per second on {len(os.sched_getaffinity(0))} cores{name}": round(wall),
                f"other processes meanwhile{name}, % of a core": round(others),
            }
    record("detect", "speed", figures)


def crops(count: int) -> list[np.ndarray]:
    """Squares of 256 pixels from the photographs, at random places."""
    chance = np.random.default_rng(0)
    names = sorted((Path(os.environ["UNDULA_DATA"]) / "photos").glob("*.png"))
    found = []
    for number in range(count):
        with Image.open(names[number % len(names)]) as image:
            pixels = np.asarray(image.convert("RGB"))
        top, left = (int(chance.integers(0, side - 255)) for side in pixels.shape[:2])
        found.append(pixels[top : top + 256, left : left + 256].copy())
    return found


def _cost(detector: Detector, place: str, *, ensemble: bool) -> tuple[float, float, float]:
    """Files per second of CPU and of the wall, and what all others took of a core in percent."""
    table = Path(place) / "rows.csv"
    table.unlink(missing_ok=True)
    busy, cpu, wall = _busy(), time.process_time(), time.perf_counter()
    with write_rows(table) as rows:
        count = sum(1 for row in detector.judge(place, ensemble=ensemble) if rows.write(row) is None)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return count / cpu, count / wall, max(0.0, 100 * (_busy() - busy - cpu) / wall)


def _busy() -> float:
    """Seconds that the cores of this machine were busy, where the system tells; 0 elsewhere."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0
    user, nice, system = (int(word) for word in path.read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def memory() -> None:
    """The most memory of `undula detect score` for 100,000 files (FILES), links to 400 pictures of CIFAKE, 32 × 32 pixels."""
    count = int(os.environ.get("FILES", "100000"))
    contents = [
        source.held.read() for source in find_sources("cifake:test:real")[:400] if isinstance(source.held, Member)
    ]
    with tempfile.TemporaryDirectory() as place:
        folder, table = Path(place) / "pictures", Path(place) / "rows.csv"
        folder.mkdir()
        for number in range(count):
            path = folder / f"{number:06d}.jpg"
            if number < len(contents):
                path.write_bytes(contents[number])
            else:
                os.link(folder / f"{number % len(contents):06d}.jpg", path)
        call = ["detect", "score", str(folder), "--model", "demo", "--no-ensemble", "--csv", str(table), "--quiet"]
        subprocess.run([Path(sys.executable).with_name("undula"), *call], check=True)
        with table.open() as lines:
            rows = sum(1 for _ in lines) - 1
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "files of 32 × 32 pixels": rows, "CPU seconds": round(used.ru_utime + used.ru_stime, 1),
        "most memory, MB": round(used.ru_maxrss / 1024),
    }  # fmt: skip
    record("detect", "memory", figures)


def tables() -> None:
    """Write the figures that were recorded into docs/detect.md."""
    known = results("detect")
    blocks = {}
    if "cifake" in known:
        blocks["cifake"] = _cifake_table(known["cifake"])
    if "guard" in known:
        found = known["guard"]
        baselines = [f"| {name} | {100 * value:.1f} |" for name, value in found["cifake"]["baselines"].items()]
        blocks["guard"] = "\n".join(
            [
                "| the bias guard on CIFAKE | balanced accuracy, % |", "| --- | --- |", *baselines,
                f"| logistic on packet statistics | {100 * found['cifake']['model']:.1f} |",
                "",
                f"CIFAKE: {found['cifake']['verdict']}. Of 20 draws of two random halves of its real pictures "
                f"{found['halves that passed, of 20']} pass.",
            ]
        )  # fmt: skip
    rows = [
        f"| {title}{name.replace('on 1 cores', 'on one core')} | {value:,} |"
        for section, title in (("speed", "256 × 256 pixels, JPEG: "), ("memory", "a large folder: "))
        for name, value in known.get(section, {}).items()
    ]
    if rows:
        blocks["speed"] = "\n".join(["| speed and memory |  |", "| --- | --- |", *rows])
    rewrite(ROOT / "docs" / "detect.md", blocks)


def _cifake_table(figures: dict[str, Any]) -> str:
    columns = (
        "accuracy",
        "without twins",
        "auc",
        "calibration error",
        "numbers",
        "seconds of features",
        "seconds of learning",
    )
    lines = [f"| features, classifier | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
    rows = {name: row for name, row in figures.items() if isinstance(row, dict)}
    lines += [f"| {name} | {' | '.join(str(row[column]) for column in columns)} |" for name, row in rows.items()]
    seeds = next(iter(rows.values()))["seeds"]
    twins = figures["test pictures with a twin in training"]
    return "\n".join([*lines, "", f"Seeds: {seeds}. Test pictures with a twin in the training: {twins}."])


SECTIONS = {"cifake": cifake, "guard": guarding, "speed": speed, "memory": memory, "tables": tables}

if __name__ == "__main__":
    if sys.argv[1:2] == ["cifake"] and len(sys.argv) == 3:
        cifake(int(sys.argv[2]))
    else:
        for section in sys.argv[1:] or SECTIONS:
            SECTIONS[section]()
