"""What a detector sees of a picture: statistics of its wavelet packets, profiles over frequency, or one number per place."""

from undula.jobs.detect.features.choice import WORDS, Features, FeatureWord, Seen, read_features
from undula.jobs.detect.features.packets import by_frequency, packet_levels
from undula.jobs.detect.features.pieces import Pieces, side_for
from undula.jobs.detect.features.planes import log_cosines, log_fourier, log_packets
from undula.jobs.detect.features.radial import radial_profiles
from undula.jobs.detect.features.statistics import packet_statistics, statistic_names

__all__ = [
    "WORDS",
    "FeatureWord",
    "Features",
    "Pieces",
    "Seen",
    "by_frequency",
    "log_cosines",
    "log_fourier",
    "log_packets",
    "packet_levels",
    "packet_statistics",
    "radial_profiles",
    "read_features",
    "side_for",
    "statistic_names",
]
