"""The one training loop: a plan, checkpoints that resume bit for bit, one device or many."""

from undula.fit.checkpoints import read_tensors, write_tensors
from undula.fit.loop import train
from undula.fit.plan import Plan
from undula.fit.records import Check, Progress
from undula.fit.result import Training
from undula.fit.schedule import learning_rate

__all__ = ["Check", "Plan", "Progress", "Training", "learning_rate", "read_tensors", "train", "write_tensors"]
