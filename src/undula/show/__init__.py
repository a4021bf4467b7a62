"""Figures, animations and the HTML report."""

from undula.show.animation import animate_sheet, write_gif
from undula.show.axis import Axis
from undula.show.curves import line_figure
from undula.show.lines import Lines, Mark
from undula.show.page import Picture, Section, Table, write_page
from undula.show.panels import draw_panels, save_picture
from undula.show.pixels import to_display
from undula.show.plane import Plane
from undula.show.sheet import contact_sheet
from undula.show.surface import isosurface
from undula.show.volume import orthogonal_slices

__all__ = [
    "Axis",
    "Lines",
    "Mark",
    "Picture",
    "Plane",
    "Section",
    "Table",
    "animate_sheet",
    "contact_sheet",
    "draw_panels",
    "isosurface",
    "line_figure",
    "orthogonal_slices",
    "save_picture",
    "to_display",
    "write_gif",
    "write_page",
]
