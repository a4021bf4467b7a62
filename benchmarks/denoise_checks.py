"""How often `denoise` says that noise is not white and Gaussian, rightly and wrongly: `python benchmarks/denoise_checks.py
[section …]` writes "checks" into benchmarks/results/denoise.json.

`whites`: white Gaussian noise over all of BSD68, held-out photographs, drawn asphalt; `corrupted`: other noise, one kind after
the other; of each the share of pictures by what was said. `smear`: noisy pictures that went through JPEG, denoised at the
measured level, at the level that was added, and at the best level in hindsight.
"""

import io
import os
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import record, results
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional

from undula.data import drawn_asphalt, read_image
from undula.jobs.denoise import Denoiser
from undula.jobs.denoise.suspicion import suspicions
from undula.metrics import psnr

KINDS = {
    "it was a JPEG file": "JPEG", "single pixels": "bad pixels", "its noise is not white": "coarse", "said was": "level",
    "its noise is not Gaussian": "tails", "its noise is": "brightness", "": "nothing",
}  # fmt: skip
FACTORS = (0.25, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0)


def pictures(folder: str, *, step: int = 1, suffix: str = "png") -> list[Tensor]:
    """Every `step`-th picture of a folder of UNDULA_DATA, in the order of names."""
    files = sorted((Path(os.environ["UNDULA_DATA"]) / folder).glob(f"*.{suffix}"))
    return [read_image(file) for file in files[::step]]


def white(x: Tensor, level: float) -> Tensor:
    """White Gaussian noise of some grey levels."""
    return x + level / 255 * torch.randn_like(x)


