"""Figures of docs/losses.md: `python benchmarks/losses.py [section …]`, or `tables` to rewrite the page from the results.

Times are ratios of interleaved rounds in one process, one thread, float32, checked equal where there is a rival.
"""

import statistics
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import skimage.data
import torch
from focal_frequency_loss import FocalFrequencyLoss as PublishedFocalFrequencyLoss
from measuring import ROOT, interleaved, record, results, rewrite, table
from torch import Tensor, nn

from undula.data import normal, ring_pair
from undula.losses import (
    LOSS_SCALES,
    FocalFrequencyLoss,
    FourierLoss,
    FourierMagnitudeLoss,
    RegionalSharpnessLoss,
    WaveletLoss,
    loss_from_text,
    radial_weight,
)
from undula.metrics import psnr
from undula.spectra import fourier, half_plane_weights, inverse_fourier, radial_bands

_ROUNDS = 9
_BOTH = ("values", "gradients")
_BATCH = (16, 3, 256, 256)

FURTHER: dict[str, nn.Module] = {
    "regional, placed": RegionalSharpnessLoss(order="placed"),
    "wavelet, db4, level 3": WaveletLoss(wavelet="db4", level=3),
    "wavelet, packets of haar, level 3": WaveletLoss(transform="packets", level=3),
    "wavelet-energy, packets of haar, level 3": WaveletLoss(transform="packets", level=3, distance="energy"),
    "fourier, window=32, step=32": FourierMagnitudeLoss(window=32, step=32),
    "fourier, window=32": FourierMagnitudeLoss(window=32),
    "fourier, window=8": FourierMagnitudeLoss(window=8),
}
FORMULAS = {
    "mse": ("MeanSquaredError", "mean (o − t)²"),
    "l1": ("MeanAbsoluteError", "mean ∣o − t∣"),
    "charbonnier": ("Charbonnier", "mean √((o − t)² + ε²), ε = 10⁻³"),
    "fourier": ("FourierMagnitudeLoss", "mean ∣∣F o∣ − ∣F t∣∣"),
    "fourier-weighted": ("FourierMagnitudeLoss", "the same times 1 + 2 ∣k∣ / ∣k∣max"),
    "fourier-complex": ("FourierLoss", "mean ∣F o − F t∣"),
    "focal": ("FocalFrequencyLoss", "mean w ∣d∣², d = F o − F t, w = ∣d∣ / max ∣d∣"),
    "wavelet": ("WaveletLoss", "mean ∣c(o) − c(t)∣ of the details, Haar, 2 levels"),
    "wavelet-energy": ("WaveletLoss", "mean ∣√⟨c(o)²⟩ − √⟨c(t)²⟩∣, ⟨·⟩ over 4 × 4 details"),
    "bands": ("BandEnergyLoss", "mean over 12 rings and the corners of ∣log E(o) − log E(t)∣"),
    "regional": ("RegionalSharpnessLoss", "mean ∣sorted S(o) − sorted S(t)∣, S sums of ∣differences∣ in 8 × 8 windows"),
}


def losses() -> dict[str, nn.Module]:
    """Every word, unscaled, and some of their options."""
    return {**{word: loss_from_text(word).losses[0] for word in LOSS_SCALES}, **FURTHER}


def seed() -> dict[str, Any]:
    """The figures that were printed where these losses were first explained."""
    sharp, blurred = (ring[None, None] for ring in ring_pair())
    mask = torch.fft.fftshift(radial_weight((10, 10), high_frequency_weight=2.0, like=sharp))
    return {
        "ring, printed": 14.8913,
        "ring": round(float(FourierMagnitudeLoss(norm="backward")(blurred, sharp)), 4),
        "ring, complex": round(float(FourierLoss(norm="backward")(blurred, sharp)), 4),
        "ring, unitary": round(float(FourierMagnitudeLoss()(blurred, sharp)), 6),
        "mask, first row": [round(float(value), 5) for value in mask[0]],
    }


def pair(shape: tuple[int, ...], *, deviation: float = 0.1) -> tuple[Tensor, Tensor]:
    """A clean batch and one that differs from it by noise."""
    chance = torch.Generator().manual_seed(0)
    target = torch.rand(shape, generator=chance)
    return target + deviation * torch.randn(shape, generator=chance), target


def step(loss: Callable[[Tensor, Tensor], Tensor], output: Tensor, target: Tensor) -> Callable[[], Tensor]:
    """Forward and backward."""

    def run() -> Tensor:
        leaf = output.detach().requires_grad_()
        loss(leaf, target).backward()
        assert leaf.grad is not None
        return leaf.grad

    return run


