"""Other generators, for docs/detect.md: python benchmarks/detect_sources.py [matrix] [sources] [bands] [audio] [tables].

Stable Diffusion (of CIFAKE) and the generators of benchmarks/detect_generators.py, whose pictures lie in the folder that the
variable WORK names. All pictures went through the same JPEG, quality 75 with 4:2:0. Generators that are not there are left out.
"""

import os
import statistics
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import ROOT, record, results, rewrite, table
from torch import Tensor, nn

from undula.data.cifake import cifake
from undula.data.corruptions import compressed as jpeg
from undula.jobs.detect import AudioDetector, Detector
from undula.jobs.detect.audio_clips import find_recordings
from undula.jobs.detect.calibration import ranking
from undula.jobs.detect.evaluation import evaluated
from undula.jobs.detect.features import WORDS, Features, by_frequency, packet_levels
from undula.jobs.detect.judging import log_odds
from undula.jobs.detect.learning import learn, mean_logits
from undula.jobs.detect.linear import fit_logistic
from undula.jobs.detect.perceptrons import Schooling
from undula.jobs.detect.saliency import diagonal_shares, packet_saliency
from undula.spectra.wavelets import wprec2

WORK = Path(os.environ.get("WORK", ROOT / "out" / "detect-generators"))
OWN = ("gan", "vae", "upsampler", "diffusion")
SD = "stable diffusion"
TRAINING, TEST = 2000, 1000
REAL = 4000  # real ones for training: everybody has more of them
QUALITY = 75
WORD = "detect_sources"


def generators() -> list[str]:
    """Stable Diffusion and what was made."""
    return [SD, *(name for name in OWN if (WORK / f"{name}.npy").exists())]