def rounded(x: Tensor) -> Tensor:
    """To bytes and back."""
    return (x.clamp(0, 1) * 255).round() / 255


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Through a JPEG file, and cropped so that the grid of blocks does not start at the corner."""
    values = (x.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values).save(file, "JPEG", quality=quality)
    back = torch.from_numpy(np.atleast_3d(np.asarray(Image.open(file), dtype=np.float32)) / 255)
    return back.permute(2, 0, 1)[:, 3:, 5:].contiguous()


def blurred(x: Tensor, scale: float) -> Tensor:
    """Convolved with a Gaussian."""
    return torch.from_numpy(gaussian_filter(x.numpy(), (0, scale, scale)))


def means(x: Tensor) -> Tensor:
    """Means of 2 × 2 pixels, at full size."""
    return functional.avg_pool2d(x[None], 2, 1)[0]


def enlarged(x: Tensor, factor: float, mode: str) -> Tensor:
    """Enlarged, and cropped to the size that it had."""
    middle = functional.interpolate(x[None], scale_factor=factor, mode=mode)[0]
    return middle[:, : x.shape[1], : x.shape[2]]


def salted(x: Tensor, share: float) -> Tensor:
    """Some pixels black or white."""
    value = (torch.rand_like(x[:1]) < 0.5).float()
    return torch.where(torch.rand_like(x[:1]) < share, value, x)


def mosaic(x: Tensor) -> Tensor:
    """One color per pixel (Bayer), the others interpolated."""
    kernel = torch.tensor([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]])[None, None]
    masks = torch.zeros(3, *x.shape[1:])
    masks[0, ::2, ::2] = masks[1, ::2, 1::2] = masks[1, 1::2, ::2] = masks[2, 1::2, 1::2] = 1
    sums, weights = (functional.conv2d(some[:, None], kernel, padding=1)[:, 0] for some in (x * masks, masks))
    return sums / weights


def corruptions() -> dict[str, Callable[[Tensor], Tensor]]:
    """Every kind of noise that is not white and Gaussian, rounded to bytes."""
    made: dict[str, Callable[[Tensor], Tensor]] = {}
    for level in (10, 25, 50):
        for quality in (30, 50, 75, 90, 95):
            made[f"JPEG {quality} of {level}"] = lambda x, s=level, q=quality: jpeg(white(x, s), q)
    made["JPEG 75 of 25, enlarged 1.5 times"] = lambda x: enlarged(jpeg(white(x, 25), 75), 1.5, "bilinear")
    for level in (10, 25):
        made[f"means of 2 × 2 of {level}"] = lambda x, s=level: means(white(x, s))
        made[f"Gaussian 0.5 of {level}"] = lambda x, s=level: blurred(white(x, s), 0.5)
        made[f"Gaussian 0.8 of {level}"] = lambda x, s=level: blurred(white(x, s), 0.8)
        made[f"enlarged 1.5 times of {level}"] = lambda x, s=level: enlarged(white(x, s), 1.5, "bilinear")
        made[f"enlarged 2 times, bicubic, of {level}"] = lambda x, s=level: enlarged(white(x, s), 2, "bicubic")
        made[f"uniform {level}"] = lambda x, s=level: x + (torch.rand_like(x) - 0.5) * 12**0.5 * s / 255
        made[f"Laplace {level}"] = lambda x, s=level: (
            x + torch.distributions.Laplace(0.0, s / 255 / 2**0.5).sample(x.shape)
        )
        made[f"rows of {level}"] = lambda x, s=level: x + s / 255 * torch.randn(1, x.shape[1], 1)
    for share in (0.01, 0.05, 0.2):
        made[f"salt and pepper {share:.0%}"] = lambda x, p=share: salted(x, p)
    made["salt and pepper 2%, white 15"] = lambda x: salted(white(x, 15), 0.02)
    for photons in (255, 60, 20):
        made[f"{photons} photons"] = lambda x, p=photons: torch.poisson(x * p) / p
    made["speckle 0.2"] = lambda x: x * (1 + 0.2 * torch.randn_like(x))
    return {name: lambda x, make=make: rounded(make(x)) for name, make in made.items()}


def said(
    denoiser: Denoiser, clean: list[Tensor], corrupt: Callable[[Tensor], Tensor], *, sigma: float | None = None
) -> dict[str, Any]:
    """What is said of corrupted pictures: the share of each kind, and the mean of the measured levels."""
    kinds: Counter[str] = Counter()
    levels = []
    for number, picture in enumerate(clean):
        torch.manual_seed(number)
        noisy = corrupt(picture)[None]
        level = denoiser.levels_of(noisy, sigma)
        out = denoiser.transform(noisy, sigma=level)
        sentence = suspicions(noisy, out, level, measure=denoiser.noise_level)[0]
        kinds[next(kind for start, kind in KINDS.items() if sentence.startswith(start))] += 1
        levels.append(255 * float(level))
    shares = {kind: round(count / len(clean), 3) for kind, count in kinds.most_common()}
    return {"pictures": len(clean), "level": round(statistics.mean(levels), 1), **shares}


def middles(some: list[Tensor], side: int = 256) -> list[Tensor]:
    """The middle of every picture."""
    corners = [((x.shape[1] - side) // 2, (x.shape[2] - side) // 2) for x in some]
    return [x[:, top : top + side, left : left + side] for x, (top, left) in zip(some, corners, strict=True)]


def put(known: dict[str, Any], name: str, *arguments: Any, **options: Any) -> None:
    """Keep what is said of one kind, and tell it."""
    known[name] = said(*arguments, **options)
    print(name, known[name], flush=True)


def whites(grey: Denoiser, color: Denoiser) -> dict[str, Any]:
    """What is said where nothing should be said."""
    known: dict[str, Any] = {}
    everything = pictures("denoise/BSD68")
    photos = middles(pictures("photos")[-14:])
    asphalt = list(drawn_asphalt(6, color=False)[0])
    for level in (5, 10, 15, 25, 50):
        put(known, f"white {level}, floats", grey, everything, lambda x, s=level: white(x, s))
        put(known, f"white {level}, bytes", grey, everything, lambda x, s=level: rounded(white(x, s)))
    for level in (5, 15, 25, 50):
        put(known, f"white {level}, bytes, photos in color", color, photos, lambda x, s=level: rounded(white(x, s)))
        put(known, f"white {level}, bytes, drawn asphalt", grey, asphalt, lambda x, s=level: rounded(white(x, s)))
    put(known, "photos in color as they are", color, photos, lambda x: x)
    return known


def corrupted(grey: Denoiser, color: Denoiser) -> dict[str, Any]:
    """What is said of other noise, on the middle 256 × 256 pixels of every sixth picture."""
    known: dict[str, Any] = {}
    some, colored = (middles(pictures(name, step=6)) for name in ("denoise/BSD68", "denoise/CBSD68"))
    put(known, "cracks as they are", color, pictures("cracks/images", step=12, suffix="jpg"), lambda x: x)
    for factor in (0.6, 1.7, 0.4, 2.5):
        sigma = 25 / 255 * factor
        put(known, f"white 25, bytes, said {factor} of it", grey, some, lambda x: rounded(white(x, 25)), sigma=sigma)
    for name, corrupt in corruptions().items():
        put(known, name, grey, some, corrupt)
    put(known, "JPEG 75 of 25, color", color, colored, lambda x: jpeg(white(x, 25), 75))
    put(known, "Bayer mosaic of 25, color", color, colored, lambda x: rounded(mosaic(white(x, 25))))
    return known


def smear(grey: Denoiser, _: Denoiser) -> dict[str, Any]:
    """PSNR after JPEG, by the level at which it is denoised."""
    known = {}
    clean = [picture[:, 30:222, 60:252] for picture in pictures("denoise/BSD68", step=6)]
    for level in (10, 25):
        for quality in (50, 75, 90):
            rows = [smeared(grey, picture, level, quality, seed) for seed, picture in enumerate(clean)]
            mean = {name: round(statistics.mean(row[name] for row in rows), 2) for name in rows[0]}
            mean["lowest gain [dB]"] = round(min(row["at the measured level"] - row["noisy"] for row in rows), 2)
            known[f"JPEG {quality} of {level}"] = mean
            print(level, quality, mean, flush=True)
    return known


def smeared(grey: Denoiser, picture: Tensor, level: float, quality: int, seed: int) -> dict[str, float]:
    """Decibels of one picture."""
    torch.manual_seed(seed)
    noisy, truth = jpeg(white(picture, level), quality)[None], picture[None, :, 3:, 5:]
    measured = float(grey.levels_of(noisy, None))

    def decibels(sigma: float) -> float:
        return float(psnr(grey.transform(noisy, sigma=min(sigma, 1.0)).clamp(0, 1), truth, dims=3))

    tried = {factor: decibels(factor * measured) for factor in FACTORS}
    best = max(tried, key=lambda factor: tried[factor])
    return {
        "noisy": float(psnr(noisy, truth, dims=3)),
        "measured level": 255 * measured,
        "at the measured level": tried[1.0],
        "at the level added": decibels(level / 255),
        "best in hindsight": tried[best],
        "best level over measured": best,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        figures = results("denoise").get("checks", {})
    except FileNotFoundError:
        figures = {}
    one, three = Denoiser.pretrained(1), Denoiser.pretrained(3)
    for section in sys.argv[1:] or ["whites", "corrupted", "smear"]:
        figures[section] = {"whites": whites, "corrupted": corrupted, "smear": smear}[section](one, three)
        record("denoise", "checks", figures)
