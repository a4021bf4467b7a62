"""What happens to pictures on their way, a batch at once: compression, noise, blur, a crop made large again, fewer pixels."""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from undula.data.draws import normal, uniform
from undula.errors import OptionError

_LUMA = (0.299, 0.587, 0.114)
_TO_COLOR = torch.tensor(
    [_LUMA, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)]
)  # brightness, blue, red: BT.601
_RADIUS = 3  # pixels of the kernel of a blur to each side
_STREAM = 2**40  # numbers of a seed


def compressed(images: UInt8[Tensor, "n 3 h w"], qualities: Int[Tensor, " n"]) -> UInt8[Tensor, "n 3 h w"]:
    """Pictures after JPEG with 4:2:0.

    Args:
        images: Pictures.
        qualities: 1 … 100, one for each.

    Example:
        >>> compressed(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.tensor([50, 90])).shape
        torch.Size([2, 3, 8, 8])
    """
    rows = images.permute(0, 2, 3, 1).contiguous().numpy()
    found = np.empty_like(rows)
    for place, (pixels, quality) in enumerate(zip(rows, qualities.tolist(), strict=True)):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="JPEG", quality=quality, subsampling="4:2:0")
        with Image.open(file) as image:
            found[place] = image
    return torch.from_numpy(found).permute(0, 3, 1, 2)


def noised(
    images: UInt8[Tensor, "n 3 h w"], deviations: Float[Tensor, " n"], seeds: Int[Tensor, " n"]
) -> UInt8[Tensor, "n 3 h w"]:
    """Pictures with white Gaussian noise.

    Args:
        images: Pictures.
        deviations: Standard deviations in grey levels, one for each.
        seeds: Seeds of the noise, one for each.
    """
    noise = normal(seeds, torch.zeros_like(seeds), tuple(images.shape[1:]), dtype=torch.float32)
    return _bytes(images.float() + noise * deviations[:, None, None, None])


def blurred(images: UInt8[Tensor, "n 3 h w"], radii: Float[Tensor, " n"]) -> UInt8[Tensor, "n 3 h w"]:
    """Pictures through a Gaussian, edges repeated.

    Args:
        images: Pictures.
        radii: Standard deviations in pixels, at most 1.5, one for each.
    """
    count, channels, height, width = images.shape
    places = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float32)
    kernels = torch.exp(-0.5 * (places / radii[:, None]) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)[:, None]
    planes = images.reshape(1, -1, height, width).float()
    padded = functional.pad(planes, (_RADIUS,) * 4, mode="replicate")
    across = functional.conv2d(padded, kernels[:, :, None, :], groups=count * channels)
    return _bytes(functional.conv2d(across, kernels[..., None], groups=count * channels).reshape(images.shape))


def enlarged(
    images: UInt8[Tensor, "n 3 h w"], shares: Float[Tensor, " n"], places: Float[Tensor, "n 2"]
) -> UInt8[Tensor, "n 3 h w"]:
    """A part of every picture, made as large as the picture by bilinear interpolation.

    Args:
        images: Pictures.
        shares: Share of height and width that is left, in (0, 1], one for each.
        places: Where the part lies, vertical and horizontal, 0 … 1.
    """
    matrix = torch.zeros(len(images), 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = shares
    matrix[:, :, 2] = (1 - shares)[:, None] * (2 * places.flip(1) - 1)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return _bytes(functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False))


def quantized(images: UInt8[Tensor, "n 3 h w"], steps: Float[Tensor, " n"], *, side: int) -> UInt8[Tensor, "n 3 h w"]:
    """Pictures as block codecs leave them: cosine coefficients of square blocks rounded, those of color at half the size.

    What such codecs have in common; none has exactly these blocks and steps.

    Args:
        images: Pictures.
        steps: Steps of the means in grey levels, one for each; those of the highest frequencies are three times as large.
        side: Side of the blocks of brightness in pixels; those of color have at most 8.
    """
    size = images.shape[-2:]
    planes = torch.einsum("kc,nchw->nkhw", _TO_COLOR, images.float())
    luma = _rounded_blocks(planes[:, :1], steps, side)
    small = functional.interpolate(planes[:, 1:], size=_halves(size), mode="bilinear", antialias=True)
    color = functional.interpolate(_rounded_blocks(small, steps, min(side, 8)), size=size, mode="bilinear")
    return _bytes(torch.einsum("ck,nkhw->nchw", torch.linalg.inv(_TO_COLOR), torch.cat([luma, color], dim=1)))


