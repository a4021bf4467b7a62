"""CIFAKE: photographs of CIFAR-10 beside pictures that Stable Diffusion 1.4 made of the same ten things."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from undula.data.images import decode_image
from undula.data.sets import Split, checked_range, data_folders, listed
from undula.data.tars import Member, tar_members
from undula.errors import DataError

Side = Literal["real", "generated"]
SIDES: dict[Side, str] = {"real": "REAL", "generated": "FAKE"}


def cifake(
    split: Split, side: Side | None = None, start: int = 0, stop: int | None = None
) -> tuple[Float[Tensor, "n 3 32 32"], list[Side]]:
    """Return pictures of CIFAKE; all are JPEG files of one quantization table (quality 75, 4:2:0).

    Args:
        split: `train` or `test`.
        side: `real` or `generated`; both, the real ones first, if not given.
        start: First picture.
        stop: One behind the last picture; all that follow if not given.

    Returns:
        float32 pictures (n, 3, 32, 32) in [0, 1], and of each whether it is real or generated.

    Raises:
        DataError: The set is not there (it is not downloaded), is damaged, or has no such pictures.

    When it fails: 23 of the first 2,000 generated test pictures stand in the first 10,000 of training too.

    Reference: Krizhevsky, Learning multiple layers of features from tiny images, 2009; Bird, Lotfi, CIFAKE, 2024.
    """
    members = cifake_members(split, side)
    name = f"cifake:{split}" + (f":{side}" if side else "")
    first, last = checked_range(name, start, stop, len(members))
    chosen = members[first:last]
    pictures = [decode_image(member.read(), member.name) for member in chosen]
    return torch.stack(pictures), [side_of(member) for member in chosen]


def cifake_members(split: Split, side: Side | None = None) -> Sequence[Member]:
    """The files of CIFAKE in their tar.

    Args:
        split: `train` or `test`.
        side: `real` or `generated`; both, the real ones first, if not given.

    Returns:
        The files, sorted by name on each side.

    Raises:
        DataError: They are not there; says what to put where.
    """
    for folder in data_folders():
        path = folder / "cifake" / f"{split}.tar"
        if path.is_file():
            both: tuple[Side, ...] = ("real", "generated")
            members = tar_members(path)
            return [member for one in both if side in (None, one) for member in members if side_of(member) == one]
    raise DataError(
        f"got no cifake/{split}.tar in {listed(data_folders())}, expected the {split} part of "
        "jordan-bird/CIFAKE-Real-and-AI-Generated-Synthetic-Images (on GitHub, MIT) as a tar of the folders "
        f"{split}/REAL and {split}/FAKE: put it at {data_folders()[0] / 'cifake' / split}.tar"
    )


def side_of(member: Member) -> Side:
    """Whether a file of CIFAKE is real or generated.

    Args:
        member: The file.

    Raises:
        DataError: It lies in neither folder.
    """
    folders = member.name.split("/")[:-1]
    for side, folder in SIDES.items():
        if folder in folders:
            return side
    raise DataError(f"got {member.name!r} in {member.archive.name}, expected a file in the folder REAL or FAKE")
