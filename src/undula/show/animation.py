"""Animations: how pictures came to be, frame by frame, as a GIF that every viewer plays."""

from collections.abc import Sequence
from math import ceil, sqrt
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw
from torch import Tensor

from undula.data import atomic_write
from undula.errors import OptionError, ShapeError
from undula.show.heading import MARGIN, SUBTITLE, Heading
from undula.show.lettering import leading, wrap, write
from undula.show.palette import ACCENT, FAINT, INK, PAPER
from undula.show.pixels import fit, to_pictures
from undula.show.sheet import enlargement, frame_tile

_GAP = 12
_NARROWEST = 480  # room for a title and a progress line over a single small picture
_COLORS = 255  # one of the 256 is left for "as before"
_TICK = 20  # milliseconds; browsers play shorter frames slowly


def animate_sheet(
    history: Tensor,
    *,
    title: str = "",
    captions: Sequence[str] = (),
    columns: int | None = None,
    scale: int | None = None,
) -> list[Image.Image]:
    """Draw one sheet per moment: all pictures in a grid, a line of text and a bar that says how far it is.

    Args:
        history: Pictures `(frames, n, h, w)` or `(frames, n, 3, h, w)`, floats in [0, 1].
        title: Line above the grid.
        captions: One text per frame, such as "iteration 40, residual 0.12, solved 3 of 10", or none at all.
        columns: Pictures side by side; `None` makes a landscape.
        scale: Whole-number enlargement; `None` chooses one as `contact_sheet` does.

    Returns:
        One RGB image per frame, all of one size, for `write_gif`.

    Raises:
        ShapeError: If the history has another shape, or the number of captions is not that of the frames.
        RangeError: If values are no floats in [0, 1].
        OptionError: If `columns` or `scale` is less than 1.

    Example:
        >>> import torch
        >>> len(animate_sheet(torch.rand(5, 10, 28, 28), title="Ten digits"))
        5
    """
    _check_history(history, captions, columns, scale)
    count, (height, width) = history.shape[1], history.shape[-2:]
    enlarge, widest = enlargement(max(height, width), largest=max(height, width), count=count, scale=scale)
    across = min(count, columns or ceil(sqrt(2 * count)))
    frames = []
    for moment in history:
        tiles = [fit(picture, enlarge=enlarge, widest=widest) for picture in to_pictures(moment, "history")]
        frames.append(_draw_grid(tiles, across))
    return _finish(frames, title, captions)


def write_gif(
    path: str | Path, frames: Sequence[Image.Image], *, seconds: int | float = 4.0, hold: int | float = 1.5
) -> None:
    """Write frames as an animated GIF that loops forever and rests on the last frame.

    All frames share one palette of 255 colors made from twelve of them, without dithering, and store only
    what changes: flat sheets stay small and do not flicker.

    Args:
        path: File to write.
        frames: RGB images of one size.
        seconds: Duration of all frames together; with more than 50 frames per second it gets longer, as
            browsers play frames under 20 ms slowly.
        hold: How much longer the last frame stays, in seconds.

    Raises:
        ShapeError: If there is no frame, or if they differ in size.
        OptionError: If a duration is negative, not finite, or over ten minutes.
        DataError: If the file cannot be written; nothing is left behind then.
    """
    sizes = {frame.size for frame in frames}
    if len(sizes) != 1:
        raise ShapeError(f"got frames of sizes {sorted(sizes)}, expected at least one and all of one size: resize them")
    if not (0 < seconds <= 600 and 0 <= hold <= 600):
        raise OptionError(f"got seconds={seconds} and hold={hold}, expected 0 to 600 seconds: try seconds=4, hold=1.5")
    plain = [frame.convert("RGB") for frame in frames]
    palette = _palette(plain)
    first, *rest = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in plain]
    with atomic_write(path) as stream:
        first.save(
            stream, format="GIF", save_all=True, append_images=rest, loop=0, optimize=True, disposal=1,
            duration=_durations(len(frames), seconds, hold),
        )  # fmt: skip


