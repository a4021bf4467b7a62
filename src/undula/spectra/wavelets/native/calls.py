"""The functions of the compiled kernel for tensors on the CPU: one level along one axis, or along both axes of images.

No gradients flow through them, and they know no `vmap` and no `torch.compile`: whoever calls them sees to that.
"""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError, ShapeError
from undula.spectra.wavelets.native.axes import Axis, address
from undula.spectra.wavelets.native.building import load

Image = Float[Tensor, "images height width"]
Band = Float[Tensor, "images h w"]
_NAMES = {torch.float32: "float", torch.float64: "double"}
_LARGE = (
    1 << 22
)  # bytes; where the system takes memory back between calls, haar on 25 MB takes 8 to 12 ms, else 15 to 28
_PARALLEL = 1_000_000  # samples, with which one thread is busy for 0.3 to 2 ms: long enough to wake another one


def down(x: Float[Tensor, "outer n inner"], axis: Axis) -> tuple[Tensor, Tensor]:
    """Low and high band along the middle axis: y[o] = Σ_m h[m] x̃[2 o + m] of the extended signal x̃.

    Args:
        x: Signals of n samples, float32 or float64, on the CPU.
        axis: Filters and margins; left + n + right must be even and hold the filters.

    Returns:
        Low and high band (outer, count, inner) with 2 count = left + n + right - taps + 2.

    Raises:
        ShapeError: The extended axis is odd or too short, or a margin asks for samples that there are not.
        OptionError: Another dtype or device, or no kernel.
    """
    x = _ready(x).contiguous()
    outer, n, inner = x.shape
    count = _count(axis, n)
    low, high = _fresh(x, (outer, count, inner)), _fresh(x, (outer, count, inner))
    function, place, size = _function("down", x.dtype), address(axis, x.dtype, up=False), x.element_size()
    source, first, second = x.data_ptr(), low.data_ptr(), high.data_ptr()
    signal, band = n * inner * size, count * inner * size
    _run(
        lambda at, items: function(
            place, source + at * signal, first + at * band, second + at * band, items, n, inner, count
        ),
        outer,
        x.numel(),
    )
    return low, high


def up(
    low: Float[Tensor, "outer n inner"] | None,
    high: Float[Tensor, "outer n inner"] | None,
    axis: Axis,
    *,
    start: int,
    length: int,
) -> Float[Tensor, "outer length inner"]:
    """The signal of two bands: X[2 i + p] = Σ_k l[F-2+p-2k] ẽ[i+k] + h[F-2+p-2k] ẽ'[i+k] of the extended bands ẽ, ẽ'.

    Args:
        low: Low band, or None for zeros.
        high: High band of the same shape and dtype, or None.
        axis: Filters and margins, the same for both bands.
        start: First sample kept.
        length: Samples kept.

    Returns:
        Samples start … start + length - 1 of X along the middle axis.

    Raises:
        ShapeError: No band, bands that differ, more samples asked for than there are, or unusable margins.
        OptionError: Another dtype or device, or no kernel.
    """
    low, high = (None if band is None else _ready(band).contiguous() for band in (low, high))
    band = _alike((low, high))
    outer, n, inner = band.shape
    _check_span(axis, n, start, length)
    out = _fresh(band, (outer, length, inner))
    function, place, size = _function("up", band.dtype), address(axis, band.dtype, up=True), band.element_size()
    sources, target = [None if each is None else each.data_ptr() for each in (low, high)], out.data_ptr()
    given, signal = n * inner * size, length * inner * size
    _run(
        lambda at, items: function(
            place, *(s and s + at * given for s in sources), target + at * signal, items, n, inner, start, length
        ),
        outer,
        out.numel(),
    )
    return out


