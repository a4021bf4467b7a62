"""Text on pictures: the TrueType font that Pillow brings, broken into lines that fit."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

_DRAWN = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("©«°±´·»‘’“”…‹›™")
_SPELLED = str.maketrans(
    {
        "×": "x", "−": "-", "–": "-", "—": "-", "‐": "-", "≤": "<=", "≥": ">=", "≈": "~", "µ": "u", "μ": "u",
        "π": "pi", "σ": "sigma", "→": "->", "Å": "A", "ß": "ss", "∞": "inf", "√": "sqrt ",
    }
)  # fmt: skip


def wrap(text: str, *, size: int, width: int | float) -> list[str]:
    """Break a text into lines no wider than `width` pixels; words that are wider are broken too.

    Pillow's built-in font draws ASCII and a few signs: other characters are spelled (`×` as `x`, `é` as `e`),
    or shown as `?`.

    Args:
        text: Any text; runs of white space count as one blank.
        size: Height of the letters in pixels.
        width: Widest line in pixels.

    Returns:
        The lines, none for an empty text.

    Example:
        >>> wrap("recovered from magnitudes", size=15, width=90)
        ['recovered', 'from', 'magnitudes']
    """
    lines: list[str] = []
    for word in spell(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.extend(_break(word, size, width))
    return lines


def spell(text: str) -> str:
    """Replace the characters that the built-in font cannot draw."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    plain = "".join(" " if c.isspace() else c for c in plain if not unicodedata.combining(c))
    return "".join(c if c in _DRAWN else "?" for c in plain)


def measure(text: str, size: int) -> float:
    """Width of one line in pixels."""
    return float(_font(size).getlength(text))


def widest_word(text: str, size: int) -> float:
    """Width in pixels of the longest word, the least that a column needs to keep its words whole."""
    return max((measure(word, size) for word in spell(text).split()), default=0.0)


def leading(size: int) -> int:
    """Distance in pixels from one line to the next."""
    return round(1.35 * size)


def write(draw: ImageDraw.ImageDraw, at: tuple[int, int], lines: Sequence[str], size: int, color: str) -> int:
    """Draw lines below each other from their top left corner and return the height that they take."""
    for index, line in enumerate(lines):
        draw.text((at[0], at[1] + index * leading(size)), line, fill=color, font=_font(size))
    return len(lines) * leading(size)


def write_at(
    draw: ImageDraw.ImageDraw, at: tuple[int | float, int | float], text: str, *, size: int, color: str, anchor: str
) -> None:
    """Draw one line whose anchor (Pillow's two letters, such as "mm" for its middle) lies at a place."""
    draw.text(at, spell(text), fill=color, font=_font(size), anchor=anchor)


def upright(text: str, size: int) -> Image.Image:
    """One line turned to be read from below, as a mask of its letters."""
    mask = Image.new("L", (round(measure(spell(text), size)) + 2, leading(size)))
    ImageDraw.Draw(mask).text((1, leading(size) // 2), spell(text), fill=255, font=_font(size), anchor="lm")
    return mask.transpose(Image.Transpose.ROTATE_90)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _break(word: str, size: int, width: int | float) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and measure(pieces[-1] + letter, size) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces
