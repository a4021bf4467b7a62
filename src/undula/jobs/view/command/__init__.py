"""`undula view`: what it reads, draws, writes and tells."""

from undula.jobs.view.command.typed import view_files

__all__ = ["view_files"]
