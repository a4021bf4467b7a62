"""What happens to pictures on their way: compressed again, cut, made smaller, and more; by name."""

import io
from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from undula.data.corruptions import Corruptions, blurred, compressed, enlarged, noised

Degradation = Callable[[UInt8[Tensor, "3 h w"]], UInt8[Tensor, "3 _ _"]]

_NOISE = 5.0  # grey levels
_BLUR = 0.7  # pixels
_GAMMA = 1.2

COPIES = 2
"""Degraded copies of every picture that are learned."""


def cut(pixels: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 _ _"]:
    """An eighth less at the lower and the right end, three rows and five columns less at the others.

    The grid of an earlier JPEG moves.

    Args:
        pixels: A picture.
    """
    height, width = pixels.shape[-2:]
    return pixels[:, 3 : height - height // 8, 5 : width - width // 8]


def half_size(pixels: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 _ _"]:
    """Half as high and wide, each pixel the mean of four.

    Args:
        pixels: A picture.
    """
    return _bytes(functional.avg_pool2d(pixels[None].float(), 2)[0])


def noisy(pixels: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
    """With white noise of five grey levels, the same for all pictures of one size.

    Args:
        pixels: A picture.
    """
    return noised(pixels[None], torch.tensor([_NOISE]), torch.zeros(1, dtype=torch.long))[0]


def soft(pixels: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
    """Through a Gaussian of 0.7 pixels.

    Args:
        pixels: A picture.
    """
    return blurred_by(pixels, _BLUR)


def near(pixels: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
    """The inner seven eighths, made as large as the picture.

    Args:
        pixels: A picture.
    """
    return enlarged(pixels[None], torch.tensor([7 / 8]), torch.tensor([[0.5, 0.5]]))[0]


def blurred_by(pixels: UInt8[Tensor, "3 h w"], width: float) -> UInt8[Tensor, "3 h w"]:
    """Through a Gaussian.

    Args:
        pixels: A picture.
        width: Its standard deviation in pixels, at most 1.5.
    """
    return blurred(pixels[None], torch.tensor([width]))[0]


def brightened(pixels: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
    """Raised to the power 1 / 1.2.

    Args:
        pixels: A picture.
    """
    return _bytes(255 * (pixels.float() / 255) ** (1 / _GAMMA))


def as_webp(pixels: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
    """After WebP of quality 75.

    Args:
        pixels: A picture.
    """
    file = io.BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(file, format="WEBP", quality=75)
    with Image.open(file) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


def _compressed(quality: int) -> Degradation:
    return lambda pixels: compressed(pixels[None], torch.tensor([quality]))[0]


def _bytes(values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    return values.round().clamp(0, 255).to(torch.uint8)


ENSEMBLE: dict[str, Degradation] = {
    "JPEG 90": _compressed(90),
    "JPEG 75": _compressed(75),
    "cropped": cut,
    "half size": half_size,
}
"""What a picture is put through before its verdict is believed."""

CORRUPTIONS: dict[str, Degradation] = {
    **ENSEMBLE,
    "JPEG 50": _compressed(50),
    "noise of 5": noisy,
    "blur of 0.7": soft,
    "crop made large": near,
    "WebP 75": as_webp,
    "gamma 1.2": brightened,
}
"""What `undula detect evaluate --corruptions` tries."""


def as_bytes(pixels: Shaped[Tensor, "*some 3 h w"]) -> UInt8[Tensor, "*some 3 h w"]:
    """Pictures in bytes.

    Args:
        pixels: Bytes, or floats in [0, 1].
    """
    return pixels if pixels.dtype == torch.uint8 else _bytes(pixels.float() * 255)


def as_filed(images: Float[Tensor, "n 3 h w"], quality: int | None) -> Float[Tensor, "n 3 h w"]:
    """Pictures of 256 grey levels, as files hold them.

    Args:
        images: Pictures in [0, 1].
        quality: Of a JPEG with 4:2:0 through which they go; None leaves them as they are.
    """
    made = as_bytes(images)
    return (made if quality is None else compressed(made, torch.full((len(made),), quality))).to(images) / 255


def copies_to_learn(
    images: UInt8[Tensor, "n 3 h w"], numbers: Int[Tensor, " n"], *, seed: int
) -> Iterator[tuple[int, Int[Tensor, " some"], UInt8[Tensor, "some 3 _ _"]]]:
    """Two degraded copies of every picture, for those who cannot degrade anew each time they learn.

    The first is corrupted by chance; so is the second of half of the pictures, while others are cut, or half as large.

    Args:
        images: Pictures.
        numbers: Numbers of the pictures, which decide what happens to each.
        seed: Another seed makes other choices.

    Yields:
        Which copy it is, 0 or 1; the places of some pictures; and their copies.
    """
    everyone = torch.arange(len(images))
    yield 0, everyone, Corruptions(share=1.0, seed=2 * seed)(images, numbers)
    again = Corruptions(share=1.0, seed=2 * seed + 1)
    corrupted, others = everyone[numbers % 4 < 2], everyone[numbers % 4 >= 2]
    if len(corrupted):
        yield 1, corrupted, again(images[corrupted], numbers[corrupted])
    for rest, change in ((2, cut), (3, half_size)):
        places = others[numbers[others] % 4 == rest]
        if len(places):
            yield 1, places, torch.stack([change(one) for one in images[places]])
