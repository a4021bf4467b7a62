"""Figures of docs/denoise.md: python benchmarks/denoise.py [scores] [levels] [tables]; `scores MODEL` for other weights.

The published protocol: numpy's seed 0 before each picture, white Gaussian noise that is neither clipped nor rounded, the
output clipped and rounded to bytes, the mean of the pictures' PSNR. BM3D (PyPI) denoises the same arrays in the same run.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import ROOT, record, results, rewrite, table

import undula
from undula.data import read_image
from undula.jobs.denoise.denoiser import Denoiser

SETS = {"Set12": 1, "BSD68": 1, "CBSD68": 3}
SIGMAS = (15, 25, 50)
TOLD = {
    "JPEG 50 of 25": "σ 25, then JPEG of quality 50", "JPEG 95 of 25": "σ 25, then JPEG of quality 95",
    "cracks as they are": "CrackForest, JPEG photographs as they are", "Bayer mosaic of 25, color": "σ 25, then demosaicing",
    "enlarged 1.5 times of 25": "σ 25, then enlarged 1.5 times", "means of 2 × 2 of 25": "σ 25, then means of 2 × 2",
    "Gaussian 0.8 of 25": "σ 25, then a Gaussian blur of 0.8 pixels", "Gaussian 0.5 of 25": "σ 25, then one of 0.5 pixels",
    "Laplace 25": "Laplace noise of deviation 25", "uniform 25": "uniform noise of deviation 25",
    "60 photons": "Poisson noise, 60 photons at white", "speckle 0.2": "speckle of 0.2",
    "salt and pepper 1%": "one pixel of 100 black or white", "rows of 25": "every row shifted by noise of 25",
}  # fmt: skip
PUBLISHED = {
    "BM3D": {"Set12": (32.37, 29.97, 26.72), "BSD68": (31.08, 28.57, 25.60), "CBSD68": (33.52, 30.71, 27.38)},
    "DnCNN": {"Set12": (32.86, 30.44, 27.18), "BSD68": (31.73, 29.23, 26.23), "CBSD68": (33.90, 31.24, 27.95)},
    "FFDNet": {"Set12": (32.75, 30.43, 27.32), "BSD68": (31.63, 29.19, 26.29), "CBSD68": (33.87, 31.21, 27.96)},
}


def noisy_pictures(name: str, sigma: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Clean and noisy pictures (c, h, w) of a test set."""
    pairs = []
    for path in sorted((Path(os.environ["UNDULA_DATA"]) / "denoise" / name).glob("*.png")):
        clean = read_image(path).double().numpy()[: SETS[name]]
        np.random.seed(0)
        noise = np.random.normal(0, sigma / 255, clean.shape[1:] if len(clean) == 1 else (*clean.shape[1:], 3))
        noise = noise[None] if len(clean) == 1 else noise.transpose(2, 0, 1)
        pairs.append((clean, clean + noise))
    return pairs


def decibels(output: np.ndarray, clean: np.ndarray) -> float:
    """PSNR of the output as a file would hold it."""
    rounded = np.round(np.clip(output, 0, 1) * 255) / 255
    return float(-10 * np.log10(np.mean((rounded - clean) ** 2)))


def scores(model: str | None = None) -> None:
    """PSNR on the three test sets, levels said, beside bm3d where it is installed and what was published.

    BM3D takes an hour and a half, so that every row is recorded as it is found; what it scored is kept.
    """
    torch.set_num_threads(1)
    figures = results("denoise").get("scores", {})
    for name, channels in SETS.items():
        denoiser = Denoiser.load(model) if model else Denoiser.pretrained(channels)  # type: ignore[arg-type]
        for sigma in SIGMAS:
            pairs = noisy_pictures(name, sigma)
            ours = [decibels(denoiser.transform(noisy, sigma=sigma / 255), clean) for clean, noisy in pairs]
            row = {
                "undula": round(float(np.mean(ours)), 3),
                "noisy": round(float(np.mean([decibels(b, a) for a, b in pairs])), 3),
                "steps": denoiser.facts.get("steps"),
            }
            known = figures.get(f"{name}, {sigma}", {})
            rival = known["bm3d"] if "bm3d" in known else _bm3d(pairs, sigma)
            figures[f"{name}, {sigma}"] = row if rival is None else {**row, "bm3d": rival}
            print(name, sigma, figures[f"{name}, {sigma}"], flush=True)
            record("denoise", "scores", figures)


