"""The block above a picture: a rule in the accent color, a title, a quieter line below it."""

from dataclasses import dataclass

from PIL import ImageDraw

from undula.show.lettering import leading, wrap, write
from undula.show.palette import ACCENT, INK, SOFT

MARGIN = 48
TITLE, SUBTITLE = 34, 19


@dataclass(frozen=True)
class Heading:
    """Title and subtitle broken into lines; an empty one takes no room."""

    title: list[str]
    subtitle: list[str]

    @classmethod
    def plan(cls, title: str, subtitle: str, width: int) -> "Heading":
        """Break both texts into lines of at most `width` pixels."""
        return cls(wrap(title, size=TITLE, width=width), wrap(subtitle, size=SUBTITLE, width=width))

    @property
    def height(self) -> int:
        """Pixels from the top margin to where the content begins."""
        if not self.title and not self.subtitle:
            return 0
        return 18 + len(self.title) * leading(TITLE) + len(self.subtitle) * leading(SUBTITLE) + 24

    def draw(self, draw: ImageDraw.ImageDraw) -> None:
        """Draw the block at the margins."""
        if self.height:
            draw.rectangle((MARGIN, MARGIN, MARGIN + 55, MARGIN + 4), fill=ACCENT)
            below = MARGIN + 18 + write(draw, (MARGIN, MARGIN + 18), self.title, TITLE, INK)
            write(draw, (MARGIN, below), self.subtitle, SUBTITLE, SOFT)
