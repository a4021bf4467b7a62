"""The command line."""

from undula.cli.entry import main

__all__ = ["main"]
