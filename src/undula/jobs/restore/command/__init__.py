"""`undula restore`: what it reads, damages, repairs, films, draws and tells."""

from undula.jobs.restore.command.typed import restore_files

__all__ = ["restore_files"]
