"""Time and memory of `undula.restore(method="smooth")` on large pictures in color, each in a process of its own."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import record
from restore_pictures import decibels, forget_peak, status

import undula
from undula.data import read_image

_SIZES = {6: (2000, 3000), 12: (2828, 4242), 24: (4000, 6000)}
_THREADS = 2


def large() -> None:
    """6, 12 and 24 megapixels, photographs laid side by side, 90 % missing, two threads."""
    figures: dict[str, Any] = {}
    for megapixels in _SIZES:
        done = subprocess.run([sys.executable, __file__, str(megapixels)], capture_output=True, text=True, check=True)
        figures[f"{megapixels} megapixels"] = json.loads(done.stdout)
        print(megapixels, figures[f"{megapixels} megapixels"], flush=True)
    record("restore", "large", figures)


def mosaic(height: int, width: int) -> torch.Tensor:
    """Photographs of 512 × 512 pixels side by side; no camera's picture of that size is at hand."""
    files = sorted((Path(os.environ["UNDULA_DATA"]) / "photos").glob("*.png"))
    picture = torch.empty(3, height, width)
    places = [(top, left) for top in range(0, height, 512) for left in range(0, width, 512)]
    for (top, left), path in zip(places, files, strict=False):
        cell = picture[:, top : top + 512, left : left + 512]
        cell.copy_(read_image(path).expand(3, -1, -1)[:, : cell.shape[1], : cell.shape[2]])
    return picture


def _child(megapixels: str) -> None:
    torch.set_num_threads(_THREADS)
    picture = mosaic(*_SIZES[int(megapixels)])
    missing = torch.from_numpy(np.random.default_rng(0).random(picture.shape[1:]) < 0.9)
    undula.restore(picture[:, :64, :64], missing[:64, :64], method="smooth")
    before = forget_peak()
    began, worked = time.perf_counter(), time.process_time()
    result = undula.restore(picture, missing, method="smooth")
    seconds, work, peak = time.perf_counter() - began, time.process_time() - worked, status("VmHWM")
    figures = {
        "seconds": round(seconds, 1),
        "seconds of CPU": round(work, 1),
        "memory [MB]": round(peak - before),
        "memory of the process [MB]": round(peak),
        "PSNR": round(decibels(result.image.numpy(), picture.numpy()), 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    _child(*sys.argv[1:])