def _draw_grid(tiles: list[Image.Image], across: int) -> Image.Image:
    width, height = tiles[0].size
    down = ceil(len(tiles) / across)
    grid = Image.new(
        "RGB", (across * (width + _GAP) - _GAP + 2, down * (height + _GAP) - _GAP + 2), PAPER
    )  # one pixel of hairline around
    draw = ImageDraw.Draw(grid)
    for index, tile in enumerate(tiles):
        y, x = divmod(index, across)
        frame_tile(grid, draw, tile, 1 + x * (width + _GAP), 1 + y * (height + _GAP))
    return grid


def _finish(grids: list[Image.Image], title: str, captions: Sequence[str]) -> list[Image.Image]:
    width = max(_NARROWEST, grids[0].width)
    heading = Heading.plan(title, "", width)
    lines = [wrap(caption, size=SUBTITLE, width=width) for caption in captions] or [[]] * len(grids)
    foot = 24 + 4 + (14 + max(map(len, lines)) * leading(SUBTITLE) if captions else 0)
    top = MARGIN + heading.height
    frames = []
    for index, (grid, text) in enumerate(zip(grids, lines, strict=True)):
        frame = Image.new("RGB", (width + 2 * MARGIN, top + grid.height + foot + MARGIN), PAPER)
        draw = ImageDraw.Draw(frame)
        heading.draw(draw)
        frame.paste(grid, (MARGIN - 1, top - 1))  # the hairline stands outside
        bar = top + grid.height + 24
        draw.rectangle((MARGIN, bar, MARGIN + width - 1, bar + 3), fill=FAINT)
        draw.rectangle((MARGIN, bar, MARGIN + round(width * (index + 1) / len(grids)) - 1, bar + 3), fill=ACCENT)
        write(draw, (MARGIN, bar + 18), text, SUBTITLE, INK)
        frames.append(frame)
    return frames


def _palette(frames: list[Image.Image]) -> Image.Image:
    count = min(12, len(frames))
    chosen = [frames[(len(frames) - 1) * k // max(count - 1, 1)] for k in range(count)]
    width, height = frames[0].size
    strip = Image.new("RGB", (width, height * count))
    for k, frame in enumerate(chosen):
        strip.paste(frame, (0, k * height))
    own = [ImageColor.getrgb(color)[:3] for color in (PAPER, INK, ACCENT, FAINT)]  # median cut makes white gray
    found = strip.quantize(_COLORS - len(own), method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    colors = [*own, *(_snap(found[k : k + 3], own) for k in range(0, len(found), 3))]
    palette.putpalette([level for color in colors for level in color])
    return palette


def _snap(color: Sequence[int], own: Sequence[Sequence[int]]) -> Sequence[int]:
    """Replace a color that can hardly be told from one of the house by that one."""
    near = [other for other in own if max(abs(a - b) for a, b in zip(color, other, strict=True)) <= 6]
    return near[0] if near else color


def _durations(count: int, seconds: int | float, hold: int | float) -> list[int]:
    ends = [10 * round(100 * seconds * (k + 1) / count) for k in range(count)]  # GIF counts hundredths of seconds
    lengths = [max(_TICK, end - start) for start, end in zip([0, *ends], ends, strict=False)]
    lengths[-1] += 10 * round(100 * hold)
    return lengths


def _check_history(history: Tensor, captions: Sequence[str], columns: int | None, scale: int | None) -> None:
    if history.ndim not in (4, 5) or 0 in history.shape:
        raise ShapeError(
            f"got a history of shape {tuple(history.shape)}, expected (frames, n, h, w) or "
            "(frames, n, 3, h, w), none of them 0: stack one batch per frame"
        )
    if captions and len(captions) != len(history):
        raise ShapeError(
            f"got {len(captions)} captions for {len(history)} frames, expected one per frame or none: complete them"
        )
    if (columns is not None and columns < 1) or (scale is not None and scale < 1):
        raise OptionError(f"got columns={columns} and scale={scale}, expected at least 1: leave them out")
