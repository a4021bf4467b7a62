"""The pictures of the documentation: python docs/pictures/make.py (MNIST and the crystal are looked for in UNDULA_DATA).

Only some of them: python docs/pictures/make.py spectra
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage.data import camera

import undula
from undula.data import bcdi, drawn_asphalt, drawn_leaves, linear_chirp, mnist, ring_pair
from undula.jobs.detect.command.typed import show_sample
from undula.jobs.estimate.bound import Waves, cramer_rao
from undula.jobs.estimate.record import Record
from undula.jobs.explain.command.models import read_model_argument
from undula.jobs.restore.command.film import Film
from undula.jobs.view.figures import draw_view
from undula.session import Options, Session
from undula.show import Axis, Lines, contact_sheet, draw_panels, isosurface, line_figure, orthogonal_slices, to_display

HERE = Path(__file__).parent


def digits() -> None:
    """Ten test digits of MNIST, one of each kind: what was given, what was recovered, the originals."""
    truth = mnist("test")[[3, 2, 1, 18, 4, 8, 11, 0, 61, 7]]
    given = torch.fft.fft2(truth).abs()
    result = undula.recover(given, generator=torch.Generator().manual_seed(0))
    columns = {
        "magnitudes": to_display(given, centered=True),
        "recovered": undula.align(result.image, truth).image.clamp(0, 1),
        "original": truth,
    }
    contact_sheet(columns).save(HERE / "digits.png", optimize=True)


def crystal() -> None:
    """The measured nanocrystal, mean of eight runs."""
    counts = bcdi().astype(np.float32)
    peak = np.unravel_index(counts.argmax(), counts.shape)
    crop = torch.from_numpy(np.pad(counts, 64)[tuple(slice(place, place + 128) for place in peak)].copy())
    result = undula.recover(
        crop,
        dims=3,
        intensities=True,
        centered=True,
        field="complex",
        support="shrinkwrap",
        runs=8,
        generator=torch.Generator().manual_seed(0),
    )
    orthogonal_slices(HERE / "crystal-slices.png", result.image, title="Modulus and phase of one nanocrystal")
    isosurface(HERE / "crystal-surface.png", result.image, level=0.3, title="One nanocrystal, colored by phase")


def spectra() -> None:
    """What `undula view` draws: the chirp, the rings, and a photograph (CC0)."""
    sharp, blurred = ring_pair()
    photograph = torch.from_numpy(camera().astype(np.float32) / 255)
    views = {
        "chirp": (undula.view(linear_chirp(), rate=1000.0), "A linear chirp, 1 to 250 Hz", None),
        "rings": (undula.view(sharp, other=blurred), "A ring and its blur", ("sharp", "blurred")),
        "image": (undula.view(photograph), "A photograph", None),
    }
    for name, (result, title, names) in views.items():
        figure = draw_view(next(result.items()), title=title, names=names)
        small = figure.resize((960, figure.height * 960 // figure.width), Image.Resampling.LANCZOS)
        small.save(HERE / f"view-{name}.png", optimize=True)


def explained() -> None:
    """What `undula explain` draws without any input: the first component of a finder of lines, and its octaves."""
    image = drawn_asphalt(1, height=192, width=256, color=False)[0][0]
    network = read_model_argument(None).network
    results = {
        "eigen": (undula.explain(network, image), "Drawn road surface, and where a finder of lines looks"),
        "octaves": (undula.explain(network, image, method="hirescam", target="octaves"), "The same, by octaves"),
    }
    for name, (result, title) in results.items():
        figure = result.figure(title=title)
        small = figure.resize((960, figure.height * 960 // figure.width), Image.Resampling.LANCZOS)
        small.save(HERE / f"explain-{name}.png", optimize=True)


def detected() -> None:
    """What `undula detect` draws without any input: packets of digits on paper and of a decoder's copies."""
    with tempfile.TemporaryDirectory() as folder:
        show_sample(Path(folder), Session(Options(quiet=True)))
        figure = Image.open(Path(folder) / "packets-transposed.png").convert("RGB")
    small = figure.resize((960, figure.height * 960 // figure.width), Image.Resampling.LANCZOS)
    small.quantize(200).save(HERE / "detect-packets.png", optimize=True)


def converged() -> None:
    """Packets against pixels while they are learned, from the figures that benchmarks/detect_convergence.py recorded."""
    known = json.loads((HERE.parents[1] / "benchmarks" / "results" / "detect.json").read_text())
    figures = known["convergence"]["figures"]
    steps = figures["steps"]
    curves = {
        f"{name} on {inputs}": list(zip(steps, np.mean(figures[f"{name}, {inputs}"], axis=0).tolist(), strict=True))
        for name in ("convolutions", "linear")
        for inputs in ("packets", "pixels")
    }
    line_figure(
        HERE / "detect-convergence.png", curves, log=False, title="CIFAKE: accuracy while it is learned, mean of five seeds",
        xlabel="steps of 128 pictures", ylabel="test accuracy, %", legend=(0.66, 0.2),
    )  # fmt: skip


def restored() -> None:
    """Drawn leaves of which one pixel in ten is left, their descent, and a photograph (CC0) that was written over."""
    leaves = drawn_leaves(1, color=False)[0]
    r = np.random.default_rng(0)
    missing = torch.from_numpy(r.random(tuple(leaves.shape[1:])) < 0.9)
    damaged = torch.where(missing, torch.from_numpy(r.integers(0, 2, tuple(missing.shape))).float(), leaves)
    columns = {
        "nine of ten pixels replaced": damaged,
        "gradient descent": undula.restore(damaged, missing, method="descent").image,
        "best": undula.restore(damaged, missing).image,
        "original": leaves,
    }
    contact_sheet({name: picture[None] for name, picture in columns.items()}).save(
        HERE / "restore-leaves.png", optimize=True
    )
    small, gone = damaged[:, :144, :216], missing[:144, :216]
    film = Film(small, leaves[:, :144, :216])
    undula.restore(small, gone, method="descent", callback=film.take)
    film.write(HERE / "restore-descent.gif", title="Gradient descent in action")
    photograph = torch.from_numpy(camera()[60:316, 100:356].astype(np.float32) / 255)[None]
    mask = _written_over(256)
    columns = {
        "written over": torch.where(mask, 1.0, photograph),
        "mask": mask.float()[None],
        "repaired": undula.restore(photograph, mask).image,
        "original": photograph,
    }
    contact_sheet({name: picture[None] for name, picture in columns.items()}).save(
        HERE / "restore-written-over.png", optimize=True
    )


def _written_over(side: int) -> torch.Tensor:
    """A mask of lettering and scratches."""
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    font = ImageFont.load_default(26)
    for line, text in enumerate(("Lettering over a", "photograph, and", "scratches three", "pixels wide")):
        draw.text((12, 18 + 58 * line), text, fill=255, font=font)
    for start, end in (((0, 40), (256, 120)), ((30, 256), (110, 0)), ((150, 256), (256, 150))):
        draw.line((start, end), fill=255, width=3)
    return torch.from_numpy(np.asarray(mask) >= 128)


def hard_modes() -> None:
    """What makes modes hard to tell apart: the bound against their distance, and a mode of a tenth of the other."""
    samples, decay, deviation = 128, 30.0, 0.05
    times = torch.arange(samples, dtype=torch.float64) / (samples - 1)
    record = Record(times[None, None], times[None], None, None, True, 0, 1 / (samples - 1), samples - 1.0, True)
    apart = torch.logspace(-1, 1, 81, dtype=torch.float64) / (math.pi * decay)  # widths of a line are 1 / πτ
    curves = {}
    kinds = {
        "equal modes, any phases": (1.0, 1.0),
        "a third of the decay time": (1.0, 3.0),
        "a tenth of the amplitude": (0.1, 1.0),
    }
    for words, (size, faster) in kinds.items():
        frequency = torch.stack([0.2 - apart / 2, 0.2 + apart / 2], dim=1)
        one = torch.ones_like(frequency)
        amplitude, fade = (one * torch.tensor(pair).double() for pair in ((1, size), (1, faster)))
        waves = Waves(amplitude[:, None], frequency, fade / decay, torch.zeros_like(one)[:, None])
        bound = cramer_rao(record, waves, variance=deviation**2 * one[:, 0]).covariance[:, 5, 5].sqrt()
        curves[words] = torch.stack([apart * math.pi * decay, bound * math.pi * decay], dim=1).numpy()
    ends = min(float(each[:, 1].min()) for each in curves.values())
    curves["as far as they are apart"] = np.array([[0.1, 0.1], [10.0, 10.0]])
    panel = Lines(
        curves, Axis(0.1, 10, "distance of the frequencies, in widths of a line", log=True),
        Axis(0.7 * ends, 30.0, log=True), "Least error of the second frequency, in widths of a line", height=460,
    )  # fmt: skip
    small(draw_panels([[panel]], title="When two modes are too near to each other"), "estimate-apart")

    chance = torch.Generator().manual_seed(3)
    seconds = torch.arange(512, dtype=torch.float64) / 1000
    signal = 0.02 * torch.randn(512, dtype=torch.float64, generator=chance)
    for amplitude, frequency, tau in ((1.0, 60.0, 0.08), (0.1, 70.0, 0.15)):
        signal += amplitude * torch.exp(-seconds / tau) * torch.cos(2 * math.pi * frequency * seconds)
    modes = undula.estimate(signal, rate=1000.0, components="auto")
    small(modes.figure(title="A mode of 60 Hz, and one of 70 Hz with a tenth of its amplitude"), "estimate-weak")


def opposite_modes() -> None:
    """Two modes that nearly cancel: each is uncertain, their sum is not."""
    chance = torch.Generator().manual_seed(4)
    seconds = torch.arange(256, dtype=torch.float64) / 1000
    signal = 0.02 * torch.randn(256, dtype=torch.float64, generator=chance)
    for frequency, phase in ((60.0, 0.4), (63.0, 0.4 + math.pi)):
        signal += torch.exp(-seconds / 0.05) * torch.cos(2 * math.pi * frequency * seconds + phase)
    modes = undula.estimate(signal, rate=1000.0, components=2)
    names = ("amplitude", "frequency", "decay_time", "phase")
    found = torch.stack([getattr(modes, name) for name in names], dim=1).flatten()
    deviation = modes.covariance.diagonal().sqrt()
    values, vectors = torch.linalg.eigh(modes.covariance / (deviation[:, None] * deviation))
    off = 1.64 * values[-1].sqrt() * vectors[:, -1] * deviation  # to both ends of the least certain direction
    low = int(modes.frequency.argmin())
    one, both = {}, {"measured": torch.stack([1e3 * seconds, signal], dim=1).numpy()}
    for words, times in (("fitted", 0.0), ("one end of what the noise allows", 1.0), ("the other end", -1.0)):
        a, f, tau, p = (found + times * off).reshape(2, 4).T[..., None]
        waves = a * torch.exp(-seconds / tau) * torch.cos(2 * math.pi * f * seconds + p)
        one[words] = torch.stack([1e3 * seconds, waves[low]], dim=1).numpy()
        both[words] = torch.stack([1e3 * seconds, waves.sum(dim=0)], dim=1).numpy()
    time = Axis(0, 160, "milliseconds")
    rows = [
        [Lines(one, time, Axis(-1.4, 1.4), "One of the modes", height=300)],
        [Lines(both, time, Axis(-0.5, 0.5), "The sum of both, and what was measured", height=300)],
    ]
    small(draw_panels(rows, title="Two modes of amplitude 1, 3 Hz apart, in opposite phases"), "estimate-opposite")


def black_hole() -> None:
    """The scan of GW150914, as examples/gw150914.py draws it."""
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, str(HERE.parents[1] / "examples" / "gw150914.py")]
        subprocess.run([*program, str(Path(os.environ["UNDULA_DATA"]).resolve() / "gw150914")], cwd=folder, check=True)
        with Image.open(Path(folder) / "gw150914.png") as figure:
            small(figure, "estimate-gw150914")


def small(figure: Image.Image, name: str) -> None:
    """Write a figure 960 pixels wide."""
    shrunk = figure.resize((960, figure.height * 960 // figure.width), Image.Resampling.LANCZOS)
    shrunk.save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    for draw in (
        digits,
        crystal,
        spectra,
        explained,
        detected,
        converged,
        restored,
        hard_modes,
        opposite_modes,
        black_hole,
    ):
        if not sys.argv[1:] or draw.__name__ in sys.argv[1:]:
            draw()
