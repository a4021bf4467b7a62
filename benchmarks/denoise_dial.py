"""How well the sharpness dial knows its price: `python benchmarks/denoise_dial.py [--model FOLDER] [--pictures 68]`.

Calibrated on the 14 photographs of `UNDULA_DATA/photos` that no network was trained on, scored on BSD68. Noise: white, from one
generator for each picture.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch
from measuring import record
from torch import Tensor

from undula.data import luminance, read_image
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.denoise.sharpness.dial import SharpnessDial
from undula.jobs.denoise.sharpness.report import SHARPNESS, DialReport, decibels
from undula.jobs.denoise.sharpness.ring_energies import RingEnergies, measure
from undula.metrics import psnr

CALIBRATION = 14
LEVELS = (15, 25, 50)


def grey_pictures(name: str) -> list[Tensor]:
    files = sorted((Path(os.environ["UNDULA_DATA"]) / name).glob("*.png"))
    assert files, f"no pictures in {name}"
    return [luminance(read_image(file)).float() for file in files]


def network(folder: Path | None) -> torch.nn.Module:
    found = (Denoiser.pretrained(1) if folder is None else Denoiser.load(folder)).network
    assert found is not None
    return found


def with_noise(pictures: list[Tensor], level: float, seed: int) -> list[Tensor]:
    chances = [torch.Generator().manual_seed(seed + number) for number in range(len(pictures))]
    return [one + level * torch.randn(one.shape, generator=each) for one, each in zip(pictures, chances, strict=True)]


def summary(forecast: Tensor, actual: Tensor) -> dict[str, Any]:
    """Of forecasts (n, s) against what happened."""
    error = forecast - actual
    return {
        f"{setting:g}": {
            "mean error [dB]": round(float(each.mean()), 4),
            "90th percentile [dB]": round(float(each.abs().quantile(0.9)), 4),
        }
        for setting, each in zip(SHARPNESS, error.T, strict=True)
    }


def by_calibration(
    pictures: list[RingEnergies], mean: RingEnergies, extra: Tensor, *, own_error: bool
) -> list[tuple[float, float]]:
    """Prices from the pictures' own spectra, with the cross terms of the calibration: the forecast without Stein's."""
    prices = []
    for one in pictures:
        mse = float(one.mse if own_error else mean.mse)
        cross = float(extra @ (mean.error / mean.output * one.output)) / mse
        prices.append((cross, float(extra @ one.products() @ extra) / mse))
    return prices


def one_level(net: torch.nn.Module, level: float, photos: list[Tensor], pictures: list[Tensor]) -> dict[str, Any]:
    def denoise(image: Tensor) -> Tensor:
        out: Tensor = net(image, torch.tensor([level]))
        return out

    chance = torch.Generator().manual_seed(1)
    noisy_photos, noisy = with_noise(photos, level, 10_000), with_noise(pictures, level, 0)
    exact = SharpnessDial().fit(denoise, noisy_photos, sigma=level, truth=photos)
    alone = SharpnessDial().fit(denoise, noisy_photos, sigma=level, generator=chance)
    truly = [measure(denoise, y[None], sigma=level, truth=x[None]) for y, x in zip(noisy, pictures, strict=True)]
    guessed = [measure(denoise, y[None], sigma=level, generator=chance) for y in noisy]
    rows: dict[str, Any] = {}
    for name, dial in (("calibrated", exact), ("self-calibrated", alone)):
        extra = dial.gain(level) - 1
        actual = decibels([one.price(extra) for one in truly], SHARPNESS)
        rows[f"{name}: actual change of PSNR [dB]"] = [round(float(one), 4) for one in actual.mean(0)]
        ways = {
            "picture denoised twice (Stein)": decibels([one.price(extra) for one in guessed], SHARPNESS),
            "calibration's mean, no picture": dial.report(sharpness=SHARPNESS).change.expand(len(truly), -1),
        }
        if name == "calibrated":
            own, mean = (
                by_calibration(guessed, exact.at(level).energies(), extra, own_error=each) for each in (True, False)
            )
            ways["picture's spectrum, calibration's cross terms, Stein's error"] = decibels(own, SHARPNESS)
            ways["picture's spectrum, calibration's cross terms and error"] = decibels(mean, SHARPNESS)
        rows |= {f"{name}: {way}": summary(each, actual) for way, each in ways.items()}
    rows["self-calibrated gain, log error to the exact one"] = round(
        float((alone.gain(level).log() - exact.gain(level).log()).square().mean().sqrt()), 3
    )
    prices = [one.price(exact.gain(level) - 1) for one in truly]
    told = DialReport.of(
        exact.at(level),
        RingEnergies.mean(truly),
        prices,
        sharpness=SHARPNESS,
        level=level,
        span=(level, level),
        exact=True,
    )
    rows |= bands(told, alone.report())
    rows["clipped, in place of forecast [dB]"] = clipped(denoise, exact, noisy, pictures, level)
    return rows


def bands(report: DialReport, alone: DialReport) -> dict[str, Any]:
    return {
        "bands of BSD68": [{key: _short(value) for key, value in row.items()} for row in report.band_rows()],
        "energy at each sharpness": {
            f"{setting:g}": [round(float(one), 3) for one in energy]
            for setting, energy in zip(report.sharpness, report.energy, strict=True)
        },
        "slopes of the rings": [round(float(one), 3) for one in report.slopes],
        "right gain of every ring would add [dB]": round(report.correction, 4),
        "bands that self-calibration calls reliable": alone.reliable.tolist(),
    }


def clipped(
    denoise: Any, dial: SharpnessDial, noisy: list[Tensor], pictures: list[Tensor], level: float
) -> list[float]:
    """Change of the PSNR of clipped pictures minus that of unclipped ones, mean."""
    rows = []
    for y, x in zip(noisy[:16], pictures, strict=False):
        with torch.no_grad():
            plain = denoise(y[None, None])[0, 0]
        turned = [dial.transform(plain, sharpness=setting, sigma=level) for setting in SHARPNESS]
        rows.append(
            [float(psnr(z.clamp(0, 1), x) - psnr(plain.clamp(0, 1), x) - (psnr(z, x) - psnr(plain, x))) for z in turned]
        )
    return [round(float(one), 4) for one in torch.tensor(rows).mean(0)]


def _short(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, help="folder of a gray denoiser; the one that ships if not given")
    parser.add_argument("--pictures", type=int, default=68)
    parser.add_argument("--dry", action="store_true", help="print, and keep the results as they are")
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = network(options.model)
    photos, pictures = grey_pictures("photos")[-CALIBRATION:], grey_pictures("denoise/BSD68")[: options.pictures]
    levels = {str(level): one_level(net, level / 255, photos, pictures) for level in LEVELS}
    figures = {"pictures": len(pictures), "calibration": f"{CALIBRATION} photographs", "sigma": levels}
    if options.dry:
        print(json.dumps(figures, indent=1, ensure_ascii=False))
    else:
        record("denoise", "dial", figures)


if __name__ == "__main__":
    main()
