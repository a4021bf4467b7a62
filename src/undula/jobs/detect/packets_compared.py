"""Mean and standard deviation of the packets of real and generated pictures, side by side: the pictures of the seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import DataError
from undula.jobs.detect.batches import in_batches
from undula.jobs.detect.features import log_packets
from undula.jobs.detect.matching import header_facts
from undula.jobs.detect.reading import Picture, Source, read_pictures

_LARGEST = 256  # pixels: larger pictures show their upper left corner


@dataclass(frozen=True)
class PacketMoments:
    """Log packets of one class, in the order of their frequency.

    Attributes:
        mean: Mean over pictures and channels (packets, h, w).
        deviation: Standard deviation over pictures, the mean over channels (packets, h, w).
        count: Pictures.
        failed: Pictures that were left out → why.
    """

    mean: Float[Tensor, "packets h w"]
    deviation: Float[Tensor, "packets h w"]
    count: int
    failed: dict[str, str]

    @property
    def profile(self) -> Float[Tensor, " diagonals"]:
        """Mean over all packets of one diagonal: from the lowest frequencies of both axes to the highest."""
        side = round(len(self.mean) ** 0.5)
        heights = self.mean.mean(dim=(-2, -1)).reshape(side, side)
        return torch.stack([heights.flip(1).diagonal(side - 1 - step).mean() for step in range(2 * side - 1)])


def common_side(classes: Sequence[Sequence[Source]], *, level: int) -> int:
    """The square that fits into all pictures: a multiple of 2^level, at most 256 pixels.

    Pictures below 2^(level + 1) pixels do not count; they are left out.

    Args:
        classes: Pictures of every class; only their headers are read.
        level: Level of the packets.

    Raises:
        DataError: No picture can be read, or all are too small.
    """
    step = 2**level
    facts = [known for one in classes for source in one if (known := header_facts(source)) is not None]
    sides = [min(known.width, known.height) for known in facts]
    fit = [side for side in sides if side >= 2 * step]
    if not fit:
        raise DataError(
            f"got no picture of {sum(map(len, classes))} that can be read and has {2 * step} pixels, expected some: take fewer "
            "levels"
        )
    return min(_LARGEST, min(fit) // step * step)


def packet_moments(
    sources: Sequence[Source],
    *,
    side: int,
    level: int = 3,
    wavelet: str = "haar",
    offset: float = 1.0,
    callback: Callable[[int], object] | None = None,
) -> PacketMoments:
    """Mean and standard deviation of ln(|packet| + offset) over pictures.

    Args:
        sources: Pictures; of larger ones the upper left square is taken, so that the grid of a JPEG stays.
        side: Side of the square.
        level: Level of the packets.
        wavelet: The wavelet.
        offset: In grey levels.
        callback: Called with the number of pictures that were seen.

    Returns:
        The moments.

    Raises:
        DataError: No picture can be used.
    """
    count = 0
    failed: dict[str, str] = {}
    total = squares = torch.zeros(())
    for _, pictures, batch in in_batches(read_pictures(sources, change=Corner(side))):
        if batch is None:
            failed |= {picture.name: picture.note for picture in pictures}
            continue
        packets = log_packets(batch, level=level, wavelet=wavelet, mode="periodization", offset=offset).double()
        total, squares = total + packets.sum(dim=0), squares + packets.square().sum(dim=0)
        count += len(packets)
        if callback is not None:
            callback(count + len(failed))
    if not count:
        name, why = next(iter(failed.items()))
        raise DataError(f"got no picture of {len(sources)} that can be used, expected some; of {name!r}: {why}")
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
    return PacketMoments(mean.mean(dim=0), deviation.mean(dim=0), count, failed)


def packet_mosaic(packets: Float[Tensor, "packets h w"]) -> Float[Tensor, "height width"]:
    """Packets side by side, frequency rising to the right and downward.

    Args:
        packets: In the order of their frequency, row by row.

    Example:
        >>> packet_mosaic(torch.arange(4.0)[:, None, None]).tolist()
        [[0.0, 1.0], [2.0, 3.0]]
    """
    count, height, width = packets.shape
    side = round(count**0.5)
    return packets.reshape(side, side, height, width).transpose(1, 2).reshape(side * height, side * width)


@dataclass(frozen=True)
class Corner:
    """Cuts the upper left square of every picture, where the grid of a JPEG begins.

    Attributes:
        side: Its side in pixels.
    """

    side: int

    def __call__(self, picture: Picture, number: int) -> Picture:
        """Cut one.

        Args:
            picture: A picture.
            number: Means nothing here.

        Returns:
            The square, or the picture with a note where it is smaller.
        """
        if picture.pixels is None:
            return picture
        height, width = picture.pixels.shape[-2:]
        if min(height, width) < self.side:
            why = f"got {height} × {width} pixels, expected no side below {self.side}"
            return Picture(picture.name, None, picture.facts, why)
        corner = picture.pixels[:, : self.side, : self.side]
        return Picture(picture.name, corner, picture.facts, picture.note)