def down2(
    x: Image, rows: Axis, columns: Axis, *, out: tuple[Band, Band, Band, Band] | None = None
) -> tuple[Band, Band, Band, Band]:
    """Four bands of images: one step along the height and one along the width, without an array in between.

    Args:
        x: Images, float32 or float64, on the CPU. They may stand apart by any number of samples.
        rows: Filters and margins of the height (across rows).
        columns: Filters and margins of the width.
        out: Where the bands are written: tensors of their shape and dtype, contiguous but for the first axis, which
            share no memory with each other and with x.

    Returns:
        Bands (images, h, w): low-low, low-high, high-low, high-high, the filter of the height named first.

    Raises:
        ShapeError: An extended axis is odd or too short, a margin asks for samples that there are not, or `out` does
            not fit.
        OptionError: Another dtype or device, or no kernel.
    """
    x = _apart(_ready(x))
    images, height, width = x.shape
    shape = (images, _count(rows, height), _count(columns, width))
    if out is None:
        out = (_fresh(x, shape), _fresh(x, shape), _fresh(x, shape), _fresh(x, shape))
    else:
        _check_out(out, shape, x.dtype)
    function, size = _function("down2", x.dtype), x.element_size()
    places = address(rows, x.dtype, up=False), address(columns, x.dtype, up=False)
    source, step = x.data_ptr(), x.stride(0)
    first, second, third, fourth = (band.data_ptr() for band in out)
    steps = one, two, three, four = tuple(band.stride(0) for band in out)
    _run(
        lambda at, items: function(
            *places,
            source + at * size * step,
            step,
            first + at * size * one,
            second + at * size * two,
            third + at * size * three,
            fourth + at * size * four,
            *steps,
            items,
            height,
            width,
            *shape[1:],
        ),
        images,
        x.numel(),
    )
    return out


def up2(
    bands: tuple[Band | None, Band | None, Band | None, Band | None],
    rows: Axis,
    columns: Axis,
    *,
    start: tuple[int, int],
    length: tuple[int, int],
) -> Image:
    """Images of four bands: one step along the height and one along the width, without an array in between.

    Args:
        bands: Low-low, low-high, high-low, high-high, as `down2` returns them; None for zeros. They may stand apart
            by any number of samples.
        rows: Filters and margins of the height.
        columns: Filters and margins of the width.
        start: First row and first column kept.
        length: Rows and columns kept.

    Returns:
        Images (images, length[0], length[1]).

    Raises:
        ShapeError: No band, bands that differ, more samples asked for than there are, or unusable margins.
        OptionError: Another dtype or device, or no kernel.
    """
    ready = tuple(None if band is None else _apart(_ready(band)) for band in bands)
    band = _alike(ready)
    images, height, width = band.shape
    _check_span(rows, height, start[0], length[0])
    _check_span(columns, width, start[1], length[1])
    out = _fresh(band, (images, *length))
    function, size = _function("up2", band.dtype), band.element_size()
    places = address(rows, band.dtype, up=True), address(columns, band.dtype, up=True)
    sources = [None if each is None else each.data_ptr() for each in ready]
    steps = [0 if each is None else each.stride(0) for each in ready]
    target, image = out.data_ptr(), length[0] * length[1]
    _run(
        lambda at, items: function(
            *places,
            *(s and s + at * size * step for s, step in zip(sources, steps, strict=True)),
            *steps,
            target + at * size * image,
            items,
            height,
            width,
            *start,
            *length,
        ),
        images,
        out.numel(),
    )
    return out


def _ready(x: Tensor) -> Tensor:
    """The tensor, if the kernel can read its numbers."""
    if x.dtype not in _NAMES or x.device.type != "cpu":
        raise OptionError(
            f"got a tensor of {x.dtype} on {x.device}, expected torch.float32 or torch.float64 on the CPU: convert it"
        )
    if x._is_zerotensor():  # what PyTorch's second derivatives pass for zeros has no memory at all
        return torch.zeros(x.shape, dtype=x.dtype)
    return x.resolve_neg()  # the imaginary part of a conjugate has its sign in a flag, not in memory


