"""Pictures that Undula makes itself: digits on paper, and what small decoders trained on the spot make of them."""

from collections.abc import Callable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from undula.data import drawn_digits, write_image
from undula.data.atomic import make_folder
from undula.fit import Plan, train

SIDE = 28
GENERATORS = ("nearest", "transposed")
UNSEEN = "components"
"""Generators to learn, and one that is only in the test."""
_TRAINING, _TEST = 240, 60  # pictures of each class
_SCHOOL = 600  # digits that the decoders learn from, which nothing else sees
_CODE = 24
_COMPONENTS = 40
_GRAIN = 0.02

Digits = Float[Tensor, "n side side"]


def write_sample(folder: Path, *, seed: int, steps: int, callback: Callable[[str], object] | None = None) -> None:
    """Draw digits and let generators make more.

    Real pictures are digits drawn on paper. The generators copy other ones: an autoencoder whose decoder repeats pixels
    ("nearest"), one with transposed convolutions ("transposed"), and the principal components of such pictures
    ("components"), which is only in the test. No digit is in two folders.

    Args:
        folder: Gets `train` and `test` with a folder of each class.
        seed: Seed of the digits and of the decoders.
        steps: Steps of training of each decoder.
        callback: Called with what is being made.
    """
    told = callback or (lambda _: None)
    told("digits")
    generator = torch.Generator().manual_seed(seed)
    each = _TRAINING + _TEST
    digits = on_paper(drawn_digits(_SCHOOL + 3 * each + _TEST, generator=generator, size=SIDE), generator=generator)
    digits = digits[torch.randperm(len(digits), generator=generator)]
    school, real, first, second, third = torch.split(digits, [_SCHOOL, each, each, each, _TEST])
    made = {"real": real}
    for name, originals in zip(GENERATORS, (first, second), strict=True):
        told(name)
        network = trained_decoder(school, transposed=name == "transposed", steps=steps, seed=seed)
        with torch.no_grad():
            made[name] = network(originals[:, None])[:, 0].clamp(0, 1)
    for name, pictures in made.items():
        _write(folder / "train" / name, pictures[:_TRAINING])
        _write(folder / "test" / name, pictures[_TRAINING:])
    told(UNSEEN)
    _write(folder / "test" / UNSEEN, by_components(school, third))


def on_paper(digits: Digits, *, generator: torch.Generator) -> Digits:
    """Digits on paper with grain, under uneven light, in ink of another strength each.

    Bare digits have flat black around them, which no copy keeps: colors of coarse blocks would tell, without any trace.

    Args:
        digits: Digits in [0, 1].
        generator: Of light, ink and grain.

    Returns:
        Pictures in [0, 1], hardly any pixel at either end.
    """
    count, side = digits.shape[:2]
    light = torch.rand(count, 1, 3, 3, generator=generator)
    paper = 0.15 + 0.25 * functional.interpolate(light, size=side, mode="bicubic", align_corners=True)[:, 0]
    ink = 0.45 + 0.15 * torch.rand(count, 1, 1, generator=generator)
    return (paper + ink * digits + _GRAIN * torch.randn(digits.shape, generator=generator)).clamp(0, 1)


def trained_decoder(school: Digits, *, transposed: bool, steps: int, seed: int) -> nn.Module:
    """Train a small autoencoder on digits.

    Args:
        school: Digits.
        transposed: Whether the decoder grows by transposed convolutions, else by repeated pixels.
        steps: Steps of training.
        seed: Seed of weights and order.

    Returns:
        A network from pictures (n, 1, 28, 28) to pictures.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Autoencoder(transposed=transposed)
    images = school[:, None]
    plan = Plan(
        steps=steps, batch=32, rate=1e-2, warmup=min(20, steps // 4), check_every=steps, validate_every=steps,
        save_every=steps, seed=seed,
    )  # fmt: skip
    train(
        network, lambda numbers: images[numbers * 7 % len(images)],
        lambda model, some: functional.mse_loss(model(some), some), plan=plan,
    )  # fmt: skip
    return network.eval()


class Autoencoder(nn.Module):
    """From 28 × 28 pixels to 24 numbers and back, twice through an up-sampling by two.

    Args:
        transposed: Whether it is a transposed convolution, else repeated pixels and a convolution.
    """

    def __init__(self, *, transposed: bool) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.LeakyReLU(0.1), nn.Conv2d(16, 16, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(16 * 49, _CODE),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(_CODE, 16 * 49), nn.LeakyReLU(0.1), nn.Unflatten(1, (16, 7, 7)),
            *_doubled(16, 16, transposed), nn.LeakyReLU(0.1), *_doubled(16, 1, transposed),
        )  # fmt: skip

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
        """Copy pictures.

        Args:
            images: Pictures in [0, 1].
        """
        copied: Tensor = self.decoder(self.encoder(images))
        return copied


def by_components(school: Float[Tensor, "m side side"], originals: Digits) -> Digits:
    """Pictures made of the first principal components of others.

    Args:
        school: Pictures whose components are taken.
        originals: Pictures to copy.

    Returns:
        The copies, clipped to [0, 1].
    """
    mean = school.flatten(1).mean(dim=0)
    _, _, directions = torch.linalg.svd(school.flatten(1) - mean, full_matrices=False)
    some = directions[:_COMPONENTS]
    copies = (originals.flatten(1) - mean) @ some.T @ some + mean
    return copies.clamp(0, 1).reshape(originals.shape)


def _doubled(before: int, after: int, transposed: bool) -> list[nn.Module]:
    if transposed:
        return [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
    return [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(before, after, 3, padding=1)]


def _write(folder: Path, pictures: Digits) -> None:
    make_folder(folder)
    for number, one in enumerate(pictures):
        write_image(folder / f"{number:03d}.png", one[None].clamp(0, 1))