def _bm3d(pairs: list[tuple[np.ndarray, np.ndarray]], sigma: int) -> float | None:
    try:
        import bm3d
    except ImportError:
        return None
    values = []
    for clean, noisy in pairs:
        moved = noisy.transpose(1, 2, 0)
        out = bm3d.bm3d_rgb(moved, sigma / 255) if len(clean) == 3 else bm3d.bm3d(moved[..., 0], sigma / 255)[..., None]
        values.append(decibels(out.reshape(moved.shape).transpose(2, 0, 1), clean))
    return round(float(np.mean(values)), 3)


def levels() -> None:
    """Measured noise level over the true one, on all of BSD68 and CBSD68."""
    figures: dict[str, Any] = {}
    for name, sigma in ((name, sigma) for name in ("BSD68", "CBSD68") for sigma in (5, 10, *SIGMAS)):
        ratios = [
            float(undula.Denoiser.pretrained(1).estimate(noisy)[0]) * 255 / sigma
            for _, noisy in noisy_pictures(name, sigma)
        ]
        off = np.abs(np.array(ratios) - 1)
        figures[f"{name}, {sigma}"] = {
            "mean": round(float(np.mean(ratios)), 3), "median error": f"{np.median(off):.1%}",
            "90 % of the errors": f"{np.quantile(off, 0.9):.1%}", "largest": f"{off.max():.1%}",
        }  # fmt: skip
    record("denoise", "levels", figures)


def tables() -> None:
    """Rewrite the tables of docs/denoise.md."""
    known = results("denoise")
    rows = []
    for place, sigma in enumerate(SIGMAS):
        for name in SETS:
            row = known["scores"][f"{name}, {sigma}"]
            published = [f"{each[name][place]:.2f}" for each in PUBLISHED.values()]
            rows.append(
                [f"{name}, {sigma}", f"{row['undula']:.2f}", f"{row['bm3d']:.2f}" if "bm3d" in row else "–", *published]
            )
    blocks = {"scores": table(["set, σ", "undula", "bm3d here", *(f"{name}, printed" for name in PUBLISHED)], rows)}
    if "levels" in known:
        heads = ("mean", "median error", "90 % of the errors", "largest")
        order = [f"{name}, {sigma}" for name in ("BSD68", "CBSD68") for sigma in (5, 10, *SIGMAS)]
        blocks["levels"] = table(
            ["set, σ", *heads], [[key, *(known["levels"][key][h] for h in heads)] for key in order]
        )
    if "dial" in known:
        blocks["dial"] = _dial_table(known["dial"]["sigma"])
    if "checks" in known:
        blocks["checks"] = _checks_table(known["checks"]["corrupted"])
    rewrite(ROOT / "docs" / "denoise.md", blocks)


def _dial_table(levels: dict[str, Any]) -> str:
    """Of every setting what happened, and by how much that was forecast wrongly."""
    rows = []
    for level, found in levels.items():
        forecast = found["calibrated: picture denoised twice (Stein)"]
        for place, (setting, error) in enumerate(forecast.items()):
            change, energy = found["calibrated: actual change of PSNR [dB]"], found["energy at each sharpness"][setting]
            wrong, most = error["mean error [dB]"], error["90th percentile [dB]"]
            rows.append([level, setting, f"{change[place]:+.3f}", f"{wrong:+.3f}", f"{most:.3f}", f"{energy[4]:.2f}"])
    return table(["σ", "sharpness", "change of PSNR, dB", "forecast off by, mean", "90 %", "energy, 1/4…1/2"], rows)


def _checks_table(found: dict[str, dict[str, Any]]) -> str:
    """Of every kind of noise the share of pictures of which something was said, and the measured level."""
    rows = []
    for name, words in TOLD.items():
        row = found[name]
        said = [f"{key}: {row[key]:.0%}" for key in row if key not in ("level", "nothing", "pictures")]
        rows.append([words, ", ".join(said) or "–", f"{row.get('nothing', 0):.0%}", row["level"]])
    return table(["noise", "said", "nothing said", "measured level"], rows)


SECTIONS = {"scores": scores, "levels": levels, "tables": tables}

if __name__ == "__main__":
    if sys.argv[1:2] == ["scores"] and len(sys.argv) == 3:
        scores(sys.argv[2])
    else:
        for section in sys.argv[1:] or SECTIONS:
            SECTIONS[section]()
