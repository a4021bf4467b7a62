"""Figures of `undula recover`: python benchmarks/recover.py [SECTION…], into benchmarks/results/recover.json.

Sections: digits speed gradient noise generality rivals crystal tables. Data come from UNDULA_DATA or are downloaded.
One transform is one forward or inverse FFT of one item; correct is a mean squared error below 1e-3 after alignment.
"""

import statistics
import sys
import time
from typing import Any

import numpy as np
import torch
from measuring import interleaved, record
from recover_rivals import rivals
from recover_tables import tables
from torch import Tensor

import undula
from undula.data import bcdi, drawn_digits, drawn_polygon, drawn_solid, mnist
from undula.jobs.recover.problem import blurred
from undula.metrics import mean_squared_error, psnr, relative_error
from undula.spectra import fourier, reverse


def magnitudes(images: Tensor) -> Tensor:
    return torch.fft.fft2(images).abs()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def correct(images: Tensor, truth: Tensor, *, dims: int = 2) -> Tensor:
    aligned = undula.align(images.double(), truth.double(), dims=dims).image
    return mean_squared_error(aligned, truth.double(), dims=dims) < 1e-3


def digits() -> None:
    """All 10,000 test digits, un-padded, nothing known but the bounds."""
    rows, failures, wrong = [], [], []
    for first in range(0, 10_000, 1000):
        truth = mnist("test", first, first + 1000)
        result = undula.recover(magnitudes(truth), generator=torch.arange(first, first + 1000) + 10**9)
        good = correct(result.image, truth)
        failures += (first + (~(good & result.accepted)).nonzero()[:, 0]).tolist()
        wrong += (first + (~good & result.accepted).nonzero()[:, 0]).tolist()
        rows.append((result.transforms, result.starts))
    transforms = torch.cat([row[0] for row in rows]).double()
    starts = torch.cat([row[1] for row in rows])
    quantiles = torch.quantile(transforms, torch.tensor([0.5, 0.9, 0.99], dtype=torch.float64)).tolist()
    record(
        "recover",
        "digits",
        {
            "digits": 10_000,
            "accepted and correct": 10_000 - len(failures),
            "not solved": failures,
            "accepted but wrong": wrong,
            "mean transforms": round(float(transforms.mean()), 1),
            "transforms at 50, 90, 99 % and most": [*map(round, quantiles), int(transforms.max())],
            "solved in the first start": int((starts == 1).sum()),
        },
    )


