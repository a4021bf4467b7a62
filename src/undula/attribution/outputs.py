"""The tensor among what a layer or a model returns: tuples, mappings and dataclasses have one that counts."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor

_FIRST = ("logits", "last_hidden_state")


def first_tensor(output: Any) -> Tensor | None:
    """The tensor itself, or `logits`, or `last_hidden_state`, or else the first of a tuple, mapping or dataclass.

    Args:
        output: What a module returned.

    Returns:
        The tensor, or None.

    Example:
        >>> import torch
        >>> first_tensor({"auxiliary": None, "out": (torch.ones(2), torch.zeros(3))})
        tensor([1., 1.])
    """
    if isinstance(output, Tensor):
        return output
    for _, part in _parts(output):
        found = first_tensor(part)
        if found is not None:
            return found
    return None


def with_tensor(output: Any, tensor: Tensor) -> Any:
    """The same output with another tensor where `first_tensor` finds one.

    Args:
        output: What a module returned; it is not changed.
        tensor: The tensor that takes the place.

    Returns:
        The tensor, or a shallow copy of the tuple, mapping or dataclass around it.
    """
    if isinstance(output, Tensor):
        return tensor
    for key, part in _parts(output):
        if first_tensor(part) is not None:
            return _with(output, key, with_tensor(part, tensor))
    return output


def _parts(output: Any) -> Iterator[tuple[Any, Any]]:
    """Keys and parts, those first that have one of the known names."""
    if isinstance(output, Mapping):
        parts = list(output.items())
    elif isinstance(output, tuple | list):
        names = getattr(output, "_fields", range(len(output)))
        parts = list(zip(names, output, strict=True))
    elif is_dataclass(output) and not isinstance(output, type):
        parts = [(field.name, getattr(output, field.name)) for field in fields(output)]
    else:
        return
    yield from sorted(parts, key=lambda part: _FIRST.index(part[0]) if part[0] in _FIRST else len(_FIRST))


def _with(output: Any, key: Any, part: Any) -> Any:
    if hasattr(output, "_replace"):
        return output._replace(**{key: part})
    if isinstance(output, tuple):
        return (*output[:key], part, *output[key + 1 :])
    changed = copy.copy(output)
    if isinstance(output, Mapping | list):
        changed[key] = part
    else:
        object.__setattr__(changed, key, part)
    return changed
