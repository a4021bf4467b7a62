"""`undula detect`: how it trains, scores, evaluates and shows what differs, and what it does with no pictures at all."""

from undula.jobs.detect.command.evaluating import evaluate_sources
from undula.jobs.detect.command.explaining import explain_classes
from undula.jobs.detect.command.scoring import score_pictures
from undula.jobs.detect.command.training import train_detector
from undula.jobs.detect.command.typed import detect_sample

__all__ = ["detect_sample", "evaluate_sources", "explain_classes", "score_pictures", "train_detector"]
