"""Denoisers: trained, kept, and applied to images of any size."""

from collections.abc import Callable
from dataclasses import fields
from difflib import get_close_matches
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from undula.data.atomic import make_folder
from undula.data.given import read_images, read_sigma
from undula.data.opponent import from_opponent, to_opponent
from undula.data.refusal import reading
from undula.errors import DataError, OptionError, ShapeError
from undula.fit import Progress
from undula.jobs.denoise.sharpness.dial import SharpnessDial, check_sharpness
from undula.jobs.denoise.training import NetworkWord, Recipe, read_training_data, train_network
from undula.losses import ItemLoss
from undula.nets.noise_level import NoiseLevel
from undula.nets.storage import read_model, write_model
from undula.nets.tiles import in_tiles

TILE = 512


class Denoiser:
    """A network that removes noise, and one that measures it.

    Args:
        network: Maps noisy images (b, c, h, w) and their noise levels (b,) to clean ones; None until `fit`.
        noise_level: Maps images to one noise level each; without it `sigma` must be said.
        facts: What else is to be known of the weights, in plain values: licence, pictures, levels.

    When it fails: noise that is not white (JPEG, scans, enlarged pictures), or not Gaussian, is removed in part only; detail
    weaker than the noise is lost, which the sharpness dial cannot bring back (see `SharpnessDial`).

    Example:
        >>> from undula.nets import UNet
        >>> noisy = torch.rand(20, 30)
        >>> Denoiser(UNet(widths=(4, 6), blocks=(1, 1))).transform(noisy, sigma=0.1).shape
        torch.Size([20, 30])
    """

    def __init__(
        self,
        network: nn.Module | None = None,
        *,
        noise_level: NoiseLevel | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.network = None if network is None else network.eval()
        self.noise_level = None if noise_level is None else noise_level.eval()
        self.facts: dict[str, Any] = dict(facts or {})

    @property
    def dial(self) -> SharpnessDial | None:
        """The sharpness dial that was calibrated with this network; without one it calibrates itself on every image."""
        known = self.facts.get("dial")
        return None if known is None else SharpnessDial.from_facts(known)

    def dial_for(self, images: Float[Tensor, "b c h w"], levels: Float[Tensor, " b"]) -> SharpnessDial:
        """The dial of this network or, where it has none or the images have other channels, one of these images.

        Args:
            images: Noisy images.
            levels: Their noise levels.
        """
        known = self.dial if images.shape[1] == self._channels() else None
        return known or SharpnessDial().fit(self, images, sigma=levels)

    def fit(
        self,
        data: Any,
        *,
        network: nn.Module | NetworkWord | None = None,
        loss: ItemLoss | str | None = None,
        channels: Literal[1, 3] | None = None,
        folder: str | Path | None = None,
        device: torch.device | str | None = None,
        callback: Callable[[int, Progress], object] | None = None,
        **options: Any,
    ) -> "Denoiser":
        """Train a network.

        Args:
            data: A folder, a named set, several of these, or pictures in memory: a tensor (n, c, h, w) or a sequence of
                (c, h, w) in [0, 1]. Files `*_raw` and `*_noised` are pairs of a clean and a noisy picture; to others
                white Gaussian noise is added, anew for every crop.
            network: "unet", "vit-unet", or a module, called as network(images, sigma); `save` keeps those of `undula.nets`.
            loss: A text such as "0.8*mse+0.2*fourier" (see `undula.losses.loss_from_text`), or a loss.
            channels: Of files: 1 for grey, 3 for color, None for what the pictures are.
            folder: Where checkpoints are kept every few hundred steps: the same call goes on there, bit for bit on a CPU.
            device: Where to train.
            callback: Called with (step, progress) after every step.
            **options: Fields of `Recipe`: noise, steps, batch, size, rate, precision, held_out, seed.

        Returns:
            This denoiser, with the best weights.

        Raises:
            DataError: The data cannot be read, pairs do not match, or the folder holds another training.
            OptionError: An option makes no sense.
            RangeError: The noise makes no sense.
            TrainingError: The loss became NaN or infinite; the network has the last good weights.

        Example:
            >>> from undula.nets import UNet
            >>> pictures = torch.rand(4, 1, 32, 32)
            >>> kind = UNet(widths=(4, 6), blocks=(1, 1))
            >>> denoiser = Denoiser().fit(pictures, network=kind, noise=0.1, steps=2, batch=2, size=16)
            >>> denoiser.facts["training"]["steps"]
            2
        """
        if isinstance(network, str):
            options["network"], network = network, None
        if isinstance(loss, str):
            options["loss"], loss = loss, None
        recipe = _recipe(options)
        pictures = read_training_data(data, channels=channels)
        done, facts = train_network(
            pictures, recipe, network=network, loss=loss, folder=folder, device=device, callback=callback
        )
        self.network, self.facts = done.network.eval(), facts
        if self.noise_level is None and pictures.noisy is None:
            self.noise_level = Denoiser.pretrained(1).noise_level  # white noise is white noise, whatever the pictures
        return self

    def transform(self, images: Any, *, sigma: Any = None, sharpness: float = 0.0, tile: int = TILE) -> Any:
        """Remove noise.

        Args:
            images: Images (h, w), (c, h, w) or (b, c, h, w) in [0, 1] but for their noise; a tensor or a NumPy array. Color
                goes through a grey network plane by plane, in an opponent color space that keeps white noise white.
            sigma: Standard deviation of the noise in image units (25/255), one for all or one per item; measured if None.
            sharpness: How far the sharpness dial is turned, 0…1.
            tile: Side of the tiles that larger pictures are cut into; memory grows with its square. Nothing but rounding
                depends on it.

        Returns:
            Images of the same shape, type and kind; not clipped.

        Raises:
            ShapeError: Channels that the network does not take.
            RangeError: Integers, 0…255, NaN, a noise level that makes no sense, or a sharpness outside 0…1.
            OptionError: Nothing was fitted yet, or a wrong `tile`.
        """
        check_sharpness(sharpness)
        given = read_images(images)
        network = self._ready(given.images)
        if tile < 32:
            raise OptionError(f"got tile={tile}, expected at least 32 pixels")
        levels = self.levels_of(given.images, sigma)
        clean = self._in_planes(network, given.images, levels, tile=tile)
        if sharpness:
            clean = self.dial_for(given.images, levels).transform(clean, sharpness=sharpness, sigma=levels)
        return given.back(clean)

    def estimate(self, images: Any) -> Float[Tensor, " n"]:
        """Measure the standard deviation of white noise in images.

        Args:
            images: As in `transform`, no side below 21 pixels.

        Returns:
            One level per item, in image units.

        Raises:
            ShapeError: An image is too small.
            OptionError: This denoiser cannot measure noise.
        """
        return self.levels_of(read_images(images).images, None)

    @torch.inference_mode()
    def levels_of(self, images: Float[Tensor, "b c h w"], sigma: Any) -> Float[Tensor, " b"]:
        """The noise level of each item, as said or as measured.

        Args:
            images: Images.
            sigma: What was said, or None.

        Returns:
            One level per item.
        """
        if sigma is not None:
            return read_sigma(sigma, count=len(images)).to(images.device)
        if "sigma" in self.facts:  # trained on pairs, whose noise nobody can measure but beside the clean ones
            return torch.full((len(images),), float(self.facts["sigma"]), device=images.device)
        if self.noise_level is None:
            raise OptionError("got no sigma, and this denoiser cannot measure noise, expected a level: sigma=25/255")
        measure = self.noise_level.to(images.device)
        return torch.cat([measure(_middle(one[None].float())) for one in images])

    def save(self, folder: str | Path, *, half: bool = False) -> Path:
        """Write `model.safetensors` and `config.json`.

        Args:
            folder: The folder; it is made if it is not there.
            half: Whether the weights are rounded to half precision, which halves the file.

        Returns:
            The folder.

        Raises:
            OptionError: Nothing was fitted yet.
            DataError: It cannot be written, or the network is none of Undula's.
        """
        networks: dict[str, nn.Module] = {"network": self._fitted()}
        if self.noise_level is not None:
            networks["noise"] = self.noise_level
        return write_model(folder, networks, self.facts, half=half)

    @classmethod
    def load(cls, folder: str | Path) -> "Denoiser":
        """Read what `save` wrote.

        Args:
            folder: The folder.

        Returns:
            The denoiser.

        Raises:
            DataError: A file is missing or damaged, of another version, or no denoiser.
        """
        networks, facts = read_model(folder)
        if "network" not in networks:
            raise DataError(f"got a model without a denoising network in {str(folder)!r}, expected one: train it")
        noise = networks.get("noise")
        return cls(networks["network"], noise_level=noise if isinstance(noise, NoiseLevel) else None, facts=facts)

    @classmethod
    def pretrained(cls, channels: Literal[1, 3] = 3) -> "Denoiser":
        """The denoiser that comes with Undula, for white Gaussian noise of 5/255 … 55/255.

        Args:
            channels: 1 for grey images, 3 for color.

        Returns:
            The denoiser; `facts` says what it was trained on and its licence.

        Raises:
            OptionError: Another number of channels.
        """
        if channels not in (1, 3):
            raise OptionError(f"got channels={channels}, expected 1 for grey or 3 for color")
        shipped = files("undula.jobs.denoise") / "weights"
        own = "color" if channels == 3 and (shipped / "color").is_dir() else "grey"
        with as_file(shipped / own) as folder:
            return cls.load(folder)

    def export(self, path: str | Path, *, size: tuple[int, int] = (256, 256)) -> Path:
        """Write the network as a program of `torch.export`, which runs without Undula.

        Args:
            path: The file, by custom `.pt2`.
            size: Height and width of the images that it will take, batches of any number.

        Returns:
            The file.

        Raises:
            OptionError: Nothing was fitted yet.
            DataError: It cannot be written.
        """
        network = self._fitted()
        image = torch.zeros(2, self._channels(), *size)
        count = torch.export.Dim("batch", min=1, max=4096)
        program = torch.export.export(network, (image, torch.zeros(2)), dynamic_shapes=({0: count}, {0: count}))
        file = Path(path)
        make_folder(file.parent)
        with reading(file, "a file that can be written"):
            torch.export.save(program, file)
        return file

    def _fitted(self) -> nn.Module:
        if self.network is None:
            raise OptionError("got a denoiser without a network, expected a trained one: fit it, or load one")
        return self.network

    def _channels(self) -> int:
        return int(getattr(self.network, "settings", {}).get("channels", 3))

    def _ready(self, images: Tensor) -> nn.Module:
        network = self._fitted()
        if images.shape[1] != self._channels() and (self._channels(), images.shape[1]) != (1, 3):
            kind = {1: "grey images", 3: "color images"}.get(self._channels(), f"{self._channels()} channels")
            raise ShapeError(
                f"got images with {images.shape[1]} channels, expected {kind}, for which this network was trained: "
                "take another one, or change the channels"
            )
        return network.to(images.device)

    def _in_planes(self, network: nn.Module, images: Tensor, levels: Tensor, *, tile: int) -> Tensor:
        """Color through a grey network plane by plane, anything else as it is."""
        if images.shape[1] == self._channels():
            return self._apply(network, images, levels, tile=tile)
        planes = to_opponent(images)
        done = self._apply(network, planes.reshape(-1, 1, *planes.shape[-2:]), levels.repeat_interleave(3), tile=tile)
        return from_opponent(done.reshape(planes.shape))

    @torch.inference_mode()
    def _apply(self, network: nn.Module, images: Tensor, levels: Tensor, *, tile: int) -> Tensor:
        """One item after the other where they are large, in one batch where they are small."""
        reach, multiple = getattr(network, "reach", None), getattr(network, "multiple", 1)
        group = max(1, tile**2 // (images.shape[-2] * images.shape[-1]))
        done = []
        for some, sigma in zip(torch.split(images, group), torch.split(levels, group), strict=True):
            apply = _with_level(network, sigma)
            done.append(in_tiles(apply, some.float(), tile=tile, reach=reach, multiple=multiple))
        return torch.cat(done).to(images.dtype)


def _recipe(options: dict[str, Any]) -> Recipe:
    known = [field.name for field in fields(Recipe)]
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, n=2, cutoff=0.4)
            hint = f": did you mean {' or '.join(near)}?" if near else ""
            raise OptionError(f"got the option {name!r}, expected one of {', '.join(known)}{hint}")
    return Recipe(**options)


def _with_level(network: nn.Module, sigma: Tensor) -> Callable[[Tensor], Tensor]:
    def apply(image: Tensor) -> Tensor:
        out: Tensor = network(image, sigma)
        return out

    return apply


def _middle(image: Tensor, most: int = 1024) -> Tensor:
    """The middle of a large picture: enough to measure noise."""
    height, width = image.shape[-2:]
    top, left = max(0, (height - most) // 2), max(0, (width - most) // 2)
    return image[..., top : top + most, left : left + most]
