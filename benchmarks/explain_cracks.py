"""Does a denoiser attend to the cracks, or tone them down? Signed maps of every octave of its output against crack masks.

Photographs 079–118 of CrackForest, whose masks nobody trained on, as gray images with white noise of σ 25. One score per
photograph, octave and map: the mean of the signed map inside the mask over that outside. Integrated gradients start at the
mean gray of each photograph: against black a dark crack would count against everything. Beside the network stand

- the same masks shifted on the torus: what chance gives;
- the network with random weights: what its wiring gives;
- no network at all, on the clean photograph: how much of the band's energy lies on the cracks. Where the trained
  network stands above it, it attends to the cracks; where below, it tones them down.

The page holds pictures of CrackForest, whose terms forbid to pass them on: it goes to a folder that git ignores.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from undula.attribution import FourierBand, Integrated, attribute_each, fourier_bands, randomized
from undula.data import luminance, read_image, read_segmentation
from undula.data.draws import normal
from undula.data.sets import picture_set
from undula.jobs.denoise.denoiser import Denoiser
from undula.jobs.explain.aims import read_aims
from undula.jobs.explain.figures import in_colors, signed_plane
from undula.nets.storage import read_model
from undula.show import Axis, Picture, Plane, Section, Table, draw_panels, save_picture, write_page

_FIRST, _LAST = 79, 118
_SIGMA = 25 / 255
_STEPS = 8  # maps fail to add up by 2.5 % at most on a piece of 079, by 22 % with 4 steps; scores as with 32 within 2 %
_FEW = 4  # of random weights; without a network one would be exact
_DARK = 1e-6  # the lowest octave without the mean, whose energy is 127 times that of all the rest in 079
_SHIFTS = 16
_SHOWN = 4  # photographs on the page
_AXES = (Axis(0.0, 1.0, ticked=False), Axis(1.0, 0.0, ticked=False))

Maps = Callable[[Tensor, Tensor], list[Tensor]]  # clean and noisy image (1, 1, h, w) → one signed map (h, w) per octave


def trained(folder: str) -> None:
    """Train the gray denoiser that is examined: from the shipped weights, on the photographs without the forty.

    Args:
        folder: Where the model goes; a training found there goes on.
    """
    files = [path for path in picture_set("cracks") if not _FIRST <= int(path.stem) <= 200]  # the others are 201 … 329
    pictures = [luminance(read_image(path))[None] for path in files]
    denoiser = Denoiser().fit(
        pictures, network=Denoiser.pretrained(1).network, noise=_SIGMA, loss="mse", steps=1500, rate=3e-4, folder=folder
    )
    denoiser.facts["name"] = f"trained on {len(pictures)} photographs of CrackForest, {denoiser.facts['psnr']} dB"
    denoiser.save(folder)


def examined(folder: str, *, output: Path, device: str, limit: int | None = None) -> dict[str, Any]:
    """The table, and the page as a side effect.

    Args:
        folder: Folder of a gray denoiser of Undula.
        output: Where the page goes.
        device: Where to compute.
        limit: Photographs, for a trial; None for all forty.

    Returns:
        Per octave the medians and quartiles of the scores, with their controls.
    """
    networks, facts = read_model(folder)
    network = networks["network"].to(device)
    known = _maps(network)
    names = read_aims("octaves").bands
    scores: dict[str, list[list[float]]] = {name: [] for name in known}
    shifted: list[list[list[float]]] = []
    residuals, pictures = [], []
    for number in list(range(_FIRST, _LAST + 1))[:limit]:
        clean, noisy, mask = _photograph(number, device)
        found = {}
        for name, make in known.items():
            maps, residual = make(clean, noisy)
            found[name] = maps
            scores[name].append([_ratio(each, mask) for each in maps])
            if name == "network":
                residuals.append(residual)
        shifts = [torch.roll(mask, shift, (0, 1)) for shift in _places(number, mask)]
        shifted.append([[_ratio(each, moved) for each in found["network"]] for moved in shifts])
        if len(pictures) < _SHOWN:
            pictures.append(_draw(number, clean, noisy, mask, found, names, output))
        print(number, [round(each, 2) for each in scores["network"][-1]], flush=True)
    figures = _summary(names, scores, shifted) | {
        "photographs": len(scores["network"]),
        "network": str(facts.get("name", "preliminary" if not facts else "unnamed")),
        "integrated gradients fail to add up by [median]": round(median(residuals), 3),
    }
    _write_page(figures, pictures, output)
    return figures


def _octaves() -> list[FourierBand]:
    first, *others = fourier_bands()
    return [FourierBand(_DARK, first.high), *others]


def _maps(network: nn.Module) -> dict[str, Any]:
    """The maps that are compared, by name."""
    random = randomized(network, generator=torch.Generator().manual_seed(0))
    layers = [
        name for name, module in network.named_modules() if name.count(".") == 1 and name.startswith(("down", "up"))
    ]
    coarse, fine = layers[layers.index("up.0") - 1], "up.0"
    level = torch.tensor([_SIGMA])

    def asked(
        model: nn.Module, *, layer: str | None = None, told: bool = True, clean: bool = False, steps: int = _FEW
    ) -> Any:
        def make(given: Tensor, noisy: Tensor) -> tuple[list[Tensor], float]:
            image = given if clean else noisy
            method = "hirescam" if layer else Integrated(steps=steps, baseline=image.mean(dim=(1, 2, 3), keepdim=True))
            arguments = (level.to(image.device),) if told else ()
            found = attribute_each(model, image, targets=_octaves(), layers=layer, method=method, arguments=arguments)
            gaps = [float(each.residual.max()) for each in found if each.residual is not None]
            return [each.raw[0].cpu() for each in found], max(gaps, default=0.0)

        return make

    return {
        "network": asked(network, steps=_STEPS),
        "random weights": asked(random),
        "clean photograph": asked(nn.Sequential(nn.Identity()), told=False, clean=True),
        f"hirescam of {coarse} (bottleneck)": asked(network, layer=coarse),
        f"hirescam of {fine} (last stage)": asked(network, layer=fine),
        f"hirescam of {fine}, random weights": asked(random, layer=fine),
    }


def _photograph(number: int, device: str) -> tuple[Tensor, Tensor, Tensor]:
    files = {path.stem: path for path in picture_set("cracks")}
    path = files[f"{number:03d}"]
    clean = luminance(read_image(path))[None, None]
    labels = read_segmentation(path.parent.parent / "masks" / f"{number:03d}.seg")
    mask = labels % 2 == 1  # even labels are the road, around cracks and enclosed by them
    noise = normal(torch.tensor([number]), torch.tensor([0]), tuple(clean.shape[1:]), dtype=torch.float32)
    return clean.to(device), (clean + _SIGMA * noise).to(device), mask


def _ratio(signed: Tensor, mask: Tensor) -> float:
    return float(signed[mask].mean() / signed[~mask].mean())


def _places(number: int, mask: Tensor) -> list[tuple[int, int]]:
    """Shifts of at least an eighth of each side, the same for every run."""
    chance = np.random.default_rng(number)
    return [
        (int(chance.integers(h // 8, h - h // 8)), int(chance.integers(w // 8, w - w // 8)))
        for h, w in [mask.shape] * _SHIFTS
    ]


def _summary(names: Any, scores: dict[str, Any], shifted: list[Any]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    chance = np.median(np.array(shifted), axis=0)  # over photographs: (shifts, octaves)
    for place, name in enumerate(names):
        row: dict[str, Any] = {}
        for which, values in scores.items():
            own = [each[place] for each in values]
            row[which] = round(median(own), 2)
            if which == "network" and len(own) > 1:
                low, _, high = quantiles(own, n=4)
                row["network, quartiles"] = [round(low, 2), round(high, 2)]
        row["shifted masks, least and greatest"] = [
            round(float(each[place]), 2) for each in (chance.min(0), chance.max(0))
        ]
        gains = [a[place] / b[place] for a, b in zip(scores["network"], scores["clean photograph"], strict=True)]
        row["network over clean photograph"] = round(median(gains), 2)
        row["photographs in which the network stands above"] = sum(gain > 1 for gain in gains)
        rows[name] = row
    return {"inside over outside, medians": rows}


def _draw(
    number: int, clean: Tensor, noisy: Tensor, mask: Tensor, found: dict[str, Any], names: Any, output: Path
) -> Picture:
    output.mkdir(parents=True, exist_ok=True)
    top = [
        Plane(in_colors(clean[0].cpu().numpy()), *_AXES, "Clean", square=True),
        Plane(in_colors(noisy[0].cpu().numpy()), *_AXES, "Noisy, σ 25", square=True),
        Plane(mask.numpy().astype(float), *_AXES, "Cracks", colors="gray", square=True),
    ]
    bands = [
        signed_plane(each.numpy(), f"{name}: {_ratio(each, mask):.1f} × inside")
        for name, each in zip(names, found["network"], strict=True)
    ]
    rows = [top, bands[:3], bands[3:]]
    path = output / f"cracks-{number:03d}.png"
    save_picture(path, draw_panels(rows, title=f"Photograph {number:03d}", subtitle="integrated gradients, by octave"))
    return Picture(path, "", f"Band maps of photograph {number:03d}", 960)


def _write_page(figures: dict[str, Any], pictures: list[Picture], output: Path) -> None:
    rows = figures["inside over outside, medians"]
    columns = list(next(iter(rows.values())))
    cells = [[name, *(cell(row[column]) for column in columns)] for name, row in rows.items()]
    write_page(
        output / "index.html",
        title="Does the denoiser attend to the cracks?",
        lead="Mean signed map inside the cracks over that outside, per octave of the output (cycles per pixel).",
        sections=[
            Section(
                "The answer",
                [
                    "Above the clean photograph the network attends to the cracks, below it it tones them down; within the "
                    "range of the shifted masks there is nothing to see.",
                    f"{figures['photographs']} photographs of CrackForest, σ 25.",
                ],
                table=Table(["octave", *columns], cells),
            ),
            Section("Maps", pictures=pictures),
        ],
        footer="benchmarks/explain.py cracks; pictures of CrackForest (Shi et al. 2016), not to be passed on.",
    )


def cell(value: Any) -> str:
    """A value, or both ends of a range."""
    return " … ".join(str(each) for each in value) if isinstance(value, list) else str(value)
