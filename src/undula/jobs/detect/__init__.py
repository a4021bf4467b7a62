"""`detect`: was this picture generated? Features, classifiers, calibration, and a guard against biased folders."""

from undula.jobs.detect.audio import AudioDetector
from undula.jobs.detect.detector import Detector
from undula.jobs.detect.evaluation import Evaluation
from undula.jobs.detect.guard import BiasReport
from undula.jobs.detect.imitations import softened
from undula.jobs.detect.judging import Judged
from undula.jobs.detect.rediffusion import rediffused, train_denoiser

__all__ = [
    "AudioDetector",
    "BiasReport",
    "Detector",
    "Evaluation",
    "Judged",
    "rediffused",
    "softened",
    "train_denoiser",
]
