"""`undula denoise`: what it reads, writes, draws and tells, and how it trains."""

from undula.jobs.denoise.command.training import train_model
from undula.jobs.denoise.command.typed import denoise_files

__all__ = ["denoise_files", "train_model"]
