"""From pictures to features: one pass over the files of a class, with all that the bias guard wants to see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from undula.errors import DataError, ShapeError
from undula.jobs.detect.batches import in_batches
from undula.jobs.detect.degradations import COPIES, as_bytes, copies_to_learn
from undula.jobs.detect.features import Features, Seen
from undula.jobs.detect.file_facts import FileFacts
from undula.jobs.detect.guard import Evidence, block_colors, first_places, grid_phases, pixel_hash
from undula.jobs.detect.matching import Match
from undula.jobs.detect.reading import Picture, Source, read_pictures


@dataclass(frozen=True)
class Extraction:
    """Features of one class.

    Attributes:
        names: Where the pictures come from.
        rows: Their features (n, d), or crops in bytes (n, crops, 3, side, side).
        copies: Features of their degraded copies (n, copies, d); NaN where a copy is too small; none of crops.
        evidence: What the bias guard looks at.
        size: Height and width, where all have one; features of several sizes have none.
        failed: What was left out → why.
    """

    names: list[str]
    rows: Shaped[Tensor, "n *d"]
    copies: Float[Tensor, "n copies d"]
    evidence: Evidence
    size: tuple[int, int] | None
    failed: dict[str, str]

    def take(self, places: Sequence[int]) -> "Extraction":
        """Some of the pictures.

        Args:
            places: Which.
        """
        known, index = self.evidence, torch.tensor(places, dtype=torch.long)
        evidence = Evidence(
            facts=[known.facts[place] for place in places],
            hashes=[known.hashes[place] for place in places],
            blocks=known.blocks[index],
            phases=known.phases[index],
        )
        return replace(
            self,
            names=[self.names[place] for place in places],
            rows=self.rows[index],
            copies=self.copies[index],
            evidence=evidence,
        )


def extract(
    sources: Sequence[Source],
    features: Seen,
    *,
    match: Match | None = None,
    robust: int | None = None,
    callback: Callable[[int], object] | None = None,
) -> Extraction:
    """Read the pictures of one class once and make features of them.

    Args:
        sources: The pictures.
        features: What is made of each.
        match: How every picture is cut and compressed first.
        robust: Seed of degraded copies that are looked at too; None for none.
        callback: Called with the number of pictures done.

    Returns:
        Features and evidence, in the order of the sources; unreadable and too small pictures are noted and left out.

    Raises:
        DataError: No picture is left.
        ShapeError: Pictures of several sizes, and the features have a number per place.
    """
    found: dict[int, tuple[str, FileFacts, bytes, tuple[Tensor, ...]]] = {}
    failed: dict[str, str] = {}
    sizes: set[tuple[int, int]] = set()
    for places, pictures, batch in in_batches(read_pictures(sources, change=_Marking(match))):
        good = None if batch is None else unfit(batch, features)
        if batch is None or good:
            failed |= {picture.name: good or picture.note for picture in pictures}
            continue
        sizes.add((int(batch.shape[-2]), int(batch.shape[-1])))
        if len(sizes) > 1 and isinstance(features, Features) and not features.any_size:
            raise ShapeError(
                f"got pictures of {_listed(sizes)}, expected one size for features={features.kind!r}: take "
                "features='packet-statistics', or match=True"
            )
        rows = _seen(batch, features)
        degraded = _degraded(batch, torch.tensor(places), features, robust)
        values = zip(rows, degraded, block_colors(batch), grid_phases(batch), strict=True)
        for place, picture, one in zip(places, pictures, values, strict=True):
            assert picture.facts is not None
            facts = picture.facts if match is None else _matched(match)
            found[place] = (picture.name, facts, picture.mark, one)
        if callback is not None:
            callback(len(found) + len(failed))
    if not found:
        name, why = next(iter(failed.items()))
        raise DataError(f"got no picture of {len(sources)} that can be used, expected some; of {name!r}: {why}")
    ordered = [found[place] for place in sorted(found)]
    rows, degraded, blocks, phases = (
        torch.stack(column) for column in zip(*(known[3] for known in ordered), strict=True)
    )
    evidence = Evidence(
        facts=[known[1] for known in ordered], hashes=[known[2] for known in ordered], blocks=blocks, phases=phases
    )
    return Extraction(
        [known[0] for known in ordered], rows, degraded, evidence, sizes.pop() if len(sizes) == 1 else None, failed
    )


def unfit(batch: Float[Tensor, "n 3 h w"], features: Seen) -> str:
    """Why features cannot be made of pictures of this size; nothing where they can.

    Args:
        batch: Pictures.
        features: The features.
    """
    height, width = batch.shape[-2:]
    if min(height, width) < features.least:
        return f"got {height} × {width} pixels, expected no side below {features.least}"
    return ""


def _seen(batch: Tensor, features: Seen) -> Tensor:
    """Crops are kept in bytes, as many of every picture, which for a small one means again and again."""
    if isinstance(features, Features):
        return features.rows(batch)
    crops = features.rows(batch)
    return as_bytes(crops[:, torch.arange(features.most) % crops.shape[1]])


def _degraded(batch: Tensor, numbers: Tensor, features: Seen, seed: int | None) -> Float[Tensor, "n copies d"]:
    """Features of degraded copies, NaN where these are too small or, for features of one size, of another."""
    if seed is None or not isinstance(features, Features):
        return batch.new_empty(len(batch), 0, 0)
    found: Tensor | None = None
    for copy, places, made in copies_to_learn(as_bytes(batch), numbers, seed=seed):
        images = made.float() / 255
        if (
            min(images.shape[-2:])
            and not unfit(images, features)
            and (features.any_size or made.shape[1:] == batch.shape[1:])
        ):
            rows = features.rows(images)
            if found is None:  # the first copy is as large as the picture, so that its features can be made
                found = rows.new_full((len(batch), COPIES, rows.shape[1]), torch.nan)
            found[places, copy] = rows
    assert found is not None
    return found


def without_twins(classes: Sequence[Extraction]) -> list[Extraction]:
    """The pictures of every class without repeats, and without those that stand in another class too.

    Args:
        classes: Features of every class.
    """
    kept = []
    for one in classes:
        others = [mark for other in classes if other is not one for mark in other.evidence.hashes]
        kept.append(one.take(first_places(one.evidence.hashes, without=others)))
    return kept


@dataclass(frozen=True)
class _Marking:
    """Pictures are hashed as they are, so that twins are found, then matched."""

    match: Match | None

    def __call__(self, picture: Picture, number: int) -> Picture:
        if picture.pixels is None:
            return picture
        marked = replace(picture, mark=pixel_hash(picture.pixels))
        return marked if self.match is None else self.match.picture(marked, number)


def _matched(match: Match) -> FileFacts:
    return FileFacts("matched", match.side, match.side, "RGB")


def _listed(sizes: set[tuple[int, int]]) -> str:
    return " and ".join(f"{height} × {width}" for height, width in sorted(sizes))
