"""The command line."""

from undula.cli.main import main

__all__ = ["main"]
