"""Pictures of one size side by side: files of a folder may have any sizes."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from undula.jobs.detect.reading import Picture

Batch = tuple[list[int], Sequence[Picture], Tensor | None]


def in_batches(pictures: Iterable[Picture], *, most_pixels: int = 2**21) -> Iterator[Batch]:
    """Gather pictures of one size into batches; what cannot be read comes alone, with None.

    Args:
        pictures: Pictures as read.
        most_pixels: Pixels of a batch, and twice as many may wait for others of their size.

    Yields:
        The places of some pictures, the pictures, and their pixels (n, 3, h, w) as floats in [0, 1].
    """
    groups: dict[tuple[int, ...], list[tuple[int, Picture]]] = {}
    waiting = 0
    for place, picture in enumerate(pictures):
        if picture.pixels is None:
            yield [place], [picture], None
            continue
        key = tuple(picture.pixels.shape)
        group = groups.setdefault(key, [])
        group.append((place, picture))
        area = key[-1] * key[-2]
        waiting += area
        if len(group) * area >= most_pixels:
            waiting -= len(group) * area
            yield _batch(groups.pop(key))
        elif waiting >= 2 * most_pixels:
            yield from (_batch(groups.pop(key)) for key in list(groups))
            waiting = 0
    yield from (_batch(group) for group in groups.values())


def _batch(group: list[tuple[int, Picture]]) -> Batch:
    places, pictures = zip(*group, strict=True)
    stacked = [picture.pixels for picture in pictures if picture.pixels is not None]
    if all(pixels.dtype == torch.uint8 for pixels in stacked):
        # Bytes are turned into planes, a quarter of what floats would be.
        return list(places), list(pictures), torch.stack(stacked).float().div_(255)
    floats = [pixels.float() / 255 if pixels.dtype == torch.uint8 else pixels.float() for pixels in stacked]
    return list(places), list(pictures), torch.stack(floats)
