"""Which packets the score of a detector depends on, for `undula detect explain --model`."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.atomic import make_folder
from undula.errors import DataError
from undula.jobs.detect.batches import in_batches
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.features import log_packets, read_features
from undula.jobs.detect.packets_compared import Corner, common_side, packet_mosaic
from undula.jobs.detect.reading import find_sources, read_pictures
from undula.jobs.detect.saliency import diagonal_shares, packet_saliency
from undula.show import Axis, Picture, Plane, Section, Table, draw_panels, save_picture

_MOST = 200  # pictures of each class
_BARE = Axis(0.0, 1.0, ticked=False)
_UNIT = "times evenly spread"

_SHOWN = 2  # pictures of each class that are shown alone

READING = (
    "How much the log-odds change with every packet coefficient: the absolute gradient, divided by its mean over the plane, so "
    "that 1 is evenly spread attention and every picture counts alike. It is a slope at the pictures as they are, not a "
    "share of the decision; what two packets say together it does not show.",
    "The table adds it up along the diagonals, from the lowest frequencies of both axes to the highest. Evenly spread "
    "attention would have the share in its last column.",
)


@dataclass(frozen=True)
class Attention:
    """What a detector attends to in pictures of one class; 1 is evenly spread.

    Attributes:
        mean: Mean over the pictures (packets, rows, columns).
        images: A few of the pictures (n, 3, h, w).
        packets: Logarithms of their packets, the mean over colors (n, packets, rows, columns).
        alone: What it attends to in each of these (n, packets, rows, columns).
    """

    mean: Float[Tensor, "packets rows columns"]
    images: Float[Tensor, "n 3 h w"]
    packets: Float[Tensor, "n packets rows columns"]
    alone: Float[Tensor, "n packets rows columns"]


def find_saliency(detector: Detector, typed: dict[str, str], *, level: int, wavelet: str) -> dict[str, Attention]:
    """Saliency of the first 200 pictures of every class.

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
            (batch[:_SHOWN], _relative(packet_saliency(detector, batch, level=level, wavelet=wavelet)))
            for _, _, batch in in_batches(read_pictures(sources, change=Corner(side)), most_pixels=2**18)
            if batch is not None
        ]
        if not some:
            raise DataError(f"got no picture of {name!r} that can be used, expected some: add readable ones")
        images, alone = some[0][0], torch.cat([slopes for _, slopes in some])
        packets = log_packets(images, level=level, wavelet=wavelet, mode="periodization").mean(dim=1)
        found[name] = Attention(alone.mean(dim=0), images, packets, alone[: len(images)])
    return found


def _relative(saliency: Tensor) -> Tensor:
    """Divided by the mean over the plane, so that every picture counts alike.

    Slopes of a nearly flat picture are a hundred times those of others (139 and 89 times the median, of 80 photographs and 80
    enlarged ones): one or two such pictures were half of the mean.
    """
    return saliency / saliency.mean(dim=(1, 2, 3), keepdim=True).clamp_min(1e-30)


def attended(saliency: dict[str, Attention], folder: Path) -> list[Section]:
    """Draw the saliency into a folder.

    Args:
        saliency: By class; may be empty.
        folder: Where the figure goes.

    Returns:
        The section of the page, or none.
    """
    if not saliency:
        return []
    make_folder(folder)
    most = max(float(one.mean.max()) for one in saliency.values())
    panels = [_plane(one.mean, name, Axis(0.0, most, _UNIT)) for name, one in saliency.items()]
    rows = [panels[place : place + 3] for place in range(0, len(panels), 3)]
    save_picture(folder / "saliency.png", draw_panels(rows, title="What the detector attends to, packet by packet"))
    alone = [row for name, one in saliency.items() for row in _pictures_alone(one, name)]
    title = "What the detector attends to in single pictures"
    save_picture(folder / "saliency-pictures.png", draw_panels(alone, title=title))
    shares = {name: diagonal_shares(one.mean) for name, one in saliency.items()}
    side = (len(next(iter(shares.values()))) + 1) // 2
    header = ["diagonal", *shares, "even"]
    lines = [
        [str(step), *(f"{100 * float(one[step]):.1f} %" for one in shares.values()), _even(step, side)]
        for step in range(2 * side - 1)
    ]
    pictures = [
        Picture(folder / "saliency.png", "", "saliency of every class on the packet plane, mean over pictures", 960),
        Picture(folder / "saliency-pictures.png", "", "pictures, their packets and their saliency", 960),
    ]
    return [Section("What the detector attends to", READING, pictures, table=Table(header, lines))]


def _pictures_alone(found: Attention, name: str) -> list[list[Plane]]:
    """A row for each picture: itself, the logarithms of its packets, its saliency."""
    rows = []
    for image, one, slope in zip(found.images, found.packets, found.alone, strict=True):
        logs = Axis(0.0, float(one.max()) or 1.0, "ln(|packet| + 1)")
        # A few coefficients near zero have slopes of a hundred times the mean: the scale ends where one in a thousand lies.
        ceiling = float(slope.flatten().quantile(0.999)) or 1.0
        rows.append(
            [
                Plane(image.permute(1, 2, 0).numpy(), _BARE, _BARE, name, square=True),
                _plane(one, "its packets", logs),
                _plane(slope.clamp(max=ceiling), "what is attended to", Axis(0.0, ceiling, _UNIT)),
            ]
        )
    return rows


def _plane(packets: Tensor, title: str, scale: Axis) -> Plane:
    return Plane(packet_mosaic(packets).numpy(), _BARE, _BARE, title, scale, square=True)


def _even(step: int, side: int) -> str:
    return f"{100 * (side - abs(step - side + 1)) / side**2:.1f} %"
