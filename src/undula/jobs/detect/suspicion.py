"""The bias guard between the real pictures and every generator; the worst of them counts."""

from collections.abc import Sequence

from undula.errors import DataError
from undula.jobs.detect.extraction import Extraction
from undula.jobs.detect.guard import BiasReport, differing_traits, files_differ, guard

_WORST = ("files differ", "content differs", "nothing learned", "no bias found")


def suspected(classes: Sequence[Extraction], accuracy: float) -> BiasReport:
    """Compare the real pictures with those of every generator.

    Args:
        classes: Features and evidence of every class, real pictures first.
        accuracy: Of the detector on pictures that it did not see.

    Returns:
        The report on the generator that differs in the worst way.
    """
    real, *others = classes
    reports = [guard(real.evidence, other.evidence, model=accuracy) for other in others]
    return min(reports, key=lambda report: _WORST.index(report.verdict))


def refuse_biased(classes: Sequence[Extraction]) -> None:
    """End a training whose classes differ in what their files are, before anything is learned.

    Args:
        classes: Features and evidence of every class, real pictures first.

    Raises:
        DataError: A trait of the files tells a generator from the real pictures.
    """
    real, *others = classes
    for other in others:
        findings = differing_traits(real.evidence.facts, other.evidence.facts)
        if findings:
            told = files_differ(findings)
            raise DataError(f"got folders that cannot teach what was generated: {told}, or guard='warn'")
