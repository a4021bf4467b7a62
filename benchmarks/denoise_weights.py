"""Train the weights that ship: `python benchmarks/denoise_weights.py grey|color|noise FOLDER`, from `UNDULA_DATA/photos`, and
then `python benchmarks/denoise_weights.py ship NOISE GREY [COLOR]` puts them, in half precision, where they ship from.

It goes on where it was stopped, and may be stopped at any time. Of the pictures in the order of their names the last 14
choose the best weights and are not trained on. One thread: a second core trains the other network.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from undula.data import luminance, read_image
from undula.data.crops import Crops
from undula.fit import Plan, Progress, read_tensors, train
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.denoise.examples import Examples, Validation, denoising, measuring
from undula.jobs.denoise.sharpness.dial import SharpnessDial
from undula.losses import loss_from_text
from undula.nets.noise_level import NoiseLevel
from undula.nets.unet import UNet

HELD_OUT = 14
WEIGHTS = Path(__file__).parents[1] / "src" / "undula" / "jobs" / "denoise" / "weights"
DIAL_LEVELS = [level / 255 for level in (5, 10, 15, 25, 35, 50)]
ABOUT = {
    "licence": "CC BY-SA 4.0",
    "attribution": "trained on 136 photographs of the training part of CID22 (Cloudinary), CC BY-SA 4.0",
    "levels": [5 / 255, 55 / 255],
}
PLANS = {
    "grey": Plan(
        steps=50_000, batch=8, rate=1e-3, warmup=200, final_rate=0.001, betas=(0.9, 0.99), weight_decay=1e-4, clip=1.0,
        ema=0.999, precision="bfloat16", check_every=100, validate_every=2000, save_every=500,
    ),
    "noise": Plan(
        steps=6000, batch=16, rate=2e-3, warmup=100, betas=(0.9, 0.99), clip=1.0, ema=0.99, check_every=100,
        validate_every=1000, save_every=500,
    ),
}  # fmt: skip
PLANS["color"] = replace(PLANS["grey"], steps=24_000)


def pictures(*, grey: bool) -> list[Tensor]:
    """All photographs, in the order of their names."""
    files = sorted((Path(os.environ["UNDULA_DATA"]) / "photos").glob("*.png"))
    read = [read_image(path) for path in files]
    return [luminance(picture)[None] if grey else picture.expand(3, -1, -1) for picture in read]


def tell(step: int, progress: Progress) -> None:
    """One line per look."""
    if progress.check is not None:
        words = {name: round(value, 3) for name, value in progress.check.validation_parts.items()}
        left = time.strftime("%H:%M:%S", time.gmtime(progress.seconds_left))
        print(f"{step} of {progress.steps}, loss {progress.check.loss:.6f}, {left} left {words or ''}", flush=True)


def main(kind: str, folder: str) -> None:
    """Train one network."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    given = pictures(grey=kind != "color")
    known, held = given[:-HELD_OUT], given[-HELD_OUT:]
    began = time.process_time()
    if kind == "noise":
        examples = Examples(Crops(known, size=96), (2 / 255, 60 / 255))
        train(NoiseLevel(), examples, measuring, plan=PLANS[kind], folder=folder, callback=tell)
    else:
        network = UNet(channels=known[0].shape[0]).to(memory_format=torch.channels_last)
        examples = Examples(Crops(known, size=96), (5 / 255, 55 / 255))
        judge = Validation.of(held, levels=(15 / 255, 25 / 255, 50 / 255), size=256)
        objective = denoising(loss_from_text("charbonnier"))
        train(network, examples, objective, plan=PLANS[kind], folder=folder, validate=judge, callback=tell)
    print(f"{time.process_time() - began:.0f} seconds of one core in this call")


def ship(noise: str, *folders: str) -> None:
    """Put trained networks into the package."""
    measure = NoiseLevel()
    measure.load_state_dict(read_tensors(Path(noise) / "weights.safetensors")[0])
    for folder in folders:
        weights, facts = read_tensors(Path(folder) / "best.safetensors")
        channels = weights["tail.weight"].shape[0] // 4
        network = UNet(channels=channels)
        network.load_state_dict(weights)
        place = WEIGHTS / ("grey" if channels == 1 else "color")
        denoiser = Denoiser(network, noise_level=measure, facts={**ABOUT, "steps": facts.get("step")})
        held = pictures(grey=channels == 1)[-HELD_OUT:]
        dial = SharpnessDial().fit(
            denoiser, None, sigma=DIAL_LEVELS, truth=held, generator=torch.Generator().manual_seed(0)
        )
        denoiser.facts["dial"] = dial.to_facts()
        denoiser.save(place, half=True)
        print(f"{place}: {sum(file.stat().st_size for file in place.iterdir())} bytes")


if __name__ == "__main__":
    (ship if sys.argv[1] == "ship" else main)(*sys.argv[2 if sys.argv[1] == "ship" else 1 :])
