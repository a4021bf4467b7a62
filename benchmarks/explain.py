"""Figures of docs/explain.md: `python benchmarks/explain.py [section …]` writes benchmarks/results/explain.json.

`--model FOLDER` names a gray denoiser of Undula for the sections findings and cracks, which are left out without one; the
section network trains it there, on CrackForest without the photographs that are examined. `--output FOLDER` is where the page
of cracks goes.

Times are ratios of interleaved rounds in one process on one thread, both sides checked equal up to sign.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import sklearn
import torch
from explain_cracks import cell, examined, trained
from measuring import ROOT, interleaved, record, results, rewrite, table
from sklearn.decomposition import KernelPCA
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from undula.attribution import attribute, eigen_cam, kernel_pca_cam
from undula.attribution.scaling import stretched
from undula.data import drawn_asphalt, normal
from undula.jobs.explain.aims import read_aims
from undula.nets.storage import read_model

_ROUNDS = 7
_BATCH = 2
# Channels and side of the map.
_SIZES = [(64, 28), (64, 56), (128, 56), (768, 14)]
_LARGE = 224


def features(channels: int, side: int, *, batch: int = _BATCH) -> Tensor:
    """Three layers of random convolutions over pieces of a photograph, of standard deviation 1."""
    picture = torch.as_tensor(skimage.data.camera() / 255).float()[None, None]
    pieces = torch.cat([picture[..., 60 * n : 60 * n + 392, 60 * n : 60 * n + 392] for n in range(batch)])
    pieces = nn.functional.interpolate(pieces, size=(side, side), mode="bilinear", antialias=True)
    torch.manual_seed(0)
    layers = nn.Sequential(*[nn.Sequential(nn.LazyConv2d(channels, 3, padding=1), nn.ReLU()) for _ in range(3)])
    with torch.no_grad():
        found = layers(pieces)
    return found / found.std()


def reference_eigen(activations: np.ndarray) -> np.ndarray:
    """The projection of pytorch-grad-cam, item by item, as it is written there."""
    maps = []
    for item in activations:
        rows = item.reshape(item.shape[0], -1).transpose()
        rows = rows - rows.mean(axis=0)
        axes = np.linalg.svd(rows, full_matrices=True)[2]
        maps.append((rows @ axes[0]).reshape(item.shape[1:]))
    return np.float32(maps)


def reference_kernel(activations: np.ndarray) -> np.ndarray:
    """The kernel projection of pytorch-grad-cam, which is scikit-learn's."""
    maps = []
    for item in activations:
        rows = item.reshape(item.shape[0], -1).transpose()
        rows = rows - rows.mean(axis=0)
        found = KernelPCA(n_components=1, kernel="sigmoid").fit_transform(rows)
        maps.append(found[:, 0].reshape(item.shape[1:]))
    return np.float32(maps)


def cams() -> dict[str, Any]:
    """Projections of two items against the reference formulas; the kernel of 224² positions for itself."""
    known: dict[str, Any] = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    for channels, side in _SIZES:
        activations = features(channels, side)
        place = f"{channels} channels, {side}×{side}"
        known[f"eigen, {place}"] = compared(eigen_cam, reference_eigen, activations)
        known[f"kpca, {place}"] = compared(lambda x: kernel_pca_cam(x)[0], reference_kernel, activations)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activations.npy"
        np.save(path, features(64, _LARGE, batch=1).numpy())
        code = f"import explain; explain.large({str(path)!r})"
        out = subprocess.run([sys.executable, "-c", code], cwd=sys.path[0], capture_output=True, text=True, check=True)
    known[f"kpca, 64 channels, {_LARGE}×{_LARGE}, one item"] = json.loads(out.stdout)
    return known


