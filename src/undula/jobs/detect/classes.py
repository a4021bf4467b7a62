"""Real and generated pictures, however they are given: two folders, several generators by name, or labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from undula.errors import DataError, OptionError
from undula.jobs.detect.reading import Source, find_sources


def read_classes(real: Any, generated: Any) -> dict[str, list[Source]]:
    """The pictures of every class by its name, without reading them.

    Args:
        real: Real pictures, as `find_sources` takes them.
        generated: Generated pictures likewise; a dictionary of several generators by name; or one label per picture of `real`,
            0 for real and 1, 2, … for generators.

    Returns:
        Pictures by the name of their class, "real" first.

    Raises:
        DataError: Nothing is there, or there are more or fewer labels than pictures.
        OptionError: No generator, or one called "real".
    """
    if _are_labels(generated):
        return _labeled(real, generated)
    named = dict(generated) if isinstance(generated, Mapping) else {"generated": generated}
    if not named or "real" in named:
        raise OptionError("got no generator, or one called 'real', expected at least one of another name")
    classes = {"real": real, **named}
    return {name: find_sources(data, name=name) for name, data in classes.items()}


def _are_labels(value: Any) -> bool:
    flat = isinstance(value, np.ndarray | Tensor) and value.ndim == 1
    return flat or (isinstance(value, list) and bool(value) and all(isinstance(one, int | np.integer) for one in value))


def _labeled(data: Any, labels: Any) -> dict[str, list[Source]]:
    sources, numbers = find_sources(data), [int(one) for one in labels]
    if len(sources) != len(numbers) or min(numbers) < 0:
        raise DataError(f"got {len(sources)} pictures and {len(numbers)} labels, expected one from 0 on for each")
    names = (
        ["real", "generated"] if max(numbers) < 2 else ["real", *(f"generator {n}" for n in range(1, max(numbers) + 1))]
    )
    return {
        name: [one for one, n in zip(sources, numbers, strict=True) if n == place] for place, name in enumerate(names)
    }
