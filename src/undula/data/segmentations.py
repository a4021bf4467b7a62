"""Segmentations as text: the run lengths in which Berkeley's data set and CrackForest keep their masks."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from undula.data.refusal import quoted, reading
from undula.errors import DataError

_EXPECTED = "a segmentation in Berkeley's text format (.seg)"
_MOST_PIXELS = 1 << 25  # 268 MB of labels; photographs have up to 2^24
_MOST_BYTES = 1 << 25  # a mask of CrackForest has up to 53 KB


def read_segmentation(path: str | Path) -> Int[Tensor, "h w"]:
    r"""Read which segment every pixel of a picture belongs to.

    The header has lines `key value` (`width`, `height` and `segments` are needed) and ends with a line that is exactly
    `data`. Every line below, `segment row first last`, names one run of pixels, counted from 0, its last one included.
    Runs come in any order and name each pixel once. How the picture was shown to whoever drew the segments (`gray`,
    `invert`, `flipflop`) changes nothing.

    In the masks of CrackForest odd labels are cracks, 0 is the surface, and 2 the surface that cracks enclose: up to 30 %
    of a picture, so that `labels > 0` is not its cracks.

    Args:
        path: The file.

    Returns:
        int64 labels (h, w), 0 … segments - 1.

    Raises:
        DataError: The file is missing, is no such text or another format of it, has more than 2²⁵ pixels, or leaves a
            pixel out or names one twice, as truncated files do.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "mask.seg"
        ...     _ = file.write_text("width 3\nheight 2\nsegments 2\ndata\n0 0 0 2\n1 1 1 2\n0 1 0 0\n")
        ...     read_segmentation(file)
        tensor([[0, 0, 0],
                [0, 1, 1]])

    Reference: Martin, Segmentation file format, 2001.
    """
    with reading(path, _EXPECTED):
        size = Path(path).stat().st_size
        if size > _MOST_BYTES:
            raise DataError(
                f"got {quoted(path)} of {size >> 20} MB, expected {_EXPECTED} of at most {_MOST_BYTES >> 20} MB: cut it"
            )
        # Bytes break at line feeds only; the paths in headers are of any encoding.
        lines = [line.decode("latin-1") for line in Path(path).read_bytes().splitlines()]
        if "data" not in lines:
            raise ValueError("it has no line that is exactly 'data'")
        end = lines.index("data")
        width, height, segments = _header(lines[:end])
        runs = _runs(lines[end + 1 :])
        starts, lengths = _checked(runs, width, height, segments)
    order = np.argsort(starts, kind="stable")
    _check_tiling(path, starts[order], lengths[order], width, height)
    return torch.from_numpy(np.repeat(runs[order, 0], lengths[order])).reshape(height, width)


def _header(lines: list[str]) -> tuple[int, int, int]:
    known = dict(line.partition("#")[0].split(maxsplit=1) for line in lines if len(line.partition("#")[0].split()) > 1)
    written = " ".join(known.get("format", "ascii cr").split())
    if written != "ascii cr":
        raise ValueError(f"its format is {written!r}, not 'ascii cr'")
    missing = [key for key in ("width", "height", "segments") if key not in known]
    if missing:
        raise ValueError(f"its header has no {' and no '.join(missing)}")
    width, height, segments = (int(known[key]) for key in ("width", "height", "segments"))
    if not (width > 0 and height > 0 and 0 < segments <= width * height <= _MOST_PIXELS):
        raise ValueError(
            f"its header promises {segments} segments in {width} × {height} pixels, where 1 to {_MOST_PIXELS} pixels "
            "and no more segments can be"
        )
    return width, height, segments


def _runs(lines: list[str]) -> NDArray[np.int64]:
    kept = [line for line in lines if line.strip()]
    if not kept:
        raise ValueError("nothing follows its line 'data'")
    wrong = next((line for line in kept if not _four_numbers(line)), None)
    if wrong is not None:
        raise ValueError(f"its line {wrong[:40]!r} is not 'segment row first last'")
    return np.fromiter((int(part) for line in kept for part in line.split()), dtype=np.int64).reshape(-1, 4)


def _four_numbers(line: str) -> bool:
    parts = line.split()
    return len(parts) == 4 and all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)


def _checked(
    runs: NDArray[np.int64], width: int, height: int, segments: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Place of the first pixel of every run, rows one behind the other, and how many pixels it has."""
    label, row, first, last = runs.T
    wrong = (label >= segments) | (row >= height) | (last >= width) | (first > last)
    if wrong.any():
        line = " ".join(str(number) for number in runs[wrong.argmax()])
        raise ValueError(f"its run '{line}' leaves its {segments} segments or its {width} × {height} pixels")
    return row * width + first, last - first + 1


def _check_tiling(
    path: str | Path, starts: NDArray[np.int64], lengths: NDArray[np.int64], width: int, height: int
) -> None:
    """Sorted runs must begin where those before them end."""
    ends = np.append(0, starts + lengths)
    begins = np.append(starts, width * height)
    wrong = ends != begins
    if wrong.any():
        place = int(wrong.argmax())
        where = int(min(ends[place], begins[place]))
        how = "leaves out" if ends[place] < begins[place] else "names twice"
        raise DataError(
            f"got {quoted(path)}, which {how} the pixel in row {where // width}, column {where % width}, expected "
            "runs that name each pixel once: it may be truncated or damaged, fetch or make it again"
        )
