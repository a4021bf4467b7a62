"""`undula estimate`: what it reads, fits, writes, draws and tells."""

from undula.jobs.estimate.command.training import train_autoencoder
from undula.jobs.estimate.command.typed import estimate_files

__all__ = ["estimate_files", "train_autoencoder"]
