"""Does a frozen ViT help a U-Net to denoise? `python benchmarks/denoise_vit.py FOLDER` trains and scores all that the answer
needs, in FOLDER, and goes on where it was stopped; `python benchmarks/denoise_vit.py tables` rewrites docs/denoise.md.

CrackForest in color, white noise of σ 25, crops of 224². Trained on 001–078 and 201–329, scored on the middles of 079–118.
All rows have the same crops, noise, steps and rate, and the U-Nets in them begin with the same weights (but for the wide one);
a new `ViTUNet` is its U-Net. The small ViT learns from hidden patches of `UNDULA_DATA/photos`, without the last 14; the random
one is what it was before. One thread.
"""

import copy
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from measuring import ROOT, record, results, rewrite, table
from torch import Tensor, nn

from undula.data import read_image
from undula.data.crops import Crops
from undula.data.sets import picture_set
from undula.fit import Plan, Progress, train
from undula.jobs.denoise.examples import Examples, Validation, denoising
from undula.losses import loss_from_text
from undula.metrics import psnr, ssim
from undula.nets import MaskedPatches, UNet, ViTUNet, random_vit

SIZE, SIGMA, HELD_OUT, ROUNDS = 224, 25 / 255, 14, 9
UNSEEN = 2**40  # numbers of masks that no training draws
SEEDS = (0, 1)
ROWS = {
    "unet": "U-Net alone",
    "random": "with a frozen random ViT",
    "learned": "with a frozen ViT that learned `photos`",
    "wide": "U-Net alone, last level 108 wide",
}
LOSS = "charbonnier"
PLAN = Plan(
    steps=800, batch=2, rate=1e-3, warmup=50, final_rate=0.001, betas=(0.9, 0.99), weight_decay=1e-4, clip=1.0, ema=0.99,
    precision="bfloat16", check_every=50, save_every=250,
)  # fmt: skip
LEARNING = Plan(
    steps=1300, batch=16, rate=1e-3, warmup=65, betas=(0.9, 0.95), weight_decay=0.05, clip=1.0, precision="bfloat16",
    check_every=25, validate_every=100, save_every=100,
)  # fmt: skip


def photos() -> list[Tensor]:
    """Photographs in color, in the order of their names."""
    return [read_image(file).expand(3, -1, -1) for file in picture_set("photos")]


def cracks(*spans: range) -> list[Tensor]:
    """Pictures of CrackForest by their numbers; not every number has one."""
    return [read_image(file) for file in picture_set("cracks") if any(int(file.stem) in span for span in spans)]


def tell(step: int, progress: Progress) -> None:
    """One line per look."""
    if progress.check is not None:
        seen = progress.check.validation
        print(step, f"{progress.check.loss:.6f}", "" if seen is None else f"{seen:.4f}", flush=True)