def compared(ours: Callable[[Tensor], Tensor], theirs: Callable[[np.ndarray], np.ndarray], x: Tensor) -> dict[str, Any]:
    found, want = ours(x).flatten(1), torch.as_tensor(theirs(x.numpy())).flatten(1)
    found = found * (found * want).sum(dim=1, keepdim=True).sign()
    difference = float(((found - want).abs().amax(dim=1) / want.abs().amax(dim=1)).max())
    times = interleaved({"ours": lambda: ours(x), "theirs": lambda: theirs(x.numpy())}, rounds=_ROUNDS)
    ratios = [b / a for a, b in zip(times["ours"], times["theirs"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "undula [ms]": round(1e3 * statistics.median(times["ours"]), 2),
        "reference [ms]": round(1e3 * statistics.median(times["theirs"]), 1),
        "reference over undula": round(middle, 1),
        "quartiles": [round(low, 1), round(high, 1)],
        "largest difference up to sign": float(f"{difference:.1g}"),
    }


def large(path: str) -> None:
    """In a process of its own, whose memory is its own: the reference would hold a kernel of 10 GB."""
    torch.set_num_threads(1)
    activations = torch.as_tensor(np.load(path))
    kernel_pca_cam(activations[..., :20, :20])
    before, began, worked = peak_memory(), time.perf_counter(), time.process_time()
    _, residual = kernel_pca_cam(activations)
    seconds, work, peak = time.perf_counter() - began, time.process_time() - worked, peak_memory()
    tile = torch.rand(512, 64) @ torch.rand(64, 512)
    rounds = interleaved({"sigmoid": lambda: tile.sigmoid_(), "tanh": lambda: tile.tanh_()}, rounds=50)
    figures = {
        "seconds": round(seconds, 1),
        "seconds of CPU": round(work, 1),
        "growth of the peak memory [MB]": round(peak - before),
        "peak memory of the process [MB]": round(peak),
        "residual before the last step": float(f"{float(residual):.1g}"),
        "tanh over sigmoid": round(statistics.median(rounds["tanh"]) / statistics.median(rounds["sigmoid"]), 1),
    }
    print(json.dumps(figures))


def peak_memory() -> float:
    """Greatest resident size of this process so far in MB; getrusage would include that of the parent before exec."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1e3


def findings(folder: str) -> dict[str, Any]:
    """What the blog post did not know, on a trained denoiser: 16 drawn pieces of 64 × 64 pixels, σ 25, every block."""
    network = read_model(folder)[0]["network"]
    images = drawn_asphalt(16, height=64, width=64, color=False, seed=5)[0]
    sigma = torch.full((len(images),), 25 / 255)
    numbers = torch.arange(len(images))
    noise = normal(numbers, torch.zeros_like(numbers), tuple(images.shape[1:]), dtype=torch.float32)
    noisy = images + 25 / 255 * noise
    blocks = [name for name, _ in network.named_modules() if name.count(".") == 1 and name.startswith(("down", "up"))]
    layers: dict[str, Any] = {}
    opposite: list[float] = []
    for layer in blocks:
        maps = {
            (method, sign): attribute(
                network, noisy, layers=layer, method=method, sign=sign, arguments=(sigma,)
            ).signed[0]
            for method in ("eigen", "kpca")
            for sign in ("raw", "activation")
        }
        raw = _correlation(maps["eigen", "raw"], maps["kpca", "raw"])
        ours = _correlation(maps["eigen", "activation"], maps["kpca", "activation"])
        heat = _correlation(*(stretched(maps[method, "raw"].relu()) for method in ("eigen", "kpca")))
        opposite += heat[raw < 0].tolist()
        layers[layer] = {
            "|correlation| of eigen and kpca, median": round(float(raw.abs().median()), 4),
            "opposite signs, as published": int((raw < 0).sum()),
            "opposite signs, undula": int((ours < 0).sum()),
        }
    first, second = (
        attribute(network, noisy, method="eigen", target=target, arguments=(sigma,)).raw
        for target in (lambda out: out.flatten(1).mean(1), lambda out: -5 * out.flatten(1).norm(dim=1))
    )
    return {
        "maps": len(images) * len(blocks),
        "opposite signs, as published": sum(row["opposite signs, as published"] for row in layers.values()),
        "opposite signs, undula": sum(row["opposite signs, undula"] for row in layers.values()),
        "correlation of the heat maps of opposite pairs": [round(min(opposite), 2), round(max(opposite), 2)]
        if opposite
        else [],
        "eigen maps of two targets are bit for bit equal": bool(torch.equal(first, second)),
        "layers": layers,
    }


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """Correlation over positions, one per item."""
    a, b = (each.flatten(1).double() - each.flatten(1).double().mean(dim=1, keepdim=True) for each in (first, second))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-30)


def document() -> None:
    """Write the tables into docs/explain.md."""
    known = results("explain")
    costs = known["cams"]
    rows = [
        [name, row["undula [ms]"], row["reference [ms]"], row["reference over undula"]]
        for name, row in costs.items()
        if isinstance(row, dict) and "reference [ms]" in row
    ]
    blocks = {"cost": table(["map of two images", "undula [ms]", "reference [ms]", "ratio"], rows)}
    if found := known.get("findings"):
        low_high = " … ".join(str(each) for each in found["correlation of the heat maps of opposite pairs"])
        blocks["findings"] = table(
            [f"{found['maps']} maps of a trained denoiser", ""],
            [
                ["eigen and kpca of opposite sign, as published", found["opposite signs, as published"]],
                ["correlation of the heat maps of such pairs", low_high or "–"],
                ["of opposite sign, undula", found["opposite signs, undula"]],
                ["eigen maps of two targets equal bit for bit", "yes" if found[_EQUAL] else "no"],
            ],
        )
    if found := known.get("cracks"):
        rows = found["inside over outside, medians"]
        columns = ["network", "clean photograph", "shifted masks, least and greatest", "random weights"]
        blocks["cracks"] = table(
            ["octave", *columns, "network over clean", f"above it, of {found['photographs']}"],
            [
                [name, *(cell(rows[name][column]) for column in [*columns, "network over clean photograph", _ABOVE])]
                for name in read_aims("octaves").bands
            ],
        )
    rewrite(ROOT / "docs" / "explain.md", blocks)


_ABOVE = "photographs in which the network stands above"
_EQUAL = "eigen maps of two targets are bit for bit equal"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="*", choices=[[], "cams", "network", "findings", "cracks", "document"])
    parser.add_argument("--model", help="folder of a gray denoiser")
    parser.add_argument("--output", type=Path, default=ROOT / "undula-explain-cracks")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit", type=int, help="photographs, for a trial that writes no results")
    asked = parser.parse_args()
    wanted = asked.sections or ["cams", *(["network", "findings", "cracks"] if asked.model else [])]
    if {"network", "findings", "cracks"} & set(wanted) and not asked.model:
        parser.error("network, findings and cracks need --model FOLDER, a gray denoiser")
    with threadpool_limits(1):
        if "cams" in wanted:
            record("explain", "cams", cams())
        if "network" in wanted:
            trained(asked.model)
        if "findings" in wanted:
            record("explain", "findings", findings(asked.model))
        if "cracks" in wanted:
            figures = examined(asked.model, output=asked.output, device=asked.device, limit=asked.limit)
            if asked.limit is None:
                record("explain", "cracks", figures)
            else:
                print(json.dumps(figures, indent=1, ensure_ascii=False))
    document()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
