"""Figures of several panels, drawn with Pillow alone: planes and curves with axes, numbers, units and color bars."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from undula.data import atomic_write
from undula.errors import ShapeError
from undula.show.axis import Axis
from undula.show.heading import MARGIN, Heading
from undula.show.lettering import leading, measure, spell, upright, wrap, write, write_at
from undula.show.lines import Lines, trace
from undula.show.palette import ACCENT, BAD, BAND, FAINT, INK, PAPER, SOFT, phase_colors
from undula.show.plane import Plane, paint

Panel = Plane | Lines

_TITLE, _LABEL, _TICK = 24, 20, 18  # heights of letters: half of them on a screen
_BETWEEN, _BAR, _GAP = 44, 22, 18
_PLANE = 380  # height of a plane that is not square
_LARGEST = 620  # height of a square one
_LOWEST = 60  # below it a strip is stretched to be seen


def draw_panels(
    rows: Sequence[Sequence[Panel]], *, title: str = "", subtitle: str = "", width: int = 1440
) -> Image.Image:
    """Lay out panels in rows on white paper; panels below each other share their left and right edges.

    Args:
        rows: Panels from top to bottom, and from left to right; a row's panels have equal widths.
        title: Line above everything.
        subtitle: Smaller line below the title.
        width: Width of the picture in pixels, twice what a screen shows.

    Returns:
        The figure as an RGB image.

    Raises:
        ShapeError: There is no panel.

    Example:
        >>> ramp = Plane(np.linspace(0, 1, 12).reshape(3, 4), Axis(0, 4, "x"), Axis(0, 3, "y"), scale=Axis(0, 1, "dB"))
        >>> draw_panels([[ramp]], title="A ramp").mode
        'RGB'
    """
    if not rows or not all(rows):
        raise ShapeError("got no panels, expected at least one in every row: leave the figure out")
    heading = Heading.plan(title, subtitle, width - 2 * MARGIN)
    places, total = _plan(rows, width, MARGIN + heading.height)
    sheet = Image.new("RGB", (width, total + MARGIN), PAPER)
    heading.draw(ImageDraw.Draw(sheet))
    for panel, box in places:
        _draw(sheet, panel, box)
    return sheet


def save_picture(path: str | Path, picture: Image.Image) -> None:
    """Write a picture as PNG, whole or not at all.

    Args:
        path: The file.
        picture: The picture.

    Raises:
        DataError: The file cannot be written.
    """
    with atomic_write(path) as stream:
        picture.save(stream, format="PNG")  # optimized: 1 % smaller, four times slower


Box = tuple[int, int, int, int]  # left, top, right, bottom of the room inside the axes


def _plan(rows: Sequence[Sequence[Panel]], width: int, top: int) -> tuple[list[tuple[Panel, Box]], int]:
    places: list[tuple[Panel, Box]] = []
    margins: dict[tuple[int, int], tuple[int, int]] = {}
    for row in rows:  # rows of as many panels share their margins
        for column, panel in enumerate(row):
            left, right = margins.get((len(row), column), (0, 0))
            margins[len(row), column] = (max(left, _left(panel)), max(right, _right(panel)))
    for row in rows:
        sides = [margins[len(row), column] for column in range(len(row))]
        free = width - 2 * MARGIN - _BETWEEN * (len(row) - 1) - sum(left + right for left, right in sides)
        room = max(free // len(row), 60)
        top += max(_above(panel, room) for panel in row)
        across, deepest = MARGIN, top
        for panel, (left, right) in zip(row, sides, strict=True):
            wide, high = _size(panel, room)
            start = across + left
            places.append((panel, (start, top, start + wide, top + high)))
            deepest = max(deepest, top + high + _below(panel))
            across += left + room + right + _BETWEEN
        top = deepest + _GAP
    return places, top - _GAP


def _size(panel: Panel, room: int) -> tuple[int, int]:
    if isinstance(panel, Lines):
        return room, panel.height
    if not panel.square:
        return room, _PLANE
    wide = min(room, max(1, round(_LARGEST / panel.ratio)))
    return wide, max(_LOWEST, min(round(wide * panel.ratio), 4 * _LARGEST))


def _above(panel: Panel, room: int) -> int:
    return 8 + leading(_TITLE) * len(wrap(panel.title, size=_TITLE, width=room)) + 10 if panel.title else 12


def _below(panel: Panel) -> int:
    return (leading(_TICK) + 8 if panel.x.ticked else 0) + (leading(_LABEL) + 4 if panel.x.label else 0)


def _left(panel: Panel) -> int:
    numbers = max((measure(spell(text), _TICK) for _, text in panel.y.ticks(5)), default=0.0) if panel.y.ticked else 0
    return round(numbers) + (12 if panel.y.ticked else 0) + (leading(_LABEL) + 8 if panel.y.label else 0)


def _right(panel: Panel) -> int:
    if isinstance(panel, Lines) or panel.scale is None:
        return 0
    numbers = max((measure(spell(text), _TICK) for _, text in panel.scale.ticks(5)), default=0.0)
    return _GAP + _BAR + 10 + round(numbers) + (leading(_LABEL) + 8 if panel.scale.label else 0)


def _across_count(width: int) -> int:
    return max(2, min(8, width // 110))


def _rising_count(panel: Panel, height: int) -> int:
    """About as many numbers beside a square plane as below it."""
    square = isinstance(panel, Plane) and panel.square
    return max(2, min(5, height // (110 if square else 60)))


def _draw(sheet: Image.Image, panel: Panel, box: Box) -> None:
    left, top, right, bottom = box
    draw = ImageDraw.Draw(sheet)
    lines = wrap(panel.title, size=_TITLE, width=right - left + _right(panel)) if panel.title else []
    write(draw, (left, top - 10 - leading(_TITLE) * len(lines)), lines, _TITLE, INK)
    if isinstance(panel, Plane):
        sheet.paste(paint(panel, right - left, bottom - top), (left, top))
        draw.rectangle((left - 1, top - 1, right, bottom), outline=FAINT)
    else:
        _draw_lines(sheet, panel, box)
    _draw_x(sheet, panel.x, box)
    _draw_y(sheet, panel.y, box, count=_rising_count(panel, bottom - top))
    if isinstance(panel, Plane) and panel.scale is not None:
        _draw_bar(sheet, panel, box)


def _draw_lines(sheet: Image.Image, panel: Lines, box: Box) -> None:
    left, top, right, bottom = box
    draw = ImageDraw.Draw(sheet)
    for value, _ in panel.y.ticks(_rising_count(panel, bottom - top)):
        height = bottom - round(float(panel.y.place(value)) * (bottom - top))
        draw.line((left, height, right, height), fill=FAINT)
    for value, _ in panel.x.ticks(_across_count(right - left)) if panel.x.ticked else []:
        across = left + round(float(panel.x.place(value)) * (right - left))
        draw.line((across, top, across, bottom), fill=FAINT)
    _draw_marks(sheet, panel, box)
    colors = _colors(len(panel.curves))
    masks = [trace(points, panel.x, panel.y, right - left, bottom - top) for points in panel.curves.values()]
    for mask, color in zip(masks, colors, strict=True):
        sheet.paste(color, (left, top), mask)
    if len(panel.curves) > 1:
        room = _room_of_names(list(panel.curves))
        _draw_names(sheet, list(panel.curves), colors, right, top + _drop_of_names(masks, room))


def _draw_marks(sheet: Image.Image, panel: Lines, box: Box) -> None:
    """Bands of the intervals, a line in the middle, labels one below the other."""
    left, top, right, bottom = box
    draw = ImageDraw.Draw(sheet)
    for number, mark in enumerate(panel.marks):
        low, place, high = (float(panel.x.place(each)) for each in (mark.low, mark.place, mark.high))
        if not 0 <= place <= 1:
            continue
        across = left + round(place * (right - left))
        first, last = (left + round(min(max(each, 0.0), 1.0) * (right - left)) for each in (low, high))
        draw.rectangle((min(first, across - 3), top, max(last, across + 3), bottom), fill=BAND)
        draw.line((across, top, across, bottom), fill=BAD, width=2)
        height = top + 8 + number * leading(_TICK)
        side, anchor = (8, "la") if place < 0.7 else (-8, "ra")
        write_at(draw, (across + side, height), mark.label, size=_TICK, color=BAD, anchor=anchor)


def _colors(count: int) -> list[str]:
    others = [0.82 * phase_colors(-1.9 + 2 * np.pi * (k + 1) / max(count, 2)) for k in range(count - 1)]
    return [ACCENT, *("#" + "".join(f"{round(255 * part):02x}" for part in color) for color in others)]


def _room_of_names(names: Sequence[str]) -> tuple[int, int]:
    return round(max(measure(spell(name), _TICK) for name in names)) + 76, 18 + len(names) * leading(_TICK)


def _drop_of_names(masks: Sequence[Image.Image], room: tuple[int, int]) -> int:
    """How far down the names go: to the lower corner where they would cover a curve in the upper one, and none there."""
    across, down = room
    width, height = masks[0].size
    upper, lower = (
        any(mask.crop((width - across, top, width, top + down)).getbbox() for mask in masks)
        for top in (0, height - down)
    )
    return height - down - 4 if upper and not lower else 0


def _draw_names(sheet: Image.Image, names: Sequence[str], colors: Sequence[str], right: int, top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    wide = max(measure(spell(name), _TICK) for name in names)
    draw.rectangle((right - wide - 76, top + 4, right - 2, top + 18 + len(names) * leading(_TICK)), fill=PAPER)
    for number, (name, color) in enumerate(zip(names, colors, strict=True)):
        middle = top + 22 + number * leading(_TICK)
        draw.line((right - wide - 62, middle, right - wide - 26, middle), fill=color, width=4)
        write_at(draw, (right - wide - 14, middle), name, size=_TICK, color=INK, anchor="lm")


def _draw_x(sheet: Image.Image, axis: Axis, box: Box) -> None:
    left, _, right, bottom = box
    draw = ImageDraw.Draw(sheet)
    below = bottom + 8
    if axis.ticked:
        for value, text in axis.ticks(_across_count(right - left)):
            across = left + float(axis.place(value)) * (right - left)
            write_at(draw, (across, below), text, size=_TICK, color=SOFT, anchor="ma")
        below += leading(_TICK) + 2
    if axis.label:
        write_at(draw, ((left + right) / 2, below), axis.label, size=_LABEL, color=SOFT, anchor="ma")


def _draw_y(sheet: Image.Image, axis: Axis, box: Box, *, count: int) -> None:
    left, top, _, bottom = box
    draw = ImageDraw.Draw(sheet)
    before = float(left - 10)
    if axis.ticked:
        ticks = axis.ticks(count)
        for value, text in ticks:
            height = bottom - float(axis.place(value)) * (bottom - top)
            write_at(draw, (left - 10, height), text, size=_TICK, color=SOFT, anchor="rm")
        before -= max((measure(spell(text), _TICK) for _, text in ticks), default=0.0)
    if axis.label:
        _draw_upright(sheet, axis.label, round(before) - 4 - leading(_LABEL), top, bottom)


def _draw_bar(sheet: Image.Image, panel: Plane, box: Box) -> None:
    assert panel.scale is not None
    _, top, right, bottom = box
    draw = ImageDraw.Draw(sheet)
    left = right + _GAP
    values = np.linspace(panel.scale.high, panel.scale.low, bottom - top)[:, None]
    if panel.scale.log:
        values = np.geomspace(panel.scale.high, panel.scale.low, bottom - top)[:, None]
    one = Axis(0, 1, ticked=False)
    bar = Plane(values, one, one, scale=panel.scale, colors=panel.colors)
    sheet.paste(paint(bar, _BAR, bottom - top), (left, top))
    draw.rectangle((left - 1, top - 1, left + _BAR, bottom), outline=FAINT)
    ticks = panel.scale.ticks(_rising_count(panel, bottom - top))
    for value, text in ticks:
        height = bottom - float(panel.scale.place(value)) * (bottom - top)
        write_at(draw, (left + _BAR + 10, height), text, size=_TICK, color=SOFT, anchor="lm")
    wide = max((measure(spell(text), _TICK) for _, text in ticks), default=0.0)
    if panel.scale.label:
        _draw_upright(sheet, panel.scale.label, round(left + _BAR + 14 + wide), top, bottom)


def _draw_upright(sheet: Image.Image, text: str, left: int, top: int, bottom: int) -> None:
    mask = upright(text, _LABEL)
    if mask.height <= bottom - top + 2 * leading(_TITLE):  # beside a strip there is no room for it
        sheet.paste(SOFT, (left, (top + bottom - mask.height) // 2), mask)
