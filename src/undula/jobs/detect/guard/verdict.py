"""The bias guard: what the classes differ in besides how they were made, and what may be claimed of a detector."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from undula.jobs.detect.file_facts import FileFacts
from undula.jobs.detect.guard.baselines import crossed_accuracy
from undula.jobs.detect.guard.traits import Finding, differing_traits, metadata_accuracy, threshold
from undula.jobs.detect.guard.twins import Twins, count_twins

_MARGIN = 0.01  # a detector that is not better than a baseline by so much is as good as that
_SEEN = {"metadata": "the files alone", "blocks": "colors of 8 × 8 blocks", "JPEG grid": "the place of a JPEG grid"}

Verdict = Literal["files differ", "content differs", "nothing learned", "no bias found"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the guard looks at, of one class.

    Attributes:
        facts: What the files are.
        hashes: Hashes of the pixels.
        blocks: Colors of 8 × 8 blocks.
        phases: Steps at the places of a JPEG grid.
    """

    facts: Sequence[FileFacts]
    hashes: Sequence[bytes]
    blocks: Float[Tensor, "n 384"]
    phases: Float[Tensor, "n 8"]


@dataclass(frozen=True)
class BiasReport:
    """What the bias guard found.

    Attributes:
        verdict: "files differ" in what they are, "content differs" in what a baseline without detail sees as well as the
            detector, "nothing learned" where the detector guesses, or "no bias found".
        findings: Traits of files that tell the classes apart.
        baselines: Balanced accuracy of what sees no trace: "metadata", "blocks" (colors of 8 × 8 blocks), "JPEG grid".
        model: Balanced accuracy of the detector on pictures it did not see.
        twins: Exact twins.
        pictures: Pictures of each class.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    baselines: dict[str, float]
    model: float | None
    twins: Twins
    pictures: tuple[int, int]

    @property
    def passed(self) -> bool:
        """Whether nothing but how they were made was found to tell the classes apart."""
        return self.verdict in ("no bias found", "nothing learned")

    @property
    def forensic(self) -> bool:
        """Whether the detector may be said to see how pictures were made."""
        return self.verdict == "no bias found"

    @property
    def advice(self) -> str:
        """What was found and what to do, in a sentence or two."""
        if self.verdict == "files differ":
            return files_differ(self.findings)
        if self.verdict == "content differs":
            name, best = max(self.baselines.items(), key=lambda one: one[1])
            return (
                f"your folders differ in content, not in generator traces: by {_SEEN[name]} {best:.1%} are told, by the "
                f"detector {self.model or 0.0:.1%}; take real and generated pictures of the same things, cropped alike"
            )
        if self.verdict == "nothing learned":
            return "the detector is no better than chance: the folders do not differ in what it sees, or are too small"
        return "no bias found: formats, sizes and JPEG tables agree, and baselines without detail are worse than the detector"

    def table(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self) | {"passed": self.passed, "forensic": self.forensic, "advice": self.advice}


def files_differ(findings: Sequence[Finding]) -> str:
    """What to say of traits that tell the classes apart.

    Args:
        findings: The traits.
    """
    told = "; ".join(one.words for one in findings)
    return f"your folders differ in what their files are, not only in how they were made ({told}): match=True"


def guard(real: Evidence, generated: Evidence, *, model: float | None = None) -> BiasReport:
    """Compare two classes.

    Args:
        real: What is known of one class.
        generated: What is known of the other.
        model: Balanced accuracy of a detector on pictures it did not see; None before there is one: then a baseline that
            is better than chance proves nothing, because real content may differ with real traces.

    Returns:
        The report.

    When it fails: a bias that is neither in the files nor in coarse colors nor in the JPEG grid (an earlier compression at
    another quality, blur, another camera) is not seen.
    """
    findings = tuple(differing_traits(real.facts, generated.facts))
    baselines = {
        "metadata": metadata_accuracy(real.facts, generated.facts),
        "blocks": crossed_accuracy(real.blocks, generated.blocks),
        "JPEG grid": crossed_accuracy(real.phases, generated.phases),
    }
    counts = (len(real.facts), len(generated.facts))
    return BiasReport(
        verdict=_verdict(findings, baselines, model, threshold(*counts)),
        findings=findings,
        baselines=baselines,
        model=model,
        twins=count_twins([real.hashes, generated.hashes]),
        pictures=counts,
    )


def _verdict(findings: Sequence[Finding], baselines: dict[str, float], model: float | None, chance: float) -> Verdict:
    if findings:
        return "files differ"
    if model is None:
        return "no bias found"
    best = max(baselines.values())
    if best > chance and best >= model - _MARGIN:
        return "content differs"
    return "no bias found" if model > chance else "nothing learned"