def speed() -> dict[str, Any]:
    """Each loss against `mse_loss` plus `torch.fft.rfft2` of both images, forward and backward."""
    torch.set_num_threads(1)
    output, target = pair(_BATCH)

    def reference() -> None:
        leaf = output.detach().requires_grad_()
        error = nn.functional.mse_loss(leaf, target)
        spectra = [torch.fft.rfft2(x, norm="ortho") for x in (leaf, target)]
        torch.autograd.backward([error, spectra[0]], [None, spectra[1]])

    times = interleaved(
        {"reference": reference, **{name: step(loss, output, target) for name, loss in losses().items()}},
        rounds=_ROUNDS,
    )
    base = times.pop("reference")
    figures = {}
    for name, each in times.items():
        low, middle, high = np.quantile([a / b for a, b in zip(each, base, strict=True)], [0.25, 0.5, 0.75])
        figures[name] = {"ratio": round(middle, 2), "quartiles": [round(low, 2), round(high, 2)]}
    return {"reference [ms]": round(1e3 * statistics.median(base), 1), "losses": figures}


def focal() -> dict[str, Any]:
    """Against the package focal-frequency-loss: values, gradients and time."""
    torch.set_num_threads(1)
    figures: dict[str, Any] = {}
    for shape in (_BATCH, (8, 3, 64, 64), (4, 1, 250, 333)):
        output, target = pair(shape)
        ours, theirs = step(FocalFrequencyLoss(), output, target), step(PublishedFocalFrequencyLoss(), output, target)
        value, published = (
            float(loss(output, target)) for loss in (FocalFrequencyLoss(), PublishedFocalFrequencyLoss())
        )
        gradient, wanted = ours(), theirs()
        times = interleaved({"ours": ours, "theirs": theirs}, rounds=_ROUNDS)
        ratios = [b / a for a, b in zip(times["ours"], times["theirs"], strict=True)]
        figures["×".join(map(str, shape))] = {
            "time of the package": round(statistics.median(ratios), 2),
            "relative difference of values": float(f"{abs(value / published - 1):.1e}"),
            "relative difference of gradients": float(f"{float((gradient - wanted).norm() / wanted.norm()):.1e}"),
        }
    return figures


def halves() -> dict[str, Any]:
    """Half precision and autocast against float32 on the same values: the largest relative differences."""
    figures: dict[str, Any] = {}
    for name, loss in losses().items():
        worst = {"value": 0.0, "gradient": 0.0}
        for shape in ((2, 3, 224, 224), (2, 3, 250, 333)):
            for half in (torch.bfloat16, torch.float16):
                for cast in (None, torch.bfloat16, torch.float16):
                    for key, each in _difference(loss, shape, half, cast).items():
                        worst[key] = max(worst[key], each)
        figures[name] = {key: float(f"{each:.1e}") for key, each in worst.items()}
    return figures


def _difference(
    loss: nn.Module, shape: tuple[int, ...], half: torch.dtype, cast: torch.dtype | None
) -> dict[str, float]:
    """Both sides with the loss scale 2¹⁶ of a training in float16, whose gradients would be zero otherwise."""
    halved = [x.to(half) for x in pair(shape)]
    found = []
    for kind in (half, torch.float32):
        leaf = halved[0].to(kind, copy=True).requires_grad_()
        with torch.autocast("cpu", dtype=cast or torch.bfloat16, enabled=cast is not None and kind == half):
            value = loss(leaf, halved[1].to(kind))
        (2.0**16 * value).backward()
        assert leaf.grad is not None
        found.append((float(value.detach()), leaf.grad.float()))
    (value, gradient), (wanted, slope) = found
    known = {"value": abs(value / wanted - 1), "gradient": float((gradient - slope).norm() / slope.norm())}
    assert all(np.isfinite(each) for each in known.values())
    return known


def sharpening() -> dict[str, Any]:
    """Which way each loss pulls: the best gains per ring of frequency for noisy pictures, by each mixture.

    The smallest denoiser there is, 92 gains on the spectrum of each picture that know the truth, so that nothing but the
    loss decides. Squared error has its gains in closed form; the mixtures start there.
    """
    torch.set_num_threads(1)
    clean, noisy = _pictures()
    start = _best_for_squares(clean, noisy)
    rows = {"mse": _judge(_filtered(noisy, start), clean)}
    for word in LOSS_SCALES:
        if word != "mse":
            gains = _fit(loss_from_text(f"0.8*mse+0.2*{word}"), clean, noisy, start)
            rows[f"0.8 mse + 0.2 {word}"] = _judge(_filtered(noisy, gains), clean)
    return rows