def new_vit() -> nn.Module:
    """The small random ViT with places that it can tell apart: waves of 4 to 117 patches, in both directions."""
    vit = random_vit()
    width, side = 192, 14
    angles = torch.arange(side)[:, None] * 1.5 / 30 ** (torch.arange(width // 4) / (width // 4))
    line = 0.2 * torch.cat([angles.sin(), angles.cos()], dim=1)
    grid = torch.cat([line[:, None].expand(-1, side, -1), line.expand(side, -1, -1)], dim=-1)
    with torch.no_grad():
        vit.embeddings.position_embeddings[0, 1:] = grid.flatten(0, 1)
    return vit


def learned_vit(folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The ViT that learned the photographs, and what shows that it did."""
    given = photos()
    crops = Crops(given[:-HELD_OUT], size=SIZE)
    others = Validation.of(given[-HELD_OUT:], levels=(0.0,), size=SIZE).clean

    @torch.no_grad()
    def loss(network: nn.Module) -> float:
        return float(network(others, torch.arange(len(others)) + UNSEEN))

    torch.manual_seed(0)
    masked = MaskedPatches(new_vit())
    mean = copy.deepcopy(masked)
    nn.init.zeros_(mean.head.weight)
    nn.init.zeros_(mean.head.bias)
    before = {
        "telling the mean of a patch": loss(mean), "telling the color of the picture": color_loss(masked, others),
        "before learning": loss(masked),
    }  # fmt: skip
    training = train(
        masked, lambda numbers: (crops(numbers), numbers), lambda network, batch: network(*batch), plan=LEARNING,
        folder=folder, validate=loss, callback=tell, settings=masked.settings,
    )  # fmt: skip
    curve = {str(check.step): check.validation for check in training.history if check.validation is not None}
    facts = {
        "loss on held-out photographs": before | {"after learning": loss(masked)},
        "loss on held-out photographs after steps": curve,
        "training loss": {"first": training.history[0].loss, "last": training.history[-1].loss},
        "photographs": len(given) - HELD_OUT, "steps": LEARNING.steps, "batch": LEARNING.batch, "ratio": masked.ratio,
    }  # fmt: skip
    return masked.vit, facts


def color_loss(masked: MaskedPatches, image: Tensor) -> float:
    """The loss of telling the mean color of the patches that are not hidden, each as the targets are normalized."""
    mask = masked.mask(torch.arange(len(image)) + UNSEEN, SIZE // masked.patch, SIZE // masked.patch)
    patches = masked.targets(2 * image - 1).unflatten(-1, (3, -1))
    shown = ~mask[..., None]
    color = (patches.mean(dim=-1) * shown).sum(dim=(1, 2)) / shown.sum(dim=(1, 2))
    errors = (patches - color[:, None, None, :, None]).square().mean(dim=(-2, -1)) * mask
    return float((errors.sum(dim=(1, 2)) / mask.sum(dim=(1, 2))).mean())


def network(row: str, seed: int, learned: nn.Module) -> nn.Module:
    """The network of a row before training."""
    torch.manual_seed(seed)
    if row in ("unet", "wide"):
        made: nn.Module = UNet(3, widths=(48, 80, 108 if row == "wide" else 96))
    else:
        made = ViTUNet(new_vit() if row == "random" else learned)
    return made.to(memory_format=torch.channels_last)


@torch.no_grad()
def scores(made: nn.Module, judge: Validation, *, foreign: bool = False) -> tuple[Tensor, Tensor]:
    """PSNR and SSIM of every picture; `foreign` shows the network what the ViT sees in the picture before."""
    hook = made.vit.register_forward_hook(lambda *given: given[2].roll(1, 0)) if foreign else None
    out = [made(part, torch.tensor(SIGMA)).clamp(0, 1) for part in judge.noisy[0].split(8)]
    if hook is not None:
        hook.remove()
    restored = torch.cat(out)
    return psnr(restored, judge.clean, dims=3), ssim(restored, judge.clean).mean(dim=1)


def weights(made: nn.Module) -> dict[str, int]:
    """How many are trained, and how many are frozen."""
    sizes = [(value.requires_grad, value.numel()) for value in made.parameters()]
    return {
        name: sum(n for learns, n in sizes if learns == kind) for name, kind in (("trained", True), ("frozen", False))
    }


def costs(learned: nn.Module, examples: Examples) -> dict[str, float]:
    """Processor seconds of a step without the optimizer: the median of rounds in which the rows take turns."""
    objective = denoising(loss_from_text(LOSS))
    times: dict[str, list[float]] = {row: [] for row in ROWS}
    made = {row: network(row, 0, learned).train() for row in ROWS}
    for number in range(ROUNDS + 1):
        for row, each in made.items():
            began = time.process_time()
            batch = examples(torch.arange(PLAN.batch) + PLAN.batch * number)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss, _ = objective(each, batch)
            loss.backward()
            times[row].append(time.process_time() - began)
    return {row: round(median(each[1:]), 3) for row, each in times.items()}


def spread(values: Tensor) -> dict[str, Any]:
    """Mean and deviation over seeds."""
    return {"mean": round(float(values.mean()), 4), "deviation": round(float(values.std()), 4)}


def trained(
    folder: Path, row: str, seed: int, learned: nn.Module, known: list[Tensor]
) -> tuple[nn.Module, list[float]]:
    """The trained network of a row, and its loss at every look."""
    examples = Examples(Crops(known, size=SIZE, seed=seed), (SIGMA, SIGMA))
    settings = {"row": row, "seed": seed, "loss": LOSS, "learned": LEARNING.steps}
    training = train(
        network(row, seed, learned), examples, denoising(loss_from_text(LOSS)), plan=PLAN,
        folder=folder / f"{row}-{seed}", callback=tell, settings=settings,
    )  # fmt: skip
    return training.network, [check.loss for check in training.history]


def rows(folder: Path) -> None:
    """All rows, all seeds."""
    learned, facts = learned_vit(folder / "learned")
    known, scored = cracks(range(1, 79), range(201, 330)), cracks(range(79, 119))
    judge = Validation.of(scored, levels=(SIGMA,), size=SIZE, seed=100)  # noise that no training draws
    noisy = judge.noisy[0]
    figures: dict[str, Any] = {
        "ViT": facts,
        "noisy": {
            "PSNR": float(psnr(noisy.clamp(0, 1), judge.clean, dims=3).mean()),
            "SSIM": float(ssim(noisy.clamp(0, 1), judge.clean).mean()),
        },
        "pictures": {"trained": len(known), "scored": len(judge.clean)},
        "steps": PLAN.steps, "batch": PLAN.batch, "seeds": len(SEEDS), "loss": LOSS,
        "CPU seconds of a step": costs(learned, Examples(Crops(known, size=SIZE), (SIGMA, SIGMA))),
        "rows": {},
    }  # fmt: skip
    # Seed by seed, so that what is there when it is stopped can be compared.
    runs = {(seed, row): trained(folder, row, seed, learned, known) for seed in SEEDS for row in ROWS}
    judged = {key: scores(made, judge) for key, (made, _) in runs.items()}
    base = torch.stack([judged[seed, "unet"][0] for seed in SEEDS])
    for row in ROWS:
        decibels, likeness = (torch.stack([judged[seed, row][place] for seed in SEEDS]) for place in (0, 1))
        entry = {"PSNR": spread(decibels.mean(1)), "SSIM": spread(likeness.mean(1)), **weights(runs[0, row][0])}
        entry["more than U-Net alone"] = spread((decibels - base).mean(1))
        entry["PSNR of each seed"] = [round(float(one), 4) for one in decibels.mean(1)]
        entry["pictures better than U-Net alone"] = round(float((decibels > base).float().mean()), 3)
        entry["loss at every look"] = [[round(value, 6) for value in runs[seed, row][1]] for seed in SEEDS]
        if entry["frozen"]:
            others = torch.stack([scores(runs[seed, row][0], judge, foreign=True)[0] for seed in SEEDS])
            entry["more with what the ViT sees in another picture"] = spread((others - decibels).mean(1))
        figures["rows"][row] = entry
    record("denoise", "vit", figures)


def tables() -> None:
    """Rewrite the table of docs/denoise.md."""
    figures = results("denoise")["vit"]
    lines = []
    for row, name in ROWS.items():
        entry = figures["rows"][row]
        more = "–" if row == "unet" else _told(entry["more than U-Net alone"], 3, "+")
        foreign = entry.get("more with what the ViT sees in another picture")
        lines.append(
            [
                name, _told(entry["PSNR"], 3), _told(entry["SSIM"], 4), more,
                "–" if foreign is None else _told(foreign, 4, "+"), f"{figures['CPU seconds of a step'][row]:.2f}",
                f"{entry['trained']:,}", f"{entry['frozen']:,}",
            ]
        )  # fmt: skip
    heads = ["network", "PSNR", "SSIM", "more than U-Net alone, dB", "tokens of another picture, dB", "CPU s per step"]
    made = table([*heads, "trained weights", "frozen weights"], lines)
    rewrite(ROOT / "docs" / "denoise.md", {"vit": made})
    print(made)


def _told(value: dict[str, float], digits: int, sign: str = "") -> str:
    return f"{value['mean']:{sign}.{digits}f} ± {value['deviation']:.{digits}f}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] == ["tables"]:
        tables()
    else:
        rows(Path(sys.argv[1]))
