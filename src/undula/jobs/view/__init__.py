"""The spectra of images and signals, calculated and drawn."""

from undula.jobs.view.call import view
from undula.jobs.view.result import View

__all__ = ["View", "view"]
