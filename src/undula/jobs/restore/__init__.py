"""`restore`: pictures of which pixels are missing or corrupted."""

from undula.jobs.restore.call import restore
from undula.jobs.restore.result import Restoration

__all__ = ["Restoration", "restore"]
