"""What is typed, in the words of the library, and the library's errors in the words of the command."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from undula.errors import DataError, OptionError, ShapeError

_REAL = {"real", "nature", "natural", "authentic"}
_GENERATED = {"generated", "fake", "ai", "synthetic"}


def name_generators(typed: Sequence[str]) -> dict[str, str]:
    """Names of generators for what was typed.

    Args:
        typed: Folders or named sets, one of each generator.

    Returns:
        What was typed, by "generated" for a single one, and by the name of the folder for several.

    Raises:
        OptionError: One is typed twice.

    Example:
        >>> name_generators(["out/gan"]), name_generators(["a/gan", "a/vae/"])
        ({'generated': 'out/gan'}, {'gan': 'a/gan', 'vae': 'a/vae/'})
    """
    if len(typed) == 1:
        return {"generated": typed[0]}
    short = [Path(one).name or one for one in typed]
    names = [
        one if short.count(one) == 1 and one.lower() != "real" else full for one, full in zip(short, typed, strict=True)
    ]
    if len(set(names)) < len(names):
        raise OptionError(f"got {', '.join(typed)}, expected a folder of its own for each generator: name each once")
    return dict(zip(names, typed, strict=True))


def class_of(folder: str) -> str:
    """What a folder says of its pictures: `0_real` are real ones, `1_fake` generated ones, others a generator's.

    Args:
        folder: Name of the folder.

    Returns:
        "real", "generated" or the name itself.

    Example:
        >>> [class_of(name) for name in ("0_real", "1_fake", "REAL", "stylegan2")]
        ['real', 'generated', 'real', 'stylegan2']
    """
    word = re.sub(r"^\d+[_-]", "", folder)
    if word.lower() in _REAL:
        return "real"
    return "generated" if word.lower() in _GENERATED else word


@contextmanager
def typed_words() -> Iterator[None]:
    """Name options in errors as they are typed.

    Raises:
        UndulaError: What the block raised, in other words.
    """
    try:
        yield
    except (DataError, OptionError, ShapeError) as error:
        raise type(error)(as_typed(str(error))) from error


def as_typed(text: str) -> str:
    """A sentence of the library as the command would say it.

    Args:
        text: The sentence.

    Example:
        >>> as_typed("take features='packet-statistics', or match=True")
        'take --features packet-statistics, or --match'
    """
    text = text.replace("match=True", "--match").replace("rate=", "--fpr ")
    return re.sub(r"\b(features|model|guard|level|epochs)='?([\w.…-]+)'?", r"--\1 \2", text)
