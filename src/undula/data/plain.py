"""Values as JSON can hold them: whatever a record contains becomes plain, and NaN becomes null."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor


def plain(value: Any) -> Any:
    """Return a value as numbers, texts, lists and dictionaries.

    Args:
        value: Anything; NaN and infinities become None, arrays and tensors lists, sets sorted lists, what is
            unknown its text.

    Returns:
        A value that JSON can hold.

    Example:
        >>> plain({"residual": float("nan"), "shape": (2, 3)})
        {'residual': None, 'shape': [2, 3]}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Tensor):
        return plain(value.detach().cpu().tolist())
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value)


def json_text(value: Any) -> str:
    """Return a value as strict JSON.

    Args:
        value: Anything that `plain` accepts.

    Returns:
        JSON of several lines, without NaN, ending in a line break.
    """
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"
