"""All coefficients of a transform as one array, side by side or in a row, and back."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

from undula.errors import OptionError, ShapeError
from undula.spectra.arrays import Array, as_array, concat, zeros
from undula.spectra.wavelets.reading import read_axes, read_bands

Bands = dict[str, Array]
Slices = tuple[slice, ...]
PackedFormat = Literal["wavedec", "wavedec2", "wavedecn"]
RaveledFormat = Literal["wavedec", "wavedec2", "wavedecn", "swt", "swt2", "swtn"]

_KEYS = {"wavedec": ("d",), "swt": ("d",), "wavedec2": ("da", "ad", "dd"), "swt2": ("da", "ad", "dd")}


def coeffs_to_array(
    coeffs: Sequence[Any], padding: float | int | None = 0, axes: Any = None
) -> tuple[Array, list[Any]]:
    """The bands side by side: of every level the approximation first, the details behind it along their axes.

    In two dimensions, with two levels::

        +-------+-------+---------------+
        | c[0]  |c1['ad']               |
        +-------+-------+    c2['ad']   |
        |c1['da']c1['dd']               |
        +-------+-------+---------------+
        |               |               |
        |    c2['da']   |    c2['dd']   |
        |               |               |
        +---------------+---------------+

    Args:
        coeffs: What `wavedec`, `wavedec2` or `wavedecn` returns, no band missing.
        padding: What stands where bands of different lengths leave gaps; None for an error where they do.
        axes: Axes of the transform, None for all.

    Returns:
        The array, and where each band lies: [slices, {key: slices}, …], from coarse to fine.

    Raises:
        ShapeError: No coefficients, bands that are None or do not fit, axes that are not those of the transform, or
            gaps where `padding` is None.
        RangeError: Tensors of integers.

    Example:
        >>> array, slices = coeffs_to_array([[1.0, 2.0], [3.0, 4.0]])
        >>> array, slices[1]
        (array([1., 2., 3., 4.]), {'d': (slice(2, 4, None),)})
    """
    low, levels, places = _read_coeffs(coeffs, axes)
    if not levels:
        return low, [(slice(None),) * low.ndim]
    slices: list[Any] = [tuple(slice(int(n)) for n in low.shape)]
    for bands in levels:
        corner, shape = tuple(low.shape), tuple(next(iter(bands.values())).shape)
        _check_fit(corner, shape, places, tight=padding is None)
        if padding is None and len(bands) < 2 ** len(places) - 1:
            raise ShapeError(
                f"got the bands {sorted(bands)} only, expected all of a level: give padding=0 to fill the gaps"
            )
        slices.append({key: _place(key, corner, shape, places) for key in bands})
        low = _side_by_side(low, bands, places, padding or 0)
    return low, slices


def array_to_coeffs(arr: Any, coeff_slices: Sequence[Any], output_format: PackedFormat = "wavedecn") -> list[Any]:
    """Inverse of `coeffs_to_array`.

    Args:
        arr: The array of all bands.
        coeff_slices: Where each band lies.
        output_format: Whose containers to return: "wavedec", "wavedec2" or "wavedecn".

    Returns:
        The coefficients; views of the array where the framework has views.

    Raises:
        OptionError: Another format.
        ShapeError: No slices, or slices of bands that the format does not have.
        RangeError: Tensors of integers.

    Example:
        >>> array_to_coeffs(*coeffs_to_array([[1.0, 2.0], [3.0, 4.0]]), output_format="wavedec")
        [array([1., 2.]), array([3., 4.])]
    """
    array = as_array(arr, name="arr")
    _check_format(output_format, ("wavedec", "wavedec2", "wavedecn"))
    if not len(coeff_slices):
        raise ShapeError("got an empty list of slices, expected what coeffs_to_array returned")
    low = array[coeff_slices[0]]
    return [
        low,
        *(_formed({key: array[where] for key, where in level.items()}, output_format) for level in coeff_slices[1:]),
    ]


def ravel_coeffs(coeffs: Sequence[Any], axes: Any = None) -> tuple[Array, list[Any], list[Any]]:
    """The bands one after the other, as one array of one axis.

    Args:
        coeffs: What `wavedec`, `wavedec2`, `wavedecn`, or with `trim_approx=True` `swt`, `swt2`, `swtn`, returns, no band
            missing.
        axes: Axes of the transform, None for all.

    Returns:
        The array; where each band lies, [slice, {key: slice}, …]; and the shapes of the bands, in the same containers.

    Raises:
        ShapeError: No coefficients, bands that are None or do not fit, or axes that are not those of the transform.
        RangeError: Tensors of integers.

    Example:
        >>> ravel_coeffs([[1.0, 2.0], [3.0, 4.0]])
        (array([1., 2., 3., 4.]), [slice(None, 2, None), {'d': slice(2, 4, None)}], [(2,), {'d': (2,)}])
    """
    low, levels, _ = _read_coeffs(coeffs, axes)
    parts = [low.reshape(-1)]
    end = int(parts[0].shape[0])
    slices: list[Any] = [slice(end)]
    shapes: list[Any] = [tuple(low.shape)]
    for bands in levels:
        where: dict[str, slice] = {}
        for key in sorted(bands):
            parts.append(bands[key].reshape(-1))
            where[key] = slice(end, end + int(parts[-1].shape[0]))
            end = where[key].stop
        slices.append(where)
        shapes.append({key: tuple(bands[key].shape) for key in where})
    return concat(parts, axis=-1), slices, shapes


def unravel_coeffs(
    arr: Any, coeff_slices: Sequence[Any], coeff_shapes: Sequence[Any], output_format: RaveledFormat = "wavedecn"
) -> list[Any]:
    """Inverse of `ravel_coeffs`.

    Args:
        arr: The array of all bands, of one axis.
        coeff_slices: Where each band lies.
        coeff_shapes: The shapes of the bands.
        output_format: Whose containers to return: "wavedec", "wavedec2", "wavedecn", "swt", "swt2" or "swtn".

    Returns:
        The coefficients; views of the array where the framework has views.

    Raises:
        OptionError: Another format.
        ShapeError: No slices or shapes, another number of shapes than slices, or bands that the format does not have.
        RangeError: Tensors of integers.

    Example:
        >>> unravel_coeffs(*ravel_coeffs([[1.0, 2.0], [3.0, 4.0]]), output_format="wavedec")
        [array([1., 2.]), array([3., 4.])]
    """
    array = as_array(arr, name="arr")
    _check_format(output_format, ("wavedec", "wavedec2", "wavedecn", "swt", "swt2", "swtn"))
    if not len(coeff_slices) or len(coeff_slices) != len(coeff_shapes):
        raise ShapeError(
            f"got {len(coeff_slices)} slices and {len(coeff_shapes)} shapes, expected as many of both as ravel_coeffs returned"
        )
    coeffs: list[Any] = [array[coeff_slices[0]].reshape(coeff_shapes[0])]
    for where, shapes in zip(coeff_slices[1:], coeff_shapes[1:], strict=True):
        bands = {key: array[where[key]].reshape(shapes[key]) for key in where}
        coeffs.append(_formed(bands, output_format))
    return coeffs


def _read_coeffs(coeffs: Any, axes: Any) -> tuple[Array, list[Bands], tuple[int, ...]]:
    """Approximation, details in the form of `wavedecn`, and negative axes."""
    if not isinstance(coeffs, list | tuple) or not coeffs:
        raise ShapeError(
            f"got coefficients of type {type(coeffs).__name__}, expected a list [approximation, details, …], not empty"
        )
    if any(level is None for level in coeffs):
        raise _missing()
    low = as_array(coeffs[0], name="approximation")
    levels = [_read_details(level) for level in coeffs[1:]]
    if not levels:
        return low, [], ()
    letters = len(next(iter(levels[0])))
    if axes is None and letters < low.ndim:
        raise ShapeError(
            f"got details along {letters} axes of arrays of shape {tuple(low.shape)}, expected axes=… to say which ones"
        )
    places = read_axes(low, axes, count=letters)
    return low, [read_bands(bands, axes=letters) for bands in levels], places


def _read_details(level: Any) -> dict[str, Any]:
    """The details of one level by their keys: as they are, the three of `wavedec2`, or the one of `wavedec`."""
    if isinstance(level, Mapping):
        bands = dict(level)
    elif isinstance(level, list | tuple) and len(level) == 3:
        bands = {"ad": level[1], "da": level[0], "dd": level[2]}
    else:
        bands = {"d": level}
    if not bands or any(band is None for band in bands.values()):
        raise _missing()
    wrong = [key for key in bands if "d" not in key]
    if wrong:
        raise ShapeError(
            f"got details named {wrong}, expected keys of a and d with at least one d: approximations come first"
        )
    return bands


def _check_fit(corner: Sequence[int], shape: Sequence[int], axes: Sequence[int], *, tight: bool) -> None:
    """Details must not be longer than what stands before them, and equal to it where no gaps are wanted."""
    told = f"got details of shape {tuple(shape)} behind coarser coefficients that take {tuple(corner)}"
    wrong = len(corner) != len(shape) or any(
        corner[axis] != shape[axis] and (axis not in axes or corner[axis] < shape[axis])
        for axis in range(-len(corner), 0)
    )
    if wrong:
        raise ShapeError(
            f"{told}, expected no more along axes {tuple(axes)} and the same along the others: were they made by one transform?"
        )
    if tight and tuple(corner) != tuple(shape):
        raise ShapeError(
            f"array coefficients cannot be tightly packed: {told}: give padding=0, or transform lengths that 2**level divides"
            " in mode periodization"
        )


def _place(key: str, corner: Sequence[int], shape: Sequence[int], axes: Sequence[int]) -> Slices:
    """Where a band of one level lies."""
    where = [slice(None)] * len(corner)
    for letter, axis in zip(key, axes, strict=True):
        begin = None if letter == "a" else int(corner[axis])
        where[axis] = slice(begin, (begin or 0) + int(shape[axis]))
    return tuple(where)


def _side_by_side(low: Array, bands: Bands, axes: Sequence[int], padding: float | int) -> Array:
    """One level as one array: the bands, filled up to the lengths of their rows and columns, are put together."""
    shape = tuple(next(iter(bands.values())).shape)
    blocks = {"a" * len(axes): low}
    for key in map("".join, product("ad", repeat=len(axes))):
        if "d" in key:
            size = list(low.shape)
            for letter, axis in zip(key, axes, strict=True):
                size[axis] = low.shape[axis] if letter == "a" else shape[axis]
            blocks[key] = _filled(bands[key], size, padding) if key in bands else zeros(low, size) + padding
    for axis in reversed(axes):
        blocks = {key[:-1]: concat([blocks[key[:-1] + "a"], blocks[key[:-1] + "d"]], axis=axis) for key in blocks}
    return blocks[""]


def _filled(band: Array, size: Sequence[int], padding: float | int) -> Array:
    """The band with padding behind its ends."""
    for axis in range(-band.ndim, 0):
        gap = list(band.shape)
        gap[axis] = size[axis] - band.shape[axis]
        if gap[axis]:
            band = concat([band, zeros(band, gap) + padding], axis=axis)
    return band


def _formed(bands: Bands, output_format: str) -> Any:
    """The details of one level in the container of a transform."""
    if output_format in ("wavedecn", "swtn"):
        return bands
    keys = _KEYS[output_format]
    if any(key not in bands for key in keys):
        raise ShapeError(
            f"got bands {sorted(bands)}, expected {sorted(keys)} for output_format={output_format!r}: try 'wavedecn'"
        )
    return bands["d"] if keys == ("d",) else tuple(bands[key] for key in keys)


def _check_format(output_format: str, formats: Sequence[str]) -> None:
    if output_format not in formats:
        raise OptionError(f"got output_format={output_format!r}, expected one of {', '.join(formats)}")


def _missing() -> ShapeError:
    return ShapeError("got a band that is None, expected all bands: put zeros of its shape where there is none")
