"""Large pictures in overlapping tiles: what comes out is what the whole picture gives, in bounded memory."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

Apply = Callable[[Tensor], Tensor]


def in_tiles(
    apply: Apply, image: Float[Tensor, "b c h w"], *, tile: int, reach: int | None, multiple: int
) -> Float[Tensor, "b c h w"]:
    """Apply a network to tiles with a border as wide as its reach, and keep their insides.

    Tiles begin at multiples of what the network halves, so that its grids lie as they do in the whole picture; then nothing
    but rounding differs from the whole.

    Args:
        apply: The network.
        image: Pictures.
        tile: Side of the insides in pixels, rounded up to a multiple; not above it, a picture is done whole.
        reach: Width of the border, a multiple of `multiple`; None where only the whole picture will do.
        multiple: What the sides of a grid must be multiples of.

    Returns:
        As many pictures of the same size.
    """
    height, width = image.shape[-2:]
    step = -(-tile // multiple) * multiple
    if reach is None or max(height, width) <= step + reach:
        return apply(image)
    out = torch.empty_like(image)
    for top, bottom, above, below in _spans(height, step, reach):
        for left, right, before, behind in _spans(width, step, reach):
            done = apply(image[..., above:below, before:behind])
            out[..., top:bottom, left:right] = done[..., top - above : bottom - above, left - before : right - before]
    return out


def _spans(side: int, step: int, reach: int) -> Iterator[tuple[int, int, int, int]]:
    """First and last of what is kept, and of what is looked at."""
    for start in range(0, side, step):
        end = min(start + step, side)
        yield start, end, max(0, start - reach), min(side, end + reach)