def _fresh(x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """An empty tensor of the dtype of x; a large one on large pages, as NumPy's are."""
    out = x.new_empty(shape)
    if out.nbytes >= _LARGE:
        _library().large_pages(out.data_ptr(), out.nbytes)
    return out


def _apart(x: Tensor) -> Tensor:
    """The images, each of them contiguous."""
    _, height, width = x.shape
    _, across, along = x.stride()
    return x if (along == 1 or width == 1) and (across == width or height == 1) else x.contiguous()


def _alike(bands: tuple[Tensor | None, ...]) -> Tensor:
    """One of the bands, which are alike."""
    given = [band for band in bands if band is not None]
    if not given:
        raise ShapeError(f"got {len(bands)} bands that are None, expected at least one tensor")
    for band in given[1:]:
        if band.shape != given[0].shape or band.dtype != given[0].dtype:
            raise ShapeError(
                f"got bands {tuple(given[0].shape)} of {given[0].dtype} and {tuple(band.shape)} of {band.dtype}, "
                "expected one shape and dtype"
            )
    return given[0]


def _count(axis: Axis, n: int) -> int:
    """Coefficients of each band of n samples."""
    spare = axis.left + n + axis.right - len(axis.low)
    if n < axis.longest or spare < 0 or spare % 2:
        raise ShapeError(
            f"got {n} samples, margins of {axis.left} and {axis.right} (made of at least {axis.longest}) and filters of "
            f"{len(axis.low)} taps, expected an even number in all that holds the filters"
        )
    return spare // 2 + 1


def _check_span(axis: Axis, n: int, start: int, length: int) -> None:
    total = 2 * (axis.left + n + axis.right) - len(axis.low) + 2
    if n < axis.longest or start < 0 or length < 1 or start + length > total:
        raise ShapeError(
            f"got samples {start} … {start + length - 1} to make of {n} coefficients (margins made of at least "
            f"{axis.longest}), expected samples within 0 … {total - 1}"
        )


def _check_out(out: tuple[Tensor, ...], shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    for band in out:
        fits = tuple(band.shape) == shape and band.dtype == dtype and band.device.type == "cpu" and not band.is_neg()
        if not fits or _apart(band) is not band or (shape[0] > 1 and band.stride(0) < shape[1] * shape[2]):
            raise ShapeError(
                f"got out {tuple(band.shape)} of {band.dtype} with strides {band.stride()}, expected {shape} of {dtype} "
                "on the CPU, contiguous but for the first axis"
            )


@lru_cache(maxsize=8)
def _function(name: str, dtype: torch.dtype) -> Callable[..., int]:
    """A function of the kernel for tensors of a dtype."""
    return getattr(_library(), f"{name}_{_NAMES[dtype]}")


@cache
def _library() -> ctypes.CDLL:
    """The kernel, its functions with the types of their arguments."""
    library, reason = load()
    if library is None:
        raise OptionError(f"got no compiled kernel ({reason}), expected one: ask available() first")
    pointer, integer = ctypes.c_void_p, ctypes.c_int64
    types: dict[str, list[Any]] = {
        "down": [*[pointer] * 4, *[integer] * 4],
        "up": [*[pointer] * 4, *[integer] * 5],
        "down2": [*[pointer] * 3, integer, *[pointer] * 4, *[integer] * 9],
        "up2": [*[pointer] * 6, *[integer] * 4, pointer, *[integer] * 7],
    }
    for name, arguments in types.items():
        for suffix in _NAMES.values():
            function = getattr(library, f"{name}_{suffix}")
            function.argtypes, function.restype = arguments, ctypes.c_int
    library.large_pages.argtypes, library.large_pages.restype = [pointer, integer], None
    return library


# The work is a lambda: where types are checked, a named function would be decorated anew in every call.
def _run(work: Callable[[int, int], int], items: int, samples: int) -> None:
    """Do the work on all items, on several threads if it is much: ctypes lets go of the interpreter meanwhile."""
    if samples == 0:
        return
    threads = min(torch.get_num_threads(), items) if samples > _PARALLEL else 1
    if threads == 1:
        failed = work(0, items)
    else:
        bounds = [items * k // threads for k in range(threads + 1)]
        futures = [_pool(os.getpid(), threads).submit(work, begin, end - begin) for begin, end in pairwise(bounds)]
        failed = any([future.result() for future in futures])
    if failed:
        raise MemoryError("got no memory for the rows of one image, expected a few of them to fit")


@lru_cache(maxsize=1)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads of this process: those of its parent do not live on after a fork."""
    return ThreadPoolExecutor(threads, thread_name_prefix="undula-wavelets")
