"""Recordings cut into clips of equal length, so that no length tells who made them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from undula.data.refusal import one_line, quoted
from undula.data.signals import read_signal
from undula.errors import DataError

_SUFFIX = ".wav"


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        path: Where it comes from.
        samples: The mean of its channels.
        rate: Samples in a second.
        sentence: What is said: recordings of one sentence are never divided between learning and testing.
    """

    path: str
    samples: Float[Tensor, " time"]
    rate: int
    sentence: str = ""


def find_recordings(data: Any, *, name: str = "recordings") -> list[Path]:
    """WAV files, without reading them.

    Args:
        data: A folder (folders inside are not searched), a file, or a list of these.
        name: What they are called in an error.

    Returns:
        The files by name, or as given.

    Raises:
        DataError: Nothing is there.
    """
    if not isinstance(data, str | Path):
        found = [path for one in data for path in find_recordings(one, name=name)]
    elif Path(data).is_dir():
        found = sorted(one for one in Path(data).iterdir() if one.suffix.lower() == _SUFFIX and one.name[0] != ".")
    elif Path(data).exists():
        found = [Path(data)]
    else:
        raise DataError(f"got {quoted(data)}, which does not exist, expected a folder or a {_SUFFIX} file")
    if not found:
        raise DataError(
            f"got no {name} in {quoted(str(data))}, expected files that end in {_SUFFIX}: convert them first"
        )
    return found


def read_recording(path: Path) -> Recording:
    """Read one recording.

    Args:
        path: A WAV file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        signal = read_signal(path)
    except (DataError, ValueError) as error:
        raise DataError(one_line(error)) from error
    return Recording(str(path), signal.samples.float().mean(dim=0), round(signal.rate))


def read_recordings(classes: Mapping[str, Sequence[Path]]) -> tuple[dict[str, list[Recording]], dict[str, str]]:
    """The recordings of every class; those of one sentence are cut to the length of the shortest.

    A vocoder makes some hundred samples more or fewer than it was given, which would tell it by the length alone. Recordings
    are of one sentence where the name of one file is the beginning of the other's: `07.wav` and `07_gen.wav`.

    Args:
        classes: Files by class, "real" first.

    Returns:
        Recordings by class, and why others were left out.

    Raises:
        DataError: Nothing of a class can be read, or sampling rates differ.
    """
    failed: dict[str, str] = {}
    found: dict[str, list[Recording]] = {}
    for name, paths in classes.items():
        found[name] = []
        for path in paths:
            try:
                found[name].append(read_recording(path))
            except DataError as error:
                failed[str(path)] = str(error)
        if not found[name]:
            raise DataError(
                f"got no recording of {name!r} that can be read, expected some; {next(iter(failed.values()))}"
            )
    rates = {one.rate for some in found.values() for one in some}
    if len(rates) > 1:
        raise DataError(
            f"got recordings of {' and '.join(map(str, sorted(rates)))} samples in a second, expected one rate for all, which "
            "else tells them apart: resample them all from one rate in the same way"
        )
    return _alike(found), failed


def clips_of(recording: Recording, *, seconds: float) -> Float[Tensor, "clips time"]:
    """Cut a recording; what is left at its end is dropped.

    Args:
        recording: A recording.
        seconds: Length of a clip.

    Returns:
        Clips of equal length, none where it is shorter than one.

    Example:
        >>> import torch
        >>> clips_of(Recording("a.wav", torch.zeros(2500), 1000), seconds=1.0).shape
        torch.Size([2, 1000])
    """
    length = round(recording.rate * seconds)
    count = len(recording.samples) // length
    return recording.samples[: count * length].reshape(count, length)


def sentences_of(names: Sequence[str]) -> list[str]:
    """What is said in every file, by its name: the shortest name that it begins with.

    Args:
        names: Names of files without their ends.

    Example:
        >>> sentences_of(["a-01", "a-02", "a-01_gen", "b"])
        ['a-01', 'a-02', 'a-01', 'b']
    """
    known: list[str] = []
    for name in sorted(set(names), key=len):
        if not any(_begins(name, other) for other in known):
            known.append(name)
    return [next(other for other in known if _begins(name, other)) for name in names]


def _begins(name: str, other: str) -> bool:
    """Whether a name is another one, or goes on after it with something else than a letter or a figure."""
    return name == other or (name.startswith(other) and not name[len(other)].isalnum())


def _alike(classes: Mapping[str, Sequence[Recording]]) -> dict[str, list[Recording]]:
    everything = [one for some in classes.values() for one in some]
    said = sentences_of([Path(one.path).stem for one in everything])
    lengths: dict[str, int] = {}
    for one, sentence in zip(everything, said, strict=True):
        lengths[sentence] = min(len(one.samples), lengths.get(sentence, len(one.samples)))
    left = iter(said)
    return {
        name: [_cut(one, sentence := next(left), lengths[sentence]) for one in some] for name, some in classes.items()
    }


def _cut(recording: Recording, sentence: str, length: int) -> Recording:
    return replace(recording, samples=recording.samples[:length], sentence=sentence)
