"""Wavelet packets: all bands of one level as one tensor, in the order of frequency or of the tree."""

from collections.abc import Sequence
from typing import Any

from undula.spectra.arrays import Array
from undula.spectra.wavelets.reading import read_level
from undula.spectra.wavelets.trees import PLANE, Order, apart, level_of, only, rank_of, ranks, read_tree, together


def wpdec(
    data: Any, wavelet: Any, mode: Any = "symmetric", maxlevel: int | None = None, axis: int = -1, order: Order = "freq"
) -> Array:
    """All packets of one level along one axis: at every level both bands are taken apart.

    Args:
        data: Real or complex array (…, n, …).
        wavelet: A name, a `pywt.Wavelet`, four filters or a learnable bank.
        mode: Boundary mode, see `MODES`.
        maxlevel: The level L; None for the greatest that makes sense.
        axis: Axis of the signal.
        order: "freq" by rising frequency, "natural" by path: "aa", "ad", "da", "dd".

    Returns:
        Packets (…, 2^L, coefficients, …): the axis of bands stands just before the transformed one, where that was.

    Raises:
        OptionError: An unknown wavelet, mode or order.
        ShapeError: An axis that is not there or empty.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> wpdec([1, 2, 3, 4, 5, 6, 7, 8], "haar", maxlevel=2).shape
        (4, 2)
    """
    x, tree = read_tree(data, wavelet, mode, axis, count=1)
    level = read_level(maxlevel, [x.shape[place] for place in tree.axes], tree.banks)
    return apart(x, tree, level, order)


def wprec(
    packets: Any,
    wavelet: Any,
    mode: Any = "symmetric",
    axis: int = -1,
    order: Order = "freq",
    *,
    length: int | None = None,
) -> Array:
    """Inverse of `wpdec`.

    Args:
        packets: Packets of one level (…, 2^L, coefficients, …).
        wavelet: As in `wpdec`.
        mode: As in `wpdec`.
        axis: As in `wpdec`, counted in the data.
        order: As in `wpdec`.
        length: Samples of the data. None is right where every level had an even number of samples; otherwise the result
            is longer than the data, and in modes "periodization" and "boundary" wrong near the ends.

    Returns:
        The signal.

    Raises:
        ShapeError: A number of bands that is no power of two, or packets that do not come from so many samples.
        OptionError: An unknown wavelet, mode or order.
        RangeError: Tensors of integers.

    Example:
        >>> wprec(wpdec([1, 2, 3, 4, 5], "haar", maxlevel=2), "haar", length=5).round(12)
        array([1., 2., 3., 4., 5.])
    """
    x, tree = read_tree(packets, wavelet, mode, axis, count=1, packets=True)
    return together(x, tree, order, length)


def wpdec2(
    data: Any,
    wavelet: Any,
    mode: Any = "symmetric",
    maxlevel: int | None = None,
    axes: Sequence[int] = (-2, -1),
    order: Order = "freq",
) -> Array:
    """All packets of one level along two axes.

    Args:
        data: Real or complex array (…, H, W).
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis; symmetric by default, where `pywt.WaveletPacket2D` has smooth.
        maxlevel: As in `wpdec`.
        axes: The two axes.
        order: "freq" by the frequency along the first axis and then along the second, row by row of the grid that
            `pywt.WaveletPacket2D.get_level` gives; "natural" by path, the letters being a, h (high along the first axis),
            v (high along the second) and d.

    Returns:
        Packets (…, 4^L, h, w): the axis of bands stands just before the first of the transformed axes, where that was.

    Raises:
        OptionError: An unknown wavelet, mode or order.
        ShapeError: Axes that are not there, empty or not two.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> import torch
        >>> wpdec2(torch.ones(3, 8, 8), "haar", maxlevel=2).shape
        torch.Size([3, 16, 2, 2])
    """
    x, tree = read_tree(data, wavelet, mode, axes, count=2)
    level = read_level(maxlevel, [x.shape[place] for place in tree.axes], tree.banks)
    return apart(x, tree, level, order)


