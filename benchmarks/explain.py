"""Figures of docs/explain.md: `python benchmarks/explain.py [section …]` writes benchmarks/results/explain.json.

Times are ratios of interleaved rounds in one process on one thread, both sides checked equal up to sign.
"""

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
from measuring import interleaved, record
from sklearn.decomposition import KernelPCA
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from undula.attribution import eigen_cam, kernel_pca_cam

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


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or ["cams"]
    with threadpool_limits(1):
        for section in (cams,):
            if section.__name__ in wanted:
                record("explain", section.__name__, section())
