"""`undula explain`: which model it asks, about which images, and what it writes and tells."""

from undula.jobs.explain.command.typed import explain_files

__all__ = ["explain_files"]
