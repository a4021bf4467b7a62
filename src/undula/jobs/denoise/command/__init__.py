"""`undula denoise`: what it reads, writes, draws and tells, how it trains, and how it compares losses."""

from undula.jobs.denoise.command.comparing import compare_files
from undula.jobs.denoise.command.training import train_model
from undula.jobs.denoise.command.typed import denoise_files

__all__ = ["compare_files", "denoise_files", "train_model"]