def speed() -> None:
    """1,000 digits against as many bare transforms of the same batch, one thread, by turns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    truth = mnist("test", 2000, 3000)
    data, seeds = magnitudes(truth), torch.arange(1000)
    spent = int(undula.recover(data, generator=seeds).transforms.sum())
    pairs, half = spent // 2 // 1000, torch.fft.rfft2(truth)

    def bare() -> None:
        for _ in range(pairs):
            torch.fft.rfft2(truth)
            torch.fft.irfft2(half, s=(28, 28))

    times = interleaved({"undula": lambda: undula.recover(data, generator=seeds), "bare": bare}, rounds=7)
    ratios = [ours / theirs for ours, theirs in zip(times["undula"], times["bare"], strict=True)]
    torch.set_num_threads(threads)
    record(
        "recover",
        "speed",
        {
            "ratio to bare transforms (median)": round(statistics.median(ratios), 2),
            "ratio (quartiles)": [round(value, 2) for value in statistics.quantiles(ratios, n=4)],
            "ms per digit (median)": round(statistics.median(times["undula"]), 2),
            "transforms": spent,
        },
    )


def gradient() -> None:
    """Gradient steps only: the seed to the letter, its steps of improvement, and the default, 8 starts of 5,000 steps."""
    plain = {"bound": "sigmoid", "noise": 0.0, "cycles": 1}
    settings = {
        "the seed: sigmoid, intensity, plain steps": undula.GradientDescent.as_published(),
        "sigmoid, intensity, momentum": undula.GradientDescent.as_published(optimizer="momentum"),
        "sigmoid, intensity, Adam 0.1": undula.GradientDescent.as_published(optimizer="adam"),
        "sigmoid, amplitude, Adam 0.1, logits near -2": undula.GradientDescent(
            **plain, rate=0.1, center=-2.0, spread=1.0
        ),
        "sine, amplitude, Adam 0.1": undula.GradientDescent("sine", rate=0.1, noise=0.0, cycles=1),
        "squared sine, amplitude, Adam 1, annealed noise, one cycle": undula.GradientDescent(cycles=1),
        "the default: the same in five cycles": undula.GradientDescent(),
    }
    rows = {name: _descents(options, mnist("test", 0, 64), seed=7) for name, options in settings.items()}
    rows["the default, digits 5000…5255"] = _descents(undula.GradientDescent(), mnist("test", 5000, 5256), seed=8)
    record("recover", "gradient", rows)


def _descents(options: undula.GradientDescent, truth: Tensor, *, seed: int) -> dict[str, Any]:
    """Eight runs of one start each; the best run by its own residual."""
    began = time.perf_counter()
    data = magnitudes(truth).repeat_interleave(8, dim=0)
    result = undula.recover(data, method=options, starts=1, tolerance=5e-4, generator=seeded(seed))
    good = correct(result.image, truth.repeat_interleave(8, dim=0)).reshape(-1, 8)
    chosen = result.residual.reshape(-1, 8).argmin(dim=1, keepdim=True)
    best = good.gather(1, chosen)[:, 0]
    return {
        "digits": len(truth),
        "per start": round(float(good.double().mean()), 4),
        "best of 8 by residual": round(float(best.double().mean()), 4),
        "failed": (~best).nonzero()[:, 0].tolist() if int((~best).sum()) < 20 else int((~best).sum()),
        "accepted but wrong": int((result.accepted.reshape(-1, 8) & ~good).sum()),
        "transforms per start": round(float(result.transforms.double().mean())),
        "seconds": round(time.perf_counter() - began),
    }


def noise() -> None:
    """96 digits, one and eight runs; noise of its own on every magnitude, or shared by k and -k (less to average)."""
    truth = mnist("test", 500, 596)
    exact = magnitudes(truth)
    rows = {}
    for runs in (1, 8):
        for decibels in (30, 20):
            deviation = exact.square().mean(dim=(-2, -1), keepdim=True).sqrt() * 10 ** (-decibels / 20)
            for shared in (True, False):
                disturbance = torch.randn(exact.shape, generator=seeded(1))
                noisy = (exact + deviation * (_shared(disturbance) if shared else disturbance)).clamp_min(0)
                name = f"{decibels} dB, {'shared by ±k' if shared else 'independent'}, {runs} run(s)"
                rows[name] = _noisy(noisy, undula.Gaussian(deviation), truth, runs=runs)
        scale = 1e5 / exact.square().sum(dim=(-2, -1), keepdim=True)
        counts = torch.poisson(exact.square() * scale, generator=seeded(1))
        for shared in (True, False):
            noisy = ((_shared(counts) if shared else counts) / scale).sqrt()
            name = f"1e5 photons, {'shared by ±k' if shared else 'independent'}, {runs} run(s)"
            rows[name] = _noisy(noisy, undula.Poisson(1e5), truth, runs=runs)
    record("recover", "noise", rows)


def _noisy(noisy: Tensor, kind: Any, truth: Tensor, *, runs: int) -> dict[str, Any]:
    result = undula.recover(noisy, noise=kind, runs=runs, generator=seeded(2))
    values = psnr(undula.align(result.image, truth).image, truth)
    return {
        "median PSNR": round(float(values.median()), 2),
        "least PSNR": round(float(values.min()), 2),
        "accepted": int(result.accepted.sum()),
        "transforms": round(float(result.transforms.double().mean())),
    }


def _shared(values: Tensor) -> Tensor:
    """One value for k and -k."""
    place = torch.arange(values[0].numel()).reshape(values.shape[1:])
    return torch.where(place <= reverse(place[None])[0], values, reverse(values))


def generality() -> None:
    """Other objects: drawn digits, turned digits, crops of photographs, a solid, a complex polygon, missing magnitudes."""
    rows: dict[str, Any] = {}
    turned = mnist("test", 7000, 7064).flip((-1, -2)).roll((5, 9), (-2, -1))
    for name, truth in {"64 drawn digits": drawn_digits(64, generator=seeded(1)), "64 turned digits": turned}.items():
        result = undula.recover(magnitudes(truth), generator=seeded(0))
        rows[name] = {"accepted and correct": int((result.accepted & correct(result.image, truth)).sum())}
    rows["16 crops of 64 × 64 in 128 × 128, support given"] = _crops()
    rows["drawn solid of 32³ in 64³, support given"] = _solid()
    rows["complex polygon in twice its frame, support given"] = _polygon()
    rows["256 digits, 5 % of the pairs and the DC unmeasured"] = _missing()
    record("recover", "generality", rows)


def _crops() -> dict[str, Any]:
    from skimage import data

    crops = []
    for picture in (data.text(), data.coins()):
        values = torch.from_numpy(picture.astype(np.float32) / 255)
        height, width = values.shape
        crops += [
            values[y : y + 64, x : x + 64] for y in (0, height - 64) for x in range(0, width - 63, (width - 64) // 3)
        ]
    truth = torch.nn.functional.pad(torch.stack(crops), (0, 64, 0, 64))
    support = undula.padded_support((64, 64), (128, 128))
    result = undula.recover(magnitudes(truth), support=support, generator=seeded(0))
    inside = mean_squared_error(undula.align(result.image, truth).image, truth) * 4  # over the object, not the frame
    return {
        "crops": len(truth),
        "correct": int((inside < 1e-3).sum()),
        "accepted": int(result.accepted.sum()),
        "transforms": round(float(result.transforms.double().mean())),
    }


def _solid() -> dict[str, Any]:
    truth = torch.nn.functional.pad(drawn_solid(32, generator=seeded(1)), (0, 32) * 3)
    support = undula.padded_support((32, 32, 32), (64, 64, 64))
    result = undula.recover(torch.fft.fftn(truth).abs(), dims=3, support=support, generator=seeded(0))
    error = relative_error(undula.align(result.image, truth, dims=3).image, truth, dims=3)
    return {"relative error": float(f"{float(error):.2g}"), "transforms": int(result.transforms)}


def _polygon() -> dict[str, Any]:
    inner, mask = drawn_polygon(48, generator=seeded(1))
    truth, support = torch.nn.functional.pad(inner, (0, 48, 0, 48)), torch.nn.functional.pad(mask, (0, 48, 0, 48))
    result = undula.recover(magnitudes(truth), field="complex", support=support, generator=seeded(0))
    error = relative_error(undula.align(result.image, truth).image, truth)
    return {"relative error": float(f"{float(error):.2g}"), "transforms": int(result.transforms)}


def _missing() -> dict[str, Any]:
    truth = mnist("test", 8000, 8256)
    chance = _shared(torch.rand(truth.shape, generator=seeded(3)))
    measured = chance >= 0.05
    measured[:, 0, 0] = False
    data = torch.where(measured, magnitudes(truth), 0.0)
    result = undula.recover(data, measured=measured, generator=seeded(0))
    good = correct(result.image, truth)
    return {
        "unmeasured share": round(1 - float(measured.double().mean()), 4),
        "correct": int(good.sum()),
        "accepted but wrong": int((result.accepted & ~good).sum()),
        "transforms": round(float(result.transforms.double().mean())),
    }


def crystal() -> None:
    """The measured nanocrystal, eight runs, with 2 % of the voxels held out."""
    counts = bcdi().astype(np.float32)
    peak = np.unravel_index(counts.argmax(), counts.shape)
    crop = torch.from_numpy(np.pad(counts, 64)[tuple(slice(place, place + 128) for place in peak)].copy())
    common: dict[str, Any] = {
        "dims": 3, "intensities": True, "centered": True, "field": "complex", "support": "shrinkwrap", "runs": 8,
    }  # fmt: skip
    rows = {}
    for name, share, seed in (("all voxels", 0.0, 0), ("2 % held out", 0.02, 1)):
        measured = torch.rand(crop.shape, generator=seeded(99)) >= share
        began = time.perf_counter()
        result = undula.recover(torch.where(measured, crop, 0.0), measured=measured, generator=seeded(seed), **common)
        seconds = time.perf_counter() - began
        rings = (result.prtf < np.exp(-1)).nonzero()
        rows[name] = {
            "runs accepted": int(result.run_accepted.sum()),
            "run residuals": [round(float(value), 4) for value in result.run_residual],
            "residual of the average": round(float(result.residual), 4),
            "agreement": round(float(result.agreement), 4),
            "support voxels": int(result.support.sum()),
            "PRTF at rings 8, 24, 40, 56": [round(float(result.prtf[ring]), 3) for ring in (8, 24, 40, 56)],
            "ring where the PRTF falls below 1/e": int(rings[0]) if len(rings) else "none up to the corner",
            "seconds": round(seconds),
        }
        if share:
            rows[name]["residual of the average on the held-out voxels"] = _held_out(result, crop, ~measured)
    record("recover", "crystal", rows)


def _held_out(result: Any, counts: Tensor, held: Tensor) -> float:
    """Residual of voxels that no run has seen, with the blur that was fitted."""
    intensity = fourier(result.image, dims=3).abs().square()
    modulus = torch.fft.fftshift(blurred(intensity[None], result.blur[None])[0]).sqrt()
    given = (counts / counts.numel()).sqrt()
    error = (modulus - given)[held].square().sum() / given[held].square().sum()
    return round(float(error.sqrt()), 4)


SECTIONS = {
    "digits": digits,
    "speed": speed,
    "gradient": gradient,
    "noise": noise,
    "generality": generality,
    "rivals": rivals,
    "crystal": crystal,
    "tables": tables,
}

if __name__ == "__main__":
    torch.set_flush_denormal(True)  # vanishing gradients of saturated sigmoids cost ten times the time otherwise
    for section in sys.argv[1:] or SECTIONS:
        SECTIONS[section]()
