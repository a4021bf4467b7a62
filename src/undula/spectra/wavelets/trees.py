"""Trees of packets: how a node is split and joined, all nodes of a level at once or one by one, and how they are ordered."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, Literal, NamedTuple

import torch

from undula.errors import OptionError, ShapeError
from undula.spectra.arrays import Array, as_array, constant_in_graphs, is_jax, part, stack, take
from undula.spectra.wavelets.banks import Bank, read_banks
from undula.spectra.wavelets.modes import Mode, read_modes
from undula.spectra.wavelets.reading import read_axes
from undula.spectra.wavelets.shapes import dwt_coeff_len
from undula.spectra.wavelets.single import analyze_axes, idwtn
from undula.spectra.wavelets.strategies import packets_plane

Order = Literal["freq", "natural"]
Lengths = tuple[int, ...]

PLANE = {"a": "aa", "h": "da", "v": "ad", "d": "dd"}
"""The children of two axes: their letters in paths, and the bands along the first and second axis."""

# Samples of the parents of leaves from which on nodes are split one by one, not all of a level at once. Measured on one
# thread to level 3, the least of nine calls: 64×3×128×128 took 7.2 ms against 10.2 with haar, 11.7 against 16.0 with db4;
# 8×3×64×64 took 1.5 ms against 0.6.
_LARGE = 2**16


class Tree(NamedTuple):
    """How nodes are split.

    Attributes:
        axes: Transformed axes, negative.
        banks: One bank per axis.
        modes: One mode per axis.
        names: The children in natural order: their names in paths, and their bands.
    """

    axes: tuple[int, ...]
    banks: tuple[Bank, ...]
    modes: tuple[Mode, ...]
    names: dict[str, str]

    @property
    def place(self) -> int:
        """The axis of bands: it stands just before the first of the transformed axes."""
        return min(self.axes) - 1


class _Shaped(NamedTuple):
    shape: tuple[int, ...]
    ndim: int


def read_tree(
    data: Any, wavelet: Any, mode: Any, axes: Any, *, count: int | None = None, packets: bool = False
) -> tuple[Array, Tree]:
    """Data or packets, and how they are split.

    Args:
        data: The array.
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis.
        axes: An axis, several axes, or None for all; counted without the axis of bands.
        count: How many axes there must be, or None.
        packets: Whether the array has an axis of bands.

    Raises:
        OptionError: An unknown wavelet or mode.
        ShapeError: Axes that are not there or empty, or another number of them.
        RangeError: Tensors of integers.
    """
    x = as_array(data, name="packets" if packets else "data")
    shape = tuple(x.shape[1:]) if packets else tuple(x.shape)
    if not shape:
        raise ShapeError(f"got an array of shape {tuple(x.shape)}, expected data of at least one axis")
    places = read_axes(_Shaped(shape, len(shape)), axes, count=count)
    keys = ["".join(letters) for letters in product("ad", repeat=len(places))]
    names = PLANE if count == 2 else dict(zip(keys, keys, strict=True))
    return x, Tree(places, read_banks(wavelet, axes=len(places)), read_modes(mode, axes=len(places)), names)


def apart(x: Array, tree: Tree, level: int, order: Order) -> Array:
    """All nodes of a level along an axis of bands."""
    order_ = ranks(level, tuple(tree.names.values()), order)
    at_once = packets_plane(x, tree.banks, tree.modes, tree.axes, order_) if level and tree.names == PLANE else None
    if at_once is not None:
        return at_once
    if level > 1 and _one_by_one(x, len(order_) // len(tree.names)):
        leaves = _leaves(x, tree, level)
        return stack([leaves[rank] for rank in order_], axis=tree.place)
    x = x[(..., None, *[slice(None)] * (-1 - tree.place))]
    for _ in range(level):
        x = split_all(x, tree)
    return x if order == "natural" or level == 0 else take(x, order_, axis=tree.place)


def together(x: Array, tree: Tree, order: Order, lengths: Any) -> Array:
    """Inverse of `apart`; with lengths of the data, every level is cut to what it had."""
    level = level_of(x, tree)
    order_ = ranks(level, tuple(tree.names.values()), order)
    chain = chain_of(lengths, level, tree)
    check_lengths(x, chain[level], tree)
    if level > 1 and _one_by_one(x, len(order_) // len(tree.names)):
        leaves = list(zip(order_, _unstacked(x, tree.place), strict=True))
        return _joined([leaf for _, leaf in sorted(leaves, key=lambda leaf: leaf[0])], tree, chain[:level])
    if order == "freq" and level:
        x = take(x, sorted(range(len(order_)), key=order_.__getitem__), axis=tree.place)
    for depth in reversed(range(level)):
        x = _join_all(x, tree, chain[depth])
    return only(x, 0, tree)


def split_all(x: Array, tree: Tree) -> Array:
    """From all nodes of a level, along an axis of bands, to all of the next, in natural order."""
    bands = analyze_axes(x, tree.banks, tree.modes, tree.axes)
    children = stack([bands[key] for key in tree.names.values()], axis=tree.place)
    shape = tuple(children.shape)
    return children.reshape(
        (*shape[: tree.place - 1], shape[tree.place - 1] * shape[tree.place], *shape[tree.place + 1 :])
    )


def join(children: dict[str, Array], tree: Tree, lengths: Lengths | None) -> Array:
    """The parent of children by their bands, those that are missing counting as zeros, cut to lengths along the axes."""
    x = idwtn(children, tree.banks, tree.modes, tree.axes)
    return x if lengths is None else cut(x, tree, lengths)


def cut(x: Array, tree: Tree, lengths: Lengths) -> Array:
    """The first samples along the axes."""
    for axis, length in zip(tree.axes, lengths, strict=True):
        if x.shape[axis] > length:
            x = part(x, axis, 0, length)
    return x


def only(x: Array, index: int, tree: Tree) -> Array:
    """One node of many along an axis of bands."""
    return x[(..., index, *[slice(None)] * (-1 - tree.place))]


def level_of(x: Array, tree: Tree) -> int:
    """The level that has so many bands.

    Raises:
        ShapeError: No level has so many.
    """
    bands, children = x.shape[tree.place], len(tree.names)
    level, rest = 0, bands
    while rest > 1 and rest % children == 0:
        level, rest = level + 1, rest // children
    if rest != 1:
        raise ShapeError(
            f"got {bands} bands along axis {tree.place} of packets of shape {tuple(x.shape)}, expected a power of"
            f" {children}: the axis of bands stands before the transformed ones"
        )
    return level


def chain_of(lengths: Any, level: int, tree: Tree) -> list[Lengths | None]:
    """Samples along the axes at levels 0 … level, from those of the data; None at all levels where they are not known.

    Raises:
        ShapeError: Another number of lengths than axes.
    """
    if lengths is None:
        return [None] * (level + 1)
    given = (lengths,) if isinstance(lengths, int) else tuple(lengths)
    if len(given) != len(tree.axes):
        raise ShapeError(f"got lengths {given} for {len(tree.axes)} axes, expected one for every axis")
    chain: list[Lengths | None] = [given]
    for _ in range(level):
        each = zip(given, tree.banks, tree.modes, strict=True)
        given = tuple(dwt_coeff_len(n, bank.length, mode) for n, bank, mode in each)
        chain.append(given)
    return chain


def check_lengths(x: Array, lengths: Lengths | None, tree: Tree) -> None:
    """Whether a node, or packets, have so many coefficients.

    Raises:
        ShapeError: They have not.
    """
    got = tuple(x.shape[axis] for axis in tree.axes)
    if lengths is not None and got != lengths:
        raise ShapeError(
            f"got packets of {got} coefficients along axes {tree.axes}, expected {lengths} for data of that length: were they"
            " made by another wavelet, mode or level?"
        )


def rank_of(path: str, level: int | None, tree: Tree) -> int:
    """The place of a path among all of its level in natural order.

    Args:
        path: Names of children, one after the other.
        level: The level that it must reach, or None.
        tree: The tree.

    Raises:
        OptionError: Letters that name no child, or another level.
    """
    names = list(tree.names)
    wide = len(names[0])
    steps = [path[start : start + wide] for start in range(0, len(path), wide)]
    if any(step not in names for step in steps) or (level is not None and len(steps) != level):
        wanted = f"{level} times" if level is not None else "only"
        raise OptionError(f"got path {path!r}, expected {wanted} one of {', '.join(names)}, one after the other")
    rank = 0
    for step in steps:
        rank = rank * len(names) + names.index(step)
    return rank


def ranks(level: int, bands: tuple[str, ...], order: Order) -> tuple[int, ...]:
    """The places in natural order of all nodes of a level, in the order wanted.

    By frequency, the path of band f along one axis is the Gray code f ^ (f >> 1): the high-pass filter and the halving
    turn the frequencies of a node over. Wickerhauser, Adapted Wavelet Analysis from Theory to Software, 1994.

    Args:
        level: The level.
        bands: The children in natural order, a letter a or d per axis.
        order: "freq" or "natural".

    Raises:
        OptionError: Another order.
    """
    if order not in ("freq", "natural"):
        raise OptionError(f"got order {order!r}, expected freq or natural")
    return tuple(range(len(bands) ** level)) if order == "natural" else _by_frequency(level, bands)


@constant_in_graphs
def _by_frequency(level: int, bands: tuple[str, ...]) -> tuple[int, ...]:
    """The Gray codes; inside compiled code they are constants."""
    return _gray(level, bands)


@lru_cache(maxsize=256)
def _gray(level: int, bands: tuple[str, ...]) -> tuple[int, ...]:
    made = []
    for grid in product(range(2**level), repeat=len(bands[0])):
        rank = 0
        for bit in reversed(range(level)):
            rank = rank * len(bands) + bands.index("".join("ad"[(f ^ f >> 1) >> bit & 1] for f in grid))
        made.append(rank)
    return tuple(made)


def _one_by_one(x: Array, parents: int) -> bool:
    """Whether parents of the leaves are large, in eager PyTorch or NumPy; traced graphs stay small."""
    return prod(x.shape) >= _LARGE * parents and not is_jax(x) and not torch.compiler.is_compiling()


def _leaves(x: Array, tree: Tree, level: int) -> list[Array]:
    """The leaves under a node in natural order; one branch to its end, then the next, which finds its node in the cache."""
    if level == 0:
        return [x]
    bands = analyze_axes(x, tree.banks, tree.modes, tree.axes)
    return [leaf for key in tree.names.values() for leaf in _leaves(bands[key], tree, level - 1)]


def _joined(leaves: list[Array], tree: Tree, chain: Sequence[Lengths | None]) -> Array:
    """Inverse of `_leaves`."""
    if len(leaves) == 1:
        return leaves[0]
    each = len(leaves) // len(tree.names)
    branches = [_joined(leaves[start : start + each], tree, chain[1:]) for start in range(0, len(leaves), each)]
    return join(dict(zip(tree.names.values(), branches, strict=True)), tree, chain[0])


def _join_all(x: Array, tree: Tree, lengths: Lengths | None) -> Array:
    """Inverse of `split_all`."""
    shape, children = tuple(x.shape), len(tree.names)
    x = x.reshape((*shape[: tree.place], shape[tree.place] // children, children, *shape[tree.place + 1 :]))
    return join({key: only(x, index, tree) for index, key in enumerate(tree.names.values())}, tree, lengths)


def _unstacked(x: Array, axis: int) -> list[Array]:
    if isinstance(x, torch.Tensor):
        return list(x.unbind(axis))
    return [x[(..., index, *[slice(None)] * (-1 - axis))] for index in range(x.shape[axis])]
