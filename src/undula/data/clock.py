"""What the attributes of an HDF5 array say of its clock: the time between samples, and the first moment."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from undula.data.refusal import quoted
from undula.errors import DataError

HDF5_SUFFIXES = (".h5", ".hdf5")
SPACINGS = ("xspacing", "dt", "dx", "sample_interval", "sampling_interval")  # seconds
RATES = ("sample_rate", "sampling_rate", "samplerate", "rate", "fs")  # hertz
STARTS = ("xstart", "x0", "t0", "start_time")  # seconds


def read_clock(path: str | Path, key: str | None) -> tuple[float | None, float]:
    """Rate and first moment of an HDF5 array, by the names that are in use, in any case of letters.

    Args:
        path: The file, which was read before.
        key: The array; None for the only one.

    Returns:
        Samples in a second or None, and the moment of the first sample, 0 where it is not said.

    Raises:
        DataError: A spacing or a rate that is not positive.
    """
    import h5py

    with h5py.File(path, "r") as file:
        found: dict[str, Any] = {}
        if key is None:
            file.visititems(lambda name, node: found.update({name: node}) if isinstance(node, h5py.Dataset) else None)
        dataset = file[key] if key is not None else next(iter(found.values()))
        said = {str(name).lower(): _number(value) for name, value in dataset.attrs.items()}
    spacing, rate, start = (next((said[name] for name in names if said.get(name) is not None), None) for names in
                            (SPACINGS, RATES, STARTS))  # fmt: skip
    stated = rate if spacing is None else (1.0 / spacing if spacing else 0.0)
    if stated is not None and not 0 < stated < math.inf:
        raise DataError(
            f"got {stated:g} samples in a second from the attributes of {quoted(path)}, expected more than 0: say the rate"
        )
    return stated, start or 0.0


def _number(value: Any) -> float | None:
    """An attribute as a number, None for all that is none."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "iuf":
        return None
    number = float(array.ravel()[0])
    return number if math.isfinite(number) else None
