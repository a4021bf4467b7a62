"""Detectors of generators that they never saw, for docs/detect.md: python benchmarks/detect_recipes.py [recipes] [tables].

Each recipe has features, a model, and imitations: real pictures made soft, sharp or by a small diffusion model, which stand
beside a generator as classes of their own. Data as in benchmarks/detect_sources.py.
"""

import statistics
import sys
from collections.abc import Sequence
from functools import cache

import torch
from detect_sources import QUALITY, REAL, SD, TRAINING, WORD, auc, compressed, generators, learned, mean, rows
from measuring import ROOT, record, results, rewrite, table
from torch import Tensor

from undula.data.cifake import cifake
from undula.jobs.detect import rediffused, softened, train_denoiser
from undula.jobs.detect.degradations import blurred_by
from undula.jobs.detect.features import Features

RECIPES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "radial, logistic": ("radial", "logistic", ()),
    "radial, logistic, blurred": ("radial", "logistic", ("blurred",)),
    "radial, logistic, softened": ("radial", "logistic", ("softened",)),
    "radial, mlp": ("radial", "mlp", ()),
    "radial, mlp, blurred": ("radial", "mlp", ("blurred",)),
    "radial, mlp, softened": ("radial", "mlp", ("softened",)),
    "radial, mlp, softened and sharpened": ("radial", "mlp", ("softened", "sharpened")),
    "radial, mlp, softened and rediffused": ("radial", "mlp", ("softened", "rediffused")),
    "packet-statistics, mlp, softened and sharpened": ("packet-statistics", "mlp", ("softened", "sharpened")),
    "packet-statistics, mlp, softened and rediffused": ("packet-statistics", "mlp", ("softened", "rediffused")),
    "spectra, mlp, softened and rediffused": ("spectra", "mlp", ("softened", "rediffused")),
    "spectra, mlp, softened, sharpened and rediffused": ("spectra", "mlp", ("softened", "sharpened", "rediffused")),
}
"""Features, model, and which imitations stand beside the generator as classes of their own."""


def recipes() -> None:
    """For every generator tested, the recipe that is best on the others; trained on each."""
    names = generators()
    found: dict[str, dict[str, dict[str, float]]] = {}
    for recipe, (kind, word, more) in RECIPES.items():
        beside = [imitated(kind, name) for name in more]
        models = {
            trained: learned(kind, [rows(kind, "real", "train"), rows(kind, trained, "train"), *beside], model=word)
            for trained in names
        }
        found[recipe] = {a: {b: auc(model, kind, b) for b in names} for a, model in models.items()}
        print(recipe, found[recipe], flush=True)
    figures = {
        "generators": names, "training pictures, real": REAL, "training pictures, generated": TRAINING, "recipes": found,
    }  # fmt: skip
    record(WORD, "recipes", figures)


Pairs = dict[str, dict[str, dict[str, float]]]


def chosen(found: Pairs, names: Sequence[str], *, trained: str | None) -> dict[str, str]:
    """For every generator scored, the recipe that is best where it takes no part, as teacher or as test.

    All pairs of other generators count, or those of one teacher alone.
    """
    picked = {}
    for scored in names:
        others = [one for one in names if one != scored]
        pairs = [(a, b) for a in others for b in others if a != b and trained in (None, a)]
        if pairs:
            picked[scored] = max(found, key=lambda recipe: statistics.mean(found[recipe][a][b] for a, b in pairs))
    return picked


@cache
def imitation(name: str) -> Tensor:
    """Real training pictures that nothing else sees, made into what generators may make."""
    originals = cifake("train", "real", REAL, 2 * REAL)[0]
    generator = torch.Generator().manual_seed(0)
    if name == "rediffused":
        denoiser = train_denoiser(originals)
        some = (
            rediffused(part, denoiser=denoiser, generator=generator, quality=QUALITY) for part in originals.split(250)
        )
        return torch.cat(list(some))
    if name != "blurred":
        return softened(originals, generator=generator, quality=QUALITY, sharp=name == "sharpened")
    widths = 0.3 + 0.6 * torch.rand(REAL, generator=generator)
    some = zip((originals * 255).round().to(torch.uint8), widths.tolist(), strict=True)
    return compressed(torch.stack([blurred_by(one, width) for one, width in some])).float() / 255


@cache
def imitated(kind: str, name: str) -> Tensor:
    """Features of an imitation."""
    return Features(kind=kind).rows(imitation(name))  # type: ignore[arg-type]


def tables() -> None:
    """Write the figures that were recorded into docs/detect.md."""
    figures = results(WORD)["recipes"]
    names, found = figures["generators"], figures["recipes"]
    header = ["trained on Stable Diffusion, AUC, %", *names, "mean of unseen", "worst", "mean of all pairs"]
    pairs = [(a, b) for a in names for b in names if a != b]
    lines = []
    for recipe, by in found.items():
        unseen = [by[SD][name] for name in names[1:]]
        lines.append(
            [recipe, *(by[SD][one] for one in names), mean(unseen), min(unseen), mean([by[a][b] for a, b in pairs])]
        )
    for label, trained in (
        ("chosen on all pairs of others", None),
        ("chosen on pairs that Stable Diffusion teaches", SD),
    ):
        picked = chosen(found, names, trained=trained)
        unseen = [found[picked[name]][SD][name] for name in names[1:]]
        all_pairs = "" if trained else mean([found[picked[b]][a][b] for a, b in pairs])
        lines.append([f"**{label}**", "–", *unseen, mean(unseen), min(unseen), all_pairs])
    picked = chosen(found, names, trained=None)
    told = "; ".join(f"{name}: {picked[name]}" for name in names)
    best = max(found, key=lambda recipe: mean([found[recipe][a][b] for a, b in pairs]))
    rows_of = [[f"{best}, trained on {a}", *(found[best][a][b] for b in names)] for a in names]
    text = "\n\n".join(
        [
            table(header, lines),
            f"{figures['training pictures, real']:,} real pictures, as many of each imitation, "
            f"{figures['training pictures, generated']:,} generated ones. Chosen on all pairs of others: {told}.",
            table(["", *names], rows_of),
        ]
    )
    rewrite(ROOT / "docs" / "detect.md", {"detect recipes": text})


if __name__ == "__main__":
    torch.set_num_threads(1)
    for section in sys.argv[1:] or ("recipes", "tables"):
        {"recipes": recipes, "tables": tables}[section]()