def _pictures() -> tuple[Tensor, Tensor]:
    """16 crops of four pictures of scikit-image (CC0), and the same with white noise of 25/255."""
    crops = []
    for name in ("brick", "grass", "gravel", "camera"):
        picture = torch.from_numpy(getattr(skimage.data, name)()).float() / 255
        crops += [picture[y : y + 128, x : x + 128] for y in (64, 256) for x in (64, 256)]
    clean = torch.stack(crops)[:, None]
    numbers = torch.arange(len(clean))
    return clean, clean + 25 / 255 * normal(numbers, 0 * numbers, tuple(clean.shape[1:]), dtype=torch.float32)


_RINGS = radial_bands((128, 128), real=True)


def _filtered(noisy: Tensor, gains: Tensor) -> Tensor:
    return inverse_fourier(fourier(noisy) * gains[:, None, _RINGS], shape=(128, 128), real=True)


def _best_for_squares(clean: Tensor, noisy: Tensor) -> Tensor:
    """Wiener's gains, the regression of the clean spectrum on the noisy one in each ring."""
    truth, given = fourier(clean), fourier(noisy)
    weights = half_plane_weights((128, 128), real=True, like=clean)
    sums = [
        torch.zeros(len(clean), 92).index_add_(1, _RINGS.flatten(), (weights * part.real).flatten(1))
        for part in (given.conj() * truth, given.conj() * given)
    ]
    return sums[0] / sums[1]


def _fit(loss: nn.Module, clean: Tensor, noisy: Tensor, start: Tensor) -> Tensor:
    gains = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([gains], lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    for _ in range(400):
        optimizer.zero_grad()
        loss(_filtered(noisy, gains), clean).backward()
        optimizer.step()
        schedule.step()
    return gains.detach()


def _judge(output: Tensor, clean: Tensor) -> dict[str, float]:
    """PSNR, and energy at 0.25 … 0.5 cycles per pixel over that of the truth, means over the pictures."""
    high = (_RINGS >= 32) & (_RINGS <= 64)
    weights = half_plane_weights((128, 128), real=True, like=clean) * high
    energy, truth = ((weights * fourier(x).abs().square()).sum((-2, -1)) for x in (output, clean))
    return {
        "PSNR [dB]": round(float(psnr(output, clean).mean()), 3),
        "high frequencies": round(float((energy / truth).mean()), 3),
    }


def tables() -> None:
    """Rewrite the tables of docs/losses.md from the results."""
    known = results("losses")
    speeds, pulls, plain = known["speed"]["losses"], known["sharpening"], known["sharpening"]["mse"]
    words = []
    for word, scale in LOSS_SCALES.items():
        pull = pulls["mse" if word == "mse" else f"0.8 mse + 0.2 {word}"]
        change = pull["PSNR [dB]"] - plain["PSNR [dB]"]
        name, formula = FORMULAS[word]
        words.append(
            [
                f"`{word}`",
                f"`{name}`",
                formula,
                scale,
                speeds[word]["ratio"],
                pull["high frequencies"],
                f"{change:+.3f} dB",
            ]
        )
    header = ["word", "class", "formula", "scale", "time", "high frequencies", "PSNR"]
    ring = known["seed"]
    blocks = {
        "words": table(header, words),
        "seed": table(
            ["mean difference of the magnitudes of a sharp and a blurred ring", ""],
            [["printed", ring["ring, printed"]], ['`FourierMagnitudeLoss(norm="backward")`', ring["ring"]]],
        ),
        "further": table(["further forms", "time"], [[name, speeds[name]["ratio"]] for name in FURTHER]),
        "focal": table(
            ["batch", "time of the package", "values differ by", "gradients differ by"],
            [
                [shape, f"{row['time of the package']}×", *(row[f"relative difference of {of}"] for of in _BOTH)]
                for shape, row in known["focal"].items()
            ],
        ),
        "halves": table(
            ["loss", "values differ by", "gradients differ by"],
            [
                [name, known["halves"][name]["value"], known["halves"][name]["gradient"]]
                for name in (*LOSS_SCALES, *FURTHER)
            ],
        ),
    }
    rewrite(ROOT / "docs" / "losses.md", blocks)


SECTIONS = {"seed": seed, "speed": speed, "focal": focal, "halves": halves, "sharpening": sharpening}

if __name__ == "__main__":
    warnings.simplefilter("error")
    for section in sys.argv[1:] or [*SECTIONS, "tables"]:
        if section == "tables":
            tables()
        else:
            record("losses", section, SECTIONS[section]())
