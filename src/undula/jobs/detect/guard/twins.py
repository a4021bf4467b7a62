"""Pictures that are there twice, bit for bit: between classes, within one, between training and test."""

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from jaxtyping import Shaped
from torch import Tensor


@dataclass(frozen=True)
class Twins:
    """Exact twins among pictures.

    Attributes:
        between: Pictures that two classes share.
        within: Repeats inside of classes: pictures beyond the first of their kind.
    """

    between: int
    within: int


def pixel_hash(pixels: Shaped[Tensor, "c h w"]) -> bytes:
    """A hash of shape and pixels: equal where both are.

    Args:
        pixels: A picture.
    """
    data = pixels.contiguous().numpy()
    return hashlib.blake2b(data.tobytes(), digest_size=16, person=str(tuple(pixels.shape)).encode()[:16]).digest()


def count_twins(classes: Sequence[Sequence[Hashable]]) -> Twins:
    """Count twins.

    Args:
        classes: Hashes of the pictures of every class.

    Returns:
        How many there are.

    Example:
        >>> count_twins([["a", "b", "b"], ["a", "c"]])
        Twins(between=1, within=1)
    """
    sets = [set(one) for one in classes]
    shared = Counter(mark for one in sets for mark in one)
    return Twins(
        between=sum(count > 1 for count in shared.values()),
        within=sum(len(one) - len(different) for one, different in zip(classes, sets, strict=True)),
    )


def first_places(hashes: Sequence[Hashable], *, without: Sequence[Hashable] = ()) -> list[int]:
    """Places of pictures without those that were there before.

    Args:
        hashes: Hashes of pictures.
        without: Hashes of pictures that are left out altogether.

    Returns:
        The places of the first of every kind.

    Example:
        >>> first_places(["a", "b", "a", "c"], without=["c"])
        [0, 1]
    """
    seen = set(without)
    places = []
    for place, mark in enumerate(hashes):
        if mark not in seen:
            seen.add(mark)
            places.append(place)
    return places