def _rounded_blocks(planes: Tensor, steps: Tensor, side: int) -> Tensor:
    height, width = planes.shape[-2:]
    padded = functional.pad(planes, (0, -width % side, 0, -height % side), mode="replicate")
    places = torch.arange(side, dtype=torch.float32)
    basis = (math.pi * (places + 0.5) * places[:, None] / side).cos() * math.sqrt(2 / side)
    basis[0] = math.sqrt(1 / side)
    blocks = padded.unfold(2, side, side).unfold(3, side, side)
    sizes = steps[:, None, None, None, None, None] * (1 + (places + places[:, None]) / (side - 1))
    values = ((basis @ blocks @ basis.T) / sizes).round() * sizes
    made = (basis.T @ values @ basis).permute(0, 1, 2, 4, 3, 5).reshape(padded.shape)
    return made[..., :height, :width]


def discolored(images: UInt8[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n 3 h w"]:
    """Pictures whose color differences have half the size in between, as codecs keep them; brightness stays.

    Args:
        images: Pictures.
    """
    values = images.float()
    luma = torch.einsum("c,nchw->nhw", values.new_tensor(_LUMA), values)[:, None]
    small = functional.interpolate(values - luma, size=_halves(images.shape[-2:]), mode="bilinear", antialias=True)
    return _bytes(luma + functional.interpolate(small, size=images.shape[-2:], mode="bilinear"))


def coarsened(images: UInt8[Tensor, "n 3 h w"], share: float) -> UInt8[Tensor, "n 3 h w"]:
    """Pictures made smaller and as large as before.

    Args:
        images: Pictures.
        share: Share of height and width in between, in (0, 1].
    """
    size = [max(1, round(side * share)) for side in images.shape[-2:]]
    small = functional.interpolate(images.float(), size=size, mode="bilinear", antialias=True)
    return _bytes(functional.interpolate(small, size=images.shape[-2:], mode="bilinear"))


@dataclass(frozen=True, kw_only=True)
class Corruptions:
    """Corrupts a share of the pictures of a batch, each by one of seven corruptions of random strength, or by two in turn.

    A picture's number decides what happens to it, whatever the batch.

    Attributes:
        share: Share of pictures that are corrupted.
        again: Share of these that are corrupted a second time: softened, then compressed, a picture is like what other codecs
            leave, which were never learned.
        qualities: Lowest and highest quality of JPEG.
        noise: Least and most noise in grey levels.
        blur: Least and most blur in pixels.
        part: Smallest and largest share of height and width of a crop that is made large again.
        resize: Smallest and largest share of height and width of pictures made smaller and large again.
        steps: Least and most step, in grey levels, to which cosine coefficients of blocks of 4, 8 or 16 pixels are rounded.
        seed: Another seed makes other choices.

    Raises:
        OptionError: A number makes no sense.

    Example:
        >>> images = torch.full((3, 3, 16, 16), 99, dtype=torch.uint8)
        >>> corrupt = Corruptions(share=1.0)
        >>> torch.equal(corrupt(images, torch.tensor([5, 6, 7]))[1:], corrupt(images[1:], torch.tensor([6, 7])))
        True
    """

    share: float = 0.6
    again: float = 0.4
    qualities: tuple[float, float] = (40.0, 95.0)
    noise: tuple[float, float] = (1.0, 8.0)
    blur: tuple[float, float] = (0.3, 1.1)
    part: tuple[float, float] = (0.75, 1.0)
    resize: tuple[float, float] = (0.5, 1.0)
    steps: tuple[float, float] = (3.0, 16.0)
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = (self.qualities, self.noise, self.blur, self.part, self.resize, self.steps)
        sound = all(0 < low <= high for low, high in ranges) and 0 <= self.share <= 1 and 0 <= self.again <= 1
        if not sound or self.qualities[1] > 100 or self.blur[1] > _RADIUS / 2 or max(self.part[1], self.resize[1]) > 1:
            raise OptionError(
                f"got {self}, expected shares in [0, 1], rising ranges above 0, qualities to 100, blur to {_RADIUS / 2}, "
                "parts and sizes to 1"
            )

    def __call__(self, images: UInt8[Tensor, "n 3 h w"], numbers: Int[Tensor, " n"]) -> UInt8[Tensor, "n 3 h w"]:
        """Corrupt.

        Args:
            images: Pictures.
            numbers: Numbers from 0 to 2^40, one for each.

        Returns:
            The pictures, of the same size; some unchanged.
        """
        seeds = numbers + self.seed * _STREAM
        found = images.clone()
        chosen = torch.ones_like(seeds, dtype=torch.bool)
        for turn, share in enumerate((self.share, self.again)):
            drawn = uniform(seeds, torch.full_like(seeds, turn + 1), (5,), dtype=torch.float32)
            chosen &= drawn[:, 0] < share
            kinds = torch.where(chosen, (drawn[:, 1] * len(_KINDS)).long(), -1)
            for kind, change in enumerate(_KINDS):
                places = (kinds == kind).nonzero()[:, 0]
                if len(places):
                    found[places] = change(self, found[places], drawn[places, 2:], seeds[places])
        return found


def _jpeg(plan: Corruptions, images: Tensor, drawn: Tensor, _seeds: Tensor) -> Tensor:
    return compressed(images, _between(plan.qualities, drawn[:, 0]).round().long())


def _noise(plan: Corruptions, images: Tensor, drawn: Tensor, seeds: Tensor) -> Tensor:
    return noised(images, _between(plan.noise, drawn[:, 0]), seeds)


def _blur(plan: Corruptions, images: Tensor, drawn: Tensor, _seeds: Tensor) -> Tensor:
    return blurred(images, _between(plan.blur, drawn[:, 0]))


def _part(plan: Corruptions, images: Tensor, drawn: Tensor, _seeds: Tensor) -> Tensor:
    return enlarged(images, _between(plan.part, drawn[:, 0]), drawn[:, 1:])


def _resize(plan: Corruptions, images: Tensor, drawn: Tensor, _seeds: Tensor) -> Tensor:
    """In quarters of the range, so that those of one share are resized at once."""
    quarters = (drawn[:, 0] * 4).long()
    found = torch.empty_like(images)
    for quarter in range(4):
        share = plan.resize[0] + (plan.resize[1] - plan.resize[0]) * (quarter + 0.5) / 4
        if (quarters == quarter).any():
            found[quarters == quarter] = coarsened(images[quarters == quarter], share)
    return found


def _color(_plan: Corruptions, images: Tensor, _drawn: Tensor, _seeds: Tensor) -> Tensor:
    return discolored(images)


def _codec(plan: Corruptions, images: Tensor, drawn: Tensor, _seeds: Tensor) -> Tensor:
    """Half of the pictures are softened a little, as codecs do where blocks meet."""
    found, steps, sides = torch.empty_like(images), _between(plan.steps, drawn[:, 0]), (drawn[:, 1] * 3).long()
    for place, side in enumerate((4, 8, 16)):
        some = sides == place
        if some.any():
            found[some] = quantized(images[some], steps[some], side=side)
    soft = drawn[:, 2] < 0.5
    if soft.any():
        found[soft] = blurred(found[soft], 0.25 + 0.5 * drawn[soft, 2])
    return found


_KINDS: tuple[Callable[[Corruptions, Tensor, Tensor, Tensor], Tensor], ...] = (
    _jpeg,
    _noise,
    _blur,
    _part,
    _resize,
    _color,
    _codec,
)


def _between(limits: tuple[float, float], shares: Tensor) -> Float[Tensor, " n"]:
    return limits[0] + (limits[1] - limits[0]) * shares


def _halves(size: Sequence[int]) -> list[int]:
    return [max(1, side // 2) for side in size]


def _bytes(values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    return values.round().clamp(0, 255).to(torch.uint8)
