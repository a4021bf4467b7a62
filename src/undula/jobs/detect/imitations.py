"""Real pictures made softer, sharper or by a network, which stand for generators that nobody has seen yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from undula.errors import OptionError
from undula.jobs.detect.degradations import as_bytes, as_filed
from undula.jobs.detect.reading import Picture, Source
from undula.jobs.detect.rediffusion import rediffused, train_denoiser
from undula.spectra import dct, idct

# ITU-R BT.601, as JPEG has it.
_LUMA_CHROMA = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_EDGES = ((0.4, 1.2), (0.1, 0.7))  # where brightness and colors begin to fade, 1 being the highest frequency of an axis


def softened(
    images: Float[Tensor, "n 3 h w"],
    *,
    generator: torch.Generator | None = None,
    quality: int | None = None,
    sharp: bool = False,
) -> Float[Tensor, "n 3 h w"]:
    """Let the high frequencies of pictures fade, each picture by a gain of its own, brightness and colors apart.

    Generators whose pictures are sharper than photographs that were made small (Stable Diffusion) teach a detector that soft is
    real; decoders are soft. Soft copies of real pictures as one more generator, and a model that can bend (`model="mlp"`), show
    it the other side: the gain is 1 - a / (1 + exp((c - r) / w)) with random depth a, edge c and width w.

    Args:
        images: Real pictures in [0, 1], not those that are learned as real ones.
        generator: Source of chance.
        quality: Of a JPEG with 4:2:0 through which the copies go, so that they are compressed as the real ones are; None
            leaves them as they are.
        sharp: Whether the frequencies rise in place of fading, for detectors that know soft generators alone: 1 + a / (1 + …).

    Returns:
        Soft pictures of 256 grey levels in [0, 1].

    When it fails: generators that are neither sharper nor softer than real pictures.

    Example:
        >>> noise = torch.rand(2, 3, 16, 16)
        >>> bool((softened(noise).diff().abs().mean() < noise.diff().abs().mean()))
        True
    """
    forward = images.new_tensor(_LUMA_CHROMA)
    planes = torch.einsum("oc,nchw->nohw", forward, images)
    radius = torch.hypot(*_axes(images))
    fading = (_gains(radius, len(images), edges, generator) for edges in _EDGES)
    bright, colors = (1 + part if sharp else 1 - part for part in fading)
    soft = idct(dct(planes) * torch.stack([bright, colors, colors], dim=1))
    return as_filed(torch.einsum("oc,nchw->nohw", torch.linalg.inv(forward), soft).clamp(0, 1), quality)


def with_imitations(
    classes: dict[str, list[Source]],
    words: Sequence[str],
    *,
    seed: int,
    callback: Callable[[str, int], object] | None = None,
) -> dict[str, list[Source]]:
    """Some of the real pictures, made others, as classes of their own; they are not learned as real ones then.

    Args:
        classes: Pictures by the name of their class.
        words: Names of the classes that join: of "softened", "sharpened" and "rediffused".
        seed: Seed of all chance.
        callback: Called with "rediffusion" and the percents done, where a network is trained first.

    Returns:
        The classes. With one class more the real pictures are shared by two, every second one each, with two by three.

    Raises:
        OptionError: There is a class of that name.
        DataError: Real pictures are wanted for a network and none can be read.
    """
    taken = [name for name in words if name in classes]
    if taken:
        raise OptionError(f"got a generator that is called {taken[0]!r}, expected another name: rename its folder")
    real, parts = classes["real"], len(words) + 1
    made = {}
    for part, name in enumerate(words, start=1):
        own = [(number, one) for number, one in enumerate(real) if number % parts == part]
        how: Imitator = partial(softened, sharp=name == "sharpened")
        if name == "rediffused":
            told = None if callback is None else partial(callback, "rediffusion")
            how = partial(rediffused, denoiser=train_denoiser([one for _, one in own], seed=seed, callback=told))
        made[name] = [one._replace(change=_Imitation(name, how, seed * len(real) + number)) for number, one in own]
    return {**classes, "real": real[::parts], **made}


Imitator = Callable[..., Tensor]


@dataclass(frozen=True)
class _Imitation:
    """A copy that goes through the JPEG of its original."""

    name: str
    how: Imitator
    seed: int

    def __call__(self, picture: Picture) -> Picture:
        assert picture.pixels is not None and picture.facts is not None
        generator = torch.Generator().manual_seed(self.seed)
        images, quality = as_bytes(picture.pixels)[None].float() / 255, picture.facts.jpeg_quality
        copy = self.how(images, generator=generator, quality=quality)[0]
        return replace(picture, name=f"{picture.name} ({self.name})", pixels=as_bytes(copy))


def _axes(images: Tensor) -> tuple[Tensor, Tensor]:
    down, across = (torch.linspace(0, 1, side, dtype=images.dtype) for side in images.shape[-2:])
    return down[:, None].to(images.device), across[None].to(images.device)


def _gains(radius: Tensor, count: int, edges: tuple[float, float], generator: torch.Generator | None) -> Tensor:
    shares = torch.rand(3, count, 1, 1, generator=generator).to(radius)
    depth, edge, width = 0.15 + 0.85 * shares[0], edges[0] + (edges[1] - edges[0]) * shares[1], 0.03 + 0.17 * shares[2]
    return depth * torch.sigmoid((radius - edge) / width)
