"""How soon packets and pixels are learned, drawn for `undula detect explain`."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from undula.data.atomic import make_folder
from undula.jobs.detect.batches import in_batches
from undula.jobs.detect.convergence import LEAST, Convergence, convergence
from undula.jobs.detect.packets_compared import Corner, common_side
from undula.jobs.detect.reading import Source, find_sources, read_pictures
from undula.session import Session
from undula.show import Axis, Lines, Picture, Section, draw_panels, save_picture

_MOST = 600  # pictures of each side
_LARGEST = 64  # pixels of a side: 24,578 weights


def find_convergence(typed: dict[str, str], session: Session, *, level: int, wavelet: str) -> Convergence | None:
    """Learn real pictures against those of all generators together.

    Args:
        typed: Folders or named sets by the name of their class, "real" first.
        session: Where is said that there are too few.
        level: Level of the packets.
        wavelet: Their wavelet.

    Returns:
        The accuracies; None where there are too few pictures.
    """
    classes = [find_sources(place, name=name) for name, place in typed.items()]
    side = min(_LARGEST, common_side(classes, level=level)) // 2**level * 2**level
    others = [source for group in zip(*_padded(classes[1:]), strict=True) for source in group if source is not None]
    pictures = [_pixels(some[:_MOST], side) for some in (classes[0], others)]
    fewest = min(map(len, pictures))
    if fewest < LEAST or side < 2 ** (level + 1):
        session.note(f"no curve of learning: got {fewest} pictures of a side, expected at least {LEAST}")
        return None
    return convergence(pictures, level=level, wavelet=wavelet)


def converged(found: Convergence | None, folder: Path) -> list[Section]:
    """Draw the curves into a folder.

    Args:
        found: The accuracies, if any.
        folder: Where the figure goes.

    Returns:
        The section of the page, or none.
    """
    if found is None:
        return []
    curves = {f"on {name}": _points(found, getattr(found, name)) for name in ("packets", "pixels")}
    x, y = Axis(0, found.steps[-1], "steps of 64 pictures"), Axis(0, 1, "balanced accuracy")
    file = make_folder(folder) / "convergence.png"
    save_picture(file, draw_panels([[Lines(curves, x, y, height=420)]], title="While it is learned"))
    last = {name: float(getattr(found, name)[:, -1].mean()) for name in ("packets", "pixels")}
    text = (
        f"One linear classifier of {found.weights:,} weights on the logarithms of the packets, one on the pixels, both learned "
        f"from two thirds of the pictures and asked about the others; means of {len(found.packets)} seeds. In the end "
        f"{last['packets']:.1%} and {last['pixels']:.1%} are told. Half is chance."
    )
    picture = Picture(file, "", "accuracy against steps of training, on packets and on pixels", 960)
    return [Section("How soon it is learned", [text], [picture])]


def _points(found: Convergence, curves: Tensor) -> np.ndarray:
    return np.stack([np.array([0, *found.steps]), np.array([0.5, *curves.double().mean(dim=0).tolist()])], axis=1)


def _padded(classes: list[list[Source]]) -> list[list[Source | None]]:
    """All as long as the longest, so that generators take turns."""
    most = max(map(len, classes))
    return [[*one, *[None] * (most - len(one))] for one in classes]


def _pixels(sources: list[Source], side: int) -> Tensor:
    batches = (batch for _, _, batch in in_batches(read_pictures(sources, change=Corner(side))) if batch is not None)
    return torch.cat([torch.zeros(0, 3, side, side), *batches])
