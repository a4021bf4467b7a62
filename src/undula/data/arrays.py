"""Arrays in and out: NPY, NPZ, TIFF stacks, HDF5 and CSV, as stored, never pickle."""

import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from undula.data.atomic import atomic_write
from undula.data.refusal import quoted, reading
from undula.errors import DataError, MissingExtra

KEYED_SUFFIXES = (".npz", ".h5", ".hdf5")
ARRAY_SUFFIXES = (".npy", *KEYED_SUFFIXES, ".tif", ".tiff", ".csv")


def read_array(path: str | Path, *, key: str | None = None) -> NDArray[Any]:
    """Read an array of numbers as it is stored, in the byte order of this machine.

    Args:
        path: An NPY, NPZ, TIFF, HDF5 or CSV file, known by its suffix. TIFF pages are stacked on a first
            axis. A CSV of commas becomes (rows, columns); its first line may be a header.
        key: Name of the array inside an NPZ or HDF5 file (`strain/Strain`); needed where there are several.

    Returns:
        The array, in memory.

    Raises:
        DataError: When the file is missing, truncated, damaged, holds objects or text instead of numbers,
            does not fit into the memory, has several arrays and no `key`, or no array of that key (the error
            lists them).
        MissingExtra: When a TIFF needs tifffile, or an HDF5 file h5py, and it is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_array(Path(folder) / "counts.npy", np.arange(3))
        ...     read_array(Path(folder) / "counts.npy").tolist()
        [0, 1, 2]
    """
    suffix = Path(path).suffix.lower()
    if suffix not in ARRAY_SUFFIXES:
        raise DataError(
            f"got {quoted(path)}, expected a name that ends in one of {', '.join(ARRAY_SUFFIXES)}: rename it"
        )
    if key is not None and suffix not in KEYED_SUFFIXES:
        raise DataError(f"got the key {key!r} for {quoted(path)}, expected none: only NPZ and HDF5 files have keys")
    with reading(path, f"a {suffix[1:].upper()} file of numbers"):
        if suffix in KEYED_SUFFIXES:
            array = _read_npz(path, key) if suffix == ".npz" else _read_hdf5(path, key)
        else:
            array = {".npy": _read_npy, ".csv": _read_csv}.get(suffix, _read_tiff)(path)
        _check_numbers(path, array.dtype)
        return array.astype(array.dtype.newbyteorder("="), copy=False)


def write_array(path: str | Path, array: NDArray[Any] | Tensor) -> None:
    """Write an array of numbers as NPY, whole or not at all.

    Args:
        path: The file to write, ending in `.npy`.
        array: Numbers of any shape and type.

    Raises:
        DataError: When the file cannot be written, its name does not end in `.npy`, or the array holds no
            numbers.
    """
    if Path(path).suffix.lower() != ".npy":
        raise DataError(f"got {quoted(path)}, expected a name that ends in .npy: arrays are written as NPY")
    values = _in_memory(array)
    _check_numbers(path, values.dtype)
    with atomic_write(path) as file:
        np.lib.format.write_array(file, values, allow_pickle=False)


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any] | Tensor]) -> None:
    """Write arrays of numbers as one compressed NPZ, whole or not at all.

    Args:
        path: The file to write, ending in `.npz`.
        arrays: Numbers of any shape and type, by name.

    Raises:
        DataError: When the file cannot be written, its name does not end in `.npz`, or an array holds no numbers.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_arrays(Path(folder) / "view.npz", {"profile": np.ones(3)})
        ...     read_array(Path(folder) / "view.npz", key="profile").tolist()
        [1.0, 1.0, 1.0]
    """
    if Path(path).suffix.lower() != ".npz":
        raise DataError(f"got {quoted(path)}, expected a name that ends in .npz: several arrays are written as NPZ")
    values = {name: _in_memory(array) for name, array in arrays.items()}
    for array in values.values():
        _check_numbers(path, array.dtype)
    with atomic_write(path) as file:
        np.savez_compressed(file, **values)  # type: ignore[arg-type]


def _in_memory(array: NDArray[Any] | Tensor) -> NDArray[Any]:
    return array.detach().cpu().resolve_conj().numpy() if isinstance(array, Tensor) else np.asarray(array)


def _read_npy(path: str | Path) -> NDArray[Any]:
    with Path(path).open("rb") as file:
        shape, dtype = _npy_header(file)
        _check_numbers(path, dtype)
        size = _check_size(path, shape, dtype)
        left = Path(path).stat().st_size - file.tell()
        if left < size:
            raise ValueError(f"it holds {left} bytes of numbers where {size} belong")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _read_npz(path: str | Path, key: str | None) -> NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
        name = members[_chosen(path, key, members, lambda member: _npz_shape(archive, member))]
        with archive.open(name) as file:
            shape, dtype = _npy_header(file)
            _check_numbers(path, dtype)
            size = _check_size(path, shape, dtype)
        entry = archive.getinfo(name)
        if not size < entry.file_size <= size + 2**16 or entry.file_size > 1100 * entry.compress_size + 2**16:
            raise ValueError(f"it promises {size} bytes of numbers and stores {entry.compress_size}")
        with archive.open(name) as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _npz_shape(archive: zipfile.ZipFile, member: str) -> str:
    with archive.open(member) as file:
        shape, dtype = _npy_header(file)
    return f"{shape} {dtype}"


