"""Figures, animations and the HTML report."""

from undula.show.animation import animate_sheet, write_gif
from undula.show.curves import line_figure
from undula.show.page import Picture, Section, Table, write_page
from undula.show.pixels import to_display
from undula.show.sheet import contact_sheet
from undula.show.surface import isosurface
from undula.show.volume import orthogonal_slices

__all__ = [
    "Picture",
    "Section",
    "Table",
    "animate_sheet",
    "contact_sheet",
    "isosurface",
    "line_figure",
    "orthogonal_slices",
    "to_display",
    "write_gif",
    "write_page",
]
