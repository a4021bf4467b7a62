"""One entry read: its magnitudes, and its image where that is known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Shaped
from numpy.typing import NDArray
from torch import Tensor

from undula.data import Entry, image_bits, luminance
from undula.errors import OptionError, RangeError, ShapeError
from undula.jobs.recover.command.settings import Bounds, Given, Settings
from undula.jobs.recover.supports import padded_support
from undula.session import Session, item_seed
from undula.spectra import reverse

_LARGE = 512 * 512


@dataclass(frozen=True)
class Pattern:
    """Magnitudes (or intensities) of one entry, as `undula.recover` takes them.

    Attributes:
        entry: Where they come from.
        given: What the entry holds.
        values: Magnitudes or intensities (space).
        centered: Whether zero frequency lies in the middle.
        truth: The image (object) that they were made from, or None.
        support: Mask of the object in a padded frame (space), or None.
        measured: Mask of what the solver may see (space), or None.
        held: Mask of what was measured but is held out (space), or None.
        seed: Its seed.
    """

    entry: Entry
    given: Given
    values: Shaped[Tensor, "*space"]
    centered: bool
    truth: Shaped[Tensor, "*object"] | None
    support: Bool[Tensor, "*space"] | None
    measured: Bool[Tensor, "*space"] | None
    held: Bool[Tensor, "*space"] | None
    seed: int

    @property
    def kind(self) -> tuple[Any, ...]:
        """What patterns of one batch have in common."""
        shown = None if self.truth is None else (self.truth.shape, self.truth.dtype)
        return (tuple(self.values.shape), self.values.dtype, self.given, self.centered, shown)


def read_pattern(entry: Entry, settings: Settings, dims: int, session: Session) -> Pattern:
    """Read an entry and bring it into the form that the solver takes.

    Args:
        entry: What to read.
        settings: The options.
        dims: Number of space axes.
        session: For notes and the seed.

    Returns:
        The pattern.

    Raises:
        UndulaError: It cannot be read, or is not what the options say.
    """
    given = settings.given or entry.item.given or "images"
    stored = entry.load()
    seed = item_seed(settings.seed, entry.name)
    centered = settings.centered if settings.centered is not None else entry.item.centered
    truth: Tensor | None = None
    support: Tensor | None = None
    if given == "images":
        truth = _image(stored, entry, settings, dims, session)
        values, support = _transformed(truth, settings)
        centered = False
    else:
        values = _measured_values(stored, entry, given)
        if values.ndim != dims:
            raise ShapeError(
                f"got {entry.source!r} of shape {tuple(values.shape)}, expected {dims} axes: say --dims {values.ndim}"
            )
    if not values.numel():
        raise ShapeError(
            f"got {entry.source!r} of shape {tuple(values.shape)}, expected at least one pixel: it is empty"
        )
    measured = settings.measured
    if measured is not None and measured.shape != values.shape:
        raise ShapeError(
            f"got a mask of measured magnitudes of shape {tuple(measured.shape)}, expected {tuple(values.shape)} as "
            f"{entry.source!r} has: the mask belongs to the pattern before it is cropped"
        )
    if settings.crop is not None and given != "images":
        values, measured = _cropped(values, measured, settings.crop, centered=centered)
        centered = True
    if values.numel() > _LARGE and dims < 3:
        session.note(
            f"got {' × '.join(map(str, values.shape))} pixels, which may take many minutes: try a smaller picture first"
        )
    held = None
    if settings.hold_out > 0:
        held = _held_out(values, measured, settings, seed=seed, centered=centered)
        measured = ~held if measured is None else measured & ~held
    return Pattern(entry, given, values, centered, truth, support, measured, held, seed)


def _image(stored: NDArray[Any], entry: Entry, settings: Settings, dims: int, session: Session) -> Tensor:
    """The object, float32 or float64 or complex, checked against field and bounds."""
    if entry.item.picture:
        if dims != 2:
            raise OptionError(f"got the picture {entry.source!r} and --dims {dims}, expected --dims 2: leave it out")
        image = _grey(torch.from_numpy(stored), entry, session)
        _advise_padding(image, settings, session)
    else:
        image = _numbers(stored, entry, session)
    if image.ndim != dims:
        raise ShapeError(
            f"got {entry.source!r} of shape {tuple(image.shape)}, expected {dims} axes: say --dims {image.ndim}"
        )
    if not torch.isfinite(image).all():
        raise RangeError(f"got NaN or infinite values in {entry.source!r}, expected finite images: replace them first")
    if image.is_complex() and settings.field == "real":
        raise RangeError(
            f"got complex images in {entry.source!r} for a real field, expected real ones: --field complex"
        )
    if settings.field == "real":
        _check_bounds(image, settings.limits("images"), entry)
        return image
    return image if image.is_complex() else torch.complex(image, torch.zeros_like(image))


def _grey(picture: Tensor, entry: Entry, session: Session) -> Tensor:
    if len(picture) in (2, 4):
        session.note("pictures with transparency are laid over black")
    if len(picture) >= 3:
        session.note("pictures in color are recovered as grey, by their luminance")
    return luminance(picture)


def _numbers(stored: NDArray[Any], entry: Entry, session: Session) -> Tensor:
    if stored.dtype == np.uint8 and stored.size and stored.max() > 1:
        session.note("images of 8-bit integers are divided by 255")
        return torch.from_numpy(stored.astype(np.float32) / 255)
    if stored.dtype.kind in "biu":
        return torch.from_numpy(stored.astype(np.float32))
    exact = stored.dtype in (np.float64, np.complex128)
    kind = {"f": (np.float32, np.float64), "c": (np.complex64, np.complex128)}[stored.dtype.kind][exact]
    return torch.from_numpy(np.ascontiguousarray(stored.astype(kind)))


def _check_bounds(image: Tensor, bounds: Bounds | None, entry: Entry) -> None:
    low, high = bounds or (None, None)
    least, most = float(image.min()), float(image.max())
    if (low is not None and least < low) or (high is not None and most > high):
        raise RangeError(
            f"got values {least:.4g}…{most:.4g} in {entry.source!r}, expected images within "
            f"{'any' if low is None else f'{low:g}'}…{'any' if high is None else f'{high:g}'}: scale them, or say --bounds "
            f"{least:.4g} {most:.4g}"
        )


def _advise_padding(image: Tensor, settings: Settings, session: Session) -> None:
    if settings.pad or settings.support is not None or min(image.shape) < 3:
        return
    border = torch.cat([image[0], image[-1], image[:, 0], image[:, -1]])
    if float((border > 0.05).float().mean()) > 0.5:
        session.note(
            "a picture that fills its frame is hard to recover: --pad surrounds it with zeros, which makes its magnitudes "
            "determine it"
        )


def _transformed(image: Tensor, settings: Settings) -> tuple[Tensor, Tensor | None]:
    axes = tuple(range(image.ndim))
    support = None
    if settings.pad:
        frame = tuple(2 * side for side in image.shape)
        support = padded_support(tuple(image.shape), frame)
        image = in_frame(image, frame)
    return torch.fft.fftn(image, dim=axes, norm=settings.norm).abs(), support


def in_frame(image: Shaped[Tensor, "*object"], frame: tuple[int, ...]) -> Shaped[Tensor, "*frame"]:
    """The object in the first corner of a frame of zeros."""
    padding = [
        n for small, large in zip(reversed(image.shape), reversed(frame), strict=True) for n in (0, large - small)
    ]
    return torch.nn.functional.pad(image, padding)


def _measured_values(stored: NDArray[Any], entry: Entry, given: Given) -> Tensor:
    if entry.item.picture:
        stored = _counts(stored, entry, given)
    if stored.dtype.kind not in "biuf":
        raise RangeError(f"got complex numbers in {entry.source!r}, expected {given}: take their modulus first")
    if stored.dtype.kind != "f":
        stored = stored.astype(np.float32)
    elif stored.dtype.itemsize > 8:
        stored = stored.astype(np.float64)
    return torch.from_numpy(np.ascontiguousarray(stored))


def _counts(stored: NDArray[Any], entry: Entry, given: Given) -> NDArray[Any]:
    """Numbers as a picture of 16 bits stores them."""
    bits = image_bits(Path(entry.source))
    if bits < 16 or len(stored) != 1:
        what = f"{bits} bits per channel" if bits < 16 else f"{len(stored)} channels"
        raise RangeError(
            f"got the picture {entry.source!r} of {what} as {given}, expected grey of 16 bits or an array, for 8 bits cannot "
            "hold them: if it shows the object itself, say --given images"
        )
    numbers: NDArray[Any] = np.rint(stored[0].astype(np.float64) * 65535).astype(np.float32)
    return numbers


def _cropped(values: Tensor, measured: Tensor | None, side: int, *, centered: bool) -> tuple[Tensor, Tensor | None]:
    """The cube around the brightest voxel, which comes to lie where zero frequency belongs; zeros beyond the frame."""
    if not centered:
        values = torch.fft.fftshift(values)
        measured = None if measured is None else torch.fft.fftshift(measured)
    if not torch.isfinite(values).all() and measured is None:
        raise RangeError(
            "got NaN or infinite values in a pattern to crop, expected finite ones: mask them with --measured"
        )
    seen = values if measured is None else torch.where(measured, values, -torch.inf)
    middle = [int(place) for place in np.unravel_index(int(seen.argmax()), values.shape)]
    out = values.new_zeros([side] * values.ndim)
    known = None if measured is None else measured.new_ones([side] * values.ndim)
    source, target = [], []
    for place, length in zip(middle, values.shape, strict=True):
        first = place - side // 2
        begin, end = max(first, 0), min(first + side, length)
        source.append(slice(begin, end))
        target.append(slice(begin - first, end - first))
    out[tuple(target)] = values[tuple(source)]
    if known is not None and measured is not None:
        known[tuple(target)] = measured[tuple(source)]
    return out, known


def _held_out(
    values: Tensor, measured: Tensor | None, settings: Settings, *, seed: int, centered: bool
) -> Bool[Tensor, "*space"]:
    """A random share of what was measured; of real objects both k and -k, for one would give the other away."""
    chance = torch.rand(values.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if settings.field == "real":
        chance = torch.minimum(chance, reverse(chance, dims=values.ndim))
        chance = 1 - (1 - chance) ** 2  # uniform again
        chance = torch.fft.fftshift(chance) if centered else chance
    held = chance < settings.hold_out
    return held if measured is None else held & measured