def _npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    else:  # 3.0 differs by field names in Unicode: records, not numbers
        raise ValueError(f"version {version} of the NPY format, expected 1.0 or 2.0")
    return shape, dtype


def _read_tiff(path: str | Path) -> NDArray[Any]:
    with Path(path).open("rb"):  # a missing file is a better answer than a missing package
        pass
    try:
        import tifffile
    except ImportError as error:
        raise MissingExtra("tifffile", extra="science") from error
    with tifffile.TiffFile(path) as tiff:
        if len(tiff.series) != 1:
            shapes = ", ".join(str(series.shape) for series in tiff.series)
            raise DataError(
                f"got {quoted(path)} with {len(tiff.series)} stacks of shapes {shapes}, expected one: save "
                "them one by one"
            )
        series = tiff.series[0]
        _check_size(path, series.shape, series.dtype)
        _check_segments(path, tiff)
        return np.asarray(series.asarray())


def _check_segments(path: str | Path, tiff: Any) -> None:
    # tifffile fills segments beyond the end of the file with zeros in some layouts.
    size = Path(path).stat().st_size
    for page in tiff.pages:
        ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if max(ends, default=0) > size:
            raise ValueError(f"it ends at byte {size} where {max(ends)} belong")


def _read_hdf5(path: str | Path, key: str | None) -> NDArray[Any]:
    with Path(path).open("rb"):
        pass
    try:
        import h5py
    except ImportError as error:
        raise MissingExtra("h5py", extra="science") from error
    with h5py.File(path, "r") as file:
        found: dict[str, Any] = {}
        if key is not None and isinstance(file.get(key), h5py.Dataset):
            dataset = file[key]  # first of all: links to other files are not among those visited
        else:
            file.visititems(lambda name, node: found.update({name: node}) if _is_numbers(h5py, node) else None)
            wanted = None if key is None else key.strip("/")
            dataset = found[_chosen(path, wanted, found, lambda node: f"{node.shape} {node.dtype}")]
        _check_numbers(path, dataset.dtype)
        _check_size(path, dataset.shape, dataset.dtype)
        _check_sources(path, dataset)
        return np.asarray(dataset[()])


def _is_numbers(h5py: Any, node: Any) -> bool:
    return isinstance(node, h5py.Dataset) and node.shape is not None and node.dtype.kind in "biufc"


def _check_sources(path: str | Path, dataset: Any) -> None:
    # HDF5 reads a virtual data set as zeros where one of its source files is missing.
    if not dataset.is_virtual:
        return
    for source in dataset.virtual_sources():
        if source.file_name != "." and not (Path(path).parent / source.file_name).exists():
            raise ValueError(f"its source {source.file_name} is missing")


def _read_csv(path: str | Path) -> NDArray[Any]:
    with Path(path).open(encoding="utf-8-sig") as file, _quiet():
        first = next((line for line in file if line.strip()), "")
        file.seek(0)
        lines = (line for line in file if line.strip())
        if not _all_numbers(first):
            next(lines, None)
        table = np.loadtxt(lines, delimiter=",", ndmin=2)
    if table.size == 0:
        raise ValueError("it holds no numbers")
    return table


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of an empty table, which is an error here
        yield


def _all_numbers(line: str) -> bool:
    try:
        return bool([float(word) for word in line.split(",")])
    except ValueError:
        return False


def _chosen(path: str | Path, key: str | None, found: Mapping[str, Any], shape: Callable[[Any], str]) -> str:
    if key in found:
        return str(key)
    if key is None and len(found) == 1:
        return next(iter(found))
    names = list(found)
    listed = ", ".join(f"{name} {shape(found[name])}" for name in names[:20]) or "none"
    listed += f" and {len(names) - 20} more" if len(names) > 20 else ""
    example = f": name one as {Path(path).name}:{names[0]}" if names else ": choose another file"
    wanted = "no key" if key is None else f"the key {key!r}"
    raise DataError(f"got {wanted} for {quoted(path)}, expected one of its arrays of numbers ({listed}){example}")


def _check_numbers(path: str | Path, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "biufc":
        kind = "Python objects" if dtype.hasobject else f"values of type {dtype}"
        raise DataError(
            f"got {kind} for {quoted(path)}, expected numbers: convert them to an array of integers, floats "
            "or complex numbers first"
        )


def _check_size(path: str | Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    size = dtype.itemsize
    for length in shape:
        size *= int(length)
    memory = _memory()
    if size > memory:
        raise DataError(
            f"got {quoted(path)}, which promises {size / 1e9:.1f} GB of shape {shape}, expected at most the "
            f"{memory / 1e9:.1f} GB of memory of this machine: cut it into parts"
        )
    return size


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows: a MemoryError says it later
        return 2**62
