"""`restore`: one call from a picture with missing pixels to a whole one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from undula.data.given import read_sigma
from undula.data.opponent import from_opponent, opponent_spread, to_opponent
from undula.errors import OptionError
from undula.jobs.restore.corruption import Corruption, find_corrupted, weighed
from undula.jobs.restore.descent import descent, roughness
from undula.jobs.restore.learned import learned
from undula.jobs.restore.model import shipped
from undula.jobs.restore.reading import Reading, read
from undula.jobs.restore.result import Restoration, Search
from undula.jobs.restore.smooth import smooth
from undula.jobs.restore.variation import least_variation

Method = Literal["best", "smooth", "tv", "descent"]
METHODS: tuple[Method, ...] = ("best", "smooth", "tv", "descent")
TILE = 1024
"""Side of the tiles of large pictures; memory grows with its square."""
_AT_ONCE = 2**22  # pixels that are filled together; more take longer, out of reach of the caches
_SCALES = torch.tensor([3**0.5, 2.0, 2.0])[:, None, None]  # of the opponent planes, so that the network sees [0, 1]
_LOOK, _MOST = 10, 0.97
_OFFSETS = torch.tensor([0.0, 0.5, 0.5])[:, None, None]


def restore(
    image: Any,
    missing: Any = None,
    *,
    method: Method = "best",
    noise: Any = None,
    dims: int = 2,
    steps: int | None = None,
    tile: int = TILE,
    callback: Callable[[int, dict[str, Any]], object] | None = None,
) -> Restoration:
    """Fill pixels that are missing or corrupted.

    Args:
        image: Images (h, w), (c, h, w) or (…, c, h, w) in [0, 1] with any number of channels, a tensor or a NumPy array;
            with `dims=3` volumes (…, c, d, h, w). NaN is missing.
        missing: True where a pixel is not to be trusted: booleans of the images' shape, of its last axes, or (…, h, w), one
            for each image. None finds it: black and white that disagrees with its surroundings.
        method: "best", a network on top of "smooth"; "smooth", the least fractional Sobolev norm; "tv", the least total
            variation; "descent", 500 steps of gradient descent on the differences of neighbors, the seed's, of images only.
            Volumes have no network: "best" is "smooth" there.
        noise: Standard deviation of white noise on the known pixels in image units, one for all or one per image; they are
            then changed, too. With "best" only.
        dims: How many of the last axes are space.
        steps: Steps of a method other than "best", if not the 16, 300 and 500 that they were measured to need.
        tile: Side of the tiles that larger pictures are cut into for the network; results do not depend on it.
        callback: Called with (step, {…}) on the way: "share" done, and of the seed's method "image" and "roughness".

    Returns:
        The images, what was missing, and how far they can be trusted.

    Raises:
        ShapeError: The images have too few axes, or `missing` is of another size.
        RangeError: Integers, infinite values, or values outside [0, 1].
        OptionError: An option makes no sense.
        DataError: Every pixel of an image is missing.

    When it fails: detail between known pixels is guessed, and `interval` says how well; a texture finer than their distance
    becomes smooth. Pixels that were replaced by other values than black and white are not found: say which they are.

    Example:
        >>> picture = torch.linspace(0, 1, 32).expand(32, 32)
        >>> result = restore(picture, torch.rand(32, 32) < 0.5, method="smooth")
        >>> bool((result.image - picture).abs().max() < 0.1)
        True
    """
    _check_options(method, noise, dims, steps, tile)
    reading = read(image, missing, dims=dims)
    found = _search(reading, tile) if missing is None else None
    lost = found.missing if found is not None else reading.missing
    assert lost is not None
    history: list[dict[str, Any]] = []
    share = lost.flatten(1).double().mean(1)
    work = _Work(reading.planes, lost, steps, tile, _watched(callback, history))
    filled, interval = work.best(noise) if method == "best" and dims == 2 else (work.plane_by_plane(method), None)
    stays = noise is None
    whole = filled.clamp(0, 1)
    whole = whole if found is None else weighed(whole, reading.planes, found.before, interval)
    whole = torch.where(lost, whole, reading.planes) if stays else whole
    if interval is not None:
        interval = reading.back(torch.where(lost, interval, 0) if stays else interval)
    return Restoration(
        image=reading.back(whole),
        missing=reading.back(lost),
        interval=interval,
        search=None if found is None else Search(found.precision, found.recall),
        share=tuple(float(one) for one in share),
        history=tuple(history),
        advice=tuple([*_advice(reading, share), *([] if found is None else found.advice)]),
    )


def _search(reading: Reading, tile: int) -> Corruption:
    network = shipped().areas.to(reading.planes.device)
    return find_corrupted(reading.planes, gaps=reading.missing, network=network, tile=tile)


@dataclass(frozen=True)
class _Work:
    """Planes to fill, and how."""

    planes: Tensor
    missing: Tensor
    steps: int | None
    tile: int
    callback: Callable[[int, dict[str, Any]], object] | None

    def plane_by_plane(self, method: Method) -> Tensor:
        """Every channel for itself, a few at a time where they are large."""
        flat, lost = self.planes.flatten(0, 1), self.missing.flatten(0, 1)
        group = max(1, _AT_ONCE // flat[0].numel())
        parts = zip(torch.split(flat, group), torch.split(lost, group), strict=True)
        return torch.cat([self._fill(method, some, gone) for some, gone in parts]).reshape(self.planes.shape)

    def _fill(self, method: Method, image: Tensor, missing: Tensor) -> Tensor:
        steps = {} if self.steps is None else {"steps": self.steps}
        if method == "descent":
            return descent(image, missing, callback=self.callback, **steps)
        if method == "tv":
            return least_variation(image, missing, start=smooth(image, missing), **steps)
        return smooth(image, missing, **steps)

    def best(self, noise: Any) -> tuple[Tensor, Tensor]:
        """The network; color, where its channels miss the same pixels, as brightness and two differences."""
        model = shipped()
        network, told = model.network.to(self.planes.device), self.callback
        items, channels = self.planes.shape[:2]
        sigma = read_sigma(0.0 if noise is None else noise, count=items).to(self.planes)
        color = channels == 3 and bool((self.missing == self.missing[:, :1]).all())
        planes = to_opponent(self.planes) / _SCALES.to(self.planes) + _OFFSETS.to(self.planes) if color else self.planes
        levels = sigma[:, None] / (_SCALES.flatten().to(sigma) if color else torch.ones(channels).to(sigma))
        filled, width = learned(
            planes.flatten(0, 1), self.missing.flatten(0, 1), network=network, sigma=levels.flatten(), tile=self.tile,
            callback=None if told is None else lambda share: told(round(100 * share), {"share": share}),
        )  # fmt: skip
        share = self.missing.flatten(2).float().mean(2)[..., None, None]
        filled, width = filled.reshape(planes.shape), width.reshape(planes.shape) * model.widening(share)
        if not color:
            return filled, width
        spread = opponent_spread(width * _SCALES.to(width))
        return from_opponent((filled - _OFFSETS.to(filled)) * _SCALES.to(filled)), spread


def _check_options(method: str, noise: Any, dims: int, steps: int | None, tile: int) -> None:
    if method not in METHODS:
        raise OptionError(f"got method={method!r}, expected one of {', '.join(METHODS)}: choose one")
    if noise is not None and (method != "best" or dims != 2):
        raise OptionError(
            f"got noise with method={method!r} and dims={dims}, expected method='best' and images, where alone known pixels "
            "are changed: denoise them first"
        )
    if method == "descent" and dims != 2:
        raise OptionError(f"got method='descent' with dims={dims}, expected images: choose method='smooth'")
    if steps is not None and (steps < 1 or method == "best"):
        raise OptionError(
            f"got steps={steps} with method={method!r}, expected at least 1, and another method than 'best', which has none"
        )
    if tile < 64:
        raise OptionError(f"got tile={tile}, expected at least 64 pixels: tile={TILE}")


def _watched(
    callback: Callable[[int, dict[str, Any]], object] | None, history: list[dict[str, Any]]
) -> Callable[[int, dict[str, Any]], object]:
    """Write down what happened, and pass it on."""

    def watch(step: int, told: dict[str, Any]) -> None:
        if "image" in told and step % _LOOK == 0:
            told = told | {"roughness": roughness(told["image"]).tolist()}
            history.append({"step": step, "roughness": told["roughness"]})
        if callback is not None:
            callback(step, told)

    return watch


def _advice(reading: Reading, share: Tensor) -> list[str]:
    """What to know beside the result."""
    words = []
    if reading.gaps:
        one = reading.gaps == 1
        words.append(f"{reading.gaps} {'value was' if one else 'values were'} NaN and taken for missing")
    if float(share.max()) == 0:
        words.append("nothing is missing: the image is unchanged")
    if float(share.max()) > _MOST:
        words.append(f"{share.max():.1%} of the pixels are missing: what stands between the others is a guess")
    return words
