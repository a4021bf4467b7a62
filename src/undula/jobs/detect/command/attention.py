"""Which packets the score of a detector depends on, for `undula detect explain --model`."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.atomic import make_folder
from undula.errors import DataError
from undula.jobs.detect.batches import in_batches
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.features import read_features
from undula.jobs.detect.packets_compared import Corner, common_side, packet_mosaic
from undula.jobs.detect.reading import find_sources, read_pictures
from undula.jobs.detect.saliency import diagonal_shares, packet_saliency
from undula.show import Axis, Picture, Plane, Section, Table, draw_panels, save_picture

_MOST = 200  # pictures of each class
_BARE = Axis(0.0, 1.0, ticked=False)

READING = (
    "How much the log-odds change with every packet coefficient: the absolute gradient, the mean over pictures. It is a slope "
    "at the pictures as they are, not a share of the decision; what two packets say together it does not show.",
    "The table adds it up along the diagonals, from the lowest frequencies of both axes to the highest. Evenly spread "
    "attention would have the share in its last column.",
)


def find_saliency(
    detector: Detector, typed: dict[str, str], *, level: int, wavelet: str
) -> dict[str, Float[Tensor, "packets rows columns"]]:
    """Mean saliency over the first 200 pictures of every class.

    Args:
        detector: A trained one.
        typed: Folders or named sets by the name of their class.
        level: Level of the packets.
        wavelet: Their wavelet.

    Returns:
        Saliency by class.

    Raises:
        DataError: The pictures of a class cannot be used.
    """
    classes = {name: find_sources(place, name=name)[:_MOST] for name, place in typed.items()}
    side = common_side(list(classes.values()), level=level)
    size = detector.facts["size"]
    if not read_features(detector.facts["features"]).any_size and size != [side, side]:
        raise DataError(
            f"got pictures whose common square has {side} pixels, expected {size} as in the training: features of one size"
        )
    found = {}
    for name, sources in classes.items():
        some = [
            packet_saliency(detector, batch, level=level, wavelet=wavelet)
            for _, _, batch in in_batches(read_pictures(sources, change=Corner(side)), most_pixels=2**18)
            if batch is not None
        ]
        if not some:
            raise DataError(f"got no picture of {name!r} that can be used, expected some: add readable ones")
        found[name] = torch.cat(some).mean(dim=0)
    return found


def attended(saliency: dict[str, Float[Tensor, "packets rows columns"]], folder: Path) -> list[Section]:
    """Draw the saliency into a folder.

    Args:
        saliency: By class; may be empty.
        folder: Where the figure goes.

    Returns:
        The section of the page, or none.
    """
    if not saliency:
        return []
    panels = []
    for name, one in saliency.items():
        mosaic = packet_mosaic(one)
        most = float(mosaic.max()) or 1.0
        panels.append(Plane(mosaic.numpy(), _BARE, _BARE, name, Axis(0.0, most, "per grey level"), square=True))
    rows = [panels[place : place + 3] for place in range(0, len(panels), 3)]
    file = make_folder(folder) / "saliency.png"
    save_picture(file, draw_panels(rows, title="What the detector attends to, packet by packet"))
    shares = {name: diagonal_shares(one) for name, one in saliency.items()}
    side = (len(next(iter(shares.values()))) + 1) // 2
    header = ["diagonal", *shares, "even"]
    lines = [
        [str(step), *(f"{100 * float(one[step]):.1f} %" for one in shares.values()), _even(step, side)]
        for step in range(2 * side - 1)
    ]
    picture = Picture(file, "", "saliency of every class on the packet plane", 960)
    return [Section("What the detector attends to", READING, [picture], table=Table(header, lines))]


def _even(step: int, side: int) -> str:
    return f"{100 * (side - abs(step - side + 1)) / side**2:.1f} %"
