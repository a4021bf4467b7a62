"""Rivals of `undula.restore` on two photographs, each in a process of its own, whose time and memory are its own.

One thread each. Memory is the greatest resident size less what was held before, after a call on a small piece.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from measuring import interleaved, record
from restore_pictures import PHOTOGRAPHS, cubic, damaged, forget_peak, likeness, linear, middle, photograph, status
from scipy.interpolate import griddata
from skimage.restoration import denoise_tv_chambolle, inpaint_biharmonic

import undula

SHARE, CROP = 0.9, 256
RADII = (3, 5, 8)
_LONG_ENOUGH = 2.0  # seconds; what is faster runs again, and its median counts
Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _undula(method: Any) -> Fill:
    return lambda image, missing: undula.restore(image.astype(np.float32), missing, method=method).image


def _opencv(flag: int, radius: int) -> Fill:
    """OpenCV works on bytes; the known pixels are bytes anyway."""

    def fill(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
        filled = cv2.inpaint(np.round(image * 255).astype(np.uint8), missing.astype(np.uint8), radius, flag)
        return np.where(missing, filled / 255, image)

    return fill


def _chambolle(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """scikit-image's TV denoiser has no mask: the known pixels are put back after each of 100 rounds."""
    x = griddata(np.argwhere(~missing), image[~missing], tuple(np.indices(image.shape)), method="nearest")
    for _ in range(100):
        x = np.where(missing, denoise_tv_chambolle(x, weight=0.1), image)
    return x


METHODS: dict[str, Fill] = {
    "undula, best": _undula("best"),
    "undula, smooth": _undula("smooth"),
    "undula, tv": _undula("tv"),
    "undula, descent": _undula("descent"),
    "SciPy griddata, linear": linear,
    "SciPy griddata, cubic": cubic,
    **{f"OpenCV Telea, radius {radius}": _opencv(cv2.INPAINT_TELEA, radius) for radius in RADII},
    **{f"OpenCV Navier–Stokes, radius {radius}": _opencv(cv2.INPAINT_NS, radius) for radius in RADII},
    "scikit-image TV": _chambolle,
    "scikit-image biharmonic": inpaint_biharmonic,
}
_ON_CROP = ("undula, best", "undula, smooth", "SciPy griddata, linear", "scikit-image biharmonic")


def photographs() -> None:
    """All methods on both photographs; biharmonic only on their middles of 256 × 256 pixels, beside three others."""
    figures: dict[str, Any] = {"whole": {}, "middle": {}}
    for region, methods in (("whole", [name for name in METHODS if "biharmonic" not in name]), ("middle", _ON_CROP)):
        for name in methods:
            figures[region][name] = {picture: _alone(name, picture, region) for picture in PHOTOGRAPHS}
            print(region, name, figures[region][name], flush=True)
    for family in ("OpenCV Telea", "OpenCV Navier–Stokes"):
        rows = {name: figures["whole"].pop(name) for name in [f"{family}, radius {radius}" for radius in RADII]}
        best = max(rows, key=lambda name: sum(row["PSNR"] for row in rows[name].values()))
        figures["whole"][f"{best}, best of {', '.join(map(str, RADII))}"] = rows[best]
    seconds = {
        name: sum(row["seconds of CPU"] for row in figures["middle"][name].values())
        for name in (_ON_CROP[1], _ON_CROP[3])
    }
    figures["biharmonic over smooth, seconds of CPU"] = round(seconds[_ON_CROP[3]] / seconds[_ON_CROP[1]])
    record("restore", "photographs", figures)


def side_by_side(*, rounds: int = 7, calls: int = 10) -> None:
    """`smooth` and biharmonic inpainting by turns in this process, with the threads they take, on both middles."""
    threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    ratios = {}
    for picture in PHOTOGRAPHS:
        image, missing = damaged(middle(photograph(picture), CROP), SHARE)
        ours, theirs = METHODS[_ON_CROP[1]], METHODS[_ON_CROP[3]]
        turns: dict[str, Callable[[], object]] = {
            "ours": lambda ours=ours, image=image, missing=missing: [ours(image, missing) for _ in range(calls)],
            "theirs": lambda theirs=theirs, image=image, missing=missing: theirs(image, missing),
        }
        medians = {name: float(np.median(times)) for name, times in interleaved(turns, rounds=rounds).items()}
        ratios[picture] = round(calls * medians["theirs"] / medians["ours"], 1)
    figures = {
        "biharmonic over smooth": ratios,
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
    }
    torch.set_num_threads(threads)
    record("restore", "side by side", figures)


def _alone(name: str, picture: str, region: str) -> dict[str, float]:
    environment = os.environ | {variable: "1" for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    command = [sys.executable, __file__, name, picture, region]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def _child(name: str, picture: str, region: str) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    clean = photograph(picture)
    clean = clean if region == "whole" else middle(clean, CROP)
    image, missing = damaged(clean, SHARE)
    METHODS[name](*(np.ascontiguousarray(each[:32, :32]) for each in (image, missing)))
    before = forget_peak()
    filled, seconds = _timed(METHODS[name], image, missing)
    times, peak = [seconds], status("VmHWM")
    while sum(times) < _LONG_ENOUGH:
        times.append(_timed(METHODS[name], image, missing)[1])
    row = likeness(filled, clean) | {
        "seconds of CPU": float(f"{np.median(times):.3g}"),
        "memory [MB]": round(peak - before),
    }
    print(json.dumps(row))


def _timed(fill: Fill, image: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, float]:
    began = time.process_time()
    filled = fill(image, missing)
    return filled, time.process_time() - began


if __name__ == "__main__":
    _child(*sys.argv[1:])
