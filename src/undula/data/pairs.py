"""Pairs of clean and noisy pictures, matched by their names: `12_raw.jpg` and `12_noised.jpg`."""

from collections.abc import Sequence
from pathlib import Path

from undula.data.refusal import quoted
from undula.errors import DataError

_CLEAN, _NOISY = "_raw", "_noised"  # ends of the names of a pair
_FOLDER = "-gaussian"  # end of the name of the folder of the noisy ones, where they have one of their own


def noisy_folder(folder: Path, files: Sequence[Path]) -> Path | None:
    """Return where the noisy partners of a folder are that holds none itself.

    Args:
        folder: A folder, say `train`.
        files: Its pictures.

    Returns:
        `train-gaussian`, if that is a folder and the pictures have clean names and no noisy ones among them; else None.
    """
    beside = folder.with_name(f"{folder.name}{_FOLDER}") if folder.name else folder
    clean = any(path.stem.endswith(_CLEAN) for path in files)
    noisy = any(path.stem.endswith(_NOISY) for path in files)
    return beside if clean and not noisy and beside != folder and beside.is_dir() else None


def matched_pairs(paths: Sequence[Path]) -> list[tuple[Path, Path]] | None:
    """Match every clean picture with its noisy partner.

    The folder counts only where a name comes more than once; `train` and `train-gaussian` are alike.

    Args:
        paths: Files of pictures.

    Returns:
        Pairs (clean, noisy) in the order of the clean ones, or None when there is no noisy name.

    Raises:
        DataError: A picture has no partner or more than one, or is neither clean nor noisy.

    Example:
        >>> [[path.name for path in pair] for pair in matched_pairs([Path("a_noised.jpg"), Path("a_raw.jpg")])]
        [['a_raw.jpg', 'a_noised.jpg']]
    """
    noisy = [path for path in paths if path.stem.endswith(_NOISY)]
    clean = [path for path in paths if path.stem.endswith(_CLEAN)]
    if not noisy:
        return None
    others = [path for path in paths if not path.stem.endswith((_NOISY, _CLEAN))]
    if others:
        raise DataError(
            f"got {_first(others)} among pairs, expected names that end in {_CLEAN} or {_NOISY}: move it elsewhere"
        )
    stems = [_stem(path) for path in clean], [_stem(path) for path in noisy]
    folders = any(len(set(names)) < len(names) for names in stems)
    by_key = _keyed(clean, folders), _keyed(noisy, folders)
    for missing, end in ((by_key[0].keys() - by_key[1].keys(), _NOISY), (by_key[1].keys() - by_key[0].keys(), _CLEAN)):
        if missing:
            lonely = [path for path in paths if _key(path, folders) in missing]
            raise DataError(
                f"got {_first(lonely)} without its partner {_stem(lonely[0]) + end!r}, expected pairs *{_CLEAN}.* and "
                f"*{_NOISY}.*: add it, or take the other away"
            )
    return [(path, by_key[1][key]) for key, path in by_key[0].items()]


def _stem(path: Path) -> str:
    return path.stem.removesuffix(_CLEAN).removesuffix(_NOISY)


def _key(path: Path, folders: bool) -> tuple[str, str]:
    return str(path.parent).removesuffix(_FOLDER) if folders else "", _stem(path)


def _keyed(paths: Sequence[Path], folders: bool) -> dict[tuple[str, str], Path]:
    keyed: dict[tuple[str, str], Path] = {}
    for path in paths:
        other = keyed.setdefault(_key(path, folders), path)
        if other is not path:
            raise DataError(f"got {quoted(other)} and {quoted(path)}, expected one of them in a pair: take one away")
    return keyed


def _first(paths: Sequence[Path]) -> str:
    return quoted(paths[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
