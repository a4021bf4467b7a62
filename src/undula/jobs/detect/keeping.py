"""The folder of a detector: written, read, and looked through before anybody believes it."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from undula.errors import DataError, UndulaError
from undula.nets.storage import read_model, write_model

_Made = TypeVar("_Made")


def write_detector(
    folder: str | Path,
    members: Sequence[nn.Module],
    *,
    kind: str,
    parameters: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Path:
    """Write `model.safetensors` and `config.json`.

    Args:
        folder: The folder; it is made if it is not there.
        members: The classifiers.
        kind: What it is: another kind cannot be read in its place.
        parameters: Arguments of the detector.
        facts: What it learned beside the weights.

    Returns:
        The folder.

    Raises:
        DataError: It cannot be written.
    """
    networks = {f"member{place}": member for place, member in enumerate(members)}
    return write_model(folder, networks, {"kind": kind, "parameters": dict(parameters), **facts})


def read_detector(
    folder: str | Path,
    make: Callable[..., _Made],
    *,
    kind: str,
    wanted: str,
    use: Callable[[Mapping[str, Any]], object],
) -> tuple[_Made, list[nn.Module], dict[str, Any]]:
    """Read what `write_detector` wrote.

    Args:
        folder: The folder.
        make: From arguments to a detector.
        kind: The kind that was written.
        wanted: What is missing if it is another one, and what to do.
        use: Called with the facts; whatever goes wrong there is an error of the folder.

    Returns:
        The detector, its classifiers, and the facts.

    Raises:
        DataError: A file is missing or damaged, of another version or kind, or was changed by hand.
    """
    networks, facts = read_model(folder)
    if facts.pop("kind", None) != kind:
        raise DataError(f"got a model in {str(folder)!r} that is no {wanted}")
    members, classes = list(networks.values()), facts.get("classes")
    wrong = [name for name, fits in _FITTING.items() if not fits(facts.get(name))]
    wrong += [] if members and all(_outputs(one) == len(classes or ()) for one in members) else ["members"]
    made = None
    try:
        made = make(**facts.pop("parameters"))
        use(facts)
    except (UndulaError, TypeError, KeyError, ValueError, AttributeError):
        wrong.append("parameters" if made is None else "features")
    if wrong or made is None:
        raise DataError(
            f"got a detector in {str(folder)!r} that was changed or damaged ({', '.join(wrong)}), expected it as it was "
            "written: train it again"
        )
    return made, members, facts


def _outputs(network: nn.Module) -> Any:
    return getattr(network, "settings", {}).get("outputs")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


_FITTING: dict[str, Callable[[Any], bool]] = {
    "classes": lambda value: (
        isinstance(value, list) and len(value) > 1 and all(isinstance(one, str) for one in value) and value[0] == "real"
    ),
    "temperature": lambda value: _is_number(value) and value > 0,
    "limits": lambda value: isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)),
}
"""What must stand in the facts of every detector."""
