"""Contact sheets: many items side by side, each with its pictures, its caption and its verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log

from PIL import Image, ImageDraw
from torch import Tensor

from undula.errors import OptionError, ShapeError
from undula.show.heading import MARGIN, TITLE, Heading
from undula.show.lettering import leading, widest_word, wrap, write
from undula.show.palette import ACCENT, BAD, FAINT, GOOD, PAPER, SOFT
from undula.show.pixels import fit, to_pictures

SMALL = 16  # height of headings and captions in pixels
_BETWEEN_TILES, _BETWEEN_GROUPS, _BETWEEN_ROWS = 10, 40, 18
_FEW = 12  # up to so many items are shown large
_LANDSCAPE = 1.6
_NARROWEST = 420  # room for a title over a single small picture


def contact_sheet(
    columns: Mapping[str, Tensor],
    *,
    captions: Sequence[str] = (),
    marks: Sequence[bool | None] = (),
    title: str = "",
    subtitle: str = "",
    scale: int | None = None,
    limit: int = 64,
) -> Image.Image:
    """Lay out the pictures of every item side by side on one white sheet.

    An item is one group: a picture from every column, with a caption and a mark below. Groups run down and
    then to the right, in as many columns of groups as make a landscape.

    Args:
        columns: Heading → pictures `(n, h, w)`, `(n, 1, h, w)` or `(n, 3, h, w)`, floats in [0, 1]; the
            columns share n but may differ in size.
        captions: One text per item, or none at all.
        marks: One verdict per item: `True` draws a green check, `False` a red cross, `None` nothing.
        title: Line above everything.
        subtitle: Smaller line below the title.
        scale: Whole-number enlargement of the greatest picture. `None` enlarges small pictures pixel by pixel
            and shrinks those larger than 320 pixels (160 when there are more than 12 items) smoothly.
        limit: Most items shown; the subtitle says when there are more.

    Returns:
        The sheet as an RGB image.

    Raises:
        ShapeError: If there are no columns, or if shapes, captions or marks do not fit together.
        RangeError: If values are no floats in [0, 1].
        OptionError: If `scale` or `limit` is less than 1.

    Example:
        >>> import torch
        >>> contact_sheet({"original": torch.rand(4, 28, 28)}, captions=["a", "b", "c", "d"]).mode
        'RGB'
    """
    count = _count(columns, captions, marks, scale, limit)
    shown = min(count, limit)
    if shown < count:
        subtitle = f"{subtitle} · showing {shown} of {count}".removeprefix(" · ")
    tiles = _tiles(columns, shown, scale)
    grid = _Grid.plan(tiles, list(captions[:shown]), list(marks[:shown]))
    heading = Heading.plan(title, subtitle, grid.width)
    sheet = Image.new("RGB", (grid.width + 2 * MARGIN, heading.height + grid.height + 2 * MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    heading.draw(draw)
    grid.draw(sheet, draw, MARGIN + heading.height)
    return sheet


def frame_tile(sheet: Image.Image, draw: ImageDraw.ImageDraw, tile: Image.Image, x: int, y: int) -> None:
    """Paste one picture inside a hairline, so that white pictures do not melt into the paper."""
    draw.rectangle((x - 1, y - 1, x + tile.width, y + tile.height), outline=FAINT)
    sheet.paste(tile, (x, y))


def enlargement(size: int, *, largest: int, count: int, scale: int | None) -> tuple[int, int | None]:
    """Choose how a picture is enlarged, and the size above which it is shrunk.

    Args:
        size: Longer side of the picture in pixels.
        largest: Longer side of the largest picture on the sheet.
        count: Number of items on the sheet.
        scale: What the caller wants for the largest picture, or `None`.

    Returns:
        The whole-number enlargement, and the greatest side or `None` for no limit.
    """
    if scale is not None:
        return max(1, scale * largest // size), None
    few = count <= _FEW
    usual, most = (112, 320) if few else (84, 160)
    room = min(largest * max(1, round(usual / largest)), most)
    return max(1, room // size), room


@dataclass(frozen=True)
class _Grid:
    tiles: dict[str, list[Image.Image]]
    captions: list[list[str]]
    marks: list[bool | None]
    columns: list[int]  # width of every column of a group
    rows: int
    across: int

    @classmethod
    def plan(cls, tiles: dict[str, list[Image.Image]], captions: list[str], marks: list[bool | None]) -> "_Grid":
        columns = [max(pictures[0].width, min(ceil(widest_word(name, SMALL)), 200)) for name, pictures in tiles.items()]
        room = sum(columns) + _BETWEEN_TILES * (len(columns) - 1) - (leading(SMALL) if marks else 0)
        lines = [wrap(caption, size=SMALL, width=max(room, 60)) for caption in captions]
        count = len(next(iter(tiles.values())))
        drafts = [cls(tiles, lines, marks, columns, ceil(count / n), n) for n in range(1, count + 1)]
        return min((draft for draft in drafts if draft._used(count)), key=lambda draft: draft._ugliness(count))

    @property
    def group_width(self) -> int:
        return sum(self.columns) + _BETWEEN_TILES * (len(self.columns) - 1)

    @property
    def headings(self) -> list[list[str]]:
        return [wrap(name, size=SMALL, width=width) for name, width in zip(self.tiles, self.columns, strict=True)]

    @property
    def tile_height(self) -> int:
        return max(pictures[0].height for pictures in self.tiles.values())

    @property
    def row_height(self) -> int:
        lines = max([len(lines) for lines in self.captions] + [1 if self.marks else 0])
        return self.tile_height + (7 + lines * leading(SMALL) if lines else 0)

    @property
    def width(self) -> int:
        return max(_NARROWEST, self.across * (self.group_width + _BETWEEN_GROUPS) - _BETWEEN_GROUPS)

    @property
    def heading_height(self) -> int:
        return 8 + max(map(len, self.headings), default=0) * leading(SMALL)

    @property
    def height(self) -> int:
        return self.heading_height + self.rows * (self.row_height + _BETWEEN_ROWS) - _BETWEEN_ROWS

    def _used(self, count: int) -> bool:
        return ceil(count / self.rows) == self.across

    def _ugliness(self, count: int) -> float:
        shape = (self.width + 2 * MARGIN) / (self.height + 2 * MARGIN + 3 * TITLE)
        too_wide = log(shape / _LANDSCAPE)
        return max(too_wide, -2 * too_wide) + 4 * (1 - count / (self.rows * self.across))

    def draw(self, sheet: Image.Image, draw: ImageDraw.ImageDraw, top: int) -> None:
        for across in range(self.across):
            x = MARGIN + across * (self.group_width + _BETWEEN_GROUPS)
            self._draw_headings(draw, x, top)
        for index in range(len(next(iter(self.tiles.values())))):
            across, down = divmod(index, self.rows)
            x = MARGIN + across * (self.group_width + _BETWEEN_GROUPS)
            self._draw_group(
                sheet, draw, index, x, top + self.heading_height + down * (self.row_height + _BETWEEN_ROWS)
            )

    def _draw_headings(self, draw: ImageDraw.ImageDraw, x: int, top: int) -> None:
        deepest = max(map(len, self.headings))
        for lines, width in zip(self.headings, self.columns, strict=True):
            write(draw, (x, top + (deepest - len(lines)) * leading(SMALL)), lines, SMALL, ACCENT)
            x += width + _BETWEEN_TILES

    def _draw_group(self, sheet: Image.Image, draw: ImageDraw.ImageDraw, index: int, left: int, top: int) -> None:
        x = left
        for pictures, width in zip(self.tiles.values(), self.columns, strict=True):
            frame_tile(sheet, draw, pictures[index], x, top)
            x += width + _BETWEEN_TILES
        below = top + self.tile_height + 7
        if self.marks:
            _draw_mark(sheet, self.marks[index], left, below + 2)
            left += leading(SMALL)
        if self.captions:
            write(draw, (left, below), self.captions[index], SMALL, SOFT)


def _draw_mark(sheet: Image.Image, mark: bool | None, x: int, y: int) -> None:
    if mark is None:
        return
    side, fine = SMALL, 8  # drawn eight times too large and shrunk: Pillow's own lines have stairs
    badge = Image.new("RGB", (side * fine, side * fine), PAPER)
    draw = ImageDraw.Draw(badge)
    draw.ellipse((0, 0, side * fine - 1, side * fine - 1), fill=GOOD if mark else BAD)
    strokes = [((0.27, 0.53), (0.44, 0.69), (0.74, 0.34))] if mark else [
        ((0.32, 0.32), (0.68, 0.68)), ((0.68, 0.32), (0.32, 0.68)),
    ]  # fmt: skip
    for stroke in strokes:
        points = [(u * side * fine, v * side * fine) for u, v in stroke]
        draw.line(points, fill=PAPER, width=round(0.13 * side * fine), joint="curve")
    sheet.paste(badge.resize((side, side), Image.Resampling.LANCZOS), (x, y))


def _tiles(columns: Mapping[str, Tensor], shown: int, scale: int | None) -> dict[str, list[Image.Image]]:
    pictures = {name: to_pictures(images[:shown] if images.ndim else images, name) for name, images in columns.items()}
    largest = max(max(items[0].size) for items in pictures.values())
    tiles = {}
    for name, items in pictures.items():
        enlarge, widest = enlargement(max(items[0].size), largest=largest, count=shown, scale=scale)
        tiles[name] = [fit(item, enlarge=enlarge, widest=widest) for item in items]
    return tiles


def _count(
    columns: Mapping[str, Tensor],
    captions: Sequence[str],
    marks: Sequence[bool | None],
    scale: int | None,
    limit: int,
) -> int:
    if (scale is not None and scale < 1) or limit < 1:
        raise OptionError(f"got scale={scale} and limit={limit}, expected whole numbers of at least 1: leave them out")
    counts = {name: len(images) if images.ndim else 0 for name, images in columns.items()}
    if len(set(counts.values())) != 1:
        raise ShapeError(f"got columns with {counts or 'nothing in them'}, expected the same number of items in each")
    count = next(iter(counts.values()))
    for name, texts in (("captions", captions), ("marks", marks)):
        if texts and len(texts) != count:
            raise ShapeError(f"got {len(texts)} {name} for {count} items, expected one per item or none: complete them")
    return count
