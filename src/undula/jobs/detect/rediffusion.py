"""Real pictures, noised and brought back by a small diffusion model: they stand for generators that nobody has seen yet."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from undula.errors import DataError
from undula.fit import Plan, train
from undula.jobs.detect.degradations import as_bytes, as_filed
from undula.jobs.detect.reading import Source, find_sources, read_pictures

_SIDE, _CROPS = 32, 4  # of the crops that the model learns, and how many of a picture that is larger
_PICTURES = 4000  # that it learns at most
_WIDTH, _STEPS, _BATCH, _RATE = 40, 500, 32, 2e-3
_NOISE = (0.03, 0.28)  # deviations that pictures are noised with, uniformly drawn
_RETURN = 4  # steps of the way back
_SPREAD = 0.25  # deviation of pixels about medium grey
_LARGEST = 256  # pixels: of larger pictures a cut of this side is made


class Denoiser(nn.Module):
    """Five convolutions that name the noise in pictures of any size, told its deviation.

    Args:
        width: Channels of the maps.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(4, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1), nn.SiLU(),
            nn.Conv2d(width, 3, 3, padding=1),
        )  # fmt: skip

    def forward(
        self, images: Float[Tensor, "n 3 h w"], deviation: Float[Tensor, "n 1 1 1"]
    ) -> Float[Tensor, "n 3 h w"]:
        """Name the noise.

        Args:
            images: Noisy pictures.
            deviation: Of the noise, in units of the pictures.

        Returns:
            Noise of deviation 1.
        """
        level = (images - 0.5) / (deviation.square() + _SPREAD**2).sqrt()
        named: Tensor = self.layers(torch.cat([level, deviation.expand(-1, 1, *images.shape[-2:])], dim=1))
        return named


def train_denoiser(data: Any, *, seed: int = 0, callback: Callable[[int], object] | None = None) -> Denoiser:
    """Train a denoiser on pictures, some seconds to a minute.

    Args:
        data: Real pictures as in `Detector.fit`; of more than 4,000 some, and of those above 32 pixels four crops.
        seed: Seed of crops, first weights, order and noise.
        callback: Called with the share that is done, in percent.

    Returns:
        It.

    Raises:
        DataError: No picture can be read.
    """
    generator = torch.Generator().manual_seed(seed)
    crops = _crops(find_sources(data), generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Denoiser(_WIDTH)

    def examples(numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        some = crops[torch.randint(len(crops), (len(numbers),), generator=generator)].float() / 255
        deviation = 0.005 + 0.4 * torch.rand(len(some), 1, 1, 1, generator=generator).square()
        noise = torch.randn(some.shape, generator=generator)
        return some + deviation * noise, deviation, noise

    def objective(model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        noisy, deviation, noise = batch
        return functional.mse_loss(model(noisy, deviation), noise)

    plan = Plan(
        steps=_STEPS, batch=_BATCH, rate=_RATE, warmup=_STEPS // 10, clip=1.0, ema=0.98, check_every=100,
        validate_every=_STEPS, save_every=_STEPS, precision="bfloat16", seed=seed,
    )  # fmt: skip
    told = callback or (lambda _: None)
    train(network, examples, objective, plan=plan, callback=lambda step, _: step % 25 or told(100 * step // _STEPS))
    return network.eval().requires_grad_(False)


@torch.no_grad()
def rediffused(
    images: Float[Tensor, "n 3 h w"],
    *,
    denoiser: Callable[[Tensor, Tensor], Tensor],
    generator: torch.Generator | None = None,
    quality: int | None = None,
) -> Float[Tensor, "n 3 cut_h cut_w"]:
    """Noise pictures and bring them back in four steps, each picture with noise of its own deviation.

    What comes back has the content of a real picture and the traces of a network that took noise for detail, as pictures of
    diffusion models have.

    Args:
        images: Real pictures in [0, 1], not those that are learned as real ones; of larger ones a cut of 256 pixels is made,
            at a place that chance takes, on the grid of a JPEG.
        denoiser: From `train_denoiser`: noise of deviation 1, of noisy pictures and its deviation (n, 1, 1, 1).
        generator: Source of chance.
        quality: Of a JPEG with 4:2:0 through which the copies go; None leaves them as they are.

    Returns:
        Pictures of 256 grey levels in [0, 1].

    When it fails: generators whose pictures have another origin than noise.

    References: Meng et al., SDEdit: guided image synthesis and editing with stochastic differential equations, 2022. Song,
    Meng, Ermon, Denoising diffusion implicit models, 2021.
    """
    images = _cut(images, generator)
    shares = torch.rand(len(images), 1, 1, 1, generator=generator).to(images)
    deviation = _NOISE[0] + (_NOISE[1] - _NOISE[0]) * shares
    made = images + deviation * torch.randn(images.shape, generator=generator).to(images)
    for step in range(_RETURN):
        now, after = (deviation * (1 - place / _RETURN) for place in (step, step + 1))
        noise = denoiser(made, now)
        made = (made - now * noise).clamp(0, 1) + after * noise
    return as_filed(made.clamp(0, 1), quality)


def _crops(sources: Sequence[Source], generator: torch.Generator) -> Tensor:
    """Squares of pictures, in bytes."""
    some = torch.randperm(len(sources), generator=generator)[:_PICTURES].tolist()
    found, side = [], _SIDE
    for picture in read_pictures([sources[place]._replace(change=None) for place in some]):
        if picture.pixels is None:
            continue
        pixels = as_bytes(picture.pixels)
        height, width = pixels.shape[-2:]
        side = min(side, height, width)
        for _ in range(_CROPS if height * width > _SIDE**2 else 1):
            top, left = (
                int(torch.randint(max(1, length - _SIDE + 1), (), generator=generator)) for length in (height, width)
            )
            found.append(pixels[:, top : top + _SIDE, left : left + _SIDE])
    if not found:
        raise DataError(f"got no picture of {len(sources)} that can be read, expected some to learn noise from")
    return torch.stack([one[:, :side, :side] for one in found])


def _cut(images: Tensor, generator: torch.Generator | None) -> Tensor:
    for axis in (-2, -1):
        spare = images.shape[axis] - _LARGEST
        if spare > 0:
            place = 8 * int(torch.randint(spare // 8 + 1, (), generator=generator))
            images = images.narrow(axis, place, _LARGEST)
    return images
