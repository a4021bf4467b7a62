"""Train the weights that ship, from `UNDULA_DATA/photos`: `python benchmarks/restore_weights.py STAGE FOLDER [FROM]`.

Stages: `fill`; `fill-on`, which begins with the weights in the folder FROM and lets hard parts count more; `fill-third`, which
begins with those and sees the photographs at three sizes (the weights that ship saw one size in the first 15,500 of its steps);
`areas`, then `areas-on`.
`ship FILL AREAS` puts them into the package, with the factors that make the intervals of pictures held out hold.

Training goes on where it was stopped, and may be stopped at any time. Of the pictures in the order of their names the last
14 choose the best weights and are not trained on.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from measuring import ROOT
from restore_pictures import HELD_OUT
from torch import Tensor, nn
from torch.nn import functional

from restore import SHARES, widening
from undula.data import luminance, read_image
from undula.data.crops import Crops
from undula.fit import Plan, Progress, read_tensors, train
from undula.jobs.restore.areas import Corrupted, telling
from undula.jobs.restore.examples import Examples, Validation, filling, finishing
from undula.jobs.restore.model import Model
from undula.nets.filler import Filler
from undula.nets.unet import UNet

WEIGHTS = ROOT / "src" / "undula" / "jobs" / "restore" / "weights"
ABOUT = {
    "licence": "CC BY-SA 4.0",
    "attribution": "trained on 136 photographs of the training part of CID22 (Cloudinary), CC BY-SA 4.0",
}
FILL = Plan(
    steps=30_000, batch=8, rate=1e-3, warmup=200, final_rate=0.001, betas=(0.9, 0.99), weight_decay=1e-4, clip=1.0,
    ema=0.999, precision="bfloat16", check_every=100, validate_every=2000, save_every=500,
)  # fmt: skip
AREAS = replace(FILL, steps=20_000, rate=2e-3, ema=0.99, precision="float32", validate_every=20_000)
FILL_ON = replace(FILL, steps=13_000, rate=5e-4, warmup=100, validate_every=1000)
FILL_THIRD = replace(FILL_ON, steps=22_000, validate_every=2000)
AREAS_ON = replace(AREAS, steps=8000, rate=1e-3)
PLANS = {"fill": FILL, "fill-on": FILL_ON, "fill-third": FILL_THIRD, "areas": AREAS, "areas-on": AREAS_ON}
SEEDS = {"fill": 0, "fill-on": 2, "fill-third": 3, "areas": 0, "areas-on": 2}
FIRST = ("fill", "areas")
SHORTER = (358, 256)  # pixels of the shorter sides of the smaller copies of photographs of 512


def pictures() -> list[Tensor]:
    """All photographs in color, in the order of their names."""
    files = sorted((Path(os.environ["UNDULA_DATA"]) / "photos").glob("*.png"))
    return [read_image(path).expand(3, -1, -1) for path in files]


def shrunk(picture: Tensor, shorter: int) -> Tensor:
    """A smaller copy, in bytes like the photographs: it has more detail in a pixel."""
    share = shorter / min(picture.shape[1:])
    size = [round(side * share) for side in picture.shape[1:]]
    small = functional.interpolate(picture[None], size=size, mode="bicubic", antialias=True)[0]
    return (small.clamp(0, 1) * 255).round() / 255


def new_areas() -> UNet:
    """The untrained network that tells areas."""
    return UNet(3, (16, 24, 32, 32), (1, 1, 1, 1))


def tell(step: int, progress: Progress) -> None:
    """One line per look."""
    if progress.check is not None:
        words = {name: round(value, 3) for name, value in progress.check.validation_parts.items()}
        left = time.strftime("%H:%M:%S", time.gmtime(progress.seconds_left))
        print(f"{step} of {progress.steps}, loss {progress.check.loss:.4f}, {left} left {words or ''}", flush=True)


def main(stage: str, folder: str, begin: str | None = None) -> None:
    """Train one network, or train it on."""
    if stage not in PLANS or (stage in FIRST) == (begin is not None):
        raise SystemExit(__doc__)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    given = pictures()
    known, held = given[:-HELD_OUT], [luminance(picture)[None] for picture in given[-HELD_OUT:]]
    if stage == "fill-third":
        known += [shrunk(picture, side) for side in SHORTER for picture in known]
    crops = Crops(known, size=96, seed=SEEDS[stage])
    began = time.process_time()
    if stage.startswith("areas"):
        network = new_areas()
        start(network, begin, "weights")
        train(network, Corrupted(crops), telling, plan=PLANS[stage], folder=folder, callback=tell)
    else:
        judge = Validation.of(held, shares=SHARES, size=256)
        filler, objective = Filler(), filling if stage == "fill" else finishing
        start(filler, begin, "best")
        train(filler, Examples(crops), objective, plan=PLANS[stage], folder=folder, validate=judge, callback=tell)
    print(f"{time.process_time() - began:.0f} seconds of one core in this call")


def start(network: nn.Module, begin: str | None, name: str) -> None:
    """Begin with trained weights, if there are any."""
    if begin:
        network.load_state_dict(read_tensors(Path(begin) / f"{name}.safetensors")[0])
    network.to(memory_format=torch.channels_last)


def ship(fill: str, areas: str) -> None:
    """Put trained networks into the package."""
    network, telling_areas = Filler(), new_areas()
    weights, facts = read_tensors(Path(fill) / "best.safetensors")
    network.load_state_dict(weights)
    telling_areas.load_state_dict(read_tensors(Path(areas) / "weights.safetensors")[0])
    known = {**ABOUT, "steps": FILL.steps + FILL_ON.steps + int(facts["step"])}
    model = Model(network, telling_areas, known | {"widening": widening(network)})
    model.save(WEIGHTS, half=True)
    print(f"{WEIGHTS}: {sum(file.stat().st_size for file in WEIGHTS.iterdir())} bytes, {model.facts}")


if __name__ == "__main__":
    (ship if sys.argv[1] == "ship" else main)(*sys.argv[2 if sys.argv[1] == "ship" else 1 :])