@cache
def pictures(name: str, split: str, png: bool = False) -> Tensor:
    """Pictures of a source as floats in [0, 1]: after JPEG, or before it."""
    if name in ("real", SD):
        side, most = ("real", REAL) if name == "real" else ("generated", TRAINING)
        return cifake(split, side, 0, most if split == "train" else TEST)[0]  # type: ignore[arg-type]
    made = torch.from_numpy(np.load(WORK / f"{name}.npy")).permute(0, 3, 1, 2)
    part = made[: len(made) * 2 // 3] if split == "train" else made[len(made) * 2 // 3 :]
    return (part if png else compressed(part)).float() / 255


def compressed(images: Tensor) -> Tensor:
    """Bytes after JPEG."""
    return jpeg(images, torch.full((len(images),), QUALITY))


@cache
def rows(kind: str, name: str, split: str, png: bool = False) -> Tensor:
    """Features of a source."""
    return Features(kind=kind).rows(pictures(name, split, png))  # type: ignore[arg-type]


def learned(kind: str, parts: Sequence[Tensor], *, model: str = "logistic") -> list[nn.Module]:
    """Classifiers of real pictures and classes of generated ones, by their features: three of each view, as `Detector` has."""
    labels = torch.cat([torch.full((len(one),), place) for place, one in enumerate(parts)])
    views = Features(kind=kind).views  # type: ignore[arg-type]
    return learn(
        torch.cat(list(parts)), labels, model=model, folds=3, penalty=10.0, schooling=Schooling(), seed=0, views=views
    ).members


@torch.no_grad()
def auc(members: list[nn.Module], kind: str, name: str, png: bool = False) -> float:
    """How often a test picture of a source scores higher than a real one, in percent."""
    real, made = rows(kind, "real", "test"), rows(kind, name, "test", png)
    scores = log_odds(mean_logits(members, torch.cat([real, made])))
    labels = torch.cat([torch.zeros(len(real)), torch.ones(len(made))]).long()
    return round(100 * ranking(scores, labels), 1)


def matrix() -> None:
    """Trained on one generator, tested on all: every feature, after JPEG and as PNG against real JPEGs."""
    names = generators()
    figures: dict[str, Any] = {"generators": names, "training pictures of each class": TRAINING // 2, "features": {}}
    for kind in WORDS:
        found: dict[str, dict[str, Any]] = {}
        for trained in names:
            model = learned(kind, [rows(kind, one, "train")[: TRAINING // 2] for one in ("real", trained)])
            found[trained] = {name: auc(model, kind, name) for name in names}
            found[trained] |= {f"{name} PNG": auc(model, kind, name, png=True) for name in names if name != SD}
        off = [found[a][b] for a in names for b in names if a != b]
        unseen = [found[SD][name] for name in names[1:]]
        figures["features"][kind] = {
            "pairs": found, "off the diagonal": mean(off), "from Stable Diffusion": mean(unseen), "worst": min(unseen),
        }  # fmt: skip
        print(kind, figures["features"][kind], flush=True)
        rows.cache_clear()
    record(WORD, "matrix", figures)


def sources(seeds: int = 5) -> None:
    """Real, Stable Diffusion and own generators named by one classifier; every seed draws four fifths of the training."""
    names = ["real", *generators()]
    figures: dict[str, Any] = {"classes": names, "features": {}}
    for kind in ("packet-statistics", "radial", "dct", "pixels"):
        parts = [rows(kind, name, "train")[: TRAINING // 2] for name in names]
        tests = [rows(kind, name, "test") for name in names]
        labels = torch.cat([torch.full((len(one),), place) for place, one in enumerate(tests)])
        accuracies, confusion = [], torch.zeros(len(names), len(names))
        for seed in range(seeds):
            generator = torch.Generator().manual_seed(seed)
            drawn = [one[torch.randperm(len(one), generator=generator)[: len(one) * 4 // 5]] for one in parts]
            given = torch.cat([torch.full((len(one),), place) for place, one in enumerate(drawn)])
            model = fit_logistic(torch.cat(drawn), given, classes=len(names), penalty=30.0)
            with torch.no_grad():
                found = evaluated(model(torch.cat(tests)), labels, classes=names, limits=(0.0, 0.0))
            accuracies.append(100 * found.accuracy)
            confusion += torch.tensor(found.confusion)
        shares = 100 * confusion / confusion.sum(dim=1, keepdim=True)
        figures["features"][kind] = {
            "accuracy": f"{statistics.mean(accuracies):.2f} ± {statistics.stdev(accuracies):.2f}", "seeds": seeds,
            "confusion": [[round(value, 1) for value in row] for row in shares.tolist()],
        }  # fmt: skip
        print(kind, figures["features"][kind], flush=True)
        rows.cache_clear()
    record(WORD, "sources", figures)


BANDS = {"low": range(0, 5), "middle": range(5, 10), "high": range(10, 15)}
"""Diagonals of the plane of 8 × 8 packets."""


def without(images: Tensor, diagonals: range) -> Tensor:
    """Pictures whose packets on some diagonals are zero, all but the lowest one of all."""
    *_, packets = packet_levels(images, levels=3, mode="periodization")
    order = by_frequency(3)
    place = torch.arange(64)
    gone = torch.zeros(64, dtype=torch.bool)
    gone[order] = torch.isin(place // 8 + place % 8, torch.tensor(list(diagonals))) & (place > 0)
    kept = packets * ~gone[:, None, None]
    return wprec2(kept, "haar", "periodization", order="natural") / 255


def bands() -> None:
    """Where detectors look: share of the saliency on every diagonal, and accuracy without a third of the diagonals.

    A detector that is trained and tested without a band says what the rest is worth.
    """
    figures: dict[str, Any] = {}
    for name in [one for one in (SD, "diffusion", "gan") if one in generators()]:
        sides = [pictures("real", "train")[: TRAINING // 2], pictures(name, "train")[: TRAINING // 2]]
        tests = [pictures("real", "test")[:500], pictures(name, "test")[:500]]
        detector = Detector(features="packets", guard="off", folds=2, penalty=100.0, robust=False).fit(*sides)
        saliency = packet_saliency(detector, torch.cat([one[:50] for one in tests]), level=3).mean(dim=0)
        shares = [round(100 * value, 1) for value in diagonal_shares(saliency).tolist()]
        accuracy = {"all": _accuracy(sides, tests, lambda x: x)}
        for band, diagonals in BANDS.items():
            accuracy[f"without {band}"] = _accuracy(sides, tests, lambda x, gone=diagonals: without(x, gone))  # type: ignore[misc]
        figures[name] = {
            "share of every diagonal": shares,
            "share of bands": {band: round(sum(shares[place] for place in ds), 1) for band, ds in BANDS.items()},
            "share of packets": {"low": 23.4, "middle": 53.1, "high": 23.4},
            "accuracy": accuracy,
        }
        print(name, figures[name], flush=True)
    record(WORD, "bands", figures)


def _accuracy(sides: Sequence[Tensor], tests: Sequence[Tensor], change: Callable[[Tensor], Tensor]) -> float:
    features = Features(kind="packet-statistics")
    parts = [features.rows(change(one)) for one in sides]
    labels = torch.cat([torch.full((len(one),), place) for place, one in enumerate(parts)])
    model = fit_logistic(torch.cat(parts), labels, classes=2, penalty=30.0)
    with torch.no_grad():
        right = [model(features.rows(change(one))).argmax(1) == place for place, one in enumerate(tests)]
    return round(100 * statistics.mean(float(one.double().mean()) for one in right), 1)


def audio() -> None:
    """Five recorded and five vocoded sentences, each judged by what was learned from the four others."""
    folder = Path(os.environ["UNDULA_DATA"]) / "wavefake"
    found = [find_recordings(folder / name) for name in ("LJSpeech", "generated")]
    figures: dict[str, Any] = {}
    for wavelet, level in (("sym5", 8), ("sym5", 6), ("haar", 8)):
        for penalty in (1.0, 10.0):
            detector = AudioDetector(wavelet=wavelet, level=level, penalty=penalty).fit(*found)
            card = detector.facts["card"]
            figures[f"{wavelet}, level {level}, penalty {penalty:g}"] = {
                "clips": sum(card["clips"].values()), "sentences": card["sentences"],
                "accuracy": round(100 * card["held out accuracy"], 1), "auc": round(100 * card["held out auc"], 1),
                "confusion": card["confusion"],
            }  # fmt: skip
    record(WORD, "audio", figures)


def mean(values: Sequence[float]) -> float:
    """The mean, as it is shown."""
    return round(statistics.mean(values), 1)


def tables() -> None:
    """Write the figures that were recorded into docs/detect.md."""
    known = results(WORD)
    makers = {"matrix": _matrix, "sources": _sources, "bands": _bands, "audio": _audio}
    rewrite(
        ROOT / "docs" / "detect.md", {f"detect {name}": makers[name](known[name]) for name in makers if name in known}
    )


def _matrix(figures: dict[str, Any]) -> str:
    names, kinds = figures["generators"], figures["features"]
    header = ["trained on Stable Diffusion, AUC, %", *names, "mean of unseen", "worst", "mean of all pairs"]
    lines = []
    for kind, found in kinds.items():
        row = found["pairs"][SD]
        cells = [f"{row[name]} ({row[f'{name} PNG']})" if name != SD else row[name] for name in names]
        lines.append([kind, *cells, found["from Stable Diffusion"], found["worst"], found["off the diagonal"]])
    radial = kinds["radial"]["pairs"]
    pairs = [[f"radial, trained on {a}", *(radial[a][b] for b in names)] for a in names]
    text = f"Logistic regression on {figures['training pictures of each class']:,} pictures of each class."
    return "\n\n".join([table(header, lines), text, table(["", *names], pairs)])


def _sources(figures: dict[str, Any]) -> str:
    names = figures["classes"]
    kinds = figures["features"]
    first = table(["features, logistic", "accuracy, %"], [[kind, found["accuracy"]] for kind, found in kinds.items()])
    best = max(kinds, key=lambda kind: float(kinds[kind]["accuracy"].split()[0]))
    confusion = kinds[best]["confusion"]
    shares = [[f"**{name}**", *row] for name, row in zip(names, confusion, strict=True)]
    return "\n\n".join([first, table([f"{best}, % taken for", *names], shares)])


def _bands(figures: dict[str, Any]) -> str:
    kept = ["all", *(f"without {band}" for band in BANDS)]
    header = ["detector of", *(f"saliency, {band}, %" for band in BANDS), *(f"accuracy, {name}, %" for name in kept)]
    lines = [
        [name, *(found["share of bands"][band] for band in BANDS), *(found["accuracy"][one] for one in kept)]
        for name, found in figures.items()
    ]
    shares = next(iter(figures.values()))["share of packets"]
    lines.append(["(share of the packets)", *(shares[band] for band in BANDS), *[""] * len(kept)])
    return table(header, lines)


def _audio(figures: dict[str, Any]) -> str:
    lines = [[name, one["clips"], one["accuracy"], one["auc"]] for name, one in figures.items()]
    return table(["packets", "clips", "accuracy, %", "AUC, %"], lines)


SECTIONS = {"matrix": matrix, "sources": sources, "bands": bands, "audio": audio, "tables": tables}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for section in sys.argv[1:] or SECTIONS:
        SECTIONS[section]()
