"""What every command shares: its options, its device and seeds, what it says, and how it ends."""

from undula.session.bar import Bar
from undula.session.ending import DONE, INTERRUPTED, PARTLY, WRONG
from undula.session.options import Options
from undula.session.seeds import item_seed
from undula.session.session import Session

__all__ = ["DONE", "INTERRUPTED", "PARTLY", "WRONG", "Bar", "Options", "Session", "item_seed"]
