"""Training a denoiser: pictures in, networks out."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from undula.data import Pictures, find_pictures
from undula.data.crops import Crops
from undula.errors import OptionError, RangeError, ShapeError
from undula.fit import Plan, Progress, Training, train
from undula.jobs.denoise.examples import Examples, Validation, denoising
from undula.losses import ItemLoss, loss_from_text
from undula.nets import UNet, ViTUNet

NetworkWord = Literal["unet", "vit-unet"]
Noise = int | float | tuple[float, float]
_LEVELS = (15 / 255, 25 / 255, 50 / 255)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a denoiser is trained.

    Attributes:
        noise: Standard deviation of white Gaussian noise in image units, or the lowest and the highest.
        loss: Loss as text (see `undula.losses.loss_from_text`).
        network: Which network.
        steps: Steps of the optimizer.
        batch: Crops per step.
        size: Side of the crops; smaller where a picture is.
        rate: Highest learning rate.
        precision: Precision of the network's arithmetic.
        held_out: Pictures, the last ones, that choose the best weights and are not trained on; a tenth, at most 16, if None.
        seed: Seed of the first weights, the crops and the noise.
    """

    noise: Noise = (5 / 255, 55 / 255)
    loss: str = "charbonnier"
    network: NetworkWord = "unet"
    steps: int = 20_000
    batch: int = 8
    size: int = 96
    rate: float = 1e-3
    precision: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    held_out: int | None = None
    seed: int = 0

    @property
    def levels(self) -> tuple[float, float]:
        """Lowest and highest noise level.

        Raises:
            RangeError: They make no sense.
        """
        low, high = (self.noise, self.noise) if isinstance(self.noise, int | float) else self.noise
        if not 0 <= low <= high <= 1 or high == 0:
            raise RangeError(
                f"got noise {self.noise}, expected a standard deviation in image units above 0 and not above 1, or the lowest "
                "and the highest: 25/255, or (5/255, 55/255)"
            )
        return low, high

    def plan(self) -> Plan:
        """The plan of the training loop."""
        return Plan(
            steps=self.steps, batch=self.batch, rate=self.rate, warmup=min(200, self.steps // 10), final_rate=0.001,
            betas=(0.9, 0.99), weight_decay=1e-4, clip=1.0, ema=0.999, precision=self.precision, check_every=50,
            validate_every=max(50, self.steps // 25), save_every=250, seed=self.seed,
        )  # fmt: skip


def train_network(
    pictures: Pictures,
    recipe: Recipe,
    *,
    network: nn.Module | None = None,
    loss: ItemLoss | None = None,
    folder: str | Path | None = None,
    device: torch.device | str | None = None,
    callback: Callable[[int, Progress], object] | None = None,
) -> tuple[Training, dict[str, Any]]:
    """Train a network on pictures.

    Args:
        pictures: Clean pictures, or pairs.
        recipe: How.
        network: A network of the caller's instead of the recipe's.
        loss: A loss of the caller's instead of the recipe's.
        folder: Where checkpoints are kept; a training found there goes on.
        device: Where to train.
        callback: Told of every step.

    Returns:
        The training, and what is to be known of it.

    Raises:
        OptionError: The recipe makes no sense.
        ShapeError: A picture is smaller than 16 pixels.
    """
    low, high = recipe.levels
    clean = pictures.clean
    size = _crop_size(clean, recipe.size)
    held = _held_out(len(clean), recipe.held_out)
    stacks = clean if pictures.noisy is None else [torch.cat(pair) for pair in zip(clean, pictures.noisy, strict=True)]
    examples = Examples(
        Crops(stacks[: len(stacks) - held], size=size, seed=recipe.seed), (low, high), paired=pictures.noisy is not None
    )
    torch_state = torch.random.get_rng_state()
    torch.manual_seed(recipe.seed)
    made = network if network is not None else _network(recipe.network, channels=clean[0].shape[0])
    torch.random.set_rng_state(torch_state)
    judge = None if not held else _judge(pictures, held, (low, high))
    settings = {
        **{key: value for key, value in asdict(recipe).items() if key not in ("steps", "rate")},
        "loss": recipe.loss if loss is None else repr(loss),
        "network": recipe.network if network is None else repr(type(network)),
        "size": size,
        "pictures": len(clean),
    }
    done = train(
        made.to(memory_format=torch.channels_last), examples,  # type: ignore[call-overload]
         denoising(loss or loss_from_text(recipe.loss)),
        plan=recipe.plan(), folder=folder, validate=judge, callback=callback, device=device, settings=settings,
    )  # fmt: skip
    facts: dict[str, Any] = {
        "training": settings | {"steps": done.steps, "best_step": done.best_step},
        "levels": [low, high],
    }
    if done.best_value is not None:
        facts["psnr"] = round(-done.best_value, 3)
    if pictures.noisy is not None:
        facts["sigma"] = float(torch.stack([(b - a).std() for a, b in zip(clean, pictures.noisy, strict=True)]).mean())
    return done, facts


def read_training_data(data: Any, *, channels: Literal[1, 3] | None = None) -> Pictures:
    """Pictures from whatever holds them.

    Args:
        data: A folder, a file, a named set or several of these (see `undula.data.find_pictures`); pictures in memory: a
            tensor (n, c, h, w) or a sequence of (c, h, w); or `Pictures`.
        channels: 1 for grey, 3 for color, None for what the pictures are; of files only.

    Returns:
        The pictures.

    Raises:
        DataError: Nothing can be read.
        ShapeError: A tensor is no picture.
    """
    if isinstance(data, Pictures):
        return data
    if isinstance(data, Tensor) or (
        isinstance(data, Sequence) and data and all(isinstance(one, Tensor) for one in data)
    ):
        rows = list(data)
        for one in rows:
            if one.ndim != 3 or not one.is_floating_point():
                raise ShapeError(
                    f"got a picture of shape {tuple(one.shape)} and {one.dtype}, expected floats (channels, height, width)"
                )
        return Pictures([str(place) for place in range(len(rows))], rows, None, {})
    return find_pictures(data, channels=channels)


def _network(word: str, *, channels: int) -> nn.Module:
    if word == "unet":
        return UNet(channels)
    if word == "vit-unet":
        return ViTUNet(channels=channels)
    raise OptionError(f"got network={word!r}, expected 'unet', 'vit-unet' or a module: choose one")


def _crop_size(pictures: Sequence[Tensor], wanted: int) -> int:
    smallest = min(min(picture.shape[1:]) for picture in pictures)
    size = min(wanted, smallest // 8 * 8)
    if size < 16:
        raise ShapeError(f"got a picture with a side of {smallest} pixels, expected at least 16: leave it out")
    return int(size)


def _held_out(count: int, wanted: int | None) -> int:
    held = min(16, count // 10) if wanted is None else wanted
    if not 0 <= held < count:
        raise OptionError(
            f"got {held} of {count} pictures held out, expected fewer than there are: held_out=0 trains on all"
        )
    return held


def _judge(pictures: Pictures, held: int, levels: tuple[float, float]) -> Validation:
    low, high = levels
    clean = pictures.clean[-held:]
    size = min(256, min(min(picture.shape[1:]) for picture in clean))
    if pictures.noisy is not None:
        return Validation.of_pairs(clean, pictures.noisy[-held:], size=size)
    known = tuple(level for level in _LEVELS if low <= level <= high) or ((low + high) / 2,)
    return Validation.of(clean, levels=known, size=size)
