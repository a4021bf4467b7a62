"""Names for output files: safe on any disk, unique, and the same on every run."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

_LONGEST = 120  # bytes; file systems allow 255, and outputs append their own words


def safe_name(text: str) -> str:
    """Return a text as the stem of a file: letters, digits, `_`, `-` and dots inside.

    Args:
        text: Any text.

    Returns:
        A name without separators and without a dot at its ends, never empty.

    Example:
        >>> safe_name("../Aufnahme 3:counts")
        'Aufnahme_3_counts'
    """
    kept = re.sub(r"[^\w.\-]+", "_", unicodedata.normalize("NFC", text))
    kept = kept.encode("utf-8", errors="ignore")[:_LONGEST].decode("utf-8", errors="ignore")
    return kept.strip("._ ") or "item"


def unique_names(paths: Sequence[tuple[Path, str]]) -> list[str]:
    """Return one name per file: its stem, and as much of its suffix and folder as tells it from the others.

    Args:
        paths: Each file and what is chosen inside it (a key, or nothing).

    Returns:
        Safe names, all different even where a disk ignores case.

    Example:
        >>> unique_names([(Path("a/x.png"), ""), (Path("b/x.png"), ""), (Path("y.npz"), "counts")])
        ['a-x', 'b-x', 'y-counts']
    """
    names = [_spelled(path, key, 0) for path, key in paths]
    for level in (1, 2, 3):
        counts = Counter(name.casefold() for name in names)
        doubled = [counts[name.casefold()] > 1 for name in names]
        names = [
            _spelled(path, key, level) if again else name
            for (path, key), name, again in zip(paths, names, doubled, strict=True)
        ]
    return _numbered(names)


def _spelled(path: Path, key: str, level: int) -> str:
    stem = f"{path.stem}-{path.suffix[1:]}" if level in (1, 3) else path.stem
    parts = [path.absolute().parent.name if level >= 2 else "", stem, key]
    return safe_name("-".join(part for part in parts if part))


def _numbered(names: Sequence[str]) -> list[str]:
    spoken_for = {name.casefold() for name in names}
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 2
        while candidate.casefold() in (taken if candidate == name else taken | spoken_for):
            candidate, number = f"{name}-{number}", number + 1
        taken.add(candidate.casefold())
        unique.append(candidate)
    return unique
