"""The pictures of the documentation: python docs/pictures/make.py (MNIST and the crystal are looked for in UNDULA_DATA).

Only some of them: python docs/pictures/make.py spectra
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage.data import camera

import undula
from undula.data import bcdi, drawn_asphalt, drawn_leaves, linear_chirp, mnist, ring_pair
from undula.jobs.explain.command.models import read_model_argument
from undula.jobs.restore.command.film import Film
from undula.jobs.view.figures import draw_view
from undula.show import contact_sheet, isosurface, orthogonal_slices, to_display

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


if __name__ == "__main__":
    for draw in (digits, crystal, spectra, explained, restored):
        if not sys.argv[1:] or draw.__name__ in sys.argv[1:]:
            draw()
