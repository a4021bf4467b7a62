"""`undula recover`: from what is typed to a folder with arrays, pictures, a film and a page."""

from undula.jobs.recover.command.demonstration import demonstrate
from undula.jobs.recover.command.typed import recover_files, recover_inputs

__all__ = ["demonstrate", "recover_files", "recover_inputs"]
