"""What a network looks at, drawn on the images: class activation maps, saliency, targets in bands of frequency."""

from undula.jobs.explain.call import explain
from undula.jobs.explain.result import Explanation

__all__ = ["Explanation", "explain"]
