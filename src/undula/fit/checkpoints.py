"""Files of tensors: checkpoints and weights, each one file, so that no kill can mix two states."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from undula.data.atomic import atomic_write
from undula.data.plain import plain
from undula.data.refusal import quoted, reading
from undula.errors import DataError

CHECKPOINT, WEIGHTS, BEST = "checkpoint.safetensors", "weights.safetensors", "best.safetensors"
_FACTS = "undula"  # the key of the file's header under which the facts stand as JSON


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and facts into one safetensors file, whole or not at all.

    Args:
        path: The file; one of that name is replaced.
        tensors: Tensors by name, on any device; tied ones are written twice.
        facts: Plain values for the header of the file.

    Raises:
        DataError: It cannot be written; an old file of that name is then untouched.
    """
    rows = torch.contiguous_format
    kept = {name: torch.clone(value.detach().cpu(), memory_format=rows) for name, value in tensors.items()}
    data = save(kept, metadata={_FACTS: json.dumps(plain(facts))})
    with atomic_write(path) as file:
        file.write(data)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Args:
        path: The file.

    Returns:
        Tensors by name, on the CPU, and the facts.

    Raises:
        DataError: There is no such file, it is damaged, or Undula did not write it.
    """
    with reading(path, "a safetensors file that Undula wrote"):
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            text = (file.metadata() or {}).get(_FACTS)
        facts = None if text is None else json.loads(text)
    if not isinstance(facts, dict):
        raise DataError(
            f"got {quoted(path)}, which holds tensors and no facts about them, expected a file that Undula wrote: "
            "name another one"
        )
    return tensors, facts


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Say in which facts two runs differ.

    Args:
        wanted: Facts of the run that is asked for.
        found: Facts of the run that is there.

    Returns:
        One text per fact, "rate=0.1, not 0.2".
    """
    here = plain(wanted)
    names = [*here, *(name for name in found if name not in here)]
    return [
        f"{name}={here.get(name)!r}, not {found.get(name)!r}" for name in names if here.get(name) != found.get(name)
    ]


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Tensors whose names begin with a prefix, without it.

    Args:
        tensors: Tensors by name.
        prefix: The prefix, without its dot.

    Returns:
        Those tensors.

    Example:
        >>> list(part({"best.weight": torch.ones(1), "network.weight": torch.ones(1)}, "best"))
        ['weight']
    """
    begin = f"{prefix}."
    return {name.removeprefix(begin): value for name, value in tensors.items() if name.startswith(begin)}


def prefixed(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The inverse of `part`.

    Args:
        tensors: Tensors by name.
        prefix: The prefix, without its dot.

    Returns:
        The tensors by longer names.
    """
    return {f"{prefix}.{name}": value for name, value in tensors.items()}
