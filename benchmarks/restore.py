"""Figures of docs/restore.md: python benchmarks/restore.py [SECTION …] [--output FOLDER] [--every N].

Sections: seed found photographs sets others large tried tables; all of them without a word. `sets` records the intervals, too.
`--output` keeps what linear interpolation of the sets scored, which is slow and never changes; `--every 20` takes every
twentieth picture of a set and records nothing.

Damage is drawn as the seed of this job draws it, `numpy.random.default_rng(0)` before each picture. One thread.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy
import numpy as np
import torch
from measuring import interleaved, record
from PIL import Image, ImageDraw
from restore_large import large
from restore_pictures import PHOTOGRAPHS, damaged, decibels, held_out, linear, middle, photograph, test_set
from restore_rivals import photographs, side_by_side
from restore_tables import tables
from restore_tried import tried

import undula
from undula.jobs.restore.learned import learned
from undula.nets.filler import Filler

SHARES = (0.5, 0.8, 0.9, 0.95, 0.99)
_CHANGED = 2 / 255
_WIDE_ENOUGH = 0.9


def restored(image: np.ndarray, missing: np.ndarray | None, **options: Any) -> undula.Restoration:
    return undula.restore(image.astype(np.float32), missing, **options)


# --- the seed's method


def seed() -> None:
    """PSNR of the seed's method whole and downsampled as in the tutorial, and the time of the tutorial's own loops."""
    figures: dict[str, Any] = {}
    for name in PHOTOGRAPHS:
        for step in (1, 4):
            clean = photograph(name)[::step, ::step]
            filled = restored(*damaged(clean, 0.9), method="descent").image
            figures[f"{name}, {len(clean)}²"] = round(decibels(filled, clean), 2)
    image, missing = damaged(photograph("camera"), 0.9)
    times = interleaved(
        {
            "undula": lambda: restored(image, missing, method="descent", steps=50),
            "autograd": lambda: tutorial(image, missing, autograd.grad(_score), steps=1),
            "torch": lambda: tutorial(image, missing, _torch_slope, steps=1),
        },
        rounds=3,
    )
    ours = np.median(times["undula"]) / 50
    figures["seconds of 500 steps"] = round(500 * ours, 2)
    for name in ("autograd", "torch"):
        figures[f"loops with {name} over undula, a step"] = round(float(np.median(times[name]) / ours))
    record("restore", "seed", figures)


def tutorial(image: np.ndarray, missing: np.ndarray, slope: Callable[[np.ndarray], np.ndarray], *, steps: int) -> Any:
    """The loop of the tutorial."""
    x = image.copy()
    for w in range(steps):
        length = max(1.5 / (w + 1), 0.015)
        gradient = slope(x)
        gradient[~missing] = 0
        x = (x - length * gradient).clip(0, 1)
    return x


def _score(x: Any) -> Any:
    """The score of the tutorial, line by line; a small number keeps the slope of flat lines finite."""
    ap = autograd.numpy

    def norm(values: Any) -> Any:
        return ap.sqrt(ap.sum(ap.diff(values) ** 2) + 1e-30)

    score = 0
    for lines in (x, x.T):
        for line in lines:
            score = score + norm(line) + norm(line[0 : line.size : 2]) + norm(line[1 : line.size : 2])
    return score


def _torch_slope(image: np.ndarray) -> np.ndarray:
    """The same with PyTorch, whose norm has slope 0 at 0."""
    x = torch.from_numpy(image).requires_grad_(True)
    norms = [
        torch.linalg.vector_norm(part.diff())
        for lines in (x, x.T)
        for line in lines
        for part in (line, line[::2], line[1::2])
    ]
    return torch.autograd.grad(torch.stack(norms).sum(), x)[0].numpy()


# --- damage that has to be found


def found() -> None:
    """What the search finds and what it costs, beside taking every black and white pixel for damaged."""
    figures: dict[str, Any] = {}
    for name in PHOTOGRAPHS:
        clean = photograph(name).astype(np.float32)
        for share in (0.1, 0.5, 0.9):
            image, missing = damaged(clean, share)
            ours = restored(image, None)
            naive = restored(image, (image == 0) | (image == 1))
            figures[f"{name}, {share:.0%}"] = {
                "found": _percent((ours.missing & (image != clean)).sum() / (image != clean).sum(), digits=3),
                "good changed": _changed(ours, missing, clean),
                "good changed, every extreme": _changed(naive, missing, clean),
                "good given up": _percent((ours.missing & ~missing).sum() / (~missing).sum()),
                "good given up, every extreme": _percent((naive.missing & ~missing).sum() / (~missing).sum()),
                "PSNR": round(decibels(ours.image, clean), 2),
                "PSNR, mask known": round(decibels(restored(image, missing).image, clean), 2),
            }
            print(name, share, figures[f"{name}, {share:.0%}"], flush=True)
    record("restore", "found", figures)


def _changed(result: undula.Restoration, missing: np.ndarray, clean: np.ndarray) -> str:
    changed = np.abs(result.image - clean) > _CHANGED
    return _percent((changed & ~missing).sum() / (~missing).sum())


def _percent(share: float, *, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


# --- sets of pictures, and intervals


def sets(*, output: Path, every: int) -> None:
    """Gain over linear interpolation on Set12 and BSD68, and intervals on BSD68, at all shares."""
    gains, intervals = {}, {}
    for share in SHARES:
        found: dict[str, list[float]] = {"best": [], "smooth": []}
        errors, widths = [], []
        for key, clean in {**test_set("Set12", every=every), **test_set("BSD68", every=every)}.items():
            image, missing = damaged(clean, share)
            base = _linear(key, share, clean, output=output)
            best = restored(image, missing)
            found["best"].append(decibels(best.image, clean) - base)
            found["smooth"].append(decibels(restored(image, missing, method="smooth").image, clean) - base)
            if key.startswith("BSD68"):
                errors.append(np.abs(best.image - clean)[missing])
                widths.append(best.interval[missing])
        gains[f"{share:.0%}"] = {
            f"{name}, {word}": value for name in found for word, value in _gain(found[name]).items()
        }
        intervals[f"{share:.0%}"] = held(np.concatenate(errors), np.concatenate(widths))
        print(share, gains[f"{share:.0%}"], intervals[f"{share:.0%}"], flush=True)
    _record("sets", gains, every=every)
    _record("intervals", intervals, every=every)


def _record(section: str, figures: Any, *, every: int) -> None:
    if every == 1:
        record("restore", section, figures)


def _gain(values: list[float]) -> dict[str, float]:
    return {
        "mean": round(float(np.mean(values)), 2),
        "least": round(min(values), 2),
        "below 0": sum(value <= 0 for value in values),
        "of": len(values),
    }


def _linear(key: str, share: float, clean: np.ndarray, *, output: Path) -> float:
    """PSNR of linear interpolation, remembered in the output folder."""
    path = output / "restore-linear.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    name = f"{key}, {share}"
    if name not in known:
        known[name] = decibels(linear(*damaged(clean, share)), clean)
        output.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(known, indent=1))
    return known[name]


def held(errors: np.ndarray, widths: np.ndarray) -> dict[str, Any]:
    """How many errors their intervals hold, in all and by tenths of width, and how wide one width for all would have to be."""
    inside = errors <= widths
    constant = np.quantile(errors, inside.mean())
    tenths = np.array_split(inside[np.argsort(widths, kind="stable")], 10)
    return {
        "held": _percent(inside.mean(), digits=1),
        "held by tenths": [_percent(tenth.mean(), digits=1) for tenth in tenths],
        "mean width over one width": round(float(widths.mean(dtype=float) / constant), 3),
    }


def widening(network: Filler) -> dict[str, float]:
    """Of every share of missing pixels the factor on the half widths with which they hold nine of ten errors in every picture.

    In every single photograph held out, not in all of them together: other sets of pictures are harder than `photos`.

    Args:
        network: The network; the photographs are those held out.
    """
    pictures = [middle(picture, 256) for picture in held_out()]
    clean = torch.from_numpy(np.stack(pictures)).float()
    factors = {}
    for share in SHARES:
        missing = torch.from_numpy(np.stack([damaged(each, share, seed=n)[1] for n, each in enumerate(pictures)]))
        filled, width = learned(clean, missing, network=network, sigma=torch.zeros(len(clean)), tile=1024)
        ratios = ((filled.clamp(0, 1) - clean).abs() / width).numpy()
        needed = [np.quantile(ratio[gone], _WIDE_ENOUGH) for ratio, gone in zip(ratios, missing.numpy(), strict=True)]
        factors[str(share)] = round(float(max(needed)), 4)
    return factors


# --- noise, other gaps, color


def others(*, every: int) -> None:
    """Noise on the known pixels, blocks and scratches on Set12, color on CBSD68."""
    pictures = test_set("Set12", every=every)
    figures = {
        "Set12, 90 %": _row(_cases(pictures, _scattered)),
        "Set12, 90 %, σ 10, said": _row(_cases(pictures, partial(_scattered, sigma=10 / 255)), noise=10 / 255),
        "Set12, 90 %, σ 10, not said": _row(_cases(pictures, partial(_scattered, sigma=10 / 255))),
        "Set12, blocks of 32 × 32": _row(_cases(pictures, _blocks)),
        "Set12, scratches": _row(_cases(pictures, _scratches)),
        "CBSD68 in color, 90 %": _row(_cases(test_set("CBSD68", every=every), _scattered)),
    }
    _record("others", figures, every=every)


Case = tuple[np.ndarray, np.ndarray, np.ndarray]  # original, damaged, missing


def _cases(
    pictures: dict[str, np.ndarray], damage: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> Iterator[Case]:
    return ((clean, *damage(clean)) for clean in pictures.values())


def _scattered(clean: np.ndarray, sigma: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    noisy = clean + sigma * np.random.default_rng(1).standard_normal(clean.shape)
    return damaged(noisy, 0.9)


def _blocks(clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A tenth of the squares of a grid of 32 pixels."""
    rows, columns = (-(-side // 32) for side in clean.shape)
    squares = np.random.default_rng(0).random((rows, columns)) < 0.1
    missing = np.kron(squares, np.ones((32, 32), bool))[: clean.shape[0], : clean.shape[1]]
    return np.where(missing, 0.5, clean), missing


def _scratches(clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twenty straight lines, three pixels wide, from anywhere to anywhere."""
    height, width = clean.shape
    mask = Image.new("1", (width, height))
    for x, y, u, v in np.random.default_rng(0).random((20, 4)) * (width, height, width, height):
        ImageDraw.Draw(mask).line((x, y, u, v), fill=1, width=3)
    return np.where(np.array(mask), 1, clean), np.array(mask)


def _row(cases: Iterator[Case], **options: Any) -> dict[str, Any]:
    """Mean PSNR over all pixels, and what the intervals of the missing ones hold."""
    scores: dict[str, list[float]] = {"best": [], "smooth": [], "linear": []}
    errors, widths, shares = [], [], []
    for clean, image, missing in cases:
        best = restored(image, missing, **options)
        scores["best"].append(decibels(best.image, clean))
        scores["smooth"].append(decibels(restored(image, missing, method="smooth").image, clean))
        scores["linear"].append(decibels(linear(image, missing), clean))
        errors.append(np.abs(best.image - clean)[..., missing].ravel())
        widths.append(best.interval[..., missing].ravel())
        shares.append(missing.mean())
    row = {name: round(float(np.mean(values)), 2) for name, values in scores.items()}
    inside = np.concatenate(errors) <= np.concatenate(widths)
    row |= {"missing": _percent(np.mean(shares), digits=0), "held": _percent(inside.mean(), digits=1)}
    print(row, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*")
    parser.add_argument("--output", type=Path, default=Path("out"))
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    sections: dict[str, Callable[[], object]] = {
        "seed": seed,
        "found": found,
        "photographs": photographs,
        "side-by-side": side_by_side,
        "sets": partial(sets, output=given.output, every=given.every),
        "others": partial(others, every=given.every),
        "large": large,
        "tried": tried,
        "tables": tables,
    }
    torch.set_num_threads(1)
    for section in given.sections or sections:
        began = time.process_time()
        sections[section]()
        print(f"{section}: {time.process_time() - began:.0f} seconds of one core in this process", flush=True)


if __name__ == "__main__":
    main()
