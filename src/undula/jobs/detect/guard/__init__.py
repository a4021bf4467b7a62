"""The bias guard: folders that differ in more than in how their pictures were made."""

from undula.jobs.detect.guard.baselines import block_colors, crossed_accuracy, grid_phases
from undula.jobs.detect.guard.traits import Finding, differing_traits
from undula.jobs.detect.guard.twins import Twins, count_twins, first_places, pixel_hash
from undula.jobs.detect.guard.verdict import BiasReport, Evidence, files_differ, guard

__all__ = [
    "BiasReport",
    "Evidence",
    "Finding",
    "Twins",
    "block_colors",
    "count_twins",
    "crossed_accuracy",
    "differing_traits",
    "files_differ",
    "first_places",
    "grid_phases",
    "guard",
    "pixel_hash",
]
