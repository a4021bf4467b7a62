"""The best basis of wavelet packets: of all ways to stop splitting, the one with the least cost."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch

from undula.errors import OptionError, ShapeError
from undula.spectra.arrays import Array, as_array, move_axis, namespace
from undula.spectra.wavelets.reading import read_level
from undula.spectra.wavelets.trees import (
    Lengths,
    Tree,
    chain_of,
    check_lengths,
    join,
    only,
    rank_of,
    read_tree,
    split_all,
)

Cost = Literal["entropy", "l1", "threshold"] | Callable[[Array], Any]


def best_basis(
    data: Any,
    wavelet: Any,
    mode: Any = "symmetric",
    maxlevel: int | None = None,
    axes: int | Sequence[int] | None = -1,
    cost: Cost = "entropy",
    *,
    threshold: float | None = None,
) -> dict[str, Array]:
    """The nodes of the tree of packets that hold the data at the least cost.

    From the last level up, a node takes the place of its children where it costs no more than they do, rounding apart
    (Coifman and Wickerhauser, IEEE Trans. Inf. Theory 38, 1992). The choice looks at values, so no compiler can trace it;
    the coefficients are differentiable.

    Args:
        data: Real or complex array. Its items share one basis: a cost is summed over all that the array holds.
        wavelet: One wavelet, or one per axis.
        mode: One mode, or one per axis. Modes that pad make children larger than their parent, which then wins more often:
            "periodization" and "boundary" do not.
        maxlevel: The deepest level; None for the greatest that makes sense.
        axes: One or several axes, None for all.
        cost: "entropy", -Σ p log p of the shares p of the data's energy; "l1", Σ |c|; "threshold", the number of
            coefficients with |c| > `threshold`; or a function from a node's coefficients to a number that is to be summed.
        threshold: Above which size a coefficient counts, for "threshold" only.

    Returns:
        Coefficients by path, in natural order: letters a and d, of two axes a, h, v and d, of three or more one letter a
        or d per axis and level. {"": data} where no split pays.

    Raises:
        OptionError: An unknown wavelet, mode or cost, or a threshold that is missing.
        ShapeError: Axes that are not there or empty.
        RangeError: Tensors of integers, a negative level.

    Example:
        >>> import torch
        >>> wave = torch.tensor([1.0, -1.0] * 8)
        >>> list(best_basis(wave, "haar"))
        ['a', 'daaa', 'daad', 'dad', 'dd']
    """
    x, tree = _read(data, wavelet, mode, axes)
    level = read_level(maxlevel, [x.shape[axis] for axis in tree.axes], tree.banks)
    levels = [x[(..., None, *[slice(None)] * (-1 - tree.place))]]
    for _ in range(level):
        levels.append(split_all(levels[-1], tree))
    price = _price(cost, threshold, levels[0], tree)
    costs = [[float(each) for each in price(nodes)] for nodes in levels]
    sizes = _sizes(levels[0], tree)
    slack = float(namespace(sizes).finfo(sizes.dtype).eps) * abs(costs[0][0])
    return {_path(rank, depth, tree): only(levels[depth], rank, tree) for depth, rank in _cheapest(costs, slack)}


def from_basis(
    nodes: Mapping[str, Any],
    wavelet: Any,
    mode: Any = "symmetric",
    axes: int | Sequence[int] | None = -1,
    *,
    length: int | Sequence[int] | None = None,
) -> Array:
    """Inverse of `best_basis`: the data of nodes of which none lies below another.

    Args:
        nodes: Coefficients by path; nodes that are missing count as zeros.
        wavelet: As in `best_basis`.
        mode: As in `best_basis`.
        axes: As in `best_basis`.
        length: Samples of the data along the axis, or along every axis. Without it a node is cut to its sibling's size, and
            the result is right where every level had an even number of samples, as for `wprec`.

    Returns:
        The array.

    Raises:
        OptionError: An unknown wavelet or mode, or a path that names no node.
        ShapeError: No nodes, nodes below others, or coefficients that do not fit one another or the length.
        RangeError: Tensors of integers.

    Example:
        >>> import numpy as np
        >>> x = np.array([4.0, 2.0, 5.0, 5.0, 1.0, 0.0, 1.0, 0.0])
        >>> from_basis(best_basis(x, "haar", maxlevel=2, cost="l1"), "haar", length=8).round(12)
        array([4., 2., 5., 5., 1., 0., 1., 0.])
    """
    if not isinstance(nodes, Mapping) or not nodes:
        raise ShapeError(
            f"got nodes of type {type(nodes).__name__}, expected a dict of coefficients by path, not empty"
        )
    arrays = {path: as_array(value, name=f"node {path!r}") for path, value in nodes.items()}
    _, tree = _read(next(iter(arrays.values())), wavelet, mode, axes)
    wide = len(next(iter(tree.names)))
    depth = max(len(path) for path in arrays) // wide
    chain = chain_of(length, depth, tree)
    for path, x in arrays.items():
        rank_of(path, None, tree)
        check_lengths(x, chain[len(path) // wide], tree)
        above = [other for other in arrays if other != path and path.startswith(other)]
        if above:
            raise ShapeError(
                f"got node {path!r} below node {above[0]!r}, expected nodes of which none lies below another"
            )
    for lengths in reversed(chain[:-1]):
        arrays = _risen(arrays, tree, lengths, depth * wide)
        depth -= 1
    return arrays[""]


def _read(data: Any, wavelet: Any, mode: Any, axes: Any) -> tuple[Array, Tree]:
    pair = not isinstance(axes, int) and (len(axes) if axes is not None else as_array(data).ndim) == 2
    return read_tree(data, wavelet, mode, axes, count=2 if pair else None)


def _price(cost: Cost, threshold: float | None, root: Array, tree: Tree) -> Callable[[Array], list[Any]]:
    """From all nodes of a level to their costs."""
    if callable(cost):
        return lambda nodes: [cost(only(nodes, index, tree)) for index in range(nodes.shape[tree.place])]
    if cost == "entropy":
        energy = float((_sizes(root, tree) ** 2).sum()) or 1.0
        return lambda nodes: _entropy(_sizes(nodes, tree) ** 2 / energy).sum(-1).tolist()
    if cost == "l1":
        return lambda nodes: _sizes(nodes, tree).sum(-1).tolist()
    if cost != "threshold":
        raise OptionError(f"got cost {cost!r}, expected entropy, l1, threshold or a function of coefficients")
    if threshold is None:
        raise OptionError("got cost 'threshold' and no threshold, expected the size above which a coefficient counts")
    return lambda nodes: (_sizes(nodes, tree) > threshold).sum(-1).tolist()


def _sizes(nodes: Array, tree: Tree) -> Array:
    """|c| of all nodes of a level, one row each; half precision in single, so that sums keep their digits."""
    rows = move_axis(nodes, tree.place, 0).reshape((nodes.shape[tree.place], -1))
    if isinstance(rows, torch.Tensor):
        sizes = rows.detach().abs()
        return sizes.float() if sizes.dtype.itemsize == 2 else sizes
    return abs(rows.astype("float32") if rows.dtype.itemsize == 2 else rows)


def _entropy(shares: Array) -> Array:
    """-p log p, 0 for p = 0."""
    xp = namespace(shares)
    return -shares * xp.log(xp.where(shares > 0, shares, xp.ones_like(shares)))


def _cheapest(costs: list[list[float]], slack: float) -> list[tuple[int, int]]:
    """Level and place of the nodes of the best basis, in natural order, from the costs of all nodes of all levels.

    What the children save must be more than the slack: rounding alone splits no node of zeros.
    """
    deepest = len(costs) - 1
    best = [(price, [(deepest, rank)]) for rank, price in enumerate(costs[deepest])]
    for depth in reversed(range(deepest)):
        each = len(best) // len(costs[depth])
        raised = []
        for rank, price in enumerate(costs[depth]):
            below = best[rank * each : (rank + 1) * each]
            split = sum(one for one, _ in below)
            chosen = [place for _, places in below for place in places]
            raised.append((price, [(depth, rank)]) if price <= split + slack else (split, chosen))
        best = raised
    return best[0][1]


def _path(rank: int, level: int, tree: Tree) -> str:
    names, path = list(tree.names), ""
    for _ in range(level):
        rank, step = divmod(rank, len(names))
        path = names[step] + path
    return path


def _risen(arrays: Mapping[str, Array], tree: Tree, lengths: Lengths | None, letters: int) -> dict[str, Array]:
    """The nodes with those of the deepest level, of so many letters, joined to their parents."""
    wide = len(next(iter(tree.names)))
    raised = {path: x for path, x in arrays.items() if len(path) < letters}
    siblings = [x for path, x in raised.items() if len(path) == letters - wide]
    if lengths is None and siblings:
        lengths = tuple(siblings[0].shape[axis] for axis in tree.axes)
    families: dict[str, dict[str, Array]] = {}
    for path, x in arrays.items():
        if len(path) == letters:
            families.setdefault(path[:-wide], {})[tree.names[path[-wide:]]] = x
    return raised | {path: join(children, tree, lengths) for path, children in families.items()}
