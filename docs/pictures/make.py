"""The pictures of the documentation: python docs/pictures/make.py (MNIST and the crystal are looked for in UNDULA_DATA).

Only some of them: python docs/pictures/make.py spectra
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage.data import camera

import undula
from undula.data import bcdi, drawn_asphalt, linear_chirp, mnist, ring_pair
from undula.jobs.explain.command.models import read_model_argument
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


if __name__ == "__main__":
    for draw in (digits, crystal, spectra, explained):
        if not sys.argv[1:] or draw.__name__ in sys.argv[1:]:
            draw()
