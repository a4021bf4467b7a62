"""What files of two classes are, compared: a trait that tells the classes apart is a bias, not a trace."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from undula.jobs.detect.file_facts import FileFacts

_SIGNIFICANT = 3.0  # standard deviations above chance, for each of ten traits
_RELEVANT = 0.55  # balanced accuracy below which a trait cannot carry a detector
_BINS = 8

TRAITS: dict[str, Callable[[FileFacts], Hashable]] = {
    "file format": lambda facts: facts.format,
    "channels and bits": lambda facts: facts.mode,
    "JPEG tables": lambda facts: facts.jpeg_tables,
    "JPEG subsampling": lambda facts: facts.subsampling,
    "progressive JPEG": lambda facts: facts.progressive,
    "EXIF": lambda facts: facts.exif,
    "color profile": lambda facts: facts.profile,
    "frames": lambda facts: facts.frames > 1,
    "size": lambda facts: (facts.width, facts.height),
}


@dataclass(frozen=True)
class Finding:
    """A trait that tells two classes apart.

    Attributes:
        trait: What it is.
        accuracy: Balanced accuracy of guessing the class from it alone, on files that the guess was not made from.
        words: How the classes differ.
    """

    trait: str
    accuracy: float
    words: str


def differing_traits(real: Sequence[FileFacts], generated: Sequence[FileFacts]) -> list[Finding]:
    """Traits of files that tell two classes apart.

    Args:
        real: Facts of one class.
        generated: Facts of the other.

    Returns:
        One finding per trait whose balanced accuracy is above 55 % and three standard deviations above chance.
    """
    found = []
    for trait, (first, second) in _columns(real, generated).items():
        accuracy = guessed([first], [second])
        if accuracy > threshold(len(first), len(second)):
            shown = (first, second) if trait != "area" else ([_round(f) for f in real], [_round(f) for f in generated])
            found.append(
                Finding(trait, accuracy, f"{trait}: {_told(shown[0])} of the real, {_told(shown[1])} of the generated")
            )
    return found


def metadata_accuracy(real: Sequence[FileFacts], generated: Sequence[FileFacts]) -> float:
    """Balanced accuracy of guessing the class from all traits together, without a look at the picture.

    Args:
        real: Facts of one class.
        generated: Facts of the other.

    Returns:
        0.5 where files say nothing.
    """
    columns = list(_columns(real, generated).values())
    return guessed([first for first, _ in columns], [second for _, second in columns])


def threshold(first: int, second: int) -> float:
    """The balanced accuracy above which two classes of so many items differ.

    Args:
        first: Items of one class.
        second: Items of the other.
    """
    deviation = math.sqrt((1 / first + 1 / second) / 16) if first and second else 1.0
    return max(_RELEVANT, 0.5 + _SIGNIFICANT * deviation)


def guessed(first: Sequence[Sequence[Hashable]], second: Sequence[Sequence[Hashable]]) -> float:
    """Balanced accuracy of naive Bayes on columns of values, each half guessed from the other.

    Args:
        first: Columns of one class.
        second: Columns of the other.

    Returns:
        The accuracy; a tie counts a half.
    """
    rates = []
    for own, other in ((first, second), (second, first)):
        right = 0.0
        for half in (0, 1):
            scores = [_log_odds(a[1 - half :: 2], b[1 - half :: 2]) for a, b in zip(own, other, strict=True)]
            for row in zip(*(column[half::2] for column in own), strict=True):
                odds = sum(score.get(value, 0.0) for score, value in zip(scores, row, strict=True))
                right += 0.5 if odds == 0 else float(odds > 0)
        rates.append(right / max(1, len(own[0])))
    return sum(rates) / 2


def _log_odds(own: Sequence[Hashable], other: Sequence[Hashable]) -> dict[Hashable, float]:
    """Log of the ratio of the shares of every value, one more of each added."""
    ours, theirs = Counter(own), Counter(other)
    values = ours.keys() | theirs.keys()
    grown = (len(own) + len(values), len(other) + len(values))
    return {
        value: math.log((ours[value] + 1) / grown[0]) - math.log((theirs[value] + 1) / grown[1])
        if ours[value] * grown[1] != theirs[value] * grown[0]
        else 0.0
        for value in values
    }


def _columns(
    real: Sequence[FileFacts], generated: Sequence[FileFacts]
) -> dict[str, tuple[list[Hashable], list[Hashable]]]:
    columns = {trait: ([of(f) for f in real], [of(f) for f in generated]) for trait, of in TRAITS.items()}
    columns["area"] = _binned([_area(f) for f in real], [_area(f) for f in generated])
    return columns


def _binned(first: list[int], second: list[int]) -> tuple[list[Hashable], list[Hashable]]:
    """Numbers as the eighth of all of them in which they lie: sizes of photographs are all different."""
    ranked = sorted(first + second)
    edges = [ranked[len(ranked) * place // _BINS] for place in range(1, _BINS)]
    below, above = ([sum(value >= edge for edge in edges) for value in side] for side in (first, second))
    return list(below), list(above)


def _area(facts: FileFacts) -> int:
    return facts.width * facts.height


def _round(facts: FileFacts) -> Hashable:
    return f"{_area(facts) / 1e6:.1f} megapixels"


def _told(values: Sequence[Hashable]) -> str:
    """The most frequent value and its share."""
    value, count = Counter(values).most_common(1)[0]
    if isinstance(value, tuple):
        text = " × ".join(map(str, value))
    else:
        text = {"True": "yes", "False": "no", "": "none"}.get(str(value), str(value))
    return f"{text} in {count / len(values):.0%}"
