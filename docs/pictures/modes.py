"""The pictures of docs/boundary-modes.md: python docs/pictures/modes.py."""

from pathlib import Path

import numpy as np

from undula import wavelets
from undula.show.figure import new_figure, plain_axes, save_figure
from undula.show.palette import BAD, FAINT, INK, SOFT

HERE = Path(__file__).parent
SIGNAL = np.array([0.9, 1.6, 1.9, 1.5, 0.8, 0.7, 1.1, 1.9, 2.4, 2.2])
MARGIN = 12


def extensions() -> None:
    """What each mode puts beyond the ends of ten samples."""
    figure, free = new_figure(9.0, 6.6)
    grid = figure.add_gridspec(3, 3, left=0.05, right=0.985, bottom=0.05, top=free - 0.06, hspace=0.42, wspace=0.12)
    for place, mode in enumerate(wavelets.MODES[:-1]):
        axes = figure.add_subplot(grid[place // 3, place % 3])
        plain_axes(axes)
        whole = wavelets.pad(SIGNAL, MARGIN, mode)
        inside = np.arange(len(SIGNAL))
        outside = [t for t in range(-MARGIN, len(whole) - MARGIN) if not 0 <= t < len(SIGNAL)]
        axes.axhline(0, color=FAINT, lw=0.8)
        axes.plot(np.arange(len(whole)) - MARGIN, whole, color=FAINT, lw=1.2)
        axes.plot(outside, whole[np.array(outside) + MARGIN], "o", color=BAD, ms=3.4)
        axes.plot(inside, SIGNAL, "o-", color=INK, ms=4.2, lw=1.4)
        axes.set_title(mode, size=11, color=INK, loc="left")
        axes.set_xticks([0, len(SIGNAL) - 1])
        axes.set_ylim(*_span(whole))
        axes.set_yticks([0])
    save_figure(figure, HERE / "boundary-modes.png")


def _span(values: np.ndarray) -> tuple[float, float]:
    low, high = min(0.0, float(values.min())), float(values.max())
    room = 0.12 * (high - low)
    return low - room, high + room


def details() -> None:
    """Finest details of a ramp with a step in its middle, which each mode sees differently at the ends."""
    n = 64
    ramp = np.linspace(0, 1, n) + (np.arange(n) >= n // 2)
    modes = ("zero", "periodic", "symmetric", "reflect", "smooth", "boundary")
    figure, free = new_figure(9.0, 3.9)
    grid = figure.add_gridspec(2, 3, left=0.05, right=0.985, bottom=0.08, top=free - 0.09, hspace=0.5, wspace=0.12)
    for place, mode in enumerate(modes):
        axes = figure.add_subplot(grid[place // 3, place % 3])
        plain_axes(axes)
        detail = np.abs(wavelets.dwt(ramp, "db4", mode)[1])
        places = np.arange(len(detail))
        ends = (places < 4) | (places > len(detail) - 5)
        axes.vlines(places[~ends], 0, detail[~ends], color=INK, lw=2)
        axes.vlines(places[ends], 0, detail[ends], color=BAD, lw=2)
        axes.axhline(0, color=FAINT, lw=0.8)
        axes.set_ylim(0, 1.3)
        axes.set_yticks([0, 1])
        axes.set_xticks([0, len(detail) - 1])
        axes.set_title(mode, size=11, color=INK, loc="left")
        axes.text(1.0, 1.02, f"{len(detail)} details", transform=axes.transAxes, ha="right", size=9, color=SOFT)
    save_figure(figure, HERE / "boundary-details.png")


if __name__ == "__main__":
    extensions()
    details()