def wprec2(
    packets: Any,
    wavelet: Any,
    mode: Any = "symmetric",
    axes: Sequence[int] = (-2, -1),
    order: Order = "freq",
    *,
    shape: Sequence[int] | None = None,
) -> Array:
    """Inverse of `wpdec2`.

    Args:
        packets: Packets of one level (…, 4^L, h, w).
        wavelet: As in `wpdec2`.
        mode: As in `wpdec2`.
        axes: As in `wpdec2`, counted in the data.
        order: As in `wpdec2`.
        shape: Samples of the data along the axes; None as in `wprec`.

    Returns:
        The array.

    Raises:
        ShapeError: A number of bands that is no power of four, or packets that do not come from so many samples.
        OptionError: An unknown wavelet, mode or order.
        RangeError: Tensors of integers.

    Example:
        >>> import torch
        >>> wprec2(wpdec2(torch.ones(5, 7), "haar", maxlevel=1), "haar", shape=(5, 7)).shape
        torch.Size([5, 7])
    """
    x, tree = read_tree(packets, wavelet, mode, axes, count=2, packets=True)
    return together(x, tree, order, shape)


def wpdecn(
    data: Any,
    wavelet: Any,
    mode: Any = "symmetric",
    maxlevel: int | None = None,
    axes: Sequence[int] | None = None,
    order: Order = "freq",
) -> Array:
    """All packets of one level along any axes.

    Args:
        data: Real or complex array.
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis; symmetric by default, where `pywt.WaveletPacketND` has smooth.
        maxlevel: As in `wpdec`.
        axes: The d axes, None for all.
        order: "freq" by the frequency along the first axis, then the second, …; "natural" by path, d letters of "a" and
            "d" for every level: "aa", "ad", "da", "dd". Of two axes that is not the natural order of `wpdec2`.

    Returns:
        Packets with an axis of 2^(d L) bands just before the first of the transformed axes, where that was.

    Raises:
        OptionError: An unknown wavelet, mode or order.
        ShapeError: Axes that are not there or empty.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> import torch
        >>> wpdecn(torch.ones(8, 8, 8), "haar", maxlevel=2).shape
        torch.Size([64, 2, 2, 2])
    """
    x, tree = read_tree(data, wavelet, mode, axes)
    level = read_level(maxlevel, [x.shape[place] for place in tree.axes], tree.banks)
    return apart(x, tree, level, order)


def wprecn(
    packets: Any,
    wavelet: Any,
    mode: Any = "symmetric",
    axes: Sequence[int] | None = None,
    order: Order = "freq",
    *,
    shape: Sequence[int] | None = None,
) -> Array:
    """Inverse of `wpdecn`.

    Args:
        packets: Packets of one level.
        wavelet: As in `wpdecn`.
        mode: As in `wpdecn`.
        axes: As in `wpdecn`, counted in the data.
        order: As in `wpdecn`.
        shape: Samples of the data along the axes; None as in `wprec`.

    Returns:
        The array.

    Raises:
        ShapeError: A number of bands that is no power of 2^d, or packets that do not come from so many samples.
        OptionError: An unknown wavelet, mode or order.
        RangeError: Tensors of integers.

    Example:
        >>> import torch
        >>> wprecn(wpdecn(torch.ones(8, 8, 8), "haar", maxlevel=2), "haar").shape
        torch.Size([8, 8, 8])
    """
    x, tree = read_tree(packets, wavelet, mode, axes, packets=True)
    return together(x, tree, order, shape)


def node(packets: Any, path: str, *, axes: int | Sequence[int] | None = -1, order: Order = "freq") -> Array:
    """The packet at the end of a path through the whole tree.

    Args:
        packets: What `wpdec`, `wpdec2` or `wpdecn` returned.
        path: A letter a or d for every level ("aad"); of two axes a letter a, h, v or d ("ahv"); of packets of `wpdecn`
            one letter a or d for every axis and level ("aad" + "dda").
        axes: The axes that were transformed, counted in the data.
        order: The order that the packets are in.

    Returns:
        The coefficients: the packets without their axis of bands.

    Raises:
        OptionError: An unknown order, or a path that is not in the tree.
        ShapeError: Axes that are not there, or a number of bands that no level has.

    Example:
        >>> node(wpdec([1, 2, 3, 4], "haar", maxlevel=2), "aa").round(12)
        array([5.])
    """
    x, tree = read_tree(packets, "haar", "zero", axes, packets=True)
    level = level_of(x, tree)
    if len(tree.axes) == 2 and len(path) == level:
        tree = tree._replace(names=PLANE)
    rank = rank_of(path, level, tree)
    return only(x, ranks(level, tuple(tree.names.values()), order).index(rank), tree)
